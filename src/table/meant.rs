//! What a rule's names meant when it was said: a policy goes by them long afterwards, and a run in each of its batches. A name may
//! be another column's by then, and a table may have become an archive.

use super::{Criterion, Rule};
use crate::pg::{self, Attribute, Definition, Definitions, References, Relation};
use crate::refusal::Refusal;
use logic::framework::Lifetime;
use logic::recognize::doubts_of_name;
use pgrx::prelude::PgSqlErrorCode;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The table's name, and the numbers of the columns that are read, by the names that they had.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Names {
    schema: String,
    table: String,
    /// What the caller's expressions read: all columns where one of them reads the whole row.
    columns: BTreeMap<String, i16>,
    whole_row: bool,
    /// What is read because the framework does.
    framework: BTreeMap<String, i16>,
    /// What the framework's instant is, from which on `keep` counts; `None` where the caller named what expires.
    instant: Option<String>,
    /// All columns, in the order of their numbers: by that it is seen whether those of a restored table are the same.
    layout: Vec<String>,
    /// The tables that the rule names, by their oids, in order: two may have swapped their names.
    tables: Vec<u32>,
    objects: Objects,
    /// The condition that holds because the framework's column is what says when a row expires.
    condition: Option<String>,
    /// The children whose rows might have been meant to stay by then, by their oids; `None` where those are another database's, and
    /// for a run.
    doubtful_children: Option<BTreeSet<u32>>,
    /// By it, the worker's last run was refused.
    #[serde(default)]
    refused: bool,
    /// Since a run has begun, not since a policy was made.
    #[serde(skip)]
    of_run: bool,
}

/// What is remembered of a rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Meant {
    Names(Box<Names>),
    /// Nothing that [`Meant::of_policy`] has made.
    Unreadable(serde_json::Value),
}

impl Meant {
    /// What a rule means now, in spite of these children, for a policy.
    pub fn of_policy(
        relation: &Relation,
        criterion: &Criterion,
        rule: &Rule,
        doubtful_children: BTreeSet<u32>,
    ) -> Meant {
        let names = Names::now(relation, criterion, rule);
        Meant::Names(Box::new(Names {
            objects: names.objects.with_definitions(criterion),
            doubtful_children: Some(doubtful_children),
            ..names
        }))
    }

    /// The same, for a run that has begun.
    pub fn of_run(relation: &Relation, criterion: &Criterion, rule: &Rule) -> Meant {
        Meant::Names(Box::new(Names {
            of_run: true,
            ..Names::now(relation, criterion, rule)
        }))
    }

    /// Whether the worker's last run was refused by it.
    pub fn is_refused(&self) -> bool {
        matches!(self, Meant::Names(names) if names.refused)
    }

    /// The children in spite of which it was meant, where that is known.
    pub(super) fn doubtful_children(&self) -> Option<&BTreeSet<u32>> {
        match self {
            Meant::Names(names) => names.doubtful_children.as_ref(),
            Meant::Unreadable(_) => None,
        }
    }
}

/// The numbers of the columns that a rule reads: because its caller names them, and because the framework does.
fn read(criterion: &Criterion, rule: &Rule) -> (Vec<i16>, Vec<i16>) {
    let (mut named, mut own) = (Vec::new(), Vec::new());
    let by_value = if rule.expires.is_some() {
        &mut named
    } else {
        &mut own
    };
    by_value.extend(criterion.value.columns());
    let by_filter = if rule.filter.is_some() {
        &mut named
    } else {
        &mut own
    };
    by_filter.extend(criterion.filter.iter().flat_map(|filter| &filter.columns));
    (named, own)
}

/// In words that stay: they are in policies.
fn instant(criterion: &Criterion) -> Option<String> {
    let instant = match criterion.framework?.lifetime {
        Lifetime::Absolute => "end",
        Lifetime::SinceLastActivity => "last use",
        Lifetime::SinceCreation => "creation",
        Lifetime::SinceStoredEnd => "stored end",
    };
    Some(instant.to_owned())
}

fn tables(criterion: &Criterion) -> Vec<u32> {
    let tables = criterion.references().flat_map(|named| &named.tables);
    tables.copied().map(u32::from).collect()
}

/// What else it refers to than tables and columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Objects {
    /// The server's, which pg_upgrade makes anew, as well as functions and collations.
    system_identifier: u64,
    /// The rule has come to another database, by a dump or as a copy.
    moved: bool,
    /// All of them, in order, and the names that it makes of values, in words that are the database's.
    named: Vec<String>,
    names: BTreeSet<String>,
    /// What each of them is, in any database; `None` where that cannot be told, and for a run.
    definitions: Option<Definitions>,
}

impl Objects {
    fn now(criterion: &Criterion) -> Objects {
        let referred = || criterion.references().map(|to| &to.objects);
        Objects {
            system_identifier: pg::system_identifier(),
            moved: false,
            named: referred().flat_map(|to| &to.named).cloned().collect(),
            names: referred().flat_map(|to| &to.names).cloned().collect(),
            definitions: None,
        }
    }

