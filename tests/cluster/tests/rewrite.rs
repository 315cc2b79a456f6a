//! The rewrite: whatever happens to the server or goes on beside it, there is the old table or the new one, whole.

use cluster::{
    Cluster, Crash, Database, EXPIRED, LIVE, Session, Tally, assert_sound, crashes,
    create_sessions, fingerprint, wait_until,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

const REWRITE: &str = "SELECT raw_clear_sessions_rewrite('django_session')";

/// A table with toasted values, whose rewrite takes a while.
fn create_large(session: &mut Session) {
    create_sessions(session, "django_session", 150_000, 10);
    session.run(
        "ALTER TABLE django_session ALTER COLUMN session_data SET STORAGE EXTERNAL;
         UPDATE django_session SET session_data = repeat(session_key, 400) WHERE session_key LIKE '%77';
         CREATE INDEX django_session_data ON django_session (md5(session_data));",
    );
}

#[test]
fn a_crash_at_any_moment_leaves_the_old_table_or_the_new_one() {
    let mut cluster = Cluster::with(&[]);
    let mut session = cluster.database("crashes").with_checks().connect();
    create_large(&mut session);
    // A rewrite that is rolled back shows how long one takes, and what the table is after it.
    session.run("BEGIN");
    let start = Instant::now();
    session.run(REWRITE);
    let duration = start.elapsed();
    let new = fingerprint(&mut session, "django_session");
    session.run("ROLLBACK; CREATE TABLE copy AS TABLE django_session");
    let old = fingerprint(&mut session, "django_session");
    let (mut left_old, mut left_new) = (0, 0);
    let rounds = crashes(9);
    for round in 0..rounds {
        let mut session = cluster.connect_to("crashes");
        if fingerprint(&mut session, "django_session") != old {
            session.run("TRUNCATE django_session; INSERT INTO django_session SELECT * FROM copy");
        }
        let running = session.start(REWRITE);
        // The moment is the point of this test, not something to wait for.
        sleep(duration * (round + 1) / rounds);
        let crash = Crash::ALL[round as usize % Crash::ALL.len()];
        cluster.crash(crash, running.pid());
        let _ = running.finish();
        let mut session = cluster.connect_to("crashes");
        let found = fingerprint(&mut session, "django_session");
        if found == new {
            left_new += 1;
        } else {
            assert_eq!(found, old, "after crash {round}");
            left_old += 1;
        }
        assert_sound(&mut session, "django_session");
    }
    eprintln!("{left_old} crashes left the old table, {left_new} the new one");
    let tally = Tally {
        rounds: rounds.into(),
        kills: rounds.into(),
        deleted: left_new * 135_000,
        ..Tally::default()
    };
    tally.report("crash: rewrite of a large table");
    assert!(left_old > 0, "no crash came in the middle");
}

#[test]
fn a_standby_has_the_same_table_and_pages_after_a_rewrite() {
    let primary = Cluster::with(&[
        ("wal_consistency_checking", "all"),
        ("wal_level", "logical"),
    ]);
    let database = primary.database("standby").with_checks();
    let mut session = database.connect();
    create_large(&mut session);
    create_sessions(&mut session, "rolled_back", 1000, 10);
    let standby = primary.standby();
    assert_eq!(session.number(REWRITE), 135_000);
    session.run("BEGIN; SELECT raw_clear_sessions_rewrite('rolled_back'); ROLLBACK");
    session.run(&format!(
        "INSERT INTO django_session SELECT 'again' || i, 'x', {LIVE} FROM generate_series(1, 100) AS i"
    ));
    primary.wait_for_replay(&standby);
    let mut there = standby.connect_to("standby");
    for table in ["django_session", "rolled_back"] {
        assert_eq!(
            fingerprint(&mut session, table),
            fingerprint(&mut there, table),
            "{table}"
        );
        assert_sound(&mut there, table);
    }
    assert_eq!(there.refused(REWRITE), "25006");
    standby.promote();
    there.run(&format!(
        "INSERT INTO django_session VALUES ('k', 'x', {EXPIRED})"
    ));
    assert_eq!(there.number(REWRITE), 1);
    assert_sound(&mut there, "django_session");
}

#[test]
fn an_older_snapshot_still_sees_every_row_that_was_live_in_it() {
    // A cluster of its own, because pg_visibility takes what is visible to all from all databases' transactions.
    let cluster = Cluster::with(&[]);
    let database = cluster.database("snapshot").with_checks();
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    let mut reader = database.connect();
    reader.run("BEGIN ISOLATION LEVEL REPEATABLE READ");
    // Its snapshot is taken without a lock on the table, which the rewrite would wait for.
    reader.run("SELECT 1");
    // Since then: a live session has been renewed thrice, one has ended, one has expired; an expired one has been renewed;
    // one that the snapshot does not see has come, one has come and gone.
    for _ in 0..3 {
        session.run("UPDATE django_session SET session_data = session_data || '!' WHERE session_key = 'key1'");
    }
    session.run("DELETE FROM django_session WHERE session_key = 'key11'");
    session.run(&format!(
        "UPDATE django_session SET expire_date = {EXPIRED} WHERE session_key = 'key21'"
    ));
    session.run(&format!(
        "UPDATE django_session SET expire_date = {LIVE} WHERE session_key = 'key2'"
    ));
    session.run(&format!(
        "INSERT INTO django_session VALUES ('new', '', {LIVE}), ('gone', '', {LIVE})"
    ));
    session.run("DELETE FROM django_session WHERE session_key = 'gone'");
    // 899 expired rows and key21; an old version of key2 has expired as well, but the row is live.
    assert_eq!(session.number(REWRITE), 900);
    assert_sound(&mut session, "django_session");

    assert_eq!(
        reader.count("django_session WHERE expire_date > now()"),
        100
    );
    assert_eq!(
        reader.texts("SELECT session_key || session_data FROM django_session WHERE session_key IN ('key1', 'key11', 'key21', 'key2') ORDER BY 1"),
        ["key11data11", "key1data1", "key21data21", "key2data2"]
    );
    // The same through the index, and no write on top of what it does not see.
    reader.run("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off");
    assert_eq!(
        reader.text("SELECT session_data FROM django_session WHERE session_key = 'key1'"),
        "data1"
    );
    let renew = "UPDATE django_session SET expire_date = now() WHERE session_key = 'key1'";
    assert_eq!(reader.refused(renew), "40001");
    reader.run("ROLLBACK");

    let live = session.count("django_session");
    assert_eq!(live, 100 - 2 + 2);
    session.run("VACUUM django_session");
    assert_sound(&mut session, "django_session");
    assert_eq!(session.count("django_session"), live);
}

#[test]
fn it_waits_for_its_lock_as_long_as_lock_timeout_and_keeps_others_waiting_no_longer() {
    let database = Cluster::shared().database("rewrite_lock");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    let mut holder = database.connect();
    holder.run("BEGIN; SELECT count(*) FROM django_session");
    session.run("SET lock_timeout = '300ms'");
    let waiting = session.start(REWRITE);
    waiting.wait_for_lock_wait(&mut database.connect());
    // Another reader has to queue behind it, and gets on when it gives up, though the holder does not let go.
    let reader = database
        .connect()
        .start("SELECT count(*) FROM django_session");
    assert_eq!(reader.value(), "1000");
    let (mut session, outcome) = waiting.finish();
    assert_eq!(cluster::sqlstate(outcome), "55P03");
    // Who does not own the table does not even wait.
    session.run("CREATE ROLE rewrite_reader LOGIN; GRANT SELECT, DELETE ON django_session TO rewrite_reader");
    assert_eq!(
        database.connect_as("rewrite_reader").refused(REWRITE),
        "42501"
    );
    // Without a limit it waits until the holder lets go.
    session.run("SET lock_timeout = 0");
    let waiting = session.start(REWRITE);
    waiting.wait_for_lock_wait(&mut database.connect());
    holder.run("COMMIT");
    assert_eq!(waiting.value(), "900");
}

#[test]
fn the_locks_of_several_partitions_are_waited_for_no_longer_than_lock_timeout_in_all() {
    let database = Cluster::shared().database("rewrite_partitions");
    let mut session = database.connect();
    session.run(&format!(
        "CREATE TABLE django_session (session_key text, session_data text, expire_date timestamptz) PARTITION BY LIST (session_key);
         CREATE TABLE part1 PARTITION OF django_session FOR VALUES IN ('1');
         CREATE TABLE part2 PARTITION OF django_session FOR VALUES IN ('2');
         INSERT INTO django_session VALUES ('1', '', {EXPIRED}), ('2', '', {EXPIRED})"
    ));
    let (mut first, mut second) = (database.connect(), database.connect());
    first.run("BEGIN; SELECT count(*) FROM part1");
    second.run("BEGIN; SELECT count(*) FROM part2");
    session.run("SET lock_timeout = '2s'");
    let start = Instant::now();
    let waiting = session.start(REWRITE);
    waiting.wait_for_lock_wait(&mut database.connect());
    wait_until("half of the time is over", || {
        start.elapsed() > Duration::from_secs(1)
    });
    first.run("COMMIT");
    let (mut session, outcome) = waiting.finish();
    assert_eq!(cluster::sqlstate(outcome), "55P03");
    assert!(
        start.elapsed() < Duration::from_millis(2900),
        "the second lock was waited for as long again"
    );
    second.run("COMMIT");
    assert_eq!(session.number(REWRITE), 2);
}

#[test]
fn a_subscriber_to_inserts_hears_nothing_of_a_rewrite() {
    let publisher = Cluster::with(&[("wal_level", "logical")]);
    let subscriber = Cluster::with(&[]);
    let mut here = publisher.database("logical").connect();
    let mut there = subscriber.bare_database("logical").connect();
    create_sessions(&mut here, "django_session", 1000, 10);
    create_sessions(&mut there, "django_session", 0, 10);
    // Long enough to be toasted again in the new heap
    here.run("UPDATE django_session SET session_data = (SELECT string_agg(md5(session_key || i), '') FROM generate_series(1, 200) AS i)");
    here.run(
        "CREATE PUBLICATION sessions FOR TABLE django_session WITH (publish = 'insert, update')",
    );
    there.run(&format!(
        "CREATE SUBSCRIPTION sessions CONNECTION 'host={} dbname=logical user=postgres' PUBLICATION sessions",
        publisher.folder().display()
    ));
    wait_until("the table has been copied", || {
        there.yes("SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel")
    });
    assert_eq!(here.number(REWRITE), 900);
    here.run("UPDATE django_session SET session_data = 'renewed' WHERE session_key = 'key1'");
    here.run(&format!(
        "INSERT INTO django_session VALUES ('last', '', {LIVE})"
    ));
    wait_until("the subscriber has what was written last", || {
        there.count("django_session WHERE session_key = 'last'") == 1
    });
    assert_eq!(there.count("django_session"), 1001);
    assert_eq!(
        there.count("django_session WHERE session_data = 'renewed'"),
        1
    );
    let live = "(SELECT * FROM django_session WHERE expire_date > now())";
    assert_eq!(fingerprint(&mut here, live), fingerprint(&mut there, live));
    there.run("DROP SUBSCRIPTION sessions");
}

/// One site's traffic: it renews, stores and reads sessions that it alone writes. Returns how many requests it made.
fn traffic(database: &Database<'_>, site: u32, stop: &AtomicBool) -> u32 {
    let mut session = database.connect();
    let mut requests = 0;
    while !stop.load(Ordering::Relaxed) {
        let key = format!("site{site}-{}", requests % 200);
        let changed = session.change(
            &format!(
                "INSERT INTO django_session VALUES ($1, '{requests}', {LIVE})
                 ON CONFLICT (session_key) DO UPDATE SET session_data = '{requests}', expire_date = {LIVE}"
            ),
            &key,
        );
        assert_eq!(changed, 1, "{key}");
        let read = session.texts(&format!(
            "SELECT session_data FROM django_session WHERE session_key = '{key}'"
        ));
        assert_eq!(read, [requests.to_string()], "{key}");
        requests += 1;
    }
    requests
}

#[test]
fn readers_and_writers_lose_no_live_session_to_rewrites() {
    let cluster = Cluster::with(&[]);
    let database = cluster.database("rewrite_traffic").with_checks();
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    let stop = AtomicBool::new(false);
    let mut removed = 0;
    let (mut requests, mut after) = (0, 0);
    scope(|threads| {
        let sites: Vec<_> = (0..3)
            .map(|site| {
                let (database, stop) = (&database, &stop);
                threads.spawn(move || traffic(database, site, stop))
            })
            .collect();
        for round in 0..15 {
            session.run(&format!(
                "INSERT INTO django_session SELECT 'old{round}-' || i, '', {EXPIRED} FROM generate_series(1, 5000) AS i"
            ));
            removed += session.number(REWRITE);
        }
        after = session.count("django_session WHERE session_key LIKE 'site%'");
        stop.store(true, Ordering::Relaxed);
        for site in sites {
            requests += site.join().expect("no request fails");
        }
    });
    assert_eq!(removed, 900 + 15 * 5000);
    assert!(requests > 100 && after > 0, "there was traffic: {requests}");
    assert_eq!(
        session.count("django_session WHERE session_key LIKE 'key%'"),
        100
    );
    assert_eq!(
        session.count(&format!("django_session WHERE expire_date = {EXPIRED}")),
        0
    );
    assert_sound(&mut session, "django_session");
}

#[test]
fn the_indexes_of_a_large_table_are_built_in_parallel() {
    let cluster = Cluster::with(&[
        ("min_parallel_table_scan_size", "0"),
        ("max_parallel_maintenance_workers", "2"),
        ("maintenance_work_mem", "256MB"),
        // So that the log says how an index is built.
        ("log_min_messages", "debug1"),
    ]);
    let mut session = cluster.database("parallel").with_checks().connect();
    create_sessions(&mut session, "django_session", 50_000, 2);
    let live = format!("(SELECT * FROM django_session WHERE expire_date = {LIVE})");
    let contents = fingerprint(&mut session, &live);
    let start = cluster.log().len();
    assert_eq!(session.number(REWRITE), 25_000);
    let log = cluster.log()[start..].to_owned();
    for index in ["django_session_pkey", "django_session_expire_date"] {
        let line = log
            .lines()
            .find(|line| line.contains(&format!("building index \"{index}\"")));
        let line = line.expect("the index is built");
        assert!(line.contains("parallel worker"), "{line}");
    }
    assert_eq!(fingerprint(&mut session, "django_session"), contents);
    assert_sound(&mut session, "django_session");
}
