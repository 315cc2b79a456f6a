//! What the history gets to know of calls of the procedure that do not come to their end.

use cluster::{
    Cluster, Crash, Database, Running, Session, create_sessions, sqlstate, wait_for_end, wait_until,
};
use std::sync::LazyLock;

const SETTINGS: [(&str, &str); 1] = [("raw_clear_sessions.tables", "")];
/// As slow as it gets.
const PACE: &str =
    "SET raw_clear_sessions.batch_size = 10; SET raw_clear_sessions.cost_delay = 100;
     SET raw_clear_sessions.cost_limit = 1";
const CALL: &str = "CALL raw_clear_sessions_in_batches('django_session')";
const ROW: &str =
    "SELECT concat_ws(' ', count(*), min(stop), min(sqlstate), bool_and(ended >= started))
     FROM raw_clear_sessions.run WHERE caller IS NOT NULL";
/// What it says was deleted is what is gone.
const TRUE_COUNT: &str =
    "SELECT deleted = 900 - (SELECT count(*) FROM django_session WHERE expire_date < now())
     FROM raw_clear_sessions.run WHERE caller IS NOT NULL";

fn shared(name: &str) -> (Database<'static>, Session) {
    static SHARED: LazyLock<Cluster> = LazyLock::new(|| Cluster::with_worker("*", &SETTINGS));
    let database = SHARED.database(name);
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    (database, session)
}

/// Starts a call, and returns when the history shows that it has deleted rows.
fn start(mut caller: Session, call: &str, observer: &mut Session) -> Running {
    caller.run(PACE);
    let running = caller.start(call);
    wait_until("the history shows the call", || {
        assert!(!running.is_finished(), "{call} has ended");
        observer.runs("ended IS NULL AND stop IS NULL AND deleted > 0 AND caller = current_user")
            == 1
    });
    running
}

