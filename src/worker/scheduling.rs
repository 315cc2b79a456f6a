//! What owners of tables may change in the table raw_clear_sessions.policy: with its owner's rights, after a look at
//! theirs.

use super::aside;
use super::board::{board, is_worker};
use super::meant;
use super::policy::{self, COLUMNS, Policy};
use super::recovery;
use super::replaced;
use super::stop_request::Reason;
use crate::pg::{self, Argument, Keep, LocalSetting, LockMode, Relation, TABLE_ALIAS};
use crate::refusal::Refusal;
use crate::settings;
use crate::table::{self, Checked, Meant, Purpose};
use logic::schedule::Schedule;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// As long as a text of a policy may be, in bytes: it is read with each run, and kept with each in the history.
const LONGEST_TEXT: usize = 8_192;

fn not_installed() -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT,
        "extension \"raw_clear_sessions\" is not installed in this database",
    )
}

/// Refuses (42501) where the current role does not own the table.
pub fn check_owns(table: pg_sys::Oid, name: &str) -> Result<(), Refusal> {
    if pg::owns(table) {
        return Ok(());
    }
    Err(must_be_owner(name))
}

fn must_be_owner(name: &str) -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
        format!("must be owner of table {name}"),
    )
}

/// The same for a table that has gone: it was theirs. The worker removes its policy, and the status tells them so, unless it was
/// removed before.
fn check_owned(table: pg_sys::Oid) -> Result<(), Refusal> {
    let role = Argument::oid(pg::current_role_oid());
    let others = with_our_tables(|schema| {
        pg::query_own::<String>(
            &format!(
                "SELECT s.name FROM {schema}.state s WHERE s.\"table\" OPERATOR(pg_catalog.=) $1::pg_catalog.oid \
                 AND NOT pg_catalog.pg_has_role($2::pg_catalog.oid, s.owner, 'USAGE')"
            ),
            &[Argument::oid(table), role],
        )
    })?;
    match others.into_iter().next() {
        Some(name) => Err(must_be_owner(&name)),
        None => Ok(()),
    }
}

/// Makes a policy for a table, in place of the one that it may have. Refuses what the worker could not carry out.
pub fn schedule(table: Option<pg_sys::Oid>, policy: &Policy) -> Result<(), Refusal> {
    let relation = table::open(table, LockMode::AccessShare)?;
    check_owns(relation.oid(), &relation.name())?;
    let relation = table::open(Some(relation.oid()), LockMode::RowExclusive)?;
    let mut policy = policy.clone();
    if relation.is_temporary() {
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
            format!("cannot schedule temporary table \"{}\"", relation.name()),
        )
        .detail("Another session, such as the worker's, cannot see its rows."));
    }
    check_limits(&policy)?;
    check_schedule(
        policy.schedule.as_deref(),
        policy.schedule_time_zone.as_deref(),
    )?;
    {
        // Names in expressions have to mean what they will mean to the worker.
        let _path = LocalSetting::system_path();
        let rule = policy.rule();
        let checked = Checked::open(table, &rule, Purpose::Schedule)?;
        let (below, between) = pg::reached(checked.root(), LockMode::AccessShare);
        let below = || below.iter().chain(&between);
        table::check_children(checked.root(), checked.criterion(), &rule, below())?;
        let children = table::doubtful_oids(checked.root(), below());
        let meant = Meant::of_policy(checked.root(), checked.criterion(), &rule, children);
        policy.meant = Some(meant);
        check_accepts_deletes(&checked)?;
    }
    let columns = COLUMNS.join(", ");
    let updates = COLUMNS
        .map(|column| format!("{column} = EXCLUDED.{column}"))
        .join(", ");
    let json = serde_json::to_string(&policy).expect("plain data becomes JSON");
    change(|schema| {
        replaced::follow_to(schema, relation.oid());
        pg::modify_own(
            &format!(
                "INSERT INTO {schema}.policy (\"table\", {columns}, named, installation) \
                 SELECT $1::pg_catalog.oid, {columns}, ARRAY(SELECT pg_catalog.jsonb_array_elements_text( \
                 meant OPERATOR(pg_catalog.->) 'tables')::pg_catalog.oid::{schema}.scheduled_table), {schema}.installation() \
                 FROM pg_catalog.jsonb_populate_record(NULL::{schema}.policy, $2::pg_catalog.jsonb) \
                 ON CONFLICT (\"table\") DO UPDATE SET changed = pg_catalog.now(), \
                 named = EXCLUDED.named, installation = EXCLUDED.installation, {updates}"
            ),
            &[Argument::oid(relation.oid()), Argument::text(&json)],
        );
        let changed = remember_name(schema, relation.oid());
        replaced::remember_scheduled(schema, relation.oid());
        changed
    })?;
    notice_zone_without_use(&policy);
    notice_suspended(&relation);
    Ok(())
}

