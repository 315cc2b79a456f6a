//! Several tables of one database are cleared at a time, by as many workers as there may be and no other database needs.

use cluster::{
    Cluster, FAST, Paused, SLOW, SLOW_FUNCTION, Session, Shutdown, add_expired, create_sessions,
    kill, wait_for_end, wait_until,
};
use std::collections::HashSet;

/// A database of two owners with a table each, whose runs take long, and are under way at the same time.
fn with_two_runs(cluster: &Cluster) -> Session {
    let mut session = of_two_owners(cluster);
    wait_for_two(&mut session);
    session
}

/// A database of two owners with a table each, whose runs take long.
fn of_two_owners(cluster: &Cluster) -> Session {
    let mut session = cluster.database("app").connect();
    session.run(
        "CREATE ROLE alice; CREATE ROLE mallory; GRANT CREATE ON SCHEMA public TO alice, mallory",
    );
    for (owner, table) in [("alice", "big"), ("mallory", "bigger")] {
        session.run(&format!("SET ROLE {owner}"));
        create_sessions(&mut session, table, 5000, 10);
        session.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}', '1 h'); RESET ROLE"
        ));
    }
    session
}

/// Waits until two processes are at the two tables; which.
fn wait_for_two(session: &mut Session) -> Vec<String> {
    let query = "SELECT p.pid::text FROM raw_clear_sessions.progress AS p
         JOIN pg_stat_activity AS a ON a.pid = p.pid AND a.query LIKE '%clearing public.' || p.\"table\"::text
         WHERE p.deleted > 0 ORDER BY p.\"table\"::text";
    let mut pids = Vec::new();
    wait_until("two workers are at the two tables", || {
        pids = session.texts(query);
        pids.len() == 2
    });
    assert_ne!(pids[0], pids[1]);
    pids
}

fn state(session: &mut Session, table: &str) -> String {
    session.text(&format!(
        "SELECT concat_ws(' ', runs, total_deleted, failures, last_stop) FROM raw_clear_sessions.status
         WHERE \"table\" = '{table}'::regclass"
    ))
}

#[test]
fn two_tables_of_a_database_are_cleared_at_the_same_time_and_each_once() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = with_two_runs(&cluster);
    let pids = wait_for_two(&mut session);
    let shown = session.texts(
        "SELECT pid::text FROM raw_clear_sessions.status WHERE pid IS NOT NULL ORDER BY \"table\"::text",
    );
    assert_eq!(shown, pids, "the status shows who is at which table");
    assert_eq!(session.runs("ended IS NULL AND pid IS NOT NULL"), 2);
    cluster.reload(&FAST);
    for table in ["big", "bigger"] {
        session.wait_for_count(table, 500);
        wait_until("its run has ended", || {
            state(&mut session, table) == "1 4500 0 done"
        });
    }
    assert_eq!(session.runs("true"), 2);
    wait_until("the workers have ended", || session.workers().is_empty());
    assert_eq!(cluster.logged("ERROR"), 0);
}

#[test]
fn a_run_of_one_of_two_workers_is_canceled_suspended_and_ended_with_its_policy_and_the_other_goes_on()
 {
    let calls = [
        ("raw_clear_sessions_cancel", "canceled"),
        ("raw_clear_sessions_suspend", "unscheduled"),
        ("raw_clear_sessions_unschedule", "unscheduled"),
    ];
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = with_two_runs(&cluster);
    for (call, stop) in calls {
        let pids = wait_for_two(&mut session);
        assert!(session.yes(&format!("SELECT {call}('bigger')")));
        session.wait_for_run(&format!(
            "\"table\" = 'bigger'::regclass AND stop = '{stop}'"
        ));
        let other = session.text(
            "SELECT coalesce(max(pid), 0)::text FROM raw_clear_sessions.progress WHERE \"table\" = 'big'::regclass",
        );
        assert_eq!(other, pids[0], "{call}");
        session.run(
            "TRUNCATE raw_clear_sessions.history;
             SELECT raw_clear_sessions_schedule('bigger', '1 h');
             SELECT raw_clear_sessions_resume('bigger'), raw_clear_sessions_run_now('bigger')",
        );
    }
    assert_eq!(cluster.logged("ERROR"), 0);
}

