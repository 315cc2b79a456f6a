//! A hot standby: nothing is cleared there, and what is cleared on its primary is cleared there too.

use cluster::{Cluster, EXPIRED, Pass, Session, assert_sound, create_sessions, fingerprint};

#[test]
fn a_standby_refuses_to_clear_and_does_it_after_its_promotion() {
    let primary = Cluster::with(&[]);
    let database = primary.database("promotion");
    create_sessions(&mut database.connect(), "django_session", 1000, 10);
    let standby = primary.standby();
    primary.wait_for_replay(&standby);
    let mut session = standby.connect_to("promotion");
    let statement = "SELECT raw_clear_sessions('django_session')";
    assert_eq!(session.refused(statement), "25006");
    assert_eq!(
        session.preview("django_session", "engine").as_deref(),
        Some("raw")
    );
    let expired: String = session.value(
        "SELECT raw_clear_sessions_preview('django_session', exact => true) ->> 'expired_rows'",
    );
    assert_eq!(expired, "900");
    standby.promote();
    // The session from before the promotion goes on.
    assert_eq!(session.clear("django_session"), 900);
    assert_eq!(session.count("django_session"), 100);
}

/// Tables of every make whose WAL differs, each cleared by its pass.
fn create_tables(session: &mut Session) -> Vec<(String, Pass)> {
    let mut tables = Vec::new();
    for pass in Pass::ALL {
        let plain = format!("plain_{}", pass.name());
        create_sessions(session, &plain, 20_000, 10);
        let toasted = format!("toasted_{}", pass.name());
        create_sessions(session, &toasted, 200, 10);
        session.run(&format!(
            "ALTER TABLE {toasted} ALTER COLUMN session_data SET STORAGE EXTERNAL;
             UPDATE {toasted} SET session_data = repeat('0123456789', 1000)"
        ));
        let full = format!("identity_full_{}", pass.name());
        create_sessions(session, &full, 1000, 10);
        session.run(&format!("ALTER TABLE {full} REPLICA IDENTITY FULL"));
        let batches = format!("batches_{}", pass.name());
        create_sessions(session, &batches, 2000, 10);
        for table in [plain, toasted, full, batches] {
            session.run(&format!("VACUUM (ANALYZE) {table}"));
            tables.push((table, pass));
        }
    }
    tables
}

#[test]
fn a_standby_has_the_same_tables_and_pages_after_a_clearing() {
    // Every page that a WAL record changes is in it in full, and compared by the standby with what it made of it; with a
    // difference it ends, and does not replay to the end.
    let primary = Cluster::with(&[
        ("wal_consistency_checking", "all"),
        ("wal_level", "logical"),
    ]);
    let database = primary.database("consistency").with_checks();
    let mut session = database.connect();
    let tables = create_tables(&mut session);
    create_sessions(&mut session, "unlogged", 1000, 10);
    session.run("ALTER TABLE unlogged SET UNLOGGED");
    let standby = primary.standby();
    for (table, pass) in &tables {
        pass.choose(&mut session, table);
        let deleted = if table.starts_with("batches") {
            session.number(&format!("CALL raw_clear_sessions_in_batches('{table}')"))
        } else {
            session.clear(table)
        };
        assert!(deleted > 0, "{table}");
    }
    // A clearing that was rolled back, and rows in the place of those that were cleared.
    session.run(&format!(
        "INSERT INTO plain_heap SELECT 'again' || i, '', {EXPIRED} FROM generate_series(1, 1000) AS i"
    ));
    session.run("BEGIN; SELECT raw_clear_sessions('plain_heap'); ROLLBACK");
    session.run("VACUUM plain_index");
    session.run("RESET ALL");
    assert_eq!(session.clear("unlogged"), 900);

    primary.wait_for_replay(&standby);
    let mut there = standby.connect_to("consistency");
    for (table, _) in &tables {
        assert_eq!(
            fingerprint(&mut session, table),
            fingerprint(&mut there, table),
            "{table}"
        );
        assert_sound(&mut session, table);
        assert_sound(&mut there, table);
    }
    standby.promote();
    assert_eq!(there.clear("plain_heap"), 1000);
    assert_eq!(
        there.count("unlogged"),
        0,
        "unlogged tables do not get there"
    );
}
