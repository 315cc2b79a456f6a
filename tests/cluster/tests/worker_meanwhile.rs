//! What becomes of a table between two batches of a run: its rows go, VACUUM gives their places to others or cuts the
//! file, and the run goes on from where it was.

use cluster::{Cluster, EXPIRED, FAST, LIVE, Pass, SLOW, Session, wait_until};

/// A database whose worker clears by this pass, and is in the middle of its first run.
fn busy(cluster: &Cluster, pass: Pass, rows: u32) -> Session {
    cluster.reload(&SLOW);
    let name = pass.name();
    let mut session = cluster.bare_database(name).connect();
    let settings = pass
        .settings()
        .replace("SET", &format!("ALTER DATABASE {name} SET"));
    session.run(&settings);
    session.run(&format!(
        "CREATE TABLE django_session (session_key text, session_data text, expire_date timestamptz NOT NULL);
         CREATE INDEX ON django_session (expire_date);
         INSERT INTO django_session SELECT 'key' || i, '', {EXPIRED} FROM generate_series(1, {rows}) AS i;
         ANALYZE django_session; CREATE EXTENSION raw_clear_sessions"
    ));
    session.wait_for_busy_worker("django_session");
    let phase = session.text("SELECT phase FROM raw_clear_sessions.progress WHERE deleted > 0");
    let expected = match pass {
        Pass::Heap => "scanning heap",
        Pass::Index => "scanning index",
        Pass::Sql => "deleting by SQL",
    };
    assert_eq!(phase, expected, "{pass:?}");
    session
}

/// Lets the run come to its end, and asserts that it did, without an error and without another run.
fn finish(cluster: &Cluster, session: &mut Session, pass: Pass) {
    cluster.reload(&FAST);
    session.wait_for_run("stop IS NOT NULL");
    let first = session
        .text("SELECT concat_ws(' ', stop, error) FROM raw_clear_sessions.run ORDER BY id LIMIT 1");
    assert_eq!(first, "done", "{pass:?}");
}

#[test]
fn live_rows_in_the_places_of_vacuumed_ones_are_not_deleted_by_the_next_batch() {
    let cluster = Cluster::with_worker("*", &SLOW);
    for pass in Pass::ALL {
        let mut session = busy(&cluster, pass, 5000);
        let blocks = "SELECT pg_relation_size('django_session') / 8192";
        let before = session.number(blocks);
        session.run("DELETE FROM django_session");
        session.run("VACUUM (TRUNCATE false) django_session");
        session.run(&format!(
            "INSERT INTO django_session SELECT 'key' || i, '', {LIVE} FROM generate_series(1, 5000) AS i"
        ));
        assert_eq!(
            session.number(blocks),
            before,
            "the live rows have the places"
        );
        finish(&cluster, &mut session, pass);
        assert_eq!(session.count("django_session"), 5000, "{pass:?}");
    }
}

#[test]
fn a_run_goes_on_to_its_end_after_vacuum_has_cut_off_the_blocks_that_it_was_to_read() {
    let cluster = Cluster::with_worker("*", &SLOW);
    for pass in Pass::ALL {
        let mut session = busy(&cluster, pass, 20_000);
        session.run("DELETE FROM django_session WHERE ctid >= '(20,0)'");
        session.run("VACUUM django_session");
        let blocks = session.number("SELECT pg_relation_size('django_session') / 8192");
        assert!(blocks <= 20, "{blocks} blocks are left");
        finish(&cluster, &mut session, pass);
        assert_eq!(session.count("django_session"), 0, "{pass:?}");
    }
}

/// A run of many small batches, each of which has to be waited for.
const STEP_BY_STEP: [(&str, &str); 3] = [
    ("raw_clear_sessions.cost_delay", "20"),
    ("raw_clear_sessions.batch_size", "200"),
    ("raw_clear_sessions.tables", ""),
];

/// A pass that could not see the rows has not been there.
#[test]
fn what_row_security_has_hidden_for_a_while_is_read_again() {
    let cluster = Cluster::with_worker("app", &STEP_BY_STEP);
    let mut session = cluster.database("app").connect();
    session.run(&format!(
        "CREATE ROLE site; GRANT CREATE ON SCHEMA public TO site; SET ROLE site;
         CREATE TABLE s (id integer PRIMARY KEY, data text, expires timestamptz); RESET ROLE;
         INSERT INTO s SELECT i, repeat('x', 500), {EXPIRED} FROM generate_series(1, 20000) AS i;
         SET ROLE site;
         SELECT raw_clear_sessions_schedule('s', '1 s', expires => 'expires', filter => 'id > 0');
         RESET ROLE"
    ));
    session.wait_for_busy_worker("s");
    session.run("ALTER TABLE s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY");
    let done = "SELECT coalesce(max(blocks_done), 0)::bigint FROM raw_clear_sessions.progress";
    let before = session.number(done);
    // What sees no row is soon at the end.
    wait_until("it has passed some blocks", || {
        session.number(done) > before + 50 || session.runs("stop = 'hidden'") > 0
    });
    session.run("ALTER TABLE s DISABLE ROW LEVEL SECURITY");
    cluster.reload(&FAST);
    session.wait_for_run("stop = 'done'");
    assert_eq!(session.count("s"), 0);
}

