//! Which engine clears which leaf, and why.
//!
//! The raw engine is for leaves where it cannot differ from SQL's DELETE. Where something belongs to the statement (row
//! security, rules, statement triggers, an expression), SQL gets the whole table in one statement; where it belongs to
//! a leaf (row triggers, foreign tables, other access methods), only that leaf, provided that naming the leaf means the
//! same as reaching it through its parent.

use super::checked::Checked;
use super::hypertable::has_ordinary_chunks_only;
use super::obstacle::Obstacle;
use super::planner::{Access, LeafEstimate, estimate_leaves};
use super::{Criterion, Rule, Value, check_children, obstacle};
use crate::pg::{self, BtreeIndex, Changes, ExpiryTest, Privilege, Relation};
use crate::refusal::Refusal;
use pgrx::prelude::PgSqlErrorCode;

/// How the raw engine finds the expired rows of a leaf.
#[derive(Clone, Debug)]
pub enum Pass {
    /// Reads the heap, block by block.
    Heap,
    /// Follows a btree index.
    Index(BtreeIndex),
}

/// What clears a leaf.
#[derive(Clone, Debug)]
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

/// How a leaf is cleared, as it was decided when it was locked.
#[derive(Clone, Debug)]
pub struct Decision {
    pub method: Method,
    /// Why not the raw engine, or why this pass.
    pub why: String,
    /// Expired rows, as the planner estimates them.
    pub rows: f64,
}

/// A leaf that is open and locked, and how it is cleared.
pub struct Leaf {
    relation: Relation,
    /// Those that it had when it was decided.
    changes: Changes,
    decision: Decision,
}

impl Leaf {
    /// Decides for a leaf that is open and locked; `Err` where SQL is needed, and has to go through the named table.
    pub(super) fn decide(
        relation: Relation,
        root: &Relation,
        criterion: &Criterion,
        choice: Choice<'_>,
    ) -> Result<Leaf, String> {
        let changes = relation.changes();
        let decision = decide(&relation, root, criterion, choice)?;
        Ok(Leaf {
            relation,
            changes,
            decision,
        })
    }

    /// With a decision that has been found to hold still.
    pub(super) fn decided(relation: Relation, changes: Changes, decision: Decision) -> Leaf {
        Leaf {
            relation,
            changes,
            decision,
        }
    }

    pub fn relation(&self) -> &Relation {
        &self.relation
    }

    pub fn method(&self) -> &Method {
        &self.decision.method
    }

    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    pub(super) fn changes(&self) -> Changes {
        self.changes
    }

    /// The index that its expired rows are found through, if they are.
    pub fn index(&self) -> Option<&BtreeIndex> {
        self.decision.index()
    }

    /// The blocks that a pass over it reads; 0 where it is not read by blocks.
    pub fn blocks(&self) -> u32 {
        if self.reads_heap() {
            self.relation.blocks()
        } else {
            0
        }
    }

    /// Whether to read its blocks is all that there is to do.
    pub fn is_read_by_blocks(&self) -> bool {
        self.reads_heap() || matches!(self.decision.method, Method::Nothing)
    }

    fn reads_heap(&self) -> bool {
        match &self.decision.method {
            Method::Raw { pass, .. } => matches!(pass, Pass::Heap),
            Method::Sql => self.relation.is_heap(),
            Method::Nothing => false,
        }
    }
}

impl Decision {
    /// For what has no rows of its own.
    pub(super) fn nothing() -> Decision {
        Decision {
            method: Method::Nothing,
            why: String::new(),
            rows: 0.0,
        }
    }

    pub(super) fn index(&self) -> Option<&BtreeIndex> {
        match &self.method {
            Method::Raw {
                pass: Pass::Index(index),
                ..
            } => Some(index),
            _ => None,
        }
    }
}

/// How a table is cleared. All that it names is open and locked, and stays open, as the executor's result relations do:
/// PostgreSQL itself then refuses to alter it in this session.
pub enum Plan {
    /// DELETE on the table that the caller named, which reaches these.
    Whole { why: String, leaves: Vec<Relation> },
    /// Leaf by leaf.
    Leaves(Vec<Leaf>),
}

/// A table that has been checked, with what clears each leaf. What the engines work on.
pub struct Target {
    checked: Checked,
    /// The table's changes when the plan was made.
    changes: Changes,
    plan: Plan,
    /// The partitioned tables between the table and its leaves: open, so that none of those is detached.
    between: Vec<Relation>,
}

