//! Rows that a DELETE leaves without an ERROR: a trigger that fires before it may return NULL, a rule may do something else,
//! row security may show more rows than it lets be deleted.
//!
//! They have to be told from rows that somebody else is changing, or has renewed in the meantime. So the places of the
//! expired rows are read before the DELETE, when they are locked where that is possible; what is at the same place
//! afterwards, and still is expired, was kept. (Where the rows are not locked, the DELETE waits for whoever changes them, and
//! what he has changed is at another place.)
//!
//! A trigger or a rule may also change the row, to mark it as deleted, or put it into another partition. Then the row is at
//! another place; where it still is expired there, each run would meet it again, and the pass that has moved it, too, which one
//! DELETE does not: that is an ERROR of the row's, which takes the change back. Which rows they are is kept for who catches it:
//! to try parts until each is found would have them changed, and taken back, again and again.

use super::sql::LeftOut;
use super::statement::Table;
use crate::pg::{self, Argument, LockMode, Relation, TABLE_ALIAS};
use crate::refusal::Refusal;
use crate::table::Criterion;
use crate::table::place::{Place, place_after, range};
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// The places of rows, as texts: of the relation, and in it.
pub struct Places(HashMap<(String, String), ()>);

impl Places {
    /// Those of the rows that meet a condition.
    pub fn read(table: Table<'_>, condition: &str, arguments: &[Argument]) -> Places {
        let statement = |name: &str| {
            let table = table.named(name);
            format!(
                "SELECT {TABLE_ALIAS}.tableoid, {TABLE_ALIAS}.ctid FROM {table} WHERE {condition}"
            )
        };
        let rows = pg::query_on(table.relation(), statement, arguments);
        Places(pg::gather_by_key(rows.into_iter().map(|place| (place, ()))))
    }

    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn take_those_in(&mut self, other: &Places) -> Places {
        let mut taken = Places(HashMap::new());
        self.0.retain(|place, ()| {
            let kept = other.0.contains_key(place);
            if kept {
                taken.0.insert(place.clone(), ());
            }
            !kept
        });
        taken
    }

    /// The first of them, in its relation.
    fn first(&self) -> Option<&str> {
        let ctids = self.0.keys().map(|(_, ctid)| ctid.as_str());
        ctids.min_by_key(|ctid| place_after(ctid))
    }
}

/// The rows that whatever code a DELETE runs has inserted into a table's heaps: the heaps, and how many into each at most.
pub struct Inserted(Option<Vec<(pg_sys::Oid, u64)>>);

impl Inserted {
    /// What has been inserted before.
    pub fn begin(table: Table<'_>) -> Inserted {
        Inserted(match table.may_put() {
            true => pg::rows_inserted(table.all_heaps().relation()),
            false => Some(Vec::new()),
        })
    }

    /// What has been inserted since.
    pub fn end(self, table: Table<'_>) -> Inserted {
        let before: HashMap<_, _> = match self.0 {
            None => return self,
            Some(before) => before.into_iter().collect(),
        };
        let now = Inserted::begin(table).0;
        // TRUNCATE begins to count anew.
        let since = |(heap, now): (pg_sys::Oid, u64)| {
            let before = before.get(&heap).copied().unwrap_or_default();
            let inserted = now.checked_sub(before).unwrap_or(now);
            (inserted > 0).then_some((heap, inserted))
        };
        Inserted(now.map(|now| now.into_iter().filter_map(since).collect()))
    }

    fn is_nothing(&self) -> bool {
        self.0.as_ref().is_some_and(Vec::is_empty)
    }
}

