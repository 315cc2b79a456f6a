//! The SQL engine: DELETE through the executor, so that triggers, foreign keys, row security, rules, foreign tables and
//! other access methods mean what they mean.

use super::bookmark::At;
use super::foreign;
use super::kept::{self, Places};
use super::shards::{self, Elsewhere};
use super::tries::Tries;
use crate::pg::{self, BatchLimit, Deleted, LocalSetting, Privilege, Relation, TABLE_ALIAS};
use crate::refusal::Refusal;
use crate::table::place::{self, Place, block_after, middle, place_after, range};
use crate::table::{CITUS, Criterion, managed_by};

/// Clears the table that was named, in one statement.
///
/// As SQL does at READ COMMITTED, this waits for a row that another transaction is changing, and looks at what became
/// of it before it deletes.
pub fn delete(root: &Relation, criterion: &Criterion) -> Deleted {
    Table::whole(root).delete(criterion, "")
}

/// Clears those rows of it that a further condition, which ends with AND, is about.
pub fn delete_among(root: &Relation, criterion: &Criterion, further: &str) -> Deleted {
    Table::whole(root).delete(criterion, further)
}

/// The same for a leaf only.
pub fn delete_from_leaf(leaf: &Relation, criterion: &Criterion) -> Deleted {
    Table::only(leaf).delete(criterion, "")
}

/// What a statement is about: an open table with what inherits from it, or a leaf only.
#[derive(Clone, Copy)]
pub struct Table<'r> {
    relation: &'r Relation,
    only: bool,
    /// Those of its rows only that are in this heap, by its oid.
    heap: Option<u32>,
    /// A DELETE may leave rows of it without an ERROR.
    may_keep: bool,
}

impl<'r> Table<'r> {
    pub fn whole(relation: &'r Relation) -> Self {
        Table {
            relation,
            only: false,
            heap: None,
            may_keep: false,
        }
    }

    pub fn only(relation: &'r Relation) -> Self {
        Table {
            relation,
            only: true,
            heap: None,
            may_keep: false,
        }
    }

    /// The same; what a DELETE leaves of the rows of these, which it reaches, is to be noticed.
    pub fn noticing(self, leaves: &[Relation]) -> Self {
        let may_keep = |relation: &Relation| relation.may_keep_rows();
        Table {
            may_keep: may_keep(self.relation) || leaves.iter().any(may_keep),
            ..self
        }
    }

    fn in_heap(self, heap: u32) -> Self {
        Table {
            heap: Some(heap),
            ..self
        }
    }

    pub fn relation(self) -> &'r Relation {
        self.relation
    }

    /// One of several.
    pub fn is_leaf(self) -> bool {
        self.only
    }

    /// As it stands in FROM, with a name that has just been looked up.
    pub fn named(self, name: &str) -> String {
        let only = if self.only { "ONLY " } else { "" };
        format!("{only}{name} AS {TABLE_ALIAS}")
    }

    /// That rows are this leaf's: no others are deleted, whatever the name has come to mean. To say so takes the right to
    /// read the whole row; and a foreign server is not asked for the local oid of its table, so that it could not delete
    /// by itself any more. There the statement's meaning is all that is looked at.
    fn condition(self, criterion: &Criterion) -> String {
        let (condition, _) = criterion.condition();
        let leaf = (self.only && self.relation.is_heap() && can_read_places(self.relation))
            .then(|| u32::from(self.relation.oid()));
        match self.heap.or(leaf) {
            Some(oid) => format!(
                "{TABLE_ALIAS}.tableoid OPERATOR(pg_catalog.=) '{oid}'::pg_catalog.oid AND {condition}"
            ),
            None => condition,
        }
    }

    /// The heaps that have a row in a range of places.
    fn heaps(self, from: Place, until: Place) -> Vec<u32> {
        let range = range(from, until);
        let statement = |name: &str| {
            let table = self.named(name);
            format!(
                "SELECT DISTINCT {TABLE_ALIAS}.tableoid FROM {table} WHERE {range}true ORDER BY 1"
            )
        };
        let rows = pg::query_on(self.relation, statement, &[]);
        pg::gather(
            rows.into_iter()
                .flatten()
                .flatten()
                .filter_map(|oid| oid.parse().ok()),
        )
    }

    /// Deletes all that has expired, and says what the DELETE has kept of it. Refuses what is wrong with one leaf of several;
    /// else that is an ERROR.
    pub fn delete_whole(
        self,
        criterion: &Criterion,
    ) -> Result<(Deleted, Option<LeftOut>), Refusal> {
        let delete = || {
            let before = if self.may_keep {
                self.count(criterion)
            } else {
                0
            };
            let deleted = self.delete(criterion, "");
            let kept = match before.saturating_sub(deleted.deleted) {
                0 => 0,
                most => most.min(self.count(criterion)),
            };
            let kept = (kept > 0).then(|| kept::left_out(self.relation, None, kept));
            (deleted, kept)
        };
        match self.only {
            true => pg::attempt(pg::is_of_a_table, delete),
            false => Ok(delete()),
        }
    }

    /// How many rows have expired.
    fn count(self, criterion: &Criterion) -> u64 {
        let (_, arguments) = criterion.condition();
        let condition = self.condition(criterion);
        let statement = |name: &str| {
            let table = self.named(name);
            format!("SELECT pg_catalog.count(*) FROM {table} WHERE {condition}")
        };
        let rows = pg::query_on(self.relation, statement, &arguments);
        let count = rows.into_iter().flatten().flatten().next();
        count.and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// Deletes what has expired and meets a further condition, which ends with AND.
    pub fn delete(self, criterion: &Criterion, further: &str) -> Deleted {
        if managed_by(self.relation) == Some(CITUS) {
            shards::limit_lock_wait();
        }
        let (_, arguments) = criterion.condition();
        let condition = self.condition(criterion);
        let statement = |name: &str| {
            let table = self.named(name);
            format!("DELETE FROM {table} WHERE {further}{condition}")
        };
        Deleted {
            deleted: pg::modify_on(self.relation, statement, &arguments),
            skipped: 0,
        }
    }
}