/// What was away when its turn came is there when all is said to be done.
#[test]
fn a_partition_that_is_detached_and_attached_again_is_cleared() {
    let cluster = Cluster::with_worker("app", &STEP_BY_STEP);
    let mut session = cluster.database("app").connect();
    session.run(&format!(
        "CREATE TABLE s (id integer, shop integer, expires timestamptz) PARTITION BY LIST (shop);
         CREATE TABLE s1 PARTITION OF s FOR VALUES IN (1);
         CREATE TABLE s2 PARTITION OF s FOR VALUES IN (2);
         CREATE TABLE s3 PARTITION OF s FOR VALUES IN (3);
         INSERT INTO s SELECT i, i % 3 + 1, {EXPIRED} FROM generate_series(1, 30000) AS i;
         SELECT raw_clear_sessions_schedule('s', '1 h', expires => 'expires');"
    ));
    session.wait_for_busy_worker("s");
    let at = |leaf: &str| format!("raw_clear_sessions.progress WHERE leaf = '{leaf}'::regclass");
    assert!(session.count(&at("s1")) > 0);
    session.run("ALTER TABLE s DETACH PARTITION s2");
    wait_until("it is at the third", || session.count(&at("s3")) > 0);
    session.run("ALTER TABLE s ATTACH PARTITION s2 FOR VALUES IN (2)");
    cluster.reload(&FAST);
    session.wait_for_run("stop = 'done'");
    assert_eq!(session.count("s"), 0);
}

/// What could not hold expired rows when the run began, and can by the time that all is said to be done.
#[test]
fn a_partition_that_comes_to_have_other_bounds_is_cleared() {
    let cluster = Cluster::with_worker("app", &STEP_BY_STEP);
    let mut session = cluster.database("app").connect();
    session.run(&format!(
        "CREATE TABLE s (id integer, expires timestamptz) PARTITION BY RANGE (expires);
         CREATE TABLE expired PARTITION OF s FOR VALUES FROM ('2020-01-01') TO ('2030-01-01');
         CREATE TABLE future PARTITION OF s FOR VALUES FROM ('2190-01-01') TO ('2200-01-01');
         INSERT INTO s SELECT i, {EXPIRED} FROM generate_series(1, 30000) AS i;
         SELECT raw_clear_sessions_schedule('s', '1 h', expires => 'expires');"
    ));
    session.wait_for_busy_worker("s");
    session.run(
        "ALTER TABLE s DETACH PARTITION future;
         INSERT INTO future SELECT i, '2019-01-01' FROM generate_series(1, 1000) AS i;
         ALTER TABLE s ATTACH PARTITION future FOR VALUES FROM ('2010-01-01') TO ('2020-01-01')",
    );
    cluster.reload(&FAST);
    session.wait_for_run("stop = 'done'");
    assert_eq!(session.count("s WHERE expires < now()"), 0);
}

/// The rows are old by one column and new by the other.
#[test]
fn a_run_ends_where_another_column_comes_to_the_name() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = cluster.database("app").connect();
    session.run(&format!(
        "CREATE TABLE s (id integer, data text, expires timestamptz, other timestamptz);
         INSERT INTO s SELECT i, repeat('x', 500), {EXPIRED}, now() + interval '1 day' FROM generate_series(1, 20000) AS i;
         SELECT raw_clear_sessions_schedule('s', '1 h', expires => 'expires')"
    ));
    session.wait_for_busy_worker("s");
    session.run(
        "BEGIN; ALTER TABLE s RENAME expires TO old; ALTER TABLE s RENAME other TO expires; COMMIT",
    );
    let left = session.count("s");
    assert!(left > 10_000);
    cluster.reload(&FAST);
    session.wait_for_run("stop = 'failed' AND sqlstate = '55000'");
    assert_eq!(session.count("s"), left);
}

#[test]
fn a_batch_goes_by_the_function_of_the_filter_as_it_is_then() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = cluster.database("app").connect();
    let goes = |what: &str| {
        format!(
            "CREATE OR REPLACE FUNCTION goes(integer) RETURNS boolean STABLE LANGUAGE sql AS 'SELECT {what}'"
        )
    };
    session.run(&goes("true"));
    session.run(&format!(
        "CREATE TABLE s (id integer, data text, expires timestamptz);
         INSERT INTO s SELECT i, repeat('x', 500), {EXPIRED} FROM generate_series(1, 20000) AS i;
         SELECT raw_clear_sessions_schedule('s', '1 h', expires => 'expires', filter => 'public.goes(id)')"
    ));
    session.wait_for_busy_worker("s");
    session.run(&goes("false"));
    // The batch that was under way when it was replaced has ended: it is shown before it is committed.
    let done = "SELECT coalesce(max(blocks_done), 0)::bigint FROM raw_clear_sessions.progress";
    let before = session.number(done);
    wait_until("more has been read", || session.number(done) > before + 2);
    let left = session.count("s");
    assert!(left > 10_000);
    cluster.reload(&FAST);
    session.wait_for_run("stop = 'done'");
    assert_eq!(session.count("s"), left);
}
