//! The entry points: every SQL function, its arguments turned into types, and nothing more.

mod find;
mod schedule;
mod status;

use crate::engine;
use crate::pg;
use crate::preview::{self, Preview};
use crate::progress::Shown;
use crate::refusal::Refusal;
use crate::run::{self, Stop};
use crate::table::{self, Caller, Checked, Function, Purpose, RowSecurity, Rule, Target};
use crate::worker::calls::Call;
use logic::number;
use pgrx::datum::{Internal, Interval, JsonB};
use pgrx::prelude::*;

// First of all: everything else may be put there.
extension_sql_file!("../sql/schema.sql", name = "schema", bootstrap);

/// The parameters that all of these functions have in common. A text comes as its bytes, which need not be UTF-8.
fn rule(
    expires: Option<&[u8]>,
    keep: Option<Interval>,
    unit: Option<&[u8]>,
    time_zone: Option<&[u8]>,
    filter: Option<&[u8]>,
    caller: Caller,
) -> Rule {
    Rule {
        expires: pg::exact_text("expires", expires),
        keep: keep.map(Into::into),
        unit: pg::exact_text("unit", unit),
        time_zone: pg::exact_text("time_zone", time_zone),
        filter: pg::exact_text("filter", filter),
        meant: None,
        caller,
    }
}

/// Deletes the expired rows in the caller's transaction and returns how many.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions(
    "table" regclass,
    expires text DEFAULT NULL,
    keep interval DEFAULT NULL,
    unit text DEFAULT NULL,
    time_zone text DEFAULT NULL,
    filter text DEFAULT NULL
) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions(regclass, text, interval, text, text, text)
IS 'deletes the expired rows of a session table and returns how many';
"#)]
fn raw_clear_sessions(
    table: Option<pg_sys::Oid>,
    expires: Option<&[u8]>,
    keep: Option<Interval>,
    unit: Option<&[u8]>,
    time_zone: Option<&[u8]>,
    filter: Option<&[u8]>,
) -> i64 {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions()");
    let _aside = pg::MemoryAside::set();
    pg::prevent_during_recovery(c"raw_clear_sessions()");
    let caller = Caller::of(Function::Clear, []);
    let rule = rule(expires, keep, unit, time_zone, filter, caller);
    clear(table, &rule).unwrap_or_else(|refusal| refusal.raise())
}

fn clear(table: Option<pg_sys::Oid>, rule: &Rule) -> Result<i64, Refusal> {
    let oid = table::table_oid(table)?;
    let _shown = Shown::to_client(oid);
    let record = Call::begin(oid);
    let checked = Checked::open(table, rule, Purpose::Delete)?;
    let target = Target::plan(checked, rule)?;
    let outcome = engine::run(&target, rule)?;
    if outcome.deleted == 0 {
        // Nothing waits for the transaction's end, which may be far: others may clear the table.
        pg::release_guard_in_transaction(oid);
    }
    let stop = Stop::at_the_end(RowSecurity::of(target.root()).as_ref());
    record.end_in_transaction(stop, outcome.deleted, outcome.skipped, None);
    Ok(number::bigint(outcome.deleted))
}

/// Keeps what has not expired: rewrites the table without its expired rows, and returns how many those were.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions_rewrite(
    "table" regclass,
    expires text DEFAULT NULL,
    keep interval DEFAULT NULL,
    unit text DEFAULT NULL,
    time_zone text DEFAULT NULL,
    filter text DEFAULT NULL
) RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 100000
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions_rewrite(regclass, text, interval, text, text, text)
IS 'rewrites a session table without its expired rows and returns how many those were';
"#)]
fn raw_clear_sessions_rewrite(
    table: Option<pg_sys::Oid>,
    expires: Option<&[u8]>,
    keep: Option<Interval>,
    unit: Option<&[u8]>,
    time_zone: Option<&[u8]>,
    filter: Option<&[u8]>,
) -> i64 {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions_rewrite()");
    let _aside = pg::MemoryAside::set();
    pg::prevent_during_recovery(c"raw_clear_sessions_rewrite()");
    pg::prevent_in_read_only(c"raw_clear_sessions_rewrite()");
    let caller = Caller::of(Function::Rewrite, []);
    let rule = rule(expires, keep, unit, time_zone, filter, caller);
    table::table_oid(table)
        .and_then(|table| {
            let _shown = Shown::to_client(table);
            let record = Call::begin(table);
            let done = engine::rewrite::rewrite(table, &rule, &mut || Ok(()))?;
            let locked = done.locked.map(|since| since.elapsed());
            record.end_in_transaction(Stop::Done, done.rows.removed, 0, locked);
            Ok(number::bigint(done.rows.removed))
        })
        .unwrap_or_else(|refusal| refusal.raise())
}

