//! The worker's policies whose rules name functions, types, labels and other objects: what has come to such a name is not gone by,
//! neither where it happened nor in a copy of the database.

use cluster::{Cluster, Session, sqlstate, wait_until};

/// What a rule may name, one of a kind or two that come to each other's names: its table is `t_<name>`, with a row that is live and one that has expired.
struct Case {
    name: &'static str,
    /// What is named.
    objects: &'static str,
    columns: &'static str,
    live: &'static str,
    over: &'static str,
    rule: &'static str,
    /// Has the name mean something by which the live row has expired.
    swap: &'static str,
    /// Something that changes nothing of what was meant.
    growth: &'static str,
    /// Whether it can be told in a dump that is restored.
    is_told: bool,
}

/// The worker waits for alterations, however slow the machine is.
const PATIENT: &[(&str, &str)] = &[("raw_clear_sessions.lock_timeout", "30s")];

const CASES: [Case; 14] = [
    Case {
        name: "operator",
        objects: "CREATE OPERATOR <<< (FUNCTION = int4lt, LEFTARG = int4, RIGHTARG = int4)",
        columns: "number integer",
        live: "50",
        over: "5",
        rule: "expires => 'expires_at', filter => 'number OPERATOR(public.<<<) 10'",
        swap: "DROP OPERATOR <<< (int4, int4); CREATE OPERATOR <<< (FUNCTION = int4gt, LEFTARG = int4, RIGHTARG = int4)",
        growth: "SELECT 1",
        is_told: true,
    },
    Case {
        name: "cast",
        objects: "CREATE TYPE level AS ENUM ('low', 'middle', 'high')",
        columns: "level text",
        live: "'high'",
        over: "'low'",
        rule: "expires => 'expires_at', filter => $$level::public.level < 'middle'$$",
        swap: "ALTER TYPE level RENAME VALUE 'low' TO 'x'; ALTER TYPE level RENAME VALUE 'high' TO 'low'; ALTER TYPE level RENAME VALUE 'x' TO 'high'",
        growth: "ALTER TYPE level ADD VALUE 'top'",
        is_told: true,
    },
    Case {
        name: "table",
        objects: "CREATE TABLE kept (); CREATE TABLE gone ()",
        columns: "in_table regclass",
        live: "'public.kept'",
        over: "'public.gone'",
        rule: "expires => 'expires_at', filter => $$in_table = 'public.gone'::regclass AND in_table <> 'public.kept'::regclass$$",
        swap: "ALTER TABLE kept RENAME TO x; ALTER TABLE gone RENAME TO kept; ALTER TABLE x RENAME TO gone",
        growth: "ALTER TABLE kept ADD note text",
        is_told: true,
    },
    Case {
        name: "function",
        objects: "CREATE FUNCTION may_go(key text) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT key <> 'held' $$;
            CREATE FUNCTION may_stay(key text) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT key = 'held' $$",
        columns: "key text",
        live: "'held'",
        over: "'x'",
        rule: "expires => 'expires_at', filter => $$public.may_go(key) AND NOT public.may_stay(key) AND pg_typeof(key) = 'text'::regtype$$",
        swap: "ALTER FUNCTION may_go(text) RENAME TO x; ALTER FUNCTION may_stay(text) RENAME TO may_go; ALTER FUNCTION x(text) RENAME TO may_stay",
        growth: "ALTER FUNCTION may_go(text) COST 5",
        is_told: true,
    },
    Case {
        name: "attribute",
        objects: "CREATE TYPE ends AS (until timestamp, since timestamp)",
        columns: "at ends",
        live: "row(timestamp '2199-01-01', timestamp '2020-01-01')::ends",
        over: "jsonb_populate_record(NULL::ends, '{\"until\": \"2020-01-01\", \"since\": \"2020-01-01\"}')",
        rule: "expires => 'CASE WHEN (at).until IS NULL THEN (at).since ELSE (at).until END'",
        swap: "ALTER TYPE ends RENAME ATTRIBUTE until TO x; ALTER TYPE ends RENAME ATTRIBUTE since TO until; ALTER TYPE ends RENAME ATTRIBUTE x TO since",
        growth: "ALTER TYPE ends ADD ATTRIBUTE note text",
        is_told: true,
    },
    Case {
        name: "document",
        objects: "CREATE TYPE held AS (hold boolean, seen boolean); CREATE DOMAIN held_at AS held",
        columns: "at held_at",
        live: "row(true, false)::held",
        over: "row(false, false)::held",
        rule: "expires => 'expires_at', filter => $$NOT (to_jsonb(at) ->> 'hold')::boolean$$",
        swap: "ALTER TYPE held RENAME ATTRIBUTE hold TO x; ALTER TYPE held RENAME ATTRIBUTE seen TO hold; ALTER TYPE held RENAME ATTRIBUTE x TO seen",
        growth: "SELECT 1",
        is_told: true,
    },
    Case {
        name: "row",
        objects: "CREATE TYPE holds AS (hold boolean, seen boolean)",
        columns: "at holds",
        live: "row(true, false)::holds",
        over: "row(false, false)::holds",
        rule: "expires => 'expires_at', filter => $$NOT (to_jsonb(t_row) #>> '{at,hold}')::boolean$$",
        swap: "ALTER TYPE holds RENAME ATTRIBUTE hold TO x; ALTER TYPE holds RENAME ATTRIBUTE seen TO hold; ALTER TYPE holds RENAME ATTRIBUTE x TO seen",
        growth: "ALTER TABLE t_row ADD note text",
        is_told: true,
    },
    Case {
        name: "label",
        objects: "CREATE TYPE state AS ENUM ('open', 'closed')",
        columns: "state state",
        live: "'open'",
        over: "'closed'",
        rule: "expires => 'expires_at', filter => $$state = 'closed' AND state <> 'open'$$",
        swap: "ALTER TYPE state RENAME VALUE 'open' TO 'x'; ALTER TYPE state RENAME VALUE 'closed' TO 'open'; ALTER TYPE state RENAME VALUE 'x' TO 'closed'",
        growth: "ALTER TYPE state ADD VALUE 'new'",
        is_told: true,
    },
    Case {
        name: "text",
        objects: "CREATE TYPE mood AS ENUM ('open', 'closed')",
        columns: "state mood",
        live: "'open'",
        over: "'closed'",
        rule: "expires => 'expires_at', filter => $$state::text LIKE 'clo%'$$",
        swap: "ALTER TYPE mood RENAME VALUE 'open' TO 'x'; ALTER TYPE mood RENAME VALUE 'closed' TO 'open'; ALTER TYPE mood RENAME VALUE 'x' TO 'closed'",
        growth: "ALTER TYPE mood ADD VALUE 'new'",
        is_told: true,
    },
    Case {
        name: "composite",
        objects: "CREATE TYPE phase AS ENUM ('open', 'closed'); CREATE TYPE phases AS (phase phase)",
        columns: "state phases",
        live: "'(open)'",
        over: "'(closed)'",
        rule: "expires => 'expires_at', filter => $$state = '(closed)'::public.phases$$",
        swap: "ALTER TYPE phase RENAME VALUE 'open' TO 'x'; ALTER TYPE phase RENAME VALUE 'closed' TO 'open'; ALTER TYPE phase RENAME VALUE 'x' TO 'closed'",
        growth: "ALTER TYPE phase ADD VALUE 'new'",
        is_told: true,
    },
    Case {
        name: "range",
        objects: "CREATE TYPE step AS ENUM ('open', 'closed'); CREATE TYPE steps AS RANGE (subtype = step)",
        columns: "state step",
        live: "'open'",
        over: "'closed'",
        rule: "expires => 'expires_at', filter => $$state <@ '[closed,closed]'::public.steps$$",
        swap: "ALTER TYPE step RENAME VALUE 'open' TO 'x'; ALTER TYPE step RENAME VALUE 'closed' TO 'open'; ALTER TYPE step RENAME VALUE 'x' TO 'closed'",
        growth: "ALTER TYPE step ADD VALUE 'new'",
        is_told: true,
    },
    Case {
        name: "domain",
        objects: "CREATE DOMAIN short AS varchar(2); CREATE DOMAIN long AS varchar(3)",
        columns: "key text",
        live: "'abc'",
        over: "'xyz'",
        rule: "expires => 'expires_at', filter => $$key::public.long <> 'abc'$$",
        swap: "ALTER DOMAIN long RENAME TO x; ALTER DOMAIN short RENAME TO long; ALTER DOMAIN x RENAME TO short",
        growth: "ALTER DOMAIN short SET DEFAULT 'x'",
        is_told: true,
    },
    Case {
        name: "collation",
        objects: "CREATE COLLATION bytes FROM \"C\"; CREATE COLLATION words FROM \"und-x-icu\"",
        columns: "key text",
        live: "'a'",
        over: "'C'",
        rule: "expires => 'expires_at', filter => $$key < 'B' COLLATE public.words IS FALSE$$",
        swap: "ALTER COLLATION words RENAME TO x; ALTER COLLATION bytes RENAME TO words; ALTER COLLATION x RENAME TO bytes",
        growth: "SELECT 1",
        is_told: true,
    },
    Case {
        name: "configuration",
        objects: "CREATE TEXT SEARCH CONFIGURATION plain (COPY = pg_catalog.simple);
            CREATE TEXT SEARCH CONFIGURATION stemmed (COPY = pg_catalog.english)",
        columns: "note text",
        live: "'holding'",
        over: "'closed'",
        rule: "expires => 'expires_at', filter => $$NOT to_tsvector('public.stemmed', note) @@ 'hold'::tsquery$$",
        swap: "ALTER TEXT SEARCH CONFIGURATION stemmed RENAME TO x; ALTER TEXT SEARCH CONFIGURATION plain RENAME TO stemmed;
            ALTER TEXT SEARCH CONFIGURATION x RENAME TO plain",
        growth: "SELECT 1",
        is_told: false,
    },
];

