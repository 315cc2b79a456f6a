//! Alterations at one exact moment of a clearing: between two leaves, between two batches, while a lock is waited for.
//!
//! A gate stops a clearing where it is: a row trigger of the first leaf waits there for an advisory lock.

use cluster::{
    Cluster, Database, EXPIRED, FAST, LIVE, PRELOADED, Pass, Running, SLOW, Session, wait_until,
};

/// The key of the gate, as pg_locks shows it.
const GATE: i64 = 4711;

const COLUMNS: &str = "id bigint PRIMARY KEY, expire_date timestamptz, created timestamptz";

/// Rows of the altered leaf, first the live ones: of both as many.
const ROWS: i64 = 300;

fn fill(leaf: &str, more: &str) -> String {
    format!(
        "INSERT INTO {leaf} (id, expire_date, created{}) SELECT n,
             CASE WHEN n <= {ROWS} THEN {LIVE} ELSE {EXPIRED} END::timestamptz, '2019-01-01'{more}
         FROM generate_series(1, 2 * {ROWS}) AS n",
        if more.is_empty() { "" } else { ", tenant" }
    )
}

/// A table with two leaves in a schema: the first has the gate before the last of its rows, the second is to be altered.
fn create_leaves(session: &mut Session, first_of_second: &str) {
    session.run(&format!(
        "CREATE SCHEMA s; CREATE SCHEMA twin;
         CREATE TABLE s.root (id bigint, expire_date timestamptz, created timestamptz);
         CREATE TABLE s.first ({COLUMNS}); ALTER TABLE s.first INHERIT s.root;
         CREATE TABLE s.second ({first_of_second}{COLUMNS}); ALTER TABLE s.second INHERIT s.root;
         INSERT INTO s.first SELECT n, {EXPIRED} FROM generate_series(1, 50) AS n;
         CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF old.id = 50 THEN PERFORM pg_advisory_xact_lock_shared({GATE}); END IF;
             RETURN old;
         END $$;
         CREATE TRIGGER gate BEFORE DELETE ON s.first FOR EACH ROW EXECUTE FUNCTION gate();
         CREATE TABLE fired (id bigint);
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO public.fired VALUES (old.id); RETURN old; END $$;
         CREATE TABLE account (session bigint)"
    ));
}

/// Waits until somebody stands before the gate.
fn wait_for_gate(session: &mut Session) {
    wait_until("the clearing is at the gate", || {
        session.count(&format!(
            "pg_locks WHERE locktype = 'advisory' AND objid = {GATE} AND NOT granted"
        )) > 0
    });
}

/// Who clears the table with the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Procedure,
    Worker,
}

/// A clearing of s.root that waits for the lock on s.second, which `holder` has: it has planned, and committed batches.
struct Waiting<'a> {
    database: &'a Database<'a>,
    running: Option<Running>,
    holder: Session,
}

impl<'a> Waiting<'a> {
    fn new(database: &'a Database<'a>, way: Way) -> Waiting<'a> {
        let mut holder = database.connect();
        let mut gatekeeper = database.connect();
        gatekeeper.run(&format!("SELECT pg_advisory_lock({GATE})"));
        let arguments = "'s.root', expires => 'expire_date', batch_size => 10";
        let running = match way {
            Way::Procedure => Some(
                database
                    .connect()
                    .start(&format!("CALL raw_clear_sessions_in_batches({arguments})")),
            ),
            Way::Worker => {
                holder.run(&format!(
                    "SELECT raw_clear_sessions_schedule({arguments}, schedule => '1 h')"
                ));
                None
            }
        };
        wait_for_gate(&mut gatekeeper);
        holder.run("BEGIN; LOCK TABLE s.second");
        gatekeeper.run(&format!("SELECT pg_advisory_unlock({GATE})"));
        wait_until("the clearing waits for the leaf", || {
            gatekeeper.count("pg_locks WHERE NOT granted AND relation = 's.second'::regclass") > 0
        });
        Waiting {
            database,
            running,
            holder,
        }
    }

    /// Alters the leaf, lets go, and waits until the clearing ends, with or without an ERROR.
    fn alter(mut self, statements: &str) -> Session {
        self.holder.run(statements);
        self.holder.run("COMMIT");
        match self.running {
            Some(running) => drop(running.finish()),
            None => self.holder.wait_for_run("stop IS NOT NULL"),
        }
        self.database.connect()
    }
}

