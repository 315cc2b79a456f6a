//! The databases that the worker works in, and what becomes of those that it cannot.

use cluster::{
    Cluster, Database, FAST, Paused, SLOW, Session, add_expired, create_sessions, wait_until,
};

/// A database with the extension and a session table in it.
fn with_sessions<'a>(cluster: &'a Cluster, name: &str) -> (Database<'a>, Session) {
    let database = cluster.database(name);
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    (database, session)
}

#[test]
fn databases_that_cannot_be_cleared_do_not_keep_the_others_waiting() {
    let cluster = Cluster::with_worker("missing, closed, bare, first, second", &[]);
    let mut bare = cluster.bare_database("bare").connect();
    create_sessions(&mut bare, "django_session", 1000, 10);
    drop(with_sessions(&cluster, "closed"));
    let mut postgres = cluster.connect();
    // Nobody may be inside, or it is not closed to him.
    wait_until("the database can be closed", || {
        postgres
            .try_run("ALTER DATABASE closed ALLOW_CONNECTIONS false")
            .is_ok()
    });
    let (_database, mut first) = with_sessions(&cluster, "first");
    let (_database, mut second) = with_sessions(&cluster, "second");
    for session in [&mut first, &mut second] {
        session.wait_for_count("django_session", 100);
        add_expired(session, "django_session", 10);
        session.wait_for_count("django_session", 100);
    }
    let missing = "database \"missing\" does not exist";
    let closed = "database \"closed\" is not currently accepting connections";
    let lacking = "database \"bare\" has no extension \"raw_clear_sessions\"";
    cluster.wait_for_log(closed);
    cluster.wait_for_log(lacking);
    let notes =
        "SELECT note FROM raw_clear_sessions.status WHERE note LIKE 'database %' ORDER BY note";
    wait_until("the status of the others names them", || {
        first.texts(notes).len() == 3
    });
    assert_eq!(
        second.texts(notes),
        [
            "database bare of raw_clear_sessions.databases has no extension raw_clear_sessions: connect to it and CREATE EXTENSION raw_clear_sessions",
            "database closed of raw_clear_sessions.databases accepts no connections (ALTER DATABASE ... ALLOW_CONNECTIONS)",
            "database missing of raw_clear_sessions.databases does not exist",
        ]
    );
    let log = cluster.log();
    let runs = first.all_ended_runs();
    wait_until("the worker has run five times more", || {
        first.all_ended_runs() >= runs + 5
    });
    assert_eq!(cluster.log(), log, "what is wrong is said once");
    assert_eq!(cluster.logged(missing), 1);
    assert_eq!(cluster.logged(closed), 1);
    assert_eq!(cluster.logged(lacking), 1);
    assert_eq!(bare.count("django_session"), 1000);

    // They are served as soon as they can be.
    postgres.run("ALTER DATABASE closed ALLOW_CONNECTIONS true");
    let mut closed = cluster.connect_to("closed");
    closed.wait_for_count("django_session", 100);
    let (_database, mut missing) = with_sessions(&cluster, "missing");
    missing.wait_for_count("django_session", 100);
    bare.run("CREATE EXTENSION raw_clear_sessions");
    bare.wait_for_count("django_session", 100);
    wait_until("nothing is wrong any more", || {
        first.texts(notes).is_empty()
    });
}

#[test]
fn an_asterisk_means_all_databases_that_have_the_extension() {
    let cluster = Cluster::with_worker("*", &[]);
    let mut template = cluster.connect_to("template1");
    template.run("CREATE EXTENSION raw_clear_sessions");
    create_sessions(&mut template, "django_session", 1000, 10);
    drop(template);
    let mut bare = cluster.connect();
    create_sessions(&mut bare, "django_session", 1000, 10);
    // Made from the template, with the extension and the sessions in it.
    let mut first = cluster.bare_database("first").connect();
    cluster.connect().run("CREATE DATABASE \"An odd, name\"");
    let mut odd = cluster.connect_to("An odd, name");
    first.wait_for_count("django_session", 100);
    odd.wait_for_count("django_session", 100);
    assert_eq!(bare.count("django_session"), 1000);
    // A template is left alone: CREATE DATABASE waits until nobody is connected to it.
    let mut template = cluster.connect_to("template1");
    assert_eq!(template.count("django_session"), 1000);
    assert_eq!(template.all_ended_runs(), 0);
}

#[test]
fn one_worker_serves_all_databases_in_turn() {
    let cluster = Cluster::with_worker("*", &[("raw_clear_sessions.max_workers", "1")]);
    let mut sessions: Vec<_> = (0..4)
        .map(|number| with_sessions(&cluster, &format!("app{number}")).1)
        .collect();
    for _ in 0..2 {
        for session in &mut sessions {
            session.wait_for_count("django_session", 100);
            add_expired(session, "django_session", 10);
        }
    }
    wait_until("every database has been looked at five times", || {
        sessions
            .iter_mut()
            .all(|session| session.all_ended_runs() >= 5)
    });
}

