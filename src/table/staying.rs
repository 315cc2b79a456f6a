//! What a HINT says of columns that may keep a row of a table that no framework has made.

use super::columns::columns;
use super::criterion::Rule;
use crate::pg::{self, Attribute, Relation};
use logic::recognize::{Column, staying};

/// The columns that may keep a row past the best candidates' instants, and that the filter says nothing of; `length`: one that
/// is asked about already.
pub fn staying_unread(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
    best: &[&Column],
    length: Option<&str>,
) -> Vec<String> {
    let columns = columns(attributes);
    let ends: Vec<_> = best.iter().map(|column| &column.name[..]).collect();
    let filter = rule.filter.as_deref();
    let read = filter.and_then(|filter| pg::analyze(relation, filter, true, true).ok());
    let read = read.map_or(Vec::new(), |filter| filter.columns);
    let is_read = |name: &str| {
        let mut attributes = attributes.iter();
        let attribute = attributes.find(|attribute| attribute.name == name);
        attribute.is_some_and(|attribute| read.contains(&attribute.attnum))
    };
    staying(&columns, &ends)
        .into_iter()
        .map(|column| column.name.clone())
        .filter(|name| length != Some(name) && !is_read(name))
        .collect()
}

/// What is said of columns that may keep a row; nothing where there are none.
pub fn may_stay(columns: &[String]) -> String {
    if columns.is_empty() {
        return String::new();
    }
    let quoted: Vec<_> = columns.iter().map(|name| format!("\"{name}\"")).collect();
    format!(
        " A row may be meant to stay by {}: say by a filter that reads it which rows may go.",
        quoted.join(", ")
    )
}
