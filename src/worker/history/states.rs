//! What all runs of a table come to: the table raw_clear_sessions.state.

use super::super::database::begin_in;
use super::not_written;
use crate::pg::{self, Argument};
use crate::refusal::Refusal;
use pgrx::pg_sys;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// For how long runs that found nothing are only counted in memory. What a crash loses of it is run again.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// What the table raw_clear_sessions.state gets to know of a run that has ended.
#[derive(Clone, Default, Serialize)]
pub(super) struct Ended {
    pub(super) table: u32,
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) stop: &'static str,
    pub(super) deleted: u64,
    pub(super) skipped: u64,
    pub(super) expired_left: Option<u64>,
    /// Whether nothing is left that had expired when it began.
    pub(super) cleared: bool,
    pub(super) failure: Option<i64>,
    pub(super) error: Option<String>,
    pub(super) sqlstate: Option<String>,
    /// When it was repacked, by [`Repacking::when`](super::super::repacking::Repacking::when).
    pub(super) repack: Option<&'static str>,
    pub(super) repack_error: Option<String>,
}

thread_local! {
    /// Runs that are not yet counted: because they found nothing, or another transaction was at the row.
    static PENDING: RefCell<Vec<Ended>> = const { RefCell::new(Vec::new()) };
    static FLUSHED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Counts a run that could not be recorded, as failed with that: else it would be due again at once.
pub fn count_failure(table: pg_sys::Oid, started: i64, refusal: &Refusal) {
    count_later(Ended {
        table: table.into(),
        start: started,
        end: pg::now(),
        stop: "failed",
        error: Some(refusal.message().to_owned()),
        sqlstate: Some(pg::sqlstate_text(refusal.sqlstate())),
        ..Ended::default()
    });
}

/// Counts a run that has ended, after those of its table that are not yet counted.
pub(super) fn count(schema: &str, ended: Ended) {
    let is_first = PENDING.with_borrow(|all| all.iter().all(|one| one.table != ended.table));
    let left = if is_first {
        write_states(schema, vec![ended])
    } else {
        vec![ended]
    };
    left.into_iter().for_each(count_later);
}

/// Leaves a run to be counted by `flush`.
pub(super) fn count_later(ended: Ended) {
    PENDING.with_borrow_mut(|pending| pending.push(ended));
}

/// Counts the runs that are not yet counted, all in one transaction; with `at_once` false only now and then. The tables for
/// which that has to wait, because somebody's open transaction is about to change what is known of them: nobody waits for that.
pub fn flush(schema: &str, at_once: bool) -> Vec<pg_sys::Oid> {
    let flushed = FLUSHED.get().unwrap_or_else(Instant::now);
    if !at_once && flushed.elapsed() < FLUSH_EVERY {
        FLUSHED.set(Some(flushed));
        return Vec::new();
    }
    FLUSHED.set(Some(Instant::now()));
    // They stay until they are counted: after an ERROR they are counted the next time.
    let pending = PENDING.with_borrow(Vec::clone);
    if pending.is_empty() {
        return Vec::new();
    }
    let left = if begin_in(schema) {
        write_states(schema, pending)
    } else {
        Vec::new()
    };
    pg::commit();
    let tables = tables(&left);
    PENDING.set(left);
    tables
}

fn tables(of: &[Ended]) -> Vec<pg_sys::Oid> {
    of.iter().map(|ended| ended.table.into()).collect()
}

/// Counts runs, one of each table; those are left, and returned, at whose rows another transaction is.
fn write_states(schema: &str, ended: Vec<Ended>) -> Vec<Ended> {
    let mut not_now: HashSet<u32> = locked_states(schema, &ended).into_iter().collect();
    let (written, left): (Vec<_>, Vec<_>) = ended
        .into_iter()
        .partition(|ended| not_now.insert(ended.table));
    if !written.is_empty() {
        write_free_states(schema, &written);
    }
    left
}

/// The tables among these whose states others have locked, or are about to insert. Locks the other ones.
fn locked_states(schema: &str, ended: &[Ended]) -> Vec<u32> {
    let tables = tables(ended);
    let mut locked: Vec<u32> = pg::query_own(
        &format!(
            "WITH free AS MATERIALIZED (SELECT s.\"table\" FROM {schema}.state s \
             WHERE s.\"table\" OPERATOR(pg_catalog.=) ANY ($1::pg_catalog._oid) FOR UPDATE SKIP LOCKED) \
             SELECT s.\"table\" FROM {schema}.state s WHERE s.\"table\" OPERATOR(pg_catalog.=) ANY ($1::pg_catalog._oid) \
             AND NOT EXISTS (SELECT FROM free f WHERE f.\"table\" OPERATOR(pg_catalog.=) s.\"table\")"
        ),
        &[Argument::oids(&tables)],
    );
    let written = pg::states_being_written(&tables);
    locked.extend(written.into_iter().map(u32::from));
    locked
}

/// A table that has gone meanwhile keeps its state for now: the policy may follow to the one that takes its place. One that has
/// been renamed keeps its old name while another has that: a note says so, and should it go, that one has taken its place. In
/// one order, as whoever locks several rows here: else two workers could wait for each other. ERROR 27000 where one is not written.
fn write_free_states(schema: &str, ended: &[Ended]) {
    let json = serde_json::to_string(ended).expect("plain data becomes JSON");
    let instant = |column: &str| {
        format!(
            "'2000-01-01 00:00:00+00'::pg_catalog.timestamptz OPERATOR(pg_catalog.+) \
             (n.{column}::pg_catalog.float8 OPERATOR(pg_catalog.*) '1 microsecond'::pg_catalog.interval)"
        )
    };
    let (start, end) = (instant("start"), instant("\"end\""));
    let when = |condition: &str, value: &str| format!("CASE WHEN {condition} THEN {value} END");
    let done = "n.stop OPERATOR(pg_catalog.=) 'done'";
    let repack_tried = format!(
        "CASE n.repack WHEN 'end' THEN {end} WHEN '-infinity' THEN '-infinity'::pg_catalog.timestamptz END"
    );
    // Of a request whose instant the clock, which has been set back, has yet to come to, nobody knows.
    let asked_since = "s.run_now OPERATOR(pg_catalog.>) EXCLUDED.last_start \
         AND s.run_now OPERATOR(pg_catalog.<=) pg_catalog.clock_timestamp()";
    // An interrupted run stays due: when the last one was stays what it was.
    let over = "n.stop OPERATOR(pg_catalog.<>) 'interrupted'";
    let written = pg::modify_own(
        &format!(
            "INSERT INTO {schema}.state AS s (\"table\", name, owner, runs, deleted, failures, first_start, last_start, last_end, \
             last_stop, last_deleted, last_skipped, expired_left, success_start, success_end, cleared_until, \
             failure, error, sqlstate, repack_tried, repack_error) \
             SELECT n.\"table\", CASE WHEN c.oid IS NULL THEN o.name ELSE pg_catalog.format('%I.%I', ns.nspname, c.relname) END, \
             coalesce(c.relowner, o.owner), 1, n.deleted, \
             {failed}, {start}, {last_start}, {last_end}, n.stop, n.deleted, n.skipped, n.expired_left, \
             {success_start}, {success_end}, {cleared}, n.failure, n.error, n.sqlstate, {repack_tried}, n.repack_error \
             FROM pg_catalog.jsonb_to_recordset($1::pg_catalog.jsonb) AS n (\"table\" pg_catalog.oid, start pg_catalog.int8, \
             \"end\" pg_catalog.int8, stop pg_catalog.text, deleted pg_catalog.int8, skipped pg_catalog.int8, \
             expired_left pg_catalog.int8, cleared pg_catalog.bool, failure pg_catalog.int8, \
             error pg_catalog.text, sqlstate pg_catalog.text, repack pg_catalog.text, repack_error pg_catalog.text) \
             LEFT JOIN (pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace ns ON ns.oid OPERATOR(pg_catalog.=) c.relnamespace) \
             ON c.oid OPERATOR(pg_catalog.=) n.\"table\" \
             LEFT JOIN {schema}.state o ON o.\"table\" OPERATOR(pg_catalog.=) n.\"table\" \
             WHERE coalesce(c.oid, o.\"table\") IS NOT NULL \
             ORDER BY n.\"table\" \
             ON CONFLICT (\"table\") DO UPDATE SET \
             name = {name}, owner = {owner}, \
             runs = s.runs OPERATOR(pg_catalog.+) 1, deleted = s.deleted OPERATOR(pg_catalog.+) EXCLUDED.deleted, \
             failures = CASE EXCLUDED.failures WHEN 1 THEN s.failures OPERATOR(pg_catalog.+) 1 ELSE EXCLUDED.failures END, \
             first_start = coalesce(s.first_start, EXCLUDED.first_start), \
             last_start = coalesce(EXCLUDED.last_start, s.last_start), last_end = coalesce(EXCLUDED.last_end, s.last_end), \
             last_stop = EXCLUDED.last_stop, last_deleted = EXCLUDED.last_deleted, last_skipped = EXCLUDED.last_skipped, \
             expired_left = EXCLUDED.expired_left, \
             success_start = coalesce(EXCLUDED.success_start, s.success_start), \
             success_end = coalesce(EXCLUDED.success_end, s.success_end), \
             cleared_until = CASE WHEN EXCLUDED.last_stop OPERATOR(pg_catalog.<>) 'hidden' \
             THEN coalesce(EXCLUDED.cleared_until, s.cleared_until) END, \
             failure = coalesce(EXCLUDED.failure, s.failure), error = coalesce(EXCLUDED.error, s.error), \
             sqlstate = coalesce(EXCLUDED.sqlstate, s.sqlstate), \
             run_now = CASE WHEN EXCLUDED.last_stop OPERATOR(pg_catalog.=) 'interrupted' OR {asked_since} THEN s.run_now END, \
             repack_tried = coalesce(EXCLUDED.repack_tried, s.repack_tried), \
             repack_error = CASE WHEN EXCLUDED.repack_tried IS NULL THEN s.repack_error ELSE EXCLUDED.repack_error END",
            name = "CASE WHEN pg_catalog.to_regclass(s.name) IS NULL THEN EXCLUDED.name ELSE s.name END",
            owner = "EXCLUDED.owner",
            failed = "CASE WHEN n.stop OPERATOR(pg_catalog.=) ANY (ARRAY['failed', 'left_out']) THEN 1 ELSE 0 END",
            last_start = when(over, &start),
            last_end = when(over, &end),
            success_start = when(done, &start),
            success_end = when(done, &end),
            cleared = when("n.cleared", &start),
        ),
        &[Argument::text(&json)],
    );
    if written == ended.len() as u64 {
        return;
    }
    let tables = tables(ended);
    let known: u64 = pg::query_own(
        &format!(
            "SELECT pg_catalog.count(*) FROM pg_catalog.unnest($1::pg_catalog._oid) AS n \
             WHERE EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) n) \
             OR EXISTS (SELECT FROM {schema}.state s WHERE s.\"table\" OPERATOR(pg_catalog.=) n)"
        ),
        &[Argument::oids(&tables)],
    )
    .pop()
    .unwrap_or_default();
    if written < known {
        not_written(schema, "state");
    }
}
