//! Which tables a call means, with whose rights, and how each is cleared.
//!
//! The order of the checks is that of PostgreSQL's own maintenance functions: recovery and transaction, arguments, lock,
//! kind of relation, the caller's rights, and only then what the rule means for its columns.

mod caller;
mod checked;
mod children;
mod columns;
mod count;
mod criterion;
mod hypertable;
mod lifetimes;
mod managed;
mod meant;
mod memory;
mod misread;
mod named;
pub mod obstacle;
pub mod place;
mod plan;
mod planner;
mod plausible;
mod requirements;
mod row_security;
mod shards;
mod staying;

pub use caller::{Caller, Function, call, parameter};
pub use checked::{Checked, Purpose};
pub use children::{check_children, check_unchanged, doubtful_children, doubtful_oids};
pub use columns::{TO_BE_FILLED_IN, and_to_be_filled_in, column_type_of, columns, is_expiry};
pub use count::{Count, Counts, count, oldest_expired, sample_fraction};
pub use criterion::{Criterion, Rule, Value};
pub use managed::{CITUS, citus_can_be_asked, managed_by};
pub use meant::{Meant, check_still_meant};
pub use memory::{Memory, Opened, Part, What};
pub use plan::{Leaf, Method, Pass, Plan, Target};
pub use planner::{
    estimate_all, estimate_all_leaves, estimate_expired, estimate_leaves, estimate_live_leaves,
};
pub use requirements::find_zone;
pub use row_security::{RowSecurity, hides_rows_from_owner};
pub use shards::{
    KeyColumn, Node, Shard, Size, Spread, is_shard_of, key_column, read_apart, shards, size, spread,
};

use crate::pg::{self, LockMode, Privilege, Relation, RelationKind, TableGuard};
use crate::refusal::Refusal;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;

/// Opens the table that the caller named, for a clearing or (`LockMode::AccessShare`) for a preview: the first step to
/// [`Checked`].
///
/// Refuses what is not a table with rows of its own or of its partitions (42809), a system catalog and a table without
/// the caller's DELETE privilege (42501), another session's temporary table (0A000), one that does not exist (42P01).
pub fn open(table: Option<pg_sys::Oid>, lock: LockMode) -> Result<Relation, Refusal> {
    let oid = table_oid(table)?;
    let relation = Relation::open(oid, lock).ok_or_else(|| {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE,
            format!("relation with OID {} does not exist", u32::from(oid)),
        )
        .hint("The table may have been dropped in the meantime.")
    })?;
    check_kind(&relation)?;
    check_owner_acted_for(&relation)?;
    if lock != LockMode::AccessShare {
        check_may_delete(&relation)?;
    }
    Ok(relation)
}

/// Refuses (55006) where the worker acts for an owner who has lost the table before it was locked.
fn check_owner_acted_for(relation: &Relation) -> Result<(), Refusal> {
    if pg::acts_for_its_owner(relation) {
        return Ok(());
    }
    Err(Refusal::new(
        PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
        format!("table \"{}\" has just got another owner", relation.name()),
    )
    .hint("It will be cleared as the new owner, the next time."))
}

/// The oid that the caller passed; refuses NULL (22004).
pub fn table_oid(table: Option<pg_sys::Oid>) -> Result<pg_sys::Oid, Refusal> {
    table.ok_or_else(|| {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "table must not be NULL",
        )
        .hint("Name the table that holds the sessions, for example 'django_session'.")
    })
}

fn check_kind(relation: &Relation) -> Result<(), Refusal> {
    if relation.is_system_catalog() {
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!(
                "permission denied: \"{}\" is a system catalog",
                relation.name()
            ),
        )
        .hint("Name the table that holds the sessions."));
    }
    if relation.is_own() {
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
            format!(
                "cannot clear relation \"{}\", which belongs to this extension",
                relation.name()
            ),
        )
        .hint(
            "The worker removes old runs by itself: see the setting raw_clear_sessions.history.",
        ));
    }
    let kind = match relation.kind() {
        RelationKind::Table | RelationKind::PartitionedTable | RelationKind::ForeignTable => {
            check_not_columnar(relation)?;
            return check_not_other_temporary(relation);
        }
        RelationKind::View => "views",
        RelationKind::MaterializedView => "materialized views",
        RelationKind::Index => "indexes",
        RelationKind::PartitionedIndex => "partitioned indexes",
        RelationKind::Sequence => "sequences",
        RelationKind::CompositeType => "composite types",
        RelationKind::ToastTable => "TOAST tables",
        RelationKind::Other => "relations of this kind",
    };
    Err(Refusal::new(
        PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
        format!("cannot clear relation \"{}\"", relation.name()),
    )
    .detail(format!("This operation is not supported for {kind}."))
    .hint("Name the table that holds the sessions."))
}

