//! What the worker's runs do to the tables, to each other, and what they leave behind.

use cluster::{
    Cluster, Database, EXPIRED, FAST, SLOW, Session, add_expired, anonymous_memory,
    create_sessions, wait_until,
};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

const MIB: u64 = 1024 * 1024;

/// Only policies count, whose schedules are their own.
const POLICIES_ONLY: [(&str, &str); 4] = [
    ("raw_clear_sessions.tables", ""),
    ("raw_clear_sessions.cost_delay", "0"),
    ("raw_clear_sessions.max_workers", "8"),
    ("max_worker_processes", "16"),
];

fn with(settings: &[(&str, &str)]) -> Cluster {
    Cluster::with_worker("*", &[&POLICIES_ONLY, settings].concat())
}

fn shared(name: &str) -> (Database<'static>, Session) {
    static SHARED: LazyLock<Cluster> = LazyLock::new(|| with(&[]));
    let database = SHARED.database(name);
    let session = database.connect();
    (database, session)
}

/// Makes a table of sessions, with a row trigger of this body, and a policy to clear it every second.
fn create_with_trigger(session: &mut Session, table: &str, rows: u32, body: &str, limits: &str) {
    create_sessions(session, table, rows, 10);
    session.run(&format!(
        "CREATE FUNCTION {table}_trigger() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body}; RETURN OLD; END $$;
         CREATE TRIGGER t BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_trigger();
         SELECT raw_clear_sessions_schedule('{table}', '1 s' {limits})"
    ));
}

fn schedule(session: &mut Session, table: &str) {
    session.run(&format!(
        "SELECT raw_clear_sessions_schedule('{table}', '1 s')"
    ));
}

/// Which runs of a table have ended.
fn ended(table: &str) -> String {
    format!("\"table\" = '{table}'::regclass AND ended IS NOT NULL")
}

fn wait_for_runs(session: &mut Session, table: &str, more: i64) {
    session.wait_for_ends(table, more);
}

fn status(session: &mut Session, table: &str, what: &str) -> String {
    session.text(&format!(
        "SELECT coalesce(({what})::text, '') FROM raw_clear_sessions.status WHERE \"table\" = '{table}'::regclass"
    ))
}

/// Waits until the deleted rows of a table are known to the statistics system.
fn wait_for_statistics(session: &mut Session, condition: &str) {
    wait_until(&format!("the statistics say {condition}"), || {
        session.yes(&format!(
            "SELECT EXISTS (SELECT FROM pg_stat_user_tables WHERE relname = 'django_session' AND {condition})"
        ))
    });
}

#[test]
fn a_table_that_always_fails_is_left_alone_for_longer_and_holds_up_no_other() {
    let (_database, mut session) = shared("failing");
    create_sessions(&mut session, "working", 100, 10);
    schedule(&mut session, "working");
    create_with_trigger(
        &mut session,
        "broken",
        100,
        "RAISE EXCEPTION 'not today' USING ERRCODE = '23514', HINT = 'try tomorrow'",
        "",
    );
    session.wait_for_run("stop = 'left_out'");
    wait_for_runs(&mut session, "working", 3);
    assert_eq!(session.runs(&ended("broken")), 1);
    let failure =
        "could not delete 90 expired rows of table \"broken\", the first at ctid (0,2): not today";
    assert_eq!(
        status(
            &mut session,
            "broken",
            "failures, last_stop, last_error, last_sqlstate"
        ),
        format!("(1,left_out,\"{}\",23514)", failure.replace('"', "\"\""))
    );
    assert_eq!(
        status(
            &mut session,
            "broken",
            "next_start - last_start BETWEEN '50 s' AND '70 s'"
        ),
        "true"
    );
    assert_eq!(status(&mut session, "broken", "last_success"), "");
    assert_eq!(
        status(&mut session, "working", "failures, next_start - last_start"),
        "(0,00:00:01)"
    );
    assert!(session.yes("SELECT details ->> 'hint' = 'try tomorrow' FROM raw_clear_sessions.run WHERE stop = 'left_out'"));
    assert_eq!(session.count("broken"), 100);
    session.run("UPDATE raw_clear_sessions.policy SET changed = changed - interval '1 day'");
    // Once more, as if a minute had passed: the delay doubles.
    session.run("UPDATE raw_clear_sessions.state SET last_start = last_start - interval '2 min', last_end = last_end - interval '2 min' WHERE failures > 0");
    wait_until("it has failed again", || {
        session.runs("stop = 'left_out'") == 2
    });
    assert_eq!(status(&mut session, "broken", "failures"), "2");
    assert_eq!(
        status(
            &mut session,
            "broken",
            "next_start - last_start BETWEEN '100 s' AND '140 s'"
        ),
        "true"
    );
    // Repaired, it is as before.
    session.run(
        "DROP TRIGGER t ON broken;
         UPDATE raw_clear_sessions.state SET last_start = last_start - interval '1 h', last_end = last_end - interval '1 h' WHERE failures > 0",
    );
    session.wait_for_count("broken", 10);
    wait_for_runs(&mut session, "broken", 1);
    assert_eq!(
        status(&mut session, "broken", "failures, last_error"),
        format!("(0,\"{}\")", failure.replace('"', "\"\""))
    );
    // Each failure is a line in the log.
    assert_eq!(session.runs("stop = 'left_out'"), 2);
    assert_eq!(_database.cluster().logged(&format!("ERROR:  {failure}")), 2);
}

