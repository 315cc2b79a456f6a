//! Logical replication carries the deletions, as it does those of DELETE.

use cluster::{
    Cluster, EXPIRED, FAST, Pass, SLOW, Session, add_expired, create_sessions, fingerprint,
    wait_until,
};

/// What a subscriber identifies a row by.
const IDENTITIES: [(&str, &str); 3] = [
    ("primary_key", "DEFAULT"),
    ("whole_row", "FULL"),
    ("unique_index", "USING INDEX unique_index_data"),
];

/// What clears the publisher's tables.
#[derive(Clone, Copy, Debug)]
enum Way {
    Function(Pass),
    Procedure(Pass),
    Worker,
}

const WAYS: [Way; 7] = [
    Way::Function(Pass::Heap),
    Way::Function(Pass::Index),
    Way::Function(Pass::Sql),
    Way::Procedure(Pass::Heap),
    Way::Procedure(Pass::Index),
    Way::Procedure(Pass::Sql),
    Way::Worker,
];

impl Way {
    /// Clears a table of which 100 rows are live.
    fn clear(self, session: &mut Session, table: &str) {
        match self {
            Way::Function(pass) => {
                pass.choose(session, table);
                session.clear(table);
            }
            Way::Procedure(pass) => {
                pass.choose(session, table);
                session.number(&format!(
                    "CALL raw_clear_sessions_in_batches('{table}', batch_size => 100)"
                ));
            }
            Way::Worker => {
                session.run(&format!(
                    "SELECT raw_clear_sessions_schedule('{table}', '1 s')"
                ));
                session.wait_for_count(table, 100);
                session.run(&format!("SELECT raw_clear_sessions_unschedule('{table}')"));
            }
        }
        assert_eq!(session.count(table), 100, "{self:?} {table}");
    }
}

/// A publisher with a worker that clears only what has a policy.
fn publisher() -> Cluster {
    Cluster::with_worker(
        "logical",
        &[("wal_level", "logical"), ("raw_clear_sessions.tables", "")],
    )
}

#[test]
fn a_subscriber_deletes_what_the_publisher_clears() {
    let publisher = publisher();
    let subscriber = Cluster::with(&[]);
    let here = publisher.database("logical");
    let there = subscriber.bare_database("logical");
    let (mut here, mut there) = (here.connect(), there.connect());
    for (table, identity) in IDENTITIES {
        create_sessions(&mut here, table, 1000, 10);
        create_sessions(&mut there, table, 0, 10);
        if table == "unique_index" {
            here.run("CREATE UNIQUE INDEX unique_index_data ON unique_index (session_data)");
            there.run("CREATE UNIQUE INDEX unique_index_data ON unique_index (session_data)");
        }
        if table == "whole_row" {
            here.run("ALTER TABLE whole_row DROP CONSTRAINT whole_row_pkey");
            there.run("ALTER TABLE whole_row DROP CONSTRAINT whole_row_pkey");
        }
        let identity = format!("ALTER TABLE {table} REPLICA IDENTITY {identity}");
        here.run(&identity);
        there.run(&identity);
    }
    here.run("CREATE PUBLICATION sessions FOR TABLE primary_key, whole_row, unique_index");
    there.run(&format!(
        "CREATE SUBSCRIPTION sessions CONNECTION 'host={} dbname=logical user=postgres' PUBLICATION sessions",
        publisher.folder().display()
    ));
    wait_until("the tables have been copied", || {
        there.yes("SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel")
    });
    for (round, way) in WAYS.into_iter().enumerate() {
        for (table, _) in IDENTITIES {
            here.run(&format!(
                "INSERT INTO {table} SELECT 'new' || i, 'data{round} ' || i, {EXPIRED} FROM generate_series(1, 500) AS i"
            ));
            way.clear(&mut here, table);
            here.run(&format!(
                "INSERT INTO {table} VALUES ('last', 'last', {EXPIRED})"
            ));
            wait_until("the subscriber has what was written last", || {
                there.count(&format!("{table} WHERE session_key = 'last'")) == 1
            });
            assert_eq!(
                fingerprint(&mut here, table),
                fingerprint(&mut there, table),
                "{way:?} {table}"
            );
            here.run(&format!("DELETE FROM {table} WHERE session_key = 'last'"));
            wait_until("the subscriber has deleted it too", || {
                there.count(table) == 100
            });
        }
    }
    // Ends the subscription in order: its server would not stop while the publisher is being looked for.
    there.run("DROP SUBSCRIPTION sessions");
}

