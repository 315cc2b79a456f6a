//! The tables raw_clear_sessions.history, one row for a run that has something to tell, and raw_clear_sessions.state, what
//! all runs of a table come to.

use super::board::{Board, board};
use super::database::begin_in;
use super::lost_runs::UnderWay;
use super::policy::{self, EPOCH_DIFFERENCE, Policy};
use super::repacking::{Repacking, Tried};
use super::stop_request;
use crate::pg::{self, Argument, Usage};
use crate::progress;
use crate::refusal::Refusal;
use crate::run::{Outcome, Stop};
use crate::settings;
use logic::number;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;
use serde::Serialize;
use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// Rows of the history that one transaction removes.
const BATCH: u64 = 1_000;

/// How often a run writes how much it has deleted so far.
pub(super) const NOTE_EVERY: Duration = Duration::from_secs(1);

/// For how long runs that found nothing are only counted in memory. What a crash loses of it is run again.
const FLUSH_EVERY: Duration = Duration::from_secs(1);

/// What a run leaves in the column `details`.
#[derive(Serialize)]
pub struct Details<'a> {
    /// What the policy said, without what it left open.
    pub policy: serde_json::Value,
    pub elapsed_ms: u64,
    #[serde(flatten)]
    pub usage: Usage,
    /// How many expired rows are left, about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expired_left: Option<u64>,
    /// Whether the table was rewritten, where that was tried: "done", or why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<&'a str>,
    /// How long a rewrite kept everybody from the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked_ms: Option<u64>,
    /// What came of repacking it, where that was tried.
    #[serde(flatten)]
    pub repacked: Option<&'a Tried>,
    /// How many relations were vacuumed afterwards.
    #[serde(skip_serializing_if = "is_zero")]
    pub vacuumed: u64,
    /// Of the error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<&'a str>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The policy as JSON, without nulls.
pub fn policy_json(policy: &Policy) -> serde_json::Value {
    let mut json = serde_json::to_value(policy).expect("plain data becomes JSON");
    if let Some(object) = json.as_object_mut() {
        object.retain(|name, value| name != "meant" && !value.is_null());
    }
    json
}

/// How a run ended.
pub enum Result<'a> {
    Ended(Outcome),
    Failed(&'a Refusal),
    /// It had to make way, or the table went away.
    Interrupted(&'static str, Option<&'a Refusal>),
}

/// The table.
pub fn table(schema: &str) -> Option<pg_sys::Oid> {
    pg::query_one(
        "SELECT pg_catalog.to_regclass($1)::pg_catalog.oid",
        &[Argument::text(&format!("{schema}.history"))],
    )
}

/// The record of one run. It has a row in the history once it has something to tell.
pub struct Record {
    table: pg_sys::Oid,
    started: i64,
    pid: i32,
    id: Option<i64>,
    noted: Instant,
    /// What committed transactions have deleted, skipped, and how many of them there were.
    committed: (u64, u64, u64),
}

impl Record {
    pub fn begin(table: pg_sys::Oid) -> Record {
        Record {
            table,
            started: pg::now(),
            pid: pg::my_pid(),
            id: None,
            noted: Instant::now(),
            committed: (0, 0, 0),
        }
    }

    /// The record of a run that was put aside. Where the clock has been set back since, it begins now.
    pub fn go_on(table: pg_sys::Oid, id: i64, started: i64, committed: (u64, u64, u64)) -> Record {
        Record {
            started: started.min(pg::now()),
            id: Some(id),
            committed,
            ..Record::begin(table)
        }
    }

    /// Writes down what it takes to go on with the run.
    pub fn put_aside(&mut self, schema: &str, aside: &str) {
        self.write(
            schema,
            "aside = $2::pg_catalog.jsonb",
            &[Argument::text(aside)],
        );
    }

    /// When the run began.
    pub fn started(&self) -> i64 {
        self.started
    }

    /// What has been done so far is committed.
    pub fn note_commit(&mut self) {
        let last = progress::last();
        self.committed = (last.deleted, last.skipped, last.batches);
        stop_request::note_committed(self.committed.into());
    }

