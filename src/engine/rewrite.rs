//! Rewrites a table without its expired rows: what is to stay goes into a new heap, which takes the old one's place.
//!
//! For tables of which little is live: it writes what stays, not what goes, and gives the space back. The price is an
//! ACCESS EXCLUSIVE lock while what stays is copied (a large table is read before, so that it comes from memory then, as far
//! as that keeps it), and that rows vanish without a trace: nothing fires, nothing is decoded. So it refuses wherever
//! something has to be told of a deletion.

mod estimate;
mod refuse;

pub use estimate::{expired_fraction, expired_rows};
pub use refuse::why_not;

use crate::pg::{
    self, ExpiryTest, Judge, LockMode, LockWait, Relation, RewriteStep, Rewritten, TupleSet,
};
use crate::progress::{Phase, Tally};
use crate::refusal::{Refusal, enough};
use crate::table::{Checked, Criterion, Purpose, Rule, Value, check_still_meant, estimate_leaves};
use pgrx::pg_sys;
use std::cell::Cell;
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// How many blocks are looked through by one statement, where SQL has to judge the rows: 8 MB.
const BLOCKS: u32 = 1024;

/// A table of fewer blocks (8 MB) is not read ahead.
const SMALL: u32 = 1024;

thread_local! {
    /// For how long the last rewrite of this process that was committed had kept everybody from its table.
    static LOCKED: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// For how long the rewrite that has just been committed kept everybody from the table: until its locks were about to be
/// released. What the session does after that, the removal of the old files, is not in it.
pub fn take_locked() -> Option<Duration> {
    LOCKED.take()
}

/// What a rewrite has done so far: it is not committed.
#[derive(Default)]
pub struct Done {
    pub rows: Rewritten,
    /// Since when it has kept everybody from the table.
    pub locked: Option<Instant>,
}

/// Rewrites a table, or those of its leaves that can have expired rows, in the current transaction. `locked` is asked when
/// all locks are held whether the rule is still the one to go by.
///
/// Waits for the locks no longer, in all, than `lock_timeout` says, and refuses (55P03) when they have not come by then.
/// After any refusal the transaction has to be aborted.
pub fn rewrite(
    table: pg_sys::Oid,
    rule: &Rule,
    locked: &mut dyn FnMut() -> Result<(), Refusal>,
) -> Result<Done, Refusal> {
    let lock = lock_of_named(table)?;
    let mut ahead = Ahead {
        blocks: pg::cached_blocks(),
        tally: Tally::default(),
    };
    if lock == LockMode::AccessExclusive {
        ahead.read_if_possible(table, rule);
    }
    let mut wait = LockWait::begin();
    drop(wait.open(table, lock)?);
    let since = Instant::now();
    let checked = Checked::open(Some(table), rule, Purpose::Rewrite(lock))?;
    refuse::check_table(checked.root())?;
    let (leaves, leaves_since) = lock_leaves(&checked, &mut wait, &mut ahead)?;
    let since = match lock {
        LockMode::AccessExclusive => Some(since),
        _ => leaves_since,
    };
    locked()?;
    let mut tally = Tally::default();
    tally.plan(
        leaves.iter().map(|leaf| u64::from(leaf.blocks())).sum(),
        true,
    );
    // A table that is to be rewritten must not be open anywhere else; all others are kept open.
    let (root, criterion) = checked.into_parts();
    let _session = criterion.session();
    let table_itself = leaves
        .iter()
        .all(|leaf| leaf.oid() != root.oid())
        .then_some(root);
    let mut rows = Rewritten::default();
    let (mut judged, mut rewritten) = (Vec::new(), Vec::new());
    enough(judged.try_reserve(leaves.len()))?;
    enough(rewritten.try_reserve(leaves.len()))?;
    // All before the first is rewritten: a filter may look at the table's other rows, and sees them all, as in a DELETE.
    for leaf in leaves {
        judged.push(judge(leaf, &criterion, &mut tally)?);
    }
    let leaf_itself = judged.iter().map(|judged| &judged.leaf);
    let leaf_itself = leaf_itself.filter(|leaf| leaf.oid() == table);
    for root in table_itself.iter().chain(leaf_itself) {
        check_still_meant(root, rule, &criterion)?;
    }
    for judged in judged {
        let oid = judged.leaf.oid();
        rows += rewrite_leaf(judged, &mut tally)?;
        let leaf = Relation::open(oid, LockMode::AccessShare);
        rewritten.extend(leaf.map(|leaf| (oid, leaf.file())));
    }
    refuse::check_still_not_published(&rewritten)?;
    pg::before_commit(move || {
        refuse::check_still_not_published(&rewritten).unwrap_or_else(|refusal| refusal.raise());
    });
    if let Some(since) = since {
        pg::on_commit(move || LOCKED.set(Some(since.elapsed())));
    }
    Ok(Done {
        rows,
        locked: since,
    })
}

/// What is read before it is locked.
struct Ahead {
    /// How many blocks there is memory for.
    blocks: u32,
    tally: Tally,
}

impl Ahead {
    /// Reads a table, if it could be rewritten as it is now. Whether that is so is found again under the lock: no lock, and
    /// nothing that was found, is kept, because a second session that does the same would wait for this one's lock, and this
    /// one for the other's.
    fn read_if_possible(&mut self, table: pg_sys::Oid, rule: &Rule) {
        let possible = pg::try_out(|| {
            pg::try_lock_to_read(table)
                && Checked::open(Some(table), rule, Purpose::Estimate).is_ok_and(|checked| {
                    let leaves = pg::leaves(checked.root(), LockMode::AccessShare);
                    refuse::check_table(checked.root()).is_ok()
                        && refuse::check_leaves(&leaves, checked.root(), checked.criterion())
                            .is_ok()
                        && checked.root().blocks() >= SMALL
                })
        });
        if possible.unwrap_or(false) {
            self.read(table);
        }
    }

    fn read(&mut self, table: pg_sys::Oid) {
        let tally = &mut self.tally;
        let read = pg::warm(table, self.blocks, &mut |blocks| {
            tally.in_leaf(table, Phase::ReadingAhead, Some(blocks));
            tally.show();
        });
        self.blocks -= read;
    }
}

/// The lock for the table that was named. Who does not own it must not even wait for a lock that keeps everybody else
/// from it (42501), and what is not a table with rows needs none.
fn lock_of_named(table: pg_sys::Oid) -> Result<LockMode, Refusal> {
    match pg::look_unlocked(table) {
        pg::Unlocked::Table => {
            refuse::check_owner(table)?;
            Ok(LockMode::AccessExclusive)
        }
        pg::Unlocked::PartitionedTable => {
            refuse::check_owner(table)?;
            Ok(KEEPS_PARTITIONS)
        }
        pg::Unlocked::Other => Ok(LockMode::RowExclusive),
    }
}

/// The lock of a partitioned table: rows come and go, and no partition is attached or detached.
const KEEPS_PARTITIONS: LockMode = LockMode::ShareUpdateExclusive;

/// Locks the partitioned tables below a table, each after the one above it: from then on the same partitions are the table's.
fn lock_between(root: &Relation, wait: &LockWait) -> Result<HashSet<pg_sys::Oid>, Refusal> {
    let mut locked = HashSet::new();
    loop {
        let mut below = pg::inheritors_unlocked(root);
        below.retain(|oid| {
            *oid != root.oid()
                && !locked.contains(oid)
                && pg::look_unlocked(*oid) == pg::Unlocked::PartitionedTable
        });
        if below.is_empty() {
            return Ok(locked);
        }
        enough(locked.try_reserve(below.len()))?;
        for oid in below {
            refuse::check_owner(oid)?;
            // The lock stays when the relation is closed.
            if wait.open(oid, KEEPS_PARTITIONS)?.is_some() {
                locked.insert(oid);
            }
        }
        pgrx::check_for_interrupts!();
    }
}

/// The leaves that can have expired rows, each locked and open, and such that it can be rewritten; and since when the first
/// of them is locked. Until the transaction ends the table gets no others.
fn lock_leaves(
    table: &Checked,
    wait: &mut LockWait,
    ahead: &mut Ahead,
) -> Result<(Vec<Relation>, Option<Instant>), Refusal> {
    let mut known = lock_between(table.root(), wait)?;
    let mut leaves = pg::leaves(table.root(), LockMode::AccessShare);
    known.extend(leaves.iter().map(Relation::oid));
    known.insert(table.root().oid());
    refuse::check_leaves(&leaves, table.root(), table.criterion())?;
    if leaves.len() > 1 {
        let estimate = estimate_leaves(table, &leaves);
        leaves.retain(|leaf| estimate.access(leaf).is_some());
    }
    let mut oids = pg::gather(leaves.iter().map(Relation::oid));
    let unlocked = leaves
        .iter()
        .filter(|leaf| leaf.oid() != table.root().oid() && leaf.blocks() >= SMALL);
    wait.paused(|| unlocked.for_each(|leaf| ahead.read(leaf.oid())));
    drop(leaves);
    let mut locked = Vec::new();
    let mut since = None;
    while !oids.is_empty() {
        enough(locked.try_reserve(oids.len()))?;
        for oid in oids {
            // No statement reaches another session's temporary tables.
            if let Some(leaf) = wait.open(oid, LockMode::AccessExclusive)?
                && !leaf.is_other_temporary()
            {
                locked.push(leaf);
                since.get_or_insert_with(Instant::now);
            }
        }
        // Without partitions, tables can come to inherit from those that were not locked yet.
        oids = pg::inheritors_unlocked(table.root());
        oids.retain(|oid| !known.contains(oid));
        known.extend(&oids);
        pgrx::check_for_interrupts!();
    }
    // Something may have been altered before the locks came.
    refuse::check_table(table.root())?;
    refuse::check_leaves(&locked, table.root(), table.criterion())?;
    Ok((locked, since))
}

/// A leaf, and what says which of its rows have expired: a test, or else the list.
struct Judged {
    leaf: Relation,
    test: Option<ExpiryTest>,
    listed: TupleSet,
}

fn judge(leaf: Relation, criterion: &Criterion, tally: &mut Tally) -> Result<Judged, Refusal> {
    // Before SQL reads it on our behalf.
    pg::check_not_in_use(&leaf)?;
    let test = stored_test(&leaf, criterion);
    let listed = match test {
        Some(_) => TupleSet::default(),
        None => list_expired(&leaf, criterion, tally)?,
    };
    Ok(Judged { leaf, test, listed })
}

fn rewrite_leaf(judged: Judged, tally: &mut Tally) -> Result<Rewritten, Refusal> {
    let Judged { leaf, test, listed } = judged;
    let oid = leaf.oid();
    let mut told = 0;
    let judge = test.map_or(Judge::Listed(&listed), Judge::Column);
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