fn cluster() -> Cluster {
    Cluster::with(&[
        PRELOADED,
        ("raw_clear_sessions.databases", "*"),
        ("raw_clear_sessions.cost_delay", "0"),
        ("raw_clear_sessions.lock_timeout", "60s"),
    ])
}

fn assert_no_crash(cluster: &Cluster, what: &str) {
    assert_eq!(cluster.logged("was terminated by signal"), 0, "{what}");
}

fn live(session: &mut Session, table: &str) -> i64 {
    session.count(&format!("{table} WHERE expire_date > now()"))
}

#[test]
fn a_leaf_that_a_trigger_of_an_earlier_leaf_alters_loses_no_live_row() {
    let cluster = cluster();
    for (number, (before, value, after)) in [
        ("uuid", "gen_random_uuid()", "bigint USING 1"),
        ("varchar(20)", "'x'", "uuid USING gen_random_uuid()"),
    ]
    .into_iter()
    .enumerate()
    {
        let database = cluster.database(&format!("inside{number}"));
        let mut session = database.connect();
        create_leaves(&mut session, &format!("tenant {before}, "));
        session.run(&fill("s.second", &format!(", {value}")));
        session.run(&format!(
            "CREATE FUNCTION alter() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN EXECUTE 'ALTER TABLE s.second ALTER tenant TYPE {after}'; RETURN old; END $$;
             CREATE TRIGGER alter BEFORE DELETE ON s.first FOR EACH ROW WHEN (old.id = 1) EXECUTE FUNCTION alter()"
        ));
        // As for DELETE FROM s.root: it is being used by active queries in this session.
        let state =
            session.refused("SELECT raw_clear_sessions('s.root', expires => 'expire_date')");
        assert_no_crash(&cluster, before);
        assert_eq!(state, "55006", "{before}");
        assert_eq!(
            session.refused("DELETE FROM s.root WHERE expire_date < now()"),
            "55006"
        );
        assert_eq!(session.count("s.root"), 50 + 2 * ROWS);
    }
}

#[test]
fn a_column_that_gets_another_type_while_the_leafs_lock_is_waited_for_costs_no_live_row() {
    let cluster = cluster();
    for way in [Way::Procedure, Way::Worker] {
        for (before, value, after) in [
            ("uuid", "gen_random_uuid()", "bigint USING 1"),
            ("varchar(20)", "'x'", "uuid USING gen_random_uuid()"),
        ] {
            let what = format!("{way:?} {before}");
            let database =
                cluster.database(&format!("type_{way:?}_{}", &before[..4]).to_lowercase());
            let mut session = database.connect();
            create_leaves(&mut session, &format!("tenant {before}, "));
            session.run(&fill("s.second", &format!(", {value}")));
            let mut session = Waiting::new(&database, way)
                .alter(&format!("ALTER TABLE s.second ALTER tenant TYPE {after}"));
            assert_no_crash(&cluster, &what);
            assert_eq!(live(&mut session, "s.second"), ROWS, "{what}");
            assert_eq!(
                session.count("s.root"),
                ROWS,
                "{what}: the expired rows are cleared"
            );
        }
    }
}