/// Says that the new policy rests as the one before it: who has suspended that has not been asked.
fn notice_suspended(table: &Relation) {
    if is_suspended(table.oid()) {
        pg::notice(
            &format!("the policy of table \"{}\" stays suspended", table.name()),
            None,
            Some("Call raw_clear_sessions_resume() to have the worker clear the table again."),
        );
    }
}

fn is_suspended(table: pg_sys::Oid) -> bool {
    let Some(schema) = pg::extension_schema().map(|(schema, _)| schema) else {
        return false;
    };
    let suspended: Vec<()> = pg::query(
        &format!(
            "SELECT FROM {schema}.policy WHERE \"table\" OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND suspended IS NOT NULL"
        ),
        &[Argument::oid(table)],
    );
    !suspended.is_empty()
}

/// Refuses what no DELETE is accepted for, with PostgreSQL's own error: a foreign table that cannot be changed, a table whose
/// deletes are published and that has no replica identity. What else fails now, as a foreign server that is down, may be better
/// when the worker comes.
fn check_accepts_deletes(checked: &Checked) -> Result<(), Refusal> {
    // Nodes clear their shards by themselves, whatever a DELETE here would be refused.
    if table::spread(checked.root()).is_some() {
        return Ok(());
    }
    let (condition, arguments) = checked.criterion().condition();
    let delete =
        |name: &str| format!("EXPLAIN DELETE FROM {name} AS {TABLE_ALIAS} WHERE {condition}");
    match pg::try_out(|| pg::query_on::<String>(checked.root(), delete, &arguments)) {
        Err(refusal)
            if matches!(
                refusal.sqlstate(),
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED
                    | PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            ) =>
        {
            Err(refusal)
        }
        _ => Ok(()),
    }
}

/// Says that a policy's zone has no effect with the schedule that the server has for all.
fn notice_zone_without_use(policy: &Policy) {
    let is_interval = || {
        matches!(
            Schedule::parse(&settings::schedule()),
            Ok(Schedule::Every(_))
        )
    };
    if policy.schedule.is_none() && policy.schedule_time_zone.is_some() && is_interval() {
        pg::notice(
            "schedule_time_zone has no effect while \"raw_clear_sessions.schedule\" is an interval",
            None,
            Some("Pass a cron expression as schedule."),
        );
    }
}

/// Under which name, and of whom, a table was scheduled: should it go, its policy can be given to another one.
fn remember_name(schema: &str, table: pg_sys::Oid) -> u64 {
    pg::modify_own(
        &format!(
            "INSERT INTO {schema}.state (\"table\", name, owner) \
             SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relowner FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
             WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid \
             ON CONFLICT (\"table\") DO UPDATE SET name = EXCLUDED.name, owner = EXCLUDED.owner, run_now = NULL"
        ),
        &[Argument::oid(table)],
    )
}

/// Refuses a schedule that is none, a zone that the server does not know, and a zone for what does not go by one.
pub fn check_schedule(schedule: Option<&str>, time_zone: Option<&str>) -> Result<(), Refusal> {
    let schedule = schedule.map(Schedule::parse).transpose()?;
    if time_zone.is_some() && matches!(schedule, Some(Schedule::Every(_))) {
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            "schedule_time_zone is for cron expressions, and schedule is an interval",
        )
        .hint("Leave out schedule_time_zone, or pass a cron expression such as '0 3 * * *'."));
    }
    time_zone.map_or(Ok(()), |name| table::find_zone(name).map(drop))
}

/// Refuses (54000) texts of a policy that are longer than anybody needs.
pub fn check_lengths<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> Result<(), Refusal> {
    if texts
        .into_iter()
        .flatten()
        .all(|text| text.len() <= LONGEST_TEXT)
    {
        return Ok(());
    }
    Err(Refusal::new(
        PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        "a text of the policy is too long",
    )
    .detail(format!("It may have {LONGEST_TEXT} bytes."))
    .hint("Put a long condition into a function, and call that."))
}