#[test]
fn a_locked_row_is_skipped_and_reached_when_it_is_free() {
    let (database, mut session) = shared("locked_row");
    create_sessions(&mut session, "django_session", 100, 10);
    let mut holder = database.connect();
    holder.run("BEGIN; SELECT FROM django_session WHERE session_key = 'key2' FOR UPDATE");
    schedule(&mut session, "django_session");
    session.wait_for_count("django_session", 11);
    wait_for_runs(&mut session, "django_session", 3);
    assert_eq!(session.runs("stop <> 'done' OR skipped <> 1"), 0);
    assert_eq!(session.count("django_session"), 11);
    holder.run("COMMIT");
    session.wait_for_count("django_session", 10);
}

#[test]
fn a_locked_table_is_not_waited_for_longer_than_lock_timeout() {
    let (database, mut session) = shared("locked_table");
    create_sessions(&mut session, "django_session", 100, 10);
    create_sessions(&mut session, "another", 100, 10);
    let mut holder = database.connect();
    holder.run("BEGIN; LOCK TABLE django_session");
    session.run("SET lock_timeout = 0; SET raw_clear_sessions.lock_timeout = '50ms'");
    assert_eq!(
        session.refused("CALL raw_clear_sessions_in_batches('django_session')"),
        "55P03"
    );
    // The session's own counts where it is shorter.
    session.run("SET lock_timeout = '50ms'; SET raw_clear_sessions.lock_timeout = '1h'");
    assert_eq!(
        session.refused("CALL raw_clear_sessions_in_batches('django_session')"),
        "55P03"
    );
    session.run("RESET lock_timeout; RESET raw_clear_sessions.lock_timeout");
    holder.run("ROLLBACK");
    schedule(&mut session, "django_session");
    schedule(&mut session, "another");
    session.wait_for_count("django_session", 10);
    add_expired(&mut session, "django_session", 5);
    holder.run("BEGIN; LOCK TABLE django_session");
    session.wait_for_run("sqlstate = '55P03'");
    wait_for_runs(&mut session, "another", 2);
    assert_eq!(session.runs("stop = 'failed'"), 1);
    holder.run("ROLLBACK");
}

#[test]
fn two_clearings_of_one_table_never_overlap() {
    let (database, mut session) = shared("overlap");
    // Each row that is deleted notes who is at work, and stays at it for a while.
    let note = "INSERT INTO public.log VALUES (pg_backend_pid(), clock_timestamp()); PERFORM pg_sleep(0.02)";
    session.run("CREATE TABLE log (pid integer, at timestamptz)");
    create_with_trigger(&mut session, "django_session", 0, note, ", batch_size => 5");
    wait_for_runs(&mut session, "django_session", 1);
    // A call in a session while the worker is due again and again.
    session.run("BEGIN");
    add_expired(&mut session, "django_session", 200);
    session.run("COMMIT");
    wait_until("the worker is at it", || session.count("log") > 0);
    assert_eq!(
        session.refused("SELECT raw_clear_sessions('django_session')"),
        "55P03"
    );
    assert_eq!(
        session.refused("CALL raw_clear_sessions_in_batches('django_session')"),
        "55P03"
    );
    session.wait_for_count("django_session", 0);
    wait_for_runs(&mut session, "django_session", 1);
    assert_eq!(session.runs("stop <> 'done'"), 0);
    // The other way round.
    session.run("SELECT raw_clear_sessions_unschedule('django_session'); TRUNCATE log");
    wait_until("no run is left", || session.runs("ended IS NULL") == 0);
    add_expired(&mut session, "django_session", 200);
    let call = database
        .connect()
        .start("CALL raw_clear_sessions_in_batches('django_session', batch_size => 5)");
    wait_until("the session is at it", || session.count("log") > 0);
    let last = session.number("SELECT max(id) FROM raw_clear_sessions.run");
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 s')");
    wait_until("the worker has tried", || {
        session.runs(&format!(
            "ended IS NOT NULL AND id > {last} AND caller IS NULL"
        )) > 0
    });
    assert_eq!(call.value(), "200");
    assert_eq!(session.number("SELECT count(DISTINCT pid) FROM log"), 1);
    // One run says why it could not; it is not tried all the time.
    assert_eq!(session.runs("sqlstate = '55P03'"), 1);
    assert_eq!(session.runs(&format!("id > {last} AND caller IS NULL")), 1);
}

