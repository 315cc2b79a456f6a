//! The worker acts with the rights of a table's owner and no more, whatever the owner has put where it is evaluated.

use cluster::{
    Cluster, Database, EXPIRED, Session, add_expired, create_sessions, sqlstate, wait_until,
};
use std::sync::LazyLock;

/// What an owner may not do, though the worker could: each has to end with 42501. `{owner}` is the role.
const FORBIDDEN: [&str; 20] = [
    "SET ROLE postgres",
    "SET SESSION AUTHORIZATION postgres",
    "RESET ROLE",
    "RESET SESSION AUTHORIZATION",
    "SELECT set_config('role', 'postgres', false)",
    "ALTER ROLE {owner} SUPERUSER",
    "TABLE public.secret",
    "COPY public.secret TO PROGRAM 'true'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT public.raw_clear_sessions('public.secret', expires => 'at')",
    "SELECT public.raw_clear_sessions_schedule('public.secret', expires => 'at')",
    "INSERT INTO raw_clear_sessions.policy (\"table\") VALUES ('public.secret')",
    "UPDATE raw_clear_sessions.policy SET filter = 'true'",
    "UPDATE raw_clear_sessions.history SET deleted = 0",
    "DELETE FROM raw_clear_sessions.history",
    "CREATE TABLE public.made ()",
    "SET session_replication_role = replica",
    // What would outlive the transaction, and then be the worker's.
    "CREATE TEMPORARY TABLE made ()",
    "LISTEN somebody",
    "DECLARE held CURSOR WITH HOLD FOR SELECT 1",
];

/// A cluster whose worker looks at all databases every second, for policies alone.
fn cluster() -> &'static Cluster {
    static SHARED: LazyLock<Cluster> = LazyLock::new(|| {
        Cluster::with_worker(
            "*",
            &[
                ("raw_clear_sessions.tables", ""),
                ("raw_clear_sessions.cost_delay", "0"),
                ("raw_clear_sessions.max_workers", "8"),
                ("max_worker_processes", "16"),
            ],
        )
    });
    &SHARED
}

/// A database with a role of the same name, which owns the schema "mine" in it, and a table that is not the role's.
/// Returns it with a session of the superuser's and one of the role's.
fn database(name: &str) -> (Database<'static>, Session, Session) {
    let database = cluster().database(name);
    let mut admin = database.connect();
    admin.run(&format!(
        "CREATE ROLE {name} LOGIN;
         CREATE SCHEMA mine AUTHORIZATION {name};
         CREATE TABLE secret (at timestamptz);
         INSERT INTO secret VALUES ({EXPIRED});"
    ));
    let mut owner = database.connect_as(name);
    owner.run("SET search_path = mine, public");
    (database, admin, owner)
}