    /// Rows deleted and skipped, and transactions, as far as they are committed.
    pub fn committed(&self) -> (u64, u64, u64) {
        self.committed
    }

    /// Writes how much has been deleted so far, in the transaction that deleted it: of a run that is killed, nothing
    /// else is left. Not with each batch, or the row would have as many versions as there are batches.
    /// With `at_once`, though it is not time yet.
    pub fn note(&mut self, schema: &str, at_once: bool) {
        let last = progress::last();
        let is_time = at_once || self.id.is_none() || self.noted.elapsed() >= NOTE_EVERY;
        if last.deleted == 0 || !is_time {
            return;
        }
        self.noted = Instant::now();
        let counts = [last.deleted, last.skipped, last.batches];
        let [deleted, skipped, batches] =
            counts.map(|count| Argument::integer(number::bigint(count)));
        self.write(
            schema,
            "deleted = $2, skipped = $3, batches = $4",
            &[deleted, skipped, batches],
        );
    }

    /// Sets columns of the row, which is made if it is not there: the transaction that made it may have been aborted.
    fn write(&mut self, schema: &str, columns: &str, values: &[Argument]) -> i64 {
        loop {
            let made = self.id.is_none();
            let id = self.row(schema);
            let arguments = [&[Argument::integer(id)], values].concat();
            let written = pg::modify_own(
                &format!(
                    "UPDATE {schema}.history SET {columns} WHERE id OPERATOR(pg_catalog.=) $1"
                ),
                &arguments,
            );
            if written > 0 {
                return id;
            }
            if made {
                not_written(schema, "history");
            }
            self.id = None;
        }
    }

    /// The id of the row, which is made if there is none.
    fn row(&mut self, schema: &str) -> i64 {
        if let Some(id) = self.id {
            return id;
        }
        let rows = pg::query_own(
            &format!(
                "INSERT INTO {schema}.history (\"table\", started, pid) VALUES ($1::pg_catalog.oid, $2, $3) RETURNING id"
            ),
            &[
                Argument::oid(self.table),
                Argument::instant(self.started),
                Argument::integer(self.pid.into()),
            ],
        );
        let id = rows.into_iter().next();
        self.id = id;
        id.unwrap_or_else(|| not_written(schema, "history"))
    }

    /// Ends the record, in a transaction of its own, and says whether that has to be committed at once: a run that found
    /// nothing is counted with others, by `flush`.
    pub fn end(
        mut self,
        schema: &str,
        result: &Result,
        details: &Details,
        repacking: &Repacking,
    ) -> bool {
        // What batches have deleted before an ERROR stays deleted.
        let until_then = self.committed;
        let (stop, (deleted, skipped, batches), error) = match result {
            Result::Ended(outcome) => (
                outcome.stop.name(),
                (outcome.deleted, outcome.skipped, outcome.batches),
                None,
            ),
            Result::Failed(refusal) if refusal.is_of_left_out_rows() => {
                ("left_out", until_then, Some(*refusal))
            }
            Result::Failed(refusal) => ("failed", until_then, Some(*refusal)),
            Result::Interrupted(stop, refusal) => (*stop, until_then, *refusal),
        };
        let mut ended = Ended {
            table: self.table.into(),
            start: self.started,
            end: pg::now(),
            stop,
            deleted,
            skipped,
            expired_left: details.expired_left,
            cleared: stop == Stop::Done.name(),
            failure: None,
            error: error.map(|refusal| refusal.message().to_owned()),
            sqlstate: error.map(|refusal| pg::sqlstate_text(refusal.sqlstate())),
            repack: repacking.when(),
            repack_error: repacking.error().map(str::to_owned),
        };
        let is_over = [Stop::Done, Stop::Hidden]
            .iter()
            .any(|end| end.name() == stop);
        let has_something_to_tell = !is_over || deleted > 0 || skipped > 0 || self.id.is_some();
        if !has_something_to_tell {
            add_pending(ended);
            return false;
        }
        let row = Row {
            stop,
            deleted,
            skipped,
            batches,
            error: ended.error.as_deref(),
            sqlstate: ended.sqlstate.as_deref(),
            details,
        };
        let json = serde_json::to_string(&row).expect("plain data becomes JSON");
        let columns = format!(
            "ended = pg_catalog.clock_timestamp(), \
             (stop, deleted, skipped, batches, error, sqlstate, details) = \
             (SELECT n.stop, n.deleted, n.skipped, n.batches, n.error, n.sqlstate, n.details \
             FROM pg_catalog.jsonb_populate_record(NULL::{schema}.history, $2::pg_catalog.jsonb) AS n)"
        );
        let id = self.write(schema, &columns, &[Argument::text(&json)]);
        ended.failure = matches!(result, Result::Failed(_)).then_some(id);
        // One after the other.
        let is_first = PENDING.with_borrow(|all| all.iter().all(|one| one.table != ended.table));
        let left = if is_first {
            write_states(schema, vec![ended])
        } else {
            vec![ended]
        };
        left.into_iter().for_each(add_pending);
        true
    }
}