impl Case {
    fn table(&self) -> String {
        format!("t_{}", self.name)
    }

    /// Makes the table and its policy.
    fn make(&self, session: &mut Session) {
        let (table, live) = (self.table(), self.live);
        session.run(&format!(
            "{}; CREATE TABLE {table} ({}, expires_at timestamp DEFAULT '2020-01-01');
             INSERT INTO {table} VALUES ({live})",
            self.objects, self.columns
        ));
        self.add_expired(session);
        session.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}', '1 s', {}, keep => '0', time_zone => 'UTC')",
            self.rule
        ));
    }

    fn wait_until_cleared(&self, session: &mut Session) {
        session.wait_for_count(&self.table(), 1);
    }

    fn swap(&self, session: &mut Session) {
        session.run(&format!("BEGIN; {}; COMMIT", self.swap));
    }

    fn add_expired(&self, session: &mut Session) {
        let (table, over) = (self.table(), self.over);
        session.run(&format!("INSERT INTO {table} VALUES ({over})"));
    }

    fn wait_for_refusal(&self, session: &mut Session, message: &str) {
        let table = self.table();
        session.wait_for_run(&format!(
            "\"table\" = '{table}'::regclass AND stop = 'failed' AND sqlstate = '55000' AND deleted = 0 AND error LIKE '{message}'"
        ));
        assert_eq!(session.count(&table), 1, "{}", self.name);
    }

    /// As [`Case::wait_for_refusal`], for the name that has come to mean something else.
    fn wait_for_another(&self, session: &mut Session) {
        let table = self.table();
        self.wait_for_refusal(
            session,
            &format!(
                "a% that the rule for table \"{table}\" names is not the one that it was when%"
            ),
        );
    }
}

