//! Who owns a database may install the extension, because it is trusted, and lay out beforehand whatever they like in
//! its schema. Superusers, the worker first of all, evaluate what the script makes: none of it may be the owner's.

use cluster::{Cluster, Database, Session, create_sessions};
use std::sync::LazyLock;

/// A cluster whose worker looks at all databases every second.
fn cluster() -> &'static Cluster {
    static SHARED: LazyLock<Cluster> = LazyLock::new(|| {
        Cluster::with_worker(
            "*",
            &[
                ("raw_clear_sessions.tables", ""),
                ("raw_clear_sessions.max_workers", "4"),
            ],
        )
    });
    &SHARED
}

/// A database that belongs to an ordinary role of the same name, and in its schema "mine" a function that notes who
/// calls it. Returns it with a session of the superuser's and one of the role's.
fn database(name: &str) -> (Database<'static>, Session, Session) {
    let database = cluster().bare_database(name);
    let mut admin = database.connect();
    admin.run(&format!(
        "CREATE ROLE {name} LOGIN; ALTER DATABASE {name} OWNER TO {name}"
    ));
    let mut owner = database.connect_as(name);
    owner.run(
        "CREATE SCHEMA mine;
         CREATE TABLE mine.gained (role name, whence text);
         GRANT ALL ON SCHEMA mine TO PUBLIC;
         GRANT ALL ON mine.gained TO PUBLIC;
         CREATE FUNCTION mine.gain(whence text) RETURNS void LANGUAGE plpgsql
             AS $$ BEGIN INSERT INTO mine.gained VALUES (current_user, whence); END $$;",
    );
    (database, admin, owner)
}

/// Operators for every pair of these types that PostgreSQL has none for, so that each would fit better than its own.
const OPERATORS: &str = r#"
DO $do$
DECLARE
    operator text;
    l regtype;
    r regtype;
    types regtype[] := '{regclass,oid,text,name,"\"char\"",bigint,integer,smallint,float8,numeric,interval,timestamptz,boolean}';
BEGIN
    FOREACH operator IN ARRAY ARRAY['=', '<>', '<', '<=', '>', '>='] LOOP
        FOREACH l IN ARRAY types LOOP
            FOREACH r IN ARRAY types LOOP
                IF NOT EXISTS (SELECT FROM pg_operator WHERE oprname = operator AND oprleft = l AND oprright = r) THEN
                    EXECUTE format('CREATE FUNCTION mine.%I(%s, %s) RETURNS boolean LANGUAGE plpgsql AS %L',
                        'decoy' || operator, l, r,
                        format('BEGIN PERFORM mine.gain(%L); RETURN true; END', concat_ws(' ', operator, l, r)));
                    EXECUTE format('CREATE OPERATOR mine.%s (FUNCTION = mine.%I, LEFTARG = %s, RIGHTARG = %s)',
                        operator, 'decoy' || operator, l, r);
                END IF;
            END LOOP;
        END LOOP;
    END LOOP;
END
$do$"#;

/// Functions that fit as well as PostgreSQL's, or better.
const FUNCTIONS: [(&str, &str); 5] = [
    ("format(text, text)", "text"),
    ("format(text, name)", "text"),
    ("concat_ws(text, text, text)", "text"),
    ("quote_ident(name)", "text"),
    ("current_setting(name, boolean)", "text"),
];

#[test]
fn what_lay_in_the_schema_before_the_extension_is_not_used() {
    let (_database, mut admin, mut owner) = database("preparer");
    owner.run(OPERATORS);
    for (function, returns) in FUNCTIONS {
        owner.run(&format!(
            "CREATE FUNCTION mine.{function} RETURNS {returns} LANGUAGE plpgsql
             AS $$ BEGIN PERFORM mine.gain('{function}'); RETURN NULL; END $$"
        ));
    }
    owner.run("CREATE EXTENSION raw_clear_sessions SCHEMA mine");
    // Views, constraints and policies that have come to hold something which is neither the system's nor the extension's.
    assert_eq!(
        admin.texts(
            "SELECT pg_describe_object(d.classid, d.objid, 0) || ' uses ' || pg_describe_object(d.refclassid, d.refobjid, 0)
             FROM pg_depend d
             WHERE d.classid IN ('pg_rewrite'::regclass, 'pg_constraint'::regclass, 'pg_policy'::regclass, 'pg_attrdef'::regclass)
                 AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass)
                 AND NOT EXISTS (SELECT FROM pg_depend e WHERE (e.classid, e.objid, e.deptype) = (d.refclassid, d.refobjid, 'e'))
                 AND d.objid >= 16384 AND d.refobjid >= 16384"
        ),
        [""; 0]
    );
    owner.run("SET search_path = mine");
    create_sessions(&mut owner, "django_session", 20, 10);
    owner.run(
        "SELECT raw_clear_sessions_schedule('django_session', '1 s', max_rows => 5, max_duration => '1 h', rewrite_above => 1)",
    );
    admin.run("SET search_path = mine");
    admin.wait_for_count("django_session", 2);
    admin.wait_for_run("stop = 'done'");
    for relation in ["status", "progress", "run", "policy", "state", "history"] {
        admin.run(&format!("TABLE raw_clear_sessions.{relation}"));
    }
    owner.run("SELECT raw_clear_sessions_unschedule('django_session')");
    admin.run("RESET search_path");
    assert_eq!(
        admin.texts("SELECT DISTINCT concat_ws(' ', role, whence) FROM mine.gained"),
        [""; 0]
    );
}

