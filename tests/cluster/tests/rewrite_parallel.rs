//! The rewrite with parallel workers: it comes to what it comes to without them, and ends in order when one of them does
//! not.

use cluster::{
    Cluster, Database, Running, Session, Shutdown, assert_sound, create_sessions, fingerprint,
    limit_memory, pause, resume, sqlstate, wait_until,
};
use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;

const REWRITE: &str = "SELECT raw_clear_sessions_rewrite('django_session')";

/// So that these tables have workers, but not their toast tables, which are taken for 10 blocks while they are empty; and
/// so that the log says when a worker is started.
const PARALLEL: &[(&str, &str)] = &[
    ("min_parallel_table_scan_size", "128kB"),
    ("max_parallel_maintenance_workers", "2"),
    ("log_min_messages", "debug1"),
];

/// So that its leader writes next to nothing to WAL: stopped while it holds the lock for that, it would keep whoever looks on
/// from cleaning a page of a catalog.
const WITHOUT_WAL: &[(&str, &str)] = &[("wal_level", "minimal"), ("max_wal_senders", "0")];

/// The workers at work, and those that wait until they can go on.
const WORKERS: &str = "pg_stat_activity WHERE backend_type = 'parallel worker' \
                       AND query = 'raw_clear_sessions: finding what has expired in django_session'";

/// How many parallel workers a statement has had, by the log.
fn workers_of(cluster: &Cluster, leader: i32, since: usize) -> usize {
    let line = format!("starting background worker process \"parallel worker for PID {leader}\"");
    cluster.log()[since..].matches(&line).count()
}

/// The keys of the rows, in the order in which they are stored.
fn order(session: &mut Session, condition: &str) -> String {
    session.text(&format!(
        "SELECT md5(string_agg(session_key, ' ' ORDER BY ctid)) FROM django_session WHERE {condition}"
    ))
}

#[test]
fn rows_keep_their_order_and_older_snapshots_their_rows() {
    let cluster = Cluster::with(PARALLEL);
    let database = cluster.database("stored").with_checks();
    let mut session = database.connect();
    // Many times as large as what is judged ahead. Without indexes, so that all workers are the rewrite's own.
    create_sessions(&mut session, "django_session", 200_000, 3);
    session.run(
        "ALTER TABLE django_session DROP CONSTRAINT django_session_pkey;
         DROP INDEX django_session_expire_date;
         ALTER TABLE django_session ADD COLUMN added int DEFAULT 7",
    );
    let mut reader = database.connect();
    reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    reader.run("SELECT 1");
    // Their new versions are at the end of the table, far from the old ones.
    session.run("UPDATE django_session SET session_data = 'renewed' WHERE expire_date > now() AND session_key LIKE '%7'");
    let live = "(SELECT * FROM django_session WHERE expire_date > now())";
    let (contents, stored) = (
        fingerprint(&mut session, live),
        order(&mut session, "expire_date > now()"),
    );
    let start = cluster.log().len();
    assert_eq!(session.number(REWRITE), 133_333);
    assert_eq!(workers_of(&cluster, session.pid(), start), 2);
    assert_eq!(fingerprint(&mut session, "django_session"), contents);
    assert_eq!(order(&mut session, "true"), stored);
    assert_eq!(
        reader.count("django_session WHERE session_data LIKE 'data%' AND added = 7"),
        66_667,
        "the versions before the renewal"
    );
    reader.run("ROLLBACK");
    session.run("VACUUM django_session");
    assert_sound(&mut session, "django_session");
}

