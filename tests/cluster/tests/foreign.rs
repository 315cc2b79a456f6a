//! Foreign tables of postgres_fdw: on their own, and as partitions beside local ones.

use cluster::{
    Cluster, Database, EXPIRED, LIVE, PRELOADED, SOON, Session, create_sessions, wait_until,
};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A database and another one that its foreign tables are in.
struct Pair<'a> {
    here: Database<'a>,
    there: Database<'a>,
}

impl<'a> Pair<'a> {
    fn new(name: &str) -> Pair<'static> {
        Pair::of(Cluster::shared(), name)
    }

    fn of(cluster: &'a Cluster, name: &str) -> Pair<'a> {
        let there = cluster.bare_database(&format!("{name}_there"));
        let here = cluster.database(name);
        here.connect().run(&format!(
            "CREATE EXTENSION postgres_fdw;
             CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '{}', dbname '{name}_there');
             CREATE SERVER dead FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '/nonexistent');
             CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere OPTIONS (user 'postgres');
             CREATE USER MAPPING FOR CURRENT_USER SERVER dead OPTIONS (user 'postgres')",
            cluster.folder().display()
        ));
        Pair { here, there }
    }

    /// A table `sessions` with a foreign partition at each of these servers, made first, and a local one, of which each has
    /// a live row and nine expired ones. On the other server that is the table `sessions`.
    fn partitioned(&self, servers: &[&str]) -> Session {
        create_sessions(&mut self.there.connect(), "sessions", 10, 10);
        let mut session = self.here.connect();
        session.run(
            "CREATE TABLE sessions (session_key text NOT NULL, session_data text NOT NULL, expire_date timestamptz NOT NULL)
                 PARTITION BY LIST (left(session_key, 1))",
        );
        for (number, server) in servers.iter().enumerate() {
            session.run(&format!(
                "CREATE FOREIGN TABLE sessions_at_{server} PARTITION OF sessions FOR VALUES IN ('{number}')
                     SERVER {server} OPTIONS (table_name 'sessions')"
            ));
        }
        session.run(&format!(
            "CREATE TABLE sessions_here PARTITION OF sessions FOR VALUES IN ('k');
             INSERT INTO sessions_here
                 SELECT 'key' || i, '', CASE i WHEN 1 THEN {LIVE} ELSE {EXPIRED} END::timestamptz FROM generate_series(1, 10) AS i"
        ));
        session
    }
}

const BATCHES: &str = "CALL raw_clear_sessions_in_batches('sessions', expires => 'expire_date')";

/// An ERROR's message.
fn message<T>(outcome: Result<T, postgres::Error>) -> String {
    let error = outcome.err().expect("an ERROR was expected");
    let error = error.as_db_error().expect("it is the server's");
    error.message().to_owned()
}

#[test]
fn a_dead_foreign_partition_keeps_the_procedure_from_no_other_partition() {
    let pair = Pair::new("dead_procedure");
    let mut session = pair.partitioned(&["dead", "elsewhere"]);
    let outcome = session.ask(BATCHES);
    assert_eq!(
        message(outcome),
        "could not clear \"sessions_at_dead\" below table \"sessions\": could not connect to server \"dead\""
    );
    assert_eq!(session.count("sessions_here"), 1);
    assert_eq!(session.count("sessions_at_elsewhere"), 1);
}

#[test]
fn a_cancel_at_a_foreign_partition_ends_the_procedure() {
    let pair = Pair::new("canceled_procedure");
    let mut session = pair.partitioned(&["elsewhere"]);
    let mut holder = pair.there.connect();
    holder.run("BEGIN; LOCK TABLE sessions");
    session.run("SET statement_timeout = '500ms'");
    let outcome = session.ask(BATCHES);
    assert_eq!(
        message(outcome),
        "canceling statement due to statement timeout"
    );
}

#[test]
fn a_dead_foreign_partition_keeps_the_worker_from_no_other_partition() {
    let cluster = Cluster::with(&[
        PRELOADED,
        ("raw_clear_sessions.databases", "dead_worker"),
        SOON,
    ]);
    let pair = Pair::of(&cluster, "dead_worker");
    let mut session = pair.partitioned(&["dead", "elsewhere"]);
    session.run("SELECT raw_clear_sessions_schedule('sessions', expires => 'expire_date')");
    session.wait_for_run("sqlstate = '08001'");
    let error = session.text(
        "SELECT error FROM raw_clear_sessions.run WHERE sqlstate = '08001' ORDER BY id LIMIT 1",
    );
    assert!(
        error.contains("\"sessions_at_dead\" below table \"sessions\""),
        "{error}"
    );
    assert_eq!(session.number("SELECT deleted FROM raw_clear_sessions.run WHERE sqlstate = '08001' ORDER BY id LIMIT 1"), 18);
    assert_eq!(session.count("sessions_here"), 1);
    assert_eq!(session.count("sessions_at_elsewhere"), 1);
}

