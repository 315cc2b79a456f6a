//! What is set right in the tables now and then: rows that nobody has closed, instants of a clock that was ahead, and what is too old.

use super::super::board::{Board, board};
use super::super::policy::EPOCH_DIFFERENCE;
use crate::pg::{self, Argument};
use crate::settings;
use logic::number;

/// Rows of the history that one transaction removes.
const BATCH: u64 = 1_000;

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
