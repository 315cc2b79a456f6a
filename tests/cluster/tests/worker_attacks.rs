//! Known ways to rights that one lacks, tried on the worker and on what the extension's script makes: names and owners
//! that change behind a policy's back, event triggers, default privileges, forged policies.

use cluster::{Cluster, Database, EXPIRED, Session, add_expired, create_sessions, wait_until};
use std::sync::LazyLock;

/// A cluster whose worker looks at all databases every second, for policies and for the tables "listed".
fn cluster() -> &'static Cluster {
    static SHARED: LazyLock<Cluster> = LazyLock::new(|| {
        Cluster::with_worker(
            "*",
            &[
                ("raw_clear_sessions.tables", "listed"),
                ("raw_clear_sessions.cost_delay", "0"),
                ("raw_clear_sessions.max_workers", "8"),
                ("max_worker_processes", "16"),
            ],
        )
    });
    &SHARED
}

/// A database that belongs to an ordinary role of the same name, and in its schema "mine" a function that notes as whom
/// it is called, unless that is the role. Returns it with a session of the superuser's and one of the role's.
fn database(name: &str) -> (Database<'static>, Session, Session) {
    let database = cluster().bare_database(name);
    let mut admin = database.connect();
    admin.run(&format!(
        "CREATE ROLE {name} LOGIN; ALTER DATABASE {name} OWNER TO {name}"
    ));
    let mut owner = database.connect_as(name);
    owner.run(&format!(
        "CREATE SCHEMA mine;
         SET search_path = mine, public;
         CREATE TABLE gained (role name, whence text);
         GRANT ALL ON SCHEMA mine TO PUBLIC;
         GRANT ALL ON gained TO PUBLIC;
         CREATE FUNCTION gain(whence text) RETURNS boolean LANGUAGE plpgsql AS $$
         BEGIN
             IF current_user <> '{name}' THEN
                 INSERT INTO mine.gained VALUES (current_user, whence);
             END IF;
             RETURN true;
         END
         $$;
         CREATE FUNCTION gain() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             PERFORM mine.gain('trigger');
             RETURN coalesce(NEW, OLD);
         END
         $$;"
    ));
    (database, admin, owner)
}

/// What has been evaluated with the rights of others.
fn gained(session: &mut Session) -> Vec<String> {
    session.texts("SELECT DISTINCT concat_ws(' ', role, whence) FROM mine.gained ORDER BY 1")
}

/// Waits until the worker has been at a table so many times more.
fn wait_for_runs(session: &mut Session, table: &str, more: i64) {
    session.wait_for_ends(table, more);
}

#[test]
fn a_view_in_the_place_of_a_dropped_table_is_not_evaluated() {
    let (_database, mut admin, mut owner) = database("successor");
    owner.run("CREATE EXTENSION raw_clear_sessions SCHEMA public");
    for table in ["scheduled", "listed", "witness"] {
        create_sessions(&mut owner, table, 20, 10);
    }
    owner.run(
        "SELECT raw_clear_sessions_schedule('scheduled', '1 s');
         SELECT raw_clear_sessions_schedule('witness', '1 s');",
    );
    for table in ["scheduled", "listed", "witness"] {
        admin.wait_for_count(&format!("mine.{table}"), 2);
    }
    // It notes whoever evaluates it: the worker acts as the owner, too.
    owner.run(
        "CREATE FUNCTION evaluated() RETURNS text LANGUAGE plpgsql
             AS $$ BEGIN INSERT INTO mine.gained VALUES (current_user, 'view'); RETURN 'key'; END $$;",
    );
    for table in ["scheduled", "listed"] {
        owner.run(&format!(
            "DROP TABLE {table};
             CREATE VIEW {table} AS
                 SELECT evaluated() AS session_key, ''::text AS session_data, {EXPIRED}::timestamptz AS expire_date;
             CREATE TRIGGER gain INSTEAD OF DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION gain();"
        ));
    }
    wait_until("the dropped table's policy is gone", || {
        admin.count("raw_clear_sessions.policy") == 1
    });
    wait_for_runs(&mut admin, "mine.witness", 3);
    assert_eq!(gained(&mut admin), [""; 0]);
    assert_eq!(
        admin.texts(
            "SELECT \"table\"::text FROM raw_clear_sessions.status WHERE \"table\" IS NOT NULL"
        ),
        ["mine.witness"]
    );
    assert_eq!(
        admin.runs("\"table\" IN ('mine.scheduled'::regclass, 'mine.listed'::regclass)"),
        0
    );
}

