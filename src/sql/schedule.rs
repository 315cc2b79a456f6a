//! The SQL functions that make and change the worker's policies.

use crate::pg;
use crate::refusal::Refusal;
use crate::worker::policy::Policy;
use crate::worker::recovery;
use crate::worker::scheduling;
use crate::worker::state;
use pgrx::datum::{Internal, Interval};
use pgrx::prelude::*;

/// Has the worker clear a table from now on.
#[pg_extern(requires = ["tables"], sql = r#"
CREATE FUNCTION raw_clear_sessions_schedule(
    "table" regclass,
    schedule text DEFAULT NULL,
    expires text DEFAULT NULL,
    keep interval DEFAULT NULL,
    unit text DEFAULT NULL,
    time_zone text DEFAULT NULL,
    filter text DEFAULT NULL,
    batch_size integer DEFAULT NULL,
    max_rows bigint DEFAULT NULL,
    max_duration interval DEFAULT NULL,
    rewrite_above double precision DEFAULT NULL,
    repack_above double precision DEFAULT NULL,
    schedule_time_zone text DEFAULT NULL
) RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions_schedule(regclass, text, text, interval, text, text, text, integer, bigint, interval, double precision, double precision, text)
IS 'has the worker clear a session table on a schedule, in place of an earlier policy';
"#)]
#[allow(
    clippy::too_many_arguments,
    reason = "one for each parameter of the SQL function"
)]
fn raw_clear_sessions_schedule(
    table: Option<pg_sys::Oid>,
    schedule: Option<&[u8]>,
    expires: Option<&[u8]>,
    keep: Option<Interval>,
    unit: Option<&[u8]>,
    time_zone: Option<&[u8]>,
    filter: Option<&[u8]>,
    batch_size: Option<i32>,
    max_rows: Option<i64>,
    max_duration: Option<Interval>,
    rewrite_above: Option<f64>,
    repack_above: Option<f64>,
    schedule_time_zone: Option<&[u8]>,
) {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions_schedule()");
    let _aside = pg::MemoryAside::set();
    pg::prevent_during_recovery(c"raw_clear_sessions_schedule()");
    pg::prevent_in_read_only(c"raw_clear_sessions_schedule()");
    let interval = |interval: Interval| pg::Keep::from(interval).text();
    let policy = Policy {
        schedule: pg::exact_text("schedule", schedule),
        expires: pg::exact_text("expires", expires),
        keep: keep.map(interval),
        unit: pg::exact_text("unit", unit),
        time_zone: pg::exact_text("time_zone", time_zone),
        filter: pg::exact_text("filter", filter),
        batch_size,
        max_rows,
        max_duration: max_duration.map(interval),
        rewrite_above,
        repack_above,
        schedule_time_zone: pg::exact_text("schedule_time_zone", schedule_time_zone),
        meant: None,
    };
    scheduling::schedule(table, &policy).unwrap_or_else(|refusal| refusal.raise());
    notice_off();
}

/// Says why the worker will not come soon.
fn notice_off() {
    if let Some(off) = state::why_off() {
        pg::notice(&off.message, None, Some(&off.hint));
    }
}

/// Has the worker clear a table no longer; false where there was no policy for it.
#[pg_extern(requires = ["tables"], sql = r#"
CREATE FUNCTION raw_clear_sessions_unschedule("table" regclass) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions_unschedule(regclass)
IS 'removes the policy by which the worker clears a table; false if there is none';
"#)]
fn raw_clear_sessions_unschedule(table: Option<pg_sys::Oid>) -> bool {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions_unschedule()");
    let _aside = pg::MemoryAside::set();
    pg::prevent_during_recovery(c"raw_clear_sessions_unschedule()");
    pg::prevent_in_read_only(c"raw_clear_sessions_unschedule()");
    scheduling::unschedule(table).unwrap_or_else(|refusal| refusal.raise())
}

/// Has a policy rest; false where there is none, or it rests already.
#[pg_extern(requires = ["views"], sql = r#"
CREATE FUNCTION raw_clear_sessions_suspend("table" regclass) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions_suspend(regclass)
IS 'has the policy of a table rest until it is resumed; false if there is none that does not';
"#)]
fn raw_clear_sessions_suspend(table: Option<pg_sys::Oid>) -> bool {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions_suspend()");
    let _aside = pg::MemoryAside::set();
    pg::prevent_during_recovery(c"raw_clear_sessions_suspend()");
    pg::prevent_in_read_only(c"raw_clear_sessions_suspend()");
    scheduling::suspend(table).unwrap_or_else(|refusal| refusal.raise())
}

/// Has a policy that rests be carried out again; false where there is none that rests.
#[pg_extern(requires = ["views"], sql = r#"
CREATE FUNCTION raw_clear_sessions_resume("table" regclass) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions_resume(regclass)
IS 'has a suspended policy, or one from a dump, be carried out from now on; false if there is none that rests';
"#)]
fn raw_clear_sessions_resume(table: Option<pg_sys::Oid>) -> bool {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions_resume()");
    let _aside = pg::MemoryAside::set();
    pg::prevent_during_recovery(c"raw_clear_sessions_resume()");
    pg::prevent_in_read_only(c"raw_clear_sessions_resume()");
    scheduling::resume(table).unwrap_or_else(|refusal| refusal.raise())
}

/// Has the worker clear what rests because it comes from elsewhere; false where nothing does.
#[pg_extern(requires = ["views"], sql = r#"
CREATE FUNCTION raw_clear_sessions_resume_all() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions_resume_all()
IS 'has the worker clear what rests after a restore or a recovery to a point in time; false if nothing does';
"#)]
fn raw_clear_sessions_resume_all() -> bool {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions_resume_all()");
    pg::prevent_during_recovery(c"raw_clear_sessions_resume_all()");
    pg::prevent_in_read_only(c"raw_clear_sessions_resume_all()");
    scheduling::resume_all().unwrap_or_else(|refusal| refusal.raise())
}

