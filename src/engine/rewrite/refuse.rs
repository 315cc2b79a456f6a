//! Which tables are not rewritten: those where something has to be told of each deleted row (a trigger, a subscriber).

use crate::pg::{self, FileNode, LockMode, Relation};
use crate::refusal::Refusal;
use crate::table::Criterion;
use crate::table::obstacle::{self, Obstacle};
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;

const DELETE_INSTEAD: &str =
    "Delete the rows instead: raw_clear_sessions() or raw_clear_sessions_in_batches().";

/// Why the table, as a whole or for one of its leaves, is not rewritten; for the preview.
pub fn why_not(root: &Relation, criterion: &Criterion) -> Option<Refusal> {
    check_table(root)
        .and_then(|()| check_leaves(&pg::leaves(root, LockMode::AccessShare), root, criterion))
        .err()
}

/// What is in the way, as the reason why the table is not rewritten.
fn because(name: &str, obstacle: &Obstacle) -> Refusal {
    let reason = match obstacle {
        Obstacle::Setting | Obstacle::ExecutorChecks => {
            return not_in_this_state(format!(
                "cannot rewrite table \"{name}\": deletions have to pass the executor"
            ))
            .detail(
                "The setting raw_clear_sessions.engine is sql, or an extension checks rights in the executor.",
            )
            .hint(DELETE_INSTEAD);
        }
        Obstacle::RowSecurity => "row-level security applies to you".to_owned(),
        Obstacle::Managed(extension) => format!("it is managed by the extension {extension}"),
        Obstacle::Rule
        | Obstacle::Trigger(_)
        | Obstacle::ForeignKey
        | Obstacle::ForeignTable
        | Obstacle::AccessMethod => obstacle.why(),
    };
    unsupported(format!("cannot rewrite table \"{name}\" because {reason}"))
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
    check_owner(root.oid())?;
    match obstacle::of_statement(root) {
        Some(obstacle) => Err(because(&root.name(), &obstacle)),
        None => Ok(()),
    }
}

/// Refuses what holds for one of the leaves.
pub fn check_leaves(
    leaves: &[Relation],
    root: &Relation,
    criterion: &Criterion,
) -> Result<(), Refusal> {
    for leaf in leaves {
        check_leaf(leaf)?;
        check_rows(leaf, root, criterion)?;
    }
    match leaves.iter().find(|leaf| leaf.is_permanent()) {
        Some(leaf) => check_slots(&leaf.name()),
        None => Ok(()),
    }
}

fn check_leaf(leaf: &Relation) -> Result<(), Refusal> {
    let name = leaf.name();
    let obstacle = obstacle::of_leaf(leaf);
    if let Some(obstacle @ (Obstacle::ForeignTable | Obstacle::AccessMethod)) = &obstacle {
        return Err(because(&name, obstacle));
    }
    check_owner(leaf.oid())?;
    if let Some(obstacle) = obstacle {
        return Err(because(&name, &obstacle));
    }
    check_not_published(leaf)
}

/// Each leaf is looked at by itself: a row of it as a whole has its columns, which may be more than those of the table that was
/// named, or in another order.
fn check_rows(leaf: &Relation, root: &Relation, criterion: &Criterion) -> Result<(), Refusal> {
    if leaf.oid() == root.oid() || !criterion.columns().contains(&0) {
        return Ok(());
    }
    Err(unsupported(format!(
        "cannot rewrite table \"{}\" because whole rows of table \"{}\" are read",
        leaf.name(),
        root.name()
    )))
}

/// Rows that are left out of a new heap are not decoded.
fn check_not_published(leaf: &Relation) -> Result<(), Refusal> {
    if pg::publishes_deletes(leaf) {
        return Err(not_in_this_state(format!(
            "cannot rewrite table \"{}\" because its deletes are published",
            leaf.name()
        ))
        .detail("Subscribers would keep the expired rows.")
        .hint(DELETE_INSTEAD));
    }
    Ok(())
}

/// Refuses what has come to be published since the tables were locked, which is possible in spite of the lock: each that has
/// still this file. What a savepoint has taken back has not.
pub fn check_still_not_published(rewritten: &[(pg_sys::Oid, FileNode)]) -> Result<(), Refusal> {
    pg::read_invalidations();
    for (oid, file) in rewritten {
        if let Some(leaf) = Relation::open_if_free(*oid, LockMode::AccessShare)
            && leaf.file() == *file
        {
            check_not_published(&leaf)?;
        }
        pgrx::check_for_interrupts!();
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
    let slots: Vec<()> = pg::query(
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
    .detail("The reader of the slot would not be told of the expired rows.")
    .hint(DELETE_INSTEAD))
}
