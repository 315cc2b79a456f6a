//! What becomes of a table between two batches of a run: its rows go, VACUUM gives their places to others or cuts the
//! file, and the run goes on from where it was.

use cluster::{Cluster, EXPIRED, FAST, LIVE, Pass, SLOW, Session};

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