/// The last recovery of this server to a point in time.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.recovery() RETURNS text
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.recovery()
IS 'the last recovery of this server to a point in time, for the view raw_clear_sessions.status; NULL if there was none';
"#)]
fn raw_clear_sessions_recovery() -> Option<String> {
    recovery::last()
}

/// Has the worker clear a table at once; false where it is not scheduled.
#[pg_extern(requires = ["views"], sql = r#"
CREATE FUNCTION raw_clear_sessions_run_now("table" regclass) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions_run_now(regclass)
IS 'has the worker clear a scheduled table at once; false if it is not scheduled, its policy rests, or a subscription writes it';
"#)]
fn raw_clear_sessions_run_now(table: Option<pg_sys::Oid>) -> bool {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions_run_now()");
    let _aside = pg::MemoryAside::set();
    pg::prevent_during_recovery(c"raw_clear_sessions_run_now()");
    pg::prevent_in_read_only(c"raw_clear_sessions_run_now()");
    let asked = scheduling::run_now(table).unwrap_or_else(|refusal| refusal.raise());
    if asked {
        notice_off();
    }
    asked
}

/// Ends the worker's run of a table; false where there is none.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions_cancel("table" regclass) RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions_cancel(regclass)
IS 'ends the run of a table that the worker is at, within a second or so; false if there is none';
"#)]
fn raw_clear_sessions_cancel(table: Option<pg_sys::Oid>) -> bool {
    pg::prevent_in_parallel_mode(c"raw_clear_sessions_cancel()");
    scheduling::cancel(table).unwrap_or_else(|refusal| refusal.raise())
}

/// Has the launcher look at this database at once, when this transaction is committed: at the end of CREATE EXTENSION.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.announce() RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.announce()
IS 'has the worker look at this database at once';

REVOKE ALL ON FUNCTION raw_clear_sessions.announce() FROM PUBLIC;
"#)]
fn raw_clear_sessions_announce() {
    scheduling::announce();
}

/// What every row of raw_clear_sessions.policy has to meet, whoever writes it: a restored dump, for one. A policy
/// holds expressions that are evaluated with the rights of the table's owner.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.check_policy("table" regclass, schedule text, time_zone text, expires text, filter text) RETURNS boolean
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.check_policy(regclass, text, text, text, text)
IS 'the check constraint of raw_clear_sessions.policy';
"#)]
fn raw_clear_sessions_check_policy(
    table: Option<pg_sys::Oid>,
    schedule: Option<&[u8]>,
    zone: Option<&[u8]>,
    expires: Option<&[u8]>,
    filter: Option<&[u8]>,
) -> bool {
    let check = || -> Result<(), Refusal> {
        if let Some(table) = table {
            scheduling::check_owns(table, &pg::relation_name(table))?;
        }
        let [schedule, zone] = [("schedule", schedule), ("schedule_time_zone", zone)]
            .map(|(name, text)| pg::exact_text(name, text));
        let [expires, filter] = [("expires", expires), ("filter", filter)]
            .map(|(name, text)| pg::exact_text(name, text));
        let texts = [&schedule, &zone, &expires, &filter];
        scheduling::check_lengths(texts.map(Option::as_deref))?;
        scheduling::check_schedule(schedule.as_deref(), zone.as_deref())
    };
    check().unwrap_or_else(|refusal| refusal.raise());
    true
}

/// Whether this process applies what another server has published.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.is_applied() RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.is_applied()
IS 'whether this process applies what another server has published';
"#)]
fn raw_clear_sessions_is_applied() -> bool {
    pg::is_logical_worker()
}

/// Reads the name of a table as regclass does; where it is applied, the row is left out, and the table may not be here.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.scheduled_table_in(cstring) RETURNS raw_clear_sessions.scheduled_table
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.scheduled_table_in(cstring) IS 'I/O';
"#)]
fn raw_clear_sessions_scheduled_table_in(fcinfo: pg_sys::FunctionCallInfo) -> Internal {
    let oid = if pg::is_logical_worker() {
        pg_sys::InvalidOid.into()
    } else {
        // SAFETY: this call's own, and its argument is a C string, as the SQL declares.
        unsafe { pg::regclass_in(fcinfo) }
    };
    // pgrx hands on an internal value as it is, and would make NULL of an oid that is none.
    Internal::from(Some(oid))
}

/// Leaves out a row: what another server's worker is to do, or has done, is not this one's.
#[pg_extern(sql = r#"
CREATE FUNCTION raw_clear_sessions.leave_out() RETURNS trigger
LANGUAGE c
AS 'MODULE_PATHNAME', '@FUNCTION_NAME@';

COMMENT ON FUNCTION raw_clear_sessions.leave_out()
IS 'leaves out rows of another server''s that logical replication applies to the extension''s tables';
"#)]
fn raw_clear_sessions_leave_out(fcinfo: pg_sys::FunctionCallInfo) -> Internal {
    // SAFETY: this call's own.
    if !unsafe { pg::is_called_as_trigger(fcinfo) } {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED,
            "function \"raw_clear_sessions.leave_out\" was not called by trigger manager",
        )
        .raise();
    }
    // No row; a trigger function may not return NULL.
    Internal::from(Some(pg_sys::Datum::null()))
}

extension_sql_file!(
    "../../sql/tables.sql",
    name = "tables",
    requires = [
        raw_clear_sessions_check_policy,
        raw_clear_sessions_is_applied,
        raw_clear_sessions_scheduled_table_in,
        raw_clear_sessions_recovery,
        raw_clear_sessions_leave_out
    ]
);
