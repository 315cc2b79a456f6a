//! A clock that is set far ahead, as by a wrong time server: every session has expired by it.

use cluster::{Cluster, SLOW, Session, add_expired, create_sessions, wait_until};
use std::thread::sleep;
use std::time::Duration;

/// A database whose worker has begun to clear, or is about to, by a clock that is right; its hundred sessions that are alive
/// expire within a hundred days.
fn with_sessions(cluster: &Cluster) -> Session {
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "sessions", 1000, 10);
    session.run(
        "UPDATE sessions SET expire_date = now() + interval '100 days' WHERE expire_date > now();
         SELECT raw_clear_sessions_schedule('sessions', '1 s')",
    );
    session
}

fn live(session: &mut Session) -> i64 {
    session.count("sessions WHERE session_key LIKE 'key%1'")
}

#[test]
fn nothing_is_cleared_by_a_clock_that_was_set_far_ahead() {
    let mut cluster = Cluster::with_worker("app", &[]);
    let clock = cluster.restart_with_clock();
    let mut session = with_sessions(&cluster);
    session.wait_for_count("sessions", 100);
    clock.set_ahead(400);
    let says = "the worker rests because the clock of the server was set ahead by 400 days";
    cluster.wait_for_log(says);
    add_expired(&mut session, "sessions", 5);
    assert!(session.yes(&format!(
        "SELECT note LIKE '{says}%' FROM raw_clear_sessions.status WHERE \"table\" IS NOT NULL"
    )));
    // It is due all the time, and asked for.
    assert!(session.yes("SELECT raw_clear_sessions_run_now('sessions')"));
    sleep(Duration::from_secs(3));
    assert_eq!(session.count("sessions"), 105);
    clock.set_ahead(0);
    session.wait_for_count("sessions", 100);
    assert_eq!(live(&mut session), 100);
    assert_eq!(cluster.logged(says), 1);
    wait_until("the status says no more of it", || {
        session.count("raw_clear_sessions.status WHERE note LIKE '%set ahead%'") == 0
    });
}

#[test]
fn a_run_that_is_under_way_ends_when_the_clock_is_set_far_ahead() {
    let mut cluster = Cluster::with_worker("app", &SLOW);
    let clock = cluster.restart_with_clock();
    let mut session = with_sessions(&cluster);
    session.wait_for_busy_worker("sessions");
    clock.set_ahead(400);
    session.wait_for_run("stop = 'interrupted' AND deleted > 0 AND error LIKE '%set ahead%'");
    assert_eq!(live(&mut session), 100);
}

/// Those that are counted, and those that were interrupted.
const RUNS: &str = "SELECT ((SELECT coalesce(sum(runs), 0) FROM raw_clear_sessions.status) \
     + (SELECT count(*) FROM raw_clear_sessions.run))::bigint";

#[test]
fn no_session_goes_that_is_alive_whenever_the_clock_is_set_far_ahead() {
    let mut cluster = Cluster::with_worker("app", &[]);
    let clock = cluster.restart_with_clock();
    let mut session = with_sessions(&cluster);
    session.wait_for_count("sessions", 100);
    session.run("SELECT raw_clear_sessions_schedule('sessions', '1 h')");
    for reading in 1..150 {
        add_expired(&mut session, "sessions", 5);
        let before = session.number(RUNS);
        clock.set_ahead_from(400, reading);
        session.run("SELECT raw_clear_sessions_run_now('sessions')");
        let mut seen = None;
        wait_until("a worker has ended, or a run", || {
            let workers = session.workers();
            let has_gone = seen.is_some_and(|pid| !workers.contains(&pid));
            seen = seen.or(workers.first().copied());
            has_gone || session.number(RUNS) > before
        });
        clock.set_ahead(0);
        assert_eq!(live(&mut session), 100, "{reading}");
        wait_until("it has been cleared", || {
            session.count("sessions") == 100 && session.workers().is_empty()
        });
    }
}