/// Each of them takes long enough to be seen.
#[test]
fn there_are_no_more_workers_than_there_may_be() {
    let mut settings = SLOW.to_vec();
    settings.push(("raw_clear_sessions.max_workers", "1"));
    let cluster = Cluster::with_worker("*", &settings);
    let mut sessions: Vec<_> = (0..3)
        .map(|number| {
            let mut session = cluster.database(&format!("app{number}")).connect();
            create_sessions(&mut session, "django_session", 5000, 10);
            session
        })
        .collect();
    let mut most = 0;
    wait_until("each database has had its turn", || {
        most = most.max(sessions[0].workers().len());
        sessions
            .iter_mut()
            .all(|session| session.count("django_session") < 5000)
    });
    assert_eq!(most, 1, "database workers at a time");
}

#[test]
fn where_no_background_worker_is_free_the_log_says_so_once_and_it_is_tried_again() {
    // One for the launcher, one for PostgreSQL's own logical replication launcher, and one to share.
    let mut settings = vec![("max_worker_processes", "3")];
    settings.extend(SLOW);
    let cluster = Cluster::with_worker("*", &settings);
    let (_database, mut first) = with_sessions(&cluster, "first");
    first.wait_for_busy_worker("django_session");
    let (_database, mut second) = with_sessions(&cluster, "second");
    let complaint = "no background worker is free to clear sessions";
    cluster.wait_for_log(complaint);
    assert!(
        cluster.log().contains("max_worker_processes"),
        "the log says what to do"
    );
    wait_until("the status says so", || {
        second.texts("SELECT coalesce(note, '') FROM raw_clear_sessions.status")[0]
            .contains(complaint)
    });
    assert_eq!(second.all_ended_runs(), 0);
    cluster.reload(&FAST);
    first.wait_for_count("django_session", 100);
    second.wait_for_count("django_session", 100);
    wait_until("both have been cleared five times", || {
        first.all_ended_runs() >= 5 && second.all_ended_runs() >= 5
    });
    assert_eq!(
        cluster.logged(complaint),
        1,
        "they share one from now on, and nobody waits for long"
    );
    assert_eq!(
        first.runs("stop <> 'done'") + second.runs("stop <> 'done'"),
        0
    );
}

#[test]
fn a_listed_name_that_is_of_no_table_to_be_cleared_is_in_the_status() {
    let names = "pg_class, passing, seen, missing";
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.tables", names)]);
    let mut session = cluster.database("app").connect();
    session.run("CREATE TEMPORARY TABLE passing (); CREATE VIEW seen AS SELECT 1");
    let notes = session.texts(
        "SELECT regexp_replace(note, 'table (.*) of .*\\.tables ', '\\1 ') \
         FROM raw_clear_sessions.status WHERE source = 'setting' ORDER BY 1",
    );
    assert_eq!(
        notes,
        [
            "missing does not exist in this database",
            "passing is one of PostgreSQL's own or a temporary one, and not cleared",
            "pg_class is one of PostgreSQL's own or a temporary one, and not cleared",
            "seen is no table in this database, but a relation of another kind",
        ]
    );
}

/// The setting's schedule, by which it is looked for new databases, is not that of the policies.
#[test]
fn a_database_that_was_closed_or_renamed_for_a_moment_is_found_again() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.schedule", "@yearly")]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 s')");
    session.wait_for_count("django_session", 10);
    drop(session);
    let mut postgres = cluster.connect();
    for (change, log, back) in [
        (
            "ALTER DATABASE app ALLOW_CONNECTIONS false",
            "database \"app\" is not currently accepting connections",
            "ALTER DATABASE app ALLOW_CONNECTIONS true",
        ),
        (
            "ALTER DATABASE app RENAME TO other",
            "database \"app\" does not exist",
            "ALTER DATABASE other RENAME TO app",
        ),
    ] {
        // The cluster's list begins before there is any database.
        let before = cluster.logged(log);
        wait_until("nobody is in the database", || {
            postgres.try_run(change).is_ok()
        });
        wait_until("it is missed", || cluster.logged(log) > before);
        postgres.run(back);
        let mut session = cluster.connect_to("app");
        add_expired(&mut session, "django_session", 5);
        session.wait_for_count("django_session", 10);
    }
}

/// The worker is on its way when its database is closed.
#[test]
fn a_database_that_is_closed_while_its_worker_connects_does_not_back_off_for_that() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 100, 10);
    session.wait_for_count("django_session", 10);
    let mut postgres = cluster.connect();
    drop(session);
    let exits = cluster.logged("exited with exit code 1");
    wait_until("a worker comes that cannot connect", || {
        wait_until("nobody is in the database", || {
            postgres.count("pg_stat_activity WHERE datname = 'app'") == 0
        });
        let paused = Paused::one(cluster.postmaster());
        let since = postgres.text("SELECT clock_timestamp()::text");
        wait_until("it is due", || {
            postgres.yes(&format!(
                "SELECT clock_timestamp() > '{since}'::timestamptz + interval '2 s'"
            ))
        });
        let closed = postgres.try_run("ALTER DATABASE app ALLOW_CONNECTIONS false");
        drop(paused);
        if closed.is_ok() {
            wait_until("the worker has come, or the database is missed", || {
                cluster.logged("app\" is not currently accepting connections") > 0
            });
            postgres.run("ALTER DATABASE app ALLOW_CONNECTIONS true");
        }
        cluster.logged("exited with exit code 1") > exits
    });
    let mut session = cluster.connect_to("app");
    add_expired(&mut session, "django_session", 5);
    session.wait_for_count("django_session", 10);
}
