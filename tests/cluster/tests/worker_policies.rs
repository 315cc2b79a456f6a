//! Policies, as the worker carries them out.

use cluster::{Cluster, Database, Session, add_expired, create_sessions, wait_until};
use std::sync::LazyLock;

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

fn database(name: &str) -> (Database<'static>, Session) {
    let database = cluster().database(name);
    let session = database.connect();
    (database, session)
}

/// How many runs of a table have ended.
fn runs_of(session: &mut Session, table: &str) -> i64 {
    session.ended_runs(table)
}

/// Waits until a table has been cleared so many times more.
fn wait_for_runs(session: &mut Session, table: &str, more: i64) {
    let before = runs_of(session, table);
    wait_until("the table has been cleared some times more", || {
        runs_of(session, table) >= before + more
    });
}

/// What a table's last run that deleted something says.
fn last_run(session: &mut Session, table: &str, what: &str) -> String {
    session.text(&format!(
        "SELECT ({what})::text FROM raw_clear_sessions.run
         WHERE \"table\" = '{table}'::regclass AND deleted > 0 ORDER BY id DESC LIMIT 1"
    ))
}

#[test]
fn numbers_in_another_unit_fail_the_run_and_are_all_kept() {
    let (_database, mut session) = database("another_unit");
    // The policy is right when it is made, and the application's next version writes milliseconds.
    session.run(
        "CREATE TABLE ticket (until bigint);
         INSERT INTO ticket SELECT extract(epoch FROM now()) + n * 60 FROM generate_series(-10, 10) AS n WHERE n <> 0;
         SELECT raw_clear_sessions_schedule('ticket', '1 s', expires => 'until', unit => 'seconds')",
    );
    session.wait_for_count("ticket", 10);
    session.run("INSERT INTO ticket SELECT extract(epoch FROM now()) * 1000 + n * 60000 FROM generate_series(-10, 10) AS n WHERE n <> 0");
    session
        .wait_for_run("\"table\" = 'ticket'::regclass AND stop = 'failed' AND sqlstate = '22008'");
    assert_eq!(session.count("ticket"), 30);
    session.run("SELECT raw_clear_sessions_schedule('ticket', '1 s', expires => 'until', unit => 'milliseconds')");
    wait_until("the other unit fails, too", || {
        session.yes(
            "SELECT coalesce(bool_or(last_error LIKE 'value % as milliseconds since 1970'), false) FROM raw_clear_sessions.status
             WHERE \"table\" = 'ticket'::regclass",
        )
    });
    assert_eq!(session.count("ticket"), 30);
}

#[test]
fn each_table_is_cleared_by_its_own_rule_and_schedule() {
    let (_database, mut session) = database("own_schedule");
    create_sessions(&mut session, "django_session", 100, 10);
    session.run(
        "CREATE TABLE token (expires bigint, kind text);
         INSERT INTO token SELECT extract(epoch FROM now() + make_interval(mins => i)) * 1000, kind
             FROM generate_series(-100, 100) AS i, (VALUES ('a'), ('b')) AS k (kind);
         SELECT raw_clear_sessions_schedule('token', '1 s', expires => 'expires', unit => 'milliseconds',
             keep => '50 min', filter => $$kind = 'b'$$);
         SELECT raw_clear_sessions_schedule('django_session', '1 day');",
    );
    // A table that was never cleared is due at once, whatever its schedule.
    session.wait_for_count("django_session", 10);
    wait_until("the tokens are cleared", || {
        session.count("token WHERE kind = 'b'") <= 151
    });
    assert_eq!(session.count("token WHERE kind = 'a'"), 201);
    add_expired(&mut session, "django_session", 5);
    wait_for_runs(&mut session, "token", 3);
    assert_eq!(session.count("django_session"), 15, "it is due tomorrow");
    assert_eq!(runs_of(&mut session, "django_session"), 1);
    assert!(session.yes(
        "SELECT next_start BETWEEN now() + interval '23 h' AND now() + interval '24 h'
         FROM raw_clear_sessions.status WHERE \"table\" = 'django_session'::regclass"
    ));
}

#[test]
fn no_table_is_cleared_more_often_than_min_interval_says() {
    let cluster = Cluster::with_worker(
        "app",
        &[
            ("raw_clear_sessions.tables", ""),
            ("raw_clear_sessions.min_interval", "1 h"),
        ],
    );
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "first", 100, 10);
    create_sessions(&mut session, "second", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('first', '1 s')");
    wait_until("its schedule would have it cleared again", || {
        session.yes("SELECT coalesce(bool_or(now() > last_start + interval '1 s'), false) FROM raw_clear_sessions.status")
    });
    add_expired(&mut session, "first", 5);
    // A worker comes for the other table, and does not end before nothing is due.
    session.run("SELECT raw_clear_sessions_schedule('second', '1 s')");
    session.wait_for_count("second", 10);
    wait_until("the worker has ended", || session.workers().is_empty());
    assert_eq!(session.count("first"), 15);
    assert_eq!(runs_of(&mut session, "first"), 1);
}