/// After a DELETE of the rows that had been at these places: what it has kept. ERROR 27000 where one was changed instead, or put
/// back, and still is expired. `before`: `None` where none can be kept.
pub fn find(
    table: Table<'_>,
    criterion: &Criterion,
    (condition, arguments): (&str, &[Argument]),
    mut before: Option<Places>,
    deleted: u64,
    inserted: &Inserted,
) -> Option<LeftOut> {
    let mut kept = None;
    if let Some(places) = &mut before
        && deleted < places.len()
    {
        kept = Some(places.take_those_in(&Places::read(table, condition, arguments)));
        let changed = changed(table, criterion, places);
        if !changed.is_empty() {
            CHANGED.set(changed);
            refuse_changed(table);
        }
    }
    if !inserted.is_nothing() && has_moved(table, criterion, inserted) {
        PUTS_BACK.set(table.relation().oid());
        // Which of those that have gone: each is tried alone.
        let places = before.iter().flat_map(|places| places.0.keys());
        CHANGED.set(places_of(places.map(|(_, ctid)| ctid)));
        refuse_changed(table);
    }
    let kept = kept?;
    kept.first()
        .map(|ctid| left_out(table.relation(), Some(ctid.to_owned()), kept.len()))
}

fn refuse_changed(table: Table<'_>) -> ! {
    refusal(
        table.relation(),
        "a trigger or a rule has changed it instead, and it still is expired",
    )
    .raise()
}

/// Whether a trigger has put back a row of it before.
pub fn puts_back(table: Table<'_>) -> bool {
    PUTS_BACK.get() == table.relation().oid()
}

/// So many rows that a DELETE has kept, the first at that place.
pub fn left_out(relation: &Relation, ctid: Option<String>, rows: u64) -> LeftOut {
    let refusal = match pg::row_security_applies(relation) {
        true => Refusal::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            "row-level security, a trigger or a rule has kept it, without an error",
        )
        .hint("Where such rows are meant to stay, leave them out with filter; else call as a role whose policies for DELETE let them go."),
        false => refusal(relation, "a trigger or a rule has kept it, without an error"),
    };
    LeftOut {
        ctid,
        rows,
        refusal,
    }
}

fn refusal(relation: &Relation, what: &str) -> Refusal {
    let refusal = Refusal::new(
        PgSqlErrorCode::ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION,
        what,
    )
    .hint("Where such rows are meant to stay, leave them out with filter.");
    match relation.is_foreign() {
        true => refusal.detail("The trigger or rule may be the foreign server's."),
        false => refusal,
    }
}

thread_local! {
    /// The places before the rows that the last DELETE has changed instead.
    static CHANGED: RefCell<Vec<Place>> = const { RefCell::new(Vec::new()) };

    /// The table of whose rows one was last put back: which they are, is looked at before they go from then on.
    static PUTS_BACK: Cell<pg_sys::Oid> = const { Cell::new(pg_sys::InvalidOid) };
}

/// The places of the rows for which the last ERROR 27000 was, in their order; where they have left their relation, of all that may
/// have.
pub fn take_changed() -> Vec<Place> {
    let mut changed = CHANGED.take();
    changed.sort_unstable();
    changed
}

/// The places at which rows were that still are expired at other ones, their next versions'.
fn changed(table: Table<'_>, criterion: &Criterion, places: &Places) -> Vec<Place> {
    let list = |which: fn(&(String, String)) -> &String| {
        let items: Vec<_> = places
            .0
            .keys()
            .map(|place| format!("\"{}\"", which(place)))
            .collect();
        pgrx::spi::quote_literal(format!("{{{}}}", items.join(",")))
    };
    let (relations, ctids) = (list(|place| &place.0), list(|place| &place.1));
    let (condition, arguments) = criterion.condition();
    // Without OFFSET the planner would see that currtid2() is volatile, and read the whole table.
    let statement = |name: &str| {
        let table = table.named(name);
        format!(
            "SELECT p.ctid FROM (SELECT p.relation, p.ctid, CASE WHEN pg_catalog.has_table_privilege(p.relation, 'SELECT') \
             THEN pg_catalog.currtid2(p.relation::pg_catalog.regclass::pg_catalog.text, p.ctid) ELSE p.ctid END AS latest \
             FROM unnest({relations}::pg_catalog.oid[], {ctids}::pg_catalog.tid[]) AS p (relation, ctid) OFFSET 0) AS p \
             JOIN {table} ON {TABLE_ALIAS}.tableoid OPERATOR(pg_catalog.=) p.relation \
             AND {TABLE_ALIAS}.ctid OPERATOR(pg_catalog.=) p.latest WHERE {condition}"
        )
    };
    let ctids: Vec<String> = pg::query_on(table.relation(), statement, &arguments);
    places_of(ctids.iter())
}