/// The owner's function that tries everything and notes what came of it, for something else to call.
fn create_attack(owner: &mut Session, role: &str) {
    let statements: Vec<String> = FORBIDDEN
        .iter()
        .map(|statement| format!("$s${}$s$", statement.replace("{owner}", role)))
        .collect();
    owner.run(&format!(
        "CREATE TABLE mine.tried (source text, role name, statement text, outcome text);
         CREATE FUNCTION mine.attack(source text) RETURNS boolean LANGUAGE plpgsql AS $$
         DECLARE
             statement text;
         BEGIN
             IF EXISTS (SELECT FROM pg_stat_activity WHERE pid = pg_backend_pid() AND backend_type = 'client backend') THEN
                 RETURN true; -- The owner's own session.
             END IF;
             FOREACH statement IN ARRAY ARRAY[{}] LOOP
                 BEGIN
                     EXECUTE statement;
                     INSERT INTO mine.tried VALUES (source, current_user, statement, 'done');
                 EXCEPTION WHEN OTHERS THEN
                     INSERT INTO mine.tried VALUES (source, current_user, statement, sqlstate);
                 END;
             END LOOP;
             RETURN true;
         END
         $$;
         CREATE FUNCTION mine.stable(source text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT mine.attack(source)';
         CREATE FUNCTION mine.immutable(source text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
             AS $$ BEGIN RETURN mine.stable(source); END $$;",
        statements.join(", ")
    ));
}

/// Waits until the worker has run once more than before, and returns how that run stopped.
fn next_run(session: &mut Session, table: &str) -> String {
    session.wait_for_ends(table, 1);
    session.text(&format!(
        "SELECT last_stop || CASE last_stop WHEN 'failed' THEN ' ' || last_sqlstate || ' ' || last_error ELSE '' END
         FROM raw_clear_sessions.status WHERE \"table\" = '{table}'::regclass"
    ))
}

#[test]
fn code_of_the_owners_can_do_no_more_than_the_owner() {
    let (_database, mut admin, mut owner) = database("attacker");
    create_attack(&mut owner, "attacker");
    create_sessions(&mut owner, "django_session", 0, 1);
    owner.run(
        "CREATE FUNCTION mine.equal(text, text) RETURNS boolean LANGUAGE plpgsql STABLE
             AS $$ BEGIN RETURN mine.stable('operator') OR $1 = $2; END $$;
         CREATE OPERATOR mine.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = mine.equal);
         CREATE DOMAIN mine.checked AS text CHECK (mine.stable('domain check'));
         CREATE TABLE mine.log (entry mine.checked, defaulted boolean DEFAULT mine.attack('default'));
         CREATE FUNCTION mine.trigger() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             PERFORM mine.attack('trigger');
             INSERT INTO mine.log (entry) VALUES (OLD.session_key);
             RETURN OLD;
         END
         $$;
         CREATE TRIGGER attack BEFORE DELETE ON mine.django_session FOR EACH ROW EXECUTE FUNCTION mine.trigger();
         CREATE INDEX attack ON mine.django_session (session_data) WHERE mine.immutable('index predicate');
         ALTER TABLE mine.django_session ENABLE ROW LEVEL SECURITY;
         ALTER TABLE mine.django_session FORCE ROW LEVEL SECURITY;
         CREATE POLICY attack ON mine.django_session USING (mine.stable('policy'));
         INSERT INTO mine.django_session VALUES ('a', '', '2020-01-01'), ('b', '', '2199-01-01');
         SELECT raw_clear_sessions_schedule('mine.django_session',
             filter => $f$mine.stable('filter') AND session_key OPERATOR(mine.===) 'a'$f$);",
    );
    admin.wait_for_count("mine.django_session", 1);
    let stop = next_run(&mut admin, "mine.django_session");
    assert_eq!(stop, "hidden");
    assert_eq!(
        admin.texts("SELECT DISTINCT source FROM mine.tried ORDER BY 1"),
        [
            "default",
            "domain check",
            "filter",
            "index predicate",
            "operator",
            "policy",
            "trigger"
        ]
    );
    assert_eq!(
        admin.texts(
            "SELECT DISTINCT concat_ws(': ', source, role, statement, outcome) FROM mine.tried
             WHERE role <> 'attacker' OR outcome <> '42501'"
        ),
        [""; 0]
    );
    assert_eq!(admin.count("secret"), 1);
    assert_eq!(admin.count("raw_clear_sessions.policy"), 1);
}

#[test]
fn settings_that_the_owners_code_changes_are_forgotten() {
    let (_database, mut admin, mut owner) = database("changer");
    create_sessions(&mut owner, "django_session", 20, 10);
    // On the path that it sets are objects which the worker's own statements must not find.
    owner.run(
        "CREATE FUNCTION mine.hostile() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'found'; END $$;
         CREATE FUNCTION mine.equal(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT mine.hostile()';
         CREATE FUNCTION mine.equal(bigint, bigint) RETURNS boolean LANGUAGE sql AS 'SELECT mine.hostile()';
         CREATE OPERATOR mine.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = mine.equal);
         CREATE OPERATOR mine.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = mine.equal);
         CREATE FUNCTION mine.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT NULL::timestamptz FROM mine.hostile()';
         CREATE FUNCTION mine.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT mine.now()';
         CREATE VIEW mine.pg_class AS SELECT mine.hostile();
         CREATE VIEW mine.status AS SELECT mine.hostile();
         CREATE FUNCTION mine.change() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             SET search_path = mine, pg_catalog;
             SET default_transaction_read_only = on;
             SET default_transaction_isolation = 'serializable';
             SET statement_timeout = '1ms';
             SET lock_timeout = '1ms';
             SET timezone = 'Pacific/Kiritimati';
             SET datestyle = 'German, DMY';
             SET intervalstyle = 'iso_8601';
             SET raw_clear_sessions.batch_size = 1000000;
             SET raw_clear_sessions.max_run_time = 1;
             RETURN OLD;
         END
         $$;
         CREATE TRIGGER change BEFORE DELETE ON mine.django_session FOR EACH ROW EXECUTE FUNCTION mine.change();
         SELECT raw_clear_sessions_schedule('mine.django_session', batch_size => 1, max_duration => '1 h', keep => '1 min');",
    );
    admin.wait_for_count("mine.django_session", 2);
    for _ in 0..2 {
        add_expired(&mut admin, "mine.django_session", 3);
        admin.wait_for_count("mine.django_session", 2);
        assert_eq!(next_run(&mut admin, "mine.django_session"), "done");
    }
    assert_eq!(admin.runs("stop <> 'done'"), 0);
}

