//! What has befallen one owner's table once does not keep it from its turns, though another owner always has tables due.

use cluster::{
    Cluster, SLOW_FUNCTION, Session, add_expired, create_sessions, wait_for_end, wait_until,
};

/// A database with one worker, a table "single" that belongs to the role one, and a session of it.
fn with_single_table(cluster: &Cluster) -> Session {
    let mut session = cluster.database("app").connect();
    session.run("CREATE ROLE many; CREATE ROLE one");
    create_sessions(&mut session, "single", 100, 10);
    session.run("ALTER TABLE single OWNER TO one");
    session
}

fn with_one_worker() -> Cluster {
    Cluster::with_worker("app", &[("raw_clear_sessions.max_workers", "1")])
}

/// Schedules tables of the role many, of which there is always one due, and waits until the worker has been at each.
fn keep_busy(session: &mut Session) {
    session.schedule_slow_tables("busy", 6, "1 s", false);
    wait_for_busy_runs(session, 1);
}

/// Waits until each of them has been cleared so many times more.
fn wait_for_busy_runs(session: &mut Session, more: i64) {
    let runs = "SELECT min(runs) FROM raw_clear_sessions.status WHERE \"table\"::text LIKE 'busy%'";
    let before = session.number(runs);
    wait_until("each of the other owner's tables has had turns", || {
        session.number(runs) >= before + more
    });
}

#[test]
fn a_table_whose_worker_somebody_has_terminated_has_turns_while_another_owner_always_has_tables_due()
 {
    let cluster = with_one_worker();
    let mut session = with_single_table(&cluster);
    session.run(SLOW_FUNCTION);
    session.run("SELECT raw_clear_sessions_schedule('single', '1 s', filter => 'public.slow()')");
    wait_until("the worker is at the table", || {
        session.count("pg_stat_activity WHERE wait_event = 'PgSleep'") > 0
    });
    let worker = session.workers()[0];
    assert!(session.yes(&format!("SELECT pg_terminate_backend({worker})")));
    wait_for_end(worker);
    session.run("SELECT raw_clear_sessions_schedule('single', '1 s')");
    keep_busy(&mut session);
    for _ in 0..2 {
        add_expired(&mut session, "single", 1);
        session.wait_for_count("single", 10);
    }
}

#[test]
fn a_table_that_somebody_has_cleared_meanwhile_is_cleared_again() {
    let cluster = with_one_worker();
    let mut session = with_single_table(&cluster);
    let mut owner = cluster.connect_to("app");
    keep_busy(&mut session);
    owner.run("BEGIN; SELECT raw_clear_sessions('single')");
    session.run("SELECT raw_clear_sessions_schedule('single', '1 s')");
    session.wait_for_run("\"table\" = 'single'::regclass AND stop = 'interrupted'");
    owner.run("COMMIT");
    add_expired(&mut session, "single", 1);
    session.wait_for_count("single", 10);
}

#[test]
fn what_is_done_once_for_a_database_is_done_though_an_owner_always_has_tables_due() {
    let cluster = with_one_worker();
    let mut session = with_single_table(&cluster);
    // Of one owner: the process goes on.
    session.run("ALTER TABLE single OWNER TO many");
    session.run("SELECT raw_clear_sessions_schedule('single', '1 s')");
    session.wait_for_count("single", 10);
    keep_busy(&mut session);
    let worker = session.workers();
    // Of a call whose process is gone, and a run older than the history goes back.
    session.run(
        "INSERT INTO raw_clear_sessions.history (\"table\", started, pid, caller) VALUES (1, now(), 0, 'nobody');
         INSERT INTO raw_clear_sessions.history (\"table\", started, pid, ended, stop) VALUES (2, '2001-01-01', 0, '2001-01-01', 'done');
         DROP TABLE single",
    );
    cluster.wait_for_log("table public.single, which had a policy, has gone");
    wait_until("the call's row has ended, and the old run is gone", || {
        session.count(
            "raw_clear_sessions.history WHERE ended IS NULL AND caller = 'nobody' OR \"table\" = 2",
        ) == 0
    });
    assert_eq!(session.workers(), worker);
}

/// The statement is over before its time, whenever somebody copies the database.
#[test]
fn a_table_that_makes_way_for_who_wants_the_database_has_had_its_turn() {
    let cluster = with_one_worker();
    let mut session = with_single_table(&cluster);
    session.run(SLOW_FUNCTION);
    session.run("SELECT raw_clear_sessions_schedule('single', '1 s')");
    session.wait_for_count("single", 10);
    create_sessions(&mut session, "slow", 100, 10);
    session.run(
        "ALTER TABLE slow OWNER TO many; SELECT raw_clear_sessions_schedule('slow', '1 s', filter => 'public.slow()')",
    );
    wait_until("the worker is at the table", || {
        session.count("pg_stat_activity WHERE wait_event = 'PgSleep'") > 0
    });
    add_expired(&mut session, "single", 1);
    drop(session);
    let mut postgres = cluster.connect();
    wait_until("the database can be copied", || {
        postgres
            .try_run("CREATE DATABASE copy TEMPLATE app")
            .is_ok()
    });
    cluster.connect_to("app").wait_for_count("single", 10);
}