#[test]
fn two_workers_of_a_database_end_when_the_worker_is_paused_and_go_on_afterwards() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = with_two_runs(&cluster);
    cluster.pause(&mut session);
    assert_eq!(session.runs("stop = 'paused' AND deleted > 0"), 2);
    cluster.reload(&[
        ("raw_clear_sessions.paused", "off"),
        ("raw_clear_sessions.cost_delay", "0"),
    ]);
    session.run("SELECT raw_clear_sessions_run_now('big'), raw_clear_sessions_run_now('bigger')");
    session.wait_for_count("big", 500);
    session.wait_for_count("bigger", 500);
}

#[test]
fn two_workers_of_a_database_make_way_for_whoever_wants_it() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut postgres = cluster.connect();
    drop(with_two_runs(&cluster));
    postgres.run("CREATE DATABASE copy TEMPLATE app");
    let mut session = cluster.connect_to("app");
    assert_eq!(
        session.runs("stop = 'interrupted' AND sqlstate = '55006'"),
        2
    );
    wait_for_two(&mut session);
    drop(session);
    postgres.run("DROP DATABASE app");
}

#[test]
fn what_two_workers_were_at_is_interrupted_and_done_when_the_server_has_been_stopped_or_one_was_killed()
 {
    let mut cluster = Cluster::with_worker(
        "app",
        &[SLOW[0], SLOW[1], SLOW[2], ("restart_after_crash", "on")],
    );
    let mut session = with_two_runs(&cluster);
    let open = "ended IS NULL AND deleted > 0";
    let interrupted = "stop = 'interrupted' AND deleted > 0";
    wait_until("both are recorded", || session.runs(open) == 2);
    drop(session);
    cluster.stop(Shutdown::Fast);
    cluster.start();
    session = cluster.connect_to("app");
    wait_until("both are told", || session.runs(interrupted) == 2);
    let pids = wait_for_two(&mut session);
    wait_until("both are recorded", || session.runs(open) == 2);
    // A commit that waits for the disk takes theirs along.
    session.run("CREATE TABLE durable ()");
    drop(session);
    kill(pids[1].parse().expect("a number"));
    wait_for_end(pids[0].parse().expect("a number"));
    cluster.wait_for_connections();
    session = cluster.connect_to("app");
    wait_until("both are told", || session.runs(interrupted) == 4);
    wait_for_two(&mut session);
    cluster.reload(&FAST);
    session.wait_for_count("big", 500);
    session.wait_for_count("bigger", 500);
}

#[test]
fn a_second_worker_closes_no_run_of_the_first_ones_and_starts_none_of_its_tables() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = with_two_runs(&cluster);
    // Others come and go beside the one that is at the big table.
    session.run("SELECT raw_clear_sessions_unschedule('bigger')");
    create_sessions(&mut session, "small", 10, 10);
    session.run("SELECT raw_clear_sessions_schedule('small', '1 s')");
    let run = "SELECT string_agg(DISTINCT id::text, ' ') FROM raw_clear_sessions.run WHERE \"table\" = 'big'::regclass";
    let id = session.text(run);
    let mut seen = HashSet::new();
    wait_until("several workers have cleared the small table", || {
        add_expired(&mut session, "small", 1);
        session.wait_for_count("small", 1);
        seen.extend(session.texts(
            "SELECT DISTINCT pid::text FROM raw_clear_sessions.run WHERE \"table\" = 'small'::regclass",
        ));
        seen.len() > 2
    });
    assert_eq!(session.text(run), id);
    assert_eq!(
        session.runs("\"table\" = 'big'::regclass AND ended IS NOT NULL"),
        0
    );
}

/// A process acts for one owner only: where others' tables are due, it is there for a turn. The launcher may see each only in the
/// middle of that.
#[test]
fn a_second_worker_comes_though_each_is_there_for_a_turn_only() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = of_two_owners(&cluster);
    let launcher = session.wait_for_launcher();
    wait_until("there are two workers", || {
        let workers = "pg_stat_activity WHERE backend_type = 'raw_clear_sessions worker'";
        let old = session.texts(&format!(
            "SELECT pid::text FROM {workers} AND clock_timestamp() > backend_start + interval '0.7 s'"
        ));
        let count = session.count(workers);
        if let [pid] = old.as_slice()
            && count == 1
        {
            let _paused = Paused::one(launcher);
            wait_for_end(pid.parse().expect("a number"));
        }
        count > 1
    });
}