#[test]
fn what_was_missed_before_there_was_a_worker_is_not_made_up_for() {
    let (_database, mut session) = database("missed");
    create_sessions(&mut session, "yearly", 100, 10);
    create_sessions(&mut session, "witness", 100, 10);
    // A policy of last week's, by which yesterday was the day of the year.
    session.run(
        "DO $$ BEGIN
             PERFORM raw_clear_sessions_schedule('yearly', to_char(now() - interval '1 day', '\"0 0\" DD MM \"*\"'));
         END $$;
         UPDATE raw_clear_sessions.policy SET changed = now() - interval '7 days';
         SELECT raw_clear_sessions_schedule('witness', '1 s')",
    );
    wait_for_runs(&mut session, "witness", 3);
    assert_eq!(session.count("yearly"), 100);
}

#[test]
fn the_limits_of_a_policy_end_its_runs() {
    let (_database, mut session) = database("limits");
    for table in ["by_rows", "by_time", "by_batch"] {
        create_sessions(&mut session, table, 5000, 10);
    }
    session.run(
        "SELECT raw_clear_sessions_schedule('by_rows', '1 day', max_rows => 1000, batch_size => 100);
         SELECT raw_clear_sessions_schedule('by_time', '1 day', max_duration => '1 ms', batch_size => 10);
         SELECT raw_clear_sessions_schedule('by_batch', '1 day', batch_size => 10);",
    );
    for table in ["by_rows", "by_time", "by_batch"] {
        wait_until("it has run", || runs_of(&mut session, table) == 1);
    }
    assert_eq!(last_run(&mut session, "by_rows", "stop"), "max_rows");
    // Whole blocks are cleared.
    let left = session.count("by_rows");
    assert!((3800..=4000).contains(&left), "{left} rows left");
    assert_eq!(last_run(&mut session, "by_time", "stop"), "max_duration");
    let left = session.count("by_time");
    assert!(left > 500 && left < 5000, "{left} rows left");
    assert_eq!(last_run(&mut session, "by_batch", "stop"), "done");
    assert_eq!(last_run(&mut session, "by_batch", "batches > 10"), "true");
    assert_eq!(session.count("by_batch"), 500);
    // The policy is in the details, without what it leaves open.
    assert_eq!(
        last_run(&mut session, "by_rows", "details -> 'policy'"),
        r#"{"max_rows": 1000, "schedule": "1 day", "batch_size": 100}"#
    );
}

