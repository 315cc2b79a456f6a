//! Logical replication carries the deletions, as it does those of DELETE.

use cluster::{Cluster, EXPIRED, Pass, create_sessions, fingerprint, wait_until};

/// What a subscriber identifies a row by.
const IDENTITIES: [(&str, &str); 3] = [
    ("primary_key", "DEFAULT"),
    ("whole_row", "FULL"),
    ("unique_index", "USING INDEX unique_index_data"),
];

#[test]
fn a_subscriber_deletes_what_the_publisher_clears() {
    let publisher = Cluster::with(&[("wal_level", "logical")]);
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
    for (round, pass) in Pass::ALL.into_iter().enumerate() {
        for (table, _) in IDENTITIES {
            here.run(&format!(
                "INSERT INTO {table} SELECT 'new' || i, 'data{round} ' || i, {EXPIRED} FROM generate_series(1, 500) AS i"
            ));
            pass.choose(&mut here, table);
            let deleted = here.clear(table);
            assert_eq!(deleted, if round == 0 { 1400 } else { 500 }, "{table}");
            here.run(&format!(
                "INSERT INTO {table} VALUES ('last', 'last', {EXPIRED})"
            ));
            wait_until("the subscriber has what was written last", || {
                there.count(&format!("{table} WHERE session_key = 'last'")) == 1
            });
            assert_eq!(
                fingerprint(&mut here, table),
                fingerprint(&mut there, table),
                "{pass:?} {table}"
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
