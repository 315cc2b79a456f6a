//! No lock that a role can take without any right on others' tables keeps the worker, or a call, from those.

use cluster::{Cluster, Session, add_expired, create_sessions, wait_until};

/// What says of alice's table that something is wrong with the worker.
const FAILING: &str = "raw_clear_sessions.status WHERE note LIKE '%fails in this database%'";

/// Two roles with a schema of their own each, and a table in it that is cleared every second; mallory has one more, due every
/// minute by a cron expression, one that the setting `tables` names, and one that may go.
fn cluster() -> (Cluster, Session, Session) {
    let cluster = Cluster::with_worker(
        "app",
        &[
            ("raw_clear_sessions.tables", "listed"),
            ("raw_clear_sessions.lock_timeout", "1min"),
            ("max_prepared_transactions", "5"),
            ("deadlock_timeout", "100ms"),
        ],
    );
    let [mut alice, mut mallory] = cluster.alice_and_mallory();
    create_sessions(&mut alice, "sessions", 20, 10);
    alice.run("SELECT raw_clear_sessions_schedule('sessions', '1 s')");
    for table in ["sessions", "by_cron", "goes"] {
        create_sessions(&mut mallory, table, 20, 10);
    }
    mallory.run(
        "CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS 'SELECT 1';
         SELECT raw_clear_sessions_schedule('sessions', '1 s');
         SELECT raw_clear_sessions_schedule('by_cron', '* * * * *');
         SELECT raw_clear_sessions_schedule('goes', '1 h');",
    );
    mallory.wait_for_count("sessions", 2);
    (cluster, alice, mallory)
}

/// The table of alice's goes on being cleared, by the worker and by calls, and nothing tells her otherwise.
fn assert_alice_goes_on(alice: &mut Session, held: &str) {
    alice.run("SET statement_timeout = '30 s'");
    let failed = |alice: &mut Session, what: &str| {
        panic!(
            "{held}: {what}: {:?}",
            alice.texts("SELECT note FROM raw_clear_sessions.status")
        )
    };
    for _ in 0..2 {
        add_expired(alice, "sessions", 5);
        wait_until(&format!("{held}: the worker has cleared"), || {
            alice.count("sessions") == 2
        });
        alice.wait_for_ends("alice.sessions", 1);
    }
    if alice.count(FAILING) > 0 {
        failed(alice, "the worker fails");
    }
    for statement in [
        "SELECT raw_clear_sessions_suspend('sessions')",
        "INSERT INTO sessions VALUES ('by hand', '', '2020-01-01')",
        "SELECT raw_clear_sessions('sessions')",
        "INSERT INTO sessions VALUES ('by hand', '', '2020-01-01')",
        "CALL raw_clear_sessions_in_batches('sessions')",
        "SELECT raw_clear_sessions_resume('sessions')",
        "SELECT raw_clear_sessions_run_now('sessions')",
    ] {
        if let Err(error) = alice.try_run(statement) {
            panic!("{held}: {statement}: {error:?}");
        }
    }
}

/// What a role without rights can have locked until its transaction ends.
const LOCKS: [&str; 9] = [
    "ALTER FUNCTION f() DEPENDS ON EXTENSION raw_clear_sessions",
    "SELECT raw_clear_sessions_run_now('sessions'), raw_clear_sessions_run_now('by_cron')",
    "SELECT raw_clear_sessions_schedule('sessions', '2 s')",
    "SELECT raw_clear_sessions_suspend('sessions'), raw_clear_sessions_unschedule('by_cron')",
    "CREATE TABLE listed (LIKE sessions INCLUDING ALL); SELECT raw_clear_sessions_schedule('listed')",
    "LOCK TABLE raw_clear_sessions.policy, raw_clear_sessions.status IN ACCESS SHARE MODE",
    "SELECT raw_clear_sessions_cancel('sessions'), count(*) FROM raw_clear_sessions.run",
    "SELECT raw_clear_sessions('by_cron')",
    "COMMENT ON TABLE sessions IS 'mine'",
];

#[test]
fn no_lock_of_a_role_without_rights_keeps_the_worker_from_anothers_table() {
    let (cluster, mut alice, mut mallory) = cluster();
    for lock in LOCKS {
        mallory.run(&format!("BEGIN; {lock}"));
        assert_alice_goes_on(&mut alice, lock);
        mallory.run("ROLLBACK");
    }
    assert_eq!(cluster.logged("ERROR"), 0, "{}", cluster.log());
}

