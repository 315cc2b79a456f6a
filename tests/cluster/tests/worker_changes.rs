//! What a run works on is changed or dropped meanwhile: nobody waits for the run for long, and it ends or goes on.

use cluster::{Cluster, FAST, SLOW, Session, add_expired, create_sessions, wait_until};
use std::time::{Duration, Instant};

/// So long may take what must not wait for the worker, on a slow and busy machine.
const SOON: Duration = Duration::from_secs(5);

/// A statement, and why the run during which it comes stops; empty: its history is gone, too.
const CHANGES: [(&str, &str); 13] = [
    ("DROP TABLE django_session", "unscheduled"),
    ("DROP EXTENSION raw_clear_sessions", ""),
    (
        "DROP EXTENSION raw_clear_sessions; CREATE EXTENSION raw_clear_sessions",
        "",
    ),
    (
        "ALTER TABLE django_session ADD COLUMN added text DEFAULT 'x'",
        "done",
    ),
    (
        "ALTER TABLE django_session ADD COLUMN added text; ALTER TABLE django_session DROP COLUMN added",
        "done",
    ),
    (
        "ALTER TABLE django_session ALTER COLUMN expire_date TYPE timestamptz(0)",
        "done",
    ),
    (
        "ALTER TABLE django_session DROP COLUMN expire_date",
        "failed",
    ),
    (
        "ALTER TABLE django_session RENAME COLUMN expire_date TO renamed",
        "failed",
    ),
    (
        "ALTER TABLE django_session RENAME TO renamed",
        "unscheduled",
    ),
    ("TRUNCATE django_session", "done"),
    ("VACUUM FULL django_session", "done"),
    ("DROP INDEX django_session_expire_date", "done"),
    (
        "CREATE SCHEMA other; ALTER TABLE django_session SET SCHEMA other",
        "done",
    ),
];

/// A new database with a worker in it that is busy.
fn busy_database(cluster: &Cluster, name: &str) -> Session {
    let mut session = cluster.database(name).connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    session.wait_for_busy_worker("django_session");
    session
}

fn run_soon(session: &mut Session, statement: &str) {
    let start = Instant::now();
    session.run(statement);
    let elapsed = start.elapsed();
    assert!(elapsed < SOON, "{statement}: {elapsed:?}");
}

/// What the log got that is neither the server's about reloads, nor the rest of a message.
fn said(log: &str) -> Vec<&str> {
    let first_lines = ["LOG:  ", "ERROR:  ", "FATAL:  ", "WARNING:  ", "PANIC:  "];
    log.lines()
        .filter(|line| first_lines.iter().any(|level| line.contains(level)))
        .filter(|line| !line.contains("received SIGHUP") && !line.contains(" changed to "))
        .collect()
}

#[test]
fn a_change_of_the_table_or_the_extension_waits_for_no_run_and_the_run_copes() {
    let cluster = Cluster::with_worker("*", &SLOW);
    let launcher = cluster.connect().wait_for_launcher();
    for (number, (statement, stop)) in CHANGES.into_iter().enumerate() {
        cluster.reload(&SLOW);
        let name = format!("change{number}");
        let mut session = busy_database(&cluster, &name);
        let worker = session.workers()[0];
        let before = cluster.log().len();
        run_soon(&mut session, statement);
        cluster.reload(&FAST);
        wait_until("the worker has ended", || {
            !session.workers().contains(&worker)
        });
        let log = cluster.log();
        let said = said(&log[before..]);
        if stop.is_empty() {
            assert!(said.is_empty(), "{statement}: {said:?}");
        } else {
            let query = "SELECT stop FROM raw_clear_sessions.run ORDER BY id LIMIT 1";
            assert_eq!(session.text(query), stop, "{statement}");
            assert_eq!(
                session.runs("stop IS NULL AND pid NOT IN (SELECT pid FROM pg_stat_activity)"),
                0
            );
            let failures = usize::from(stop == "failed");
            assert_eq!(said.len(), failures, "{statement}: {said:?}");
            let context = "CONTEXT:  automatic clearing of table";
            assert_eq!(
                log[before..].matches(context).count(),
                failures,
                "{statement}"
            );
        }
        assert_eq!(session.launcher(), Some(launcher), "{statement}");
        drop(session);
        run_soon(&mut cluster.connect(), &format!("DROP DATABASE {name}"));
    }
}

#[test]
fn a_run_ends_where_the_extension_is_dropped() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = busy_database(&cluster, "app");
    session.run("DROP EXTENSION raw_clear_sessions");
    wait_until("the worker has ended", || session.workers().is_empty());
    assert!(session.count("django_session") > 100);
    assert_eq!(cluster.logged("ERROR"), 0);
}

#[test]
fn a_run_of_an_extension_that_was_made_anew_changes_no_row_of_the_new_ones_history() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = busy_database(&cluster, "app");
    let worker = session.workers()[0];
    create_sessions(&mut session, "small", 10, 10);
    session.run(
        "BEGIN; DROP EXTENSION raw_clear_sessions; CREATE EXTENSION raw_clear_sessions;
         SELECT raw_clear_sessions('small'); COMMIT",
    );
    cluster.reload(&FAST);
    session.wait_for_count("django_session", 100);
    wait_until("the worker has ended", || {
        !session.workers().contains(&worker)
    });
    let first = "id = 1 AND \"table\" = 'small'::regclass AND caller IS NOT NULL AND stop = 'done' AND deleted = 9";
    assert_eq!(session.runs(first), 1);
    assert_eq!(session.runs("stop = 'unscheduled'"), 0);
}

