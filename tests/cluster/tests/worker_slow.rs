//! A statement of a run that takes for ever, because a filter or a trigger of the owner's sleeps, is ended by whatever ends
//! a run.

use cluster::{Cluster, SLOW_FUNCTION, Session, add_expired, create_sessions, wait_until};
use std::time::{Duration, Instant};

/// So long may take what must not wait for the worker, on a slow and busy machine: CREATE DATABASE gives up after 5 s.
const SOON: Duration = Duration::from_secs(5);

/// A database whose worker can be slow: a function that takes longer than any test.
fn with_slow_function(cluster: &Cluster, name: &str) -> Session {
    let mut session = cluster.database(name).connect();
    session.run(SLOW_FUNCTION);
    session
}

/// Makes a table, and a policy with that function for its filter; waits until a run is in the middle of it.
fn stuck(session: &mut Session, more: &str) -> i32 {
    create_sessions(session, "stuck", 100, 10);
    session.run(&format!(
        "SELECT raw_clear_sessions_schedule('stuck', '1 h', filter => 'public.slow()'{more})"
    ));
    wait_until_it_sleeps(session)
}

fn wait_until_it_sleeps(session: &mut Session) -> i32 {
    let query = "SELECT coalesce(max(a.pid), 0) FROM pg_stat_activity AS a
         JOIN raw_clear_sessions.progress AS p ON p.pid = a.pid
         WHERE p.\"table\" = 'stuck'::regclass AND a.wait_event = 'PgSleep'";
    let mut pid = 0;
    wait_until("the worker is in the function that sleeps", || {
        pid = session.value(query);
        pid != 0
    });
    pid
}

fn run_soon(session: &mut Session, statement: &str) {
    let start = Instant::now();
    session.run(statement);
    let elapsed = start.elapsed();
    assert!(elapsed < SOON, "{statement}: {elapsed:?}");
}

/// A run that has used up its time with its first batch.
const OUT_OF_TIME: &str =
    "sqlstate = '57014' AND error = 'the run''s time was over before it had deleted anything'";

/// The worker is free for another table.
fn assert_goes_on(session: &mut Session) {
    create_sessions(session, "other", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('other', '1 h')");
    session.wait_for_count("other", 10);
}

#[test]
fn a_statement_is_ended_when_the_run_has_used_up_its_time() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.max_run_time", "1 h")]);
    let mut session = with_slow_function(&cluster, "app");
    stuck(&mut session, ", max_duration => '1 s'");
    session.wait_for_run(OUT_OF_TIME);
    assert_goes_on(&mut session);
    assert_eq!(cluster.logged("ERROR"), 1);
    let status = "SELECT last_success IS NULL AND failures = 1 FROM raw_clear_sessions.status WHERE \"table\" = 'stuck'::regclass";
    assert!(session.yes(status));
}

#[test]
fn a_statement_is_ended_when_the_worker_is_paused_or_the_database_taken_out_of_the_list() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = with_slow_function(&cluster, "app");
    stuck(&mut session, "");
    cluster.reload(&[("raw_clear_sessions.paused", "on")]);
    session.wait_for_run("stop = 'paused'");
    cluster.reload(&[("raw_clear_sessions.paused", "off")]);
    session.run("SELECT raw_clear_sessions_run_now('stuck')");
    wait_until_it_sleeps(&mut session);
    cluster.reload(&[("raw_clear_sessions.databases", "other")]);
    session.wait_for_run("stop = 'unscheduled'");
    wait_until("the worker has ended", || session.workers().is_empty());
    assert_eq!(session.count("stuck"), 100);
}

#[test]
fn a_statement_is_ended_when_its_policy_is_suspended_or_removed_or_its_owner_cancels_the_run() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = with_slow_function(&cluster, "app");
    session.run("CREATE ROLE owner; CREATE ROLE stranger; GRANT CREATE ON SCHEMA public TO owner");
    let mut owner = cluster.connect_to("app");
    owner.run("SET ROLE owner");
    create_sessions(&mut owner, "stuck", 100, 10);
    let cancel = "SELECT raw_clear_sessions_cancel('stuck')";
    let stops = [
        (cancel, "canceled"),
        ("SELECT raw_clear_sessions_suspend('stuck')", "unscheduled"),
        (
            "SELECT raw_clear_sessions_unschedule('stuck')",
            "unscheduled",
        ),
    ];
    for (call, stop) in stops {
        owner.run(
            "SELECT raw_clear_sessions_schedule('stuck', '1 h', filter => 'public.slow()');
             SELECT raw_clear_sessions_resume('stuck'), raw_clear_sessions_run_now('stuck')",
        );
        wait_until_it_sleeps(&mut session);
        owner.run("SET ROLE stranger");
        assert_eq!(owner.refused(cancel), "42501");
        owner.run("SET ROLE owner");
        owner.run("BEGIN; SELECT raw_clear_sessions_suspend('stuck'); ROLLBACK");
        assert_eq!(session.runs("true"), 0, "{call}: it goes on");
        assert!(owner.yes(call), "{call}");
        session.wait_for_run(&format!("stop = '{stop}' AND error IS NULL"));
        assert!(!owner.yes(cancel), "{call}: there is no run any more");
        session.run("TRUNCATE raw_clear_sessions.history");
    }
    assert_goes_on(&mut session);
    assert_eq!(cluster.logged("CONTEXT:  automatic clearing"), 0);
}