#[test]
fn a_trigger_that_comes_while_the_leafs_lock_is_waited_for_fires_for_each_row() {
    let cluster = cluster();
    for way in [Way::Procedure, Way::Worker] {
        let database = cluster.database(&format!("trigger_{way:?}").to_lowercase());
        let mut session = database.connect();
        create_leaves(&mut session, "");
        session.run(&fill("s.second", ""));
        let mut session = Waiting::new(&database, way).alter(
            "CREATE TRIGGER note BEFORE DELETE ON s.second FOR EACH ROW EXECUTE FUNCTION note()",
        );
        let deleted = 2 * ROWS - session.count("s.second");
        assert_eq!(session.count("fired"), deleted, "{way:?}");
        assert_eq!(deleted, ROWS, "{way:?}");
    }
}

#[test]
fn a_foreign_key_that_comes_while_the_leafs_lock_is_waited_for_dangles_nowhere() {
    let cluster = cluster();
    for way in [Way::Procedure, Way::Worker] {
        let database = cluster.database(&format!("key_{way:?}").to_lowercase());
        let mut session = database.connect();
        create_leaves(&mut session, "");
        session.run(&fill("s.second", ""));
        let mut session = Waiting::new(&database, way).alter(
            "INSERT INTO account SELECT id FROM s.second;
             ALTER TABLE account ADD FOREIGN KEY (session) REFERENCES s.second (id)",
        );
        let dangling = session.count("account WHERE session NOT IN (SELECT id FROM s.second)");
        assert_eq!(dangling, 0, "{way:?}");
    }
}

#[test]
fn a_child_that_is_taken_from_its_parent_while_its_lock_is_waited_for_keeps_its_rows() {
    let cluster = cluster();
    let database = cluster.database("child");
    let mut session = database.connect();
    create_leaves(&mut session, "");
    session.run(&fill("s.second", ""));
    for call in [
        "SELECT raw_clear_sessions",
        "CALL raw_clear_sessions_in_batches",
    ] {
        session.run("BEGIN; LOCK TABLE s.second");
        let running = database
            .connect()
            .start(&format!("{call}('s.root', expires => 'expire_date')"));
        running.wait_for_lock_wait(&mut session);
        session.run("ALTER TABLE s.second NO INHERIT s.root; COMMIT");
        running.value();
        assert_eq!(session.count("s.second"), 2 * ROWS, "{call}");
        session.run("ALTER TABLE s.second INHERIT s.root");
    }
}

#[test]
fn after_schemas_have_swapped_their_names_no_row_of_the_other_table_is_deleted() {
    let cluster = cluster();
    let database = cluster.database("names");
    let mut session = database.connect();
    create_leaves(&mut session, "");
    session.run(&fill("s.second", ""));
    session.run(&format!(
        "CREATE TRIGGER note BEFORE DELETE ON s.second FOR EACH ROW EXECUTE FUNCTION note();
         CREATE TABLE twin.second (LIKE s.second);
         INSERT INTO twin.second SELECT n, {EXPIRED} FROM generate_series(1, 3000) AS n"
    ));
    let waiting = Waiting::new(&database, Way::Procedure);
    let mut session = waiting.alter(
        "ALTER SCHEMA s RENAME TO swapped; ALTER SCHEMA twin RENAME TO s; ALTER SCHEMA swapped RENAME TO twin",
    );
    assert_eq!(session.count("s.second"), 3000);
    assert_eq!(live(&mut session, "twin.second"), ROWS);
    assert_eq!(
        session.count("twin.root"),
        ROWS,
        "the clearing goes on by oid"
    );
}