#[test]
fn a_table_is_rewritten_where_no_worker_is_to_be_had_or_wanted() {
    let cluster = Cluster::with(PARALLEL);
    let mut session = cluster.database("alone").with_checks().connect();
    create_sessions(&mut session, "django_session", 20_000, 2);
    for setting in [
        "SET max_parallel_workers = 0",
        "RESET max_parallel_workers; SET max_parallel_maintenance_workers = 0",
        "RESET ALL; ALTER TABLE django_session SET (parallel_workers = 0)",
    ] {
        session.run(setting);
        session.run(
            "UPDATE django_session SET expire_date = '2020-01-01' WHERE session_key LIKE '%1'",
        );
        let expired = session.count("django_session WHERE expire_date < now()");
        let start = cluster.log().len();
        assert_eq!(session.number(REWRITE), expired, "{setting}");
        assert_eq!(workers_of(&cluster, session.pid(), start), 0, "{setting}");
        assert_sound(&mut session, "django_session");
    }
    // The pages of a temporary table are in its session's own memory.
    session.run("RESET ALL; CREATE TEMPORARY TABLE temporary AS TABLE django_session");
    session.run("UPDATE temporary SET expire_date = '2020-01-01' WHERE session_key LIKE '%3'");
    let expired = session.count("temporary WHERE expire_date < now()");
    let start = cluster.log().len();
    assert_eq!(
        session.number("SELECT raw_clear_sessions_rewrite('temporary')"),
        expired
    );
    assert_eq!(workers_of(&cluster, session.pid(), start), 0);
}

/// Begins a rewrite, and stops its leader in the middle, while workers wait for it.
fn stopped_in_the_middle(database: &Database<'_>, observer: &mut Session) -> Running {
    for _ in 0..100 {
        let mut session = database.connect();
        session.run("BEGIN");
        let running = session.start(REWRITE);
        wait_until("a worker is at work, or the rewrite is over", || {
            observer.count(WORKERS) > 0 || running.is_finished()
        });
        // Now the workers go on until there is no room for more, or nothing more to do.
        if pause(running.pid()) {
            let waiting = format!("{WORKERS} AND wait_event_type = 'Extension'");
            wait_until("a worker waits, or all have ended", || {
                observer.count(&waiting) > 0 || observer.count(WORKERS) == 0
            });
            if observer.count(&waiting) > 0 {
                return running;
            }
        }
        resume(running.pid());
        let (mut session, _) = running.finish();
        session.run("ROLLBACK");
    }
    panic!("no rewrite was stopped in its middle");
}

/// Interrupts a rewrite in its middle: it ends with this SQLSTATE, nobody of its group is left, and the table is what it
/// was.
fn assert_ended_by(interruption: impl Fn(&Running, &mut Session), name: &str, state: &str) {
    let cluster = Cluster::with(&[PARALLEL, WITHOUT_WAL].concat());
    let database = cluster.database(name).with_checks();
    let mut observer = database.connect();
    // Half of it stays, so that the workers are ahead of who writes it.
    create_sessions(&mut observer, "django_session", 300_000, 2);
    let contents = fingerprint(&mut observer, "django_session");
    let mut session = 'ended: {
        for _ in 0..10 {
            let rewrite = stopped_in_the_middle(&database, &mut observer);
            interruption(&rewrite, &mut observer);
            resume(rewrite.pid());
            let (mut session, outcome) = rewrite.finish();
            session.run("ROLLBACK");
            // A worker that has been woken to end is shown as waiting until it runs.
            if outcome.is_err() {
                assert_eq!(sqlstate(outcome), state);
                break 'ended session;
            }
        }
        panic!("the rewrite always came to its end");
    };
    wait_until("the workers have ended", || observer.count(WORKERS) == 0);
    assert_eq!(fingerprint(&mut observer, "django_session"), contents);
    assert_sound(&mut observer, "django_session");
    // The session can go on.
    session.run("BEGIN");
    assert_eq!(session.number(REWRITE), 150_000);
    session.run("ROLLBACK");
}

#[test]
fn a_worker_that_is_ended_ends_the_rewrite_with_an_error_and_the_old_table() {
    let end_workers = |_: &Running, observer: &mut Session| {
        // One is there; another may be starting still, and has to end with the rewrite.
        observer.run(&format!("SELECT pg_terminate_backend(pid) FROM {WORKERS}"));
    };
    assert_ended_by(end_workers, "ended", "57P01");
}

#[test]
fn a_canceled_rewrite_ends_its_workers() {
    assert_ended_by(|rewrite, _| rewrite.cancel(), "canceled", "57014");
}

