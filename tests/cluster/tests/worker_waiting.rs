//! A run that was due stays due, though the worker could not come, was interrupted, or the time is kept anew.

use cluster::{
    Cluster, FAST, SLOW, SLOW_FUNCTION, Session, Shutdown, add_expired, create_sessions, wait_until,
};
use std::time::SystemTime;

/// Schedules a table for the next minute, and then not before tomorrow.
fn schedule_nightly(session: &mut Session) {
    wait_until("the minute is neither young nor over", || {
        session.yes("SELECT extract(second FROM clock_timestamp()) BETWEEN 20 AND 55")
    });
    session.run(
        "SELECT raw_clear_sessions_schedule('nightly', to_char(clock_timestamp() + interval '1 minute', 'MI HH24 * * *'),
             schedule_time_zone => current_setting('timezone'))",
    );
}

/// Waits until the minute has come for which it is scheduled.
fn wait_until_due(session: &mut Session) {
    let due = session.text(
        "SELECT (date_trunc('minute', changed) + interval '1 minute')::text FROM raw_clear_sessions.policy",
    );
    wait_until("the minute has come", || {
        session.yes(&format!(
            "SELECT clock_timestamp() > '{due}'::timestamptz + interval '2 s'"
        ))
    });
}

/// A cluster whose only database worker is stuck in one database while a nightly run is due in the other.
fn with_a_database_that_waits() -> Cluster {
    let settings = [
        ("raw_clear_sessions.max_workers", "1"),
        ("raw_clear_sessions.tables", ""),
    ];
    let cluster = Cluster::with_worker("busy, app", &settings);
    let (mut busy, mut app) = (
        cluster.database("busy").connect(),
        cluster.database("app").connect(),
    );
    create_sessions(&mut app, "nightly", 100, 10);
    create_sessions(&mut busy, "stuck", 100, 10);
    busy.run(SLOW_FUNCTION);
    schedule_nightly(&mut app);
    busy.run("SELECT raw_clear_sessions_schedule('stuck', '1 h', filter => 'public.slow()')");
    wait_until("the worker is stuck", || {
        busy.count("pg_stat_activity WHERE wait_event = 'PgSleep'") > 0
    });
    wait_until_due(&mut app);
    assert_eq!(app.count("nightly"), 100);
    cluster
}

#[test]
fn a_run_that_was_due_while_no_worker_could_come_stays_due_over_a_reload() {
    let cluster = with_a_database_that_waits();
    let mut session = cluster.connect_to("app");
    cluster.reload(&[("raw_clear_sessions.schedule", "2 h")]);
    wait_until("the settings are read", || {
        session.text("SHOW raw_clear_sessions.schedule") == "2 h"
    });
    cluster.reload(&[("raw_clear_sessions.paused", "on")]);
    cluster.reload(&[("raw_clear_sessions.paused", "off")]);
    let mut busy = cluster.connect_to("busy");
    busy.run("SELECT raw_clear_sessions_suspend('stuck')");
    session.wait_for_count("nightly", 10);
    assert_eq!(session.ended_runs("nightly"), 1);
}

#[test]
fn a_run_that_was_due_while_no_worker_could_come_stays_due_over_a_crash() {
    let mut cluster = with_a_database_that_waits();
    let due = SystemTime::now();
    wait_until("the launcher has written that it waits", || {
        let file = cluster.data().join("pg_stat/raw_clear_sessions.waiting");
        let written = file.metadata().and_then(|file| file.modified());
        written.is_ok_and(|written| written > due)
    });
    for shutdown in [Shutdown::Immediate, Shutdown::Fast] {
        cluster.stop(shutdown);
        cluster.start();
        cluster.connect().wait_for_launcher();
    }
    let mut busy = cluster.connect_to("busy");
    busy.run("SELECT raw_clear_sessions_suspend('stuck')");
    let mut session = cluster.connect_to("app");
    session.wait_for_count("nightly", 10);
    assert_eq!(session.ended_runs("nightly"), 1);
    // What waited is done, and no later launcher is told of it.
    wait_until("the file is gone", || {
        !cluster
            .data()
            .join("pg_stat/raw_clear_sessions.waiting")
            .exists()
    });
}

#[test]
fn a_nightly_run_that_a_restart_interrupts_goes_on_at_once() {
    let mut settings = SLOW.to_vec();
    settings.push(("raw_clear_sessions.tables", ""));
    let mut cluster = Cluster::with_worker("app", &settings);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "nightly", 5000, 10);
    schedule_nightly(&mut session);
    session.wait_for_busy_worker("nightly");
    session.wait_for_run("ended IS NULL AND deleted > 0");
    drop(session);
    for shutdown in [Shutdown::Fast, Shutdown::Immediate] {
        cluster.stop(shutdown);
        cluster.start();
        cluster.connect_to("app").wait_for_busy_worker("nightly");
    }
    cluster.reload(&FAST);
    let mut session = cluster.connect_to("app");
    session.wait_for_run("stop = 'done'");
    assert_eq!(session.count("nightly"), 500);
    assert!(session.runs("stop = 'interrupted'") > 0);
}

#[test]
fn a_table_that_another_session_is_clearing_has_not_failed_and_is_cleared_when_that_has_ended() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "busy", 100, 10);
    let mut caller = cluster.connect_to("app");
    caller.run("BEGIN; SELECT raw_clear_sessions('busy')");
    session.run("SELECT raw_clear_sessions_schedule('busy', '1 s')");
    session.wait_for_run(
        "stop = 'interrupted' AND sqlstate = '55P03' AND error LIKE '%is being cleared by another session'",
    );
    let pid = caller.number("SELECT pg_backend_pid()::bigint");
    let waits =
        "SELECT waits_for FROM raw_clear_sessions.status WHERE \"table\" = 'busy'::regclass";
    wait_until("its status says what it waits for", || {
        session.value::<Option<String>>(waits)
            == Some(format!(
                "process {pid}, which is clearing the table, or has cleared it in a transaction that is still open"
            ))
    });
    caller.run("ROLLBACK");
    assert!(session.yes(
        "SELECT failures = 0 AND next_start <= now() FROM raw_clear_sessions.status WHERE \"table\" = 'busy'::regclass"
    ));
    session.run("SELECT raw_clear_sessions_run_now('busy')");
    session.wait_for_count("busy", 10);
    assert_eq!(cluster.logged("ERROR"), 0);
}

#[test]
fn a_table_that_an_open_transaction_has_asked_something_for_says_that_it_waits_for_that() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "asked", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('asked', '1 s')");
    session.wait_for_count("asked", 10);
    let mut caller = cluster.connect_to("app");
    caller.run("BEGIN; SELECT raw_clear_sessions_run_now('asked')");
    wait_until("its status says what it waits for", || {
        session.yes(
            "SELECT coalesce(waits_for LIKE 'a transaction, open or prepared, that has called a function%', false)
             FROM raw_clear_sessions.status WHERE \"table\" = 'asked'::regclass",
        )
    });
    caller.run("ROLLBACK");
    add_expired(&mut session, "asked", 5);
    session.wait_for_count("asked", 10);
}
