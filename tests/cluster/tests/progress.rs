//! How far a call is: in the view that other sessions watch, and as NOTICEs to the one that called.

use cluster::{Cluster, Database, Running, SLOW, Session, create_sessions};
use postgres::{Client, NoTls};
use std::sync::{Arc, LazyLock, Mutex};

/// A server that has preloaded the library, and whose worker is off.
fn shared(name: &str) -> (Database<'static>, Session) {
    static SHARED: LazyLock<Cluster> =
        LazyLock::new(|| Cluster::with(&[("shared_preload_libraries", "raw_clear_sessions")]));
    let database = SHARED.database(name);
    let session = database.connect();
    (database, session)
}

/// Two partitions with one expired row each. A call is held up where it calls `wait()`.
fn create_partitions(session: &mut Session) {
    session.run(
        "CREATE TABLE session (id integer, expires timestamptz) PARTITION BY LIST (id);
         CREATE TABLE session_1 PARTITION OF session FOR VALUES IN (1);
         CREATE TABLE session_2 PARTITION OF session FOR VALUES IN (2);
         INSERT INTO session VALUES (1, '2020-01-01'), (2, '2020-01-01'), (2, 'infinity');
         CREATE FUNCTION wait(id integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
             PERFORM pg_advisory_xact_lock_shared(1);
             RETURN 1;
         END $$;
         ALTER TABLE session ADD PRIMARY KEY (id, expires);
         CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM wait(1);
             RETURN NULL;
         END $$;",
    );
}

/// Has `wait()` called when the first row goes from a partition: PostgreSQL looks whether a row refers to it, and plans that with
/// an index whose condition each session evaluates once. A trigger that could do as it likes would have all partitions cleared by
/// one statement.
fn wait_in(session: &mut Session, partition: &str) {
    session.run(&format!(
        "CREATE TABLE referrer_of_{partition} (id integer, expires timestamptz,
             FOREIGN KEY (id, expires) REFERENCES {partition});
         CREATE INDEX ON referrer_of_{partition} (id) WHERE wait(1) = 1"
    ));
}

/// Starts a call that will be held up, and returns when it is.
fn start_and_hold(database: &Database, observer: &mut Session, call: &str) -> Running {
    observer.run("SELECT pg_advisory_lock(1)");
    let running = database.connect().start(call);
    running.wait_for_lock_wait(observer);
    running
}

fn let_go(observer: &mut Session, running: Running) -> String {
    observer.run("SELECT pg_advisory_unlock(1)");
    let value = running.value();
    assert_eq!(observer.count("raw_clear_sessions.progress"), 0);
    value
}

fn shown(observer: &mut Session, what: &str) -> String {
    observer.text(&format!("SELECT {what} FROM raw_clear_sessions.progress"))
}

const ALL: &str = "concat_ws(' ', \"table\", leaf, phase, blocks_done, blocks_total, percent, deleted, skipped, batches,
    CASE WHEN estimated_end > clock_timestamp() THEN 'soon' ELSE estimated_end::text END)";

#[test]
fn a_call_of_the_function_shows_its_percentage_and_estimated_end() {
    let (database, mut observer) = shared("progress_function");
    create_partitions(&mut observer);
    wait_in(&mut observer, "session_2");
    let before = observer.text("SELECT clock_timestamp()::text");
    let call = "SELECT raw_clear_sessions('session', expires => 'expires')";
    let running = start_and_hold(&database, &mut observer, call);
    assert_eq!(
        shown(&mut observer, ALL),
        "session session_2 deleting by SQL 1 2 50 1 0 0 soon"
    );
    assert!(observer.yes(&format!(
        "SELECT pid = {} AND started BETWEEN '{before}' AND clock_timestamp() FROM raw_clear_sessions.progress",
        running.pid()
    )));
    assert_eq!(let_go(&mut observer, running), "2");
}

