//! What a rewrite does before it keeps everybody from the table, and for how long it does.

use cluster::{Cluster, Session};

/// A table of more than 8 MB, a tenth of which is live. Returns its blocks.
fn create(session: &mut Session) -> i64 {
    session.run(
        "CREATE TABLE session (expires timestamptz NOT NULL, filler text);
         ALTER TABLE session ALTER filler SET STORAGE plain;
         INSERT INTO session SELECT CASE WHEN n % 10 = 0 THEN now() + '1 day' ELSE '2001-01-01' END, repeat('x', 700)
             FROM generate_series(1, 15000) AS n",
    );
    let blocks = session
        .number("SELECT pg_relation_size('session') / current_setting('block_size')::bigint");
    assert!(blocks > 1024, "{blocks} blocks");
    blocks
}

const REWRITE: &str = "SELECT raw_clear_sessions_rewrite('session', expires => 'expires')";

#[test]
fn a_rewrite_has_read_the_table_and_holds_no_lock_when_it_waits_for_its_own() {
    let cluster = Cluster::with(&[("shared_preload_libraries", "raw_clear_sessions")]);
    let database = cluster.database("ahead");
    let (mut observer, mut writer) = (database.connect(), database.connect());
    let blocks = create(&mut observer);
    writer.run("BEGIN; LOCK TABLE session IN ROW EXCLUSIVE MODE");
    // Two of them: each would wait for the other's lock, if one were kept from reading.
    let running = [1, 2].map(|_| {
        let running = database.connect().start(REWRITE);
        running.wait_for_lock_wait(&mut observer);
        running
    });
    assert_eq!(
        observer.number(
            "SELECT count(*) FROM pg_locks WHERE relation = 'session'::regclass AND granted"
        ),
        1,
    );
    // The second one could not have read without waiting.
    assert_eq!(
        observer.text(&format!(
            "SELECT concat_ws(' ', phase, blocks_done, blocks_total) FROM raw_clear_sessions.progress WHERE pid = {}",
            running[0].pid()
        )),
        format!("reading ahead {blocks} {blocks}")
    );
    writer.run("ROLLBACK");
    let mut removed = running.map(|running| running.finish().1.expect("no deadlock"));
    removed.sort();
    assert_eq!(removed, ["0", "13500"]);
}

#[test]
fn no_more_is_read_ahead_than_there_is_memory_for() {
    let cluster = Cluster::with(&[
        ("shared_preload_libraries", "raw_clear_sessions"),
        ("effective_cache_size", "4MB"),
    ]);
    let database = cluster.database("little");
    let (mut observer, mut writer) = (database.connect(), database.connect());
    create(&mut observer);
    writer.run("BEGIN; LOCK TABLE session IN ROW EXCLUSIVE MODE");
    let running = database.connect().start(REWRITE);
    running.wait_for_lock_wait(&mut observer);
    assert_eq!(
        observer.text("SELECT concat_ws(' ', phase, blocks_done) FROM raw_clear_sessions.progress"),
        "reading ahead 512"
    );
    writer.run("ROLLBACK");
    assert_eq!(running.finish().1.expect("it is rewritten"), "13500");
}

#[test]
fn the_history_says_for_how_long_a_rewrite_kept_everybody_from_the_table() {
    let cluster = Cluster::with_worker("*", &[("raw_clear_sessions.tables", "")]);
    let database = cluster.database("locked");
    let mut session = database.connect();
    create(&mut session);
    session.run(REWRITE);
    session.run(
        "INSERT INTO session SELECT '2001-01-01', '' FROM generate_series(1, 15000);
         ANALYZE session;
         SELECT raw_clear_sessions_schedule('session', '1 day', expires => 'expires', rewrite_above => 0.5)",
    );
    session.wait_for_run("stop = 'done' AND caller IS NULL");
    assert_eq!(
        session.texts(
            "SELECT concat_ws(' ', caller IS NULL, jsonb_typeof(details -> 'locked_ms'),
                 (details ->> 'locked_ms')::bigint <= coalesce((details ->> 'elapsed_ms')::bigint,
                     (extract(epoch FROM ended - started) * 1000)::bigint + 1))
             FROM raw_clear_sessions.run ORDER BY id"
        ),
        ["f number t", "t number t"]
    );
}
