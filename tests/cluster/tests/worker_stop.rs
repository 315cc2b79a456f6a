//! However the worker is ended while it is busy: nobody waits for it, and the next start goes on where it was.

use cluster::{
    Cluster, SLOW, Session, Shutdown, create_sessions, kill, pause, resume, wait_for_end,
    wait_until,
};
use std::time::{Duration, Instant};

/// So long may take what must not wait for the worker, on a slow and busy machine.
const SOON: Duration = Duration::from_secs(5);

/// A cluster with a worker that is busy for longer than any test takes.
fn busy_cluster() -> (Cluster, Session) {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 5000, 10);
    wait_for_noted_run(&mut session);
    (cluster, session)
}

/// Waits until the worker is busy with a run that has committed its row in the history: it shows that it sleeps before.
fn wait_for_noted_run(session: &mut Session) {
    session.wait_for_busy_worker("django_session");
    wait_until("the run is in the history", || {
        session.runs("stop IS NULL") == 1
    });
}

/// What is to survive a crash has been flushed.
fn flush(session: &mut Session) {
    session.run("SELECT pg_logical_emit_message(true, '', '')");
}

/// The run that was going on is known as interrupted, and the next is busy.
fn assert_goes_on(session: &mut Session, interrupted: i64) {
    wait_for_noted_run(session);
    assert_eq!(session.runs("stop = 'interrupted'"), interrupted);
    assert_eq!(session.runs("stop IS NULL"), 1);
    assert_eq!(session.runs("stop <> 'interrupted'"), 0);
    let live = session.count("django_session WHERE expire_date > now()");
    assert_eq!(live, 500);
}

#[test]
fn every_shutdown_ends_a_busy_worker_soon_and_the_next_start_goes_on() {
    let (mut cluster, session) = busy_cluster();
    drop(session);
    let stops = [Shutdown::Fast, Shutdown::Smart, Shutdown::Immediate];
    for (number, stop) in (1..).zip(stops) {
        flush(&mut cluster.connect_to("app"));
        let start = Instant::now();
        cluster.stop(stop);
        let elapsed = start.elapsed();
        assert!(elapsed < SOON, "{stop:?}: {elapsed:?}");
        cluster.start();
        assert_goes_on(&mut cluster.connect_to("app"), number);
    }
}

#[test]
fn a_killed_server_is_followed_by_its_worker_and_the_next_start_goes_on() {
    let (mut cluster, mut session) = busy_cluster();
    flush(&mut session);
    drop(session);
    let start = Instant::now();
    cluster.kill();
    let elapsed = start.elapsed();
    assert!(elapsed < SOON, "{elapsed:?}");
    cluster.start();
    assert_goes_on(&mut cluster.connect_to("app"), 1);
}

#[test]
fn a_killed_worker_or_launcher_is_replaced_after_the_crash() {
    let (cluster, mut session) = busy_cluster();
    let worker = session.workers()[0];
    flush(&mut session);
    kill(worker);
    wait_for_end(worker);
    cluster.wait_for_connections();
    let mut session = cluster.connect_to("app");
    assert_goes_on(&mut session, 1);

    let launcher = session.wait_for_launcher();
    flush(&mut session);
    kill(launcher);
    wait_for_end(launcher);
    cluster.wait_for_connections();
    assert_goes_on(&mut cluster.connect_to("app"), 2);
}

#[test]
fn terminating_the_worker_ends_the_run_and_the_launcher_starts_the_next() {
    let (cluster, mut session) = busy_cluster();
    let launcher = session.wait_for_launcher();
    let worker = session.workers()[0];
    let start = Instant::now();
    assert!(session.yes(&format!("SELECT pg_terminate_backend({worker})")));
    wait_for_end(worker);
    let elapsed = start.elapsed();
    assert!(elapsed < SOON, "{elapsed:?}");
    assert_eq!(session.count("raw_clear_sessions.progress"), 0);
    assert_eq!(
        session.count("pg_locks WHERE locktype = 'object' AND classid = 'pg_class'::regclass"),
        0
    );
    // It comes back by itself after some seconds; or at once, when it is asked to.
    cluster.reload(&[("raw_clear_sessions.schedule", "2 s")]);
    assert_goes_on(&mut session, 1);
    assert_eq!(session.launcher(), Some(launcher));
}