fn check_limits(policy: &Policy) -> Result<(), Refusal> {
    check_lengths([
        policy.schedule.as_deref(),
        policy.schedule_time_zone.as_deref(),
        policy.expires.as_deref(),
        policy.unit.as_deref(),
        policy.time_zone.as_deref(),
        policy.filter.as_deref(),
    ])?;
    let duration = policy.max_duration.as_deref().map(Keep::parse);
    let wrong = if policy.batch_size.is_some_and(|rows| rows < 1) {
        "batch_size"
    } else if policy.max_rows.is_some_and(|rows| rows < 1) {
        "max_rows"
    } else if duration.is_some_and(|duration| duration.duration().is_zero()) {
        "max_duration"
    } else {
        return check_fractions(policy);
    };
    Err(Refusal::new(
        PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        format!("{wrong} must be greater than zero"),
    )
    .hint(format!("Leave out {wrong} for the default.")))
}

fn check_fractions(policy: &Policy) -> Result<(), Refusal> {
    let is_fraction = |value: Option<f64>| value.is_none_or(|value| (0.0..=1.0).contains(&value));
    let wrong = |message: &str, hint: &str| {
        Refusal::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, message).hint(hint)
    };
    if !is_fraction(policy.rewrite_above) {
        return Err(wrong(
            "rewrite_above must be between 0 and 1",
            "It is a fraction of the table's rows; 0 means never to rewrite.",
        ));
    }
    if !is_fraction(policy.repack_above) {
        return Err(wrong(
            "repack_above must be between 0 and 1",
            "It is a fraction of the table's size; 0 means never to repack.",
        ));
    }
    if policy.repack_above.is_some_and(|above| above > 0.0) && !pg::HAS_REPACK {
        return Err(settings::no_repack());
    }
    Ok(())
}

/// Removes a table's policy; false where there is none.
pub fn unschedule(table: Option<pg_sys::Oid>) -> Result<bool, Refusal> {
    let table = given(table)?;
    match pg::owner(table) {
        Some(_) => check_owns(table, &pg::relation_name(table))?,
        None => check_owned(table)?,
    }
    with_our_tables(|schema| replaced::follow_to(schema, table))?;
    let was_suspended = is_suspended(table);
    let removed = change_policy(
        table,
        "DELETE FROM {schema}.policy WHERE \"table\" OPERATOR(pg_catalog.=) $1::pg_catalog.oid",
    )?;
    if removed && was_suspended {
        pg::notice(
            &format!(
                "the policy of table \"{}\" was suspended, which ends with it",
                pg::relation_name(table)
            ),
            None,
            Some("A policy that is made later is not suspended."),
        );
    }
    if !policy::is_listed(table) {
        if removed {
            end_run_at_commit(table);
        }
    } else {
        pg::warning(
            &format!(
                "the worker goes on clearing table \"{}\", because the setting raw_clear_sessions.tables names it",
                pg::relation_name(table)
            ),
            "Without a policy it is cleared as it is recognized. To end that, take it out of the setting, or give it a policy and call raw_clear_sessions_suspend().",
        );
    }
    Ok(removed)
}

/// Has a table's policy rest; false where there is none, or it rests already.
pub fn suspend(table: Option<pg_sys::Oid>) -> Result<bool, Refusal> {
    let table = given(table)?;
    check_owns(table, &pg::relation_name(table))?;
    let suspended = change_policy(
        table,
        "UPDATE {schema}.policy SET suspended = pg_catalog.now() \
         WHERE \"table\" OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND suspended IS NULL",
    )?;
    if suspended {
        end_run_at_commit(table);
    }
    Ok(suspended)
}

/// The worker reads policies between two transactions: a statement that takes long is told. A savepoint, or another call, may
/// have taken back by then what was done.
fn end_run_at_commit(table: pg_sys::Oid) {
    let database = pg::my_database();
    let is_over = Arc::new(AtomicBool::new(false));
    let found = Arc::clone(&is_over);
    pg::before_commit(move || found.store(policy::current(table).is_none(), Ordering::Relaxed));
    pg::on_commit(move || {
        if is_over.load(Ordering::Relaxed)
            && let Some(board) = board()
        {
            board.request_stop(database, table, Reason::Unscheduled);
        }
    });
}

/// Ends the worker's run of a table, at once; false where there is none.
pub fn cancel(table: Option<pg_sys::Oid>) -> Result<bool, Refusal> {
    let table = given(table)?;
    check_owns(table, &pg::relation_name(table))?;
    let database = pg::my_database();
    if board().is_some_and(|board| board.request_stop(database, table, Reason::Canceled)) {
        return Ok(true);
    }
    if pg::is_read_only() {
        return Ok(false);
    }
    change(|schema| aside::cancel(schema, table))
}

