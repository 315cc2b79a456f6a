//! Clearing sessions whose attributes go with them, as Spring Session's do.

use cluster::{Cluster, SOON, Session};

const SESSIONS: i64 = 20_000;

#[test]
fn batches_of_sessions_with_a_cascading_child_are_full() {
    let cluster = Cluster::with_worker("*", &[("raw_clear_sessions.cost_delay", "0")]);
    let mut session = cluster.database("cascade").connect();
    session.run(&format!(
        "CREATE TABLE spring (id integer PRIMARY KEY, expires timestamptz NOT NULL, filler text);
         CREATE TABLE attribute (id integer REFERENCES spring ON DELETE CASCADE, name text, PRIMARY KEY (id, name));
         INSERT INTO spring SELECT n, CASE WHEN n % 10 = 0 THEN now() + '1 day' ELSE '2001-01-01' END, repeat('x', 100)
             FROM generate_series(1, {SESSIONS}) AS n;
         INSERT INTO attribute SELECT n, name FROM generate_series(1, {SESSIONS}) AS n, unnest('{{a,b}}'::text[]) AS name;
         ANALYZE;
         SELECT raw_clear_sessions_schedule('spring', '1 day', expires => 'expires', batch_size => 500)"
    ));
    session.wait_for_run("stop = 'done'");
    assert_eq!(session.count("spring"), SESSIONS / 10);
    assert_eq!(session.count("attribute"), SESSIONS / 10 * 2);
    let batches = session.number("SELECT batches::bigint FROM raw_clear_sessions.run");
    // 36 full ones, a few at the beginning that find how many blocks make one, and the last.
    assert!((36..=46).contains(&batches), "{batches} batches");
}

#[test]
fn the_batches_of_a_run_share_one_plan() {
    let (_cluster, mut session) = counting();
    session.run("INSERT INTO spring SELECT n, '2001-01-01' FROM generate_series(1, 5000) AS n");
    session.run(
        "CALL raw_clear_sessions_in_batches('spring', expires => 'expires', batch_size => 100)",
    );
    assert_eq!(session.count("spring"), 0);
    let (calls, plans) = (looks(&mut session, "calls"), looks(&mut session, "plans"));
    assert!(calls >= 50, "{calls} batches");
    assert!(plans <= 3, "{plans} plans for {calls} batches");
}

#[test]
fn a_plan_that_was_made_for_a_small_table_does_not_serve_it_when_it_is_large() {
    let (_cluster, mut session) = counting();
    let clear =
        "CALL raw_clear_sessions_in_batches('spring', expires => 'expires', batch_size => 100)";
    session.run("INSERT INTO spring VALUES (0, '2001-01-01'); ANALYZE spring");
    session.run(clear);
    session.run("INSERT INTO spring SELECT n, '2001-01-01' FROM generate_series(1, 20000) AS n");
    session.run("SELECT pg_stat_statements_reset()");
    session.run(clear);
    assert_eq!(session.count("spring"), 0);
    // One for each row that is locked, and few to find them: if each batch read the whole table, twice as many again.
    let read = looks(&mut session, "shared_blks_hit + shared_blks_read");
    assert!(read < 2 * 20000, "{read} buffers");
}

/// A function in a filter is called whenever a plan is made. At one call after the other, it has another table get the name.
#[test]
fn a_plan_is_not_executed_for_a_table_that_gets_the_name_while_it_is_made() {
    let mut admin = Cluster::shared().database("renamed").connect();
    admin.run(
        "CREATE SEQUENCE calls;
         CREATE FUNCTION swap() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN
             IF nextval('public.calls') = current_setting('test.swap_at')::bigint THEN
                 ALTER SCHEMA app RENAME TO third; ALTER SCHEMA other RENAME TO app; ALTER SCHEMA third RENAME TO other;
             END IF;
             RETURN true;
         END$$;
         CREATE FUNCTION is_stale() RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN public.swap(); END';
         CREATE FUNCTION delete() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
    );
    let mut swaps = 0;
    loop {
        let mut session = Cluster::shared().existing_database("renamed").connect();
        for schema in ["app", "other"] {
            session.run(&format!(
                "CREATE SCHEMA {schema};
                 CREATE TABLE {schema}.session (id integer, expires timestamptz);
                 INSERT INTO {schema}.session SELECT n, '2001-01-01' FROM generate_series(1, 100) AS n;
                 CREATE TRIGGER t BEFORE DELETE ON {schema}.session FOR EACH ROW EXECUTE FUNCTION delete();
                 CREATE VIEW {schema}_rows AS SELECT id FROM {schema}.session"
            ));
        }
        session.run(&format!(
            "ALTER SEQUENCE calls RESTART; SET test.swap_at = {}",
            swaps + 1
        ));
        session.run(
            "CALL raw_clear_sessions_in_batches('app.session', expires => 'expires', filter => 'public.is_stale()', batch_size => 30)",
        );
        let left = (session.count("app_rows"), session.count("other_rows"));
        assert_eq!(left, (0, 100), "renamed at call {}", swaps + 1);
        if session.number("SELECT last_value FROM calls") <= swaps {
            break;
        }
        swaps += 1;
        session.run("DROP SCHEMA app, other CASCADE");
    }
    assert!(swaps > 4, "{swaps}");
}