#[test]
fn after_schemas_have_swapped_their_names_a_rewrite_judges_its_own_table() {
    let cluster = Cluster::with(&[]);
    let database = cluster.database("names");
    let mut session = database.connect();
    // A row a block, and more blocks than one statement of the rewrite looks through.
    session.run(&format!(
        "CREATE SCHEMA s; CREATE SCHEMA twin;
         CREATE TABLE s.session (id bigint, expire_date timestamptz, data text);
         ALTER TABLE s.session ALTER data SET STORAGE PLAIN;
         INSERT INTO s.session SELECT n, CASE WHEN n = 1 THEN {EXPIRED} ELSE {LIVE} END::timestamptz, repeat('x', 5000)
             FROM generate_series(1, 2100) AS n;
         CREATE TABLE twin.session (LIKE s.session INCLUDING ALL);
         INSERT INTO twin.session SELECT n, {EXPIRED}, repeat('x', 5000) FROM generate_series(1, 2100) AS n;
         CREATE FUNCTION gate(id bigint) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
         BEGIN
             IF id = 1 THEN PERFORM pg_advisory_xact_lock_shared({GATE}); END IF;
             RETURN true;
         END $$"
    ));
    let mut gatekeeper = database.connect();
    gatekeeper.run(&format!("SELECT pg_advisory_lock({GATE})"));
    let running = session.start(
        "SELECT raw_clear_sessions_rewrite('s.session', expires => 'expire_date', filter => 'public.gate(id)')",
    );
    wait_for_gate(&mut gatekeeper);
    gatekeeper.run(
        "ALTER SCHEMA s RENAME TO swapped; ALTER SCHEMA twin RENAME TO s; ALTER SCHEMA swapped RENAME TO twin",
    );
    gatekeeper.run(&format!("SELECT pg_advisory_unlock({GATE})"));
    drop(running.finish());
    assert_eq!(gatekeeper.count("s.session"), 2100);
    assert_eq!(live(&mut gatekeeper, "twin.session"), 2099);
}

/// What gives the rows other places, in another file.
const REWRITES: [&str; 4] = [
    "VACUUM FULL django_session",
    "CLUSTER django_session USING by_key",
    "ALTER TABLE django_session ALTER tenant DROP DEFAULT, ALTER tenant TYPE bigint USING 1",
    // The lock comes first: a batch between the copy and TRUNCATE would find its rows again.
    "LOCK TABLE django_session; CREATE TEMPORARY TABLE kept AS TABLE django_session; TRUNCATE django_session;
     INSERT INTO django_session SELECT * FROM kept ORDER BY session_key DESC",
];

#[test]
fn a_run_says_done_only_when_nothing_expired_is_left_in_a_file_that_was_written_anew() {
    let cluster = Cluster::with_worker("*", &SLOW);
    for pass in Pass::ALL {
        for (number, rewrite) in REWRITES.into_iter().enumerate() {
            let what = format!("{pass:?}, {rewrite}");
            cluster.reload(&SLOW);
            let name = format!("{}{number}", pass.name());
            let mut session = cluster.bare_database(&name).connect();
            session.run(
                &pass
                    .settings()
                    .replace("SET", &format!("ALTER DATABASE {name} SET")),
            );
            // The expired rows lie in the middle, between others that are deleted before.
            session.run(&format!(
                "CREATE TABLE django_session
                     (tenant uuid DEFAULT gen_random_uuid(), session_key text, session_data text, expire_date timestamptz);
                 CREATE INDEX ON django_session (expire_date); CREATE INDEX by_key ON django_session (session_key DESC);
                 INSERT INTO django_session (session_key, session_data, expire_date)
                     SELECT lpad(n::text, 9, '0'), '', {EXPIRED} FROM generate_series(1, 5000) AS n;
                 ANALYZE django_session; CREATE EXTENSION raw_clear_sessions"
            ));
            session.wait_for_busy_worker("django_session");
            session.run(rewrite);
            cluster.reload(&FAST);
            session.wait_for_run("stop IS NOT NULL");
            let first = "SELECT concat_ws(' ', stop, error) FROM raw_clear_sessions.run ORDER BY id LIMIT 1";
            assert_eq!(session.text(first), "done", "{what}");
            let deleted = "SELECT deleted FROM raw_clear_sessions.run ORDER BY id LIMIT 1";
            assert_eq!(
                session.number(deleted),
                5000,
                "{what}: rows deleted by the run that said done"
            );
            drop(session);
            // At this pace a run that finds nothing takes long, too.
            cluster
                .connect()
                .run(&format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}