#[test]
fn a_cancel_concerns_the_run_of_that_table_and_no_other() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = with_slow_function(&cluster, "app");
    create_sessions(&mut session, "other", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('other', '1 h')");
    session.wait_for_count("other", 10);
    stuck(&mut session, "");
    assert!(!session.yes("SELECT raw_clear_sessions_cancel('other')"));
    let mut elsewhere = with_slow_function(&cluster, "elsewhere");
    create_sessions(&mut elsewhere, "stuck", 100, 10);
    assert!(!elsewhere.yes("SELECT raw_clear_sessions_cancel('stuck')"));
    assert_eq!(session.runs("\"table\" = 'stuck'::regclass"), 0);
    assert!(session.yes("SELECT raw_clear_sessions_cancel('stuck')"));
    session.wait_for_run("stop = 'canceled'");
}

#[test]
fn a_statement_makes_way_for_a_session_that_waits_for_its_lock() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = with_slow_function(&cluster, "app");
    stuck(&mut session, "");
    run_soon(
        &mut session,
        "ALTER TABLE stuck ALTER session_data SET DEFAULT ''",
    );
    session.wait_for_run("stop = 'failed' AND sqlstate = '55006'");
    assert!(session.yes("SELECT next_start > now() FROM raw_clear_sessions.status WHERE \"table\" = 'stuck'::regclass"));
    session.run("SELECT raw_clear_sessions_run_now('stuck')");
    wait_until_it_sleeps(&mut session);
    run_soon(&mut session, "DROP TABLE stuck");
    assert_goes_on(&mut session);
}

#[test]
fn a_statement_makes_way_for_whoever_wants_the_database() {
    let cluster = Cluster::with_worker("*", &[]);
    let mut postgres = cluster.connect();
    let mut session = with_slow_function(&cluster, "app");
    stuck(&mut session, "");
    drop(session);
    run_soon(&mut postgres, "CREATE DATABASE copy TEMPLATE app");
    let mut session = cluster.connect_to("app");
    session.wait_for_run("stop = 'interrupted' AND sqlstate = '55006'");
    session.run("SELECT raw_clear_sessions_run_now('stuck')");
    wait_until_it_sleeps(&mut session);
    drop(session);
    run_soon(&mut postgres, "DROP DATABASE app");
}

#[test]
fn a_trigger_that_sleeps_is_ended_and_what_was_deleted_before_is_counted() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.batch_size", "10")]);
    let mut session = with_slow_function(&cluster, "app");
    create_sessions(&mut session, "stuck", 100, 10);
    session.run(
        "CREATE FUNCTION sleep() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN PERFORM pg_sleep(CASE OLD.session_key WHEN 'key50' THEN 3600 ELSE 0 END); RETURN OLD; END$$;
         CREATE TRIGGER t BEFORE DELETE ON stuck FOR EACH ROW EXECUTE FUNCTION sleep();
         SELECT raw_clear_sessions_schedule('stuck', '1 h')",
    );
    wait_until_it_sleeps(&mut session);
    assert!(session.yes("SELECT raw_clear_sessions_cancel('stuck')"));
    session.wait_for_run("stop = 'canceled' AND deleted > 0");
    let left = session.count("stuck");
    let deleted = session.number("SELECT deleted FROM raw_clear_sessions.run");
    assert_eq!(deleted, 100 - left);
    assert_eq!(
        session.number(
            "SELECT total_deleted FROM raw_clear_sessions.status WHERE \"table\" IS NOT NULL"
        ),
        deleted
    );
}

#[test]
fn a_function_that_catches_the_cancel_is_canceled_again() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    session.run(
        "CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql STABLE AS
             $$BEGIN
                 BEGIN PERFORM pg_sleep(3600); EXCEPTION WHEN query_canceled THEN NULL; END;
                 PERFORM pg_sleep(3600); RETURN true;
             END$$",
    );
    stuck(&mut session, "");
    assert!(session.yes("SELECT raw_clear_sessions_cancel('stuck')"));
    session.wait_for_run("stop = 'canceled'");
    add_expired(&mut session, "stuck", 1);
    assert_goes_on(&mut session);
}

#[test]
fn a_function_that_catches_every_cancel_is_ended_with_its_process_and_delays_no_other_table_for_long()
 {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    session.run(
        "CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql STABLE AS
             $$BEGIN
                 LOOP BEGIN PERFORM pg_sleep(3600); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP;
             END$$",
    );
    let pid = stuck(&mut session, ", max_duration => '1 s'");
    let ended = format!("pg_stat_activity WHERE pid = {pid}");
    session.wait_for_count(&ended, 0);
    session.wait_for_run(
        "stop = 'failed' AND sqlstate = '57014' AND error LIKE '%did not let itself be canceled'
         AND details ->> 'detail' = 'It was canceled because the run had used up its time.'",
    );
    assert_goes_on(&mut session);
    assert_eq!(session.count("stuck"), 100);
    let status = "SELECT failures = 1 AND next_start > last_start + interval '30 s'
         FROM raw_clear_sessions.status WHERE \"table\" = 'stuck'::regclass";
    assert!(session.yes(status));
}