#[test]
fn an_object_that_has_come_to_a_name_in_the_rule_is_not_gone_by_nor_in_a_copy() {
    let cluster = Cluster::with_worker("*", PATIENT);
    let mut session = cluster.database("app").connect();
    CASES.iter().for_each(|case| case.make(&mut session));
    for case in &CASES {
        case.wait_until_cleared(&mut session);
        case.swap(&mut session);
    }
    for case in &CASES {
        case.wait_for_another(&mut session);
    }
    let [mut dumped, mut copied] = cluster.copies(session);
    for case in &CASES {
        case.wait_for_another(&mut copied);
        case.wait_for_refusal(
            &mut dumped,
            "what the rule for % names had become something else before%",
        );
    }
}

/// Tables by their names as texts: those that rows are in, of which one may go. A policy cannot have them, as the texts are others to
/// the worker; a call goes by them from its first batch to its last.
#[test]
fn a_table_that_has_come_to_a_name_that_a_call_reads_as_a_text_is_not_gone_by() {
    let cluster = Cluster::with_worker("", &[]);
    let database = cluster.database("app");
    let (mut session, mut caller) = (database.connect(), database.connect());
    session.run(
        "CREATE TABLE parted (id integer, expires_at timestamp) PARTITION BY LIST (id);
         CREATE TABLE parted_kept PARTITION OF parted FOR VALUES IN (1);
         CREATE TABLE parted_gone PARTITION OF parted FOR VALUES IN (2);
         CREATE TABLE parted_old PARTITION OF parted FOR VALUES IN (3);
         INSERT INTO parted SELECT 2, '2020-01-01' FROM generate_series(1, 20000);
         INSERT INTO parted VALUES (1, '2020-01-01')",
    );
    caller
        .run("SET raw_clear_sessions.cost_delay = '100ms'; SET raw_clear_sessions.cost_limit = 10");
    let call = caller.start(
        "CALL raw_clear_sessions_in_batches('parted', expires => 'expires_at', time_zone => 'UTC', batch_size => 100,
             filter => $$tableoid::regclass::text NOT LIKE '%kept' AND tableoid::regclass <> 'pg_catalog.pg_class'::regclass$$)",
    );
    let mut left = 20_000;
    let mut wait_for_a_batch = |session: &mut Session| {
        let before = left;
        wait_until("a batch is over", || {
            left = session.count("parted_gone");
            left < before
        });
    };
    wait_for_a_batch(&mut session);
    session.run(
        "DROP TABLE parted_old; CREATE TABLE parted_new PARTITION OF parted FOR VALUES IN (4)",
    );
    for _ in 0..2 {
        wait_for_a_batch(&mut session);
    }
    session.run(
        "BEGIN; ALTER TABLE parted_kept RENAME TO x; ALTER TABLE parted_gone RENAME TO parted_kept; ALTER TABLE x RENAME TO parted_gone; COMMIT",
    );
    assert_eq!(sqlstate(call.finish().1), "55000");
    assert_eq!(session.count("parted_gone"), 1);
    assert!(session.count("parted_kept") > 0);
}

