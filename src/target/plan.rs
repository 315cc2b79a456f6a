//! Which engine clears which leaf, and why.
//!
//! The raw engine is for leaves where it cannot differ from SQL's DELETE. Where something belongs to the statement (row
//! security, rules, statement triggers, an expression), SQL gets the whole table in one statement; where it belongs to
//! a leaf (row triggers, foreign tables, other access methods), only that leaf, provided that naming the leaf means the
//! same as reaching it through its parent.

use super::managed::managed_by;
use super::planner::{Access, Estimate, estimate_expired};
use super::{Criterion, Value};
use crate::pg::{self, BtreeIndex, ExpiryTest, LockMode, Privilege, Relation, RelationKind};
use crate::settings::{self, Engine};
use pgrx::pg_sys;

/// How the raw engine finds the expired rows of a leaf.
#[derive(Debug)]
pub enum Pass {
    /// Reads the heap, block by block.
    Heap,
    /// Follows a btree index.
    Index(BtreeIndex),
}

/// What clears a leaf.
#[derive(Debug)]
pub enum Method {
    Raw {
        test: ExpiryTest,
        pass: Pass,
    },
    /// DELETE on this leaf only.
    Sql,
    /// The planner has proved that no row of it can be expired.
    Nothing,
}

/// One leaf, and how it is cleared. Holds across transactions; whoever uses it in another than that it was made in has
/// to see that nothing has changed.
#[derive(Debug)]
pub struct LeafPlan {
    pub oid: pg_sys::Oid,
    /// Qualified.
    pub name: String,
    pub is_heap: bool,
    /// The blocks that a pass over it reads; 0 where it is not read by blocks.
    pub blocks: u32,
    pub method: Method,
    /// Why not the raw engine, or why this pass.
    pub why: String,
    /// Expired rows, as the planner estimates them.
    pub rows: f64,
}

/// How a table is cleared.
#[derive(Debug)]
pub enum Plan {
    /// DELETE on the table that the caller named.
    Whole {
        why: String,
        /// All rows that the statement reaches are in heaps.
        heaps: bool,
    },
    /// Leaf by leaf.
    Leaves(Vec<LeafPlan>),
}

impl Plan {
    /// The blocks that are to be read, as far as they are known, and whether to read them is all that there is to do.
    pub fn blocks(&self) -> (u64, bool) {
        match self {
            Plan::Whole { heaps, .. } => (0, *heaps),
            Plan::Leaves(leaves) => (
                leaves.iter().map(|leaf| u64::from(leaf.blocks)).sum(),
                leaves.iter().all(LeafPlan::is_read_by_blocks),
            ),
        }
    }
}

impl LeafPlan {
    fn is_read_by_blocks(&self) -> bool {
        match &self.method {
            Method::Nothing => true,
            Method::Raw { pass, .. } => matches!(pass, Pass::Heap),
            Method::Sql => self.is_heap,
        }
    }
}

/// Decides. ERROR 42501 where row security applies, but `row_security` is off; 55000 where a leaf's deletes are
/// published, but it has no replica identity.
pub fn plan(root: &Relation, criterion: &Criterion, lock: LockMode) -> Plan {
    if let Some(why) = statement_needs_sql(root, criterion) {
        return whole(root, why, lock);
    }
    let relations = pg::leaves(root, lock);
    let estimate = estimate_expired(root, criterion).among(&relations);
    let Value::Column { name, .. } = &criterion.value else {
        unreachable!("an expression is SQL's");
    };
    let mut leaves = Vec::new();
    for relation in relations {
        let leaf = plan_leaf(&relation, root, name, criterion, &estimate);
        match leaf {
            Ok(leaf) => leaves.push(leaf),
            Err(why) => return whole(root, why, lock),
        }
    }
    Plan::Leaves(leaves)
}

fn whole(root: &Relation, why: String, lock: LockMode) -> Plan {
    let heaps = managed_by(root).is_none() && pg::leaves(root, lock).iter().all(Relation::is_heap);
    Plan::Whole { why, heaps }
}

