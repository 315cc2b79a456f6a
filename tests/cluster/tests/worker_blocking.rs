//! A statement of one table's run that takes for ever keeps the other tables, and the other databases, waiting for no longer
//! than `blocking_timeout`.

use cluster::{Cluster, Session, add_expired, create_sessions, wait_until};

const TIMEOUT: (&str, &str) = ("raw_clear_sessions.blocking_timeout", "1 s");

/// Or others would be cleared by another worker.
const ALONE: (&str, &str) = ("raw_clear_sessions.max_workers", "1");

const SLEEPS: &str = "PERFORM pg_sleep(3600);";

/// As long as the table of the setting has a row.
const SLEEPS_IF_TOLD: &str =
    "IF EXISTS (SELECT FROM public.switch) THEN PERFORM pg_sleep(3600); END IF;";

/// What catches every cancel.
const SWALLOWS: &str =
    "LOOP BEGIN PERFORM pg_sleep(3600); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP;";

/// A database with two owners: mallory's table `stuck`, which is not scheduled, and alice's `quick`, which is due every second.
fn with_two_owners(cluster: &Cluster, slow: &str) -> Session {
    let mut session = cluster.database("app").connect();
    session.run(&format!(
        "CREATE TABLE switch ();
         CREATE ROLE alice; CREATE ROLE mallory; GRANT CREATE ON SCHEMA public TO alice, mallory;
         GRANT SELECT ON switch TO PUBLIC;
         CREATE FUNCTION slow() RETURNS boolean LANGUAGE plpgsql STABLE AS $$BEGIN {slow} RETURN true; END$$"
    ));
    session.run("SET ROLE alice");
    create_sessions(&mut session, "quick", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('quick', '1 s'); SET ROLE mallory");
    create_sessions(&mut session, "stuck", 100, 10);
    session.run("RESET ROLE");
    session.wait_for_count("quick", 10);
    session
}

/// Schedules mallory's table, and waits until a run of it is in the function that sleeps.
fn stuck(session: &mut Session, more: &str) {
    schedule_stuck(session, more);
    wait_until_it_sleeps(session);
}

fn schedule_stuck(session: &mut Session, more: &str) {
    session.run(&format!(
        "SET ROLE mallory;
         SELECT raw_clear_sessions_schedule('stuck', '1 h', filter => 'public.slow()'{more});
         SELECT raw_clear_sessions_run_now('stuck');
         RESET ROLE"
    ));
}

fn wait_until_it_sleeps(session: &mut Session) {
    wait_until("the worker is in the function that sleeps", || {
        session.yes(
            "SELECT EXISTS (SELECT FROM pg_stat_activity AS a JOIN raw_clear_sessions.progress AS p ON p.pid = a.pid
             WHERE p.\"table\" = 'stuck'::regclass AND a.wait_event = 'PgSleep')",
        )
    });
}

fn assert_goes_on(session: &mut Session) {
    add_expired(session, "quick", 5);
    session.wait_for_count("quick", 10);
}

const FAILED: &str =
    "\"table\" = 'stuck'::regclass AND stop = 'failed' AND sqlstate = '57014' AND deleted = 0";

fn assert_backs_off(session: &mut Session) {
    assert!(session.yes(
        "SELECT failures = 1 AND last_sqlstate = '57014' AND next_start > last_start + interval '30 s'
         FROM raw_clear_sessions.status WHERE \"table\" = 'stuck'::regclass"
    ));
}

#[test]
fn a_statement_that_keeps_another_owners_table_waiting_is_ended_and_its_run_has_failed() {
    let cluster = Cluster::with_worker("app", &[TIMEOUT, ALONE]);
    let mut session = with_two_owners(&cluster, SLEEPS);
    stuck(&mut session, "");
    assert_goes_on(&mut session);
    session.wait_for_run(&format!(
        "{FAILED} AND error LIKE '%other tables or databases had waited%'"
    ));
    assert_backs_off(&mut session);
    assert_eq!(
        cluster.logged("CONTEXT:  automatic clearing of table \"app.public.stuck\""),
        1
    );
    assert_eq!(session.count("stuck"), 100);
    assert_eq!(
        session.runs("\"table\" = 'quick'::regclass AND error IS NOT NULL"),
        0
    );
}

#[test]
fn a_statement_that_catches_every_cancel_keeps_another_owners_table_waiting_for_a_little_longer() {
    let cluster = Cluster::with_worker("app", &[TIMEOUT, ALONE]);
    let mut session = with_two_owners(&cluster, SWALLOWS);
    stuck(&mut session, "");
    assert_goes_on(&mut session);
    session.wait_for_run(&format!(
        "{FAILED} AND details ->> 'detail' = 'It was canceled because other tables or databases had waited for too long.'"
    ));
    assert_backs_off(&mut session);
}

#[test]
fn a_statement_is_ended_for_a_table_that_was_scheduled_since_it_began() {
    let cluster = Cluster::with_worker("app", &[TIMEOUT, ALONE]);
    let mut session = with_two_owners(&cluster, SLEEPS);
    session.run("SELECT raw_clear_sessions_unschedule('quick')");
    stuck(&mut session, "");
    session.run("SELECT raw_clear_sessions_schedule('quick', '1 s')");
    assert_goes_on(&mut session);
    session.wait_for_run(FAILED);
}

#[test]
fn a_statement_is_ended_for_a_table_that_had_its_turn_just_before_and_is_due_again() {
    let cluster = Cluster::with_worker("app", &[TIMEOUT, ALONE]);
    let mut session = with_two_owners(&cluster, SLEEPS_IF_TOLD);
    session.run(
        "SELECT raw_clear_sessions_unschedule('quick');
         SELECT raw_clear_sessions_schedule('stuck', '1 h', filter => 'public.slow()')",
    );
    session.wait_for_count("stuck", 10);
    cluster.pause(&mut session);
    // Both are due, and it is the turn of alice, who has waited for longer.
    session.run(
        "INSERT INTO switch DEFAULT VALUES; SELECT raw_clear_sessions_schedule('quick', '1 s')",
    );
    add_expired(&mut session, "quick", 5);
    add_expired(&mut session, "stuck", 5);
    session.run("SELECT raw_clear_sessions_run_now('stuck')");
    wait_until("both are due", || {
        session.count("raw_clear_sessions.status WHERE next_start <= now()") == 2
    });
    cluster.resume();
    wait_until_it_sleeps(&mut session);
    assert_eq!(session.count("quick"), 10);
    assert_goes_on(&mut session);
    session.wait_for_run(FAILED);
}

#[test]
fn a_statement_is_ended_for_another_database() {
    let cluster = Cluster::with_worker("*", &[TIMEOUT, ALONE]);
    let mut session = with_two_owners(&cluster, SLEEPS);
    session.run("SELECT raw_clear_sessions_unschedule('quick')");
    stuck(&mut session, "");
    let mut other = cluster.database("other").connect();
    create_sessions(&mut other, "django_session", 100, 10);
    other.wait_for_count("django_session", 10);
    session.wait_for_run(FAILED);
}

#[test]
fn a_statement_goes_on_that_keeps_nobody_waiting_or_for_whose_end_others_are_to_wait() {
    let cluster = Cluster::with_worker("app", &[TIMEOUT, ALONE]);
    let mut session = with_two_owners(&cluster, SLEEPS);
    let ended = "\"table\" = 'stuck'::regclass AND error LIKE '%time was over before%'";
    // A worker that begins while a policy is being changed cannot know that it keeps nobody waiting.
    cluster.pause(&mut session);
    session.run("SELECT raw_clear_sessions_schedule('quick', '1 h')");
    schedule_stuck(&mut session, ", max_duration => '5 s'");
    cluster.resume();
    wait_until_it_sleeps(&mut session);
    session.wait_for_run(ended);
    session.run(
        "TRUNCATE raw_clear_sessions.history; SELECT raw_clear_sessions_schedule('quick', '1 s')",
    );
    cluster.reload(&[("raw_clear_sessions.blocking_timeout", "0")]);
    session.wait_for_ends("quick", 1);
    stuck(&mut session, ", max_duration => '5 s'");
    session.wait_for_run(ended);
    assert_eq!(
        session.runs("error LIKE '%other tables or databases had waited%'"),
        0
    );
    assert_goes_on(&mut session);
}

#[test]
fn a_rewrite_is_given_up_for_tables_that_wait_and_the_rows_are_deleted() {
    let cluster = Cluster::with_worker("app", &[TIMEOUT, ALONE]);
    let mut session = with_two_owners(&cluster, SLEEPS_IF_TOLD);
    session.run(
        "CREATE FUNCTION key(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
             $$BEGIN PERFORM public.slow(); RETURN $1; END$$;
         CREATE INDEX ON stuck (public.key(session_key));
         INSERT INTO switch DEFAULT VALUES;
         SELECT raw_clear_sessions_schedule('stuck', '1 h', rewrite_above => 0.5)",
    );
    wait_until_it_sleeps(&mut session);
    assert_goes_on(&mut session);
    session.wait_for_run(
        "\"table\" = 'stuck'::regclass AND stop = 'done' AND deleted = 90
         AND details ->> 'rewrite' LIKE '%other tables or databases had waited%'",
    );
    assert_eq!(session.count("stuck"), 10);
}

#[test]
fn a_vacuum_is_given_up_for_tables_that_wait() {
    // For each page a tenth of a second, for a deletion none.
    let settings = [
        TIMEOUT,
        ALONE,
        ("raw_clear_sessions.vacuum", "on"),
        ("raw_clear_sessions.cost_limit", "0"),
        ("raw_clear_sessions.cost_delay", "100"),
        ("vacuum_cost_limit", "1"),
    ];
    let cluster = Cluster::with_worker("app", &settings);
    let mut session = with_two_owners(&cluster, SLEEPS);
    create_sessions(&mut session, "large", 20_000, 10);
    session.run("SELECT raw_clear_sessions_schedule('large', '1 h')");
    wait_until("the worker vacuums", || {
        session.count("raw_clear_sessions.progress WHERE phase = 'vacuuming'") > 0
    });
    assert_goes_on(&mut session);
    session.wait_for_run("stop = 'done' AND deleted = 18000 AND NOT details ? 'vacuumed'");
    assert_eq!(cluster.logged("ERROR"), 0);
}

/// A match of long patterns checks for no interrupts: not even the end of the process ends it.
/// Schedules both tables of mallory's with a filter that checks for no interrupts, and takes for ever.
fn schedule_what_nothing_ends(session: &mut Session) {
    for table in ["stuck", "other"] {
        session.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}', '1 s',
                 filter => 'repeat(session_data, 2000000) LIKE ''%'' || repeat(session_data, 1000000) || ''b%''')"
        ));
    }
}