impl Target {
    /// Decides. Refuses (55000) what [`check_children`] does. ERROR 42501 where row security applies, but `row_security` is
    /// off; 55000, unless for a preview, where a leaf's deletes are published, but it has no replica identity.
    pub fn plan(checked: Checked, rule: &Rule) -> Result<Target, Refusal> {
        let changes = checked.root().changes();
        let (leaves, between) = pg::reached(checked.root(), checked.lock());
        let below = leaves.iter().chain(&between);
        check_children(checked.root(), checked.criterion(), rule, below)?;
        let needs_sql = statement_needs_sql(checked.root(), checked.criterion());
        let moves = || may_move_rows(&leaves).filter(|_| checked.is_one_call());
        let plan = match needs_sql.or_else(moves) {
            Some(why) => Plan::Whole { why, leaves },
            None => by_leaves(&checked, leaves),
        };
        Ok(Target {
            checked,
            changes,
            plan,
            between,
        })
    }

    pub fn root(&self) -> &Relation {
        self.checked.root()
    }

    pub fn criterion(&self) -> &Criterion {
        self.checked.criterion()
    }

    pub fn checked(&self) -> &Checked {
        &self.checked
    }

    pub fn by(&self) -> &Plan {
        &self.plan
    }

    pub(super) fn changes(&self) -> Changes {
        self.changes
    }

    pub(super) fn between(&self) -> &[Relation] {
        &self.between
    }

    /// Closes everything; the locks stay.
    pub(super) fn into_criterion(self) -> Criterion {
        self.checked.into_criterion()
    }

    /// The blocks that are to be read, as far as they are known, and whether to read them is all that there is to do.
    pub fn blocks(&self) -> (u64, bool) {
        match &self.plan {
            Plan::Whole { leaves, .. } => (0, leaves.iter().all(Relation::is_heap)),
            Plan::Leaves(leaves) => (
                leaves.iter().map(|leaf| u64::from(leaf.blocks())).sum(),
                leaves.iter().all(Leaf::is_read_by_blocks),
            ),
        }
    }

    /// How a leaf is cleared now: as it was decided, unless code that the deletion of other rows has called has altered
    /// something since. Refuses (55006) where that makes the leaf the table's as a whole.
    pub fn decision_now(&self, leaf: &Leaf) -> Result<Decision, Refusal> {
        let root = self.root();
        let unchanged = leaf.changes == leaf.relation.changes() && self.changes == root.changes();
        if unchanged {
            return Ok(leaf.decision.clone());
        }
        statement_needs_sql(root, self.criterion())
            .map_or(Ok(()), Err)
            .and_then(|()| {
                let choice = Choice::Earlier(leaf.index());
                decide(&leaf.relation, root, self.criterion(), choice)
            })
            .map_err(|why| {
                Refusal::new(
                    PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
                    format!(
                        "table \"{}\" has been altered while it was being cleared",
                        root.name()
                    ),
                )
                .detail(format!("For table \"{}\": {why}.", leaf.relation.name()))
                .hint("A trigger, a rule or a function of the table's should not alter it.")
            })
    }
}

fn by_leaves(checked: &Checked, mut relations: Vec<Relation>) -> Plan {
    // What is on other servers comes last: it may take long, and fail.
    relations.sort_by_key(Relation::is_foreign);
    let (root, criterion) = (checked.root(), checked.criterion());
    let estimate = estimate_leaves(checked, &relations);
    pg::ensure_memory(size_of::<(Changes, Decision)>() * relations.len());
    let mut decided = Vec::with_capacity(relations.len());
    for relation in &relations {
        let changes = relation.changes();
        let decide = if checked.is_preview() { choose } else { decide };
        match decide(relation, root, criterion, Choice::Planner(&estimate)) {
            Ok(decision) => decided.push((changes, decision)),
            Err(why) => {
                return Plan::Whole {
                    why,
                    leaves: relations,
                };
            }
        }
    }
    let leaves = relations.into_iter().zip(decided);
    Plan::Leaves(pg::gather(leaves.map(|(relation, (changes, decision))| {
        Leaf::decided(relation, changes, decision)
    })))
}

/// Why the statement as a whole has to be SQL's.
pub(super) fn statement_needs_sql(root: &Relation, criterion: &Criterion) -> Option<String> {
    match obstacle::of_statement(root) {
        Some(Obstacle::Managed(_)) if has_ordinary_chunks_only(root) => (),
        Some(obstacle) => return Some(obstacle.why()),
        None => (),
    }
    if matches!(criterion.value, Value::Expression { .. }) {
        return Some("expires is an expression".to_owned());
    }
    criterion
        .filter
        .is_some()
        .then(|| "there is a filter".to_owned())
}