#[test]
fn a_policy_follows_its_table_and_counts_as_soon_as_it_is_replaced() {
    let (_database, mut session) = database("replaced");
    create_sessions(&mut session, "django_session", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 day', filter => $$session_key <> 'key2'$$)");
    session.wait_for_count("django_session", 11);
    session.run(
        "CREATE SCHEMA web;
         ALTER TABLE django_session SET SCHEMA web;
         ALTER TABLE web.django_session RENAME TO \"Sessions\";
         SELECT raw_clear_sessions_schedule('web.\"Sessions\"', '1 s');",
    );
    session.wait_for_count("web.\"Sessions\"", 10);
    assert_eq!(
        session.text("SELECT \"table\"::text FROM raw_clear_sessions.status"),
        "web.\"Sessions\""
    );
    session.run("SELECT raw_clear_sessions_unschedule('web.\"Sessions\"')");
    // Another table's runs show that time passes.
    create_sessions(&mut session, "django_session", 0, 10);
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 s')");
    wait_for_runs(&mut session, "django_session", 1);
    let before = runs_of(&mut session, "web.\"Sessions\"");
    wait_for_runs(&mut session, "django_session", 3);
    assert_eq!(runs_of(&mut session, "web.\"Sessions\""), before);
}

#[test]
fn a_dropped_table_takes_its_policy_along() {
    let (_database, mut session) = database("dropped");
    create_sessions(&mut session, "django_session", 100, 10);
    create_sessions(&mut session, "another", 100, 10);
    session.run(
        "SELECT raw_clear_sessions_schedule('django_session', '1 s', keep => '1 second');
         SELECT raw_clear_sessions_schedule('another', '1 s')",
    );
    session.wait_for_count("django_session", 10);
    session.run("DROP TABLE django_session");
    wait_until("its policy is gone", || {
        session.count("raw_clear_sessions.policy") == 1
    });
    wait_for_runs(&mut session, "another", 2);
    assert_eq!(session.runs("stop <> 'done'"), 0);
    assert_eq!(
        session.count("raw_clear_sessions.status WHERE \"table\" IS NOT NULL"),
        1
    );
    // Somebody has wanted that: the monitoring tells this note from a problem.
    let pattern = include_str!("../../../monitoring/queries.yml")
        .lines()
        .find_map(|line| line.trim().strip_suffix("THEN 'dropped'"))
        .and_then(|line| line.strip_prefix("WHEN s.note"))
        .expect("a kind of note");
    let noted = format!("raw_clear_sessions.status WHERE note {pattern}");
    wait_until("it is noted", || session.count(&noted) == 1);
    // How long the rows of another table live, the old policy does not say; a view has none.
    let call = "SELECT coalesce(substring(string_agg(note, '') FROM 'SELECT .*'), '') FROM raw_clear_sessions.status WHERE \"table\" IS NULL";
    session.run("CREATE TABLE django_session (updated_at timestamp)");
    let told: String = session.value(call);
    assert!(told.contains("keep => '...'"), "{told}");
    session.run("DROP TABLE django_session; CREATE VIEW django_session AS SELECT 1");
    assert_eq!(session.value::<String>(call), "");
}

/// As pg-osc and others change a table: into a new one, which takes the old one's name.
#[test]
fn a_table_that_was_swapped_for_another_says_how_to_move_its_policy() {
    let (database, mut session) = database("swapped");
    create_sessions(&mut session, "django_session", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 s', batch_size => 50, filter => $$session_key <> 'it''s'$$)");
    session.wait_for_count("django_session", 10);
    create_sessions(&mut session, "anew", 100, 10);
    session.run(
        "ALTER TABLE django_session RENAME TO spare; ALTER TABLE anew RENAME TO django_session",
    );
    wait_for_runs(&mut session, "spare", 2);
    let note = "SELECT string_agg(note, '') FROM raw_clear_sessions.status WHERE note LIKE '%public.django_session%'";
    let told = session.text(note);
    assert!(
        told.contains("public.django_session when it was scheduled, and another one has that name"),
        "{told}"
    );
    session.run("DROP TABLE spare");
    wait_until("the policy is gone", || {
        session.count("raw_clear_sessions.policy") == 0
    });
    let kept = session.text(
        "SELECT coalesce(string_agg(s::text, ' '), 'none') FROM raw_clear_sessions.state AS s",
    );
    assert!(kept.contains("batch_size"), "{kept}");
    wait_until("the status says how to go on", || {
        session.value::<Option<String>>(note).is_some_and(|told| {
            told.contains("raw_clear_sessions_schedule('public.django_session'")
        })
    });
    database
        .cluster()
        .wait_for_log("table public.django_session, which had a policy, has gone");
    let told = session.text(note);
    session.run(&told[told.find("SELECT").expect("a call")..]);
    session.wait_for_count("django_session", 10);
    assert_eq!(session.value::<Option<String>>(note), None);
    assert!(session.yes("SELECT batch_size = 50 AND schedule = '1 s' AND filter = $$session_key <> 'it''s'$$ FROM raw_clear_sessions.policy"));
}

/// Who owned it last may remove the policy of a table that has gone, and its last name is the one that is told.
#[test]
fn a_table_that_changes_hands_and_name_before_it_goes_was_its_last_owners_by_its_last_name() {
    let cluster = Cluster::with_worker("app", &[]);
    let [mut alice, mut mallory] = cluster.alice_and_mallory();
    let mut admin = cluster.connect_to("app");
    for table in ["first", "second"] {
        create_sessions(&mut mallory, table, 10, 10);
        mallory.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}', '1 s')"
        ));
        admin.run(&format!(
            "ALTER TABLE mallory.{table} RENAME TO renamed_{table};
             ALTER TABLE mallory.renamed_{table} SET SCHEMA alice;
             ALTER TABLE alice.renamed_{table} OWNER TO alice"
        ));
        admin.wait_for_ends(&format!("alice.renamed_{table}"), 2);
    }
    alice.run("DROP TABLE renamed_first");
    cluster.wait_for_log("table alice.renamed_first, which had a policy, has gone");
    cluster.pause(&mut admin);
    let oid: String = admin.value("SELECT 'alice.renamed_second'::regclass::oid::text");
    alice.run("DROP TABLE renamed_second");
    let unschedule = format!("SELECT raw_clear_sessions_unschedule({oid}::oid)");
    assert_eq!(cluster::sqlstate(mallory.try_run(&unschedule)), "42501");
    assert!(alice.yes(&unschedule));
}

#[test]
fn a_policy_that_no_longer_fits_fails_until_it_is_replaced() {
    let (_database, mut session) = database("unfit");
    create_sessions(&mut session, "django_session", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 s')");
    session.wait_for_count("django_session", 10);
    session.run("ALTER TABLE django_session RENAME expire_date TO until");
    session.wait_for_run("stop = 'failed' AND sqlstate = '42703'");
    let status = |session: &mut Session, what: &str| -> String {
        session.text(&format!(
            "SELECT ({what})::text FROM raw_clear_sessions.status"
        ))
    };
    assert_eq!(
        status(&mut session, "last_sqlstate || ' ' || last_error"),
        "42703 table \"django_session\" is not recognized as a session table"
    );
    assert_eq!(status(&mut session, "failures"), "1");
    assert_eq!(
        status(&mut session, "next_start > last_start + interval '50 s'"),
        "true"
    );
    assert!(session.yes("SELECT details ->> 'hint' ~ 'expires => ''until''' FROM raw_clear_sessions.run WHERE stop = 'failed'"));
    // Who has done what the HINT says does not have to wait any longer.
    add_expired(&mut session, "django_session", 5);
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 s', expires => 'until')");
    session.wait_for_count("django_session", 10);
    wait_for_runs(&mut session, "django_session", 1);
    assert_eq!(status(&mut session, "failures"), "0");
}

#[test]
fn a_partitioned_table_is_cleared_as_a_whole() {
    let (_database, mut session) = database("parted");
    session.run(
        "CREATE TABLE visit (id integer, expires timestamptz) PARTITION BY RANGE (id);
         CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM (1) TO (501);
         CREATE TABLE visit_2 PARTITION OF visit DEFAULT;
         INSERT INTO visit SELECT i, CASE WHEN i % 10 = 0 THEN 'infinity' ELSE '2020-01-01' END::timestamptz
             FROM generate_series(1, 1000) AS i;
         SELECT raw_clear_sessions_schedule('visit', '1 s', expires => 'expires', batch_size => 20)",
    );
    session.wait_for_count("visit", 100);
    wait_for_runs(&mut session, "visit", 1);
    assert_eq!(
        session.count("raw_clear_sessions.run WHERE \"table\" <> 'visit'::regclass"),
        0
    );
}

/// Dumps a database as this role and restores it into another one of this name, which the role owns.
fn dump_and_restore<'a>(database: &Database<'a>, role: &str, target: &str) -> Database<'a> {
    let cluster = database.cluster();
    let restored = cluster.bare_database(target);
    restored
        .connect()
        .run(&format!("ALTER DATABASE {target} OWNER TO {role}"));
    let file = cluster.folder().join(target);
    let file = file.to_str().expect("a plain path");
    cluster.client("pg_dump", &["-U", role, "-Fc", "-f", file, database.name()]);
    cluster.client(
        "pg_restore",
        &["-U", role, "-d", target, "--exit-on-error", file],
    );
    restored
}