#[test]
fn a_statement_that_nothing_ends_keeps_its_owners_tables_waiting_and_nobody_elses() {
    let cluster = Cluster::with_worker("app", &[TIMEOUT, ALONE]);
    let mut session = with_two_owners(&cluster, SLEEPS);
    session.run("SET ROLE mallory");
    create_sessions(&mut session, "other", 100, 10);
    schedule_what_nothing_ends(&mut session);
    session.run("RESET ROLE");
    cluster.wait_for_log("does not react, and others go on without it");
    for _ in 0..2 {
        assert_goes_on(&mut session);
    }
    let deaf =
        "raw_clear_sessions.status WHERE note LIKE 'process % does not react%' AND pid IS NOT NULL";
    assert_eq!(session.count(deaf), 1);
    let waits = "raw_clear_sessions.status WHERE \"table\" = ANY ('{stuck,other}'::regclass[]) AND pid IS NULL AND waits_for LIKE 'process % does not react%'";
    assert_eq!(session.count(waits), 1);
}

/// The place of a worker that does not react is another one's, also beside one that is busy.
#[test]
fn a_worker_comes_in_the_place_of_one_that_nothing_ends() {
    let two = ("raw_clear_sessions.max_workers", "2");
    let patient = ("raw_clear_sessions.blocking_timeout", "1 h");
    let cluster = Cluster::with_worker("app", &[two, patient]);
    let mut session = with_two_owners(&cluster, SLEEPS);
    session.run("CREATE ROLE eve; SET ROLE mallory");
    create_sessions(&mut session, "other", 100, 10);
    session.run("RESET ROLE; ALTER TABLE other OWNER TO eve");
    schedule_what_nothing_ends(&mut session);
    let busy = "raw_clear_sessions.progress WHERE \"table\" = ANY ('{stuck,other}'::regclass[])";
    wait_until("both workers are busy", || session.count(busy) == 2);
    assert!(session.yes("SELECT raw_clear_sessions_cancel('stuck')"));
    cluster.wait_for_log("does not react, and others go on without it");
    for _ in 0..2 {
        assert_goes_on(&mut session);
    }
}

/// As many roles as somebody may act for do not use up the background workers of the server.
#[test]
fn no_more_workers_are_started_than_as_many_again_as_do_not_react() {
    let cluster = Cluster::with_worker("app", &[TIMEOUT, ALONE]);
    let mut session = with_two_owners(&cluster, SLEEPS);
    session.run("CREATE ROLE eve; SET ROLE mallory");
    create_sessions(&mut session, "other", 100, 10);
    session.run("RESET ROLE; ALTER TABLE other OWNER TO eve");
    schedule_what_nothing_ends(&mut session);
    // One after the other, each after twenty seconds.
    cluster.wait_for_log("does not react, and others go on without it");
    cluster.wait_for_log("2 processes of the worker do not react, and no more are started");
    add_expired(&mut session, "quick", 10);
    session.run("SELECT raw_clear_sessions_run_now('quick')");
    let notes = "raw_clear_sessions.status WHERE note LIKE '2 processes of the worker do not react, and no more are started%'";
    assert_eq!(session.count(notes), 1);
    assert_eq!(session.workers().len(), 2);
    assert_eq!(session.count("quick"), 20);
    cluster.reload(&[("raw_clear_sessions.max_workers", "2")]);
    assert_goes_on(&mut session);
}