/// Up to PostgreSQL 15 an empty table becomes a view, under the same oid, by a rule.
#[test]
fn a_table_that_has_become_a_view_is_not_evaluated() {
    let (_database, mut admin, mut owner) = database("converter");
    owner.run(&format!(
        "CREATE EXTENSION raw_clear_sessions SCHEMA public;
         CREATE TABLE scheduled (key text, expires timestamptz);
         INSERT INTO scheduled VALUES ('a', {EXPIRED});
         SELECT raw_clear_sessions_schedule('scheduled', '1 s', expires => 'expires');"
    ));
    admin.wait_for_count("mine.scheduled", 0);
    owner.run(
        "CREATE FUNCTION evaluated() RETURNS text LANGUAGE plpgsql
             AS $$ BEGIN INSERT INTO mine.gained VALUES (current_user, 'view'); RETURN 'key'; END $$;",
    );
    let converted = owner.try_run(&format!(
        "CREATE RULE \"_RETURN\" AS ON SELECT TO scheduled DO INSTEAD
             SELECT evaluated() AS key, {EXPIRED}::timestamptz AS expires"
    ));
    if converted.is_err() {
        assert!(admin.yes("SELECT current_setting('server_version_num')::integer >= 160000"));
        return;
    }
    owner.run(
        "CREATE TRIGGER gain INSTEAD OF DELETE ON scheduled FOR EACH ROW EXECUTE FUNCTION gain()",
    );
    admin.wait_for_run("stop = 'failed' AND sqlstate = '42809'");
    assert_eq!(gained(&mut admin), [""; 0]);
}

/// What event triggers, which are superusers', have seen so far; and forgets it.
fn seen(admin: &mut Session) -> Vec<String> {
    let seen = admin.texts(
        "SELECT DISTINCT concat_ws(' ', event, tag, 'as', role) COLLATE \"C\" FROM seen ORDER BY 1",
    );
    admin.run("TRUNCATE seen");
    seen
}

/// Has all event triggers note what they see.
fn watch(admin: &mut Session) {
    admin.run(
        "CREATE TABLE public.seen (event text, tag text, role name);
         GRANT INSERT ON public.seen TO PUBLIC;
         CREATE FUNCTION public.note() RETURNS event_trigger LANGUAGE plpgsql AS $$
         BEGIN
             INSERT INTO public.seen VALUES (tg_event, tg_tag, current_user);
         END
         $$;",
    );
    for event in [
        "ddl_command_start",
        "ddl_command_end",
        "sql_drop",
        "table_rewrite",
    ] {
        admin.run(&format!(
            "CREATE EVENT TRIGGER {event} ON {event} EXECUTE FUNCTION public.note()"
        ));
    }
    admin.run("TRUNCATE public.seen");
}

#[test]
fn clearing_and_rewriting_fire_event_triggers_no_more_than_vacuum_full_does() {
    let (_database, mut admin, mut owner) = database("rewriter");
    owner.run("CREATE EXTENSION raw_clear_sessions SCHEMA public");
    create_sessions(&mut owner, "sessions", 1000, 100);
    create_sessions(&mut owner, "by_worker", 1010, 101);
    watch(&mut admin);
    owner.run(
        "ALTER TABLE sessions ALTER COLUMN session_key TYPE varchar(50) USING session_key || ''",
    );
    assert!(seen(&mut admin).contains(&"table_rewrite ALTER TABLE as rewriter".to_owned()));
    owner.run("VACUUM FULL sessions");
    assert_eq!(seen(&mut admin), [""; 0]);
    let file = "SELECT pg_relation_filepath('mine.by_worker')";
    let before = admin.text(file);
    owner.run("SELECT raw_clear_sessions_rewrite('sessions')");
    assert_eq!(owner.count("sessions"), 10);
    owner.run("SELECT raw_clear_sessions_schedule('by_worker', '1 s', rewrite_above => 0.1)");
    admin.wait_for_count("mine.by_worker", 10);
    assert_ne!(admin.text(file), before);
    owner.run(
        "SELECT raw_clear_sessions('sessions');
         SELECT raw_clear_sessions_unschedule('by_worker')",
    );
    assert_eq!(seen(&mut admin), [""; 0]);
}