#[test]
fn ten_thousand_batches_leave_the_workers_memory_flat() {
    let (_database, mut session) = shared("memory");
    for (table, trigger) in [("by_raw", false), ("by_sql", true)] {
        // One row fills a block, and so a batch.
        create_sessions(&mut session, table, 0, 11);
        session.run(&format!(
            "ALTER TABLE {table} ALTER session_data SET STORAGE PLAIN;
             INSERT INTO {table} SELECT i, repeat('x', 7000), {EXPIRED} FROM generate_series(1, 10000) AS i;
             ANALYZE {table}"
        ));
        if trigger {
            session.run(
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';
                CREATE TRIGGER t BEFORE DELETE ON by_sql FOR EACH ROW EXECUTE FUNCTION f()",
            );
        }
        session.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}', '1 day', batch_size => 1)"
        ));
        let early = format!(
            "SELECT coalesce(max(pid), 0) FROM raw_clear_sessions.progress WHERE \"table\" = '{table}'::regclass AND batches > 20"
        );
        let mut pid: i32 = 0;
        wait_until("the worker is at it", || {
            pid = session.value(&early);
            pid != 0
        });
        let before = anonymous_memory(pid).expect("the worker is running");
        let mut most = before;
        wait_until("the run ends", || {
            most = most.max(anonymous_memory(pid).unwrap_or_default());
            session.runs(&ended(table)) == 1
        });
        let batches = session.number(&format!(
            "SELECT batches FROM raw_clear_sessions.run WHERE {}",
            ended(table)
        ));
        eprintln!("{table}: {batches} batches, {before} bytes, at most {most}");
        assert_eq!(session.count(table), 0);
        assert!(batches > 9_900, "{batches} batches");
        assert!(most - before < 10 * MIB, "{} bytes more", most - before);
    }
}

#[test]
fn a_run_leaves_its_details_and_statistics() {
    let (_database, mut session) = shared("details");
    create_sessions(&mut session, "django_session", 1000, 10);
    wait_for_statistics(&mut session, "n_dead_tup = 0 AND n_tup_ins = 1000");
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 day', batch_size => 100)");
    session.wait_for_run("stop = 'done'");
    // Autovacuum and autoanalyze would see it.
    wait_for_statistics(
        &mut session,
        "n_dead_tup = 900 AND n_tup_del = 900 AND n_mod_since_analyze >= 900",
    );
    assert_eq!(
        session.texts("SELECT jsonb_object_keys(details) FROM raw_clear_sessions.run ORDER BY 1"),
        [
            "buffers_dirtied",
            "buffers_hit",
            "buffers_read",
            "elapsed_ms",
            "expired_left",
            "policy",
            "wal_bytes"
        ]
    );
    assert!(session.yes(
        "SELECT (details -> 'wal_bytes')::bigint > 900 * 40 AND (details -> 'buffers_hit')::bigint > 0
             AND (details -> 'elapsed_ms')::bigint < 60000 AND jsonb_typeof(details -> 'policy') = 'object'
             AND deleted = 900 AND skipped = 0 AND batches > 1 AND ended > started AND error IS NULL
         FROM raw_clear_sessions.run"
    ));
}

#[test]
fn the_progress_of_a_paced_run_is_seen() {
    let cluster = with(&SLOW);
    let database = cluster.database("paced");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 5000, 10);
    schedule(&mut session, "django_session");
    let pid = session.wait_for_busy_worker("django_session");
    let progress = |session: &mut Session, what: &str| -> f64 {
        session.value(&format!(
            "SELECT coalesce(max({what}), 0)::float8 FROM raw_clear_sessions.progress"
        ))
    };
    let percent = "100.0 * blocks_done / blocks_total";
    let first = [percent, "deleted", "batches"].map(|what| progress(&mut session, what));
    cluster.reload(&[("raw_clear_sessions.cost_delay", "5")]);
    wait_until("it gets on", || {
        [percent, "deleted", "batches"]
            .map(|what| progress(&mut session, what))
            .iter()
            .zip(first)
            .all(|(now, then)| *now > then)
    });
    assert!(session.yes(
        "SELECT phase = 'scanning heap' AND leaf = \"table\" AND blocks_done <= blocks_total AND skipped = 0
             AND percent = trunc(100.0 * blocks_done / blocks_total, 1) AND estimated_end > started
         FROM raw_clear_sessions.progress"
    ));
    assert_eq!(
        status(&mut session, "django_session", "pid"),
        pid.to_string()
    );
    assert_eq!(
        session.text(&format!(
            "SELECT application_name || ': ' || query FROM pg_stat_activity WHERE pid = {pid}"
        )),
        "raw_clear_sessions: raw_clear_sessions: clearing public.django_session"
    );
    cluster.reload(&FAST);
    session.wait_for_count("django_session", 500);
    wait_until("nothing is in progress", || {
        session.count("raw_clear_sessions.progress") == 0
    });
}

