//! What a policy meant when it was made: it has names, and the worker goes by them long afterwards. A name may be another column's
//! by then, and a table may have become an archive.

use super::{Criterion, Rule};
use crate::pg::{Attribute, Relation};
use crate::refusal::Refusal;
use logic::table_name::is_kept;
use pgrx::prelude::PgSqlErrorCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The table, and the numbers of the columns that the caller's expressions read, by the names that they had.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Meant {
    table: String,
    columns: BTreeMap<String, i16>,
}

impl Meant {
    /// What a rule means now. A framework's own columns are looked for by their names each time.
    pub fn now(relation: &Relation, criterion: &Criterion, rule: &Rule) -> Meant {
        let mut read = Vec::new();
        if rule.expires.is_some() {
            read.extend(criterion.value.columns());
        }
        if rule.filter.is_some() {
            read.extend(criterion.filter.iter().flat_map(|filter| &filter.columns));
        }
        let attributes = relation.attributes().into_iter();
        let columns = attributes.filter(|attribute| read.contains(&attribute.attnum));
        Meant {
            table: relation.name(),
            columns: columns
                .map(|attribute| (attribute.name, attribute.attnum))
                .collect(),
        }
    }
}

/// Refuses (55000) a policy whose names mean something else than when it was made.
pub(super) fn check_meant(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
) -> Result<(), Refusal> {
    let Some(meant) = &rule.meant else {
        return Ok(());
    };
    let name = relation.name();
    if is_kept(&name) && !is_kept(&meant.table) {
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("table \"{name}\" had another name when it was scheduled, and its name says that its rows are kept"),
        )
        .detail(format!("It was called \"{}\".", meant.table))
        .hint("If they are to be kept, call raw_clear_sessions_unschedule() for it; if not, schedule it again under this name."));
    }
    // One that has gone is missed where it is read.
    let is_another = |attribute: &&Attribute| {
        meant
            .columns
            .get(&attribute.name)
            .is_some_and(|number| *number != attribute.attnum)
    };
    match attributes.iter().find(is_another) {
        Some(attribute) => Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!(
                "column \"{}\" of table \"{name}\" is not the one that it was when the table was scheduled",
                attribute.name
            ),
        )
        .detail("The column of that name has been renamed or dropped since, and another one has its name.")
        .hint("Look at what raw_clear_sessions_preview() says of the table, and schedule it again by the column that is meant.")),
        None => Ok(()),
    }
}
