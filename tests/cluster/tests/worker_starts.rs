//! How often processes are started: not while there is nothing to start them for, and not at once after a failure.

use cluster::{Cluster, FAST, SLOW, SOON, add_expired, create_sessions, wait_until};

/// What the server logs of each start, when it is to say so much.
const START: &str = "starting background worker process \"raw_clear_sessions worker\"";

#[test]
fn while_paused_no_worker_is_started_whatever_is_due_or_changes() {
    let cluster = Cluster::with_worker(
        "app",
        &[
            ("raw_clear_sessions.paused", "on"),
            ("log_min_messages", "debug1"),
        ],
    );
    let mut session = cluster.database("app").connect();
    session.wait_for_launcher();
    create_sessions(&mut session, "django_session", 1000, 10);
    // Each change of a policy wakes the launcher, each reload and each second too.
    for hours in 1..=20 {
        session.run(&format!(
            "SELECT raw_clear_sessions_schedule('django_session', '{hours} h')"
        ));
    }
    cluster.reload(&[("raw_clear_sessions.schedule", "2 s")]);
    let start = session.text("SELECT clock_timestamp()::text");
    wait_until("the table has been due for a while", || {
        session.yes(&format!(
            "SELECT clock_timestamp() > '{start}'::timestamptz + interval '1 s'"
        ))
    });
    assert_eq!(cluster.logged(START), 0);
    assert_eq!(session.count("django_session"), 1000);

    cluster.reload(&[("raw_clear_sessions.paused", "off")]);
    session.wait_for_count("django_session", 100);
    assert!(
        cluster.logged(START) > 0,
        "starts are to be seen in the log"
    );
}

#[test]
fn a_database_whose_worker_fails_is_left_alone_for_a_minute_and_holds_up_no_other() {
    let cluster = Cluster::with_worker("bad, good", &[]);
    let mut bad = cluster.database("bad").connect();
    // What the worker asks for what is due.
    bad.run(
        "ALTER EXTENSION raw_clear_sessions DROP VIEW raw_clear_sessions.scheduled;
         ALTER VIEW raw_clear_sessions.scheduled RENAME TO elsewhere",
    );
    let failure = "relation \"raw_clear_sessions.scheduled\" does not exist";
    cluster.wait_for_log(failure);
    let mut good = cluster.database("good").connect();
    create_sessions(&mut good, "django_session", 1000, 10);
    for _ in 0..3 {
        good.wait_for_count("django_session", 100);
        add_expired(&mut good, "django_session", 10);
    }
    let runs = good.all_ended_runs();
    wait_until(
        "the other database has been cleared three times more",
        || good.all_ended_runs() >= runs + 3,
    );
    assert_eq!(cluster.logged(failure), 1);
    // A new schedule is a reason to look at once; then it waits again.
    cluster.reload(&[(SOON.0, "1001 ms")]);
    wait_until("it has been tried once more", || {
        cluster.logged(failure) == 2
    });
    let runs = good.all_ended_runs();
    wait_until(
        "the other database has been cleared three times more",
        || good.all_ended_runs() >= runs + 3,
    );
    assert_eq!(cluster.logged(failure), 2);
}