#[test]
fn the_procedure_goes_at_the_pace_of_its_session() {
    let (database, mut session) = shared("pace");
    create_sessions(&mut session, "django_session", 5000, 10);
    let mut caller = database.connect();
    let slow: Vec<String> = SLOW
        .iter()
        .map(|(name, value)| format!("SET {name} = {value}"))
        .collect();
    caller.run(&slow.join("; "));
    let running = caller.start("CALL raw_clear_sessions_in_batches('django_session')");
    let pid = session.wait_for_busy_worker("django_session");
    assert_eq!(pid, running.pid());
    running.cancel();
    let (mut caller, outcome) = running.finish();
    assert_eq!(cluster::sqlstate(outcome), "57014");
    let left = session.count("django_session");
    assert!(left > 500 && left < 5000, "{left} rows left");
    assert_eq!(session.count("raw_clear_sessions.progress"), 0);
    caller.run("SET raw_clear_sessions.cost_delay = 0");
    caller.run("CALL raw_clear_sessions_in_batches('django_session')");
    assert_eq!(session.count("django_session"), 500);
}

/// The server begins a transaction with each commit of a procedure. Were it slept in, it would be the next batch's as well:
/// then two at most are seen while as many batches are done.
#[test]
fn a_procedure_that_sleeps_does_so_in_many_short_transactions() {
    let (database, mut session) = shared("sleeping");
    create_sessions(&mut session, "django_session", 10_000, 10);
    let mut caller = database.connect();
    caller.run("SET raw_clear_sessions.cost_delay = 100; SET raw_clear_sessions.cost_limit = 20");
    let running =
        caller.start("CALL raw_clear_sessions_in_batches('django_session', batch_size => 1)");
    let seen = format!(
        "SELECT p.batches || ' ' || extract(epoch FROM a.xact_start)
         FROM raw_clear_sessions.progress AS p JOIN pg_stat_activity AS a USING (pid)
         WHERE p.pid = {} AND p.waiting = 'cost delay' AND a.xact_start IS NOT NULL",
        running.pid()
    );
    let mut transactions: HashMap<String, HashSet<String>> = HashMap::new();
    wait_until("a sleep has several transactions", || {
        session.texts(&seen).iter().any(|seen| {
            let (batches, began) = seen.split_once(' ').expect("two values");
            let began_in = transactions.entry(batches.to_owned()).or_default();
            began_in.insert(began.to_owned());
            began_in.len() > 2
        })
    });
    running.cancel();
    assert_eq!(cluster::sqlstate(running.finish().1), "57014");
}

#[test]
fn the_history_is_kept_as_long_as_the_setting_says() {
    let cluster = with(&[("raw_clear_sessions.history", "2s")]);
    let database = cluster.database("history");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 100, 10);
    create_with_trigger(
        &mut session,
        "broken",
        100,
        "RAISE EXCEPTION 'not today'",
        "",
    );
    schedule(&mut session, "django_session");
    session.wait_for_run("deleted = 90 AND ended IS NOT NULL");
    session.wait_for_run("stop = 'left_out'");
    let failed_again =
        "UPDATE raw_clear_sessions.state SET last_start = '2020-01-01', last_end = '2020-01-01'
         WHERE failures > 0; UPDATE raw_clear_sessions.policy SET changed = '2020-01-01'";
    session.run(failed_again);
    // Old runs go, and old failures; of each table the last failure stays.
    wait_until("old runs are forgotten", || {
        session.runs("deleted = 90") == 0
    });
    wait_until(
        "it has failed again and the first failure is forgotten",
        || {
            session.yes("SELECT (SELECT count(*) FROM raw_clear_sessions.run WHERE stop = 'left_out') = 1 AND (SELECT max(failures) FROM raw_clear_sessions.status) >= 2")
        },
    );
    // What they came to stays.
    assert_eq!(
        status(
            &mut session,
            "django_session",
            "total_deleted, last_success IS NOT NULL"
        ),
        "(90,t)"
    );
    let error = status(&mut session, "broken", "last_error");
    assert!(error.ends_with(": not today"), "{error}");
}

