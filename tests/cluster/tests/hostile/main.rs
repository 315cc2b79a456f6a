//! Hostile input: calls of every SQL function with whatever arguments, on whatever tables, as whomever, in whatever
//! state of the session. None crashes the server, none ends with an internal error or a panic, and none deletes other
//! rows than the DELETE that plain SQL would have, which is run beside each and taken back.
//!
//! RCS_FUZZ_ROUNDS says how many calls (300), RCS_FUZZ_SEED which (1); a failure names the seed and the call.

mod case;
mod judge;
mod pool;

use case::{Case, Function, Place, one_of, seldom};
use cluster::{Cluster, Database, Session};
use fastrand::Rng;
use judge::{Outcome, Rows, check, check_error};
use std::collections::BTreeMap;
use std::env::var;
use std::sync::LazyLock;

const OBJECTS: &str = include_str!("objects.sql");

/// Settings that a call changes for itself, and must have given back.
const GIVEN_BACK: &str = "SELECT concat_ws('|', current_user, current_setting('search_path'), current_setting('lock_timeout'),
    current_setting('synchronous_commit'), current_setting('enable_tidscan'), current_setting('row_security'))";

fn number(name: &str, otherwise: u64) -> u64 {
    var(name)
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(otherwise)
}

static ROUNDS: LazyLock<u64> = LazyLock::new(|| number("RCS_FUZZ_ROUNDS", 300));
static SEED: LazyLock<u64> = LazyLock::new(|| number("RCS_FUZZ_SEED", 1));

/// Preloaded, so that progress is shown, with a worker that is off.
fn cluster() -> &'static Cluster {
    static SHARED: LazyLock<Cluster> = LazyLock::new(|| {
        let cluster = Cluster::with(&[
            ("shared_preload_libraries", "raw_clear_sessions"),
            ("raw_clear_sessions.cost_delay", "0"),
            ("wal_level", "logical"),
            ("log_min_messages", "fatal"),
        ]);
        cluster.bare_database("objects").connect().run(&format!(
            "CREATE EXTENSION raw_clear_sessions; CREATE EXTENSION postgres_fdw;
             CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw
                 OPTIONS (host '{}', dbname 'in_transactions');
             CREATE USER MAPPING FOR PUBLIC SERVER loopback OPTIONS (user 'postgres', password_required 'false');
             {OBJECTS}",
            cluster.folder().display()
        ));
        cluster
    });
    &SHARED
}

/// A copy of the database with the objects.
fn database(name: &str) -> Database<'static> {
    let cluster = cluster();
    cluster
        .connect()
        .run(&format!("CREATE DATABASE {name} TEMPLATE objects"));
    cluster.existing_database(name)
}

/// A superuser's session with a temporary table of its own.
fn connect(database: &Database) -> Session {
    let mut session = database.connect();
    session.run(
        "CREATE TEMPORARY TABLE hot (LIKE f.plain INCLUDING ALL);
         SELECT f.fill('pg_temp.hot');
         GRANT SELECT, DELETE ON pg_temp.hot TO f_deleter, f_owner",
    );
    session
}

/// The rows of a table, if it has any.
fn rows(session: &mut Session, table: &str) -> String {
    session.run("SAVEPOINT looking");
    let answer = session.ask(&format!(
        "SET LOCAL row_security = on; SELECT pg_catalog.string_agg(id::text, ' ' ORDER BY id) FROM {table}"
    ));
    session.run("ROLLBACK TO looking; RELEASE looking");
    answer
        .ok()
        .and_then(|answer| answer.value)
        .unwrap_or_default()
}

/// How calls ended, for who runs this at length.
#[derive(Default)]
struct Tally(BTreeMap<String, u64>);

impl Tally {
    fn count(&mut self, function: Function, outcome: &Outcome) {
        let key = match outcome {
            Outcome::Done(..) => format!("{function:?} done"),
            Outcome::Refused { sqlstate, message } => {
                let message: String = message
                    .chars()
                    .filter(|c| !c.is_ascii_digit())
                    .take(70)
                    .collect();
                format!("{function:?} {sqlstate} {message}")
            }
        };
        *self.0.entry(key).or_default() += 1;
    }

    fn show(&self) {
        if var("RCS_FUZZ_TALLY").is_ok() {
            for (outcome, times) in &self.0 {
                eprintln!("{times:6} {outcome}");
            }
        }
    }

    fn done(&self, function: Function) -> u64 {
        self.0
            .get(&format!("{function:?} done"))
            .copied()
            .unwrap_or_default()
    }
}

/// Nothing of a call is left when its transaction has ended.
fn check_left_nothing(session: &mut Session, what: &str) {
    let left = session.text(
        "SELECT concat_ws(' ', (SELECT count(*) FROM pg_locks WHERE locktype = 'object' AND classid = 'pg_class'::regclass AND pid = pg_backend_pid()),
             (SELECT count(*) FROM raw_clear_sessions.progress WHERE pid = pg_backend_pid()), session_user, current_user)",
    );
    assert_eq!(left, "0 0 postgres postgres", "{what}");
}