    fn with_definitions(self, criterion: &Criterion) -> Objects {
        Objects {
            definitions: definitions(criterion),
            ..self
        }
    }

    /// Whether they still are what they were, where that can be told; of values, names that are new mean nothing.
    fn are_still(&self, criterion: &Criterion) -> Option<bool> {
        let now = Objects::now(criterion);
        if !self.moved && self.system_identifier == now.system_identifier {
            return Some(self.named == now.named && pg::names_are_still(&self.names, &now.names));
        }
        let (meant, now) = (self.definitions.as_ref()?, definitions(criterion)?);
        let mut by_name = now.by_name.iter();
        let is_there = |meant: &Definition| by_name.any(|now| is_still(meant, now));
        let is_same = |(meant, now): (&Definition, &Definition)| is_still(meant, now);
        Some(
            meant.named.len() == now.named.len()
                && meant.named.iter().zip(&now.named).all(is_same)
                && meant.by_name.iter().all(is_there),
        )
    }
}

fn definitions(criterion: &Criterion) -> Option<Definitions> {
    let mut all = Definitions::default();
    for to in criterion.references() {
        let definitions = to.objects.definitions()?;
        all.named.extend(definitions.named);
        all.by_name.extend(definitions.by_name);
    }
    Some(all)
}

/// Whether it is the same, maybe with labels or attributes that have come since, behind the others: before them may be one that was
/// renamed, and has a new one of its name.
fn is_still(meant: &Definition, now: &Definition) -> bool {
    let kind = meant.first().map_or("", String::as_str);
    match kind {
        "labels" | "attributes" => now.starts_with(meant),
        _ => meant == now,
    }
}

fn refuse(message: String) -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message,
    )
    .of_meaning()
}

/// Refuses (55000) a rule whose names have come to mean something else; to be called before they are looked up.
pub(super) fn check_names(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
) -> Result<(), Refusal> {
    match &rule.meant {
        Some(Meant::Names(names)) if names.refused && names.objects.moved => Err(refuse(format!(
            "what the rule for table \"{}\" names had become something else before the table was restored",
            relation.name()
        ))
        .detail("In the database that the policy comes from, it was refused for that.")
        .hint(names.again("by the names that are meant"))),
        Some(Meant::Names(names)) => {
            names.check_table(relation)?;
            names.check_columns(relation, attributes)
        }
        Some(Meant::Unreadable(_)) => Err(refuse(format!(
            "cannot read what was remembered of table \"{}\" when it was scheduled",
            relation.name()
        ))
        .detail("The column \"meant\" of the table of policies has been written by something else.")
        .hint("Schedule the table again.")),
        None => Ok(()),
    }
}

/// The same of tables that the rule names, of what `keep` counts from, and of columns that are read because the framework's are
/// called so. That a migration has made one of them anew is not told from another column that has come to the name.
pub(super) fn check_what_was_found(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
    criterion: &Criterion,
) -> Result<(), Refusal> {
    let Some(Meant::Names(names)) = &rule.meant else {
        return Ok(());
    };
    let another = |what: &str| {
        refuse(format!(
            "a{what} that the rule for table \"{}\" names is not the one that it was {}",
            relation.name(),
            names.since()
        ))
        .detail("What had that name has been renamed or dropped since, and another one has it, or there is none.")
        .hint(names.again("by the names that are meant"))
    };
    if names.tables != tables(criterion) {
        return Err(another(" table"));
    }
    match names.objects.are_still(criterion) {
        Some(true) => {}
        Some(false) => return Err(another("n object")),
        None => {
            return Err(refuse(format!(
                "cannot tell whether the objects that the rule for table \"{}\" names are those that they were {}",
                relation.name(),
                names.since()
            ))
            .detail("The table has been restored, and one of them is known by its name only.")
            .hint(names.again("by the names that are meant")));
        }
    }
    if let Some(condition) = &names.condition
        && criterion.condition_of_framework != Some(condition)
    {
        return Err(refuse(format!(
            "table \"{}\" is not the framework's any more that it was {}",
            relation.name(),
            names.since()
        ))
        .detail(format!(
            "Of the framework's table, only rows go with {condition}."
        ))
        .hint(names.again("by a filter that says which rows may go")));
    }
    if let (Some(meant), Some(now)) = (&names.instant, instant(criterion))
        && *meant != now
    {
        return Err(refuse(format!(
            "table \"{}\" is another framework's than {}",
            relation.name(),
            names.since()
        ))
        .detail(format!(
            "How long a row is kept counted from its {meant}, and would count from its {now}."
        ))
        .hint(names.again("by what keep means now")));
    }
    let (_, own) = read(criterion, rule);
    // By its name, too: two of them may have swapped theirs.
    let is_same = |name: &str, number: i16| {
        let is_it = |one: &Attribute| one.attnum == number && one.name == name;
        own.contains(&number) && attributes.iter().any(is_it)
    };
    let mut meant = names.framework.iter();
    match meant.find(|(name, number)| !is_same(name, **number)) {
        Some((name, number)) => Err(names.another_column(relation, attributes, name, *number)),
        None => Ok(()),
    }
}

