//! Runs that are put aside while others have their turn: what it takes to go on with them, in this process or another, in the
//! history.

use super::database::begin_in;
use super::history::Record;
use super::host::Host;
use super::policy::{EPOCH_DIFFERENCE, Policy};
use super::rewriting::Rewriting;
use super::turns::Turn;
use crate::pg::{self, Argument, Usage};
use crate::run::{Stop, WrittenDown};
use logic::number;
use pgrx::pg_sys;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::time::Duration;

#[derive(Serialize, Deserialize)]
struct Written {
    run: WrittenDown,
    /// In microseconds.
    elapsed: i64,
    used: Usage,
    /// Why it was not rewritten, where that was tried.
    rewrite: Option<String>,
    /// The relations that rows were deleted from, and how many.
    deleted_from: Vec<(pg_sys::Oid, u64)>,
    /// When its last turn began.
    turn: i64,
    /// The table's owner wants it to end.
    #[serde(default)]
    canceled: bool,
}

/// The tables of this database whose runs are put aside, and when their last turns began. In a transaction.
pub fn all(schema: &str) -> HashMap<u32, i64> {
    let rows: Vec<(u32, Option<i64>)> = pg::query_own(
        &format!(
            "SELECT h.\"table\", h.aside OPERATOR(pg_catalog.->>) 'turn' FROM {schema}.history h WHERE h.ended IS NULL AND h.aside IS NOT NULL"
        ),
        &[],
    );
    rows.into_iter()
        .map(|(table, turn)| (table, turn.unwrap_or(i64::MIN)))
        .collect()
}

/// What has become of a run that was put aside.
pub enum Found<'a> {
    /// It goes on, or ends for this reason.
    Turn(Box<Turn<'a>>, Option<&'static str>),
    /// Another session is about to cancel it.
    Locked,
    Gone,
}

/// Its row: the id, when it began, what it has done by then, and the rest as it was written down.
type Taken = (
    i64,
    i64,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<String>,
);

/// Takes over the run of a table, if there is one. In a transaction.
pub fn take<'a>(schema: &'a str, table: pg_sys::Oid) -> Found<'a> {
    let rows = pg::query_own(
        &format!(
            "UPDATE {schema}.history h SET aside = NULL, pid = $2 FROM ( \
             SELECT o.id, o.aside, (extract(epoch FROM o.started) OPERATOR(pg_catalog.*) 1000000)::pg_catalog.int8 AS started, \
             o.deleted, o.skipped, o.batches FROM {schema}.history o \
             WHERE o.\"table\" OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND o.ended IS NULL AND o.aside IS NOT NULL \
             ORDER BY o.id LIMIT 1 FOR UPDATE SKIP LOCKED) o \
             WHERE h.id OPERATOR(pg_catalog.=) o.id RETURNING o.id, o.started, o.deleted, o.skipped, o.batches, o.aside"
        ),
        &[Argument::oid(table), Argument::integer(pg::my_pid().into())],
    );
    let taken: Option<Taken> = rows.into_iter().next();
    let Some((id, started, deleted, skipped, batches, aside)) = taken else {
        return match all(schema).contains_key(&table.into()) {
            true => Found::Locked,
            false => Found::Gone,
        };
    };
    let count = |rows: Option<i64>| number::count(rows.unwrap_or(0));
    let started = started - EPOCH_DIFFERENCE;
    let committed = (count(deleted), count(skipped), count(batches));
    let mut host = Host::new(schema, table, Policy::default());
    host.record = Record::go_on(table, id, started, committed);
    let mut turn = Turn::first(host);
    // Another version of the extension may have written it.
    let written = aside.and_then(|json| serde_json::from_str::<Written>(&json).ok());
    let ends = match written {
        None => Some("interrupted"),
        Some(written) => {
            let canceled = written.canceled;
            let elapsed = Duration::from_micros(number::count(written.elapsed));
            turn.take_up(written.used, elapsed);
            turn.aside = Some(written.run);
            turn.rewritten = Rewriting::in_those_words(written.rewrite);
            turn.host.deleted_from(written.deleted_from);
            canceled.then(|| Stop::Canceled.name())
        }
    };
    Found::Turn(Box::new(turn), ends)
}

/// Writes a run down, for its next turn; `began`: when its last one did.
pub fn write_down(schema: &str, mut turn: Turn<'_>, began: i64) {
    let Some(aside) = turn.aside.take() else {
        return;
    };
    let written = Written {
        run: aside,
        elapsed: number::microseconds(turn.elapsed),
        used: turn.used,
        rewrite: turn.rewritten.in_words().map(str::to_owned),
        deleted_from: turn.host.take_deleted_from(),
        turn: began,
        canceled: false,
    };
    let json = serde_json::to_string(&written).expect("plain data becomes JSON");
    if begin_in(schema) && turn.host.extension_is_the_same() {
        turn.host.record.put_aside(schema, &json);
    }
    pg::commit();
}

/// Asks a run of a table that is put aside to end; how many rows that changes. In a transaction, with the rights of the
/// tables' owner.
pub fn cancel(schema: &str, table: pg_sys::Oid) -> u64 {
    pg::modify_own(
        &format!(
            "UPDATE {schema}.history SET aside = pg_catalog.jsonb_set(aside, '{{canceled}}', 'true') \
             WHERE \"table\" OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND ended IS NULL AND aside IS NOT NULL"
        ),
        &[Argument::oid(table)],
    )
}