#[test]
fn one_statement_for_all_shows_no_number_that_nobody_knows() {
    let (database, mut observer) = shared("progress_statement");
    create_partitions(&mut observer);
    observer.run(
        "CREATE TRIGGER hold AFTER DELETE ON session FOR EACH ROW WHEN (OLD.id = 2) EXECUTE FUNCTION hold()",
    );
    for (filter, deleted) in [(", filter => 'id = 2'", "1"), ("", "2")] {
        observer.run("INSERT INTO session VALUES (2, '2020-01-01') ON CONFLICT DO NOTHING");
        let call = format!("SELECT raw_clear_sessions('session', expires => 'expires'{filter})");
        let running = start_and_hold(&database, &mut observer, &call);
        assert_eq!(shown(&mut observer, ALL), "session deleting by SQL 0 0 0");
        assert_eq!(let_go(&mut observer, running), deleted);
    }
}

#[test]
fn a_rewrite_shows_how_far_it_is_but_no_end_that_depends_on_indexes() {
    let (database, mut observer) = shared("progress_rewrite");
    create_partitions(&mut observer);
    observer.run("CREATE INDEX ON session_2 (wait(id))");
    let call = "SELECT raw_clear_sessions_rewrite('session', expires => 'expires')";
    let running = start_and_hold(&database, &mut observer, call);
    assert_eq!(
        shown(&mut observer, ALL),
        "session session_2 rebuilding indexes 2 2 2 0 0"
    );
    assert_eq!(let_go(&mut observer, running), "2");
    // Rows are found by SQL first, where an expression says what has expired.
    observer.run("INSERT INTO session VALUES (2, '2020-01-01')");
    let call = "SELECT raw_clear_sessions_rewrite('session', expires => 'expires', filter => 'wait(id) = 1')";
    let running = start_and_hold(&database, &mut observer, call);
    assert_eq!(
        shown(&mut observer, "phase || coalesce(percent::text, '')"),
        "finding expired rows"
    );
    assert_eq!(let_go(&mut observer, running), "1");
}

#[test]
fn a_call_within_a_call_does_not_hide_it() {
    let (database, mut observer) = shared("progress_nested");
    create_partitions(&mut observer);
    create_sessions(&mut observer, "django_session", 10, 2);
    observer.run(
        "CREATE FUNCTION clear() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM raw_clear_sessions('django_session');
             RETURN NULL;
         END $$;
         CREATE TRIGGER clear AFTER DELETE ON session FOR EACH ROW EXECUTE FUNCTION clear();
         CREATE TRIGGER hold AFTER DELETE ON session FOR EACH ROW EXECUTE FUNCTION hold()",
    );
    let call = "SELECT raw_clear_sessions('session', expires => 'expires')";
    let running = start_and_hold(&database, &mut observer, call);
    assert_eq!(observer.count("django_session"), 10, "not committed yet");
    assert_eq!(shown(&mut observer, ALL), "session deleting by SQL 0 0 0");
    assert_eq!(let_go(&mut observer, running), "2");
    assert_eq!(observer.count("django_session"), 5);
}

#[test]
fn an_index_pass_shows_its_rows_and_no_percentage() {
    let (database, mut observer) = shared("progress_index");
    observer.run(
        "CREATE TABLE django_session (session_key text, session_data text, expire_date timestamptz);
         INSERT INTO django_session SELECT i, repeat('x', 1000),
             CASE WHEN i % 200 = 0 THEN timestamptz '2020-01-01' ELSE '2199-01-01' END FROM generate_series(1, 20000) AS i;
         CREATE INDEX ON django_session (expire_date);
         ANALYZE django_session",
    );
    let mut caller = database.connect();
    for (name, value) in SLOW {
        caller.run(&format!("SET {name} = {value}"));
    }
    let running = caller.start("CALL raw_clear_sessions_in_batches('django_session')");
    observer.wait_for_busy_worker("django_session");
    assert!(observer.yes(
        "SELECT phase = 'scanning index' AND deleted > 0 AND batches > 0 AND blocks_total IS NULL AND blocks_done IS NULL
             AND percent IS NULL AND estimated_end IS NULL AND started IS NOT NULL
         FROM raw_clear_sessions.progress"
    ));
    running.cancel();
    assert!(running.finish().1.is_err());
}