/// A worker's pass over the database has begun and ended.
fn wait_for_pass(session: &mut Session) {
    session.run("DROP TABLE IF EXISTS witness");
    create_sessions(session, "witness", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('witness', '1 s')");
    session.wait_for_count("witness", 10);
}

#[test]
fn a_call_that_is_canceled_is_in_the_history_with_what_it_has_deleted() {
    for (name, call) in [
        ("canceled", CALL),
        (
            "canceled_in_a_block",
            "DO $$ DECLARE n bigint; BEGIN CALL raw_clear_sessions_in_batches('django_session', deleted => n); END $$",
        ),
    ] {
        let (database, mut session) = shared(name);
        let running = start(database.connect(), call, &mut session);
        running.cancel();
        let (mut caller, outcome) = running.finish();
        assert_eq!(sqlstate(outcome), "57014", "{name}");
        assert_eq!(session.text(ROW), "1 canceled 57014 t", "{name}");
        assert!(session.yes(TRUE_COUNT), "{name}");
        // Nothing is left of it in its session.
        caller.run("RESET ALL");
        caller.run(call);
        assert_eq!(
            session.runs("caller IS NOT NULL AND stop = 'done'"),
            1,
            "{name}"
        );
        assert_eq!(session.count("django_session"), 100, "{name}");
    }
}

#[test]
fn a_call_is_ended_in_the_history_though_the_worker_rests_meanwhile() {
    let cluster = Cluster::with_worker("*", &SETTINGS);
    let database = cluster.database("app");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    let running = start(database.connect(), CALL, &mut session);
    cluster.reload(&[("raw_clear_sessions.paused", "yess")]);
    cluster.wait_for_log("the worker rests because the setting");
    running.cancel();
    let (mut caller, outcome) = running.finish();
    assert_eq!(sqlstate(outcome), "57014");
    assert_eq!(session.text(ROW), "1 canceled 57014 t");
    assert!(session.yes(TRUE_COUNT));
    // One that begins while it rests leaves no row, which nobody would remove.
    caller.run("RESET ALL");
    caller.run(CALL);
    assert_eq!(session.runs("caller IS NOT NULL"), 1);
}

#[test]
fn a_call_that_fails_is_in_the_history_with_what_it_has_deleted() {
    // By an ERROR of PostgreSQL's: a row lock in SQL is none; a table lock is waited for.
    let (database, mut session) = shared("failed");
    let mut caller = database.connect();
    caller.run("SET lock_timeout = 10");
    let running = start(caller, CALL, &mut session);
    let mut other = database.connect();
    other.run("BEGIN; LOCK TABLE django_session IN SHARE MODE");
    let (_, outcome) = running.finish();
    assert_eq!(sqlstate(outcome), "55P03");
    other.run("ROLLBACK");
    assert_eq!(session.text(ROW), "1 failed 55P03 t");
    assert!(session.yes(TRUE_COUNT));

    // By one of its own.
    let (database, mut session) = shared("refused");
    let running = start(database.connect(), CALL, &mut session);
    session.run("ALTER TABLE django_session RENAME expire_date TO gone");
    let (_, outcome) = running.finish();
    let refused = sqlstate(outcome);
    session.run("ALTER TABLE django_session RENAME gone TO expire_date");
    assert_eq!(session.text(ROW), format!("1 failed {refused} t"));
    assert!(session.yes(TRUE_COUNT));

    // For some of its rows.
    let (_database, mut session) = shared("left_out");
    session.run(
        "CREATE TABLE holder (session_key varchar REFERENCES django_session);
         INSERT INTO holder SELECT session_key FROM django_session WHERE expire_date < now() LIMIT 1",
    );
    assert_eq!(session.refused(CALL), "23503");
    assert_eq!(session.text(ROW), "1 left_out 23503 t");
    assert!(session.yes(TRUE_COUNT));
}

#[test]
fn a_call_by_whom_row_security_hides_rows_from_does_not_say_done() {
    let (_database, mut session) = shared("hidden");
    session.run(
        "CREATE ROLE hidden; GRANT SELECT, DELETE ON django_session TO hidden;
         ALTER TABLE django_session ENABLE ROW LEVEL SECURITY;
         CREATE POLICY two ON django_session USING (session_key IN ('key2', 'key3'));
         SET ROLE hidden",
    );
    session.run("SELECT raw_clear_sessions('django_session', filter => $$session_key = 'key2'$$)");
    session.run(CALL);
    session.run("RESET ROLE");
    assert_eq!(session.count("django_session"), 998);
    assert_eq!(session.runs("stop = 'hidden' AND deleted = 1"), 2);
}

#[test]
fn the_history_says_which_role_has_called() {
    let (_database, mut session) = shared("caller");
    session.run("CREATE ROLE alice; GRANT SELECT, UPDATE, DELETE ON django_session TO alice");
    session.run("SET ROLE alice");
    session.run(CALL);
    session.run("RESET ROLE");
    assert_eq!(
        session.text("SELECT caller::text FROM raw_clear_sessions.run"),
        "alice"
    );
}

#[test]
fn a_call_in_a_subtransaction_fails_there_and_ends_nothing_else() {
    let (_database, mut session) = shared("subtransaction");
    session.run(
        "DO $$ DECLARE n bigint; BEGIN
             BEGIN
                 CALL raw_clear_sessions_in_batches('django_session', deleted => n);
             EXCEPTION WHEN active_sql_transaction THEN NULL;
             END;
             CREATE TABLE after ();
         END $$",
    );
    assert_eq!(session.count("after"), 0);
    assert_eq!(session.count("django_session"), 1000);
    assert_eq!(session.runs("caller IS NOT NULL"), 0);
}

#[test]
fn the_worker_ends_the_row_of_a_call_whose_process_has_ended_and_of_no_other() {
    let (database, mut session) = shared("terminated");
    let running = start(database.connect(), CALL, &mut session);
    wait_for_pass(&mut session);
    assert_eq!(session.runs("ended IS NULL AND caller IS NOT NULL"), 1);
    session.run(&format!("SELECT pg_terminate_backend({})", running.pid()));
    wait_for_end(running.pid());
    wait_for_pass(&mut session);
    session.wait_for_run("caller IS NOT NULL AND ended IS NOT NULL");
    assert_eq!(session.text(ROW), "1 interrupted t");
    assert!(session.yes("SELECT deleted > 0 FROM raw_clear_sessions.run WHERE caller IS NOT NULL"));
    // It is no run of the worker's.
    assert!(session.yes(
        "SELECT NOT EXISTS (SELECT FROM raw_clear_sessions.state
         WHERE \"table\" = 'django_session'::regclass)"
    ));
}

#[test]
fn a_call_that_is_killed_leaves_a_row_that_the_worker_ends() {
    let mut cluster = Cluster::with_worker("*", &SETTINGS);
    let database = cluster.database("killed");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    let running = start(database.connect(), CALL, &mut session);
    // Batches do not wait for the disk; a commit that does takes them along.
    session.run("CREATE TABLE durable ()");
    drop(database);
    cluster.crash(Crash::Process, running.pid());
    let mut session = cluster.connect_to("killed");
    wait_for_pass(&mut session);
    session.wait_for_run("caller IS NOT NULL AND ended IS NOT NULL");
    assert_eq!(session.text(ROW), "1 interrupted t");
    assert!(session.count("django_session") < 1000);
}

#[test]
fn a_temporary_table_is_cleared_in_a_read_only_transaction_which_writes_no_history() {
    let (_database, mut session) = shared("read_only");
    session.run(
        "CREATE TEMPORARY TABLE brief (session_key text, expires timestamptz);
         INSERT INTO brief SELECT i, '2020-01-01' FROM generate_series(1, 5) AS i;
         BEGIN READ ONLY",
    );
    let deleted = "SELECT raw_clear_sessions('pg_temp.brief', expires => 'expires')";
    assert_eq!(session.number(deleted), 5);
    session.run("COMMIT");
    assert_eq!(session.count("brief"), 0);
    assert_eq!(session.runs("caller IS NOT NULL"), 0);
}

#[test]
fn the_row_of_a_call_that_a_transaction_has_locked_keeps_no_worker_waiting() {
    let settings = [SETTINGS[0], ("raw_clear_sessions.lock_timeout", "10 min")];
    let cluster = Cluster::with_worker("*", &settings);
    let database = cluster.database("app");
    let (mut session, mut holder) = (database.connect(), database.connect());
    create_sessions(&mut session, "django_session", 10, 10);
    session.run(
        "INSERT INTO raw_clear_sessions.history (\"table\", started, pid, caller)
         VALUES ('django_session'::regclass, now(), 1, 'postgres')",
    );
    holder.run("BEGIN; SELECT FROM raw_clear_sessions.history FOR UPDATE");
    wait_for_pass(&mut session);
    assert_eq!(session.runs("caller IS NOT NULL AND ended IS NULL"), 1);
    holder.run("ROLLBACK");
    wait_for_pass(&mut session);
    session.wait_for_run("caller IS NOT NULL AND stop = 'interrupted'");
}
