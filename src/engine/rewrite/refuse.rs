//! Which tables are not rewritten: those where somebody would have to hear of each deleted row.

use crate::pg::{self, LockMode, Relation, RelationKind};
use crate::refusal::Refusal;
use crate::settings::{self, Engine};
use crate::target::managed_by;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;

const DELETE_INSTEAD: &str =
    "Delete the rows instead: raw_clear_sessions() or raw_clear_sessions_in_batches().";

/// Why the table, as a whole or for one of its leaves, is not rewritten; for the preview.
pub fn why_not(root: &Relation) -> Option<Refusal> {
    check_table(root)
        .and_then(|()| check_leaves(&pg::leaves(root, LockMode::AccessShare)))
        .err()
}

fn unsupported(message: String) -> Refusal {
    Refusal::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, message).hint(DELETE_INSTEAD)
}

fn not_in_this_state(message: String) -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        message,
    )
}

/// Refuses what holds for the table that the caller named, as it does for a DELETE that names it.
pub fn check_table(root: &Relation) -> Result<(), Refusal> {
    let name = root.name();
    check_owner(root.oid())?;
    if settings::engine() == Engine::Sql || pg::executor_checks_rights() {
        return Err(not_in_this_state(format!(
            "cannot rewrite table \"{name}\": deletions have to pass the executor"
        ))
        .detail(
            "The setting raw_clear_sessions.engine is sql, or an extension checks rights in the executor.",
        )
        .hint(DELETE_INSTEAD));
    }
    if pg::row_security_applies(root) {
        return Err(unsupported(format!(
            "cannot rewrite table \"{name}\" because row-level security applies to you"
        )));
    }
    if root.has_delete_rule() {
        return Err(unsupported(format!(
            "cannot rewrite table \"{name}\" because a rule rewrites DELETE"
        )));
    }
    if let Some(trigger) = root.delete_trigger(true) {
        return Err(fires(&name, &trigger.name));
    }
    if let Some(extension) = managed_by(root) {
        return Err(unsupported(format!(
            "cannot rewrite table \"{name}\" because it is managed by the extension {extension}"
        )));
    }
    Ok(())
}

fn fires(table: &str, trigger: &str) -> Refusal {
    unsupported(format!(
        "cannot rewrite table \"{table}\" because trigger \"{trigger}\" fires on DELETE"
    ))
}

/// Refuses what holds for one of the leaves.
pub fn check_leaves(leaves: &[Relation]) -> Result<(), Refusal> {
    for leaf in leaves {
        check_leaf(leaf)?;
    }
    match leaves.iter().find(|leaf| leaf.is_permanent()) {
        Some(leaf) => check_slots(&leaf.name()),
        None => Ok(()),
    }
}

fn check_leaf(leaf: &Relation) -> Result<(), Refusal> {
    let name = leaf.name();
    if leaf.kind() == RelationKind::ForeignTable {
        return Err(unsupported(format!(
            "cannot rewrite table \"{name}\" because it is a foreign table"
        )));
    }
    if !leaf.is_heap() {
        return Err(unsupported(format!(
            "cannot rewrite table \"{name}\" because its table access method is not heap"
        )));
    }
    check_owner(leaf.oid())?;
    if let Some(trigger) = leaf.delete_trigger(false) {
        if trigger.is_foreign_key {
            return Err(unsupported(format!(
                "cannot rewrite table \"{name}\" because a foreign key points at it"
            )));
        }
        return Err(fires(&name, &trigger.name));
    }
    // Rows that are left out of a new heap are not decoded.
    if pg::publishes_deletes(leaf) {
        return Err(not_in_this_state(format!(
            "cannot rewrite table \"{name}\" because its deletes are published"
        ))
        .detail("Subscribers would keep the expired rows.")
        .hint(DELETE_INSTEAD));
    }
    Ok(())
}

/// Refuses (42501) where the current role does not own the table.
pub fn check_owner(table: pg_sys::Oid) -> Result<(), Refusal> {
    if pg::owns(table) {
        return Ok(());
    }
    Err(Refusal::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("must be owner of table {}", pg::name_unlocked(table)),
    )
    .hint("Rewriting is for the table's owner, as VACUUM FULL is. Deleting needs SELECT and DELETE: raw_clear_sessions()."))
}

/// Refuses (55000) where this database has a logical slot whose output plugin does not go by publications.
fn check_slots(name: &str) -> Result<(), Refusal> {
    let slots = pg::query(
        "SELECT FROM pg_catalog.pg_get_replication_slots() AS s \
         WHERE s.slot_type OPERATOR(pg_catalog.=) 'logical' AND s.plugin OPERATOR(pg_catalog.<>) 'pgoutput' \
         AND s.datoid OPERATOR(pg_catalog.=) (SELECT d.oid FROM pg_catalog.pg_database AS d \
         WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())",
        &[],
    );
    if slots.is_empty() {
        return Ok(());
    }
    Err(not_in_this_state(format!(
        "cannot rewrite table \"{name}\" because a logical replication slot decodes the changes of all tables"
    ))
    .detail("Who reads the slot would not hear of the expired rows.")
    .hint(DELETE_INSTEAD))
}