/// The owner's code and policy name PostgreSQL's own functions as everybody does.
#[test]
fn a_function_that_somebody_has_put_where_anybody_may_create_is_not_called() {
    let (_database, mut admin, mut owner) = database("careless");
    create_sessions(&mut owner, "filtered", 20, 10);
    create_sessions(&mut owner, "triggered", 20, 10);
    admin.run(
        "CREATE ROLE catcher; GRANT CREATE ON SCHEMA public TO catcher; SET ROLE catcher;
         CREATE FUNCTION public.length(varchar) RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 0';
         RESET ROLE;",
    );
    // It suits the column better than PostgreSQL's own, and is found wherever the schema is searched.
    assert!(owner.yes("SELECT length(session_key) = 0 FROM filtered LIMIT 1"));
    owner.run(
        "CREATE FUNCTION mine.keep_empty() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN RETURN CASE WHEN length(OLD.session_key) > 0 THEN OLD END; END $$;
         CREATE TRIGGER keep_empty BEFORE DELETE ON triggered FOR EACH ROW EXECUTE FUNCTION mine.keep_empty();
         SELECT raw_clear_sessions_schedule('filtered', filter => 'length(session_key) > 0');
         SELECT raw_clear_sessions_schedule('triggered');",
    );
    admin.wait_for_count("mine.filtered", 2);
    admin.wait_for_count("mine.triggered", 2);
}

#[test]
fn a_deferred_trigger_fires_as_the_owner_or_not_at_all() {
    let (_database, mut admin, mut owner) = database("deferrer");
    create_sessions(&mut owner, "django_session", 3, 4);
    owner.run(
        "CREATE TABLE mine.fired (role name);
         CREATE FUNCTION mine.fire() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN INSERT INTO mine.fired VALUES (current_user); RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER fire AFTER DELETE ON mine.django_session DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION mine.fire();
         SELECT raw_clear_sessions_schedule('mine.django_session');",
    );
    admin.wait_for_count("mine.django_session", 1);
    assert_eq!(
        admin.texts("SELECT role::text FROM mine.fired"),
        ["deferrer"; 2]
    );
    // One that defers it again gains nothing by it.
    owner.run(
        "CREATE FUNCTION mine.defer() RETURNS trigger LANGUAGE plpgsql
             AS $$ BEGIN SET CONSTRAINTS ALL DEFERRED; RETURN OLD; END $$;
         CREATE TRIGGER defer BEFORE DELETE ON mine.django_session FOR EACH ROW EXECUTE FUNCTION mine.defer();",
    );
    add_expired(&mut admin, "mine.django_session", 2);
    admin.wait_for_run("sqlstate = '42501' AND stop = 'left_out'");
    assert_eq!(admin.count("mine.fired WHERE role <> 'deferrer'"), 0);
    assert_eq!(admin.count("mine.django_session"), 3);
}