/// Whether the current role may read where a row is: system columns are part of the whole row.
fn can_read_places(relation: &Relation) -> bool {
    pg::has_privilege(relation, Privilege::Select)
}

/// A row that could not be deleted, or seen whether it has expired, and why; or several that a DELETE has kept; or a block
/// that was passed over.
#[derive(Debug)]
pub struct LeftOut {
    /// Where it, or the first of them, is; `None` where there are no places.
    pub ctid: Option<String>,
    /// None, where it is a block.
    pub rows: u64,
    pub refusal: Refusal,
}

impl LeftOut {
    /// The one at that place.
    pub fn at(place: Place, refusal: Refusal) -> Self {
        LeftOut {
            ctid: Some(place::in_words(place)),
            rows: 1,
            refusal,
        }
    }

    /// The block that a place is in.
    pub fn block(place: Place, refusal: Refusal) -> Self {
        LeftOut {
            rows: 0,
            ..LeftOut::at(place, refusal)
        }
    }
}

/// Where the SQL engine has got to in a table.
///
/// Heaps are cleared by ranges of places: of one heap, or of all heaps that the statement reaches, at the same time.
/// Anything else knows no places, and is cleared at once.
///
/// A batch that fails is halved until it is one place: the row there is left out, and the others go. Each try is a
/// subtransaction, of which an ERROR takes everything back, so that nothing is counted that is not deleted.
#[derive(Debug)]
pub enum Cursor {
    Blocks {
        next: Place,
        end: u32,
        /// How many blocks to look through next.
        step: u32,
        /// Behind which place the next try ends, at most: the one before has failed.
        bound: Option<Place>,
        tries: Tries,
        left_out: Vec<LeftOut>,
    },
    /// A table of postgres_fdw.
    Foreign(foreign::Cursor),
    Whole {
        done: bool,
        left_out: Vec<LeftOut>,
    },
}

impl Cursor {
    /// At the beginning; `leaves` are the relations that the statement reaches.
    pub fn new(table: &Relation, leaves: &[Relation]) -> Self {
        let by_places = managed_by(table).is_none()
            && can_read_places(table)
            && leaves.iter().all(Relation::is_heap);
        if by_places {
            Cursor::Blocks {
                next: (0, 0),
                end: leaves.iter().map(Relation::blocks).max().unwrap_or(0),
                step: 1,
                bound: None,
                tries: Tries::default(),
                left_out: Vec::new(),
            }
        } else if leaves.len() == 1 && foreign::has_places(table) {
            Cursor::Foreign(foreign::Cursor::default())
        } else {
            Cursor::Whole {
                done: false,
                left_out: Vec::new(),
            }
        }
    }

    /// The same, from where another one has got to.
    pub fn new_at(table: &Relation, leaves: &[Relation], at: &At) -> Self {
        let mut cursor = Cursor::new(table, leaves);
        if let (Cursor::Blocks { next, .. }, At::Place(block, number)) = (&mut cursor, at) {
            *next = (*block, *number);
        }
        cursor
    }

    /// Where it has got to, if that is a place.
    pub fn at(&self) -> Option<At> {
        match self {
            Cursor::Blocks { next, .. } => Some(At::Place(next.0, next.1)),
            Cursor::Foreign(_) | Cursor::Whole { .. } => None,
        }
    }

