//! CREATE EXTENSION and what may come after it: dump and restore, other schemas, other owners, preloading.

use cluster::{Cluster, Pass, create_sessions, fingerprint};

#[test]
fn a_database_with_the_extension_is_dumped_and_restored() {
    let cluster = Cluster::shared();
    let database = cluster.bare_database("dumped");
    let mut session = database.connect();
    session.run("CREATE SCHEMA tools");
    session.run("CREATE EXTENSION raw_clear_sessions SCHEMA tools");
    create_sessions(&mut session, "django_session", 100, 10);
    session.run("CREATE VIEW usage AS SELECT tools.raw_clear_sessions_preview('django_session') ->> 'total_rows' AS rows");
    let dump = cluster.folder().join("dump");
    let dump = dump.to_str().expect("a plain path");
    cluster.client("pg_dump", &["--format=custom", "--file", dump, "dumped"]);
    let restored = cluster.bare_database("restored");
    cluster.client(
        "pg_restore",
        &["--exit-on-error", "--dbname=restored", dump],
    );
    let script = cluster.client("pg_restore", &["--file=-", dump]);
    assert!(script.contains("CREATE EXTENSION IF NOT EXISTS raw_clear_sessions WITH SCHEMA tools"));
    assert!(!script.contains("CREATE FUNCTION"), "{script}");
    let mut there = restored.connect();
    assert_eq!(
        fingerprint(&mut there, "django_session"),
        fingerprint(&mut session, "django_session")
    );
    assert_eq!(
        there.number("SELECT tools.raw_clear_sessions('django_session')"),
        90
    );
    assert_eq!(there.count("usage"), 1);
}

#[test]
fn the_extension_comes_and_goes_without_a_trace() {
    let database = Cluster::shared().bare_database("come_and_go");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 100, 10);
    let objects = "SELECT count(*) FROM pg_depend WHERE deptype = 'e'";
    let before = session.number(objects);
    session.run("CREATE EXTENSION raw_clear_sessions");
    assert_eq!(
        session.refused("CREATE EXTENSION raw_clear_sessions"),
        "42710"
    );
    session.run("CREATE EXTENSION IF NOT EXISTS raw_clear_sessions");
    assert_eq!(session.clear("django_session"), 90);
    session.run("DROP EXTENSION raw_clear_sessions");
    assert_eq!(session.number(objects), before);
    assert_eq!(
        session.refused("SELECT raw_clear_sessions('django_session')"),
        "42883"
    );
    session.run("CREATE EXTENSION IF NOT EXISTS raw_clear_sessions");
    assert_eq!(session.clear("django_session"), 0);
    assert_eq!(session.count("django_session"), 10);
}

#[test]
fn a_dropped_extension_waits_for_no_one_and_breaks_no_one() {
    let database = Cluster::shared().database("dropped");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 100, 10);
    session.run("BEGIN");
    assert_eq!(session.clear("django_session"), 90);
    database.connect().run("DROP EXTENSION raw_clear_sessions");
    session.run("COMMIT");
    assert_eq!(session.count("django_session"), 10);
}

#[test]
fn the_owner_of_a_database_installs_the_extension_without_being_superuser() {
    let cluster = Cluster::shared();
    let database = cluster.bare_database("owned");
    database.connect().run(
        "CREATE ROLE shop LOGIN; CREATE ROLE visitor LOGIN;
         ALTER DATABASE owned OWNER TO shop; ALTER SCHEMA public OWNER TO shop",
    );
    let mut visitor = database.connect_as("visitor");
    assert_eq!(
        visitor.refused("CREATE EXTENSION raw_clear_sessions"),
        "42501"
    );
    let mut owner = database.connect_as("shop");
    owner.run("CREATE EXTENSION raw_clear_sessions");
    create_sessions(&mut owner, "django_session", 100, 10);
    // The functions belong to the superuser, as those of every trusted extension, and work by the caller's rights.
    let statement = "SELECT raw_clear_sessions('django_session')";
    assert_eq!(visitor.refused(statement), "42501");
    owner.run("GRANT SELECT, DELETE ON django_session TO visitor");
    assert_eq!(visitor.number(statement), 90);
    // What watches DELETE is not to be got round, nor avoided, by whoever calls.
    assert_eq!(
        owner.refused("SET raw_clear_sessions.engine = 'sql'"),
        "42501"
    );
    owner.run("DROP EXTENSION raw_clear_sessions");
}

#[test]
fn the_functions_work_in_any_schema_whatever_the_search_path() {
    let database = Cluster::shared().bare_database("schemas");
    let mut session = database.connect();
    session.run("CREATE SCHEMA \"my Tools\"");
    session.run("CREATE EXTENSION raw_clear_sessions SCHEMA \"my Tools\"");
    assert_eq!(
        session.refused("ALTER EXTENSION raw_clear_sessions SET SCHEMA public"),
        "0A000"
    );
    for pass in Pass::ALL {
        create_sessions(&mut session, "django_session", 100, 10);
        session.run(&format!("{}; SET search_path = ''", pass.settings()));
        let deleted =
            session.number("SELECT \"my Tools\".raw_clear_sessions('public.django_session')");
        assert_eq!(deleted, 90, "{pass:?}");
        session.run("RESET ALL");
        session.run("DROP TABLE django_session");
    }
}

#[test]
fn a_preloaded_library_works_the_same() {
    let cluster = Cluster::with(&[("shared_preload_libraries", "raw_clear_sessions")]);
    let database = cluster.database("preloaded");
    let mut session = database.connect();
    for pass in Pass::ALL {
        create_sessions(&mut session, "django_session", 1000, 10);
        pass.choose(&mut session, "django_session");
        assert_eq!(session.clear("django_session"), 900, "{pass:?}");
        session.run("DROP TABLE django_session");
    }
    // Now the setting is known before the first call, and misspelt ones are refused.
    session.run("CREATE ROLE shop LOGIN");
    let mut shop = database.connect_as("shop");
    assert_eq!(
        shop.refused("SET raw_clear_sessions.engine = 'sql'"),
        "42501"
    );
    assert_eq!(
        shop.refused("SET raw_clear_sessions.engin = 'sql'"),
        "42602"
    );
    // Which SQLSTATE this has depends on the version: no such name, or a bad one.
    let misspelt = session.refused("ALTER SYSTEM SET raw_clear_sessions.engin = 'sql'");
    assert!(
        ["42704", "42602"].contains(&misspelt.as_str()),
        "{misspelt}"
    );
    assert_eq!(
        session.refused("SET raw_clear_sessions.engine = 'raw'"),
        "22023"
    );
}

#[test]
fn a_setting_made_before_the_library_is_loaded_counts_for_those_who_may_make_it() {
    let database = Cluster::shared().database("settings");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 100, 10);
    session.run("CREATE ROLE ordinary LOGIN; GRANT SELECT ON django_session TO ordinary");
    for (role, engine) in [("postgres", "sql"), ("ordinary", "raw")] {
        let mut session = database.connect_as(role);
        session.run("SET raw_clear_sessions.engine = 'sql'");
        assert_eq!(
            session.preview("django_session", "engine").as_deref(),
            Some(engine),
            "{role}"
        );
    }
}