/// Says what `raw_clear_sessions` with the same arguments would do; deletes nothing.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions_preview(
    "table" regclass,
    expires text DEFAULT NULL,
    keep interval DEFAULT NULL,
    unit text DEFAULT NULL,
    time_zone text DEFAULT NULL,
    filter text DEFAULT NULL,
    exact boolean DEFAULT false
) RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE COST 1000
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions_preview(regclass, text, interval, text, text, text, boolean)
IS 'says what raw_clear_sessions would do with the same arguments, and deletes nothing';
"#)]
fn raw_clear_sessions_preview(
    table: Option<pg_sys::Oid>,
    expires: Option<&[u8]>,
    keep: Option<Interval>,
    unit: Option<&[u8]>,
    time_zone: Option<&[u8]>,
    filter: Option<&[u8]>,
    exact: Option<bool>,
) -> JsonB {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions_preview()");
    let _aside = pg::MemoryAside::set();
    let caller = Caller::of(
        Function::Preview,
        [(
            "exact",
            exact.filter(|exact| *exact).map(|exact| exact.to_string()),
        )],
    );
    let rule = rule(expires, keep, unit, time_zone, filter, caller);
    preview_as_json(table, &rule, exact.unwrap_or(false))
}

fn preview_as_json(table: Option<pg_sys::Oid>, rule: &Rule, exact: bool) -> JsonB {
    let preview: Result<Preview, Refusal> = preview::make(table, rule, exact);
    let text = match preview {
        Ok(preview) => serde_json::to_string(&preview).expect("plain data becomes JSON"),
        Err(refusal) => refusal.raise(),
    };
    JsonB(serde_json::from_str(&pg::encodable(&text)).expect("it was JSON"))
}

/// Deletes the expired rows in batches that commit, and says how many.
#[pg_extern(sql = r#"
CREATE PROCEDURE raw_clear_sessions_in_batches(
    "table" regclass,
    expires text DEFAULT NULL,
    keep interval DEFAULT NULL,
    unit text DEFAULT NULL,
    time_zone text DEFAULT NULL,
    filter text DEFAULT NULL,
    batch_size integer DEFAULT NULL,
    max_rows bigint DEFAULT NULL,
    max_duration interval DEFAULT NULL,
    INOUT deleted bigint DEFAULT NULL
)
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON PROCEDURE raw_clear_sessions_in_batches(regclass, text, interval, text, text, text, integer, bigint, interval, bigint)
IS 'deletes the expired rows of a session table in batches that commit';
"#)]
#[allow(
    clippy::too_many_arguments,
    reason = "one for each parameter of the SQL function"
)]
fn raw_clear_sessions_in_batches(
    table: Option<pg_sys::Oid>,
    expires: Option<&[u8]>,
    keep: Option<Interval>,
    unit: Option<&[u8]>,
    time_zone: Option<&[u8]>,
    filter: Option<&[u8]>,
    batch_size: Option<i32>,
    max_rows: Option<i64>,
    max_duration: Option<Interval>,
    _deleted: Option<i64>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Internal {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions_in_batches()");
    let _aside = pg::MemoryAside::set();
    pg::prevent_during_recovery(c"raw_clear_sessions_in_batches()");
    let caller = Caller::of(
        Function::InBatches,
        [
            ("batch_size", batch_size.map(|rows| rows.to_string())),
            ("max_rows", max_rows.map(|rows| rows.to_string())),
            (
                "max_duration",
                max_duration.map(|time| pg::Keep::from(time).text()),
            ),
        ],
    );
    let rule = rule(expires, keep, unit, time_zone, filter, caller);
    // SAFETY: this call's own.
    let call = unsafe { pg::NonatomicCall::begin(fcinfo) };
    let outcome = run::limits(batch_size, max_rows, max_duration.map(Into::into))
        .and_then(|limits| run::in_procedure(table, &rule, call, limits, Call::begin))
        .unwrap_or_else(|refusal| refusal.raise());
    // A composite value, which the SQL declares; pgrx hands on an internal one as it is.
    Internal::from(Some(pg::procedure_result(
        c"deleted",
        number::bigint(outcome.deleted),
    )))
}

/// A slice of the work on a shard, for the procedure on a Citus coordinator.
#[pg_extern(sql = r#"
CREATE PROCEDURE raw_clear_sessions.clear_shard(shard regclass, INOUT work text)
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON PROCEDURE raw_clear_sessions.clear_shard(regclass, text)
IS 'a part of the work of raw_clear_sessions_in_batches() on a Citus coordinator';
"#)]
fn raw_clear_sessions_clear_shard(
    shard: Option<pg_sys::Oid>,
    work: Option<&[u8]>,
    fcinfo: pg_sys::FunctionCallInfo,
) -> Internal {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions.clear_shard()");
    pg::prevent_during_recovery(c"raw_clear_sessions.clear_shard()");
    let _aside = pg::MemoryAside::set();
    let order = pg::exact_text("work", work).unwrap_or_default();
    // SAFETY: this call's own.
    let call = unsafe { pg::NonatomicCall::begin(fcinfo) };
    let report = run::clear_slice(shard, &order, call).unwrap_or_else(|refusal| refusal.raise());
    let report = serde_json::to_string(&report).expect("plain data becomes JSON");
    Internal::from(Some(pg::procedure_result(c"work", report)))
}
