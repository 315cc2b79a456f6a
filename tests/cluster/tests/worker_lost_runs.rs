//! A run that ends its worker's process fails: it is in the history, its table backs off, and no other table waits for it.

use cluster::{Cluster, Session, add_expired, create_sessions, wait_for_end, wait_until};

/// A table whose filter ends the process with an error, and its policy.
fn schedule_ender(session: &mut Session, table: &str, body: &str) {
    create_sessions(session, table, 100, 10);
    session.run(&format!(
        "CREATE FUNCTION {table}_filter() RETURNS boolean LANGUAGE plpgsql STABLE AS $$BEGIN {body} RETURN true; END$$;
         SELECT raw_clear_sessions_schedule('{table}', '1 s', filter => 'public.{table}_filter()')"
    ));
}

fn assert_failed(session: &mut Session, table: &str, sqlstate: &str, error: &str) {
    let of_table = format!("\"table\" = '{table}'::regclass");
    session.wait_for_run(&format!("{of_table} AND ended IS NOT NULL"));
    let run = session.text(&format!(
        "SELECT concat_ws('|', stop, sqlstate, error, deleted, details ->> 'detail')
         FROM raw_clear_sessions.run WHERE {of_table} ORDER BY id LIMIT 1"
    ));
    let detail = "The worker's process ended with it, while it was at this table.";
    assert_eq!(run, format!("failed|{sqlstate}|{error}|0|{detail}"));
    let status = session.text(&format!(
        "SELECT concat_ws('|', failures > 0, last_stop, last_sqlstate, last_error, next_start > last_start + interval '30 s')
         FROM raw_clear_sessions.status WHERE {of_table}"
    ));
    assert_eq!(status, format!("t|failed|{sqlstate}|{error}|t"));
    assert_eq!(session.count(table), 100);
}

const FAILING: &str = "raw_clear_sessions.status WHERE note LIKE '%fails in this database%'";

#[test]
fn a_run_that_ends_its_process_fails_and_the_other_tables_go_on() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    let exit = "PERFORM set_config('exit_on_error', 'on', false);";
    schedule_ender(&mut session, "raises", &format!("{exit} RAISE 'bye';"));
    let isolation =
        format!("{exit} PERFORM set_config('transaction_isolation', 'serializable', false);");
    schedule_ender(&mut session, "sets", &isolation);
    create_sessions(&mut session, "other", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('other', '1 s')");
    session.wait_for_count("other", 10);
    assert_failed(&mut session, "raises", "P0001", "bye");
    let message = "SET TRANSACTION ISOLATION LEVEL must be called before any query";
    assert_failed(&mut session, "sets", "25001", message);
    assert_eq!(session.count(FAILING), 0);
    // Each ends a worker once, and has others go on until its next turn.
    session.run("INSERT INTO other SELECT 'new' || i, '', now() - interval '1 day' FROM generate_series(1, 10) AS i");
    session.wait_for_count("other", 10);
    let runs = "raw_clear_sessions.run WHERE \"table\" IN ('raises'::regclass, 'sets'::regclass)";
    assert_eq!(session.count(runs), 2);
    cluster.wait_for_log("CONTEXT:  automatic clearing of table \"app.public.raises\"");
}

#[test]
fn a_run_that_ends_its_process_after_batches_is_one_row_with_what_they_have_deleted() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.batch_size", "10")]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "ender", 100, 10);
    session.run(
        "CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
             IF OLD.session_key = 'key50' THEN
                 PERFORM set_config('exit_on_error', 'on', false); RAISE 'bye';
             END IF;
             RETURN OLD;
         END$$;
         CREATE TRIGGER t BEFORE DELETE ON ender FOR EACH ROW EXECUTE FUNCTION die();
         SELECT raw_clear_sessions_schedule('ender', '1 h')",
    );
    session.wait_for_run("ended IS NOT NULL");
    let run = session.text(
        "SELECT concat_ws('|', stop, sqlstate, error, deleted > 0,
             deleted = (SELECT 100 - count(*) FROM ender), deleted = s.total_deleted, s.failures)
         FROM raw_clear_sessions.run AS r JOIN raw_clear_sessions.status AS s ON s.\"table\" = r.\"table\"",
    );
    assert_eq!(run, "failed|P0001|bye|t|t|t|1");
    assert_eq!(session.count("raw_clear_sessions.run"), 1);
    // Workers look every ten seconds for runs that are not recorded.
    create_sessions(&mut session, "other", 10, 10);
    session.run("SELECT raw_clear_sessions_schedule('other', '1 s')");
    session.wait_for_ends("other", 12);
    assert_eq!(
        session.count("raw_clear_sessions.status WHERE failures = 1"),
        1
    );
}

#[test]
fn a_worker_that_somebody_terminates_is_no_failure_and_comes_back_soon() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    schedule_ender(&mut session, "slow", "PERFORM pg_sleep(3600);");
    let mut workers = Vec::new();
    wait_until("a worker is in the function that sleeps", || {
        workers = session.workers();
        session.count("pg_stat_activity WHERE wait_event = 'PgSleep'") > 0
    });
    create_sessions(&mut session, "other", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('other', '1 s')");
    assert!(session.yes(&format!("SELECT pg_terminate_backend({})", workers[0])));
    wait_for_end(workers[0]);
    let mut fails = false;
    wait_until("the other table is cleared", || {
        fails |= session.count(FAILING) > 0;
        session.count("other") == 10
    });
    assert!(!fails, "a worker that was terminated has not failed");
    let slow = "\"table\" = 'slow'::regclass";
    assert_eq!(session.runs(&format!("{slow} AND stop = 'failed'")), 0);
    assert_eq!(
        session.count(&format!(
            "raw_clear_sessions.status WHERE {slow} AND failures > 0"
        )),
        0
    );
}

/// What the worker cannot write down is no reason to leave the other tables alone, nor to run the table again.
#[test]
fn a_table_whose_run_ended_its_process_and_cannot_be_recorded_is_left_alone_and_no_other() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    session.run(
        "ALTER TABLE raw_clear_sessions.history ADD CONSTRAINT no CHECK (stop IS DISTINCT FROM 'failed')",
    );
    create_sessions(&mut session, "other", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('other', '1 s')");
    session.wait_for_count("other", 10);
    let exit = "PERFORM set_config('exit_on_error', 'on', false); RAISE 'bye';";
    schedule_ender(&mut session, "ender", exit);
    let cannot = "violates check constraint \"no\"";
    cluster.wait_for_log(cannot);
    for _ in 0..5 {
        add_expired(&mut session, "other", 10);
        session.wait_for_count("other", 10);
    }
    assert_eq!(cluster.logged("FATAL:  bye"), 1);
    session.run("ALTER TABLE raw_clear_sessions.history DROP CONSTRAINT no");
    assert_failed(&mut session, "ender", "P0001", "bye");
}