#[test]
fn policies_are_dumped_and_restored_and_the_history_is_not() {
    let (database, mut session) = database("dumped");
    create_sessions(&mut session, "django_session", 100, 10);
    session.run(
        "CREATE TABLE \"To ken\" (expires bigint, kind text);
         CREATE TABLE gone (expires timestamptz);
         SELECT raw_clear_sessions_schedule('gone', expires => 'expires');
         SELECT raw_clear_sessions_schedule('django_session', '2 s', batch_size => 7, max_duration => '1 min 1 s');
         SELECT raw_clear_sessions_schedule('\"To ken\"', '*/5 * * * *', expires => 'expires', unit => 'milliseconds',
             keep => '1 mon 2 days', filter => $$kind = 'it''s'$$, max_rows => 5000000000)",
    );
    session.wait_for_count("django_session", 10);
    add_expired(&mut session, "django_session", 3);
    session.run("DROP TABLE gone");
    let policies = "SELECT (to_jsonb(p) - 'changed' - 'installation')::text FROM raw_clear_sessions.policy AS p
         WHERE EXISTS (SELECT FROM pg_class AS c WHERE c.oid = \"table\") ORDER BY 1";
    let before = session.texts(policies);
    assert_eq!(before.len(), 2);
    let restored = dump_and_restore(&database, "postgres", "restored");
    let mut session = restored.connect();
    assert_eq!(session.texts(policies), before);
    assert_eq!(session.all_ended_runs(), 0);
}

/// The foreign keys, triggers and rules of a dump come last; and whoever restores may want to look first.
#[test]
fn a_restored_policy_rests_until_somebody_says_that_it_may_be_carried_out() {
    let (database, mut session) = database("told");
    create_sessions(&mut session, "django_session", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 s')");
    session.wait_for_count("django_session", 10);
    add_expired(&mut session, "django_session", 3);
    let restored = dump_and_restore(&database, "postgres", "waiting");
    let mut session = restored.connect();
    create_sessions(&mut session, "witness", 0, 10);
    session.run("SELECT raw_clear_sessions_schedule('witness', '1 s')");
    session.wait_for_ends("witness", 3);
    let told =
        "SELECT note FROM raw_clear_sessions.status WHERE \"table\" = 'django_session'::regclass";
    let note = session.text(told);
    assert!(note.contains("from a dump"), "{note}");
    assert_eq!(session.ended_runs("django_session"), 0);
    // What the note says is the call to make.
    let call = note.split(": ").nth(1).expect("a call");
    session.run(call);
    session.wait_for_count("django_session", 10);
    assert_eq!(session.value::<Option<String>>(told), None);
}

#[test]
fn the_owner_of_a_database_may_dump_and_restore_it() {
    let database = cluster().bare_database("owners");
    database
        .connect()
        .run("CREATE ROLE dumper LOGIN; ALTER DATABASE owners OWNER TO dumper");
    let mut session = database.connect_as("dumper");
    session.run("CREATE EXTENSION raw_clear_sessions");
    create_sessions(&mut session, "django_session", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('django_session', '1 s')");
    session.wait_for_count("django_session", 10);
    add_expired(&mut session, "django_session", 3);
    let restored = dump_and_restore(&database, "dumper", "owners_again");
    let mut session = restored.connect_as("dumper");
    session.run("SELECT raw_clear_sessions_resume('django_session')");
    session.wait_for_count("django_session", 10);
}

#[test]
fn rows_are_kept_for_as_long_as_the_policy_says() {
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.tables", "")]);
    let mut session = cluster.database("app").connect();
    session.run(
        "CREATE TABLE kept (id integer, expire_date timestamptz);
         INSERT INTO kept SELECT i, now() - i * interval '1 day' FROM generate_series(1, 10) AS i;
         SELECT raw_clear_sessions_schedule('kept', '1 h', expires => 'expire_date', keep => '4 days 12 h')",
    );
    session.wait_for_run("stop = 'done'");
    assert_eq!(session.number("SELECT max(id)::bigint FROM kept"), 4);
    assert_eq!(session.count("kept"), 4);
}

/// A table of no framework's with a hundred rows that have expired and ten that have not, which were created long ago.
fn create_tickets(session: &mut Session) {
    session.run(
        "CREATE TABLE tickets (id integer, expires_at timestamptz, created timestamptz DEFAULT '2020-01-01');
         INSERT INTO tickets SELECT i, CASE WHEN i > 100 THEN '2199-01-01' ELSE '2020-01-01' END::timestamptz FROM generate_series(1, 110) AS i;
         SELECT raw_clear_sessions_schedule('tickets', '1 s', expires => 'expires_at', keep => '0')",
    );
    session.wait_for_count("tickets", 10);
}

const REFUSED: &str = "stop = 'failed' AND sqlstate = '55000' AND deleted = 0 AND error LIKE";

/// What is said of the tickets when another column has the name of theirs.
const SWAPPED: &str = "'%column \"expires_at\" of table \"tickets\" is%the one that it was%'";

/// Gives the name of the column by which tickets expire to the one that says when they were made, and waits until a run is refused
/// for that.
fn swap_columns_and_wait(session: &mut Session) {
    session.run(
        "BEGIN;
         ALTER TABLE tickets RENAME expires_at TO valid_until;
         ALTER TABLE tickets RENAME created TO expires_at;
         COMMIT",
    );
    session.wait_for_run(&format!("{REFUSED} {SWAPPED}"));
}

#[test]
fn a_policy_does_not_go_by_another_column_that_has_come_to_the_name() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    create_tickets(&mut session);
    swap_columns_and_wait(&mut session);
    assert_eq!(session.count("tickets"), 10);
    session.run("SELECT raw_clear_sessions_schedule('tickets', '1 s', expires => 'valid_until', keep => '0');
         INSERT INTO tickets VALUES (1, '2020-01-01')");
    session.wait_for_count("tickets", 10);

    // One that was dropped and made again, also where only the filter reads it.
    session.run(
        "ALTER TABLE tickets ADD kind text;
         SELECT raw_clear_sessions_schedule('tickets', '1 s', expires => 'valid_until', keep => '0', filter => 'kind IS NULL');
         ALTER TABLE tickets DROP kind;
         ALTER TABLE tickets ADD kind text;
         INSERT INTO tickets VALUES (1, '2020-01-01')",
    );
    let error = "'column \"kind\" of table \"tickets\" is not the one that it was%'";
    session.wait_for_run(&format!("{REFUSED} {error}"));
    assert_eq!(session.count("tickets"), 11);
}

/// Also where it is recognized: it is not told from a migration that makes the framework's column anew.
#[test]
fn a_policy_does_not_go_on_with_a_column_of_a_framework_that_is_another_one() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    for (name, changes) in [
        (
            "older",
            "ALTER TABLE {table} DROP expire_date; ALTER TABLE {table} RENAME created_at TO expire_date",
        ),
        (
            "newer",
            "ALTER TABLE {table} ADD again timestamptz DEFAULT '2020-01-01'; ALTER TABLE {table} DROP expire_date; ALTER TABLE {table} RENAME again TO expire_date",
        ),
        (
            "anew",
            "ALTER TABLE {table} DROP expire_date; ALTER TABLE {table} ADD expire_date timestamptz DEFAULT '2020-01-01'",
        ),
    ] {
        let table = format!("{name}.django_session");
        session.run(&format!(
            "CREATE SCHEMA {name};
             CREATE TABLE {table} (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL,
                 expire_date timestamptz NOT NULL, created_at timestamptz NOT NULL DEFAULT '2020-01-01');
             INSERT INTO {table} VALUES ('live', '', '2199-01-01'), ('over', '', '2020-01-01');
             SELECT raw_clear_sessions_schedule('{table}', '1 s')"
        ));
        session.wait_for_count(&table, 1);
        // One after the other: each may be seen by a run.
        for change in changes.replace("{table}", &table).split("; ") {
            session.run(change);
        }
        session.wait_for_run(&format!(
            "\"table\" = '{table}'::regclass AND {REFUSED} 'column \"expire_date\" of table \"django_session\" is not the one that it was%'"
        ));
        assert_eq!(session.count(&table), 1);
        session.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}', '1 s')"
        ));
        session.wait_for_count(&table, 0);
    }
}