/// The places of rows, before them.
fn places_of<'a>(ctids: impl Iterator<Item = &'a String>) -> Vec<Place> {
    let behind = ctids.filter_map(|ctid| place_after(ctid));
    behind.map(|(block, number)| (block, number - 1)).collect()
}

/// Whether a row is expired that this transaction, or the part of it that is tried, has inserted into one of the table's heaps.
fn has_moved(table: Table<'_>, criterion: &Criterion, inserted: &Inserted) -> bool {
    let Some(part) = pg::transaction_part() else {
        return false;
    };
    let table = table.all_heaps();
    match &inserted.0 {
        Some(inserted) => inserted
            .iter()
            .any(|(heap, most)| has_moved_in(table, criterion, part, *heap, *most)),
        None => pg::inheritors_unlocked(table.relation())
            .into_iter()
            .any(|heap| has_moved_in(table, criterion, part, heap, u64::MAX)),
    }
}

/// The same of one heap. Looks where rows were inserted last, and further and further away from there, until it has found all.
fn has_moved_in(
    table: Table<'_>,
    criterion: &Criterion,
    part: u32,
    heap: pg_sys::Oid,
    most: u64,
) -> bool {
    let Some(heap) = Relation::open(heap, LockMode::AccessShare).filter(Relation::is_heap) else {
        return false;
    };
    let end = heap.blocks();
    let near = heap.block_of_last_insert().unwrap_or(end).min(end);
    let (mut known, mut step, mut found) = ((near, near), 16_u32, 0_u64);
    while known != (0, end) && found < most {
        let wider = (
            known.0.saturating_sub(step),
            known.1.saturating_add(step).min(end),
        );
        for blocks in [(wider.0, known.0), (known.1, wider.1)] {
            if blocks.0 < blocks.1 {
                let (own, has_expired) = own_versions(table, criterion, part, &heap, blocks);
                if has_expired {
                    return true;
                }
                found += own;
            }
        }
        (known, step) = (wider, step.saturating_mul(8));
    }
    false
}

/// How many rows in a range of blocks the part of the transaction has inserted, and whether one of them is expired.
///
/// Ids of transactions are compared by their age, which wraps around as they do. A trigger's subtransaction has a later id than
/// the part that it is in; what is seen though its transaction is in progress is this one's.
fn own_versions(
    table: Table<'_>,
    criterion: &Criterion,
    part: u32,
    heap: &Relation,
    (from, until): (u32, u32),
) -> (u64, bool) {
    let (condition, arguments) = criterion.condition();
    let range = range((from, 0), (until, 0));
    let heap = u32::from(heap.oid());
    let statement = |name: &str| {
        let table = table.named(name);
        let age = format!("pg_catalog.age({TABLE_ALIAS}.xmin)");
        format!(
            "SELECT pg_catalog.count(*), coalesce(pg_catalog.bool_or({condition}), false) FROM {table} \
             WHERE {range}{TABLE_ALIAS}.tableoid OPERATOR(pg_catalog.=) '{heap}'::pg_catalog.oid \
             AND {age} OPERATOR(pg_catalog.<=) pg_catalog.age('{part}'::pg_catalog.xid) \
             AND pg_catalog.pg_xact_status((pg_catalog.pg_current_xact_id()::pg_catalog.text::pg_catalog.int8 \
             OPERATOR(pg_catalog.+) pg_catalog.age(pg_catalog.pg_current_xact_id()::pg_catalog.xid) OPERATOR(pg_catalog.-) {age})\
             ::pg_catalog.text::pg_catalog.xid8) OPERATOR(pg_catalog.=) 'in progress'"
        )
    };
    let own: Vec<(u64, bool)> = pg::query_on(table.relation(), statement, &arguments);
    own.into_iter().next().unwrap_or_default()
}