/// The row that it goes with is passed over, by the procedure and by the worker, which has not done it all then. Where the
/// whole table is locked, no row is looked for.
#[test]
fn a_child_row_that_is_locked_for_long_keeps_its_own_row_only() {
    let cluster = Cluster::with_worker(
        "nothing_yet",
        &[("raw_clear_sessions.lock_timeout", "200ms")],
    );
    let mut session = cluster.database("locked_child").connect();
    session.run(
        "CREATE TABLE spring (id integer PRIMARY KEY, expires timestamptz NOT NULL);
         CREATE TABLE attribute (id integer PRIMARY KEY REFERENCES spring ON DELETE CASCADE);
         INSERT INTO spring SELECT n, '2001-01-01' FROM generate_series(1, 3000) AS n;
         INSERT INTO attribute SELECT n FROM generate_series(1, 3000) AS n",
    );
    let mut other = cluster.connect_to("locked_child");
    other.run("BEGIN; SELECT FROM attribute WHERE id IN (700, 2500) FOR UPDATE");
    let call = "CALL raw_clear_sessions_in_batches('spring', expires => 'expires')";
    let error = session.try_run(call).expect_err("two rows are left");
    let error = error.as_db_error().expect("the server's error");
    assert_eq!(error.code().code(), "55P03", "{error}");
    let message = "could not delete 2 expired rows of table \"spring\", the first at ctid ";
    assert!(error.message().starts_with(message), "{error}");
    assert!(
        error.hint().is_some_and(|hint| hint.contains("CASCADE")),
        "{error}"
    );
    assert_eq!(session.count("spring"), 2);

    session.run("INSERT INTO spring SELECT n, '2001-01-01' FROM generate_series(3001, 6000) AS n");
    cluster.reload(&[("raw_clear_sessions.databases", "locked_child"), SOON]);
    session.run("SELECT raw_clear_sessions_schedule('spring', '1 day', expires => 'expires')");
    session.wait_for_run("stop = 'left_out' AND deleted = 3000 AND sqlstate = '55P03'");
    assert_eq!(session.count("spring"), 2);
    assert_eq!(session.runs("stop = 'done'"), 0);
    session.run("SELECT raw_clear_sessions_unschedule('spring')");

    other.run("ROLLBACK; BEGIN; LOCK TABLE attribute");
    let error = session.try_run(call).expect_err("the table is locked");
    let error = error.as_db_error().expect("the server's error");
    assert_eq!(error.message(), "canceling statement due to lock timeout");
    other.run("ROLLBACK");
    assert_eq!(
        session.ask(call).expect("all are free").value.as_deref(),
        Some("2")
    );
}

/// A server that counts what its statements do, and a session of it with a table that others refer to.
fn counting() -> (Cluster, Session) {
    let cluster = Cluster::with(&[
        ("shared_preload_libraries", "pg_stat_statements"),
        ("pg_stat_statements.track", "all"),
        ("pg_stat_statements.track_planning", "on"),
        ("autovacuum", "off"),
    ]);
    let mut session = cluster.database("cascade").connect();
    session.run(
        "CREATE EXTENSION pg_stat_statements;
         CREATE TABLE spring (id integer PRIMARY KEY, expires timestamptz NOT NULL);
         CREATE TABLE attribute (id integer REFERENCES spring ON DELETE CASCADE)",
    );
    session.run("SET raw_clear_sessions.cost_delay = 0");
    (cluster, session)
}

/// What the statement that looks for a batch's rows has done so far.
fn looks(session: &mut Session, what: &str) -> i64 {
    session.number(&format!("SELECT coalesce(sum({what}), 0)::bigint FROM pg_stat_statements WHERE query LIKE '%SKIP LOCKED%' AND query NOT LIKE '%pg_stat_statements%'"))
}