#[test]
fn no_lock_of_a_prepared_transaction_keeps_the_worker_from_anothers_table() {
    let (cluster, mut alice, mut mallory) = cluster();
    for lock in &LOCKS[..5] {
        mallory.run(&format!("BEGIN; {lock}; PREPARE TRANSACTION 'held'"));
        assert_alice_goes_on(&mut alice, lock);
        mallory.run("ROLLBACK PREPARED 'held'");
    }
    assert_eq!(cluster.logged("ERROR"), 0, "{}", cluster.log());
}

/// Who waits for a lock keeps out whoever comes later, also before it is found that he may not have it.
#[test]
fn who_waits_to_drop_the_extension_and_may_not_keeps_the_worker_from_no_table() {
    let (cluster, mut alice, mut mallory) = cluster();
    mallory.run("BEGIN; ALTER FUNCTION f() DEPENDS ON EXTENSION raw_clear_sessions");
    let waiting = cluster.existing_database("app").connect_as("mallory");
    let waiting = waiting.start("DROP EXTENSION raw_clear_sessions");
    waiting.wait_for_lock_wait(&mut cluster.connect_to("app"));
    assert_alice_goes_on(&mut alice, "DROP EXTENSION");
    mallory.run("ROLLBACK");
    assert_eq!(cluster::sqlstate(waiting.finish().1), "42501");
    assert_eq!(cluster.logged("55P03"), 0, "{}", cluster.log());
}

/// A table that goes while the row in which the worker would write that it has gone is locked.
#[test]
fn a_table_that_goes_while_its_row_is_locked_is_noted_when_it_is_free() {
    let (cluster, mut alice, mut mallory) = cluster();
    mallory.run("BEGIN; SELECT raw_clear_sessions_run_now('goes')");
    let mut other = cluster.existing_database("app").connect_as("mallory");
    other.run("DROP TABLE goes");
    assert_alice_goes_on(&mut alice, "a dropped table's row");
    mallory.run("COMMIT");
    cluster.wait_for_log("table mallory.goes, which had a policy, has gone");
    assert_eq!(cluster.logged("ERROR"), 0, "{}", cluster.log());
}

/// Runs that find nothing are counted together: what is locked holds up none of the others, and is counted later.
#[test]
fn what_is_counted_together_is_counted_but_for_the_rows_that_are_locked() {
    let (_cluster, mut alice, mut mallory) = cluster();
    let started = "SELECT extract(epoch FROM last_success)::text FROM raw_clear_sessions.status WHERE \"table\" = 'mallory.sessions'::regclass";
    mallory.run("BEGIN; SELECT raw_clear_sessions_run_now('sessions')");
    alice.wait_for_ends("alice.sessions", 3);
    let before = mallory.text(started);
    alice.wait_for_ends("alice.sessions", 3);
    assert_eq!(mallory.text(started), before, "hers waits for her");
    mallory.run("COMMIT");
    wait_until("it is cleared and counted again", || {
        mallory.text(started) != before
    });
    assert_eq!(alice.count(FAILING), 0);
}

/// The row in which it would be counted as failed is locked, and the worker cannot come back to the table before it is not.
#[test]
fn a_run_that_ends_its_worker_holds_up_no_other_table_though_its_row_is_locked() {
    let (cluster, mut alice, mut mallory) = cluster();
    mallory.run(
        "CREATE TABLE switch (ends boolean); INSERT INTO switch VALUES (false);
         CREATE FUNCTION ends() RETURNS boolean LANGUAGE plpgsql STABLE AS $$BEGIN
             IF (SELECT s.ends FROM mallory.switch AS s) THEN
                 PERFORM pg_sleep(3);
                 PERFORM set_config('exit_on_error', 'on', false); RAISE 'bye';
             END IF;
             RETURN true;
         END$$;
         SELECT raw_clear_sessions_schedule('sessions', '1 s', filter => 'mallory.ends()')",
    );
    mallory.run("UPDATE switch SET ends = true");
    add_expired(&mut mallory, "sessions", 1);
    let mut admin = cluster.connect_to("app");
    wait_until("the filter sleeps", || {
        admin.count("pg_stat_activity WHERE wait_event = 'PgSleep'") > 0
    });
    mallory.run("BEGIN; SELECT raw_clear_sessions_run_now('sessions')");
    cluster.wait_for_log("FATAL:  bye");
    assert_alice_goes_on(&mut alice, "run_now");
    let mut other = cluster.existing_database("app").connect_as("mallory");
    other.run("UPDATE switch SET ends = false");
    mallory.run("COMMIT");
    mallory.wait_for_count("sessions", 2);
    let failed =
        "\"table\" = 'mallory.sessions'::regclass AND stop = 'failed' AND sqlstate = 'P0001'";
    assert_eq!(admin.runs(failed), 1);
    assert_eq!(cluster.logged("55P03"), 0, "{}", cluster.log());
}