/// Nothing of it is named where the whole row is read.
#[test]
fn a_policy_that_reads_the_whole_row_does_not_go_by_another_one() {
    // It waits for the alterations, however slow the machine is.
    let cluster = Cluster::with_worker("app", &[("raw_clear_sessions.lock_timeout", "30s")]);
    let mut session = cluster.database("app").connect();
    for (change, error) in [
        (
            "RENAME expires_at TO valid_until; ALTER TABLE tickets RENAME created TO expires_at",
            "'column \"created\" of table \"tickets\", which was there when the table was scheduled, has gone' AND details ->> 'detail' LIKE '%is called \"expires_at\" now.'",
        ),
        (
            "RENAME hold TO kept",
            "'column \"hold\" of table \"tickets\", which was there when the table was scheduled, has gone' AND details ->> 'detail' LIKE '%is called \"kept\" now.'",
        ),
        (
            "DROP hold; ALTER TABLE tickets ADD hold text",
            "'column \"hold\" of table \"tickets\" is not the one that it was%' AND details ->> 'detail' LIKE '%has been dropped.'",
        ),
    ] {
        create_tickets(&mut session);
        session.run(
            "ALTER TABLE tickets ADD hold text;
             SELECT raw_clear_sessions_schedule('tickets', '1 s', keep => '0', time_zone => 'UTC',
                 expires => '(to_jsonb(tickets) ->> ''expires_at'')::timestamptz', filter => 'to_jsonb(tickets) ->> ''hold'' IS NULL');
             INSERT INTO tickets VALUES (1, '2020-01-01')",
        );
        session.wait_for_count("tickets", 10);
        // What it has not had yet, it may get.
        session
            .run("ALTER TABLE tickets ADD note text; INSERT INTO tickets VALUES (1, '2020-01-01')");
        session.wait_for_count("tickets", 10);
        session.run(&format!("BEGIN; ALTER TABLE tickets {change}; COMMIT"));
        session.wait_for_run(&format!("{REFUSED} {error}"));
        assert_eq!(session.count("tickets"), 10);
        session.run("DROP TABLE tickets");
    }
}

