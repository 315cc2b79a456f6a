//! Clearing sessions whose attributes go with them, as Spring Session's do.

use cluster::{Cluster, Session};

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
