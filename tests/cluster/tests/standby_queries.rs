//! Queries on a hot standby while its primary clears: what cancels them, and what does not, is what it is for DELETE,
//! VACUUM and VACUUM FULL.

use cluster::{
    Cluster, EXPIRED, LIVE, Pass, Running, Session, assert_sound, create_sessions, fingerprint,
    sqlstate, wait_until,
};

const REWRITE: &str = "SELECT raw_clear_sessions_rewrite('django_session')";

/// A primary, and a standby whose replay waits for nobody, unless the settings say otherwise.
fn pair(settings: &[(&str, &str)]) -> (Cluster, Cluster) {
    let mut all = vec![
        ("max_standby_streaming_delay", "0"),
        ("wal_receiver_status_interval", "1"),
    ];
    all.extend_from_slice(settings);
    let primary = Cluster::with(&all);
    let mut session = primary.database("app").with_checks().connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    let standby = primary.standby();
    (primary, standby)
}

/// Begins a transaction with a snapshot, and waits until the primary knows of it.
fn begin(primary: &Cluster, there: &mut Session) {
    there.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    let xmin = there.text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text");
    let mut here = primary.connect();
    wait_until("the standby has told the primary of its query", || {
        here.yes(&format!(
            "SELECT coalesce(bool_or(backend_xmin = '{xmin}'::xid), false) FROM pg_stat_replication"
        ))
    });
}

fn conflicts(standby: &Cluster) -> i64 {
    standby.connect().number(
        "SELECT sum(confl_tablespace + confl_lock + confl_snapshot + confl_bufferpin + confl_deadlock)::bigint
         FROM pg_stat_database_conflicts",
    )
}

#[test]
fn a_long_query_on_a_standby_with_feedback_outlives_every_clearing() {
    let (primary, standby) = pair(&[("hot_standby_feedback", "on")]);
    let mut session = primary.connect_to("app");
    for pass in Pass::ALL {
        create_sessions(&mut session, &format!("function_{}", pass.name()), 1000, 10);
        create_sessions(
            &mut session,
            &format!("procedure_{}", pass.name()),
            1000,
            10,
        );
    }
    primary.wait_for_replay(&standby);
    let mut there = standby.connect_to("app");
    begin(&primary, &mut there);
    for pass in Pass::ALL {
        let table = format!("function_{}", pass.name());
        pass.choose(&mut session, &table);
        assert_eq!(session.clear(&table), 900);
        session.run(&format!("VACUUM {table}"));
        let table = format!("procedure_{}", pass.name());
        let call = format!("CALL raw_clear_sessions_in_batches('{table}', batch_size => 100)");
        assert_eq!(session.number(&call), 900);
        session.run(&format!("VACUUM {table}"));
    }
    primary.wait_for_replay(&standby);
    for pass in Pass::ALL {
        for kind in ["function", "procedure"] {
            let table = format!("{kind}_{}", pass.name());
            assert_eq!(there.count(&table), 1000, "{table}");
        }
    }
    there.run("COMMIT");
    assert_eq!(there.count("function_heap"), 100);
    assert_eq!(conflicts(&standby), 0);
}

#[test]
fn without_feedback_not_the_clearing_but_the_vacuum_after_it_cancels_a_query_on_a_standby() {
    let (primary, standby) = pair(&[]);
    let mut session = primary.connect_to("app");
    for statement in [
        "DELETE FROM django_session WHERE expire_date < now()",
        "SELECT raw_clear_sessions('django_session')",
        "CALL raw_clear_sessions_in_batches('django_session')",
    ] {
        session.run(&format!(
            "INSERT INTO django_session SELECT 'again' || i, '', {EXPIRED} FROM generate_series(1, 100) AS i"
        ));
        primary.wait_for_replay(&standby);
        let rows = session.count("django_session");
        let mut there = standby.connect_to("app");
        there.run("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM django_session");
        session.run(statement);
        primary.wait_for_replay(&standby);
        assert_eq!(there.count("django_session"), rows, "{statement}");
        assert_eq!(session.count("django_session"), 100, "{statement}");
        session.run("VACUUM django_session");
        // Not in the middle of a statement, the session is ended altogether.
        wait_until("the vacuum has ended the query", || {
            there.try_run("SELECT").is_err()
        });
    }
    wait_until("the conflicts are counted", || conflicts(&standby) == 3);
}

