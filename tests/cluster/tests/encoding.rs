//! Databases that are not in UTF-8, and names that are not.

use cluster::{Cluster, EXPIRED, Session, wait_until};

const NAMES: &str = "ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'";

/// A session in a database of its own, which is in LATIN1 and has the extension.
fn connect_to_latin(name: &str) -> Session {
    let cluster = Cluster::shared();
    cluster
        .connect()
        .run(&format!("CREATE DATABASE {name} {NAMES}"));
    let mut session = cluster.connect_to(name);
    session.run("CREATE EXTENSION raw_clear_sessions");
    session
}

#[test]
fn a_name_that_is_not_utf_8_is_no_internal_error() {
    let mut session = connect_to_latin("latin");
    session.run(&format!(
        "CREATE TABLE session (id integer, at timestamptz, größe text);
         CREATE INDEX \"schlüssel\" ON session (at);
         INSERT INTO session VALUES (1, {EXPIRED}, 'ä');
         CREATE TABLE besuch_ä (id integer, at timestamptz);
         CREATE SCHEMA \"ö\"; CREATE TABLE \"ö\".plain (id integer, at timestamptz);"
    ));
    assert_eq!(
        session.number("SELECT raw_clear_sessions('session', expires => 'at')"),
        1
    );
    for table in ["besuch_ä", "ö.plain"] {
        assert_eq!(
            session.refused(&format!(
                "SELECT raw_clear_sessions('{table}', expires => 'at')"
            )),
            "0A000"
        );
    }
}

#[test]
fn a_text_that_is_not_utf_8_is_refused_and_chr_says_it() {
    let mut session = connect_to_latin("texts");
    session.run(&format!(
        "CREATE TABLE session (kind text, at timestamptz, \"läuft ab\" timestamptz);
         INSERT INTO session VALUES ('ä', {EXPIRED}), ('a', {EXPIRED});"
    ));
    for arguments in [
        "expires => 'läuft ab'",
        "expires => 'at', filter => 'kind = ''ä'''",
        "expires => 'at', unit => 'ä'",
        "expires => 'at', time_zone => 'ä'",
    ] {
        for function in [
            "SELECT raw_clear_sessions",
            "SELECT raw_clear_sessions_rewrite",
            "SELECT raw_clear_sessions_preview",
            "SELECT raw_clear_sessions_schedule",
            "CALL raw_clear_sessions_in_batches",
        ] {
            let call = format!("{function}('session', {arguments})");
            assert_eq!(session.refused(&call), "0A000", "{call}");
        }
    }
    let schedule = "SELECT raw_clear_sessions_schedule('session', 'täglich', expires => 'at')";
    assert_eq!(session.refused(schedule), "0A000");
    assert_eq!(session.count("session"), 2);
    let left = "SELECT raw_clear_sessions('session', expires => 'at', filter => 'kind = chr(228)')";
    assert_eq!(session.number(left), 1);
    assert_eq!(session.texts("SELECT kind FROM session"), ["a"]);
}

/// Names of databases are bytes of whatever encoding their creator's session had.
#[test]
fn a_database_whose_name_is_not_utf_8_does_not_stop_the_worker() {
    let cluster = Cluster::with_worker("*", &[]);
    let mut postgres = cluster.connect();
    postgres.run(&format!("CREATE DATABASE latin {NAMES}"));
    cluster.connect_to("latin").run("CREATE DATABASE \"säle\"");
    let database = cluster.database("app");
    let mut session = database.connect();
    cluster::create_sessions(&mut session, "django_session", 20, 10);
    session.wait_for_count("django_session", 2);
    let launcher = session.wait_for_launcher();
    cluster::add_expired(&mut session, "django_session", 5);
    wait_until("they are cleared", || session.count("django_session") == 2);
    assert_eq!(session.launcher(), Some(launcher));
    assert_eq!(cluster.logged("ERROR"), 0);
}

/// What is shown can be read again, and dumped: each text of ours is ASCII where the database is not in UTF-8.
#[test]
fn texts_can_be_read_where_the_database_or_the_client_is_not_in_utf_8() {
    let cluster = Cluster::shared();
    for encoding in ["EUC_JP", "LATIN1", "UTF8"] {
        let name = format!("reads_{}", encoding.to_lowercase());
        cluster.connect().run(&format!(
            "CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        ));
        let mut session = cluster.connect_to(&name);
        session.run("CREATE EXTENSION raw_clear_sessions");
        // U+7AE0 is two bytes in EUC_JP that are no UTF-8, and LATIN1 does not have it.
        let column = if encoding != "EUC_JP" {
            "ende_\u{e4}"
        } else {
            "\u{7ae0}"
        };
        session.run(&format!(
            "CREATE TABLE token (id integer, expires_at timestamptz, \"{column}_expires\" timestamptz);
             CREATE TABLE kept AS SELECT call, missing, note FROM raw_clear_sessions_find();"
        ));
        let hint = session
            .try_run("SELECT raw_clear_sessions('token')")
            .unwrap_err();
        let hint = hint
            .as_db_error()
            .and_then(|error| error.hint())
            .unwrap()
            .to_owned();
        assert!(hint.contains("keep => '...'"), "{encoding}: {hint}");
        let calls = session.texts("SELECT call FROM kept WHERE call LIKE '%token%'");
        assert!(calls[0].contains("keep => '...'"), "{encoding}: {calls:?}");
        session.run("SELECT raw_clear_sessions_preview('token', expires => 'expires_at')");
        if encoding != "EUC_JP" {
            session.run("SET client_encoding = LATIN1");
        }
        assert_eq!(
            session.refused("SELECT raw_clear_sessions('token')"),
            "42703",
            "{encoding}"
        );
        cluster.client("pg_dump", &["--dbname", &name]);
    }
}

/// A name that cannot be told exactly could be another table's.
#[test]
fn no_call_is_shown_for_a_table_whose_name_cannot_be_told() {
    let mut session = connect_to_latin("no_call");
    session.run("CREATE TABLE \"d\u{ff}\" (session_key varchar(40), session_data text NOT NULL, expire_date timestamptz NOT NULL)");
    let found = "SELECT note LIKE '0A000: %' AND call IS NULL AND schedule_call IS NULL FROM raw_clear_sessions_find()";
    assert!(session.yes(found));
}