/// What the columns of a row become at the end of a run.
#[derive(Serialize)]
struct Row<'a> {
    stop: &'static str,
    deleted: u64,
    skipped: u64,
    batches: u64,
    error: Option<&'a str>,
    sqlstate: Option<&'a str>,
    details: &'a Details<'a>,
}

/// What the table raw_clear_sessions.state gets to know of a run that has ended.
#[derive(Clone, Serialize)]
struct Ended {
    table: u32,
    start: i64,
    end: i64,
    stop: &'static str,
    deleted: u64,
    skipped: u64,
    expired_left: Option<u64>,
    /// Whether nothing is left that had expired when it began.
    cleared: bool,
    failure: Option<i64>,
    error: Option<String>,
    sqlstate: Option<String>,
    /// When it was repacked, by [`Repacking::when`].
    repack: Option<&'static str>,
    repack_error: Option<String>,
}

thread_local! {
    /// Runs that are not yet counted: because they found nothing, or another transaction was at the row.
    static PENDING: RefCell<Vec<Ended>> = const { RefCell::new(Vec::new()) };
    static FLUSHED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Somebody has had a trigger or a rule of his own made for one of our tables.
fn not_written(schema: &str, table: &str) -> ! {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_TRIGGERED_DATA_CHANGE_VIOLATION,
        format!("a trigger or a rule has kept a row from table {schema}.{table}"),
    )
    .detail("What has become of a run could not be written down.")
    .hint(format!(
        "Drop the triggers and rules of table {schema}.{table}: the extension has none that would do that."
    ))
    .raise()
}

/// Counts a run that could not be recorded, as failed with that: else it would be due again at once.
pub fn count_failure(table: pg_sys::Oid, started: i64, refusal: &Refusal) {
    add_pending(Ended {
        table: table.into(),
        start: started,
        end: pg::now(),
        stop: "failed",
        deleted: 0,
        skipped: 0,
        expired_left: None,
        cleared: false,
        failure: None,
        error: Some(refusal.message().to_owned()),
        sqlstate: Some(pg::sqlstate_text(refusal.sqlstate())),
        repack: None,
        repack_error: None,
    });
}

fn add_pending(ended: Ended) {
    PENDING.with_borrow_mut(|pending| pending.push(ended));
}