#[test]
fn runs_that_find_nothing_are_counted_and_not_kept() {
    let (_database, mut session) = shared("counted");
    create_sessions(&mut session, "django_session", 100, 10);
    schedule(&mut session, "django_session");
    session.wait_for_count("django_session", 10);
    session.wait_for_ends("django_session", 4);
    assert_eq!(session.runs("true"), 1);
    let told = "last_stop, last_deleted, expired_left, total_deleted, failures, last_success > now() - interval '20 s',
         cleared_until > now() - interval '20 s'";
    assert_eq!(
        status(&mut session, "django_session", told),
        "(done,0,0,90,0,t,t)"
    );
}

#[test]
fn what_a_limit_has_left_is_told_and_since_when_nothing_older_is_there() {
    let (_database, mut session) = shared("limited");
    create_sessions(&mut session, "django_session", 1000, 10);
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 day', max_rows => 300)");
    session.wait_for_run("ended IS NOT NULL");
    let told = "last_stop, last_deleted + expired_left, cleared_until IS NULL";
    assert_eq!(
        status(&mut session, "django_session", told),
        "(max_rows,900,t)"
    );
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 s')");
    session.wait_for_run("stop = 'done'");
    assert_eq!(session.count("django_session"), 100);
    wait_until("the status tells of it", || {
        status(
            &mut session,
            "django_session",
            "last_stop, expired_left, cleared_until = last_start",
        ) == "(done,0,t)"
    });
}

#[test]
fn a_table_is_vacuumed_after_a_run_that_left_much_to_vacuum() {
    let cluster = with(&[("raw_clear_sessions.vacuum", "on")]);
    let database = cluster.database("vacuum");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 5000, 10);
    schedule(&mut session, "django_session");
    // VACUUM leaves what a snapshot of ours may see still.
    wait_for_statistics(&mut session, "vacuum_count = 1 AND n_dead_tup < 4500");
    session.wait_for_run("details -> 'vacuumed' = '1'");
    // A few rows are not much.
    add_expired(&mut session, "django_session", 20);
    wait_for_statistics(&mut session, "n_tup_del = 4520");
    wait_for_runs(&mut session, "django_session", 2);
    wait_for_statistics(&mut session, "vacuum_count = 1");
    assert_eq!(session.runs("details ? 'vacuumed'"), 1);
    assert_eq!(session.runs("stop <> 'done'"), 0);
    // Turned off, it does not.
    cluster.reload(&[("raw_clear_sessions.vacuum", "off")]);
    wait_for_runs(&mut session, "django_session", 2);
    add_expired(&mut session, "django_session", 5000);
    session.wait_for_count("django_session", 500);
    wait_for_runs(&mut session, "django_session", 1);
    wait_for_statistics(&mut session, "n_tup_del = 9520 AND vacuum_count = 1");
}

#[test]
fn only_the_partitions_that_a_run_has_deleted_much_from_are_vacuumed() {
    let cluster = with(&[("raw_clear_sessions.vacuum", "on")]);
    let database = cluster.database("partitions");
    let mut session = database.connect();
    // The second is cleared through its root, in statements that reach all partitions: its row security concerns the owner.
    session.run("CREATE ROLE tenant; GRANT CREATE ON SCHEMA public TO tenant");
    for table in ["leafwise", "whole"] {
        session.run(&format!(
            "CREATE TABLE {table} (id integer, expires timestamptz) PARTITION BY RANGE (id);
             CREATE TABLE {table}_few PARTITION OF {table} FOR VALUES FROM (0) TO (100);
             CREATE TABLE {table}_many PARTITION OF {table} FOR VALUES FROM (100) TO (1000);
             CREATE TABLE {table}_none PARTITION OF {table} FOR VALUES FROM (1000) TO (2000);
             INSERT INTO {table} SELECT i, CASE WHEN i % 10 = 0 OR i > 100 AND i < 1000 THEN now() - interval '1 day' ELSE 'infinity' END
             FROM generate_series(1, 1010) AS i WHERE i < 1000 OR i % 10 > 0;
             ANALYZE {table}"
        ));
    }
    session.run(
        "ALTER TABLE whole OWNER TO tenant;
         ALTER TABLE whole_few OWNER TO tenant; ALTER TABLE whole_many OWNER TO tenant; ALTER TABLE whole_none OWNER TO tenant;
         ALTER TABLE whole ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
         CREATE POLICY all_rows ON whole USING (true)",
    );
    for table in ["leafwise", "whole"] {
        session.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}', '1 h', expires => 'expires')"
        ));
        session.wait_for_run(&format!(
            "\"table\" = '{table}'::regclass AND stop = 'done' AND deleted = 909 AND details -> 'vacuumed' = '1'"
        ));
    }
    wait_until("the statistics are there", || {
        session.texts("SELECT relname FROM pg_stat_user_tables WHERE vacuum_count > 0 ORDER BY 1")
            == ["leafwise_many", "whole_many"]
    });
}