#[test]
fn a_statement_is_not_ended_for_who_waits_for_all_transactions() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = with_slow_function(&cluster, "app");
    session.run("CREATE TABLE elsewhere (id integer)");
    stuck(&mut session, ", max_duration => '4 s'");
    let index = cluster
        .connect_to("app")
        .start("CREATE INDEX CONCURRENTLY ON elsewhere (id)");
    index.wait_for_lock_wait(&mut session);
    session.wait_for_run(OUT_OF_TIME);
    assert_eq!(session.runs("sqlstate = '55006'"), 0);
    index.finish().1.expect("the index is made");
}

#[test]
fn a_statement_is_not_ended_for_who_waited_for_an_earlier_workers() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = with_slow_function(&cluster, "app");
    stuck(&mut session, "");
    run_soon(&mut session, "ALTER TABLE stuck ADD COLUMN added text");
    session.run("SELECT raw_clear_sessions_unschedule('stuck'); DROP TABLE stuck");
    wait_until("the worker has ended", || session.workers().is_empty());
    // The next one is at the same transaction of its life.
    stuck(&mut session, ", max_duration => '3 s'");
    session.wait_for_run(OUT_OF_TIME);
}

#[test]
fn a_rewrite_is_ended_in_the_middle_of_its_indexes() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.rewrite_above", "0.5")]);
    let mut session = cluster.database("app").connect();
    // A function in an index that sleeps as soon as it is told to.
    session.run(
        "CREATE TABLE switch AS SELECT false AS is_on;
         CREATE FUNCTION key(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
             $$BEGIN IF (SELECT is_on FROM public.switch) THEN PERFORM pg_sleep(3600); END IF; RETURN $1; END$$",
    );
    create_sessions(&mut session, "stuck", 1000, 10);
    session.run(
        "CREATE INDEX ON stuck (public.key(session_key)); UPDATE switch SET is_on = true;
         SELECT raw_clear_sessions_schedule('stuck', '1 h')",
    );
    wait_until_it_sleeps(&mut session);
    let phase = "SELECT phase FROM raw_clear_sessions.progress";
    assert_eq!(session.text(phase), "rebuilding indexes");
    cluster.reload(&[("raw_clear_sessions.paused", "on")]);
    session.wait_for_run("stop = 'paused' AND deleted = 0");
    assert_eq!(session.count("stuck"), 1000);
}

/// A cluster where VACUUM takes a tenth of a second for a page, and the clearing goes as fast as it can.
fn with_slow_vacuum() -> Cluster {
    let settings = [
        ("raw_clear_sessions.vacuum", "on"),
        ("raw_clear_sessions.cost_limit", "0"),
        ("raw_clear_sessions.cost_delay", "100"),
        ("vacuum_cost_limit", "1"),
    ];
    Cluster::with_worker("*", &settings)
}

fn wait_for_vacuum(cluster: &Cluster, name: &str) -> Session {
    let mut session = cluster.database(name).connect();
    create_sessions(&mut session, "django_session", 20_000, 10);
    wait_until("the worker vacuums", || {
        session.count("raw_clear_sessions.progress WHERE phase = 'vacuuming'") > 0
    });
    session
}

#[test]
fn a_vacuum_makes_way_for_whoever_wants_the_table_or_the_database() {
    let cluster = with_slow_vacuum();
    let mut postgres = cluster.connect();
    let mut session = wait_for_vacuum(&cluster, "app");
    run_soon(
        &mut session,
        "ALTER TABLE django_session ADD COLUMN added text",
    );
    session.wait_for_run("stop = 'done' AND deleted = 18000 AND NOT details ? 'vacuumed'");
    let session = wait_for_vacuum(&cluster, "dropped");
    drop(session);
    run_soon(&mut postgres, "DROP DATABASE dropped");
    let session = wait_for_vacuum(&cluster, "original");
    drop(session);
    run_soon(&mut postgres, "CREATE DATABASE copy TEMPLATE original");
    assert_eq!(cluster.logged("ERROR"), 0);
}

#[test]
fn a_vacuum_ends_with_the_runs_time_and_when_the_worker_is_paused() {
    let cluster = with_slow_vacuum();
    let mut session = wait_for_vacuum(&cluster, "app");
    cluster.reload(&[
        ("raw_clear_sessions.paused", "on"),
        ("raw_clear_sessions.max_run_time", "2 s"),
    ]);
    session.wait_for_run("stop = 'done' AND deleted = 18000 AND NOT details ? 'vacuumed'");
    add_expired(&mut session, "django_session", 10_000);
    cluster.reload(&[("raw_clear_sessions.paused", "off")]);
    session.wait_for_run("deleted = 10000 AND NOT details ? 'vacuumed'");
    assert_eq!(cluster.logged("ERROR"), 0);
}
