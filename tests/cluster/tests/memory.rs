//! Memory does not grow with the rows that are deleted, nor with the tables that they are in.

use cluster::{Cluster, Pass, anonymous_memory, create_sessions, wait_until};
use std::ops::Range;

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

/// Each has statements of its own, whose plans serve for all batches.
#[test]
fn a_session_keeps_few_plans_however_many_tables_it_clears() {
    let mut session = Cluster::shared().database("memory_plans").connect();
    session.run(
        "CREATE FUNCTION delete() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
    );
    let mut plans_with = |tables: Range<u32>| {
        for number in tables {
            let table = format!("sessions_{number}");
            create_sessions(&mut session, &table, 100, 10);
            session.run(&format!(
                "CREATE TRIGGER t BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION delete()"
            ));
            session.run(&format!("CALL raw_clear_sessions_in_batches('{table}')"));
            assert_eq!(session.count(&table), 10);
        }
        session.count("pg_backend_memory_contexts WHERE name = 'CachedPlanSource'")
    };
    let few = plans_with(0..5);
    assert!(few > 0, "plans are kept");
    assert_eq!(plans_with(5..15), few);
}