#[test]
fn several_foreign_partitions_that_fail_are_counted() {
    let pair = Pair::new("dead_several");
    let mut session = pair.partitioned(&["dead"]);
    session.run(
        "CREATE FOREIGN TABLE sessions_x PARTITION OF sessions FOR VALUES IN ('x') SERVER dead;
         CREATE FOREIGN TABLE sessions_y PARTITION OF sessions FOR VALUES IN ('y') SERVER dead",
    );
    let message = message(session.ask(BATCHES));
    assert!(
        message.starts_with(
            "could not clear 3 tables, the first \"sessions_at_dead\", below table \"sessions\": "
        ),
        "{message}"
    );
    assert_eq!(session.count("sessions_here"), 1);
}

#[test]
fn the_function_deletes_nothing_where_a_foreign_partition_fails_and_says_which() {
    let pair = Pair::new("dead_function");
    let mut session = pair.partitioned(&["elsewhere", "dead"]);
    let error = session
        .try_number("SELECT raw_clear_sessions('sessions', expires => 'expire_date')")
        .err();
    let error = error.expect("an ERROR was expected");
    let error = error.as_db_error().expect("it is the server's");
    assert_eq!(error.code().code(), "08001");
    assert_eq!(error.message(), "could not connect to server \"dead\"");
    let context = error.where_().unwrap_or_default();
    assert!(
        context.contains("clearing of foreign table \"sessions_at_dead\""),
        "{context}"
    );
    assert!(
        error
            .hint()
            .unwrap_or_default()
            .contains("raw_clear_sessions_in_batches()")
    );
    assert_eq!(session.count("sessions_here"), 10);
    assert_eq!(session.count("sessions_at_elsewhere"), 10);
}

#[test]
fn a_foreign_server_that_the_planner_asks_keeps_nothing_from_being_cleared() {
    let pair = Pair::new("dead_planner");
    let mut session = pair.partitioned(&["dead"]);
    session.run("ALTER SERVER dead OPTIONS (ADD use_remote_estimate 'true')");
    assert!(message(session.ask(BATCHES)).contains("\"sessions_at_dead\""));
    assert_eq!(session.count("sessions_here"), 1);
}

#[test]
fn a_connection_that_is_lost_takes_back_nothing_that_has_been_cleared() {
    let pair = Pair::new("lost_connection");
    let mut session = pair.partitioned(&["elsewhere"]);
    let mut there = pair.there.connect();
    there.run("BEGIN; UPDATE sessions SET session_data = 'new' WHERE session_key = 'key2'");
    let running = session.start(BATCHES);
    let mut observer = pair.there.connect();
    let waiting = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'postgres_fdw' AND wait_event_type = 'Lock'";
    wait_until("the foreign server's session has been ended", || {
        observer.number(waiting) > 0
    });
    let (session_again, outcome) = running.finish();
    session = session_again;
    let message = message(outcome);
    assert!(
        message.contains("\"sessions_at_elsewhere\" below table \"sessions\""),
        "{message}"
    );
    assert_eq!(session.count("sessions_here"), 1);
    there.run("COMMIT");
    assert_eq!(
        session
            .ask(BATCHES)
            .expect("it is cleared")
            .value
            .as_deref(),
        Some("9")
    );
}

#[test]
fn implausible_numbers_on_a_foreign_server_are_not_deleted_and_dead_ones_stop_nothing() {
    let pair = Pair::new("implausible");
    pair.there.connect().run(
        "CREATE TABLE sessions (id text, expires bigint);
         INSERT INTO sessions VALUES ('1', 1577836800000)",
    );
    let mut session = pair.here.connect();
    session.run(
        "CREATE TABLE sessions (id text, expires bigint) PARTITION BY LIST (id);
         CREATE FOREIGN TABLE sessions_at_elsewhere PARTITION OF sessions FOR VALUES IN ('1') SERVER elsewhere OPTIONS (table_name 'sessions');
         CREATE TABLE sessions_here PARTITION OF sessions FOR VALUES IN ('2');
         INSERT INTO sessions_here VALUES ('2', 1577836800)",
    );
    let call =
        "CALL raw_clear_sessions_in_batches('sessions', expires => 'expires', unit => 'seconds')";
    let outcome = session.ask(call);
    assert!(
        message(outcome).starts_with("value 1577836800000 in table \"sessions\" is implausible")
    );
    assert_eq!(session.count("sessions"), 2);
    session.run(
        "CREATE FOREIGN TABLE sessions_at_dead PARTITION OF sessions FOR VALUES IN ('0') SERVER dead",
    );
    let message = message(session.ask(call));
    assert!(
        message.starts_with("could not clear 2 tables, the first \"sessions_at_elsewhere\""),
        "{message}"
    );
    assert_eq!(session.count("sessions_here"), 0);
    assert_eq!(session.count("sessions_at_elsewhere"), 1);
}

