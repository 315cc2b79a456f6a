//! On PostgreSQL 19 the worker gives the space back that a run has left unused, while others use the table.

use cluster::{
    Cluster, FAST, Programs, Session, Shutdown, add_expired, assert_sound, create_sessions,
    fingerprint, kill, output, sqlstate, wait_for_end, wait_until,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::scope;

/// As many rows as take 12 MB: what is small is not repacked.
const ROWS: i64 = 20_000;
const LIVE: i64 = ROWS / 10;

/// A cluster whose worker repacks what is half unused, and deletes quickly; `None` where PostgreSQL cannot.
fn repacking(settings: &[(&str, &str)]) -> Option<Cluster> {
    if !has_repack() {
        return None;
    }
    let mut all = vec![
        FAST[0],
        ("raw_clear_sessions.batch_size", "100000"),
        ("raw_clear_sessions.repack_above", "0.5"),
    ];
    all.extend_from_slice(settings);
    Some(Cluster::with_worker("*", &all))
}

fn has_repack() -> bool {
    let version = output(Programs::tested().command("postgres").arg("--version"));
    let major = version
        .split(|character: char| !character.is_ascii_digit())
        .find(|number| !number.is_empty());
    major.and_then(|major| major.parse().ok()).unwrap_or(0) >= 19
}

/// A table of which a tenth is live, under a name by which the worker does not know it yet.
fn create_large(session: &mut Session, table: &str) {
    session.run(&format!(
        "CREATE TABLE {table} (
             session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
         INSERT INTO {table}
             SELECT 'key' || i, repeat('x', 500), CASE WHEN i % 10 = 1 THEN '2199-01-01' ELSE '2020-01-01' END::timestamptz
             FROM generate_series(1, {ROWS}) AS i;
         ANALYZE {table}"
    ));
}

fn schedule(session: &mut Session, table: &str) {
    session.run(&format!(
        "SELECT raw_clear_sessions_schedule('{table}', '1 s')"
    ));
}

/// What came of the last attempt.
fn repack_of(session: &mut Session, table: &str) -> String {
    let tried = format!("\"table\" = '{table}'::regclass AND details ? 'repack'");
    session.wait_for_run(&tried);
    session.text(&format!(
        "SELECT details ->> 'repack' FROM raw_clear_sessions.run WHERE {tried} ORDER BY id DESC LIMIT 1"
    ))
}

fn note(session: &mut Session, table: &str) -> Option<String> {
    session.value(&format!(
        "SELECT note FROM raw_clear_sessions.status WHERE \"table\" = '{table}'::regclass"
    ))
}

/// Nothing is left of a repack that has ended: no slot, no process, no table.
fn assert_nothing_left(session: &mut Session) {
    wait_until("the slot has gone", || {
        session.count("pg_replication_slots") == 0
    });
    wait_until("the decoding worker has gone", || {
        session.count("pg_stat_activity WHERE backend_type = 'REPACK decoding worker'") == 0
    });
    assert_eq!(
        session.count("pg_class WHERE relname ~ '^pg_temp_[0-9]+$|repacknew'"),
        0
    );
}

/// A large table whose index has a function that sleeps once the rows are deleted, so that a repack stays where it is.
fn create_stuck(session: &mut Session, table: &str) {
    session.run(&format!(
        "CREATE TABLE IF NOT EXISTS switch AS SELECT false AS is_on;
         CREATE OR REPLACE FUNCTION key(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
             $$BEGIN IF (SELECT is_on FROM public.switch) THEN PERFORM pg_sleep(3600); END IF; RETURN $1; END$$;
         UPDATE switch SET is_on = false;
         CREATE TABLE {table} (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
         INSERT INTO {table}
             SELECT 'key' || i, repeat('x', 500), CASE WHEN i % 10 = 1 THEN '2199-01-01' ELSE '2020-01-01' END::timestamptz
             FROM generate_series(1, {ROWS}) AS i;
         CREATE INDEX ON {table} (public.key(session_key));
         ANALYZE {table};
         UPDATE switch SET is_on = true"
    ));
}

/// Has the worker repack such a table; returns when it is in the middle of it, with the process.
fn get_stuck(session: &mut Session, table: &str, more: &str) -> i32 {
    create_stuck(session, table);
    session.run(&format!(
        "SELECT raw_clear_sessions_schedule('{table}', '1 s', expires => 'expire_date'{more})"
    ));
    let query = format!(
        "SELECT coalesce(max(a.pid), 0) FROM pg_stat_activity AS a JOIN raw_clear_sessions.progress AS p ON p.pid = a.pid
         WHERE p.\"table\" = '{table}'::regclass AND p.phase = 'repacking' AND a.wait_event = 'PgSleep'"
    );
    let mut pid = 0;
    wait_until("the worker is in the middle of a repack", || {
        pid = session.value(&query);
        pid != 0
    });
    assert_eq!(session.count(table), LIVE);
    pid
}

#[test]
fn a_table_that_a_run_has_left_much_larger_than_its_rows_is_repacked() {
    let Some(cluster) = repacking(&[("raw_clear_sessions.log_min_duration", "0")]) else {
        return;
    };
    let mut session = cluster.database("app").with_checks().connect();
    // Its owner may neither log in nor replicate.
    session.run("CREATE ROLE site; GRANT CREATE ON SCHEMA public TO site; SET ROLE site");
    create_large(&mut session, "django_session");
    session.run("RESET ROLE");
    assert_eq!(repack_of(&mut session, "django_session"), "done");
    let before = session.number(
        "SELECT (details -> 'repack_bytes_before')::bigint FROM raw_clear_sessions.run WHERE details ? 'repack'",
    );
    let after = session.number(
        "SELECT (details -> 'repack_bytes_after')::bigint FROM raw_clear_sessions.run WHERE details ? 'repack'",
    );
    assert!(
        before > 10_000_000 && after < before / 5,
        "{before} {after}"
    );
    assert_eq!(
        session.number("SELECT pg_total_relation_size('django_session')"),
        after
    );
    assert_eq!(session.count("django_session"), LIVE);
    assert_eq!(note(&mut session, "django_session"), None);
    assert_eq!(
        cluster.logged("LOG:  automatic repack of table \"app.public.django_session\": "),
        1
    );
    assert_eq!(cluster.logged("ERROR"), 0);
    assert_sound(&mut session, "django_session");
    assert_nothing_left(&mut session);
}

#[test]
fn a_table_with_little_unused_or_a_small_one_is_not_repacked() {
    let Some(cluster) = repacking(&[]) else {
        return;
    };
    let mut session = cluster.database("app").connect();
    create_large(&mut session, "filled");
    session.run("UPDATE filled SET expire_date = '2199-01-01' WHERE session_key NOT LIKE 'key7%'");
    session.run("VACUUM FULL filled");
    create_sessions(&mut session, "small", 5_000, 100);
    for table in ["filled", "small"] {
        schedule(&mut session, table);
        session.wait_for_run(&format!(
            "\"table\" = '{table}'::regclass AND deleted > 0 AND stop = 'done'"
        ));
    }
    assert_eq!(session.runs("details ? 'repack'"), 0);
    // Pages that are to stay half empty are not unused.
    session.run(
        "CREATE TABLE roomy (LIKE filled INCLUDING ALL) WITH (fillfactor = 40);
         INSERT INTO roomy SELECT session_key, session_data, '2199-01-01' FROM filled;
         INSERT INTO roomy VALUES ('old', '', '2020-01-01')",
    );
    schedule(&mut session, "roomy");
    session.wait_for_run("\"table\" = 'roomy'::regclass AND deleted = 1 AND stop = 'done'");
    assert_eq!(session.runs("details ? 'repack'"), 0);
}

#[test]
fn what_is_unused_in_a_toast_table_counts() {
    let Some(cluster) = repacking(&[]) else {
        return;
    };
    let mut session = cluster.database("app").with_checks().connect();
    session.run(
        "CREATE TABLE toasted (session_key text PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
         ALTER TABLE toasted ALTER session_data SET STORAGE EXTERNAL;
         INSERT INTO toasted SELECT 'key' || i, repeat('x', 4000), CASE WHEN i % 10 = 1 THEN '2199-01-01' ELSE '2020-01-01' END::timestamptz
         FROM generate_series(1, 4000) AS i;
         ANALYZE toasted",
    );
    assert!(session.yes("SELECT pg_relation_size('toasted') < 1000000"));
    schedule(&mut session, "toasted");
    assert_eq!(repack_of(&mut session, "toasted"), "done");
    assert!(session.yes("SELECT pg_table_size('toasted') < 3000000"));
    assert_eq!(
        session.count("toasted WHERE session_data = repeat('x', 4000)"),
        400
    );
    assert_sound(&mut session, "toasted");
}

#[test]
fn a_repack_whose_decoding_worker_is_terminated_fails_and_the_worker_goes_on() {
    let Some(cluster) = repacking(&[]) else {
        return;
    };
    let mut session = cluster.database("app").connect();
    get_stuck(&mut session, "stuck", "");
    session.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'REPACK decoding worker'");
    wait_until("it has gone", || {
        session.count("pg_stat_activity WHERE backend_type = 'REPACK decoding worker'") == 0
    });
    session.run("UPDATE switch SET is_on = false");
    // What sleeps ends with it.
    let why = repack_of(&mut session, "stuck");
    assert_ne!(why, "done");
    assert_nothing_left(&mut session);
    assert_eq!(session.count("stuck"), LIVE);
    create_large(&mut session, "django_session");
    assert_eq!(repack_of(&mut session, "django_session"), "done");
}

#[test]
fn the_server_shuts_down_though_a_table_is_repacked() {
    let Some(mut cluster) = repacking(&[]) else {
        return;
    };
    let mut session = cluster.database("app").connect();
    get_stuck(&mut session, "stuck", "");
    drop(session);
    cluster.stop(Shutdown::Fast);
    cluster.start();
    let mut session = cluster.existing_database("app").connect();
    assert_nothing_left(&mut session);
    assert_eq!(session.count("stuck"), LIVE);
}

#[test]
fn a_policy_says_for_its_table_alone_when_to_repack() {
    let Some(cluster) = repacking(&[]) else {
        return;
    };
    let mut session = cluster.database("app").connect();
    create_large(&mut session, "never");
    session.run("SELECT raw_clear_sessions_schedule('never', '1 s', repack_above => 0)");
    session.wait_for_run("deleted = 18000 AND stop = 'done'");
    assert_eq!(session.runs("details ? 'repack'"), 0);
    session.run("SELECT raw_clear_sessions_schedule('never', '1 s', repack_above => 0.8)");
    add_expired(&mut session, "never", 1);
    assert_eq!(repack_of(&mut session, "never"), "done");
}

#[test]
fn what_postgresql_cannot_repack_is_left_and_the_status_says_why() {
    let Some(cluster) = repacking(&[]) else {
        return;
    };
    let mut session = cluster.database("app").connect();
    let cases = [
        (
            "ALTER TABLE cannot DROP CONSTRAINT cannot_pkey",
            "it has neither a primary key",
        ),
        (
            "ALTER TABLE cannot REPLICA IDENTITY NOTHING",
            "its replica identity is NOTHING",
        ),
        (
            "ALTER TABLE cannot REPLICA IDENTITY FULL",
            "its replica identity is FULL",
        ),
        ("ALTER TABLE cannot SET UNLOGGED", "it is unlogged"),
    ];
    for (change, expected) in cases {
        create_large(&mut session, "cannot");
        session.run(change);
        schedule(&mut session, "cannot");
        let why = repack_of(&mut session, "cannot");
        assert!(why.contains(expected), "{change}: {why}");
        let mut told = None;
        wait_until("the status says why", || {
            told = note(&mut session, "cannot");
            told.is_some()
        });
        let told = told.expect("was waited for");
        assert!(told.contains(&why), "{change}: {told}");
        session.run("SELECT raw_clear_sessions_unschedule('cannot'); DROP TABLE cannot");
    }
    // Nothing was tried that had to fail.
    assert_eq!(cluster.logged("ERROR"), 0);
}

#[test]
fn what_the_server_has_too_few_of_for_a_repack_is_said() {
    let cases = [
        (
            ("max_repack_replication_slots", "0"),
            "max_repack_replication_slots is 0",
        ),
        (("wal_level", "minimal"), "wal_level is minimal"),
        // The launcher, the database worker, and PostgreSQL's own launcher of logical replication.
        (
            ("max_worker_processes", "3"),
            "out of background worker slots",
        ),
    ];
    for (setting, expected) in cases {
        let Some(cluster) = repacking(&[setting, ("max_wal_senders", "0")]) else {
            return;
        };
        let mut session = cluster.database("app").connect();
        create_large(&mut session, "django_session");
        let why = repack_of(&mut session, "django_session");
        assert!(why.contains(expected), "{setting:?}: {why}");
        assert_eq!(session.count("django_session"), LIVE);
    }
}

#[test]
fn the_preview_says_whether_the_space_can_be_given_back_by_a_repack() {
    let Some(cluster) = repacking(&[("raw_clear_sessions.databases", "")]) else {
        return;
    };
    let mut session = cluster.database("app").connect();
    create_large(&mut session, "django_session");
    let preview = "SELECT raw_clear_sessions_preview('django_session')";
    assert!(session.yes(&format!(
        "{preview} -> 'ways' -> 'repack' -> 'possible' = 'true'"
    )));
    assert!(
        session
            .text(&format!("{preview} ->> 'advice_why'"))
            .contains("repack_above")
    );
    session.run("ALTER TABLE django_session DROP CONSTRAINT django_session_pkey");
    let why = session.text(&format!("{preview} -> 'ways' -> 'repack' ->> 'why_not'"));
    assert!(why.contains("neither a primary key"), "{why}");
    assert!(
        !session
            .text(&format!("{preview} ->> 'advice_why'"))
            .contains("repack_above")
    );
}

#[test]
fn the_partitions_that_a_run_has_deleted_from_are_repacked() {
    let Some(cluster) = repacking(&[]) else {
        return;
    };
    let mut session = cluster.database("app").connect();
    session.run(
        "CREATE TABLE parted (session_key integer PRIMARY KEY, session_data text, expire_date timestamptz)
             PARTITION BY RANGE (session_key);
         CREATE TABLE parted_old PARTITION OF parted FOR VALUES FROM (0) TO (20000);
         CREATE TABLE parted_new PARTITION OF parted FOR VALUES FROM (20000) TO (40000);
         INSERT INTO parted
             SELECT i, repeat('x', 500), CASE WHEN i >= 20000 OR i % 10 = 0 THEN '2199-01-01' ELSE '2020-01-01' END::timestamptz
             FROM generate_series(0, 39999) AS i;
         ANALYZE parted",
    );
    let file = "SELECT string_agg(pg_relation_filepath(c), ' ' ORDER BY c) FROM unnest('{parted_new}'::regclass[]) AS c";
    let untouched = session.text(file);
    session.run("SELECT raw_clear_sessions_schedule('parted', '1 s', expires => 'expire_date')");
    assert_eq!(repack_of(&mut session, "parted"), "done");
    assert!(
        session.yes("SELECT pg_relation_size('parted_old') < pg_relation_size('parted_new') / 5")
    );
    assert_eq!(session.text(file), untouched);
    assert_eq!(session.count("parted"), 22_000);
}

#[test]
fn a_repack_that_failed_is_tried_again_after_an_hour_or_at_once_on_request() {
    let Some(cluster) = repacking(&[]) else {
        return;
    };
    let mut session = cluster.database("app").connect();
    create_large(&mut session, "later");
    session.run("ALTER TABLE later DROP CONSTRAINT later_pkey");
    schedule(&mut session, "later");
    repack_of(&mut session, "later");
    session.run("ALTER TABLE later ADD PRIMARY KEY (session_key)");
    for _ in 0..2 {
        add_expired(&mut session, "later", 10);
        session.wait_for_count("later", LIVE);
        session.wait_for_ends("later", 1);
    }
    assert_eq!(session.runs("details ? 'repack'"), 1);
    session
        .run("UPDATE raw_clear_sessions.state SET repack_tried = repack_tried - interval '1 hour'");
    add_expired(&mut session, "later", 10);
    session.wait_for_run("details ->> 'repack' = 'done'");
    wait_until("the note has gone", || {
        note(&mut session, "later").is_none()
    });
    // The same table again, within the hour.
    session.run(
        "INSERT INTO later SELECT 'again' || i, repeat('x', 500), '2020-01-01' FROM generate_series(1, 20000) AS i",
    );
    session.wait_for_run("deleted = 20000");
    session.wait_for_ends("later", 1);
    assert_eq!(session.runs("details ->> 'repack' = 'done'"), 1);
    // So that there is something to delete in the run that is asked for.
    session.run(
        "BEGIN; INSERT INTO later VALUES ('last', '', '2020-01-01'); SELECT raw_clear_sessions_run_now('later'); COMMIT",
    );
    wait_until("it has been repacked at once", || {
        session.runs("details ->> 'repack' = 'done'") == 2
    });
}

#[test]
fn a_repack_ends_when_its_run_is_to_end() {
    let Some(cluster) = repacking(&[]) else {
        return;
    };
    let mut session = cluster.database("app").connect();
    let cases = [
        (
            "canceled",
            "SELECT raw_clear_sessions_cancel('stuck')",
            "it was canceled",
        ),
        (
            "suspended",
            "SELECT raw_clear_sessions_suspend('stuck')",
            "the policy was removed or suspended",
        ),
        (
            "altered",
            "ALTER TABLE stuck ADD COLUMN added text",
            "another session waited for a lock",
        ),
        (
            "dropped index",
            "DROP INDEX stuck_key_idx",
            "another session waited for a lock",
        ),
    ];
    for (what, statement, expected) in cases {
        get_stuck(&mut session, "stuck", "");
        session.run(statement);
        let why = repack_of(&mut session, "stuck");
        assert!(why.contains(expected), "{what}: {why}");
        assert_nothing_left(&mut session);
        assert_eq!(session.count("stuck"), LIVE, "{what}");
        session.run("UPDATE switch SET is_on = false; SELECT raw_clear_sessions_unschedule('stuck'); DROP TABLE stuck");
    }
    get_stuck(&mut session, "stuck", ", max_duration => '3 s'");
    let why = repack_of(&mut session, "stuck");
    assert!(why.contains("the run's time was over"), "{why}");
    session.run("DROP TABLE stuck");
    get_stuck(&mut session, "stuck", "");
    cluster.reload(&[("raw_clear_sessions.paused", "on")]);
    let why = repack_of(&mut session, "stuck");
    assert!(why.contains("the worker was paused"), "{why}");
    assert_nothing_left(&mut session);
    // Each run had deleted what it had to.
    assert_eq!(session.runs("stop <> 'done'"), 0);
    assert_eq!(cluster.logged("ERROR"), 0);
}

#[test]
fn a_table_can_be_dropped_while_it_is_repacked() {
    let Some(cluster) = repacking(&[]) else {
        return;
    };
    let mut session = cluster.database("app").connect();
    get_stuck(&mut session, "stuck", "");
    session.run("DROP TABLE stuck");
    assert_nothing_left(&mut session);
    session.run("UPDATE switch SET is_on = false");
    create_large(&mut session, "django_session");
    assert_eq!(repack_of(&mut session, "django_session"), "done");
}

#[test]
fn a_repack_makes_way_for_whoever_wants_the_database() {
    let Some(cluster) = repacking(&[]) else {
        return;
    };
    let mut postgres = cluster.connect();
    let mut session = cluster.database("app").connect();
    get_stuck(&mut session, "stuck", "");
    drop(session);
    postgres.run("CREATE DATABASE copy TEMPLATE app");
    // PostgreSQL drops no database in which a logical slot is in use, and does not wait for it.
    let mut session = cluster.database("app2").connect();
    get_stuck(&mut session, "stuck", "");
    drop(session);
    assert_eq!(sqlstate(postgres.try_run("DROP DATABASE app2")), "55006");
    cluster.reload(&[("raw_clear_sessions.paused", "on")]);
    assert_nothing_left(&mut postgres);
    postgres.run("DROP DATABASE app2");
}

#[test]
fn a_repack_waits_half_a_minute_for_open_transactions_and_no_longer() {
    let Some(cluster) = repacking(&[]) else {
        return;
    };
    let database = cluster.database("app");
    let mut session = database.connect();
    let mut other = database.connect();
    other.run("CREATE TABLE elsewhere (id integer); BEGIN; INSERT INTO elsewhere VALUES (1)");
    create_large(&mut session, "django_session");
    let why = repack_of(&mut session, "django_session");
    assert!(
        why.contains("a transaction, was held for too long"),
        "{why}"
    );
    assert_nothing_left(&mut session);
    other.run("COMMIT");
    add_expired(&mut session, "django_session", 10);
    session.run("SELECT raw_clear_sessions_run_now('django_session')");
}

#[test]
fn a_repack_gives_up_where_the_table_does_not_come_free_at_its_end() {
    let Some(cluster) = repacking(&[("raw_clear_sessions.lock_timeout", "200ms")]) else {
        return;
    };
    let database = cluster.database("app");
    let mut session = database.connect();
    create_large(&mut session, "prepared");
    let mut reader = database.connect();
    reader.run("BEGIN; SELECT FROM prepared LIMIT 1");
    schedule(&mut session, "prepared");
    let why = repack_of(&mut session, "prepared");
    assert!(why.contains("others were using the table"), "{why}");
    assert_nothing_left(&mut session);
    reader.run("COMMIT");
    // That is no fault of anybody's.
    assert_eq!(cluster.logged("automatic repack"), 0);
    assert_eq!(session.count("prepared"), LIVE);
}

#[test]
fn a_worker_that_is_killed_in_a_repack_leaves_nothing_behind() {
    let Some(cluster) = repacking(&[("restart_after_crash", "on")]) else {
        return;
    };
    let database = cluster.database("app").with_checks();
    let mut session = database.connect();
    let pid = get_stuck(&mut session, "stuck", "");
    session.run("UPDATE switch SET is_on = false; CHECKPOINT");
    let before = fingerprint(&mut session, "stuck");
    kill(pid);
    wait_for_end(pid);
    let mut again = None;
    wait_until("the server is there again", || {
        again = std::panic::catch_unwind(|| database.connect()).ok();
        again.is_some()
    });
    let mut session = again.expect("was waited for");
    assert_nothing_left(&mut session);
    assert_eq!(fingerprint(&mut session, "stuck"), before);
    // The run that was interrupted is due again, but the repack only later: it may be what has ended the server.
    session.wait_for_run("stop = 'interrupted'");
    add_expired(&mut session, "stuck", 10);
    session.wait_for_run("stop = 'done' AND deleted = 10");
    assert_eq!(session.runs("details ? 'repack'"), 0);
    let why = note(&mut session, "stuck").expect("it was not repacked");
    assert!(why.contains("ended in the middle of it"), "{why}");
    session.run(
        "BEGIN; INSERT INTO stuck VALUES ('last', '', '2020-01-01'); SELECT raw_clear_sessions_run_now('stuck'); COMMIT",
    );
    assert_eq!(repack_of(&mut session, "stuck"), "done");
    assert_sound(&mut session, "stuck");
}

#[test]
fn no_row_is_lost_that_is_renewed_or_stored_during_repacks() {
    let Some(cluster) = repacking(&[("raw_clear_sessions.lock_timeout", "10s")]) else {
        return;
    };
    let database = cluster.database("app").with_checks();
    let mut session = database.connect();
    create_large(&mut session, "django_session");
    let is_over = AtomicBool::new(false);
    let stored: i64 = scope(|threads| {
        let sites: Vec<_> = (0..3)
            .map(|site| {
                let mut session = database.connect();
                let is_over = &is_over;
                threads.spawn(move || {
                    let mut stored = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        stored += 1;
                        session.run(&format!(
                            "INSERT INTO django_session VALUES ('site{site}-{stored}', repeat('y', 300), '2199-01-01')"
                        ));
                        // What counts is the last that was written.
                        let changed = session.ask(&format!(
                            "UPDATE django_session SET session_data = session_data || 'z' WHERE session_key = 'site{site}-{}'",
                            1 + stored / 2
                        ));
                        assert_eq!(changed.expect("it can be renewed").changed, 1);
                        if stored % 7 == 0 {
                            session.run(&format!(
                                "INSERT INTO django_session VALUES ('gone{site}-{stored}', repeat('y', 3000), '2020-01-01')"
                            ));
                        }
                    }
                    stored
                })
            })
            .collect();
        for round in 0..3 {
            wait_until("it has been repacked", || {
                session.runs("details ->> 'repack' = 'done'") > round
            });
            session.run(
                "INSERT INTO django_session SELECT gen_random_uuid(), repeat('x', 500), '2020-01-01' FROM generate_series(1, 40000);
                 UPDATE raw_clear_sessions.state SET repack_tried = '-infinity'",
            );
        }
        is_over.store(true, Ordering::Relaxed);
        sites
            .into_iter()
            .map(|site| site.join().expect("no row is lost"))
            .sum()
    });
    session.wait_for_count("django_session", LIVE + stored);
    // Nobody is at the table while it is looked at.
    cluster.pause(&mut session);
    let renewals = session.number(
        "SELECT sum(length(session_data) - 300)::bigint FROM django_session WHERE session_key LIKE 'site%'",
    );
    assert_eq!(renewals, stored);
    assert_sound(&mut session, "django_session");
    assert_nothing_left(&mut session);
}

#[test]
fn a_server_that_cannot_repack_refuses_a_policy_that_wants_it() {
    if has_repack() {
        return;
    }
    let cluster = Cluster::shared();
    let mut session = cluster.database("older").connect();
    create_sessions(&mut session, "django_session", 10, 10);
    let refused = session
        .refused("SELECT raw_clear_sessions_schedule('django_session', repack_above => 0.5)");
    assert_eq!(refused, "0A000");
    let ways = "SELECT raw_clear_sessions_preview('django_session') -> 'ways'";
    let why = session.text(&format!("{ways} -> 'repack' ->> 'why_not'"));
    assert!(why.contains("from version 19 on"), "{why}");
    session.run("LOAD 'raw_clear_sessions'");
    let setting = "ALTER SYSTEM SET raw_clear_sessions.repack_above";
    assert_eq!(session.refused(&format!("{setting} = 0.5")), "22023");
    session.run(&format!("{setting} = 0"));
    session.run("ALTER SYSTEM RESET raw_clear_sessions.repack_above");
    session.run("SELECT raw_clear_sessions_schedule('django_session', repack_above => 0)");
}