#[test]
fn a_published_table_whose_rows_have_no_identity_is_refused_as_delete_refuses_it() {
    let publisher = publisher();
    let mut session = publisher.database("logical").connect();
    create_sessions(&mut session, "django_session", 100, 10);
    create_sessions(&mut session, "other_session", 1000, 10);
    session.run(
        "ALTER TABLE django_session REPLICA IDENTITY NOTHING;
         CREATE PUBLICATION sessions FOR TABLE django_session, other_session",
    );
    let refusal = session.refused("DELETE FROM django_session WHERE expire_date < now()");
    assert_eq!(refusal, "55000");
    for statement in [
        "SELECT raw_clear_sessions('django_session')",
        "CALL raw_clear_sessions_in_batches('django_session')",
        "SELECT raw_clear_sessions_rewrite('django_session')",
    ] {
        for pass in Pass::ALL {
            session.run("RESET ALL");
            session.run(pass.settings());
            assert_eq!(session.refused(statement), refusal, "{pass:?} {statement}");
        }
    }
    let schedule = "SELECT raw_clear_sessions_schedule('django_session', '1 s')";
    assert_eq!(session.refused(schedule), refusal);
    // What becomes so later the worker says, and goes on with the next table.
    session.run(&format!(
        "ALTER TABLE django_session REPLICA IDENTITY FULL;
         {schedule};
         ALTER TABLE django_session REPLICA IDENTITY NOTHING;
         SELECT raw_clear_sessions_schedule('other_session', '1 s')",
    ));
    session.wait_for_run(&format!(
        "\"table\" = 'django_session'::regclass AND stop = 'failed' AND sqlstate = '{refusal}' AND deleted = 0"
    ));
    session.wait_for_count("other_session", 100);
    assert_eq!(session.count("django_session"), 100);
}

/// The publisher's policies and runs are its own, and so are the ids of the subscriber's.
#[test]
fn a_publication_for_all_tables_brings_a_subscriber_no_policies_and_no_runs() {
    let settings = [("wal_level", "logical"), ("raw_clear_sessions.tables", "")];
    let [publisher, subscriber] = [(); 2].map(|()| Cluster::with_worker("app", &settings));
    let (publishers, subscribers) = (publisher.database("app"), subscriber.database("app"));
    let (mut here, mut there) = (publishers.connect(), subscribers.connect());
    for session in [&mut here, &mut there] {
        create_sessions(session, "django_session", 0, 10);
        session.run("CREATE TABLE local (LIKE django_session INCLUDING ALL)");
    }
    // Both count their runs from one.
    for (session, table) in [(&mut here, "django_session"), (&mut there, "local")] {
        session.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}', '1 s')"
        ));
        add_expired(session, table, 5);
        session.wait_for_count(table, 0);
    }
    here.run("CREATE PUBLICATION everything FOR ALL TABLES");
    there.run(&format!(
        "CREATE SUBSCRIPTION everything CONNECTION 'host={} dbname=app user=postgres' PUBLICATION everything",
        publisher.folder().display()
    ));
    add_expired(&mut here, "django_session", 7);
    here.wait_for_count("django_session", 0);
    here.run("INSERT INTO local VALUES ('done', '', 'infinity')");
    there.wait_for_count("local WHERE session_key = 'done'", 1);
    assert_eq!(
        there.texts("SELECT \"table\"::text FROM raw_clear_sessions.policy"),
        ["local"]
    );
    assert_eq!(there.runs("deleted = 7"), 0);
    // What a subscription writes is cleared where it comes from, whoever schedules it here.
    there.run("SELECT raw_clear_sessions_schedule('django_session', '1 s')");
    add_expired(&mut there, "django_session", 3);
    let note = there.text(
        "SELECT note FROM raw_clear_sessions.status WHERE \"table\" = 'django_session'::regclass",
    );
    assert!(
        note.contains("written by subscription everything"),
        "{note}"
    );
    there.run("DROP SUBSCRIPTION everything");
    there.run("SELECT raw_clear_sessions_run_now('django_session')");
    there.wait_for_count("django_session", 0);
}

