//! Memory does not grow with the rows that are deleted.

use cluster::{Cluster, Pass, anonymous_memory, create_sessions, wait_until};

const MIB: u64 = 1024 * 1024;

/// How far the memory of a fresh session's backend grows at most while it clears a table of so many rows.
fn growth(pass: Pass, rows: u32) -> u64 {
    let database = Cluster::shared().database(&format!("memory_{}_{rows}", pass.name()));
    create_sessions(&mut database.connect(), "django_session", rows, 1000);
    let mut session = database.connect();
    pass.choose(&mut session, "django_session");
    let pid = session.pid();
    let before = anonymous_memory(pid).expect("the backend is running");
    let running = session.start("SELECT raw_clear_sessions('django_session')");
    let mut most = before;
    wait_until("the clearing ends", || {
        most = most.max(anonymous_memory(pid).unwrap_or_default());
        running.is_finished()
    });
    let (_session, deleted) = running.finish();
    assert_eq!(
        deleted.expect("the clearing succeeds"),
        (rows - rows / 1000).to_string()
    );
    most - before
}

#[test]
fn the_heap_pass_takes_constant_memory() {
    for rows in [300_000, 1_200_000] {
        let growth = growth(Pass::Heap, rows);
        assert!(growth < 10 * MIB, "{growth} bytes for {rows} rows");
    }
}

#[test]
fn the_index_pass_takes_constant_memory() {
    for rows in [300_000, 1_200_000] {
        let growth = growth(Pass::Index, rows);
        assert!(growth < 10 * MIB, "{growth} bytes for {rows} rows");
    }
}