/// Runs statements as a role, within a savepoint that is gone afterwards unless `keep`. Returns how they ended, and the
/// rows of the table then.
fn attempt(
    session: &mut Session,
    case: &Case,
    role: &str,
    statements: &str,
    what: &str,
) -> (Outcome, String) {
    session.run(&format!("SAVEPOINT s; SET LOCAL ROLE {role}"));
    let before = session.text(GIVEN_BACK);
    if case.place == Place::Aborted {
        let _ = session.try_run("SELECT 1/0");
    }
    let outcome = Outcome::of(session.ask(statements), what);
    if outcome.is_done() {
        assert_eq!(session.text(GIVEN_BACK), before, "{what}");
        session.run("RESET ROLE");
    } else {
        let _ = session.try_run("ROLLBACK TO s");
    }
    let rows = rows(session, case.table);
    session.run("ROLLBACK TO s; RELEASE s");
    (outcome, rows)
}

/// PostgreSQL 19 has strings of SQL's kind only, and so nothing to warn of.
const UP_TO_18: [&str; 2] = [
    "standard_conforming_strings = off",
    "escape_string_warning = on",
];

fn set(session: &mut Session, how: &str, setting: &str) {
    let newest = "SELECT current_setting('server_version_num')::integer >= 190000";
    if !UP_TO_18.contains(&setting) || !session.yes(newest) {
        session.run(&format!("{how} {setting}"));
    }
}

#[test]
fn in_a_transaction_nothing_is_deleted_that_delete_would_not() {
    let database = database("in_transactions");
    let mut session = connect(&database);
    let mut random = Rng::with_seed(*SEED);
    let mut tally = Tally::default();
    for round in 0..*ROUNDS {
        let case = Case::random(&mut random);
        let what = format!(
            "seed {}, round {round}: {case:#?}\n{}",
            *SEED,
            case.statements()
        );
        session.run(&format!("BEGIN {}", case.mode));
        for setting in &case.settings {
            set(&mut session, "SET LOCAL", setting);
        }
        let mut found = Rows {
            before: rows(&mut session, case.table),
            ..Rows::default()
        };
        let delete = case.condition.as_ref().map(|condition| {
            let table = case.table;
            let statement = format!("DELETE FROM {table} AS t WHERE {condition}");
            let plain = Case {
                place: Place::Statement,
                ..case.clone()
            };
            let (delete, rows) = attempt(&mut session, &plain, case.acting(), &statement, &what);
            found.after_delete = rows;
            delete
        });
        let (call, rows) = attempt(&mut session, &case, case.role, &case.statements(), &what);
        found.after = rows;
        session.run("ROLLBACK; DEALLOCATE ALL");
        tally.count(case.function, &call);
        check(&case, delete.as_ref(), &call, &found, &what);
        check_left_nothing(&mut session, &what);
    }
    tally.show();
    for function in [Function::Clear, Function::Rewrite, Function::Preview] {
        assert!(
            tally.done(function) * 200 > *ROUNDS,
            "{function:?} hardly ever worked"
        );
    }
}

#[test]
fn what_commits_deletes_what_delete_would() {
    let database = database("committing");
    let mut session = connect(&database);
    let mut random = Rng::with_seed(*SEED);
    let mut tally = Tally::default();
    for round in 0..*ROUNDS / 2 {
        let case = Case::committing(&mut random);
        let what = format!(
            "seed {}, round {round}: {case:#?}\n{}",
            *SEED,
            case.statements()
        );
        for setting in &case.settings {
            set(&mut session, "SET", setting);
        }
        let (table, role) = (case.table, case.role);
        session.run("BEGIN");
        let mut found = Rows {
            before: rows(&mut session, table),
            ..Rows::default()
        };
        let delete = case.condition.as_ref().map(|condition| {
            let statement = format!("DELETE FROM {table} AS t WHERE {condition}");
            let (delete, rows) = attempt(&mut session, &case, role, &statement, &what);
            found.after_delete = rows;
            delete
        });
        session.run(&format!("COMMIT; SET ROLE {role}"));
        let call = Outcome::of(session.ask(&case.statements()), &what);
        session.run("RESET ROLE; RESET ALL; BEGIN");
        found.after = rows(&mut session, table);
        session.run("COMMIT");
        tally.count(case.function, &call);
        check(&case, delete.as_ref(), &call, &found, &what);
        check_left_nothing(&mut session, &what);
        if found.after != found.before {
            session.run(&format!(
                "SET session_replication_role = replica; TRUNCATE {table}; SELECT f.fill('{table}'); RESET session_replication_role"
            ));
        }
    }
    tally.show();
    for function in [Function::Clear, Function::Rewrite, Function::Batches] {
        assert!(
            tally.done(function) * 200 > *ROUNDS / 2,
            "{function:?} hardly ever worked"
        );
    }
}