impl Pair<'_> {
    /// The foreign table `sessions` of a table there with rows of which, of each ten, nine have expired.
    fn foreign(&self, rows: u32) -> Session {
        create_sessions(&mut self.there.connect(), "sessions", rows, 10);
        let mut session = self.here.connect();
        session.run(
            "IMPORT FOREIGN SCHEMA public LIMIT TO (sessions) FROM SERVER elsewhere INTO public",
        );
        session
    }
}

/// Waits until a session of postgres_fdw's waits for a lock on the other server.
fn wait_for_lock_wait(there: &mut Session) {
    let waiting = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'postgres_fdw' AND wait_event_type = 'Lock'";
    wait_until("a row is waited for on the other server", || {
        there.number(waiting) > 0
    });
}

#[test]
fn a_foreign_table_is_cleared_in_batches_that_commit_within_a_budget() {
    let pair = Pair::new("batches");
    let mut session = pair.foreign(5_000);
    let call = "CALL raw_clear_sessions_in_batches('sessions', expires => 'expire_date', batch_size => 100, max_rows => 300)";
    assert_eq!(
        session.ask(call).expect("it is cleared").value.as_deref(),
        Some("300")
    );
    let xmax = "SELECT count(DISTINCT xmax::text) FROM page_heap";
    let mut there = pair.there.connect();
    there.run(
        "CREATE EXTENSION pageinspect;
         CREATE VIEW page_heap AS SELECT t_xmax AS xmax FROM generate_series(0, pg_relation_size('sessions') / 8192 - 1) AS block,
             heap_page_items(get_raw_page('sessions', block::int)) WHERE t_xmax::text <> '0'",
    );
    assert!(there.number(xmax) >= 3, "three transactions there");
    assert_eq!(
        session
            .ask(BATCHES)
            .expect("it is cleared")
            .value
            .as_deref(),
        Some("4200")
    );
    assert_eq!(there.count("sessions"), 500);
    assert_eq!(
        session
            .ask(BATCHES)
            .expect("it is cleared")
            .value
            .as_deref(),
        Some("0")
    );
}

#[test]
fn a_row_that_is_renewed_on_the_foreign_server_meanwhile_is_tried_again_and_stays() {
    let pair = Pair::new("renewed");
    let session = pair.foreign(1_000);
    let mut there = pair.there.connect();
    there.run(&format!(
        "BEGIN; UPDATE sessions SET expire_date = {LIVE} WHERE session_key = 'key2'"
    ));
    let running = session.start(BATCHES);
    wait_for_lock_wait(&mut pair.there.connect());
    there.run("COMMIT");
    assert_eq!(running.value(), "899");
    assert_eq!(there.count("sessions WHERE session_key = 'key2'"), 1);
    assert_eq!(there.count("sessions"), 101);
}

#[test]
fn the_function_says_what_to_do_where_a_row_is_renewed_on_the_foreign_server_meanwhile() {
    let pair = Pair::new("renewed_function");
    let session = pair.foreign(1_000);
    let mut there = pair.there.connect();
    there.run(&format!(
        "BEGIN; UPDATE sessions SET expire_date = {LIVE} WHERE session_key = 'key2'"
    ));
    let running = session.start("SELECT raw_clear_sessions('sessions', expires => 'expire_date')");
    wait_for_lock_wait(&mut pair.there.connect());
    there.run("COMMIT");
    let error = running
        .finish()
        .1
        .expect_err("the transaction there cannot go on");
    let error = error.as_db_error().expect("it is the server's");
    assert_eq!(error.code().code(), "40001");
    let hint = error.hint().unwrap_or_default();
    assert!(hint.contains("raw_clear_sessions_in_batches()"), "{hint}");
    assert_eq!(there.count("sessions"), 1_000);
}

#[test]
fn a_row_that_stays_locked_on_the_foreign_server_is_skipped_after_its_lock_timeout() {
    let pair = Pair::new("locked");
    let mut session = pair.foreign(1_000);
    session.run("ALTER SERVER elsewhere OPTIONS (ADD options '-c lock_timeout=10ms')");
    let mut there = pair.there.connect();
    there.run(&format!(
        "BEGIN; UPDATE sessions SET expire_date = {LIVE} WHERE session_key = 'key500'"
    ));
    assert_eq!(
        session
            .ask(BATCHES)
            .expect("it is cleared")
            .value
            .as_deref(),
        Some("899")
    );
    there.run("ROLLBACK");
    assert_eq!(there.count("sessions"), 101);
    assert_eq!(
        session
            .ask(BATCHES)
            .expect("it is cleared")
            .value
            .as_deref(),
        Some("1")
    );
}