    /// Whether it gets on by batches; else all is deleted at once.
    pub fn is_in_batches(&self) -> bool {
        !matches!(self, Cursor::Whole { .. })
    }

    pub fn is_finished(&self) -> bool {
        match self {
            Cursor::Blocks { next, end, .. } => next.0 >= *end,
            Cursor::Foreign(cursor) => cursor.is_finished(),
            Cursor::Whole { done, .. } => *done,
        }
    }

    /// Blocks that have been cleared, and all.
    pub fn blocks(&self) -> Option<(u32, u32)> {
        match self {
            Cursor::Blocks { next, end, .. } => Some((next.0, *end)),
            Cursor::Foreign(cursor) => cursor.blocks(),
            Cursor::Whole { .. } => None,
        }
    }

    /// The rows that were left out since it was last asked.
    pub fn take_left_out(&mut self) -> Vec<LeftOut> {
        match self {
            Cursor::Blocks { left_out, .. } | Cursor::Whole { left_out, .. } => {
                std::mem::take(left_out)
            }
            Cursor::Foreign(cursor) => cursor.take_left_out(),
        }
    }

    /// What was done on another server since it was last asked.
    pub fn take_elsewhere(&mut self) -> Elsewhere {
        match self {
            Cursor::Foreign(cursor) => cursor.take_elsewhere(),
            Cursor::Blocks { .. } | Cursor::Whole { .. } => Elsewhere::default(),
        }
    }

    /// Deletes the next batch, or finds out a little more of which row it is that fails. Refuses what is wrong with a leaf
    /// that can be cleared only as a whole: then this transaction has to be rolled back.
    pub fn delete(
        &mut self,
        table: Table<'_>,
        criterion: &Criterion,
        skip_locked: bool,
        limit: BatchLimit,
    ) -> Result<Deleted, Refusal> {
        if let Cursor::Foreign(cursor) = self {
            return cursor.delete(table, criterion, limit);
        }
        let Cursor::Blocks {
            next,
            end,
            step,
            bound,
            tries,
            left_out,
        } = self
        else {
            let (deleted, kept) = table.delete_whole(criterion)?;
            *self = Cursor::Whole {
                done: true,
                left_out: kept.into_iter().collect(),
            };
            return Ok(deleted);
        };
        // Without it each statement would read the whole table.
        let _setting = LocalSetting::set(&[(c"enable_tidscan", c"on")]);
        let from = *next;
        let until = bound.unwrap_or((from.0.saturating_add(*step).min(*end), 0));
        // What is wrong with one of several leaves is told, and keeps no other.
        let returned = match table.is_leaf() {
            true => pg::is_of_a_table,
            false => pg::is_of_a_row,
        };
        let tried = pg::attempt(returned, || {
            let found = look(table, criterion, from, until, limit.rows);
            let last = found.last.unwrap_or(until);
            let outcome = if found.rows == 0 {
                (Deleted::default(), None)
            } else {
                delete_at_once(table, criterion, skip_locked, from, last)
            };
            (found, outcome)
        });
        let (found, (deleted, kept)) = match tried {
            Ok(tried) => tried,
            Err(refusal) if !pg::is_of_a_row(&refusal) => return Err(refusal),
            Err(refusal) => {
                *step = 1;
                *bound = middle(from, until);
                if bound.is_none() {
                    tries.found_row();
                    *next = until;
                    let one_row = (from, until);
                    return Ok(leave_out(
                        table,
                        criterion,
                        skip_locked,
                        one_row,
                        refusal,
                        left_out,
                    ));
                }
                if until <= block_after(from) && tries.pass_over(from.0, *end) {
                    left_out.push(LeftOut::block(from, refusal));
                    *bound = None;
                    *next = block_after(from);
                }
                return Ok(Deleted::default());
            }
        };
        left_out.extend(kept);
        // The step follows what there is: the next batch is about as large as it should be.
        *step = match found.last {
            Some(_) => *step / 2,
            None if found.rows <= limit.rows / 2 && bound.is_none() => step.saturating_mul(2),
            None => *step,
        }
        .clamp(1, limit.blocks);
        *bound = None;
        *next = found.last.unwrap_or(until);
        Ok(deleted)
    }
}

