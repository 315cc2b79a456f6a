//! Clearing sessions whose attributes go with them, as Spring Session's do.

use cluster::Cluster;

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