/// A session that keeps what it hears.
fn listener(database: &Database) -> (Client, Arc<Mutex<Vec<String>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let mut config = database.cluster().config();
    let ear = Arc::clone(&heard);
    config
        .dbname(database.name())
        .notice_callback(move |notice| {
            ear.lock()
                .expect("nobody panics with it")
                .push(notice.message().to_owned());
        });
    let client = config.connect(NoTls).expect("a connection");
    (client, heard)
}

/// Runs a call that takes longer than the shortest interval in each partition, and returns what it says.
fn heard(database: &Database, call: &str) -> String {
    let (mut client, heard) = listener(database);
    client
        .batch_execute("SET raw_clear_sessions.progress_interval = '100 ms'")
        .expect("anybody may set it");
    client.batch_execute(call).expect("the call succeeds");
    let heard = heard.lock().expect("nobody panics with it");
    heard.join("\n")
}

fn create_slow_partitions(session: &mut Session) {
    create_partitions(session);
    session.run(
        "CREATE OR REPLACE FUNCTION wait(id integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
             PERFORM pg_sleep(0.15);
             RETURN 1;
         END $$",
    );
}

#[test]
fn the_function_and_the_procedure_tell_the_caller_who_asks() {
    let (database, mut session) = shared("progress_notices");
    create_slow_partitions(&mut session);
    for partition in ["session_1", "session_2"] {
        wait_in(&mut session, partition);
    }
    for call in [
        "SELECT raw_clear_sessions('session', expires => 'expires')",
        "CALL raw_clear_sessions_in_batches('session', expires => 'expires')",
    ] {
        session.run("INSERT INTO session VALUES (1, '2020-01-02'), (2, '2020-01-02')");
        let heard = heard(&database, call);
        let first = "table \"session\": in \"session_1\", deleting by SQL, 50.0 % of 2 blocks, ";
        assert!(heard.contains(first), "{call}: {heard}");
        assert!(heard.contains("deleted, about "), "{call}: {heard}");
        assert!(heard.contains(" left"), "{call}: {heard}");
        let last = "table \"session\": in \"session_2\", deleting by SQL, 100.0 % of 2 blocks, ";
        assert!(heard.contains(last), "{call}: {heard}");
    }
}

#[test]
fn a_rewrite_tells_the_caller_who_asks() {
    let (database, mut session) = shared("progress_rewrite_notices");
    create_slow_partitions(&mut session);
    session.run(
        "CREATE TABLE session_3 PARTITION OF session FOR VALUES IN (3);
         INSERT INTO session VALUES (1, 'infinity'), (3, '2020-01-01');
         CREATE INDEX ON session (wait(id))",
    );
    let call = "SELECT raw_clear_sessions_rewrite('session', expires => 'expires')";
    let heard = heard(&database, call);
    let line = "table \"session\": in \"session_2\", rewriting, 66.6 % of 3 blocks, 2 rows deleted";
    assert!(heard.lines().any(|heard| heard == line), "{heard}");
    // How long the indexes take, nobody knows.
    assert!(!heard.contains("left"), "{heard}");
}

#[test]
fn who_does_not_ask_hears_nothing() {
    let (database, mut session) = shared("progress_silence");
    create_slow_partitions(&mut session);
    for partition in ["session_1", "session_2"] {
        wait_in(&mut session, partition);
    }
    let (mut client, heard) = listener(&database);
    client
        .batch_execute("SELECT raw_clear_sessions('session', expires => 'expires')")
        .expect("the call succeeds");
    assert!(heard.lock().expect("nobody panics with it").is_empty());
}
