//! Rewrites a table without its expired rows: what is to stay goes into a new heap, which takes the old one's place.
//!
//! For tables of which little is live: it writes what stays, not what goes, and gives the space back. The price is an
//! ACCESS EXCLUSIVE lock for as long as it takes, and that rows vanish without a trace: nothing fires, nothing is
//! decoded. So it refuses wherever something has to be told of a deletion.

mod estimate;
mod refuse;

pub use estimate::{expired_fraction, expired_rows};
pub use refuse::why_not;

use crate::pg::{
    self, ExpiryTest, Judge, LockMode, LockWait, Relation, RewriteStep, Rewritten, TupleSet,
};
use crate::progress::{Phase, Tally};
use crate::refusal::{Refusal, enough};
use crate::table::{Checked, Criterion, Purpose, Rule, Value, estimate_leaves};
use pgrx::pg_sys;

/// How many blocks are looked through by one statement, where SQL has to judge the rows: 8 MB.
const BLOCKS: u32 = 1024;

/// Rewrites a table, or those of its leaves that can have expired rows, in the current transaction. `locked` is asked when
/// all locks are held whether the rule is still the one to go by.
///
/// Waits for the locks no longer, in all, than `lock_timeout` says, and refuses (55P03) when they have not come by then.
/// After any refusal the transaction has to be aborted.
pub fn rewrite(
    table: pg_sys::Oid,
    rule: &Rule,
    locked: &mut dyn FnMut() -> Result<(), Refusal>,
) -> Result<Rewritten, Refusal> {
    let wait = LockWait::begin();
    let lock = lock_of_named(table)?;
    drop(wait.open(table, lock)?);
    let checked = Checked::open(Some(table), rule, Purpose::Rewrite(lock))?;
    refuse::check_table(checked.root())?;
    let leaves = lock_leaves(&checked, &wait)?;
    locked()?;
    let mut tally = Tally::default();
    tally.plan(
        leaves.iter().map(|leaf| u64::from(leaf.blocks())).sum(),
        true,
    );
    // A table that is to be rewritten must not be open anywhere else; all others are kept open.
    let (root, criterion) = checked.into_parts();
    let _session = criterion.session();
    let _root = leaves
        .iter()
        .all(|leaf| leaf.oid() != root.oid())
        .then_some(root);
    let mut outcome = Rewritten::default();
    for leaf in leaves {
        outcome += rewrite_leaf(leaf, &criterion, &mut tally)?;
    }
    Ok(outcome)
}

/// The lock for the table that was named. Who does not own it must not even wait for a lock that keeps everybody else
/// from it (42501), and what is not a table with rows needs none.
fn lock_of_named(table: pg_sys::Oid) -> Result<LockMode, Refusal> {
    match pg::look_unlocked(table) {
        pg::Unlocked::Table => {
            refuse::check_owner(table)?;
            Ok(LockMode::AccessExclusive)
        }
        pg::Unlocked::Other => Ok(LockMode::RowExclusive),
    }
}

/// The leaves that can have expired rows, each locked and open, and such that it can be rewritten.
fn lock_leaves(table: &Checked, wait: &LockWait) -> Result<Vec<Relation>, Refusal> {
    let mut leaves = pg::leaves(table.root(), LockMode::AccessShare);
    refuse::check_leaves(&leaves)?;
    if leaves.len() > 1 {
        let estimate = estimate_leaves(table, &leaves);
        leaves.retain(|leaf| estimate.access(leaf).is_some());
    }
    let oids = pg::gather(leaves.iter().map(Relation::oid));
    drop(leaves);
    let mut locked = Vec::new();
    enough(locked.try_reserve(oids.len()))?;
    for oid in oids {
        if let Some(leaf) = wait.open(oid, LockMode::AccessExclusive)? {
            locked.push(leaf);
        }
    }
    // Something may have been altered before the locks came.
    refuse::check_table(table.root())?;
    refuse::check_leaves(&locked)?;
    Ok(locked)
}

fn rewrite_leaf(
    leaf: Relation,
    criterion: &Criterion,
    tally: &mut Tally,
) -> Result<Rewritten, Refusal> {
    // Before SQL reads it on our behalf.
    pg::check_not_in_use(&leaf)?;
    let oid = leaf.oid();
    let mut told = 0;
    let stored = stored_test(&leaf, criterion);
    let listed = match stored {
        Some(_) => TupleSet::default(),
        None => list_expired(&leaf, criterion, tally)?,
    };
    let judge = stored.map_or(Judge::Listed(&listed), Judge::Column);
    pg::replace_heap(leaf, judge, &mut |step| {
        match step {
            RewriteStep::Copied { blocks, removed } => {
                tally.in_leaf(oid, Phase::Rewriting, Some(blocks));
                tally.add(removed - told, 0);
                told = removed;
            }
            RewriteStep::Indexes => {
                tally.leaf_finished();
                tally.in_leaf(oid, Phase::RebuildingIndexes, None);
            }
        }
        tally.show();
    })
}

/// The test for a criterion that a stored column of fixed width decides.
fn stored_test(leaf: &Relation, criterion: &Criterion) -> Option<ExpiryTest> {
    let Value::Column { name, .. } = &criterion.value else {
        return None;
    };
    if criterion.filter.is_some() {
        return None;
    }
    let attributes = leaf.attributes();
    let attribute = attributes
        .iter()
        .find(|attribute| attribute.name == *name && !attribute.is_virtual)?;
    ExpiryTest::new(leaf, attribute.attnum, attribute.base_type, criterion.range)
}

/// Looks up the expired rows with SQL, by the caller's rights.
fn list_expired(
    leaf: &Relation,
    criterion: &Criterion,
    tally: &mut Tally,
) -> Result<TupleSet, Refusal> {
    // Without it each statement would read the whole table.
    let _setting = pg::LocalSetting::set(&[(c"enable_tidscan", c"on")]);
    let (condition, arguments) = criterion.condition();
    let alias = pg::TABLE_ALIAS;
    let oid = u32::from(leaf.oid());
    let blocks = leaf.blocks();
    let mut expired = TupleSet::new(blocks)?;
    for from in (0..blocks).step_by(BLOCKS as usize) {
        tally.in_leaf(leaf.oid(), Phase::FindingExpired, Some((0, blocks)));
        tally.show();
        let until = from.saturating_add(BLOCKS);
        let statement = |name: &str| {
            format!(
                "SELECT {alias}.ctid FROM ONLY {name} AS {alias} \
                 WHERE {alias}.ctid OPERATOR(pg_catalog.>=) '({from},0)' \
                 AND {alias}.ctid OPERATOR(pg_catalog.<) '({until},0)' \
                 AND {alias}.tableoid OPERATOR(pg_catalog.=) '{oid}'::pg_catalog.oid AND {condition}"
            )
        };
        pg::query_places_on(leaf, statement, &arguments, &mut expired);
    }
    Ok(expired)
}
