//! With the real TimescaleDB, where the PostgreSQL that is tested has it.

use cluster::{Cluster, Database, SOON, Session, wait_until};
use std::sync::LazyLock;

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| with(&[]));

fn with(settings: &[(&str, &str)]) -> Cluster {
    let preloaded = "timescaledb, raw_clear_sessions";
    let mut all = vec![
        ("shared_preload_libraries", preloaded),
        ("timescaledb.telemetry_level", "off"),
        ("max_worker_processes", "32"),
    ];
    all.extend_from_slice(settings);
    Cluster::with(&all)
}

fn database<'a>(cluster: &'a Cluster, name: &str) -> Database<'a> {
    let database = cluster.database(name);
    database.connect().run("CREATE EXTENSION timescaledb");
    database
}

/// How many of the rows of [`hypertable`] have expired.
const EXPIRED_ROWS: i64 = 120;

/// A hypertable `sessions` with a chunk for each of ten days, of which five are over, and a row for each hour.
fn hypertable(session: &mut Session) {
    session.run(
        "CREATE TABLE sessions (session_key text NOT NULL, expire_date timestamptz NOT NULL);
         SELECT create_hypertable('sessions', 'expire_date', chunk_time_interval => interval '1 day');
         INSERT INTO sessions
             SELECT i::text, date_trunc('day', now(), 'UTC') + interval '30 minutes' + (i - 121) * interval '1 hour'
                 + CASE WHEN i > 120 THEN interval '1 day' ELSE interval '0' END
             FROM generate_series(1, 240) AS i;
         ANALYZE sessions",
    );
    assert_eq!(
        session.count("sessions WHERE expire_date < now()"),
        EXPIRED_ROWS
    );
}

const RULE: &str = "'sessions', expires => 'expire_date'";

fn preview(session: &mut Session, field: &str) -> String {
    session.text(&format!(
        "SELECT raw_clear_sessions_preview({RULE}) ->> '{field}'"
    ))
}

fn assert_cleared(session: &mut Session) {
    assert_eq!(session.count("sessions"), 120);
    assert_eq!(session.count("sessions WHERE expire_date < now()"), 0);
}

#[test]
fn the_catalogs_are_those_that_are_read_and_that_the_other_tests_imitate() {
    let mut session = database(&CLUSTER, "catalogs").connect();
    for (relation, columns) in [
        (
            "hypertable",
            "id integer, schema_name name, table_name name",
        ),
        ("chunk", "hypertable_id integer, status integer"),
        ("continuous_agg", "raw_hypertable_id integer"),
    ] {
        let found = session.text(&format!(
            "SELECT string_agg(attname || ' ' || atttypid::regtype, ', ' ORDER BY attname) FROM pg_attribute
             WHERE attrelid = '_timescaledb_catalog.{relation}'::regclass AND NOT attisdropped
                 AND '{columns}' ~ ('\\m' || attname || ' ')"
        ));
        assert_eq!(found, columns);
        assert!(session.yes(&format!(
            "SELECT has_schema_privilege('public', '_timescaledb_catalog', 'USAGE')
                 AND has_table_privilege('public', '_timescaledb_catalog.{relation}', 'SELECT')"
        )));
    }
}

#[test]
fn a_table_that_is_no_hypertable_is_cleared_raw_where_timescaledb_is() {
    let mut session = database(&CLUSTER, "ordinary").connect();
    cluster::create_sessions(&mut session, "django_session", 1000, 10);
    assert_eq!(
        session.preview("django_session", "engine").as_deref(),
        Some("raw")
    );
    assert_eq!(session.clear("django_session"), 900);
}

#[test]
fn the_function_clears_each_chunk_raw_and_leaves_what_delete_leaves() {
    let mut session = database(&CLUSTER, "function").connect();
    hypertable(&mut session);
    assert_eq!(preview(&mut session, "engine"), "raw");
    assert_eq!(
        session.number(&format!("SELECT raw_clear_sessions({RULE})")),
        EXPIRED_ROWS
    );
    assert_cleared(&mut session);
}

#[test]
fn the_procedure_clears_chunk_by_chunk_within_its_budget() {
    let mut session = database(&CLUSTER, "procedure").connect();
    hypertable(&mut session);
    let call = |more: &str| format!("CALL raw_clear_sessions_in_batches({RULE}{more})");
    // A page is not left in its middle, and each chunk's 24 rows are on one.
    let answer = session.ask(&call(", batch_size => 10, max_rows => 30"));
    assert_eq!(answer.expect("it is cleared").value.as_deref(), Some("48"));
    let answer = session.ask(&call(""));
    assert_eq!(answer.expect("it is cleared").value.as_deref(), Some("72"));
    assert_cleared(&mut session);
}

#[test]
fn the_worker_clears_a_hypertable_with_a_policy() {
    let cluster = with(&[("raw_clear_sessions.databases", "worker"), SOON]);
    let mut session = database(&cluster, "worker").connect();
    hypertable(&mut session);
    session.run(&format!("SELECT raw_clear_sessions_schedule({RULE})"));
    wait_until("the worker clears the hypertable", || {
        session.count("sessions") == 120
    });
    assert_cleared(&mut session);
    session.wait_for_run("deleted = 120 AND error IS NULL");
}