/// Counts the runs that are not yet counted, all in one transaction; with `at_once` false only now and then. The tables for
/// which that has to wait, because somebody's open transaction is about to change what is known of them: nobody waits for that.
pub fn flush(schema: &str, at_once: bool) -> Vec<pg_sys::Oid> {
    let is_time = |flushed: Instant| flushed.elapsed() >= FLUSH_EVERY;
    let flushed = FLUSHED.get().unwrap_or_else(|| {
        FLUSHED.set(Some(Instant::now()));
        Instant::now()
    });
    if !at_once && !is_time(flushed) {
        return Vec::new();
    }
    FLUSHED.set(Some(Instant::now()));
    // They stay until they are counted: after an ERROR they are counted the next time.
    let pending = PENDING.with_borrow(Vec::clone);
    let mut tables = Vec::new();
    if !pending.is_empty() {
        let mut left = Vec::new();
        if begin_in(schema) {
            left = write_states(schema, pending);
            tables = left.iter().map(|ended| ended.table.into()).collect();
        }
        pg::commit();
        PENDING.set(left);
    }
    tables
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
    let tables: Vec<_> = ended.iter().map(|ended| ended.table.into()).collect();
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
    let tables: Vec<_> = ended.iter().map(|ended| ended.table.into()).collect();
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

/// Puts down a run that ended its worker as failed. In a transaction.
pub fn fail(schema: &str, run: UnderWay, error: &Refusal) {
    let open = pg::query_own(
        &format!(
            "SELECT h.id FROM {schema}.history h \
             WHERE h.ended IS NULL AND h.caller IS NULL AND h.pid OPERATOR(pg_catalog.=) $1 \
             AND h.\"table\" OPERATOR(pg_catalog.=) $2::pg_catalog.oid"
        ),
        &[
            Argument::integer(run.pid.into()),
            Argument::oid(run.table.into()),
        ],
    );
    let record = Record {
        // The clock may have been set back since.
        started: run.started.min(pg::now()),
        pid: run.pid,
        id: open.into_iter().next(),
        committed: run.committed.into(),
        ..Record::begin(run.table.into())
    };
    let elapsed = pg::now().saturating_sub(record.started);
    let (detail, hint) = error.notes();
    let details = Details {
        policy: policy_json(&policy::find(schema, run.table.into()).unwrap_or_default()),
        elapsed_ms: number::count(elapsed) / 1_000,
        usage: Usage::default(),
        expired_left: None,
        rewrite: None,
        locked_ms: None,
        repacked: None,
        vacuumed: 0,
        detail,
        hint,
    };
    record.end(
        schema,
        &Result::Failed(error),
        &details,
        &Repacking::NotLooked,
    );
}

/// Closes the rows that nobody will close: of runs that a crash, a shutdown or a termination ended, and that were not put
/// aside by then; and of calls whose process has ended, or is at another statement. Not those of the workers that are in the
/// database besides this one, which has none yet: of a worker that has come since the look at the history, none is in it.
/// Nor those that a transaction has locked, as that of a call does with its own, when it has other statements after it.
pub fn close_interrupted(schema: &str) {
    let open: Vec<(String, i32)> = pg::query_own(
        &format!(
            "SELECT h.id, h.pid FROM {schema}.history h WHERE h.ended IS NULL AND h.aside IS NULL AND h.caller IS NULL"
        ),
        &[],
    );
    let mut others = board().map(Board::other_workers).unwrap_or_default();
    // Read after those: who has ended with a run has left it there before. It is still to be recorded.
    let lost = board().map(|board| board.lost_runs.processes(pg::my_database()));
    others.extend(lost.unwrap_or_default());
    let lost = open.into_iter().filter(|(_, pid)| !others.contains(pid));
    let lost: Vec<String> = lost.map(|(id, _)| id).collect();
    pg::modify_own(
        &format!(
            "WITH over AS (SELECT h.id FROM {schema}.history h \
             WHERE h.ended IS NULL AND h.aside IS NULL AND (h.id OPERATOR(pg_catalog.=) ANY ($1::pg_catalog._int8) \
             OR h.caller IS NOT NULL AND NOT EXISTS ( \
             SELECT FROM pg_catalog.pg_stat_get_activity(h.pid) a \
             WHERE a.state OPERATOR(pg_catalog.=) 'active' AND a.query_start OPERATOR(pg_catalog.<=) h.started)) \
             FOR UPDATE SKIP LOCKED), \
             closed AS (UPDATE {schema}.history h SET ended = pg_catalog.clock_timestamp(), stop = 'interrupted' \
             FROM over o WHERE h.id OPERATOR(pg_catalog.=) o.id RETURNING h.\"table\", h.deleted, h.caller), \
             free AS (SELECT s.\"table\" FROM {schema}.state s WHERE s.\"table\" OPERATOR(pg_catalog.=) ANY ( \
             SELECT c.\"table\" FROM closed c WHERE c.caller IS NULL) FOR UPDATE SKIP LOCKED) \
             UPDATE {schema}.state AS s SET runs = s.runs OPERATOR(pg_catalog.+) 1, last_stop = 'interrupted', \
             last_deleted = c.deleted, deleted = s.deleted OPERATOR(pg_catalog.+) coalesce(c.deleted, 0) \
             FROM closed c, free f WHERE f.\"table\" OPERATOR(pg_catalog.=) s.\"table\" \
             AND c.caller IS NULL AND c.\"table\" OPERATOR(pg_catalog.=) s.\"table\""
        ),
        &[Argument::text(&format!("{{{}}}", lost.join(",")))],
    );
}

/// The instants in the table of states.
const INSTANTS: [&str; 7] = [
    "first_start",
    "last_start",
    "last_end",
    "success_start",
    "success_end",
    "cleared_until",
    "repack_tried",
];

/// Every stored instant that lies in the future counts as now: the clock has been set back since. The latest of them, if
/// there was one. A row at which another transaction is has to wait for the next worker.
pub fn pull_back(schema: &str) -> Option<i64> {
    let latest = INSTANTS.map(|column| format!("s.{column}")).join(", ");
    let pulled = INSTANTS
        .map(|column| {
            format!(
                "{column} = CASE WHEN s.{column} OPERATOR(pg_catalog.>) pg_catalog.now() THEN pg_catalog.now() ELSE s.{column} END"
            )
        })
        .join(", ");
    let rows: Vec<Option<i64>> = pg::query_own(
        &format!(
            "WITH ahead AS (SELECT s.\"table\", greatest({latest}) AS instant FROM {schema}.state s \
             WHERE greatest({latest}) OPERATOR(pg_catalog.>) pg_catalog.now()), \
             states AS (UPDATE {schema}.state s SET {pulled} FROM ( \
             SELECT f.\"table\" FROM {schema}.state f JOIN ahead a ON a.\"table\" OPERATOR(pg_catalog.=) f.\"table\" \
             FOR UPDATE OF f SKIP LOCKED) f WHERE f.\"table\" OPERATOR(pg_catalog.=) s.\"table\"), \
             policies AS (UPDATE {schema}.policy p SET changed = pg_catalog.now() FROM ( \
             SELECT f.\"table\" FROM {schema}.policy f WHERE f.changed OPERATOR(pg_catalog.>) pg_catalog.now() \
             FOR UPDATE SKIP LOCKED) f WHERE f.\"table\"::pg_catalog.oid OPERATOR(pg_catalog.=) p.\"table\"::pg_catalog.oid) \
             SELECT (extract(epoch FROM pg_catalog.max(instant)) OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8 \
             FROM ahead WHERE pg_catalog.isfinite(instant)"
        ),
        &[],
    );
    let unix = rows.into_iter().next()?;
    unix.map(|unix| unix - EPOCH_DIFFERENCE)
}

/// Removes some rows that are older than the setting `history`; whether there may be more. A table's last failure stays
/// as long as the table.
pub fn remove_old(schema: &str) -> bool {
    let removed = pg::modify_own(
        &format!(
            "DELETE FROM {schema}.history WHERE id OPERATOR(pg_catalog.=) ANY (ARRAY( \
             SELECT h.id FROM {schema}.history h \
             WHERE h.started OPERATOR(pg_catalog.<) \
             (pg_catalog.now() OPERATOR(pg_catalog.-) pg_catalog.make_interval(secs => $1::pg_catalog.float8)) \
             AND h.ended IS NOT NULL \
             AND NOT EXISTS (SELECT FROM {schema}.state s WHERE s.\"table\" OPERATOR(pg_catalog.=) h.\"table\" \
             AND s.failure OPERATOR(pg_catalog.=) h.id) \
             ORDER BY h.started LIMIT {BATCH} FOR UPDATE SKIP LOCKED))"
        ),
        &[Argument::integer(number::bigint(
            settings::history().as_secs(),
        ))],
    );
    removed == BATCH
}
