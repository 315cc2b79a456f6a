//! Transactions and sessions in which a table cannot be cleared.

use cluster::{Cluster, EXPIRED, create_sessions, fingerprint};

#[test]
fn nothing_is_deleted_in_a_parallel_worker() {
    let database = Cluster::shared().database("parallel");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 1000, 10);
    let contents = fingerprint(&mut session, "django_session");
    session.run("ALTER FUNCTION raw_clear_sessions PARALLEL SAFE");
    session.run("ALTER FUNCTION raw_clear_sessions_preview PARALLEL SAFE");
    // The same setting under two names: a worker runs every plan that may run in one.
    let version: i32 = session.value("SELECT current_setting('server_version_num')::integer");
    let setting = if version < 160_000 {
        "force_parallel_mode"
    } else {
        "debug_parallel_query"
    };
    session.run(&format!("SET {setting} = on"));
    assert_eq!(
        session.refused("SELECT raw_clear_sessions('django_session')"),
        "25000"
    );
    assert_eq!(
        session.refused("SELECT raw_clear_sessions_preview('django_session')"),
        "25000"
    );
    assert_eq!(fingerprint(&mut session, "django_session"), contents);
    // As it is installed, the function keeps a statement from running in parallel.
    session.run("ALTER FUNCTION raw_clear_sessions PARALLEL UNSAFE");
    assert_eq!(session.clear("django_session"), 900);
}

#[test]
fn a_read_only_transaction_clears_only_its_temporary_tables() {
    let database = Cluster::shared().database("read_only");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 100, 10);
    session.run("CREATE TEMPORARY TABLE temporary (LIKE django_session)");
    session.run("INSERT INTO temporary TABLE django_session");
    let statement = "SELECT raw_clear_sessions('django_session')";
    session.run("BEGIN READ ONLY");
    assert_eq!(session.refused(statement), "25006");
    session.run("ROLLBACK");
    session.run("SET default_transaction_read_only = on");
    assert_eq!(session.refused(statement), "25006");
    assert_eq!(session.clear("temporary"), 90);
    assert_eq!(
        session.preview("django_session", "engine").as_deref(),
        Some("raw")
    );
    session.run("RESET default_transaction_read_only");
    assert_eq!(session.count("django_session"), 100);
    assert_eq!(session.count("temporary"), 10);
}

#[test]
fn a_temporary_table_is_cleared_by_the_session_that_created_it() {
    let database = Cluster::shared().database("temporary");
    let mut owner = database.connect();
    owner.run("CREATE TEMPORARY TABLE django_session (session_key varchar(40), session_data text, expire_date timestamptz)");
    owner.run(&format!(
        "INSERT INTO django_session VALUES ('a', '', {EXPIRED})"
    ));
    let name = owner.text(
        "SELECT format('%I.%I', nspname, relname) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
         WHERE pg_class.oid = 'django_session'::regclass",
    );
    let mut other = database.connect();
    for function in ["raw_clear_sessions", "raw_clear_sessions_preview"] {
        assert_eq!(
            other.refused(&format!("SELECT {function}('{name}')")),
            "0A000"
        );
    }
    assert_eq!(owner.clear("django_session"), 1);
}