/// What the script of an extension does, it does as the bootstrap superuser, where the extension is trusted.
#[test]
fn creating_the_extension_fires_event_triggers_as_whom_any_trusted_extension_does() {
    let (_database, mut admin, mut owner) = database("creator");
    watch(&mut admin);
    let mut roles = |extension: &str| {
        owner.run(&format!("CREATE EXTENSION {extension} SCHEMA mine"));
        let created = admin.texts(
            "SELECT DISTINCT concat_ws(' ', event, CASE tag WHEN 'CREATE EXTENSION' THEN tag END, 'as', role) COLLATE \"C\"
             FROM seen ORDER BY 1",
        );
        admin.run("TRUNCATE seen");
        owner.run(&format!("DROP EXTENSION {extension}"));
        (created, seen(&mut admin))
    };
    let ours = roles("raw_clear_sessions");
    assert_eq!(ours, roles("pg_trgm"));
    let (_, dropped) = ours;
    assert_eq!(
        dropped,
        [
            "ddl_command_end DROP EXTENSION as creator",
            "ddl_command_start DROP EXTENSION as creator",
            "sql_drop DROP EXTENSION as creator"
        ]
    );
}

/// The privileges on the extension's relations: "relation grantee privilege", without the owner's.
fn privileges(session: &mut Session) -> Vec<String> {
    session.texts(
        "SELECT concat_ws(' ', c.relname, coalesce(r.rolname, 'PUBLIC'), a.privilege_type) COLLATE \"C\"
         FROM pg_class AS c
         JOIN pg_depend AS d ON (d.classid, d.objid, d.deptype) = ('pg_class'::regclass, c.oid, 'e')
         CROSS JOIN aclexplode(c.relacl) AS a
         LEFT JOIN pg_roles AS r ON r.oid = a.grantee
         WHERE a.grantee <> c.relowner
         ORDER BY 1",
    )
}

#[test]
fn default_privileges_of_who_creates_the_extension_do_not_apply_to_it() {
    let (_database, mut admin, mut owner) = database("granter");
    owner.run(
        "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
         ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC;
         ALTER DEFAULT PRIVILEGES IN SCHEMA mine GRANT ALL ON TABLES TO PUBLIC;
         CREATE TABLE open ();",
    );
    assert!(admin.yes("SELECT 'mine.open'::regclass IN (SELECT c.oid FROM pg_class AS c, aclexplode(c.relacl) AS a WHERE a.grantee = 0)"));
    assert_eq!(
        owner.refused("ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT ALL ON TABLES TO PUBLIC"),
        "42501"
    );
    owner.run("CREATE EXTENSION raw_clear_sessions SCHEMA mine");
    assert_eq!(
        privileges(&mut admin),
        [
            "policy PUBLIC SELECT",
            "policy granter INSERT",
            "progress PUBLIC SELECT",
            "run PUBLIC SELECT",
            "status PUBLIC SELECT",
        ]
    );
}

/// `GRANT ALL ON ALL TABLES` is often written, and gives the privilege TRIGGER on the extension's tables.
#[test]
fn a_trigger_on_the_extensions_tables_gives_no_rights_to_who_may_create_it() {
    let (_database, mut admin, mut owner) = database("trusted");
    admin.run(
        "CREATE EXTENSION raw_clear_sessions SCHEMA public;
         GRANT ALL ON ALL TABLES IN SCHEMA raw_clear_sessions TO trusted;",
    );
    create_sessions(&mut owner, "sessions", 20, 10);
    for table in ["policy", "history", "state"] {
        owner.run(&format!(
            "CREATE TRIGGER gain BEFORE INSERT OR UPDATE OR DELETE ON raw_clear_sessions.{table}
                 FOR EACH ROW EXECUTE FUNCTION gain();
             CREATE TRIGGER gain_later AFTER INSERT OR UPDATE OR DELETE ON raw_clear_sessions.{table}
                 FOR EACH STATEMENT EXECUTE FUNCTION gain();"
        ));
    }
    owner.run("SELECT raw_clear_sessions_schedule('sessions', '1 s')");
    admin.wait_for_count("mine.sessions", 2);
    wait_for_runs(&mut admin, "mine.sessions", 1);
    owner.run("SELECT raw_clear_sessions_unschedule('sessions')");
    assert_eq!(gained(&mut admin), [""; 0]);
    assert_eq!(owner.text("SHOW session_replication_role"), "origin");
}