/// Leaves out the row at a place that cannot be deleted. Where several heaps have a row there, each one's is tried alone.
fn leave_out(
    table: Table<'_>,
    criterion: &Criterion,
    skip_locked: bool,
    (from, until): (Place, Place),
    refusal: Refusal,
    left_out: &mut Vec<LeftOut>,
) -> Deleted {
    let heaps = match table.is_leaf() {
        true => Vec::new(),
        false => pg::attempt(pg::is_of_a_row, || table.heaps(from, until)).unwrap_or_default(),
    };
    let mut deleted = Deleted::default();
    if heaps.len() < 2 {
        left_out.push(LeftOut::at(from, refusal));
        return deleted;
    }
    for heap in heaps {
        let tried = pg::attempt(pg::is_of_a_row, || {
            delete_at_once(table.in_heap(heap), criterion, skip_locked, from, until)
        });
        match tried {
            Ok((of_heap, kept)) => {
                deleted += of_heap;
                left_out.extend(kept);
            }
            Err(refusal) => left_out.push(LeftOut::at(from, refusal)),
        }
    }
    deleted
}

/// The expired rows in a range of places.
pub struct Found {
    pub rows: u64,
    /// Behind which of them the batch ends, where there may be more than it takes.
    pub last: Option<Place>,
}

/// Looks how far a batch goes: rows, and as many more as share the last one's place in other heaps. A foreign table is one
/// heap, and its server is not asked for ties (postgres_fdw sends a plain LIMIT only).
pub fn look(
    table: Table<'_>,
    criterion: &Criterion,
    from: Place,
    until: Place,
    rows: u64,
) -> Found {
    let (_, arguments) = criterion.condition();
    let condition = table.condition(criterion);
    let range = range(from, until);
    let limit = i64::try_from(rows).unwrap_or(i64::MAX);
    let ties = match table.relation.is_foreign() {
        true => "ONLY",
        false => "WITH TIES",
    };
    let statement = |name: &str| {
        let table = table.named(name);
        format!(
            "SELECT pg_catalog.count(*), pg_catalog.max(f.ctid) FROM (SELECT {TABLE_ALIAS}.ctid \
             FROM {table} WHERE {range}{condition} ORDER BY {TABLE_ALIAS}.ctid \
             FETCH FIRST {limit} ROWS {ties}) AS f"
        )
    };
    let found = pg::query_on(table.relation, statement, &arguments);
    let mut columns = found.into_iter().flatten();
    let count = columns.next().flatten();
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(0);
    let last = columns.next().flatten().as_deref().and_then(place_after);
    Found {
        rows: count,
        last: last.filter(|_| count >= rows),
    }
}

/// The same as `delete_noticing`, with the deferred constraints.
fn delete_at_once(
    table: Table<'_>,
    criterion: &Criterion,
    skip_locked: bool,
    from: Place,
    until: Place,
) -> (Deleted, Option<LeftOut>) {
    let outcome = delete_noticing(table, criterion, skip_locked, from, until);
    // The commit that follows would fire them, when no row can be left out any more.
    pg::constraints_immediate();
    outcome
}

/// The same as `delete_range`, and what the DELETE has kept.
fn delete_noticing(
    table: Table<'_>,
    criterion: &Criterion,
    skip_locked: bool,
    from: Place,
    until: Place,
) -> (Deleted, Option<LeftOut>) {
    if !table.may_keep {
        let deleted = delete_range(table, criterion, skip_locked, from, until);
        return (deleted, None);
    }
    let (_, arguments) = criterion.condition();
    let condition = range(from, until) + &table.condition(criterion);
    let before = Places::read(table, &condition, &arguments, skip_locked);
    let deleted = delete_range(table, criterion, skip_locked, from, until);
    let kept = kept::find(table, criterion, &condition, before, deleted.deleted);
    (deleted, kept)
}

/// Deletes what has expired in a range of places; with `skip_locked`, without waiting for a row that another transaction is
/// changing.
fn delete_range(
    table: Table<'_>,
    criterion: &Criterion,
    skip_locked: bool,
    from: Place,
    until: Place,
) -> Deleted {
    let range = range(from, until);
    if !skip_locked {
        return table.delete(criterion, &range);
    }
    let (_, arguments) = criterion.condition();
    let condition = table.condition(criterion);
    // The range once more, outside: else a plan might look at rows elsewhere, where the condition may fail.
    let statement = |name: &str| {
        let table = table.named(name);
        format!(
            "DELETE FROM {table} WHERE {range}{TABLE_ALIAS}.ctid OPERATOR(pg_catalog.=) ANY (ARRAY(\
             SELECT {TABLE_ALIAS}.ctid FROM {table} WHERE {range}{condition} FOR UPDATE SKIP LOCKED)) AND {condition}"
        )
    };
    Deleted {
        deleted: pg::modify_on(table.relation, statement, &arguments),
        skipped: 0,
    }
}

/// Whether rows can be locked before they are deleted, to skip those that another transaction is changing: it takes the
/// privilege UPDATE, and row security would ask its policies for updates.
pub fn can_skip_locked(relation: &Relation) -> bool {
    pg::has_privilege(relation, Privilege::Update) && !pg::row_security_applies(relation)
}