#[test]
fn calls_that_change_nothing_start_no_worker() {
    let cluster = Cluster::with_worker("app", &[("log_min_messages", "debug1")]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    session.wait_for_count("django_session", 100);
    cluster.reload(&[("raw_clear_sessions.schedule", "1 h")]);
    session
        .run("CREATE ROLE stranger; SELECT raw_clear_sessions_schedule('django_session', '1 h')");
    session.wait_for_ends("django_session", 0);
    wait_until("all is quiet", || {
        let before = cluster.logged(START);
        let start = session.text("SELECT clock_timestamp()::text");
        wait_until("a while has passed", || {
            session.yes(&format!(
                "SELECT clock_timestamp() > '{start}'::timestamptz + interval '1 s'"
            ))
        });
        cluster.logged(START) == before
    });
    let before = cluster.logged(START);
    for _ in 0..50 {
        session.run("SET ROLE stranger");
        assert!(!session.yes("SELECT raw_clear_sessions_unschedule(4000000000::oid::regclass)"));
        session.run("RESET ROLE; SELECT raw_clear_sessions_resume('django_session')");
    }
    let start = session.text("SELECT clock_timestamp()::text");
    wait_until("a while has passed", || {
        session.yes(&format!(
            "SELECT clock_timestamp() > '{start}'::timestamptz + interval '1 s'"
        ))
    });
    assert_eq!(cluster.logged(START), before);
    // One that does is noticed at once.
    session.run("SELECT raw_clear_sessions_run_now('django_session')");
    wait_until("a worker is started", || cluster.logged(START) > before);
}

#[test]
fn where_others_have_every_background_worker_it_is_tried_again_without_being_woken() {
    // One for the launcher, one for PostgreSQL's own logical replication launcher, and one to share.
    let cluster = Cluster::with_worker("", &[("max_worker_processes", "3")]);
    let database = cluster.database("app");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    let mut other = database.connect();
    other.run(
        "SELECT set_config(name, 'on', false) FROM pg_settings
         WHERE name IN ('force_parallel_mode', 'debug_parallel_query')",
    );
    let other = other.start("SELECT pg_sleep(300)");
    wait_until("the query has a parallel worker", || {
        session.count("pg_stat_activity WHERE backend_type = 'parallel worker'") > 0
    });
    cluster.reload(&[("raw_clear_sessions.databases", "app")]);
    cluster.wait_for_log("no background worker is free to clear sessions");
    other.cancel();
    session.wait_for_count("django_session", 100);
}

#[test]
fn a_new_policy_wakes_the_launcher() {
    let cluster = Cluster::with_worker(
        "app",
        &[
            ("raw_clear_sessions.schedule", "1 h"),
            ("raw_clear_sessions.tables", ""),
        ],
    );
    let mut session = cluster.database("app").connect();
    // The launcher has looked, and found nothing to do for an hour.
    cluster.reload(&[("raw_clear_sessions.schedule", "2 h")]);
    create_sessions(&mut session, "django_session", 1000, 10);
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 h')");
    session.wait_for_count("django_session", 100);
    create_sessions(&mut session, "other_session", 1000, 10);
    session.run("SELECT raw_clear_sessions_schedule('other_session', '1 h')");
    session.wait_for_count("other_session", 100);
}

/// Who commits a prepared transaction is another session, or one that comes later, and knows nothing of what it has done.
#[test]
fn what_is_committed_in_two_phases_is_seen_though_nobody_tells_the_launcher() {
    let settings = [
        (SOON.0, "1 h"),
        ("raw_clear_sessions.tables", ""),
        ("max_prepared_transactions", "5"),
        ("log_min_messages", "debug1"),
    ];
    let cluster = Cluster::with_worker("app", &settings);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "first", 1000, 10);
    create_sessions(&mut session, "second", 1000, 10);
    session.run("SELECT raw_clear_sessions_schedule('first', '1 h')");
    session.run("SELECT raw_clear_sessions_run_now('first')");
    session.wait_for_count("first", 100);
    add_expired(&mut session, "first", 10);
    for (call, table) in [
        ("raw_clear_sessions_run_now('first')", "first"),
        ("raw_clear_sessions_schedule('second', '1 s')", "second"),
    ] {
        wait_until("no worker is there", || session.workers().is_empty());
        let before = cluster.logged(START);
        let mut other = cluster.connect_to("app");
        other.run(&format!(
            "BEGIN; SELECT {call}; PREPARE TRANSACTION 'later'"
        ));
        drop(other);
        // The second one comes because the first has seen what is prepared.
        wait_until("a worker has come twice", || {
            cluster.logged(START) >= before + 2
        });
        wait_until("no worker is there", || session.workers().is_empty());
        session.run("COMMIT PREPARED 'later'");
        session.wait_for_count(table, 100);
    }
}

#[test]
fn a_run_that_is_asked_for_during_another_follows_it() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "asked_for", 3000, 10);
    session.run("SELECT raw_clear_sessions_schedule('asked_for', '1 day')");
    session.wait_for_busy_worker("asked_for");
    // What had not expired when the run began, that one leaves.
    session.run(
        "UPDATE asked_for SET expire_date = now() WHERE expire_date > now();
         SELECT raw_clear_sessions_run_now('asked_for')",
    );
    cluster.reload(&FAST);
    session.wait_for_count("asked_for", 0);
    wait_until("both have ended", || session.ended_runs("asked_for") == 2);
}