#[test]
fn a_forged_policy_is_refused_whoever_restores_it() {
    let (_database, mut admin, mut owner) = database("forger");
    owner.run("CREATE EXTENSION raw_clear_sessions SCHEMA public");
    admin.run(
        "CREATE SCHEMA hers; GRANT USAGE ON SCHEMA hers TO forger; SET search_path = hers, public",
    );
    create_sessions(&mut admin, "sessions", 20, 10);
    admin.run("GRANT ALL ON sessions TO forger");
    create_sessions(&mut owner, "sessions", 0, 10);
    let oid = admin.text("SELECT 'hers.sessions'::regclass::oid::text");
    // Somebody else's table by its name and by its oid, and one that somebody will make one day.
    for (table, refusal) in [
        ("hers.sessions", "must be owner of table sessions"),
        (&oid, "must be owner of table sessions"),
        ("3999999999", "must be owner of table 3999999999"),
    ] {
        let restored = cluster().shell(&format!(
            "printf '{table}\\tmine.gain()\\n' | psql -X -U forger -d forger \
                 -c 'COPY raw_clear_sessions.policy (\"table\", filter) FROM STDIN' 2>&1 || true"
        ));
        assert!(restored.contains(refusal), "{table}: {restored}");
    }
    // What is his is taken.
    owner.run("INSERT INTO raw_clear_sessions.policy (\"table\", schedule) VALUES ('mine.sessions', '1 s')");
    // A prepared row does not become another's.
    assert_eq!(
        owner.refused("UPDATE raw_clear_sessions.policy SET \"table\" = 'hers.sessions'"),
        "42501"
    );
    assert_eq!(admin.count("raw_clear_sessions.policy"), 1);
}

#[test]
fn a_table_that_changes_hands_is_cleared_as_its_new_owner_who_inherits_the_filter() {
    let (_database, mut admin, mut owner) = database("seller");
    owner.run("CREATE EXTENSION raw_clear_sessions SCHEMA public");
    create_sessions(&mut owner, "sessions", 20, 10);
    admin.run(
        "CREATE ROLE buyer LOGIN; CREATE TABLE secret (key text); GRANT SELECT ON secret TO buyer",
    );
    owner.run(
        "CREATE FUNCTION tried(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
         BEGIN
             EXECUTE statement;
             RETURN true;
         EXCEPTION WHEN insufficient_privilege THEN
             RETURN false;
         END
         $$;
         CREATE TABLE acted (role name, restricted boolean, reads boolean, resets boolean);
         GRANT INSERT ON acted TO PUBLIC;
         CREATE FUNCTION act() RETURNS boolean LANGUAGE plpgsql AS $$
         BEGIN
             IF EXISTS (SELECT FROM pg_stat_activity WHERE pid = pg_backend_pid() AND backend_type = 'client backend') THEN
                 RETURN true; -- The owner's own session.
             END IF;
             INSERT INTO mine.acted VALUES (current_user, NOT mine.tried('CREATE TEMPORARY TABLE made ()'),
                 mine.tried('TABLE public.secret'), mine.tried('RESET ROLE'));
             RETURN true;
         END
         $$;
         CREATE FUNCTION acts() RETURNS boolean LANGUAGE sql STABLE AS 'SELECT mine.act()';
         SELECT raw_clear_sessions_schedule('sessions', '1 s', filter => 'mine.acts()');",
    );
    admin.wait_for_count("mine.sessions", 2);
    // Nobody can give a table away without the rights of who gets it.
    assert_eq!(
        owner.refused("ALTER TABLE sessions OWNER TO buyer"),
        "42501"
    );
    admin.run("ALTER TABLE mine.sessions OWNER TO buyer");
    add_expired(&mut admin, "mine.sessions", 10);
    admin.wait_for_count("mine.sessions", 2);
    assert_eq!(
        admin.texts(
            "SELECT DISTINCT concat_ws(' ', role, CASE WHEN restricted THEN 'restricted' END, CASE WHEN reads THEN 'reads' END,
                 CASE WHEN resets THEN 'resets' END) COLLATE \"C\" FROM mine.acted ORDER BY 1"
        ),
        ["buyer restricted reads", "seller restricted"]
    );
    // The policy is the new owner's to look at and to remove, and no longer the old one's.
    assert_eq!(
        owner.refused("SELECT raw_clear_sessions_unschedule('sessions')"),
        "42501"
    );
    let mut buyer = cluster().connect_to("seller");
    buyer.run("SET ROLE buyer");
    assert_eq!(
        buyer.text("SELECT filter FROM raw_clear_sessions.policy"),
        "mine.acts()"
    );
    buyer.run("SELECT raw_clear_sessions_unschedule('mine.sessions')");
}
