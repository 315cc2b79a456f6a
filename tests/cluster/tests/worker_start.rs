//! The worker begins with nothing but postgresql.conf, and is not there where it should not be.

use cluster::{Cluster, Shutdown, add_expired, create_sessions, wait_until};
use std::time::{Duration, Instant};

#[test]
fn sessions_vanish_on_schedule_with_nothing_but_postgresql_conf() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    session.wait_for_count("django_session", 100);
    // One that expires while the worker is asleep.
    session
        .run("INSERT INTO django_session VALUES ('soon', '', clock_timestamp() + interval '1 s')");
    let start = Instant::now();
    session.wait_for_count("django_session", 100);
    let elapsed = start.elapsed();
    assert!(elapsed < Duration::from_secs(15), "{elapsed:?}");
    // A run says what it has deleted when it ends, a moment after the last row is gone.
    wait_until("the runs account for all rows", || {
        session.number("SELECT coalesce(sum(deleted), 0)::bigint FROM raw_clear_sessions.run")
            == 901
    });
    assert_eq!(session.runs("stop <> 'done'"), 0);
    let note: Option<String> = session.value("SELECT note FROM raw_clear_sessions.status");
    assert_eq!(note, None);
}

#[test]
fn runs_that_find_nothing_leave_no_line_in_the_log() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    // By now it has forgiven that the database was not there.
    session.wait_for_count("django_session", 100);
    let log = cluster.log();
    session.wait_for_ends("django_session", 5);
    assert_eq!(cluster.log(), log);
    // Nor does one that deletes little.
    add_expired(&mut session, "django_session", 100);
    session.wait_for_count("django_session", 100);
    assert_eq!(cluster.log(), log);
}

#[test]
fn between_runs_there_is_no_database_worker() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.schedule", "1 hour")]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    cluster.reload(&[("raw_clear_sessions.schedule", "2 hours")]);
    session.wait_for_run("stop = 'done'");
    wait_until("the database worker has ended", || {
        session.workers().is_empty()
    });
    assert!(session.launcher().is_some());
}

#[test]
fn not_preloaded_all_but_the_worker_works_and_the_status_says_how_to_turn_it_on() {
    let cluster = Cluster::with(&[
        ("raw_clear_sessions.databases", "app"),
        ("raw_clear_sessions.tables", "django_session"),
        ("raw_clear_sessions.schedule", "1 s"),
    ]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    assert_eq!(
        session.preview("django_session", "engine").as_deref(),
        Some("raw")
    );
    assert_eq!(session.clear("django_session"), 900);
    add_expired(&mut session, "django_session", 50);
    session.run("CALL raw_clear_sessions_in_batches('django_session')");
    assert_eq!(session.count("django_session"), 100);
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 hour')");
    let note = session.text(
        "SELECT note FROM raw_clear_sessions.status WHERE \"table\" = 'django_session'::regclass",
    );
    assert!(note.starts_with("the worker is off"), "{note}");
    assert!(
        note.contains("shared_preload_libraries") && note.contains("restart"),
        "{note}"
    );
    assert_eq!(session.count("raw_clear_sessions.progress"), 0);
    assert_eq!(session.launcher(), None);
}

#[test]
fn there_is_no_launcher_during_pg_upgrade_and_in_single_user_mode() {
    let mut cluster = Cluster::with_worker("app", &[("log_min_messages", "debug1")]);
    let registered = "registering background worker \"raw_clear_sessions launcher\"";
    assert_eq!(cluster.logged(registered), 1);
    cluster.stop(Shutdown::Fast);
    // As pg_upgrade starts it.
    cluster.start_with(&["-b"]);
    assert_eq!(cluster.connect().launcher(), None);
    cluster.stop(Shutdown::Fast);
    assert_eq!(cluster.logged(registered), 1);
    let said = cluster
        .single_user("SELECT count(*) FROM pg_stat_activity WHERE backend_type ~ 'raw_clear'");
    assert!(said.contains("count = \"0\""), "{said}");
    cluster.start();
    assert_eq!(cluster.logged(registered), 2);
    cluster.connect().wait_for_launcher();
}