/// Who owns the extension may drop it, and put a view of the same name in its place while the worker is at work.
#[test]
fn a_view_in_the_place_of_the_extensions_is_not_read() {
    let cluster = cluster();
    let mut postgres = cluster.connect();
    let database = cluster.bare_database("impostor");
    postgres.run("CREATE ROLE impostor LOGIN; ALTER DATABASE impostor OWNER TO impostor");
    let mut owner = database.connect_as("impostor");
    owner.run("CREATE SCHEMA mine; CREATE EXTENSION raw_clear_sessions SCHEMA mine; SET search_path = mine, public");
    create_sessions(&mut owner, "django_session", 1000, 4);
    owner.run(
        "CREATE FUNCTION mine.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.02); RETURN OLD; END $$;
         CREATE TRIGGER slow BEFORE DELETE ON mine.django_session FOR EACH ROW EXECUTE FUNCTION mine.slow();
         SELECT mine.raw_clear_sessions_schedule('mine.django_session', batch_size => 1);",
    );
    wait_until("the worker is at it", || {
        owner.count("mine.django_session") < 1000
    });
    let pid = owner.number("SELECT max(pid)::bigint FROM raw_clear_sessions.run");
    // It and the worker lock the extension's objects in different orders: one of the two may have to try again.
    let replace = "DROP EXTENSION raw_clear_sessions;
         CREATE FUNCTION mine.gain() RETURNS oid LANGUAGE plpgsql AS $$
         BEGIN
             IF session_user <> 'impostor' THEN
                 INSERT INTO mine.gained VALUES (current_user);
             END IF;
             RETURN NULL;
         END
         $$;
         CREATE TABLE mine.gained (role name);
         CREATE SCHEMA raw_clear_sessions;
         CREATE TABLE raw_clear_sessions.policy (\"table\" regclass, schedule text);
         CREATE VIEW raw_clear_sessions.status AS SELECT mine.gain()::regclass AS \"table\", now() AS next_start;";
    while let Err(error) = owner.try_run(replace) {
        assert_eq!(sqlstate::<()>(Err(error)), "40P01");
    }
    // The run ends one way or another.
    wait_until("the worker has ended", || {
        owner.number(&format!(
            "SELECT count(*) FROM pg_stat_activity WHERE pid = {pid}"
        )) == 0
    });
    assert_eq!(owner.texts("SELECT role::text FROM mine.gained"), [""; 0]);
}

#[test]
fn the_extension_of_an_ordinary_role_serves_other_roles_too() {
    let cluster = cluster();
    let database = cluster.bare_database("installed");
    database
        .connect()
        .run("CREATE ROLE installer LOGIN; CREATE ROLE site LOGIN; ALTER DATABASE installed OWNER TO installer");
    database.connect_as("installer").run(
        "CREATE EXTENSION raw_clear_sessions; CREATE SCHEMA site; GRANT ALL ON SCHEMA site TO site",
    );
    let mut site = database.connect_as("site");
    site.run("SET search_path = site, public");
    create_sessions(&mut site, "django_session", 100, 10);
    site.run("SELECT raw_clear_sessions_schedule('site.django_session', '1 day')");
    site.run("SELECT raw_clear_sessions_schedule('site.django_session', '1 s')");
    site.wait_for_count("site.django_session", 10);
    // The installer has no say in it, nor a look.
    let mut installer = database.connect_as("installer");
    assert_eq!(installer.count("raw_clear_sessions.run"), 0);
    assert_eq!(
        installer.refused("UPDATE raw_clear_sessions.policy SET filter = 'true'"),
        "42501"
    );
    assert_eq!(
        installer.refused("DELETE FROM raw_clear_sessions.history"),
        "42501"
    );
    assert_eq!(
        installer.refused("SELECT raw_clear_sessions_unschedule(('site.django_session'))"),
        "42501"
    );
    site.run("SELECT raw_clear_sessions_unschedule('site.django_session')");
}

#[test]
fn what_is_running_is_seen_by_who_may_read_the_table() {
    let (database, mut admin, mut owner) = database("watched");
    create_sessions(&mut owner, "django_session", 500, 10);
    admin.run(
        "CREATE ROLE stranger LOGIN; CREATE ROLE watcher LOGIN IN ROLE pg_monitor;
         GRANT USAGE ON SCHEMA mine TO stranger, watcher;",
    );
    owner.run(
        "CREATE FUNCTION mine.slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(0.05); RETURN OLD; END $$;
         CREATE TRIGGER slow BEFORE DELETE ON mine.django_session FOR EACH ROW EXECUTE FUNCTION mine.slow();
         SELECT raw_clear_sessions_schedule('mine.django_session', batch_size => 1)",
    );
    let seen = "(SELECT 1 FROM raw_clear_sessions.progress) AS seen";
    let run = "raw_clear_sessions.run WHERE ended IS NULL";
    wait_until("the run is seen", || owner.count(run) == 1);
    let mut stranger = database.connect_as("stranger");
    let mut watcher = database.connect_as("watcher");
    let status = "raw_clear_sessions.status WHERE pid IS NOT NULL";
    for view in [seen, status, run] {
        assert_eq!(stranger.count(view), 0, "{view}");
        assert_eq!(watcher.count(view), 1, "{view}");
        assert_eq!(owner.count(view), 1, "{view}");
    }
    // What the worker is doing is for monitoring roles in pg_stat_activity, too.
    let activity = "SELECT coalesce(max(query), '') FROM pg_stat_activity
         WHERE application_name = 'raw_clear_sessions' AND datname = current_database()";
    assert_eq!(
        watcher.text(activity),
        "raw_clear_sessions: clearing mine.django_session"
    );
    assert!(!stranger.text(activity).contains("django_session"));
    // Who is granted SELECT on a column sees it from now on.
    admin.run("GRANT SELECT (session_key) ON mine.django_session TO stranger");
    assert_eq!(stranger.count(seen), 1);
    owner.run("SELECT raw_clear_sessions_unschedule('mine.django_session')");
}

/// A connection that a trigger has made with dblink stays in the process, and so does much else that no transaction takes back.
#[test]
fn no_process_acts_for_two_owners() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.max_workers", "1")]);
    let mut session = cluster.database("app").connect();
    session.run("CREATE TABLE seen (role name, pid integer); GRANT INSERT ON seen TO PUBLIC");
    for owner in ["one", "two"] {
        create_sessions(&mut session, owner, 10, 10);
        session.run(&format!(
            "CREATE ROLE {owner}_owner;
             CREATE FUNCTION {owner}_sees() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN INSERT INTO public.seen VALUES (current_user, pg_backend_pid()); RETURN OLD; END';
             CREATE TRIGGER sees BEFORE DELETE ON {owner} FOR EACH ROW EXECUTE FUNCTION {owner}_sees();
             ALTER TABLE {owner} OWNER TO {owner}_owner;
             SELECT raw_clear_sessions_schedule('{owner}', '1 s')"
        ));
    }
    for _ in 0..4 {
        for owner in ["one", "two"] {
            add_expired(&mut session, owner, 1);
        }
        session.wait_for_count("one", 1);
        session.wait_for_count("two", 1);
    }
    assert_eq!(session.count("seen"), 26);
    let shared = "(SELECT FROM seen GROUP BY pid HAVING count(DISTINCT role) > 1) AS shared";
    assert_eq!(session.count(shared), 0);
}