/// Has a policy that rests be carried out again, from now on; false where there is none, or it does not rest.
pub fn resume(table: Option<pg_sys::Oid>) -> Result<bool, Refusal> {
    let table = given(table)?;
    check_owns(table, &pg::relation_name(table))?;
    change_policy(
        table,
        &format!(
            "UPDATE {{schema}}.policy p SET suspended = NULL, changed = pg_catalog.now(), \
         meant = CASE WHEN installation OPERATOR(pg_catalog.=) {{schema}}.installation() THEN p.meant ELSE {} END, \
         installation = {{schema}}.installation() \
         WHERE \"table\" OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND (suspended IS NOT NULL \
         OR installation IS NULL \
         OR installation OPERATOR(pg_catalog.<>) {{schema}}.installation())",
            meant::by_names()
        ),
    )
}

/// Has the worker clear what rests because it comes from a dump, another database or server, or a recovery to a point in time; false
/// where nothing does. Refuses (42501) who does not own the database.
pub fn resume_all() -> Result<bool, Refusal> {
    if !pg::owns_database() {
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            format!("must be owner of database {}", pg::my_database_name()),
        )
        .hint("The owner of a table resumes its policy: raw_clear_sessions_resume()."));
    }
    change(|schema| {
        let own = format!("{schema}.installation()");
        let policies = pg::modify_own(
            &format!(
                "UPDATE {schema}.policy p SET changed = pg_catalog.now(), meant = {}, installation = {own} \
                 WHERE installation IS NULL OR installation OPERATOR(pg_catalog.<>) {own}",
                meant::by_names()
            ),
            &[],
        );
        let recovery = recovery::last().unwrap_or_default();
        let origin = pg::modify_own(
            &format!(
                "UPDATE {schema}.origin SET restored = false, recovery = nullif($1, '') \
                 WHERE restored OR recovery IS DISTINCT FROM nullif($1, '')"
            ),
            &[Argument::text(&recovery)],
        );
        policies + origin
    })
}

/// Has the worker clear a scheduled table at once; false where it is not scheduled, its policy rests, or a subscription
/// writes it. Refused (55000) to code that the worker runs: with each run asking for the next one, none would ever be waited for.
pub fn run_now(table: Option<pg_sys::Oid>) -> Result<bool, Refusal> {
    let table = given(table)?;
    check_owns(table, &pg::relation_name(table))?;
    if is_worker() {
        return Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            "cannot ask for a run while the worker clears a table",
        )
        .hint("A table that is to be cleared after another one takes a schedule of its own."));
    }
    change_policy(
        table,
        "INSERT INTO {schema}.state AS s (\"table\", name, owner, run_now) \
         SELECT d.\"table\", i.identity, c.relowner, pg_catalog.clock_timestamp() \
         FROM {schema}.scheduled d \
         JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) d.\"table\" \
         CROSS JOIN LATERAL pg_catalog.pg_identify_object('pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 0) AS i \
         WHERE d.\"table\" OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND d.suspended IS NULL AND NOT d.restored \
         AND d.recovery IS NULL AND d.subscription IS NULL \
         ON CONFLICT (\"table\") DO UPDATE SET run_now = EXCLUDED.run_now",
    )
}

fn given(table: Option<pg_sys::Oid>) -> Result<pg_sys::Oid, Refusal> {
    table.ok_or_else(|| {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED,
            "table must not be NULL",
        )
    })
}

/// Executes a statement about one table, which may have replaced the one that the policy was made for; whether it changed
/// anything.
fn change_policy(table: pg_sys::Oid, statement: &str) -> Result<bool, Refusal> {
    change(|schema| {
        replaced::follow_to(schema, table);
        pg::modify_own(
            &statement.replace("{schema}", schema),
            &[Argument::oid(table)],
        )
    })
}

/// Changes the extension's tables, with their owner's rights, and tells the launcher when that is committed; whether
/// anything was changed.
fn change(statement: impl FnOnce(&str) -> u64) -> Result<bool, Refusal> {
    let changed = with_our_tables(statement)?;
    if changed > 0 {
        announce();
    }
    Ok(changed > 0)
}

/// Does something with the extension's tables, in that schema, with their owner's rights.
fn with_our_tables<T>(action: impl FnOnce(&str) -> T) -> Result<T, Refusal> {
    let (schema, owner) = pg::extension_schema().ok_or_else(not_installed)?;
    Ok(pg::as_owner_of_our_tables(owner, || action(&schema)))
}

/// Has the launcher look at this database when the transaction is committed; or when it is prepared, because COMMIT PREPARED
/// tells nobody: as long as it is prepared, the worker looks again every few seconds.
pub fn announce() {
    let database = pg::my_database();
    let report = move || {
        if let Some(board) = board() {
            board.report_change(database);
        }
    };
    pg::on_commit(report);
    pg::on_prepare(report);
}