/// It may hold relations and functions of the extension's names, and its owner could change them afterwards.
#[test]
fn a_schema_of_the_extensions_name_is_not_taken_over() {
    let (_database, mut admin, mut owner) = database("occupier");
    owner.run(
        "CREATE SCHEMA raw_clear_sessions;
         CREATE VIEW raw_clear_sessions.status AS SELECT mine.gain('a view') IS NULL AS gained",
    );
    for schema in ["mine", "raw_clear_sessions"] {
        let create = format!("CREATE EXTENSION raw_clear_sessions SCHEMA {schema}");
        assert_eq!(owner.refused(&create), "42P06");
        assert_eq!(admin.refused(&create), "42P06");
    }
    owner.run(
        "DROP SCHEMA raw_clear_sessions CASCADE; CREATE EXTENSION raw_clear_sessions SCHEMA mine",
    );
    // It is not the owner's afterwards either, and goes with the extension.
    for statement in [
        "CREATE VIEW raw_clear_sessions.more AS SELECT 1",
        "ALTER SCHEMA raw_clear_sessions RENAME TO other",
        "DROP SCHEMA raw_clear_sessions CASCADE",
        "ALTER VIEW raw_clear_sessions.run RESET (security_barrier)",
    ] {
        assert_eq!(owner.refused(statement), "42501", "{statement}");
    }
    owner.run("DROP EXTENSION raw_clear_sessions");
    assert!(admin.yes("SELECT to_regnamespace('raw_clear_sessions') IS NULL"));
    assert_eq!(admin.count("mine.gained"), 0);
}

/// Who owns the extension can make things of their own its members, and a superuser put them among its relations: so a member is not yet to be trusted.
#[test]
fn a_member_of_the_extension_that_is_not_a_superusers_is_not_read() {
    let (_database, mut admin, mut owner) = database("member");
    owner.run("CREATE EXTENSION raw_clear_sessions SCHEMA mine; SET search_path = mine");
    create_sessions(&mut owner, "django_session", 20, 10);
    owner.run("SELECT raw_clear_sessions_schedule('django_session', '1 s')");
    admin.wait_for_count("mine.django_session", 2);
    owner.run(
        "CREATE FUNCTION mine.table() RETURNS regclass LANGUAGE plpgsql
             AS $$ BEGIN PERFORM mine.gain('the view'); RETURN 'mine.django_session'; END $$;
         CREATE VIEW mine.fake AS SELECT mine.table()::oid AS \"table\", s.* FROM (SELECT NULL::text AS schedule, NULL::text AS schedule_time_zone, now() AS changed, now() AS last_start, now() AS last_end, 0 AS failures, true AS run_now, NULL::timestamptz AS suspended, false AS restored, NULL::text AS recovery, NULL::text AS subscription FROM pg_class LIMIT 1) AS s;
         ALTER EXTENSION raw_clear_sessions ADD VIEW mine.fake",
    );
    // A superuser puts it there.
    admin.run(
        "BEGIN;
         ALTER VIEW raw_clear_sessions.scheduled RENAME TO aside;
         ALTER VIEW mine.fake RENAME TO scheduled;
         ALTER VIEW mine.scheduled SET SCHEMA raw_clear_sessions;
         COMMIT",
    );
    cluster().wait_for_log("does not belong to the extension, or not to a superuser");
    assert_eq!(admin.count("mine.gained"), 0);
}
