//! Where the operating system gives a backend no more memory, a call ends with an ERROR, and the server goes on.

use cluster::{Cluster, Pass, Session, create_sessions, limit_memory};

const KIB: u64 = 1024;

/// What each call sets aside at its beginning, and a page.
const ASIDE: u64 = 9 * 1024 * KIB + 8 * KIB;

/// How much more a backend gets: nothing, what is set aside and a little more, and more than any of the calls takes.
fn limits() -> Vec<u64> {
    let more = [
        0, 40, 150, 300, 500, 700, 900, 1200, 1500, 1800, 2200, 2700, 3500, 5000, 8000,
    ];
    let above = more.map(|more| ASIDE + more * KIB);
    [&[0, 4096 * KIB][..], &above, &[64 * 1024 * KIB]].concat()
}

/// Runs a call with each of the limits in a session of its own, whose settings `prepare` makes.
fn limited(database: &str, tables: impl Fn(&mut Session), settings: &str, call: &str) {
    let cluster = Cluster::shared();
    let database = cluster.database(database);
    let mut observer = database.connect();
    tables(&mut observer);
    let started = observer.text("SELECT pg_postmaster_start_time()::text");
    let mut refused = 0;
    let limits = limits();
    for &more in &limits {
        let mut session = database.connect();
        session.run(&format!("LOAD 'raw_clear_sessions'; {settings}"));
        limit_memory(session.pid(), Some(more));
        let outcome = session.try_run(call);
        limit_memory(session.pid(), None);
        match outcome {
            Ok(()) => {}
            Err(error) => {
                let sqlstate = error.code().map(|code| code.code().to_owned());
                assert_eq!(sqlstate.as_deref(), Some("53200"), "{more}: {error:?}");
                refused += 1;
            }
        }
        session.run("ROLLBACK");
        assert_eq!(session.count("raw_clear_sessions.progress"), 0, "{more}");
        // Of shared memory that could not be mapped PostgreSQL notes that it is (dsm_attach() of storage/ipc/dsm.c).
        if let Err(error) = session.try_run(call) {
            let message = error.as_db_error().map(|error| error.message());
            assert_eq!(
                message,
                Some("can't attach the same segment more than once")
            );
        }
        session.run("ROLLBACK");
    }
    assert!(
        (1..limits.len()).contains(&refused),
        "{refused} calls were refused"
    );
    assert_eq!(
        observer.text("SELECT pg_postmaster_start_time()::text"),
        started
    );
    assert_eq!(cluster.logged("was terminated by signal"), 0);
}

fn one_table(session: &mut Session) {
    create_sessions(session, "django_session", 40_000, 100);
}

/// A partitioned table, whose leaves have the rows.
fn partitions(session: &mut Session) {
    session.run(
        "CREATE TABLE django_session (session_key varchar(40), session_data text NOT NULL, expire_date timestamptz NOT NULL)
             PARTITION BY HASH (session_key)",
    );
    for i in 0..200 {
        session.run(&format!(
            "CREATE TABLE p{i} PARTITION OF django_session FOR VALUES WITH (MODULUS 200, REMAINDER {i})"
        ));
    }
    session.run(
        "INSERT INTO django_session SELECT i, '', '2020-01-01' FROM generate_series(1, 2000) AS i;
         CREATE INDEX ON django_session (expire_date); ANALYZE django_session",
    );
}

const CLEAR: &str = "BEGIN; SELECT raw_clear_sessions('django_session'); ROLLBACK";

#[test]
fn the_heap_pass_without_memory_is_an_error() {
    limited("limit_heap", one_table, Pass::Heap.settings(), CLEAR);
}

#[test]
fn the_index_pass_without_memory_is_an_error() {
    limited("limit_index", one_table, Pass::Index.settings(), CLEAR);
}

#[test]
fn the_sql_engine_without_memory_is_an_error() {
    limited("limit_sql", one_table, Pass::Sql.settings(), CLEAR);
}

#[test]
fn partitions_without_memory_are_an_error() {
    limited("limit_partitions", partitions, "", CLEAR);
}

#[test]
fn the_rewrite_without_memory_is_an_error() {
    let call = "BEGIN; SELECT raw_clear_sessions_rewrite('django_session'); ROLLBACK";
    limited("limit_rewrite", one_table, "", call);
}

#[test]
fn the_previews_without_memory_are_errors() {
    let call = "SELECT raw_clear_sessions_preview('django_session', exact => true)";
    limited("limit_preview", one_table, "", call);
    limited("limit_previews", partitions, "", call);
}

#[test]
fn the_finder_without_memory_is_an_error() {
    let call = "SELECT * FROM raw_clear_sessions_find()";
    limited("limit_find", partitions, "LOAD 'plpgsql'", call);
}

#[test]
fn the_procedure_without_memory_is_an_error() {
    let call = "CALL raw_clear_sessions_in_batches('django_session', max_rows => 900)";
    limited("limit_batches", one_table, "", call);
    limited(
        "limit_batches_index",
        one_table,
        Pass::Index.settings(),
        call,
    );
    limited("limit_batches_sql", one_table, Pass::Sql.settings(), call);
}

#[test]
fn a_text_without_end_is_refused_and_one_of_a_megabyte_is_not() {
    let cluster = Cluster::shared();
    let database = cluster.database("limit_texts");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 1000, 100);
    for function in [
        "raw_clear_sessions",
        "raw_clear_sessions_preview",
        "raw_clear_sessions_rewrite",
    ] {
        for argument in ["expires", "unit", "time_zone", "filter"] {
            let call = format!(
                "SELECT {function}('django_session', {argument} => repeat('a', 200000000))"
            );
            assert_eq!(session.refused(&call), "54000", "{call}");
        }
    }
    let filter = "format('session_key <> %L', repeat('a', 1000000))";
    let call = format!("SELECT raw_clear_sessions('django_session', filter => {filter})");
    assert_eq!(session.number(&call), 990);
}
