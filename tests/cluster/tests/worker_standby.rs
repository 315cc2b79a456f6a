//! The worker beside replicas: it does nothing on one, begins when one is promoted, waits for one that lags, and holds
//! up no shutdown for one that does not answer.

use cluster::{
    Cluster, FAST, LIVE, Pass, SLOW, Shutdown, add_expired, assert_sound, create_sessions,
    fingerprint, wait_until,
};
use std::time::{Duration, Instant};

#[test]
fn a_standby_has_no_worker_until_it_is_promoted() {
    let mut primary = Cluster::with_worker("app", &SLOW);
    let mut session = primary.database("app").with_checks().connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    let live = format!("(SELECT * FROM django_session WHERE expire_date = {LIVE})");
    let contents = fingerprint(&mut session, &live);
    let standby = primary.standby();
    session.wait_for_busy_worker("django_session");
    primary.wait_for_replay(&standby);
    let mut there = standby.connect_to("app");
    assert_eq!(there.launcher(), None);
    assert_eq!(there.runs("stop IS NULL"), 1);
    let note = there.text("SELECT note FROM raw_clear_sessions.status");
    assert!(
        note.contains("standby") && note.contains("promoted"),
        "{note}"
    );
    assert_eq!(there.count("raw_clear_sessions.progress"), 0);
    drop(session);
    primary.stop(Shutdown::Immediate);

    standby.promote();
    // In the middle of the run: the live rows are there, and not all of the others have gone.
    assert_eq!(fingerprint(&mut there, &live), contents);
    assert!(there.count("django_session") > 100);
    there.wait_for_launcher();
    // What the primary began has ended with it, and the new one goes on.
    there.wait_for_run("stop = 'interrupted'");
    standby.reload(&FAST);
    there.wait_for_count("django_session", 100);
    add_expired(&mut there, "django_session", 10);
    there.wait_for_count("django_session", 100);
    let note: Option<String> = there.value("SELECT note FROM raw_clear_sessions.status");
    assert_eq!(note, None);
    standby.pause(&mut there);
    assert_eq!(fingerprint(&mut there, "django_session"), contents);
    assert_sound(&mut there, "django_session");
}

/// How the worker clears in one database.
const WAYS: [Option<Pass>; 4] = [
    Some(Pass::Heap),
    Some(Pass::Index),
    Some(Pass::Sql),
    // By rewriting.
    None,
];

#[test]
fn a_standby_has_the_same_tables_and_pages_after_the_runs_of_the_worker() {
    let primary = Cluster::with_worker(
        "*",
        &[
            ("wal_consistency_checking", "all"),
            ("raw_clear_sessions.cost_delay", "0"),
            ("raw_clear_sessions.paused", "on"),
        ],
    );
    let names = WAYS.map(|way| way.map_or("rewrite", Pass::name));
    for (way, name) in WAYS.into_iter().zip(names) {
        let mut session = primary.database(name).with_checks().connect();
        let settings = way.unwrap_or(Pass::Heap).settings();
        session.run(&settings.replace("SET ", &format!("ALTER DATABASE {name} SET ")));
        create_sessions(&mut session, "django_session", 10_000, 10);
        if way.is_none() {
            session.run(
                "SELECT raw_clear_sessions_schedule('django_session', '1 s', rewrite_above => 0.5)",
            );
        }
    }
    let standby = primary.standby();
    primary.reload(&[("raw_clear_sessions.paused", "off")]);
    for name in names {
        let mut session = primary.connect_to(name);
        session.wait_for_run("stop = 'done' AND deleted = 9000");
        let rewritten = session.runs("details ->> 'rewrite' = 'done'") > 0;
        assert_eq!(rewritten, name == "rewrite");
    }
    primary.pause(&mut primary.connect());
    primary.wait_for_replay(&standby);
    for name in names {
        let (mut here, mut there) = (primary.connect_to(name), standby.connect_to(name));
        for table in ["django_session", "raw_clear_sessions.history"] {
            assert_eq!(
                fingerprint(&mut here, table),
                fingerprint(&mut there, table),
                "{name} {table}"
            );
            assert_sound(&mut there, table);
        }
    }
}