#[test]
fn wal_is_compressed_as_the_setting_says() {
    let cluster = with(&[
        ("raw_clear_sessions.wal_compression", "pglz"),
        ("wal_compression", "off"),
    ]);
    let database = cluster.database("wal");
    let mut session = database.connect();
    session.run("CREATE TABLE seen (setting text)");
    let note = "INSERT INTO public.seen VALUES (current_setting('wal_compression'))";
    create_with_trigger(&mut session, "django_session", 10, note, "");
    session.wait_for_count("django_session", 1);
    assert_eq!(session.texts("SELECT DISTINCT setting FROM seen"), ["pglz"]);
    // "on" is the method that PostgreSQL prefers: pglz, or since 19 zstd where it is built with that.
    let on = session.text("SELECT set_config('wal_compression', 'on', false)");
    assert_ne!(on, "off");
    for (setting, expected) in [("inherit", "off"), ("on", &on), ("off", "off")] {
        cluster.reload(&[("raw_clear_sessions.wal_compression", setting)]);
        session.run("TRUNCATE seen");
        wait_until(&format!("{setting} has been read"), || {
            add_expired(&mut session, "django_session", 1);
            session.yes(&format!("SELECT setting = '{expected}' FROM (TABLE seen ORDER BY ctid DESC LIMIT 1) AS last UNION ALL SELECT false LIMIT 1"))
        });
    }
}

#[test]
fn runs_are_logged_as_log_min_duration_says() {
    let cluster = with(&[("raw_clear_sessions.log_min_duration", "0")]);
    let database = cluster.database("logged");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    schedule(&mut session, "django_session");
    session.wait_for_count("django_session", 100);
    wait_for_runs(&mut session, "django_session", 3);
    let line =
        "LOG:  automatic clearing of table \"logged.public.django_session\": deleted 900 rows in ";
    assert_eq!(cluster.logged(line), 1);
    assert_eq!(cluster.logged("automatic clearing"), 1);
    add_expired(&mut session, "django_session", 7);
    session.wait_for_count("django_session", 100);
    cluster.wait_for_log("deleted 7 rows in 1 batches, skipped 0, elapsed ");
    cluster.reload(&[("raw_clear_sessions.log_min_duration", "-1")]);
    cluster.wait_for_log("parameter \"raw_clear_sessions.log_min_duration\" changed");
    wait_for_runs(&mut session, "django_session", 2);
    add_expired(&mut session, "django_session", 9);
    session.wait_for_count("django_session", 100);
    wait_for_runs(&mut session, "django_session", 1);
    assert_eq!(cluster.logged("automatic clearing"), 2);
}

#[test]
fn calls_by_hand_are_in_the_history_and_marked_as_such() {
    let (_database, mut session) = shared("by_hand");
    for call in [
        "SELECT raw_clear_sessions('django_session')",
        "SELECT raw_clear_sessions_rewrite('django_session')",
        "CALL raw_clear_sessions_in_batches('django_session', batch_size => 100)",
    ] {
        session.run("DROP TABLE IF EXISTS django_session");
        create_sessions(&mut session, "django_session", 1000, 10);
        session.run(call);
        let told = "SELECT concat_ws(' ', count(*), min(deleted), max(deleted), bool_and(batches > 0 AND ended >= started))
             FROM raw_clear_sessions.run WHERE \"table\" = 'django_session'::regclass AND caller = current_user AND stop = 'done'";
        assert_eq!(session.text(told), "1 900 900 t", "{call}");
        // One that finds nothing is not kept.
        session.run(call);
        assert_eq!(session.text(told), "1 900 900 t", "{call}");
    }
    // What is taken back has not happened.
    add_expired(&mut session, "django_session", 5);
    session.run("BEGIN; SELECT raw_clear_sessions('django_session'); ROLLBACK");
    assert_eq!(session.runs("deleted = 5"), 0);
}

/// A run may have ended before anybody looks.
fn run_once_more(session: &mut Session) {
    let before = session.ended_runs("django_session");
    session.run("SELECT raw_clear_sessions_run_now('django_session')");
    wait_until("the run has ended", || {
        session.ended_runs("django_session") > before
    });
}