/// Their tables are not part of the publication, or were made since the subscription was.
#[test]
fn policies_of_tables_that_the_subscriber_lacks_do_not_stop_the_replication() {
    let publisher = publisher();
    let subscriber = Cluster::with(&[("max_logical_replication_workers", "8")]);
    let mut here = publisher.database("app").connect();
    create_sessions(&mut here, "early_session", 0, 10);
    here.run(
        "CREATE TABLE last (id integer);
         SELECT raw_clear_sessions_schedule('early_session');
         CREATE PUBLICATION everything FOR TABLE last, TABLES IN SCHEMA raw_clear_sessions",
    );
    for (round, options) in ["binary = false", "binary = true"].iter().enumerate() {
        let mut there = subscriber.database(&format!("app{round}")).connect();
        there.run("CREATE TABLE last (id integer)");
        there.run(&format!(
            "CREATE SUBSCRIPTION everything{round} CONNECTION 'host={} dbname=app user=postgres' PUBLICATION everything
                 WITH ({options})",
            publisher.folder().display()
        ));
        wait_until("the tables have been copied", || {
            there.yes("SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel")
        });
        let table = format!("session{round}");
        create_sessions(&mut here, &table, 0, 10);
        here.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}');
             SELECT raw_clear_sessions_suspend('{table}');
             ALTER TABLE {table} RENAME TO late_session{round};
             SELECT raw_clear_sessions_unschedule('late_session{round}');
             INSERT INTO last VALUES ({round})"
        ));
        there.wait_for_count(&format!("last WHERE id = {round}"), 1);
        assert_eq!(there.count("raw_clear_sessions.policy"), 0, "{options}");
        there.run(&format!("DROP SUBSCRIPTION everything{round}"));
    }
    assert_eq!(subscriber.logged("ERROR"), 0);
}

/// As pg_createsubscriber makes one, or an upgrade from blue to green: a standby that goes on as a subscriber of everything.
#[test]
fn a_standby_that_becomes_a_subscriber_clears_nothing_until_it_is_one_no_longer() {
    let settings = [("wal_level", "logical"), ("raw_clear_sessions.tables", "")];
    let publisher = Cluster::with_worker("app", &settings);
    let mut here = publisher.database("app").connect();
    create_sessions(&mut here, "django_session", 0, 10);
    here.run(
        "CREATE TABLE other (LIKE django_session INCLUDING ALL);
         SELECT raw_clear_sessions_schedule('django_session', '1 s')",
    );
    add_expired(&mut here, "django_session", 5);
    here.wait_for_count("django_session", 0);
    here.run("CREATE PUBLICATION everything FOR ALL TABLES");
    here.run("SELECT pg_create_logical_replication_slot('everything', 'pgoutput')");
    let subscriber = publisher.standby();
    publisher.wait_for_replay(&subscriber);
    subscriber.promote();
    let mut there = subscriber.connect_to("app");
    there.run(&format!(
        "CREATE SUBSCRIPTION everything CONNECTION 'host={} dbname=app user=postgres' PUBLICATION everything
             WITH (create_slot = false, slot_name = 'everything', copy_data = false)",
        publisher.folder().display()
    ));
    let runs = there.runs("true");
    // What the publisher's worker notes of itself, in each of the extension's tables, is published all along.
    add_expired(&mut here, "django_session", 7);
    here.wait_for_count("django_session", 0);
    here.run(
        "SELECT raw_clear_sessions_schedule('other', '1 s');
         SELECT raw_clear_sessions_suspend('django_session');
         SELECT raw_clear_sessions_resume('django_session');
         UPDATE raw_clear_sessions.origin SET restored = true;
         SELECT raw_clear_sessions_resume_all();
         INSERT INTO other VALUES ('done', '', 'infinity')",
    );
    there.wait_for_count("other WHERE session_key = 'done'", 1);
    assert_eq!(
        there.texts("SELECT \"table\"::text FROM raw_clear_sessions.policy"),
        ["django_session"]
    );
    add_expired(&mut there, "django_session", 3);
    there.run(
        "CREATE TABLE own (LIKE django_session INCLUDING ALL);
         SELECT raw_clear_sessions_schedule('own', '1 s', expires => 'expire_date')",
    );
    there.wait_for_ends("own", 3);
    let note = there.text(
        "SELECT note FROM raw_clear_sessions.status WHERE \"table\" = 'django_session'::regclass",
    );
    assert!(
        note.contains("written by subscription everything"),
        "{note}"
    );
    assert_eq!(there.runs("true"), runs);
    assert_eq!(there.count("django_session"), 3);
    assert_eq!(subscriber.logged("ERROR"), 0);
    there.run("DROP SUBSCRIPTION everything");
    there.wait_for_count("django_session", 0);
    assert_eq!(there.runs("deleted = 3"), 1);
}

