//! A role without rights waits for a lock on the extension's tables that it may not have: PostgreSQL looks at its rights when the
//! lock has come (CREATE RULE, CREATE TRIGGER), and until then whoever wants a lock that conflicts waits behind it.

use cluster::{Cluster, Running, SLOW, Session, add_expired, create_sessions, wait_until};

/// Two roles with a schema of their own each, and a table in it.
fn cluster(settings: &[(&str, &str)]) -> (Cluster, Session, Session) {
    let fixed = [
        ("raw_clear_sessions.tables", ""),
        ("deadlock_timeout", "100ms"),
    ];
    let cluster = Cluster::with_worker("app", &[&fixed, settings].concat());
    let [mut alice, mut mallory] = cluster.alice_and_mallory();
    for session in [&mut alice, &mut mallory] {
        create_sessions(session, "sessions", 20, 10);
        session.run("CREATE TABLE by_hand (LIKE sessions)");
    }
    (cluster, alice, mallory)
}

const ADD: &str = "INSERT INTO by_hand VALUES ('key', '', '2020-01-01')";

/// What mallory's transaction locks, and for what she waits behind it.
const QUEUES: [(&str, &str); 5] = [
    (
        "SELECT raw_clear_sessions('by_hand', expires => 'expire_date')",
        "CREATE TRIGGER t BEFORE INSERT ON raw_clear_sessions.history FOR EACH ROW \
         EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ),
    (
        "SELECT count(*) FROM raw_clear_sessions.run",
        "CREATE RULE r AS ON INSERT TO raw_clear_sessions.history DO INSTEAD NOTHING",
    ),
    (
        "SELECT count(*) FROM raw_clear_sessions.policy",
        "CREATE RULE r AS ON INSERT TO raw_clear_sessions.policy DO INSTEAD NOTHING",
    ),
    (
        "SELECT count(*) FROM raw_clear_sessions.run WHERE id = 1",
        "CREATE RULE r AS ON INSERT TO raw_clear_sessions.history_pkey DO INSTEAD NOTHING",
    ),
    (
        "SELECT raw_clear_sessions('by_hand', expires => 'expire_date')",
        "CREATE RULE r AS ON INSERT TO raw_clear_sessions.history_id_seq DO INSTEAD NOTHING",
    ),
];

fn wait_for_lock(cluster: &Cluster, statement: &str) -> Running {
    let waiting = cluster.existing_database("app").connect_as("mallory");
    let waiting = waiting.start(statement);
    waiting.wait_for_lock_wait(&mut cluster.connect_to("app"));
    waiting
}

#[test]
fn a_call_does_not_wait_for_who_waits_for_a_lock_that_he_may_not_have() {
    let (cluster, mut alice, mut mallory) = cluster(&[]);
    alice.run("SET statement_timeout = '30 s'");
    for (held, wanted) in QUEUES {
        mallory.run(&format!("{ADD}; BEGIN; {held}"));
        let waiting = wait_for_lock(&cluster, wanted);
        for call in [
            "SELECT raw_clear_sessions('by_hand', expires => 'expire_date')",
            "CALL raw_clear_sessions_in_batches('by_hand', expires => 'expire_date')",
            "SELECT raw_clear_sessions_rewrite('by_hand', expires => 'expire_date')",
        ] {
            alice.run(ADD);
            if let Err(error) = alice.try_run(call) {
                panic!("{wanted}: {call}: {error:?}");
            }
            assert_eq!(alice.count("by_hand"), 0, "{wanted}: {call}");
        }
        mallory.run("ROLLBACK");
        waiting.finish().1.expect_err("she may not");
    }
}

#[test]
fn a_run_makes_no_way_for_who_may_not_have_the_database() {
    let (cluster, mut alice, mut mallory) = cluster(&SLOW);
    alice.run("INSERT INTO sessions SELECT i, '', '2020-01-01' FROM generate_series(1, 5000) AS i");
    alice.run("SELECT raw_clear_sessions_schedule('sessions', '1 h')");
    alice.wait_for_busy_worker("sessions");
    mallory.run("BEGIN; ALTER ROLE mallory IN DATABASE app SET work_mem = '1MB'");
    let elsewhere = cluster.existing_database("postgres");
    let dropping = elsewhere.connect_as("mallory").start("DROP DATABASE app");
    dropping.wait_for_lock_wait(&mut cluster.connect());
    let deleted = "SELECT coalesce(max(deleted), 0) FROM raw_clear_sessions.progress";
    let before = alice.number(deleted);
    wait_until("some more batches are done", || {
        alice.number(deleted) >= before + 100
    });
    assert_eq!(alice.runs("ended IS NOT NULL"), 0);
    mallory.run("ROLLBACK");
    dropping.finish().1.expect_err("she may not");
}

#[test]
fn a_database_that_cannot_be_connected_to_does_not_keep_others_waiting() {
    let seats = [
        ("raw_clear_sessions.databases", "app, other"),
        ("raw_clear_sessions.max_workers", "1"),
    ];
    let (cluster, mut alice, mut mallory) = cluster(&seats);
    alice.run("SELECT raw_clear_sessions_schedule('by_hand', '1 s', expires => 'expire_date')");
    let mut other = cluster.database("other").connect();
    create_sessions(&mut other, "sessions", 20, 10);
    other.run("SELECT raw_clear_sessions_schedule('sessions', '1 s')");
    other.wait_for_count("sessions", 2);
    mallory.run("BEGIN; ALTER ROLE mallory IN DATABASE app SET work_mem = '1MB'");
    let elsewhere = cluster.existing_database("postgres");
    let dropping = elsewhere.connect_as("mallory").start("DROP DATABASE app");
    dropping.wait_for_lock_wait(&mut cluster.connect());
    let failure = "the worker could not connect";
    cluster.wait_for_log(failure);
    for _ in 0..2 {
        add_expired(&mut other, "sessions", 10);
        other.wait_for_count("sessions", 2);
    }
    let note = format!(
        "SELECT bool_or(note LIKE 'the worker fails in this database: 55P03: {failure}%') FROM raw_clear_sessions.status"
    );
    wait_until("the status says so", || alice.yes(&note));
    assert_eq!(cluster.logged(failure), 1);
    alice.run(ADD);
    mallory.run("ROLLBACK");
    dropping.finish().1.expect_err("she may not");
    alice.wait_for_count("by_hand", 0);
}

#[test]
fn a_call_that_cannot_be_recorded_is_in_the_log() {
    // No worker comes, which would say of itself that it fails.
    let (cluster, mut alice, mut mallory) = cluster(&[("raw_clear_sessions.schedule", "1 h")]);
    wait_until("no worker is there", || alice.workers().is_empty());
    let call = format!("{ADD}; SELECT raw_clear_sessions('by_hand', expires => 'expire_date')");
    let recorded = "raw_clear_sessions.run WHERE \"table\" = 'alice.by_hand'::regclass";
    let (held, wanted) = QUEUES[0];
    mallory.run(&format!("{ADD}; BEGIN; {held}"));
    let waiting = wait_for_lock(&cluster, wanted);
    alice.run(&call);
    assert_eq!(alice.count(recorded), 0);
    let line = "the clearing of table alice.by_hand by a call could not be recorded";
    assert_eq!(cluster.logged(line), 1, "{}", cluster.log());
    mallory.run("ROLLBACK");
    waiting.finish().1.expect_err("she may not");
    alice.run(&call);
    assert_eq!(alice.count(recorded), 1);
}

/// No table has failed, and the worker says who is in its way, and comes again at once: not after a minute, and longer each time.
#[test]
fn the_worker_that_such_a_lock_keeps_out_charges_no_table_and_comes_again_within_seconds() {
    let (cluster, mut alice, mut mallory) = cluster(&[]);
    alice.run("SELECT raw_clear_sessions_schedule('sessions', '1 s')");
    alice.wait_for_count("sessions", 2);
    for (held, wanted) in QUEUES {
        mallory.run(&format!("{ADD}; BEGIN; {held}"));
        let waiting = wait_for_lock(&cluster, wanted);
        let mut observer = cluster.connect_to("app");
        wait_until(&format!("{wanted}: the worker says so"), || {
            let off = observer.text("SELECT coalesce(raw_clear_sessions.worker_off(), '')");
            off.starts_with("the worker fails in this database: 55006: raw_clear_sessions.")
                && off.contains(&format!("{}", waiting.pid()))
                && off.contains("It is tried again, every few seconds")
        });
        mallory.run("ROLLBACK");
        waiting.finish().1.expect_err("she may not");
        alice.run("INSERT INTO sessions VALUES ('new', '', '2020-01-01')");
        alice.wait_for_count("sessions", 2);
        wait_until("it says so no longer", || {
            observer.yes("SELECT raw_clear_sessions.worker_off() IS NULL")
        });
    }
    let state = "SELECT failures || coalesce(last_error, '') FROM raw_clear_sessions.status";
    assert_eq!(alice.text(state), "0");
    assert_eq!(alice.runs("stop IN ('failed', 'left_out')"), 0);
}

fn wait_for_filter(cluster: &Cluster) {
    let mut admin = cluster.connect_to("app");
    wait_until("the filter sleeps", || {
        admin.count("pg_stat_activity WHERE wait_event = 'PgSleep'") > 0
    });
}

#[test]
fn who_waits_for_a_lock_that_he_may_not_have_ends_no_run() {
    let (cluster, mut alice, _mallory) = cluster(&[]);
    let mut admin = cluster.connect_to("app");
    // The batch takes as long as this is held.
    admin.run("SELECT pg_advisory_lock(1)");
    alice.run(
        "CREATE FUNCTION slow(text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$BEGIN
             WHILE NOT pg_try_advisory_xact_lock_shared(1) LOOP PERFORM pg_sleep(0.05); END LOOP;
             RETURN true;
         END$$;
         SELECT raw_clear_sessions_schedule('sessions', '1 h', filter => 'alice.slow(session_key)')",
    );
    wait_for_filter(&cluster);
    let wanted = ["raw_clear_sessions.policy", "raw_clear_sessions.state_pkey"];
    let waiting = wanted.map(|wanted| {
        wait_for_lock(
            &cluster,
            &format!("CREATE RULE r AS ON INSERT TO {wanted} DO INSTEAD NOTHING"),
        )
    });
    // The launcher looks twice a second.
    wait_until("they have waited for many looks of the launcher's", || {
        admin.yes("SELECT count(*) = 0 FROM pg_locks WHERE NOT granted AND waitstart > clock_timestamp() - interval '4 s'")
    });
    admin.run("SELECT pg_advisory_unlock(1)");
    for waiting in waiting {
        waiting.finish().1.expect_err("she may not");
    }
    alice.wait_for_run("ended IS NOT NULL");
    assert_eq!(
        alice.text("SELECT concat_ws(' ', stop, deleted, error) FROM raw_clear_sessions.run"),
        "done 18"
    );
}

/// Who may drop it is not kept waiting, a role that is no superuser neither.
#[test]
fn who_drops_the_extension_and_may_ends_the_run() {
    let cluster = Cluster::with_worker(
        "app",
        &[
            ("raw_clear_sessions.tables", ""),
            ("deadlock_timeout", "100ms"),
        ],
    );
    let database = cluster.bare_database("app");
    database.connect().run(
        "CREATE ROLE alice LOGIN; CREATE ROLE helper LOGIN IN ROLE alice;
         GRANT CREATE ON DATABASE app TO alice; CREATE SCHEMA alice AUTHORIZATION alice",
    );
    let mut alice = database.connect_as("alice");
    alice.run("CREATE EXTENSION raw_clear_sessions SCHEMA alice");
    create_sessions(&mut alice, "sessions", 20, 10);
    alice.run(
        "CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql STABLE
             AS $$BEGIN PERFORM pg_sleep(1000); RETURN true; END$$;
         SELECT raw_clear_sessions_schedule('sessions', '1 h', filter => 'alice.slow()')",
    );
    wait_for_filter(&cluster);
    // Not by the role that owns it, but by a member of that.
    let mut helper = database.connect_as("helper");
    helper.run("DROP EXTENSION raw_clear_sessions");
}