#[test]
fn another_database_takes_the_place_of_the_second_worker() {
    let cluster = Cluster::with_worker("*", &SLOW);
    let mut session = with_two_runs(&cluster);
    let mut other = cluster.database("other").connect();
    create_sessions(&mut other, "django_session", 1000, 10);
    other.wait_for_busy_worker("django_session");
    let databases = "SELECT string_agg(datname, ' ' ORDER BY datname) FROM pg_stat_activity WHERE backend_type = 'raw_clear_sessions worker'";
    wait_until("each of the two databases has a worker", || {
        session.text(databases) == "app other"
    });
    cluster.reload(&FAST);
    session.wait_for_count("big", 500);
    session.wait_for_count("bigger", 500);
    other.wait_for_count("django_session", 100);
    assert_eq!(session.runs("true"), 2, "each went on where it was");
}

#[test]
fn a_table_is_cleared_beside_a_statement_that_takes_for_ever() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    session.run(SLOW_FUNCTION);
    create_sessions(&mut session, "quick", 100, 10);
    create_sessions(&mut session, "stuck", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('stuck', '1 h', filter => 'public.slow()')");
    session.wait_for_count(
        "raw_clear_sessions.progress WHERE \"table\" = 'stuck'::regclass",
        1,
    );
    // The worker that is in the statement does not know of it.
    session.run("SELECT raw_clear_sessions_schedule('quick', '1 s')");
    session.wait_for_count("quick", 10);
    for _ in 0..3 {
        add_expired(&mut session, "quick", 5);
        session.wait_for_count("quick", 10);
    }
    assert_eq!(
        session.count("raw_clear_sessions.progress WHERE \"table\" = 'stuck'::regclass"),
        1,
        "nobody has waited for it"
    );
}

/// Each of the workers looks up what is due, and goes through it beside the other: what the other one has done meanwhile is
/// still in its list.
#[test]
fn what_two_workers_find_due_at_the_same_time_is_cleared_once() {
    let settings = [
        ("raw_clear_sessions.max_workers", "2"),
        ("raw_clear_sessions.lock_timeout", "1min"),
    ];
    let cluster = Cluster::with_worker("app", &settings);
    let database = cluster.database("app");
    let (mut session, mut holder) = (database.connect(), database.connect());
    session.run(
        "CREATE FUNCTION waits() RETURNS boolean LANGUAGE plpgsql STABLE AS $$ BEGIN
             PERFORM pg_advisory_lock_shared(1), pg_advisory_unlock_shared(1);
             RETURN true;
         END $$",
    );
    holder.run("SELECT pg_advisory_lock(1)");
    for table in ["busy", "busy_too"] {
        create_sessions(&mut session, table, 10, 10);
        session.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}', '1 h', filter => 'public.waits()')"
        ));
    }
    let waiting = "pg_locks WHERE locktype = 'advisory' AND NOT granted";
    session.wait_for_count(waiting, 2);
    session.run(
        "DO $$ BEGIN
             FOR i IN 1..60 LOOP
                 EXECUTE format('CREATE TABLE small%s (session_key text, expires timestamptz)', i);
                 -- In every second one there is nothing to do.
                 IF i % 2 = 0 THEN
                     EXECUTE format('INSERT INTO small%s VALUES (1, now() - interval ''1 day'')', i);
                 END IF;
                 PERFORM raw_clear_sessions_schedule(format('small%s', i)::regclass, '1 h', expires => 'expires');
             END LOOP;
         END $$",
    );
    holder.run("SELECT pg_advisory_unlock(1)");
    wait_until("all are cleared and counted", || {
        session.workers().is_empty() && session.all_ended_runs() >= 62
    });
    assert_eq!(session.all_ended_runs(), 62);
    assert_eq!(session.runs("deleted = 1"), 30);
}