#[test]
fn a_damaged_block_is_an_error_that_names_it() {
    let mut cluster = Cluster::with(&[]);
    let mut session = cluster.database("damaged").connect();
    create_sessions(&mut session, "django_session", 1000, 2);
    let file = cluster
        .data()
        .join(session.text("SELECT pg_relation_filepath('django_session')"));
    let first_block = "django_session WHERE ctid < '(1,0)'";
    let readable = session.count(first_block);
    drop(session);
    cluster.stop(Shutdown::Fast);
    // Block 1: its first line pointer is made one of 16 kB, longer than the page.
    let data = OpenOptions::new().read(true).write(true).open(&file);
    let data = data.expect("the table's file is there");
    let line_pointer = u32::to_le_bytes(8000 | 1 << 15 | 16_000 << 17);
    data.write_all_at(&line_pointer, 8192 + 24)
        .expect("the file can be written to");
    drop(data);
    cluster.start();
    let mut session = cluster.connect_to("damaged");
    session.run("SET client_min_messages = error");
    let error = session.try_run(REWRITE).expect_err("the block is damaged");
    assert_eq!(error.code().map(|code| code.code()), Some("XX001"));
    let message = error.as_db_error().expect("an ERROR").message().to_owned();
    assert!(message.contains("block 1"), "{message}");
    // What can be read is still there.
    assert!(readable > 0);
    assert_eq!(session.count(first_block), readable);
}

/// Rewrites a table in sessions of which `limit` takes memory in turn, from more than enough (the last) to too little:
/// each ends with the new table, or with an ERROR, and the server goes on. The SQLSTATEs of the errors.
fn limited(
    name: &str,
    mebibytes: &[u64],
    limit: impl Fn(&Cluster, &Session, Option<u64>),
) -> Vec<String> {
    let cluster = Cluster::with(PARALLEL);
    let database = cluster.database(name);
    let mut observer = database.connect();
    create_sessions(&mut observer, "django_session", 50_000, 2);
    // Without indexes, so that all workers are the rewrite's own.
    observer.run(
        "ALTER TABLE django_session DROP CONSTRAINT django_session_pkey; DROP INDEX django_session_expire_date",
    );
    let contents = fingerprint(&mut observer, "django_session");
    let mut refused = Vec::new();
    for more in mebibytes {
        let mut session = database.connect();
        session.run("LOAD 'raw_clear_sessions'; BEGIN");
        let start = cluster.log().len();
        limit(&cluster, &session, Some(more * 1024 * 1024));
        let outcome = session.try_run(REWRITE);
        limit(&cluster, &session, None);
        match outcome {
            Ok(()) => assert_eq!(workers_of(&cluster, session.pid(), start), 2, "{more}"),
            Err(error) => refused.push(sqlstate::<()>(Err(error))),
        }
        session.run("ROLLBACK");
        wait_until("the workers have ended", || observer.count(WORKERS) == 0);
        assert_eq!(fingerprint(&mut session, "django_session"), contents);
    }
    assert!(refused.len() < mebibytes.len(), "{refused:?}");
    assert_eq!(cluster.logged("was terminated by signal"), 0);
    refused
}

#[test]
fn a_leader_without_memory_ends_the_rewrite_with_an_error_and_the_old_table() {
    let limit = |_: &Cluster, session: &Session, more| limit_memory(session.pid(), more);
    let refused = limited(
        "leader",
        &[0, 2, 4, 6, 8, 9, 10, 12, 14, 16, 18, 20, 400],
        limit,
    );
    assert!(
        !refused.is_empty() && refused.iter().all(|state| state == "53200"),
        "{refused:?}"
    );
}

/// What a worker that cannot begin leaves to be said: it lacks memory, a library, or itself.
const WITHOUT_WORKERS: [&str; 3] = ["53200", "58P01", "55000"];

#[test]
fn a_worker_without_memory_ends_the_rewrite_with_an_error_and_the_old_table() {
    // The server's process hands its limit down.
    let limit = |cluster: &Cluster, _: &Session, more| limit_memory(cluster.postmaster(), more);
    let refused = limited(
        "worker",
        &[4, 8, 12, 14, 16, 18, 20, 22, 24, 28, 32, 400],
        limit,
    );
    let known = |state: &String| WITHOUT_WORKERS.contains(&state.as_str());
    assert!(
        !refused.is_empty() && refused.iter().all(known),
        "{refused:?}"
    );
}