/// Arguments of every type that the functions for views and constraints take.
fn argument(random: &mut Rng, kind: &str) -> String {
    let texts: &[&str] = match kind {
        "oid" | "regclass" => &[
            "0",
            "1259",
            "4294967295",
            "'f.plain'::regclass",
            "'f.viewed'::regclass",
            "NULL",
        ],
        "text" => &pool::SCHEDULES.map(case::literal).map(|text| &*text.leak()),
        "timestamptz" => &[
            "'-infinity'",
            "'infinity'",
            "now()",
            "'4714-11-24 00:00:00+00 BC'",
            "'294276-12-31 23:59:59.999999+00'",
            "NULL",
        ],
        _ => &["0", "'-1'", "2147483647", "'-2147483648'", "NULL", "3"],
    };
    format!("{}::{kind}", one_of(random, texts))
}

#[test]
fn the_functions_behind_views_and_constraints_take_anything() {
    const FUNCTIONS: [(&str, &[&str]); 10] = [
        (
            "next_start",
            &[
                "oid",
                "text",
                "text",
                "timestamptz",
                "timestamptz",
                "timestamptz",
                "integer",
            ],
        ),
        ("starts_since", &["text", "text", "timestamptz"]),
        (
            "check_policy",
            &["regclass", "text", "text", "text", "text"],
        ),
        ("visible", &["oid"]),
        ("reads_all", &["oid"]),
        ("clock_note", &[]),
        ("worker_off", &[]),
        ("listed", &[]),
        ("running", &[]),
        ("announce", &[]),
    ];
    let database = database("internals");
    let mut session = connect(&database);
    let mut random = Rng::with_seed(*SEED);
    for round in 0..*ROUNDS {
        let (function, parameters) = one_of(&mut random, &FUNCTIONS);
        let arguments: Vec<_> = parameters
            .iter()
            .map(|kind| argument(&mut random, kind))
            .collect();
        let role = one_of(&mut random, &pool::ROLES);
        let call = format!(
            "SELECT raw_clear_sessions.{function}({})",
            arguments.join(", ")
        );
        let what = format!("seed {}, round {round}, as {role}: {call}", *SEED);
        session.run(&format!(
            "SET ROLE {role}; SET timezone = '{}'",
            one_of(&mut random, &pool::ZONES)
        ));
        let outcome = Outcome::of(session.ask(&call), &what);
        check_error(&outcome, &what);
        if function == "next_start" {
            assert!(outcome.is_done(), "{what}: {outcome:?}");
        }
        session.run("RESET ROLE");
    }
}

/// A cancel at any moment leaves a table of which no live row is missing, and no lock behind.
#[test]
fn a_cancel_at_any_moment_loses_no_live_row() {
    let database = database("cancelled").with_checks();
    let mut session = connect(&database);
    session.run(
        "CREATE TABLE f.big (id bigserial PRIMARY KEY, at timestamptz, data text);
         CREATE INDEX ON f.big (at);
         INSERT INTO f.big (at, data) SELECT now() + interval '1 year', repeat('x', 100) FROM generate_series(1, 500)",
    );
    let mut random = Rng::with_seed(*SEED);
    let mut cancelled = 0;
    for round in 0..*ROUNDS / 4 {
        session.run(
            "INSERT INTO f.big (at) SELECT now() - interval '1 year' FROM generate_series(1, 3000)",
        );
        let call = one_of(
            &mut random,
            &[
                "SELECT raw_clear_sessions('f.big', 'at')",
                "SELECT raw_clear_sessions('f.big', 'at', filter => 'data IS NULL')",
                "SELECT raw_clear_sessions_rewrite('f.big', 'at')",
                "SELECT raw_clear_sessions_rewrite('f.big', 'at', filter => 'true')",
                "CALL raw_clear_sessions_in_batches('f.big', 'at', batch_size => 100)",
                "CALL raw_clear_sessions_in_batches('f.big', 'at', batch_size => 100, filter => 'true')",
                "SELECT raw_clear_sessions_preview('f.big', 'at', exact => true)",
            ],
        );
        let scan = if seldom(&mut random, 2) { "off" } else { "on" };
        let what = format!("seed {}, round {round}: {call}", *SEED);
        let timeout = 1 + random.u32(..12);
        session.run(&format!(
            "SET enable_seqscan = {scan}; SET statement_timeout = {timeout}"
        ));
        let outcome = Outcome::of(session.ask(call), &what);
        while session.try_run("RESET ALL").is_err() {}
        assert!(
            outcome.is_done() || outcome.sqlstate() == "57014",
            "{what}: {outcome:?}"
        );
        cancelled += u32::from(!outcome.is_done());
        assert_eq!(session.count("f.big WHERE at > now()"), 500, "{what}");
        check_left_nothing(&mut session, &what);
        if round % 16 == 0 {
            cluster::assert_sound(&mut session, "f.big");
            session.run("DELETE FROM f.big WHERE at < now()");
            session.run("VACUUM f.big");
        }
    }
    assert!(cancelled > 0, "no call was ever cancelled");
    cluster::assert_sound(&mut session, "f.big");
}
