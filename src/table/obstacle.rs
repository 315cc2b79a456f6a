//! What would notice a DELETE: where one of these is in the way, rows may be removed by SQL only.
//!
//! The one list of them, for the engines that delete, for the rewrite and for the preview. Each says what it means for the
//! work in its own words.

use super::managed::managed_by;
use crate::pg::{self, Relation, RelationKind};
use crate::settings::{self, Engine};

/// Why rows cannot be removed behind SQL's back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The setting `engine` is sql.
    Setting,
    /// An extension, sepgsql for one, decides on rights in the executor.
    ExecutorChecks,
    /// Row-level security applies to the current role.
    RowSecurity,
    /// A rule rewrites DELETE.
    Rule,
    /// A trigger of that name fires on DELETE.
    Trigger(String),
    /// A foreign key points at the table.
    ForeignKey,
    /// The extension of that name spreads or splits the table.
    Managed(&'static str),
    /// It is a foreign table.
    ForeignTable,
    /// Its table access method is not heap.
    AccessMethod,
}

impl Obstacle {
    /// As the reason why SQL deletes.
    pub fn why(&self) -> String {
        match self {
            Obstacle::Setting => "the setting raw_clear_sessions.engine is sql".to_owned(),
            Obstacle::ExecutorChecks => "an extension checks rights in the executor".to_owned(),
            Obstacle::RowSecurity => "row-level security applies".to_owned(),
            Obstacle::Rule => "a rule rewrites DELETE".to_owned(),
            Obstacle::Trigger(name) => format!("trigger \"{name}\" fires on DELETE"),
            Obstacle::ForeignKey => "a foreign key points at it".to_owned(),
            Obstacle::Managed(extension) => {
                format!("the table is managed by the extension {extension}")
            }
            Obstacle::ForeignTable => "it is a foreign table".to_owned(),
            Obstacle::AccessMethod => "its table access method is not heap".to_owned(),
        }
    }
}

/// What belongs to the statement, and so to the table that it names.
///
/// ERROR 42501 where row security applies, but `row_security` is off.
pub fn of_statement(root: &Relation) -> Option<Obstacle> {
    if settings::engine() == Engine::Sql {
        return Some(Obstacle::Setting);
    }
    if pg::executor_checks_rights() {
        return Some(Obstacle::ExecutorChecks);
    }
    if pg::row_security_applies(root) {
        return Some(Obstacle::RowSecurity);
    }
    if root.has_delete_rule() {
        return Some(Obstacle::Rule);
    }
    if let Some(trigger) = root.delete_trigger(true) {
        return Some(Obstacle::Trigger(trigger.name));
    }
    managed_by(root).map(Obstacle::Managed)
}

/// What belongs to a leaf, by whatever name it is reached.
pub fn of_leaf(leaf: &Relation) -> Option<Obstacle> {
    if leaf.kind() == RelationKind::ForeignTable {
        return Some(Obstacle::ForeignTable);
    }
    if !leaf.is_heap() {
        return Some(Obstacle::AccessMethod);
    }
    leaf.delete_trigger(false).map(|trigger| {
        if trigger.is_foreign_key {
            Obstacle::ForeignKey
        } else {
            Obstacle::Trigger(trigger.name)
        }
    })
}