#[test]
fn a_run_waits_for_a_replica_that_lags_and_says_so() {
    let primary = Cluster::with_worker(
        "app",
        &[
            // Some seconds: at full speed it might be done before anything has lagged for so long. A replica that keeps
            // up holds it up no longer, though the WAL of its batches is flushed tenths of a second later.
            ("raw_clear_sessions.cost_delay", "20"),
            ("raw_clear_sessions.batch_size", "20"),
            ("raw_clear_sessions.max_replication_lag", "100ms"),
        ],
    );
    let standby = primary.standby();
    let mut session = primary.database("app").connect();
    primary.wait_for_replay(&standby);
    let mut there = standby.connect();
    there.run("SELECT pg_wal_replay_pause()");
    wait_until("the standby replays nothing", || {
        there.yes("SELECT pg_get_wal_replay_pause_state() = 'paused'")
    });
    create_sessions(&mut session, "django_session", 200_000, 1000);
    wait_until("the run waits for the replica", || {
        session
            .count("raw_clear_sessions.progress WHERE waiting = 'replication lag' AND deleted > 0")
            > 0
    });
    assert!(session.yes(
        "SELECT percent > 0 AND estimated_end IS NULL FROM raw_clear_sessions.progress WHERE waiting = 'replication lag'"
    ));
    let left = session.count("django_session");
    assert!(left > 200, "{left}");
    // It stays so.
    let start = session.text("SELECT clock_timestamp()::text");
    wait_until("a second has passed on the server's clock", || {
        session.yes(&format!(
            "SELECT clock_timestamp() > '{start}'::timestamptz + interval '1 s'"
        ))
    });
    assert!(session.count("django_session") > left - 1000);
    assert_eq!(session.runs("ended IS NULL"), 1);
    let in_transaction = "pg_stat_activity WHERE backend_type ~ '^raw_clear' AND xact_start < now() - interval '1 s'";
    assert_eq!(session.count(in_transaction), 0);

    there.run("SELECT pg_wal_replay_resume()");
    session.wait_for_count("django_session", 200);
    session.wait_for_run("stop = 'done' AND deleted > 0");
    assert_eq!(session.runs("stop <> 'done'"), 0);
    primary.wait_for_replay(&standby);
    assert_eq!(standby.connect_to("app").count("django_session"), 200);
}

#[test]
fn a_synchronous_standby_that_does_not_answer_holds_up_no_run_and_no_shutdown() {
    let mut cluster = Cluster::with_worker("app", &SLOW);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    session.wait_for_busy_worker("django_session");
    cluster.reload(&[("synchronous_standby_names", "nobody")]);
    let waits = "backend_type ~ 'client|raw_clear_sessions worker' AND wait_event = 'SyncRep'";
    let commit = cluster
        .connect()
        .start("SELECT pg_logical_emit_message(true, '', '')");
    wait_until("commits wait for the standby", || {
        session.count(&format!("pg_stat_activity WHERE {waits}")) > 0
    });
    commit.cancel();
    commit.value();
    cluster.reload(&FAST);
    session.wait_for_count("django_session", 100);
    session.wait_for_run("stop = 'done' AND deleted > 0");
    assert_eq!(session.count(&format!("pg_stat_activity WHERE {waits}")), 0);
    assert_eq!(
        session.count(
            "pg_locks WHERE relation = 'django_session'::regclass AND pid <> pg_backend_pid()"
        ),
        0,
        "nobody has to wait for the table"
    );
    let start = Instant::now();
    cluster.stop(Shutdown::Fast);
    let elapsed = start.elapsed();
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
    cluster.set(&[("synchronous_standby_names", "")]);
    cluster.start();
    let mut session = cluster.connect_to("app");
    assert_eq!(session.count("django_session"), 100);
    add_expired(&mut session, "django_session", 10);
    session.wait_for_count("django_session", 100);
}