#[test]
fn a_run_that_had_to_make_way_is_still_due_whatever_its_schedule() {
    let cluster = Cluster::with_worker("*", &SLOW);
    let mut postgres = cluster.connect();
    let mut session = busy_database(&cluster, "app");
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 day')");
    session.wait_for_busy_worker("django_session");
    drop(session);
    run_soon(&mut postgres, "ALTER DATABASE app RENAME TO other");
    cluster.reload(&FAST);
    let mut session = cluster.connect_to("other");
    session.wait_for_count("django_session", 100);
    assert_eq!(session.runs("stop = 'interrupted'"), 1);
}

#[test]
fn a_trigger_on_a_partition_that_comes_between_two_batches_fires_for_the_rest() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = cluster.database("app").connect();
    session.run(
        "CREATE TABLE django_session (session_key varchar(40), session_data text NOT NULL, expire_date timestamptz NOT NULL)
             PARTITION BY LIST (session_data);
         CREATE TABLE leaf PARTITION OF django_session FOR VALUES IN ('');
         CREATE TABLE seen (key text);
         CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO public.seen VALUES (OLD.session_key); RETURN OLD; END $$",
    );
    add_expired(&mut session, "django_session", 1000);
    session.wait_for_busy_worker("django_session");
    session
        .run("BEGIN; CREATE TRIGGER see BEFORE DELETE ON leaf FOR EACH ROW EXECUTE FUNCTION see()");
    let left = session.count("leaf");
    session.run("COMMIT");
    cluster.reload(&FAST);
    session.wait_for_count("django_session", 0);
    assert!(left > 0);
    assert_eq!(session.count("seen"), left);
}

#[test]
fn a_database_is_dropped_renamed_and_copied_in_spite_of_a_busy_run() {
    let cluster = Cluster::with_worker("*", &SLOW);
    let mut postgres = cluster.connect();
    let launcher = postgres.wait_for_launcher();
    drop(busy_database(&cluster, "renamed"));
    run_soon(&mut postgres, "ALTER DATABASE renamed RENAME TO app");
    // It had to make way, and comes back.
    let mut session = cluster.connect_to("app");
    session.wait_for_run("stop = 'interrupted'");
    session.wait_for_busy_worker("django_session");
    drop(session);
    run_soon(&mut postgres, "CREATE DATABASE copy TEMPLATE app");
    let mut session = cluster.connect_to("copy");
    session.wait_for_busy_worker("django_session");
    drop(session);
    let before = cluster.log().len();
    run_soon(&mut postgres, "DROP DATABASE copy");
    wait_until("the worker is back in the other one", || {
        postgres.count("pg_stat_activity WHERE datname = 'app' AND backend_type ~ '^raw_clear'") > 0
    });
    run_soon(&mut postgres, "DROP DATABASE app WITH (FORCE)");
    // What is said about a termination is the server's own.
    let log = cluster.log();
    let said = said(&log[before..]);
    let ours: Vec<_> = said
        .iter()
        .filter(|line| !line.contains("terminating") && !line.contains("exited with exit code 1"))
        .collect();
    assert!(ours.is_empty(), "{ours:?}");
    assert_eq!(postgres.launcher(), Some(launcher));
}

#[test]
fn a_database_is_dropped_in_spite_of_an_unpaced_run() {
    let cluster = Cluster::with_worker("*", &[("raw_clear_sessions.cost_delay", "0")]);
    let mut postgres = cluster.connect();
    let launcher = postgres.wait_for_launcher();
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1_000_000, 1000);
    wait_until("the worker is busy", || {
        session.count("raw_clear_sessions.progress WHERE deleted > 0") > 0
    });
    drop(session);
    let before = cluster.log().len();
    run_soon(&mut postgres, "DROP DATABASE app");
    assert_eq!(said(&cluster.log()[before..]), [""; 0]);
    assert_eq!(postgres.launcher(), Some(launcher));
}

#[test]
fn a_lock_on_the_table_comes_between_the_batches_of_an_unpaced_run() {
    let cluster = Cluster::with_worker(
        "app",
        &[
            ("raw_clear_sessions.cost_delay", "0"),
            ("raw_clear_sessions.batch_size", "10"),
        ],
    );
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 300_000, 1000);
    wait_until("the worker is busy", || {
        session.count("raw_clear_sessions.progress WHERE deleted > 0") > 0
    });
    for _ in 0..5 {
        run_soon(&mut session, "BEGIN; LOCK TABLE django_session; COMMIT");
    }
    session.wait_for_count("django_session", 300);
    wait_until("the run has ended", || {
        session.runs("stop = 'done' AND deleted > 0") > 0
    });
    assert_eq!(session.runs("stop <> 'done'"), 0);
}

#[test]
fn a_run_that_gets_no_lock_on_its_table_fails_in_time_and_is_tried_again() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.lock_timeout", "100ms")]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    session.wait_for_count("django_session", 100);
    session.run("BEGIN; LOCK TABLE django_session");
    let mut observer = cluster.connect_to("app");
    observer.wait_for_run("stop = 'failed' AND sqlstate = '55P03'");
    assert_eq!(
        cluster.logged("automatic clearing of table \"app.public.django_session\""),
        1
    );
    session.run("COMMIT");
    let back_off = "SELECT next_start > now() FROM raw_clear_sessions.status";
    assert!(observer.yes(back_off));
}
