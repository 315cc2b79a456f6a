//! Where the operating system gives the worker no more memory, the run of that table fails and is told of, and the next table
//! goes on.

use cluster::{
    Cluster, PRELOADED, Session, add_expired, create_sessions, limit_memory, wait_until,
};

const MIB: u64 = 1024 * 1024;

/// What is evaluated for each row: it takes 40 MB.
const FILTER: &str = "length(repeat(session_key, 1100000)) > 0";

/// How much more memory the worker gets while it clears a table, in MiB, and why the run ends.
const LIMITS: [(u64, &str); 4] = [
    (2, "failed 53200"),
    (8, "failed 53200"),
    (24, "failed 53200"),
    (400, "done"),
];

/// The process that waits for a lock on a table.
fn waiting_for(session: &mut Session, table: &str) -> i32 {
    let query = format!(
        "SELECT coalesce(max(pid), 0) FROM pg_locks WHERE relation = '{table}'::regclass AND NOT granted"
    );
    let mut pid = 0;
    wait_until("the worker waits for the table", || {
        pid = session.value(&query);
        pid != 0
    });
    pid
}

#[test]
fn a_run_without_memory_fails_and_the_next_table_goes_on() {
    let cluster = Cluster::with(&[
        PRELOADED,
        ("raw_clear_sessions.databases", "app"),
        ("raw_clear_sessions.lock_timeout", "1min"),
        ("raw_clear_sessions.max_workers", "1"),
    ]);
    let database = cluster.database("app");
    let (mut first, mut second) = (database.connect(), database.connect());
    let mut session = database.connect();
    create_sessions(&mut session, "big", 0, 10);
    create_sessions(&mut session, "behind", 0, 10);
    session.run(&format!(
        "SELECT raw_clear_sessions_schedule('big', '1 h', filter => '{FILTER}');
         SELECT raw_clear_sessions_schedule('behind', '1 h')"
    ));
    let started = session.text("SELECT pg_postmaster_start_time()::text");
    for (more, ending) in LIMITS {
        first.run("BEGIN; LOCK TABLE big");
        second.run("BEGIN; LOCK TABLE behind");
        add_expired(&mut first, "big", 10);
        add_expired(&mut second, "behind", 10);
        session.run("SELECT raw_clear_sessions_run_now('big')");
        let worker = waiting_for(&mut session, "big");
        session.run("SELECT raw_clear_sessions_run_now('behind')");
        limit_memory(worker, Some(more * MIB));
        first.run("COMMIT");
        // The run is over when the next one begins, in the same process.
        assert_eq!(waiting_for(&mut session, "behind"), worker, "{more}");
        let told = session.text(
            "SELECT concat_ws(' ', stop, sqlstate) FROM raw_clear_sessions.run
             WHERE \"table\" = 'big'::regclass ORDER BY id DESC LIMIT 1",
        );
        assert_eq!(told, ending, "{more}");
        let status = session.text(
            "SELECT concat_ws(' ', last_stop, CASE WHEN last_stop = 'failed' THEN last_sqlstate END)
             FROM raw_clear_sessions.status WHERE \"table\" = 'big'::regclass",
        );
        assert_eq!(status, ending, "{more}");
        // It is still limited.
        second.run("COMMIT");
        session.wait_for_count("behind", 0);
    }
    assert_eq!(session.count("big"), 0);
    assert_eq!(
        session.text("SELECT pg_postmaster_start_time()::text"),
        started
    );
}