/// Why the statement as a whole has to be SQL's.
fn statement_needs_sql(root: &Relation, criterion: &Criterion) -> Option<String> {
    if settings::engine() == Engine::Sql {
        return Some("the setting raw_clear_sessions.engine is sql".to_owned());
    }
    if matches!(criterion.value, Value::Expression { .. }) {
        return Some("expires is an expression".to_owned());
    }
    if criterion.filter.is_some() {
        return Some("there is a filter".to_owned());
    }
    if pg::executor_checks_rights() {
        return Some("an extension checks rights in the executor".to_owned());
    }
    if pg::row_security_applies(root) {
        return Some("row-level security applies".to_owned());
    }
    if root.has_delete_rule() {
        return Some("a rule rewrites DELETE".to_owned());
    }
    if let Some(trigger) = root.delete_trigger(true) {
        return Some(format!("trigger \"{}\" fires on DELETE", trigger.name));
    }
    managed_by(root).map(|extension| format!("the table is managed by the extension {extension}"))
}

/// Decides for one leaf; `Err` where SQL is needed, and has to go through the named table.
fn plan_leaf(
    leaf: &Relation,
    root: &Relation,
    column: &str,
    criterion: &Criterion,
    estimate: &Estimate,
) -> Result<LeafPlan, String> {
    let plan = |method, why, rows| LeafPlan {
        oid: leaf.oid(),
        name: leaf.qualified_name(),
        is_heap: leaf.is_heap(),
        blocks: match method {
            Method::Raw {
                pass: Pass::Heap, ..
            }
            | Method::Sql
                if leaf.is_heap() =>
            {
                leaf.blocks()
            }
            _ => 0,
        },
        method,
        why,
        rows,
    };
    let Some(access) = estimate.access(leaf) else {
        return Ok(plan(
            Method::Nothing,
            "the planner excludes it".to_owned(),
            0.0,
        ));
    };
    let attributes = leaf.attributes();
    let attribute = attributes
        .iter()
        .find(|attribute| attribute.name == column)
        .expect("a leaf has its parent's columns");
    let test = ExpiryTest::new(leaf, attribute.attnum, attribute.base_type, criterion.range);
    let needs_sql = leaf_needs_sql(leaf).or_else(|| {
        (test.is_none() || attribute.is_virtual).then(|| {
            format!(
                "column \"{column}\" of type {} is not stored with a fixed width",
                criterion.kind.sql_name()
            )
        })
    });
    let (method, why) = match (needs_sql, test) {
        (None, Some(test)) => {
            leaf.check_replica_identity();
            let (pass, why) = choose_pass(leaf, attribute.attnum, &access);
            (Method::Raw { test, pass }, why)
        }
        (why, _) => {
            let why = why.expect("without a test SQL is needed");
            if leaf.oid() == root.oid() || !means_the_same_directly(leaf, attribute.attnum) {
                return Err(why);
            }
            (Method::Sql, why)
        }
    };
    Ok(plan(method, why, access.rows))
}

/// Why a leaf has to be SQL's.
fn leaf_needs_sql(leaf: &Relation) -> Option<String> {
    if leaf.kind() == RelationKind::ForeignTable {
        return Some("it is a foreign table".to_owned());
    }
    if !leaf.is_heap() {
        return Some("its table access method is not heap".to_owned());
    }
    leaf.delete_trigger(false).map(|trigger| {
        if trigger.is_foreign_key {
            "a foreign key points at it".to_owned()
        } else {
            format!("trigger \"{}\" fires on DELETE", trigger.name)
        }
    })
}

/// Whether a DELETE that names the leaf does what one that reaches it through its parent does: rights, row security,
/// rules and statement triggers are those of the table that is named.
fn means_the_same_directly(leaf: &Relation, attnum: i16) -> bool {
    pg::has_privilege(leaf, Privilege::Delete)
        && pg::has_column_privilege(leaf, attnum, Privilege::Select)
        && !leaf.has_row_security()
        && !leaf.has_delete_rule()
        && leaf.delete_trigger(true).is_none()
}

/// The index pass where the planner would use an index that serves it, else the heap pass.
fn choose_pass(leaf: &Relation, attnum: i16, access: &Access) -> (Pass, String) {
    let Some(chosen) = &access.index else {
        return (
            Pass::Heap,
            "the planner would read the whole table".to_owned(),
        );
    };
    let usable = BtreeIndex::on_column(leaf, attnum)
        .into_iter()
        .find(|index| index.name == *chosen);
    match usable {
        Some(index) => (
            Pass::Index(index),
            format!("the planner would use index \"{chosen}\""),
        ),
        None => (
            Pass::Heap,
            format!("index \"{chosen}\" is partial, no btree, or does not lead with the column"),
        ),
    }
}