#[test]
fn cancelling_the_worker_fails_the_run_of_that_table_alone() {
    let (cluster, mut session) = busy_cluster();
    let launcher = session.wait_for_launcher();
    let worker = session.workers()[0];
    let before = cluster.log().len();
    assert!(session.yes(&format!("SELECT pg_cancel_backend({worker})")));
    session.wait_for_run("stop = 'failed' AND sqlstate = '57014' AND ended IS NOT NULL");
    assert_eq!(session.count("raw_clear_sessions.progress"), 0);
    let status = session.text(
        "SELECT concat_ws(' ', failures, last_stop, last_sqlstate, next_start > last_start + interval '30 s')
         FROM raw_clear_sessions.status",
    );
    assert_eq!(status, "1 failed 57014 t");
    let log = cluster.log();
    let lines: Vec<_> = log[before..].lines().collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[1].contains("CONTEXT:  automatic clearing of table"),
        "{lines:?}"
    );

    create_sessions(&mut session, "other_session", 100, 10);
    cluster.reload(&[
        ("raw_clear_sessions.cost_delay", "0"),
        ("raw_clear_sessions.tables", "django_session, other_session"),
    ]);
    session.wait_for_count("other_session", 10);
    assert!(
        session.count("django_session") > 500,
        "it waits for its next turn"
    );
    assert_eq!(session.launcher(), Some(launcher));
}

#[test]
fn a_worker_that_was_canceled_between_two_transactions_holds_nothing_when_it_goes_on() {
    let (cluster, mut session) = busy_cluster();
    cluster.reload(&[("raw_clear_sessions.tables", "django_session, other_session")]);
    create_sessions(&mut session, "other_session", 100, 10);
    let worker = session.wait_for_busy_worker("django_session");
    assert!(session.yes(&format!("SELECT pg_cancel_backend({worker})")));
    session.wait_for_run("stop = 'failed' AND sqlstate = '57014' AND ended IS NOT NULL");
    // The same worker comes to the next table.
    cluster.reload(&[("raw_clear_sessions.cost_delay", "0")]);
    session.wait_for_ends("other_session", 1);
    assert_eq!(session.runs("stop = 'failed' AND sqlstate <> '57014'"), 0);
    assert_eq!(session.count("other_session"), 10);
}

#[test]
fn a_terminated_launcher_comes_back_and_leaves_the_busy_worker_alone() {
    let (_cluster, mut session) = busy_cluster();
    let launcher = session.wait_for_launcher();
    let worker = session.workers()[0];
    assert!(session.yes(&format!("SELECT pg_terminate_backend({launcher})")));
    wait_for_end(launcher);
    wait_until("there is another launcher", || session.launcher().is_some());
    session.wait_for_busy_worker("django_session");
    assert_eq!(session.workers(), [worker]);
    assert_eq!(session.runs("true"), 1);
}

#[test]
fn the_status_says_that_there_is_no_launcher() {
    let (cluster, mut session) = busy_cluster();
    let launcher = session.wait_for_launcher();
    let running = "raw_clear_sessions.status WHERE note LIKE '%the worker is not running%'";
    assert_eq!(session.count(running), 0);
    // It starts none in its place.
    assert!(pause(cluster.postmaster()));
    assert!(session.yes(&format!("SELECT pg_terminate_backend({launcher})")));
    wait_until("the status says so", || session.count(running) > 0);
    assert!(resume(cluster.postmaster()));
    wait_until("the status has forgotten it", || {
        session.count(running) == 0
    });
}