/// Why leaves cannot be cleared one after the other in one call: the next one would have what a trigger has put there of the one
/// before, which one statement does not see.
fn may_move_rows(leaves: &[Relation]) -> Option<String> {
    if leaves.len() < 2 || !leaves.iter().all(Relation::is_heap) {
        return None;
    }
    let moving = leaves.iter().find(|leaf| leaf.may_put_rows())?;
    Some(format!(
        "a trigger or a rule of table \"{}\" may put rows into another one of its partitions or children",
        moving.name()
    ))
}

/// What decides how the raw engine finds the rows.
#[derive(Clone, Copy)]
pub(super) enum Choice<'a> {
    /// The planner's estimate for the table.
    Planner(&'a LeafEstimate),
    /// The index that was chosen before, while it serves.
    Earlier(Option<&'a BtreeIndex>),
}

/// Decides for one leaf that rows are to be deleted from; `Err` where SQL is needed, and has to go through the named
/// table. ERROR 55000 where its deletes are published, but it has no replica identity: the executor looks by itself.
fn decide(
    leaf: &Relation,
    root: &Relation,
    criterion: &Criterion,
    choice: Choice<'_>,
) -> Result<Decision, String> {
    let decision = choose(leaf, root, criterion, choice)?;
    if matches!(decision.method, Method::Raw { .. }) {
        leaf.check_replica_identity();
    }
    Ok(decision)
}

/// The same without looking at the replica identity.
fn choose(
    leaf: &Relation,
    root: &Relation,
    criterion: &Criterion,
    choice: Choice<'_>,
) -> Result<Decision, String> {
    let rows = match choice {
        Choice::Planner(estimate) => match estimate.access(leaf) {
            Some(access) => access.rows,
            None => {
                return Ok(Decision {
                    method: Method::Nothing,
                    why: "the planner excludes it".to_owned(),
                    rows: 0.0,
                });
            }
        },
        Choice::Earlier(_) => 0.0,
    };
    let Value::Column { name: column, .. } = &criterion.value else {
        unreachable!("an expression is SQL's");
    };
    let attributes = leaf.attributes();
    let attribute = attributes
        .iter()
        .find(|attribute| attribute.name == *column)
        .expect("a leaf has its parent's columns");
    let test = ExpiryTest::new(leaf, attribute.attnum, attribute.base_type, criterion.range);
    let needs_sql = obstacle::of_leaf(leaf)
        .map(|obstacle| obstacle.why())
        .or_else(|| {
            (test.is_none() || attribute.is_virtual).then(|| {
                format!(
                    "column \"{column}\" of type {} is not stored with a fixed width",
                    criterion.kind.sql_name()
                )
            })
        });
    let (method, why) = match (needs_sql, test) {
        (None, Some(test)) => {
            let (pass, why) = choose_pass(leaf, attribute.attnum, choice);
            (Method::Raw { test, pass }, why)
        }
        (why, _) => {
            let why = why.expect("without a test SQL is needed");
            if leaf.oid() == root.oid() || !means_the_same_directly(leaf, criterion) {
                return Err(why);
            }
            (Method::Sql, why)
        }
    };
    Ok(Decision { method, why, rows })
}

/// Whether a DELETE that names the leaf does what one that reaches it through its parent does: rights, row security,
/// rules and statement triggers are those of the table that is named.
pub(super) fn means_the_same_directly(leaf: &Relation, criterion: &Criterion) -> bool {
    let readable = leaf.attributes().iter().any(|attribute| {
        criterion.is_column(&attribute.name)
            && pg::has_column_privilege(leaf, attribute.attnum, Privilege::Select)
    });
    readable
        && pg::has_privilege(leaf, Privilege::Delete)
        && !leaf.has_row_security()
        && !leaf.has_delete_rule()
        && leaf.delete_trigger(true).is_none()
}

/// The index pass where the planner would use an index that serves it, else the heap pass.
fn choose_pass(leaf: &Relation, attnum: i16, choice: Choice<'_>) -> (Pass, String) {
    let access = match choice {
        Choice::Planner(estimate) => estimate.access(leaf),
        Choice::Earlier(index) => index.map(|index| Access {
            index: Some(index.name.clone()),
            rows: 0.0,
        }),
    };
    let Some(chosen) = access.and_then(|access| access.index) else {
        return (
            Pass::Heap,
            "the planner would read the whole table".to_owned(),
        );
    };
    let usable = BtreeIndex::on_column(leaf, attnum)
        .into_iter()
        .find(|index| index.name == chosen);
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