#[test]
fn a_policy_is_suspended_resumed_and_run_at_once() {
    let (_database, mut session) = shared("at_once");
    create_sessions(&mut session, "django_session", 100, 10);
    create_sessions(&mut session, "witness", 0, 10);
    schedule(&mut session, "witness");
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 day')");
    session.wait_for_count("django_session", 10);
    add_expired(&mut session, "django_session", 5);
    assert!(session.yes("SELECT raw_clear_sessions_run_now('django_session')"));
    session.wait_for_count("django_session", 10);
    session.wait_for_run("deleted = 5 AND stop = 'done' AND caller IS NULL");
    // Once, and not again and again.
    let runs = session.ended_runs("django_session");
    session.wait_for_ends("witness", 2);
    assert_eq!(session.ended_runs("django_session"), runs);
    // A policy that rests is kept, and not carried out.
    assert!(session.yes("SELECT raw_clear_sessions_suspend('witness')"));
    add_expired(&mut session, "witness", 5);
    assert!(!session.yes("SELECT raw_clear_sessions_run_now('witness')"));
    assert_eq!(status(&mut session, "witness", "next_start"), "");
    run_once_more(&mut session);
    assert_eq!(session.count("witness"), 5);
    let runs = session.ended_runs("witness");
    run_once_more(&mut session);
    assert_eq!(session.ended_runs("witness"), runs);
    assert!(session.yes("SELECT raw_clear_sessions_resume('witness')"));
    session.wait_for_count("witness", 0);
}

/// A superuser writes down what a clock that was ahead by hours has left.
#[test]
fn what_a_clock_that_was_ahead_has_left_stops_no_table() {
    let (_database, mut session) = shared("ahead");
    create_sessions(&mut session, "django_session", 100, 10);
    create_sessions(&mut session, "nightly", 100, 10);
    schedule(&mut session, "django_session");
    session.run("SELECT raw_clear_sessions_schedule('nightly', '* * * * *')");
    session.wait_for_count("django_session", 10);
    let columns = [
        "first_start",
        "last_start",
        "last_end",
        "success_start",
        "success_end",
        "cleared_until",
    ];
    for column in columns {
        session.run(&format!(
            "UPDATE raw_clear_sessions.state SET {column} = now() + interval '8 hours'"
        ));
    }
    session.run("UPDATE raw_clear_sessions.policy SET changed = now() + interval '8 hours'; SELECT raw_clear_sessions_run_now('nightly')");
    add_expired(&mut session, "django_session", 5);
    session.wait_for_count("django_session", 10);
    session.wait_for_ends("django_session", 2);
    assert!(session.yes(
        "SELECT bool_and(next_start < now() + interval '2 min' AND note LIKE 'the clock of the server was ahead%')
             AND NOT bool_or(coalesce(greatest(last_start, last_success, cleared_until) > clock_timestamp(), false))
         FROM raw_clear_sessions.status"
    ));
}

#[test]
fn an_error_of_any_length_is_kept_in_part_and_the_run_backs_off() {
    let (_database, mut session) = shared("lengthy");
    create_with_trigger(
        &mut session,
        "django_session",
        2,
        "RAISE EXCEPTION '%', repeat('x', 20000000) USING DETAIL = repeat('y', 20000000)",
        "",
    );
    session.wait_for_run("stop = 'left_out'");
    assert!(session.yes(
        "SELECT length(error) < 3000 AND length(details ->> 'detail') < 3000 FROM raw_clear_sessions.run WHERE stop = 'left_out'"
    ));
    assert_eq!(
        status(
            &mut session,
            "django_session",
            "failures, next_start > last_start + interval '50 s'"
        ),
        "(1,t)"
    );
}

/// A run that is killed has committed its batches.
#[test]
fn a_run_that_was_killed_keeps_its_counts() {
    let cluster = Cluster::with_worker("app", &SLOW);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    let worker = session.wait_for_busy_worker("django_session");
    // What it has deleted is committed, with the row that says so.
    session.wait_for_run("deleted > 0");
    session.run(&format!("SELECT pg_terminate_backend({worker})"));
    cluster::wait_for_end(worker);
    // A new schedule is a reason to look at once.
    cluster.reload(&[("raw_clear_sessions.schedule", "1001 ms")]);
    session.wait_for_run("stop = 'interrupted'");
    assert!(session.yes(
        "SELECT deleted > 0 AND batches > 0 FROM raw_clear_sessions.run WHERE stop = 'interrupted' ORDER BY id LIMIT 1"
    ));
    cluster.reload(&FAST);
    session.wait_for_count("django_session", 100);
}