fn check_not_columnar(relation: &Relation) -> Result<(), Refusal> {
    let may_be = relation.kind() == RelationKind::Table && !relation.is_heap();
    if !may_be || !shards::is_columnar(relation) {
        return Ok(());
    }
    Err(Refusal::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!("cannot delete from columnar table \"{}\"", relation.name()),
    )
    .detail("Citus' columnar storage only takes rows, and keeps them.")
    .hint(
        "Sessions belong into an ordinary table; alter_table_set_access_method() makes one of it.",
    ))
}

fn check_not_other_temporary(relation: &Relation) -> Result<(), Refusal> {
    if relation.is_other_temporary() {
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            "cannot access temporary tables of other sessions",
        )
        .hint("Only the session that created the table can clear it."));
    }
    Ok(())
}

fn check_may_delete(relation: &Relation) -> Result<(), Refusal> {
    if !relation.is_temporary() {
        pg::prevent_in_read_only(c"raw_clear_sessions()");
    }
    // A statement would not find it.
    if !pg::may_use_schema(relation) {
        let (schema, role) = (pg::quote_identifier(&relation.schema()), pg::current_role());
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("permission denied for schema {}", relation.schema()),
        )
        .hint(format!("GRANT USAGE ON SCHEMA {schema} TO {role};")));
    }
    if !pg::has_privilege(relation, Privilege::Delete) {
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("permission denied for table {}", relation.name()),
        )
        .hint(format!(
            "Deleting needs the privileges DELETE and SELECT: GRANT SELECT, DELETE ON {} TO {};",
            relation.qualified_name(),
            pg::current_role()
        )));
    }
    Ok(())
}

/// Refuses (42501) where the caller may not read a column that the rule looks at.
fn check_may_read(relation: &Relation, criterion: &Criterion) -> Result<(), Refusal> {
    if criterion
        .columns()
        .iter()
        .all(|attnum| pg::has_column_privilege(relation, *attnum, Privilege::Select))
    {
        return check_may_call(criterion);
    }
    Err(Refusal::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("permission denied for table {}", relation.name()),
    )
    .detail("The rule reads columns that you have no SELECT privilege on.")
    .hint(format!(
        "GRANT SELECT ON {} TO {};",
        relation.qualified_name(),
        pg::current_role()
    )))
}

/// Refuses (42501) a rule with a function that the caller may not call: no row is to be blamed for that.
fn check_may_call(criterion: &Criterion) -> Result<(), Refusal> {
    let mut functions = criterion.references().flat_map(|to| to.objects.functions());
    let Some(function) = functions.find(|function| !pg::may_execute(*function)) else {
        return Ok(());
    };
    let name = pg::function_name(function);
    Err(Refusal::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("permission denied for function {name}"),
    )
    .detail("The rule calls it, by its name, an operator or a cast.")
    .hint(format!(
        "GRANT EXECUTE ON FUNCTION {name} TO {};",
        pg::current_role()
    )))
}

/// Refuses (55P03) while another session is clearing the same table; otherwise keeps others from it until the
/// transaction ends.
fn lock_against_others(relation: &Relation) -> Result<(), Refusal> {
    if pg::try_guard_in_transaction(relation.oid()) {
        return Ok(());
    }
    Err(being_cleared(relation))
}

/// The same for as long as the guard lives, over any number of transactions.
pub fn guard(relation: &Relation) -> Result<TableGuard, Refusal> {
    TableGuard::try_acquire(relation.oid()).ok_or_else(|| being_cleared(relation))
}

fn being_cleared(relation: &Relation) -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE,
        format!(
            "table \"{}\" is being cleared by another session",
            relation.name()
        ),
    )
    .hint("Two clearings of one table never run at the same time. Try again when the other has finished: pg_locks shows it as the lock of type object on the table.")
    .of_another_clearing()
}
