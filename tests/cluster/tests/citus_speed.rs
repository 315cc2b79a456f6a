//! How long it takes to clear a million rows in eight shards on two nodes, and how long transactions last there. Prints
//! figures and expects nothing of them, so it is no test of `make check-citus`; on a machine that has nothing else to do:
//!
//!     TESTS="--ignored --nocapture" make check-citus

use cluster::citus::Nodes;
use cluster::{EXPIRED, LIVE, Session};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

const ROWS: u32 = 1_000_000;

/// Looks, until it is told to end, at the transactions of a server that belong to a clearing; returns how long those were
/// that it saw, in milliseconds: the median, one in twenty, the longest. The naps of a procedure that sleeps between two
/// transactions are none.
fn watch(mut session: Session, end: Arc<AtomicBool>) -> std::thread::JoinHandle<String> {
    let ages = "SELECT format('%s %s|%s', pid, xact_start, extract(epoch FROM clock_timestamp() - xact_start) * 1000)
         FROM pg_stat_activity WHERE query ~ '^(CALL raw_clear|DELETE|SELECT raw_clear|WITH)'
         AND pid <> pg_backend_pid() AND xact_start IS NOT NULL AND wait_event IS DISTINCT FROM 'PgSleep'";
    spawn(move || {
        let mut seen: HashMap<String, f64> = HashMap::new();
        while !end.load(Ordering::Relaxed) {
            for line in session.texts(ages) {
                let (transaction, age) = line.split_once('|').expect("two values");
                // The last time that it is seen is when it is oldest.
                seen.insert(transaction.to_owned(), age.parse().expect("a number"));
            }
            sleep(Duration::from_millis(2));
        }
        let mut ages: Vec<f64> = seen.into_values().collect();
        ages.sort_by(f64::total_cmp);
        let Some(last) = ages.len().checked_sub(1) else {
            return "none".to_owned();
        };
        format!(
            "{:.0}/{:.0}/{:.0}",
            ages[last / 2],
            ages[last * 19 / 20],
            ages[last]
        )
    })
}

fn measure(nodes: &Nodes, session: &mut Session, what: &str, statement: &str) {
    session.run("TRUNCATE sessions");
    session.run(&format!(
        "INSERT INTO sessions SELECT md5(i::text), repeat('data', 40),
             CASE WHEN i % 10 = 1 THEN {LIVE} ELSE {EXPIRED} END::timestamptz FROM generate_series(1, {ROWS}) AS i"
    ));
    session.run("VACUUM ANALYZE sessions");
    nodes
        .all()
        .for_each(|node| node.connect().run("CHECKPOINT"));
    let end = Arc::new(AtomicBool::new(false));
    let watched: Vec<_> = nodes
        .all()
        .map(|node| watch(node.connect_to("app"), end.clone()))
        .collect();
    let start = Instant::now();
    session.run(statement);
    let elapsed = start.elapsed();
    end.store(true, Ordering::Relaxed);
    let longest: Vec<_> = watched
        .into_iter()
        .map(|watch| watch.join().expect("it watches"))
        .collect();
    assert_eq!(session.count("sessions"), i64::from(ROWS / 10));
    println!(
        "{what}: {:.2} s; the transactions that were seen on each node (the last is the coordinator), in ms, \
         median/one in twenty/longest: {}",
        elapsed.as_secs_f64(),
        longest.join(", ")
    );
}

#[test]
#[ignore = "takes a machine that has nothing else to do"]
fn a_million_rows_in_eight_shards() {
    let nodes = Nodes::with(&[("max_wal_size", "8GB")]);
    let mut session = nodes.database("app").connect();
    session.run(
        "CREATE TABLE sessions (
             session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
         SELECT create_distributed_table('sessions', 'session_key', shard_count => 8)",
    );
    session.run("CREATE INDEX ON sessions (expire_date)");
    let delete = "DELETE FROM sessions WHERE expire_date < now()";
    let call = "CALL raw_clear_sessions_in_batches('sessions')";
    for round in 1..=3 {
        println!("round {round}");
        measure(&nodes, &mut session, "DELETE at the coordinator", delete);
        session.run("SET raw_clear_sessions.cost_delay = 0");
        measure(
            &nodes,
            &mut session,
            "the procedure at unlimited pace",
            call,
        );
        session.run("RESET raw_clear_sessions.cost_delay");
        measure(
            &nodes,
            &mut session,
            "the procedure at the default pace",
            call,
        );
    }
}