/// Tables of 200 expired rows in 4 blocks or so, one of which cannot be deleted, and what says so.
const POISON: [(&str, &str, &str); 6] = [
    (
        "refers",
        "CREATE TABLE refers (id text REFERENCES poison); INSERT INTO refers VALUES ('101')",
        "23503",
    ),
    (
        "refers_late",
        "CREATE TABLE refers (id text REFERENCES poison DEFERRABLE INITIALLY DEFERRED); INSERT INTO refers VALUES ('101')",
        "23503",
    ),
    (
        "raises",
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN IF OLD.id = '101' THEN RAISE 'not this one'; END IF; RETURN OLD; END$$;
         CREATE TRIGGER t BEFORE DELETE ON poison FOR EACH ROW EXECUTE FUNCTION no()",
        "P0001",
    ),
    (
        "no_date",
        "UPDATE poison SET data = 'Invalid Date' WHERE id = '101'",
        "22007",
    ),
    (
        "kept_by_trigger",
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN IF OLD.id = '101' THEN RETURN NULL; END IF; RETURN OLD; END$$;
         CREATE TRIGGER t BEFORE DELETE ON poison FOR EACH ROW EXECUTE FUNCTION no()",
        "27000",
    ),
    (
        "kept_by_rule",
        "CREATE RULE no AS ON DELETE TO poison WHERE OLD.id = '101' DO INSTEAD NOTHING",
        "27000",
    ),
];

#[test]
fn a_row_that_cannot_be_deleted_is_left_out_and_named_and_the_others_go() {
    let cluster = Cluster::with_worker("*", &[("raw_clear_sessions.tables", "")]);
    for (name, poison, sqlstate) in POISON {
        let database = cluster.database(name);
        let mut session = database.connect();
        session.run(&format!(
            "CREATE TABLE poison (id text PRIMARY KEY, data text, filler text);
             INSERT INTO poison SELECT n, '2001-01-01', repeat('x', 100) FROM generate_series(1, 200) AS n;
             {poison};
             SELECT raw_clear_sessions_schedule('poison', '1 s', expires => '(data)::timestamptz AT TIME ZONE ''UTC''',
                 time_zone => 'UTC')"
        ));
        session.wait_for_run(&format!(
            "stop = 'left_out' AND sqlstate = '{sqlstate}' AND deleted = 199"
        ));
        assert_eq!(session.texts("SELECT id FROM poison"), ["101"], "{name}");
        let error = session.text("SELECT last_error FROM raw_clear_sessions.status");
        let ctid = session.text("SELECT ctid::text FROM poison");
        let begin = format!(
            "could not delete 1 expired row of table \"poison\", the first at ctid {ctid}: "
        );
        assert!(error.starts_with(&begin), "{error}");
        assert_eq!(
            session.number("SELECT failures::bigint FROM raw_clear_sessions.status"),
            1
        );
    }
}

#[test]
fn of_many_rows_that_cannot_be_deleted_none_keeps_those_behind_it_and_no_other_stays_for_ever() {
    let cluster = Cluster::with(&[]);
    let mut session = cluster.connect();
    // Ten rows to a block, every other one of which cannot be deleted, and then blocks without such.
    session.run(
        "CREATE EXTENSION raw_clear_sessions;
         CREATE TABLE many (id integer, expires timestamptz, filler text);
         ALTER TABLE many ALTER filler SET STORAGE plain;
         INSERT INTO many SELECT n, '2001-01-01', repeat('x', 700) FROM generate_series(1, 800) AS n;
         CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''not this one''; END';
         CREATE TRIGGER fail BEFORE DELETE ON many FOR EACH ROW WHEN (OLD.id % 2 = 1 AND OLD.id <= 600)
             EXECUTE FUNCTION fail()",
    );
    let clear = |session: &mut Session| {
        let call = "CALL raw_clear_sessions_in_batches('many', expires => 'expires')";
        let error = session.try_run(call).expect_err("rows cannot be deleted");
        let error = error.as_db_error().expect("the server says so");
        error.message().to_owned()
    };
    let error = clear(&mut session);
    assert!(error.contains(" blocks with more: "), "{error}");
    let behind = "SELECT count(*) FROM many WHERE id > 600";
    assert_eq!(session.number(behind), 0);
    let others = "SELECT count(*) FROM many WHERE id % 2 = 0";
    assert!(session.number(others) > 0, "each row was tried: {error}");
    for _ in 0..500 {
        if session.number(others) == 0 {
            break;
        }
        clear(&mut session);
    }
    assert_eq!(session.number(others), 0);
    assert_eq!(session.number("SELECT count(*) FROM many"), 300);
}