/// Refuses (55000) to go on where what a rule names has become something else since a criterion was made of it, in the same
/// transaction: each statement looks the names up, and no lock keeps them.
pub fn check_still_meant(
    relation: &Relation,
    rule: &Rule,
    criterion: &Criterion,
) -> Result<(), Refusal> {
    if criterion.references().all(References::is_empty) {
        return Ok(());
    }
    let now = Criterion::resolve_at(relation, rule, criterion.now)?;
    let mut both = criterion.references().zip(now.references());
    if both.all(|(meant, now)| meant.are_still(now)) {
        return Ok(());
    }
    Err(refuse(format!(
        "what the rule for table \"{}\" names has become something else meanwhile",
        relation.name()
    ))
    .detail("An object that it names has been renamed or dropped while rows were looked for.")
    .hint("Look at what raw_clear_sessions_preview() says of the table, and call again."))
}

impl Names {
    fn now(relation: &Relation, criterion: &Criterion, rule: &Rule) -> Names {
        let attributes = relation.attributes();
        let (columns, framework) = read(criterion, rule);
        let whole_row = columns.contains(&0);
        let numbers = |is_read: &dyn Fn(i16) -> bool| {
            let read = attributes
                .iter()
                .filter(|attribute| is_read(attribute.attnum));
            read.map(|attribute| (attribute.name.clone(), attribute.attnum))
                .collect()
        };
        Names {
            schema: relation.schema(),
            table: relation.name(),
            columns: numbers(&|number| whole_row || columns.contains(&number)),
            whole_row,
            framework: numbers(&|number| framework.contains(&number)),
            instant: instant(criterion),
            layout: attributes
                .iter()
                .map(|attribute| attribute.name.clone())
                .collect(),
            tables: tables(criterion),
            objects: Objects::now(criterion),
            condition: criterion.condition_of_framework.map(str::to_owned),
            doubtful_children: None,
            refused: false,
            of_run: false,
        }
    }

    fn since(&self) -> &'static str {
        if self.of_run {
            "when the run began"
        } else {
            "when the table was scheduled"
        }
    }

    fn check_table(&self, relation: &Relation) -> Result<(), Refusal> {
        let name = relation.name();
        let before: Vec<_> = doubts_of_name(&self.schema, &self.table).collect();
        let mut doubts = doubts_of_name(&relation.schema(), &name);
        let hint = if self.of_run {
            "If its rows may go, clear it again under this name."
        } else {
            "If its rows are to be kept, call raw_clear_sessions_unschedule() for it; if not, schedule it again under this name."
        };
        match doubts.find(|doubt| !before.contains(doubt)) {
            Some(doubt) => Err(refuse(format!(
                "table \"{name}\" had another name {}, and {}",
                self.since(),
                doubt.reason()
            ))
            .detail(format!("It was called \"{}.{}\".", self.schema, self.table))
            .hint(hint)),
            None => Ok(()),
        }
    }

    fn check_columns(&self, relation: &Relation, attributes: &[Attribute]) -> Result<(), Refusal> {
        for (name, number) in &self.columns {
            match attributes.iter().find(|attribute| attribute.name == *name) {
                Some(attribute) if attribute.attnum == *number => {}
                // Where it is read by its name, it is missed there.
                None if !self.whole_row => {}
                _ => return Err(self.another_column(relation, attributes, name, *number)),
            }
        }
        Ok(())
    }

    /// `number`: of the column that was meant.
    fn another_column(
        &self,
        relation: &Relation,
        attributes: &[Attribute],
        name: &str,
        number: i16,
    ) -> Refusal {
        let has = |is_it: &dyn Fn(&&Attribute) -> bool| attributes.iter().find(is_it);
        let (table, since) = (relation.name(), self.since());
        let message = match has(&|attribute| attribute.name == name) {
            Some(_) if number == 0 => format!(
                "cannot tell whether column \"{name}\" of table \"{table}\" is the one that it was {since}"
            ),
            Some(_) => {
                format!("column \"{name}\" of table \"{table}\" is not the one that it was {since}")
            }
            None => {
                format!("column \"{name}\" of table \"{table}\", which was there {since}, has gone")
            }
        };
        let detail = match has(&|attribute| attribute.attnum == number) {
            Some(now) => format!("The one that was meant is called \"{}\" now.", now.name),
            None if number == 0 => {
                "The table has been restored, and its columns are not those that it had: which one was meant is not known.".to_owned()
            }
            None => "The one that was meant has been dropped.".to_owned(),
        };
        refuse(message)
            .detail(detail)
            .hint(self.again("by the column that is meant"))
    }

    fn again(&self, how: &str) -> String {
        let again = if self.of_run { "clear" } else { "schedule" };
        format!(
            "Look at what raw_clear_sessions_preview() says of the table, and {again} it again {how}."
        )
    }
}