#[test]
fn a_row_that_the_foreign_server_cannot_delete_is_left_out_and_the_others_go() {
    let pair = Pair::new("referred");
    let mut session = pair.foreign(1_000);
    pair.there.connect().run(
        "CREATE TABLE carts (session text REFERENCES sessions); INSERT INTO carts VALUES ('key500')",
    );
    let message = message(session.ask(BATCHES));
    assert!(
        message.starts_with(
            "could not delete 1 expired row of table \"sessions\", the first at ctid ("
        ),
        "{message}"
    );
    assert_eq!(session.count("sessions"), 101);
}

#[test]
fn rows_that_a_trigger_of_the_foreign_servers_keeps_are_named_and_the_others_go() {
    let pair = Pair::new("kept_there");
    let mut session = pair.foreign(1_000);
    pair.there.connect().run(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER keep BEFORE DELETE ON sessions FOR EACH ROW WHEN (OLD.session_key IN ('key500', 'key502'))
             EXECUTE FUNCTION keep()",
    );
    let message = message(session.ask(BATCHES));
    assert!(
        message.starts_with(
            "could not delete 2 expired rows of table \"sessions\", the first at ctid ("
        ),
        "{message}"
    );
    assert_eq!(session.count("sessions"), 102);
}

#[test]
fn a_view_on_the_foreign_server_is_cleared_at_once() {
    let pair = Pair::new("far_view");
    let mut session = pair.foreign(1_000);
    pair.there
        .connect()
        .run("CREATE VIEW shown AS SELECT * FROM sessions");
    session.run("ALTER FOREIGN TABLE sessions OPTIONS (SET table_name 'shown')");
    assert_eq!(
        session
            .ask(BATCHES)
            .expect("it is cleared")
            .value
            .as_deref(),
        Some("900")
    );
    assert_eq!(session.count("sessions"), 100);
}

/// Renews sessions on the other server, expired ones too, one after the other, until it is told to stop; returns those that
/// were there to be renewed.
fn renew(mut there: Session, rows: usize, stop: &AtomicBool) -> Vec<String> {
    let renewal = there.prepare(&format!(
        "UPDATE sessions SET expire_date = {LIVE} WHERE session_key = $1"
    ));
    let mut renewed = Vec::new();
    for number in (1..=rows).map(|number| number * 7919 % rows + 1) {
        if stop.load(Relaxed) {
            break;
        }
        let key = format!("key{number}");
        if there
            .try_change(&renewal, &[&key])
            .expect("nothing hinders a renewal")
            == 1
        {
            renewed.push(key);
        }
    }
    renewed
}

#[test]
fn no_renewal_on_the_foreign_server_is_lost_and_none_stops_the_procedure() {
    const ROWS: usize = 40_000;
    let pair = Pair::new("far_storm");
    let mut session = pair.foreign(ROWS as u32);
    let stop = AtomicBool::new(false);
    let renewed = std::thread::scope(|scope| {
        let renewing: Vec<_> = (0..2)
            .map(|_| {
                let there = pair.there.connect();
                scope.spawn(|| renew(there, ROWS, &stop))
            })
            .collect();
        let outcome = session.ask(BATCHES);
        stop.store(true, Relaxed);
        let renewed = renewing
            .into_iter()
            .flat_map(|thread| thread.join().expect("it does not panic"));
        let renewed: std::collections::HashSet<_> = renewed.collect();
        outcome.expect("renewals stop nothing");
        renewed
    });
    let mut there = pair.there.connect();
    let left: std::collections::HashSet<_> = there
        .texts("SELECT session_key FROM sessions")
        .into_iter()
        .collect();
    assert!(renewed.is_subset(&left), "a renewed session is lost");
    assert_eq!(
        session.number("SELECT raw_clear_sessions('sessions', expires => 'expire_date')"),
        0
    );
}

#[test]
fn progress_shows_the_first_batch_on_a_foreign_server_while_it_waits_there() {
    let cluster = Cluster::with(&[PRELOADED]);
    let pair = Pair::of(&cluster, "far_progress");
    let session = pair.foreign(100);
    let mut there = pair.there.connect();
    there.run("BEGIN; UPDATE sessions SET session_data = 'new' WHERE session_key = 'key2'");
    let running = session.start(BATCHES);
    wait_for_lock_wait(&mut pair.there.connect());
    let phase = pair
        .here
        .connect()
        .text("SELECT phase FROM raw_clear_sessions.progress");
    assert_eq!(phase, "deleting by SQL");
    there.run("COMMIT");
    assert_eq!(running.value(), "90");
}