/// Functions and policies that go by it would take the owner for a superuser.
#[test]
fn the_sessions_user_is_the_owner_to_his_code_and_to_policies() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    session.run(&format!(
        "CREATE TABLE seen (who text); GRANT INSERT ON seen TO PUBLIC; CREATE ROLE owner;
         CREATE FUNCTION sees() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
             $$BEGIN INSERT INTO public.seen VALUES (concat_ws(' ', session_user, current_setting('session_authorization'), current_setting('role'), current_setting('is_superuser')));
             RETURN OLD; END$$;
         CREATE TABLE tenants (tenant name, until timestamptz);
         INSERT INTO tenants VALUES ('owner', {EXPIRED}), ('postgres', {EXPIRED}), ('other', {EXPIRED});
         CREATE TRIGGER sees BEFORE DELETE ON tenants FOR EACH ROW EXECUTE FUNCTION sees();
         ALTER TABLE tenants ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, OWNER TO owner;
         CREATE POLICY own ON tenants USING (tenant = session_user);
         SELECT raw_clear_sessions_schedule('tenants', '1 s', expires => 'until')"
    ));
    session.wait_for_run("deleted = 1 AND stop = 'hidden'");
    assert_eq!(
        session.text("SELECT string_agg(tenant, ' ' ORDER BY tenant) FROM tenants"),
        "other postgres"
    );
    assert_eq!(
        session.text("SELECT min(who) FROM seen"),
        "owner owner none off"
    );
    // Nor does it stay so.
    session.run("INSERT INTO tenants VALUES ('owner', '2020-01-01')");
    session.wait_for_count("tenants", 2);
}

#[test]
fn a_trigger_cannot_have_its_table_cleared_again_and_again() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.tables", "")]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 20, 10);
    session.run(
        "CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS
             $$BEGIN PERFORM public.raw_clear_sessions_run_now('public.django_session'); RETURN NULL; END$$;
         CREATE TRIGGER t AFTER DELETE ON django_session FOR EACH ROW EXECUTE FUNCTION again();
         SELECT raw_clear_sessions_schedule('django_session', '1 h');
         SELECT raw_clear_sessions_run_now('django_session')",
    );
    session.wait_for_run("error LIKE '%cannot ask for a run while the worker clears a table'");
    wait_until("it backs off", || {
        session.yes(
            "SELECT coalesce(failures = 1 AND next_start > now() + interval '20 s', false) FROM raw_clear_sessions.status",
        )
    });
    assert_eq!(session.runs("true"), 1);
    // Whoever is no trigger may ask.
    session.run(
        "DROP TRIGGER t ON django_session; SELECT raw_clear_sessions_run_now('django_session')",
    );
    session.wait_for_count("django_session", 2);
}