/// `created_at` has come to the name of `updated_at`, both of which the framework's table has.
#[test]
fn a_policy_does_not_go_by_another_column_of_a_framework_while_its_own_is_there() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    session.run(
        "CREATE TABLE sessions (id bigserial PRIMARY KEY, session_id varchar NOT NULL, data text,
             created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
         INSERT INTO sessions (session_id, created_at, updated_at)
             SELECT i, '2020-01-01', CASE WHEN i > 10 THEN '2020-01-01' ELSE now() AT TIME ZONE 'UTC' END FROM generate_series(1, 20) AS i;
         SELECT raw_clear_sessions_schedule('sessions', '1 s', keep => '30 days', time_zone => 'UTC')",
    );
    session.wait_for_count("sessions", 10);
    session.run(
        "BEGIN;
         ALTER TABLE sessions RENAME updated_at TO touched_at;
         ALTER TABLE sessions RENAME created_at TO updated_at;
         ALTER TABLE sessions RENAME touched_at TO created_at;
         COMMIT",
    );
    let error = "'column \"updated_at\" of table \"sessions\" is not the one that it was%'
         AND details ->> 'detail' = 'The one that was meant is called \"created_at\" now.'";
    session.wait_for_run(&format!("{REFUSED} {error}"));
    assert_eq!(session.count("sessions"), 10);
    // The other one is that still when the one that was meant has gone.
    session.run(
        "ALTER TABLE sessions DROP created_at, ADD created_at timestamp(6) NOT NULL DEFAULT now();
         SELECT raw_clear_sessions_run_now('sessions')",
    );
    session.wait_for_run(&format!(
        "{REFUSED} 'column \"updated_at\" of table \"sessions\" is not the one that it was%'
         AND details ->> 'detail' = 'The one that was meant has been dropped.'"
    ));
    assert_eq!(session.count("sessions"), 10);
}

#[test]
fn a_policy_of_which_something_else_is_remembered_fails() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    create_tickets(&mut session);
    for meant in ["7", "{}", "{\"columns\": []}", "[1]"] {
        session.run(
            "SELECT raw_clear_sessions_schedule('tickets', '1 s', expires => 'expires_at', keep => '0');
             INSERT INTO tickets VALUES (1, '2020-01-01')"
        );
        session.wait_for_count("tickets", 10);
        let failed =
            session.number("SELECT count(*) FROM raw_clear_sessions.run WHERE stop = 'failed'");
        session.run(&format!("UPDATE raw_clear_sessions.policy SET meant = '{meant}'; INSERT INTO tickets VALUES (1, '2020-01-01')"));
        session.wait_for_run(&format!(
            "{REFUSED} 'cannot read what was remembered of table \"tickets\"%' AND {failed} < (
             SELECT count(*) FROM raw_clear_sessions.run WHERE stop = 'failed')"
        ));
        assert_eq!(session.count("tickets"), 11);
    }
}

#[test]
fn a_policy_does_not_clear_a_table_that_has_become_an_archive() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    create_tickets(&mut session);
    // Another name is no reason.
    session.run(
        "ALTER TABLE tickets RENAME TO vouchers; INSERT INTO vouchers VALUES (1, '2020-01-01')",
    );
    session.wait_for_count("vouchers", 10);
    session.run(
        "ALTER TABLE vouchers RENAME TO tickets; CREATE SCHEMA archive_2025; CREATE SCHEMA shop",
    );
    for (rename, table, reason) in [
        (
            "ALTER TABLE tickets RENAME TO tickets_archive",
            "tickets_archive",
            "its name says that its rows are kept",
        ),
        (
            "ALTER TABLE tickets_archive RENAME TO tickets_20251127",
            "tickets_20251127",
            "its name ends in a date%",
        ),
        (
            "ALTER TABLE tickets_20251127 RENAME TO web_sessions_x",
            "web_sessions_x",
            "more stands in its name%",
        ),
        (
            "ALTER TABLE web_sessions_x RENAME TO tickets; ALTER TABLE tickets SET SCHEMA archive_2025",
            "archive_2025.tickets",
            "the name of its schema says%",
        ),
        (
            "ALTER TABLE archive_2025.tickets SET SCHEMA shop; ALTER SCHEMA shop RENAME TO shop_20251127",
            "shop_20251127.tickets",
            "the name of its schema has a date in it%",
        ),
    ] {
        let name = table.split('.').next_back().unwrap_or(table);
        session.run(&format!(
            "{rename}; INSERT INTO {table} VALUES (1, '2020-01-01')"
        ));
        session.wait_for_run(&format!(
            "{REFUSED} 'table \"{name}\" had another name when the table was scheduled, and {reason}'"
        ));
        assert_eq!(session.count(table), 11);
        session.run(&format!("SELECT raw_clear_sessions_schedule('{table}', '1 s', expires => 'expires_at', keep => '0')"));
        session.wait_for_count(table, 10);
    }
}

