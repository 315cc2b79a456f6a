//! Nodes of a real Citus cluster that stop answering in the middle of a statement: their processes are stopped where they are.

use cluster::citus::{Nodes, create};
use cluster::{Database, Paused, SOON, Session, sqlstate, wait_until};

/// A filter that waits on a node for as long as somebody holds its lock there, without waiting for a lock.
const FILTER: &str = "hash.waits(session_key)";

const WAITING: &str = "pg_stat_activity WHERE query ~ '^CALL raw_clear_sessions.clear_shard' AND wait_event = 'PgSleep'";

fn prepare(session: &mut Session) {
    create(session, "hash", 1000, 10);
    session.run(
        "CREATE FUNCTION waits(text) RETURNS boolean LANGUAGE plpgsql STABLE
             AS 'BEGIN WHILE NOT pg_try_advisory_xact_lock_shared(1) LOOP PERFORM pg_sleep(0.1); END LOOP; RETURN true; END'",
    );
}

/// A session on the first node that has what clears a shard there wait.
fn holding(nodes: &Nodes) -> Session {
    let mut there = nodes.workers[0].connect_to("app");
    there.run("SELECT pg_advisory_lock(1)");
    there
}

/// Waits until statements on that node wait, and has the whole node stop.
fn stop(nodes: &Nodes, there: &mut Session) -> Paused {
    wait_until("the node is at it", || there.count(WAITING) > 0);
    Paused::server(nodes.workers[0].postmaster())
}

fn start_call(database: &Database<'_>, arguments: &str) -> cluster::Running {
    database.connect().start(&format!(
        "CALL raw_clear_sessions_in_batches('hash.sessions', filter => '{FILTER}'{arguments})"
    ))
}

/// Of the shards on the coordinator and the second node nothing is left, where they had the time.
fn assert_others_cleared(session: &mut Session, nodes: &Nodes) {
    let first = nodes.workers[0].folder().display().to_string();
    let left = session.number(&format!(
        "SELECT sum(result::bigint)::bigint FROM run_command_on_shards('hash.sessions',
             'SELECT count(*) FROM %s WHERE expire_date < now()')
         WHERE shardid NOT IN (SELECT shardid FROM citus_shards WHERE nodename = '{first}')"
    ));
    assert_eq!(left, 0);
}

#[test]
fn the_procedure_ends_with_max_duration_though_a_node_has_stopped_and_names_it() {
    let nodes = Nodes::with(&[]);
    let database = nodes.database("app");
    let mut session = database.connect();
    prepare(&mut session);
    let mut there = holding(&nodes);
    let call = start_call(&database, ", max_duration => '8 s'");
    let stopped = stop(&nodes, &mut there);
    let error = call.finish().1.expect_err("a node does not answer");
    let error = error.as_db_error().expect("the server's error");
    assert_eq!(error.code().code(), "55000", "{error}");
    let node = nodes.workers[0].folder().display().to_string();
    assert!(
        error.message().contains(&node) && error.message().contains("no answer within"),
        "{error}"
    );
    drop(stopped);
    assert_others_cleared(&mut session, &nodes);
    there.run("SELECT pg_advisory_unlock(1)");
    wait_until("nothing goes on there", || there.count(WAITING) == 0);
    // Nor is anything in the way of the next call.
    let cleared = session.ask("CALL raw_clear_sessions_in_batches('hash.sessions')");
    cleared.expect("all nodes answer");
    assert_eq!(session.count("hash.sessions"), 100);
}

/// libpq would ask the node to cancel the statement, and wait for the answer.
#[test]
fn a_call_is_canceled_and_terminated_though_a_node_has_stopped() {
    let nodes = Nodes::with(&[]);
    let database = nodes.database("app");
    let mut session = database.connect();
    prepare(&mut session);
    for (end, expected) in [("cancel", "57014"), ("terminate", "57P01")] {
        let mut there = holding(&nodes);
        let call = start_call(&database, "");
        let stopped = stop(&nodes, &mut there);
        session.run(&format!("SELECT pg_{end}_backend({})", call.pid()));
        let told = sqlstate(call.finish().1);
        // A connection may be lost before the reason is read.
        assert!(told == expected || told.is_empty(), "{end}: {told}");
        drop(stopped);
        // What the node was at it leaves, because nobody waits for it.
        wait_until("nothing goes on there", || there.count(WAITING) == 0);
    }
    let logged = "FATAL:  terminating connection due to administrator command";
    nodes.coordinator.wait_for_log(logged);
    assert!(session.count("hash.sessions") > 100);
}

#[test]
fn a_run_of_the_worker_ends_when_it_is_to_though_a_node_has_stopped() {
    let nodes = Nodes::with(&[("raw_clear_sessions.databases", "app")]);
    let mut session = nodes.database("app").connect();
    prepare(&mut session);
    let schedule = |more: &str| {
        format!(
            "SELECT raw_clear_sessions_schedule('hash.sessions', '1 day', filter => '{FILTER}'{more})"
        )
    };
    let node = nodes.workers[0].folder().display().to_string();
    let out_of_time = format!("sqlstate = '55000' AND error LIKE '%{node}%'");
    for (more, end, expected) in [
        (", max_duration => '2 s'", "SELECT 1", out_of_time.as_str()),
        (
            "",
            "SELECT raw_clear_sessions_cancel('hash.sessions')",
            "stop = 'canceled'",
        ),
        (
            "",
            "SELECT raw_clear_sessions_unschedule('hash.sessions')",
            "stop = 'unscheduled'",
        ),
    ] {
        session.run(&schedule(more));
        let mut there = holding(&nodes);
        session.run("SELECT raw_clear_sessions_run_now('hash.sessions')");
        let stopped = stop(&nodes, &mut there);
        session.run(end);
        session.wait_for_run(expected);
        drop(stopped);
        wait_until("nothing goes on there", || there.count(WAITING) == 0);
    }
    session.run(&schedule(""));
    let mut there = holding(&nodes);
    session.run("SELECT raw_clear_sessions_run_now('hash.sessions')");
    let stopped = stop(&nodes, &mut there);
    nodes
        .coordinator
        .reload(&[("raw_clear_sessions.paused", "on"), SOON]);
    session.wait_for_run("stop = 'paused'");
    drop(stopped);
}

/// The node itself answers, and so does another process there: what this one has in hand stays so.
#[test]
fn a_process_of_a_node_that_has_stopped_is_given_up_and_the_others_go_on() {
    let nodes = Nodes::with(&[]);
    let database = nodes.database("app");
    let mut session = database.connect();
    prepare(&mut session);
    let mut there = holding(&nodes);
    let call = start_call(&database, "");
    wait_until("the node is at it", || there.count(WAITING) > 0);
    let pid = there.value::<i32>(&format!("SELECT pid FROM {WAITING} LIMIT 1"));
    let stopped = Paused::one(pid);
    there.run("SELECT pg_advisory_unlock(1)");
    let error = call.finish().1.expect_err("a process does not answer");
    let error = error.as_db_error().expect("the server's error");
    let message = error.message();
    let node = nodes.workers[0].folder().display().to_string();
    assert!(
        message.starts_with("could not clear 1 of ") && message.contains(&node),
        "{message}"
    );
    drop(stopped);
    assert_others_cleared(&mut session, &nodes);
    wait_until("the process has ended", || {
        there.count(&format!("pg_stat_activity WHERE pid = {pid}")) == 0
    });
    let cleared = session.ask("CALL raw_clear_sessions_in_batches('hash.sessions')");
    cleared.expect("nothing is in the way");
    assert_eq!(session.count("hash.sessions"), 100);
}