#[test]
fn the_preview_counts_by_chunk_and_advises_to_drop_those_that_are_over() {
    let mut session = database(&CLUSTER, "preview").connect();
    hypertable(&mut session);
    assert_eq!(preview(&mut session, "expired_rows"), "120");
    assert_eq!(preview(&mut session, "total_rows"), "240");
    let chunks = session.number(&format!(
        "SELECT count(*) FROM jsonb_array_elements(raw_clear_sessions_preview({RULE}) -> 'leaves') AS leaf
         WHERE (leaf ->> 'expired_rows')::int = 24 AND leaf ->> 'engine' = 'raw'"
    ));
    assert_eq!(chunks, 5);
    let warnings = preview(&mut session, "warnings");
    assert!(
        warnings
            .contains("every row of some chunks has expired by their bounds: drop_chunks() of "),
        "{warnings}"
    );
    session.run("SELECT drop_chunks('sessions', older_than => date_trunc('day', now(), 'UTC'))");
    assert_cleared(&mut session);
    let warnings = preview(&mut session, "warnings");
    assert!(!warnings.contains("drop_chunks()"), "{warnings}");
}

#[test]
fn a_hypertable_with_a_compressed_or_frozen_chunk_is_cleared_by_timescaledbs_delete() {
    let mut session = database(&CLUSTER, "compressed").connect();
    hypertable(&mut session);
    // To compress one takes another licence than the distributions': a status is all that is looked at.
    session.run("UPDATE _timescaledb_catalog.chunk SET status = 9 WHERE id = (SELECT max(id) FROM _timescaledb_catalog.chunk)");
    assert_eq!(preview(&mut session, "engine"), "sql");
    assert_eq!(
        preview(&mut session, "why"),
        "the table is managed by the extension timescaledb"
    );
    session.run("UPDATE _timescaledb_catalog.chunk SET status = 0");
    assert_eq!(preview(&mut session, "engine"), "raw");
}

/// Where the licence allows it, as in no distribution: what is compressed is cleared, too.
#[test]
fn a_chunk_that_timescaledb_has_compressed_is_cleared_if_its_licence_has_compression() {
    let mut session = database(&CLUSTER, "really_compressed").connect();
    hypertable(&mut session);
    let compress = "ALTER TABLE sessions SET (timescaledb.compress);
         SELECT compress_chunk(c) FROM show_chunks('sessions') AS c";
    match session.try_run(compress) {
        Ok(()) => assert_eq!(preview(&mut session, "engine"), "sql"),
        Err(error) => {
            let error = error.as_db_error().expect("the server's error");
            assert_eq!(error.code().code(), "0A000", "{error}");
            assert!(error.message().contains("license"), "{error}");
            assert_eq!(preview(&mut session, "engine"), "raw");
        }
    }
    assert_eq!(
        session.number(&format!("SELECT raw_clear_sessions({RULE})")),
        EXPIRED_ROWS
    );
    assert_cleared(&mut session);
}

#[test]
fn a_chunk_that_is_compressed_between_two_batches_ends_the_raw_engine() {
    // Where the worker works, calls are in the history.
    let cluster = with(&[("raw_clear_sessions.databases", "compressed_meanwhile")]);
    let database = database(&cluster, "compressed_meanwhile");
    let mut session = database.connect();
    hypertable(&mut session);
    session
        .run("SET raw_clear_sessions.cost_delay = '100ms'; SET raw_clear_sessions.cost_limit = 1");
    let running = session.start(&format!(
        "CALL raw_clear_sessions_in_batches({RULE}, batch_size => 10)"
    ));
    let mut observer = database.connect();
    let progress = format!(
        "SELECT count(*) FROM raw_clear_sessions.progress WHERE pid = {} AND deleted > 0",
        running.pid()
    );
    wait_until("it has deleted some", || observer.number(&progress) > 0);
    observer.run("UPDATE _timescaledb_catalog.chunk SET status = 8 WHERE id = (SELECT max(id) FROM _timescaledb_catalog.chunk)");
    assert_eq!(running.value(), "120");
    // One for each of the five chunks, had it gone on so.
    let batches = observer
        .number("SELECT batches::bigint FROM raw_clear_sessions.run ORDER BY id DESC LIMIT 1");
    assert!(batches < 5, "{batches} batches");
    assert_cleared(&mut observer);
}

#[test]
fn a_rewrite_refuses_a_hypertable_and_takes_a_chunk() {
    let mut session = database(&CLUSTER, "rewrite").connect();
    hypertable(&mut session);
    assert_eq!(
        session.refused(&format!("SELECT raw_clear_sessions_rewrite({RULE})")),
        "0A000"
    );
    assert_eq!(session.count("sessions"), 240);
}

#[test]
fn find_lists_a_hypertable_once_and_none_of_its_chunks() {
    let mut session = database(&CLUSTER, "find").connect();
    session.run(
        "CREATE TABLE django_session (session_key varchar(40) NOT NULL, session_data text NOT NULL, expire_date timestamptz NOT NULL);
         SELECT create_hypertable('django_session', 'expire_date');
         INSERT INTO django_session VALUES ('a', '', '2020-01-01'), ('b', '', '2199-01-01')",
    );
    let found = session.texts("SELECT \"table\"::text FROM raw_clear_sessions_find()");
    assert_eq!(found, ["public.django_session"]);
}