/// Here on the same server, which is why the slot has to be made beforehand.
#[test]
fn a_run_ends_when_a_subscription_comes_to_write_its_table() {
    let mut settings = SLOW.to_vec();
    settings.push(("wal_level", "logical"));
    let cluster = Cluster::with_worker("app", &settings);
    let mut publisher = cluster.database("publisher").connect();
    create_sessions(&mut publisher, "django_session", 0, 10);
    publisher.run("CREATE PUBLICATION sessions FOR TABLE django_session");
    publisher.run("SELECT pg_create_logical_replication_slot('sessions', 'pgoutput')");
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 20_000, 10);
    session.wait_for_busy_worker("django_session");
    session.run(&format!(
        "CREATE SUBSCRIPTION sessions CONNECTION 'host={} dbname=publisher user=postgres' PUBLICATION sessions
             WITH (create_slot = false, slot_name = 'sessions', copy_data = false)",
        cluster.folder().display()
    ));
    session.wait_for_run("stop = 'unscheduled'");
    assert!(session.count("django_session") > 2_000);
    session.run("DROP SUBSCRIPTION sessions");
    cluster.reload(&FAST);
    session.wait_for_count("django_session", 2_000);
}

/// Here on the same server, too.
#[test]
fn what_a_subscription_writes_a_part_of_is_left_alone_though_it_is_disabled() {
    let settings = [("wal_level", "logical"), ("raw_clear_sessions.tables", "")];
    let cluster = Cluster::with_worker("app", &settings);
    let mut publisher = cluster.database("publisher").connect();
    for table in ["django_session", "spread", "child"] {
        create_sessions(&mut publisher, table, 0, 10);
    }
    publisher.run("CREATE PUBLICATION sessions FOR TABLE django_session, spread, child");
    publisher.run("SELECT pg_create_logical_replication_slot('sessions', 'pgoutput')");
    let mut session = cluster.database("app").connect();
    for table in ["django_session", "parent", "own"] {
        create_sessions(&mut session, table, 100, 10);
    }
    session.run(
        "CREATE TABLE spread (LIKE django_session) PARTITION BY RANGE (expire_date);
         CREATE TABLE part PARTITION OF spread DEFAULT;
         INSERT INTO spread TABLE django_session;
         CREATE TABLE child () INHERITS (parent)",
    );
    session.run(&format!(
        "CREATE SUBSCRIPTION sessions CONNECTION 'host={} dbname=publisher user=postgres' PUBLICATION sessions
             WITH (create_slot = false, slot_name = 'sessions', copy_data = false)",
        cluster.folder().display()
    ));
    session.run("ALTER SUBSCRIPTION sessions DISABLE");
    let tables = ["django_session", "part", "parent"];
    for table in tables.iter().chain(&["own"]) {
        session.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}', '1 s')"
        ));
    }
    session.wait_for_ends("own", 3);
    let note = |session: &mut Session, table: &str| {
        session.text(&format!(
            "SELECT note FROM raw_clear_sessions.status WHERE \"table\" = '{table}'::regclass"
        ))
    };
    for table in tables {
        assert_eq!(session.count(table), 100, "{table}");
        let note = note(&mut session, table);
        assert!(
            note.contains("sessions, which is disabled"),
            "{table}: {note}"
        );
    }
    session.run("ALTER SUBSCRIPTION sessions ENABLE");
    assert!(note(&mut session, "part").contains("cleared where its rows come from"));
    session.run("DROP SUBSCRIPTION sessions");
    for table in tables {
        session.wait_for_count(table, 10);
    }
}