/// As archives are made in turn: the old one gets another name, and a new one has its name.
#[test]
fn a_policy_does_not_go_by_another_table_that_has_come_to_the_name_in_its_filter() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    create_sessions(&mut session, "django_session", 100, 10);
    session.run(
        "CREATE TABLE session_archive () INHERITS (django_session);
         INSERT INTO session_archive VALUES ('kept', '', '2020-01-01');
         SELECT raw_clear_sessions_schedule('django_session', '1 s', filter => 'tableoid NOT IN (''public.session_archive''::regclass)')",
    );
    session.wait_for_count("django_session", 11);
    session.run(
        "BEGIN;
         ALTER TABLE session_archive RENAME TO of_2025;
         CREATE TABLE session_archive () INHERITS (django_session);
         COMMIT",
    );
    session.wait_for_run(&format!(
        "{REFUSED} 'a table that the rule for table \"django_session\" names is not the one that it was%'"
    ));
    assert_eq!(session.count("of_2025"), 1);

    // However it is named, also by what says when a row expires.
    for (number, rule) in [
        "expires => $$CASE WHEN tableoid <> 'public.old'::regclass THEN expire_date END$$, time_zone => 'UTC'",
        "expires => 'expire_date', keep => '0', filter => $$tableoid <> to_regclass('public.old')$$, time_zone => 'UTC'",
        "expires => 'expire_date', keep => '0', filter => $$tableoid <> ('public.old'::text)::regclass$$, time_zone => 'UTC'",
    ]
    .into_iter()
    .enumerate()
    {
        let table = format!("sessions_{number}");
        create_sessions(&mut session, &table, 100, 10);
        session.run(&format!(
            "CREATE TABLE old () INHERITS ({table}); INSERT INTO old VALUES ('kept', '', '2020-01-01');
             SELECT raw_clear_sessions_schedule('{table}', '1 s', {rule})"
        ));
        session.wait_for_count(&table, 11);
        session.run(&format!(
            "BEGIN; ALTER TABLE old RENAME TO older_{number}; CREATE TABLE old () INHERITS ({table}); COMMIT"
        ));
        session.wait_for_run(&format!(
            "{REFUSED} 'a table that the rule for table \"{table}\" names is not the one that it was%'"
        ));
        assert_eq!(session.count(&format!("older_{number}")), 1);
        session.run("DROP TABLE old");
    }
}

/// Whoever names the column means all tables that go along then, and not what becomes of them.
#[test]
fn a_child_that_becomes_an_archive_does_not_go_along_with_a_table_whose_column_is_named() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    for (number, change) in ["RENAME TO session_archive", "ADD legal_hold boolean"]
        .into_iter()
        .enumerate()
    {
        let table = format!("sessions_{number}");
        create_sessions(&mut session, &table, 100, 10);
        session.run(&format!(
            "CREATE TABLE eu_{number} () INHERITS ({table}); CREATE TABLE archive_{number} () INHERITS ({table});
             INSERT INTO eu_{number} VALUES ('over', '', '2020-01-01'); INSERT INTO archive_{number} VALUES ('over', '', '2020-01-01');
             SELECT raw_clear_sessions_schedule('{table}', '1 s', expires => 'expire_date', keep => '0')"
        ));
        session.wait_for_count(&table, 10);
        session.run(&format!(
            "BEGIN; INSERT INTO eu_{number} VALUES ('kept', '', '2020-01-01'); ALTER TABLE eu_{number} {change}; COMMIT"
        ));
        session.wait_for_run(&format!(
            "\"table\" = '{table}'::regclass AND {REFUSED} 'rows of table \"%\", which is a child of table \"{table}\", may be meant to stay'"
        ));
        assert_eq!(session.count(&table), 11);
    }
}

/// Phoenix keeps tokens of several kinds in one table: those of sessions go, whatever becomes of the table.
#[test]
fn the_condition_of_a_framework_whose_column_is_named_does_not_fall_away() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    for (number, (change, refused)) in [
        ("ADD legal_hold boolean", false),
        ("ADD expires_at timestamptz", false),
        ("RENAME sent_to TO recipient", true),
        ("RENAME context TO ctx", true),
    ]
    .into_iter()
    .enumerate()
    {
        let table = format!("users_{number}_tokens");
        let [one, other] = ["session", "api-token"].map(|context| {
            format!("INSERT INTO {table} VALUES (1, 5, '', '{context}', NULL, '2020-01-01')")
        });
        session.run(&format!(
            "CREATE TABLE {table} (id bigint, user_id bigint NOT NULL, token bytea NOT NULL, context varchar(255) NOT NULL,
                 sent_to varchar(255), inserted_at timestamp(0) NOT NULL);
             {one}; {other};
             SELECT raw_clear_sessions_schedule('{table}', '1 s', expires => 'inserted_at', keep => '14 days', time_zone => 'UTC')"
        ));
        session.wait_for_count(&table, 1);
        session.run(&format!("ALTER TABLE {table} {change}"));
        if refused {
            session.wait_for_run(&format!(
                "{REFUSED} 'table \"{table}\" is not the framework''s any more that it was%'"
            ));
        } else {
            session.run(&one);
        }
        session.wait_for_count(&table, 1);
    }
}