/// A query that reads the table and lasts.
fn long_query(standby: &Cluster) -> Running {
    let mut there = standby.connect_to("app");
    let pid = there.pid();
    there.run("SET statement_timeout = '60s'");
    let running = there.start(
        "SELECT count(*), max(pg_sleep(3600)::text) FROM django_session WHERE session_key = 'key1'",
    );
    let mut observer = standby.connect();
    wait_until("the query is reading", || {
        observer.yes(&format!(
            "SELECT wait_event IS NOT DISTINCT FROM 'PgSleep' FROM pg_stat_activity WHERE pid = {pid}"
        ))
    });
    running
}

#[test]
fn a_rewrite_cancels_a_query_on_a_standby_as_vacuum_full_does() {
    let (primary, standby) = pair(&[("hot_standby_feedback", "on")]);
    let mut session = primary.connect_to("app");
    primary.wait_for_replay(&standby);
    for statement in ["VACUUM FULL django_session", REWRITE] {
        let running = long_query(&standby);
        session.run(statement);
        assert_eq!(sqlstate(running.finish().1), "40001", "{statement}");
        primary.wait_for_replay(&standby);
    }
    wait_until("the conflicts are counted", || conflicts(&standby) == 2);
    let mut there = standby.connect_to("app");
    assert_eq!(
        fingerprint(&mut session, "django_session"),
        fingerprint(&mut there, "django_session")
    );
}

#[test]
fn a_standby_that_may_wait_replays_a_rewrite_when_the_query_has_ended() {
    let (primary, standby) = pair(&[("max_standby_streaming_delay", "-1")]);
    let mut session = primary.connect_to("app");
    primary.wait_for_replay(&standby);
    let mut there = standby.connect_to("app");
    there.run("BEGIN");
    assert_eq!(there.count("django_session"), 1000);
    assert_eq!(session.number(REWRITE), 900);
    let mut observer = standby.connect();
    wait_until("the replay waits for the query", || {
        observer
            .count("pg_stat_activity WHERE backend_type = 'startup' AND wait_event_type = 'Lock'")
            == 1
    });
    assert_eq!(there.count("django_session"), 1000);
    there.run("COMMIT");
    primary.wait_for_replay(&standby);
    assert_eq!(there.count("django_session"), 100);
    assert_eq!(conflicts(&standby), 0);
}

#[test]
fn a_snapshot_on_a_standby_from_before_a_rewrite_sees_every_row_that_was_live_in_it() {
    let (primary, standby) = pair(&[("hot_standby_feedback", "on")]);
    let mut session = primary.connect_to("app");
    primary.wait_for_replay(&standby);
    let mut there = standby.connect_to("app");
    // It has not locked the table, so that the rewrite can be replayed.
    begin(&primary, &mut there);
    let live = format!("(SELECT * FROM django_session WHERE expire_date = {LIVE})");
    let before = fingerprint(&mut session, &live);
    session.run("UPDATE django_session SET session_data = 'renewed' WHERE session_key = 'key1'");
    session.run("DELETE FROM django_session WHERE session_key = 'key11'");
    assert_eq!(session.number(REWRITE), 900);
    primary.wait_for_replay(&standby);
    assert_eq!(fingerprint(&mut there, &live), before);
    there.run("COMMIT");
    assert_eq!(
        there.count("django_session WHERE session_data = 'renewed'"),
        1
    );
    assert_eq!(there.count("django_session"), 99);
    assert_eq!(conflicts(&standby), 0);
    assert_sound(&mut there, "django_session");
}