/// What is found in the copy says nothing of it: only that it was refused before does.
#[test]
fn what_was_refused_is_refused_in_a_copy_where_nothing_is_seen_of_it() {
    let cluster = Cluster::with_worker("*", PATIENT);
    let mut session = cluster.database("app").connect();
    let changes = [
        (
            "anew",
            "ALTER TABLE anew DROP expires_at, ADD expires_at timestamptz DEFAULT '2020-01-01'",
        ),
        (
            "archived",
            "CREATE TABLE archived_archive () INHERITS (archived); INSERT INTO archived_archive VALUES ('old', 'go', '2020-01-01')",
        ),
        (
            "labelled",
            "ALTER TYPE labelled_flag RENAME VALUE 'keep' TO 'kept'; ALTER TYPE labelled_flag ADD VALUE 'keep'",
        ),
    ];
    for (table, _) in changes {
        session.run(&format!(
            "CREATE TYPE {table}_flag AS ENUM ('go', 'keep');
             CREATE TABLE {table} (key text, flag {table}_flag DEFAULT 'go', expires_at timestamptz);
             INSERT INTO {table} VALUES ('live', 'go', '2199-01-01'), ('kept', 'keep', '2020-01-01'), ('over', 'go', '2020-01-01');
             SELECT raw_clear_sessions_schedule('{table}', '1 s', expires => 'expires_at', keep => '0', filter => $$flag <> 'keep'$$)"
        ));
    }
    let refused = |session: &mut Session, table: &str| {
        session.wait_for_run(&format!(
            "\"table\" = '{table}'::regclass AND stop = 'failed' AND sqlstate = '55000' AND deleted = 0"
        ));
        let rows = if table == "archived" { 3 } else { 2 };
        assert_eq!(session.count(table), rows, "{table}");
    };
    for (table, change) in changes {
        session.wait_for_count(table, 2);
        change.split("; ").for_each(|change| session.run(change));
        refused(&mut session, table);
    }
    for mut copy in cluster.copies(session) {
        changes
            .iter()
            .for_each(|(table, _)| refused(&mut copy, table));
    }
}

#[test]
fn a_rule_whose_names_mean_what_they_meant_is_gone_by_also_in_a_copy() {
    let cluster = Cluster::with_worker("*", PATIENT);
    let mut session = cluster.database("app").connect();
    CASES.iter().for_each(|case| case.make(&mut session));
    for case in &CASES {
        case.wait_until_cleared(&mut session);
        session.run(case.growth);
        case.add_expired(&mut session);
    }
    for case in &CASES {
        case.wait_until_cleared(&mut session);
    }
    for (number, mut copy) in cluster.copies(session).into_iter().enumerate() {
        let told = || CASES.iter().filter(|case| case.is_told);
        for case in CASES.iter().filter(|case| !case.is_told && number == 0) {
            case.wait_for_refusal(&mut copy, "cannot tell whether the objects that the rule%");
        }
        told().for_each(|case| case.add_expired(&mut copy));
        // From here on as where it was made.
        for case in told() {
            case.wait_until_cleared(&mut copy);
            case.swap(&mut copy);
        }
        told().for_each(|case| case.wait_for_another(&mut copy));
    }
}