/// A dump has tables by the names that they have then, and columns in their order.
#[test]
fn what_the_names_of_a_policy_meant_goes_with_it_into_a_copy_of_the_database() {
    let cluster = Cluster::with_worker("*", &[]);
    let mut session = cluster.database("app").connect();
    let rotate = |table: &str| {
        format!(
            "BEGIN; ALTER TABLE {table}_old RENAME TO {table}_older; CREATE TABLE {table}_old () INHERITS ({table}); COMMIT"
        )
    };
    for table in ["well", "rotated"] {
        create_sessions(&mut session, table, 100, 10);
        session.run(&format!(
            "CREATE TABLE {table}_old () INHERITS ({table}); INSERT INTO {table}_old VALUES ('kept', '', '2020-01-01');
             SELECT raw_clear_sessions_schedule('{table}', '1 s', expires => 'expire_date', keep => '0', filter => $$tableoid <> 'public.{table}_old'::regclass$$)"
        ));
        session.wait_for_count(table, 11);
    }
    session.run(&rotate("rotated"));
    session.run(
        "CREATE TABLE renamed (id integer, a timestamptz, b timestamptz);
         INSERT INTO renamed VALUES (1, '2199-01-01', '2020-01-01');
         SELECT raw_clear_sessions_schedule('renamed', '1 s', expires => 'a', keep => '0');
         BEGIN; ALTER TABLE renamed RENAME a TO was; ALTER TABLE renamed RENAME b TO a; ALTER TABLE renamed ADD b timestamptz; COMMIT",
    );
    let refused = [
        (
            "rotated",
            "a table that the rule for table \"rotated\" names is not the one that it was when%",
        ),
        (
            "renamed",
            "%column \"a\" of table \"renamed\" is%the one that it was when the table was scheduled",
        ),
    ];
    let wait_for_refusals = |session: &mut Session| {
        for (table, message) in refused {
            session.wait_for_run(&format!(
                "\"table\" = '{table}'::regclass AND {REFUSED} '{message}'"
            ));
        }
        assert_eq!(session.count("rotated_older"), 1);
        assert_eq!(session.count("renamed"), 1);
    };
    wait_for_refusals(&mut session);
    for mut session in cluster.copies(session) {
        // In the dump nothing is known but that.
        for (table, _) in refused {
            session.wait_for_run(&format!(
                "\"table\" = '{table}'::regclass AND {REFUSED} '%'"
            ));
        }
        assert_eq!(session.count("rotated_older"), 1);
        assert_eq!(session.count("renamed"), 1);
        add_expired(&mut session, "well", 10);
        session.wait_for_count("well", 11);
        session.run(&rotate("well"));
        session.wait_for_run(&format!(
            "\"table\" = 'well'::regclass AND {REFUSED} 'a table that the rule for table \"well\" names is not%'"
        ));
        assert_eq!(session.count("well_older"), 1);
    }
}

/// In the copy nothing is known but what the policy remembers.
#[test]
fn a_policy_that_was_refused_is_refused_in_a_copy_of_the_database() {
    let cluster = Cluster::with_worker("*", &[]);
    let mut session = cluster.database("app").connect();
    create_tickets(&mut session);
    session.run("ALTER TABLE tickets ADD note text, DROP id");
    swap_columns_and_wait(&mut session);
    for mut copy in cluster.copies(session) {
        copy.wait_for_run(&format!("{REFUSED} '%'"));
        assert_eq!(copy.count("tickets"), 10);
    }
}

/// `keep` was a grace after the end, and would be the time for which a row lives since its last use.
#[test]
fn a_policy_does_not_go_on_where_its_lifetime_counts_from_something_else() {
    let cluster = Cluster::with_worker("app", &[]);
    let mut session = cluster.database("app").connect();
    session.run(
        "CREATE TABLE sessions (id varchar(255) PRIMARY KEY, data text NOT NULL, user_id varchar(255), expires_at timestamptz NOT NULL);
         SELECT raw_clear_sessions_schedule('sessions', '1 s', keep => '1 hour');
         INSERT INTO sessions VALUES ('over', '', '1', '2020-01-01')",
    );
    session.wait_for_count("sessions", 0);
    session.run(
        "BEGIN;
         ALTER TABLE sessions DROP data, DROP expires_at, ADD ip_address varchar(45), ADD user_agent text, ADD payload text NOT NULL,
             ADD last_activity integer NOT NULL, ALTER user_id TYPE bigint USING NULL;
         INSERT INTO sessions VALUES ('live', 1, '', '', '', extract(epoch FROM now() - interval '70 minutes'));
         COMMIT",
    );
    session.wait_for_run(&format!(
        "{REFUSED} 'table \"sessions\" is another framework''s than%'"
    ));
    assert_eq!(session.count("sessions"), 1);
}
