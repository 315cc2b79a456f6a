//! With the real Citus, where the PostgreSQL that is tested has it.

use cluster::citus::{KINDS, Nodes, assert_placements_agree, create, wait_for_nodes};
use cluster::{Database, Page, SOON, Session, Shutdown, wait_until};
use std::sync::LazyLock;

static NODES: LazyLock<Nodes> = LazyLock::new(|| Nodes::with(&[]));

/// Asserts that of the table of a kind, filled by `create(…, 1000, 10)`, exactly what lives is left, everywhere.
fn assert_cleared(session: &mut Session, kind: &str) {
    let table = format!("{kind}.sessions");
    assert_eq!(session.count(&table), 100, "{kind}");
    let live = session.count(&format!("{table} WHERE expire_date > now()"));
    assert_eq!(live, 100, "{kind}");
    assert_placements_agree(session, &table);
}

#[test]
fn the_catalogs_are_those_that_the_other_tests_imitate() {
    let mut session = NODES.database("catalogs").connect();
    let columns = session.text(
        "SELECT string_agg(attname || ' ' || atttypid::regtype, ', ' ORDER BY attnum) FROM pg_attribute
         WHERE attrelid = 'pg_catalog.pg_dist_partition'::regclass AND attnum > 0 AND NOT attisdropped",
    );
    assert!(columns.starts_with("logicalrelid regclass, "), "{columns}");
    assert!(columns.contains("repmodel \"char\""), "{columns}");
    assert!(
        session
            .yes("SELECT has_table_privilege('public', 'pg_catalog.pg_dist_partition', 'SELECT')")
    );
}

#[test]
fn a_table_that_is_not_citus_own_is_cleared_raw_where_citus_is() {
    let mut session = NODES.database("ordinary").connect();
    cluster::create_sessions(&mut session, "django_session", 1000, 10);
    assert_eq!(
        session.preview("django_session", "engine").as_deref(),
        Some("raw")
    );
    assert_eq!(session.clear("django_session"), 900);
}

#[test]
fn the_function_leaves_what_delete_leaves_of_every_kind_of_table() {
    let mut session = NODES.database("function").connect();
    for (kind, _) in KINDS {
        create(&mut session, kind, 1000, 10);
        assert_eq!(
            session.preview("sessions", "engine").as_deref(),
            Some("sql"),
            "{kind}"
        );
        let why = session.preview("sessions", "why");
        assert_eq!(
            why.as_deref(),
            Some("the table is managed by the extension citus"),
            "{kind}"
        );
        assert_eq!(session.clear("sessions"), 900, "{kind}");
        assert_cleared(&mut session, kind);
    }
}

#[test]
fn the_procedure_leaves_what_delete_leaves_of_every_kind_of_table() {
    let mut session = NODES.database("procedure").connect();
    for (kind, _) in KINDS {
        create(&mut session, kind, 1000, 10);
        let answer = session.ask("CALL raw_clear_sessions_in_batches('sessions')");
        assert_eq!(
            answer.expect("it is cleared").value.as_deref(),
            Some("900"),
            "{kind}"
        );
        assert_cleared(&mut session, kind);
    }
}

#[test]
fn the_worker_leaves_what_delete_leaves_of_every_kind_of_table() {
    let nodes = Nodes::with(&[]);
    let mut session = nodes.database("app").connect();
    for (kind, _) in KINDS {
        create(&mut session, kind, 1000, 10);
        session.run("SELECT raw_clear_sessions_schedule('sessions')");
    }
    nodes
        .coordinator
        .reload(&[("raw_clear_sessions.databases", "app"), SOON]);
    for (kind, _) in KINDS {
        session.wait_for_run(&format!(
            "\"table\" = '{kind}.sessions'::regclass AND stop = 'done' AND deleted = 900"
        ));
        assert_cleared(&mut session, kind);
    }
    assert_eq!(session.runs("error IS NOT NULL"), 0);
}

/// Citus hides shards from scans of pg_class; the policy is neither an orphan nor missing in the status.
#[test]
fn a_policy_on_a_shard_stays_and_the_nodes_own_worker_clears_it_raw() {
    let nodes = Nodes::with(&[]);
    let mut session = nodes.database("app").connect();
    create(&mut session, "hash", 1000, 10);
    let worker = &nodes.workers[0];
    let mut there = worker.connect_to("app");
    let shard = there.text(
        "SELECT shard_name(logicalrelid, shardid) FROM pg_dist_shard
         JOIN pg_dist_placement USING (shardid) JOIN pg_dist_local_group USING (groupid) ORDER BY shardid LIMIT 1",
    );
    let hidden = format!("pg_class WHERE oid = '{shard}'::regclass");
    assert_eq!(
        there.count(&hidden),
        0,
        "the shard is not hidden: nothing is tested"
    );
    there.run(&format!("SELECT raw_clear_sessions_schedule('{shard}')"));
    worker.reload(&[("raw_clear_sessions.databases", "app"), SOON]);
    there.wait_for_run("stop = 'done' AND deleted > 0");
    let expired = format!("{shard} WHERE expire_date < now()");
    assert_eq!(there.count(&expired), 0);
    assert_eq!(there.count("raw_clear_sessions.policy"), 1);
    let status = format!(
        "raw_clear_sessions.status WHERE \"table\" = '{shard}'::regclass AND last_stop = 'done'"
    );
    wait_until("the status shows it", || there.count(&status) == 1);
    there.run(&format!("SELECT raw_clear_sessions_unschedule('{shard}')"));
}

#[test]
fn shard_by_shard_the_raw_engine_clears_a_streamed_table() {
    let mut session = NODES.database("shards").connect();
    for kind in ["hash", "tenant"] {
        create(&mut session, kind, 1000, 10);
        let by_streaming = "SELECT repmodel = 's' FROM pg_dist_partition WHERE logicalrelid = 'sessions'::regclass";
        assert!(session.yes(by_streaming), "{kind}");
        let deleted = session.number(
            "SELECT sum(result::bigint)::bigint
             FROM run_command_on_shards('sessions', $$CALL raw_clear_sessions_in_batches($q$%s$q$)$$) WHERE success",
        );
        assert_eq!(deleted, 900, "{kind}");
        assert_cleared(&mut session, kind);
    }
}

/// Why the recipe is for streamed tables only: the command runs on one placement of each shard.
#[test]
fn reference_tables_and_replicas_would_diverge_shard_by_shard() {
    let mut session = NODES.database("diverging").connect();
    for (kind, repmodel) in [("reference", "t"), ("replicated", "c")] {
        create(&mut session, kind, 1000, 10);
        let found = session.text("SELECT repmodel::text FROM pg_dist_partition WHERE logicalrelid = 'sessions'::regclass");
        assert_eq!(found, repmodel);
        let shards =
            session.number("SELECT count(*) FROM run_command_on_shards('sessions', 'SELECT 1')");
        let placements = session
            .number("SELECT count(*) FROM run_command_on_placements('sessions', 'SELECT 1')");
        assert!(
            placements > shards,
            "{kind}: {placements} placements of {shards} shards"
        );
    }
}

#[test]
fn a_node_that_is_down_fails_the_call_and_the_next_one_finishes() {
    let mut nodes = Nodes::with(&[]);
    let mut session = nodes.database("app").connect();
    create(&mut session, "hash", 1000, 10);
    nodes.workers[1].stop(Shutdown::Immediate);
    let refused = session.refused("SELECT raw_clear_sessions('sessions')");
    assert!(refused.starts_with("08") || refused == "57P01", "{refused}");
    nodes.workers[1].start();
    wait_for_nodes(&mut session);
    assert_eq!(session.count("sessions"), 1000, "nothing is half done");
    assert_eq!(session.clear("sessions"), 900);
    assert_cleared(&mut session, "hash");
}

#[test]
fn renewals_during_the_clearing_lose_no_session() {
    let database = NODES.database("renewals");
    let mut session = database.connect();
    create(&mut session, "hash", 20_000, 10);
    let mut visitor = database.connect();
    visitor.run("SET search_path = hash, public");
    let clearing = {
        let mut other = database.connect();
        other.run("SET search_path = hash, public");
        other.start("CALL raw_clear_sessions_in_batches('sessions')")
    };
    let renew =
        visitor.prepare("UPDATE sessions SET expire_date = '2199-01-01' WHERE session_key = $1");
    let mut renewed = Vec::new();
    for i in (0..20_000).step_by(37) {
        let key = format!("key{i}");
        if visitor
            .try_change(&renew, &[&key])
            .expect("a renewal succeeds")
            == 1
        {
            renewed.push(key);
        }
    }
    clearing.value();
    assert!(
        !renewed.is_empty(),
        "the clearing was over before: nothing is tested"
    );
    for key in renewed {
        assert_eq!(
            session.count(&format!("sessions WHERE session_key = '{key}'")),
            1,
            "{key} was renewed"
        );
    }
    assert_eq!(session.count("sessions WHERE expire_date < now()"), 0);
}

#[test]
fn a_shard_that_moves_meanwhile_is_cleared_where_it_is() {
    let nodes = Nodes::with(&[]);
    let database = nodes.database("app");
    let mut session = database.connect();
    create(&mut session, "hash", 20_000, 10);
    let [from, to] =
        [&nodes.workers[0], &nodes.workers[1]].map(|node| node.folder().display().to_string());
    let shard = session.number(&format!(
        "SELECT min(shardid) FROM citus_shards WHERE table_name = 'hash.sessions'::regclass AND nodename = '{from}'"
    ));
    let moving = database.connect().start(&format!(
        "SELECT citus_move_shard_placement({shard}, '{from}', 5432, '{to}', 5432, 'force_logical')"
    ));
    let mut deleted = 0;
    while !moving.is_finished() {
        deleted += session.number("SELECT raw_clear_sessions('hash.sessions')");
    }
    moving.value();
    deleted += session.clear("hash.sessions");
    assert_eq!(deleted, 18_000);
    assert_eq!(
        session.count("hash.sessions WHERE expire_date > now()"),
        2000
    );
}

/// Citus' columnar storage itself refuses to delete.
#[test]
fn a_columnar_table_is_refused() {
    let mut session = NODES.database("columnar").connect();
    session.run("CREATE EXTENSION IF NOT EXISTS citus_columnar");
    session.run("CREATE TABLE django_session (session_key text, session_data text, expire_date timestamptz) USING columnar");
    session.run("INSERT INTO django_session VALUES ('a', '', '2020-01-01')");
    for call in [
        "SELECT raw_clear_sessions('django_session')",
        "SELECT raw_clear_sessions_preview('django_session')",
        "CALL raw_clear_sessions_in_batches('django_session')",
        "SELECT raw_clear_sessions_schedule('django_session')",
    ] {
        let error = session.try_run(call).expect_err("it cannot delete");
        let error = error.as_db_error().expect("the server's error");
        assert_eq!(error.code().code(), "0A000", "{call}");
        let message = "cannot delete from columnar table \"django_session\"";
        assert_eq!(error.message(), message, "{call}");
    }
    assert_eq!(session.count("django_session"), 1);
    let note = session.text(
        "SELECT note FROM raw_clear_sessions_find() WHERE \"table\" = 'public.django_session'",
    );
    assert_eq!(
        note,
        "0A000: cannot delete from columnar table \"django_session\""
    );
}

/// One statement may take long: who looks sees that it is at it.
#[test]
fn the_progress_tells_that_one_delete_is_under_way() {
    let database = NODES.database("progress");
    let mut session = database.connect();
    for (kind, call) in [
        ("hash", "SELECT raw_clear_sessions('hash.sessions')"),
        (
            "reference",
            "CALL raw_clear_sessions_in_batches('reference.sessions')",
        ),
    ] {
        create(&mut session, kind, 1000, 10);
        let mut visitor = with_a_locked_row(&database, kind);
        let mut other = database.connect();
        other.run("SET raw_clear_sessions.lock_timeout = '50 s'");
        let clearing = other.start(call);
        let progress = format!(
            "raw_clear_sessions.progress WHERE pid = {} AND phase = 'deleting by SQL' AND \"table\" = '{kind}.sessions'::regclass",
            clearing.pid()
        );
        wait_until("the phase is told", || session.count(&progress) == 1);
        visitor.run("ROLLBACK");
        assert_eq!(clearing.value(), "900", "{kind}");
    }
}

/// Begins a transaction that has changed an expired row of the table of that kind.
fn with_a_locked_row(database: &Database<'_>, kind: &str) -> Session {
    let mut visitor = database.connect();
    visitor.run(&format!(
        "BEGIN; UPDATE {kind}.sessions SET expire_date = '2199-01-01' WHERE session_key = 'key2'"
    ));
    visitor
}

/// Whoever waits waits for ever: the row's lock is on a node, and is given back after the call only.
#[test]
fn one_delete_waits_for_locks_on_the_nodes_no_longer_than_lock_timeout() {
    let database = NODES.database("lock_timeout");
    let mut session = database.connect();
    for kind in ["hash", "replicated", "reference", "tenant"] {
        create(&mut session, kind, 1000, 10);
        let mut visitor = with_a_locked_row(&database, kind);
        session.run("SET lock_timeout = '300 ms'; SET statement_timeout = '60 s'");
        let refused = session.refused("SELECT raw_clear_sessions('sessions')");
        assert_eq!(refused, "55P03", "{kind}");
        visitor.run("ROLLBACK");
        assert_eq!(session.clear("sessions"), 900, "{kind}");
    }
}

#[test]
fn tables_with_replicas_are_cleared_in_batches() {
    let mut session = NODES.database("replicas").connect();
    for kind in ["replicated", "reference"] {
        create(&mut session, kind, 3000, 10);
        let limited =
            "CALL raw_clear_sessions_in_batches('sessions', batch_size => 100, max_rows => 250)";
        let answer = session.ask(limited).expect("it is cleared");
        assert_eq!(answer.value.as_deref(), Some("250"), "{kind}");
        assert_placements_agree(&mut session, "sessions");
        session.run("SET raw_clear_sessions.cost_delay = 0");
        let answer =
            session.ask("CALL raw_clear_sessions_in_batches('sessions', batch_size => 100)");
        let rest = answer.expect("it is cleared").value;
        assert_eq!(rest.as_deref(), Some("2450"), "{kind}");
        assert_eq!(session.count("sessions"), 300, "{kind}");
        assert_placements_agree(&mut session, "sessions");
    }
}

#[test]
fn rows_of_tables_with_replicas_that_cannot_be_deleted_are_left_out_and_the_others_go() {
    let mut session = NODES.database("replicas_left_out").connect();
    create(&mut session, "reference", 3000, 10);
    session.run(
        "CREATE TABLE visits (id integer PRIMARY KEY, session_key varchar(40) REFERENCES sessions);
         SELECT create_distributed_table('visits', 'id');
         INSERT INTO visits VALUES (1, 'key2'), (2, 'key1500')",
    );
    let call = "CALL raw_clear_sessions_in_batches('sessions')";
    assert_eq!(session.refused(call), "23503");
    assert_eq!(session.count("sessions WHERE expire_date < now()"), 2);
    assert_placements_agree(&mut session, "sessions");

    create(&mut session, "replicated", 3000, 10);
    for statement in [
        "SET citus.enable_unsafe_triggers = on",
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER keep BEFORE DELETE ON sessions FOR EACH ROW WHEN (OLD.session_key LIKE 'key22%')
             EXECUTE FUNCTION keep()",
    ] {
        session.run(statement);
    }
    assert_eq!(session.refused(call), "27000");
    assert_eq!(session.count("sessions WHERE expire_date < now()"), 100);
    assert_placements_agree(&mut session, "sessions");
}

/// What comes next in the order of one is not what comes next in the order of the other.
#[test]
fn shards_with_replicas_are_cleared_though_the_nodes_sort_in_another_way() {
    let nodes = Nodes::with(&[]);
    let icu = "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'";
    let mut session = nodes.database_with("app", icu).connect();
    create(&mut session, "replicated", 10, 10);
    session.run(
        "INSERT INTO sessions SELECT left(encode(sha256(i::text::bytea), 'base64'), 40), '', '2020-01-01'
             FROM generate_series(1, 3000) AS i",
    );
    let first = "SELECT min(session_key) = 'A' FROM (VALUES ('A'), ('a')) AS k (session_key)";
    let there = format!("SELECT bool_or(result = 't') FROM run_command_on_workers($${first}$$)");
    assert!(session.yes(first) && !session.yes(&there), "all sort alike");
    let answer = session.ask("CALL raw_clear_sessions_in_batches('sessions')");
    assert_eq!(
        answer.expect("it is cleared").value.as_deref(),
        Some("3009")
    );
    assert_eq!(session.count("sessions"), 1);
}

/// Each row has the same instant: what goes by that alone could delete other rows from each placement.
#[test]
fn renewals_during_batches_leave_all_replicas_the_same() {
    let database = NODES.database("replicas_renewals");
    let mut session = database.connect();
    for kind in ["replicated", "reference"] {
        create(&mut session, kind, 3000, 10);
        let clearing = {
            let mut other = database.connect();
            other.run(&format!("SET search_path = {kind}, public"));
            other.start("CALL raw_clear_sessions_in_batches('sessions', batch_size => 20)")
        };
        let renew = session
            .prepare("UPDATE sessions SET expire_date = '2199-01-01' WHERE session_key = $1");
        let mut renewed = 0;
        for i in (0..3000).rev().step_by(37) {
            let changed = session.try_change(&renew, &[&format!("key{i}")]);
            renewed += changed.expect("a renewal succeeds");
        }
        clearing.value();
        let live = session.count("sessions WHERE expire_date > now()");
        assert_eq!(session.count("sessions"), live, "{kind}");
        assert!(renewed > 9, "{kind}: nothing was renewed in time");
        assert!(
            live >= 300 && live <= 300 + renewed as i64,
            "{kind}: {live}"
        );
        assert_placements_agree(&mut session, "sessions");
    }
}

#[test]
fn the_preview_tells_what_is_in_the_shards() {
    let mut session = NODES.database("preview").connect();
    for (kind, _) in KINDS {
        create(&mut session, kind, 50_000, 10);
        let mut number = |field: &str| -> i64 {
            let value = session.preview("sessions", field).expect("a number");
            value.parse().expect("a number")
        };
        // Each sample is another one: of some hundred blocks, and the density of rows is the same in all.
        let (expired, total) = (number("expired_rows"), number("total_rows"));
        assert!((30_000..60_000).contains(&expired), "{kind}: {expired}");
        assert!((35_000..70_000).contains(&total), "{kind}: {total}");
        let bytes = number("table_bytes");
        assert!((2_000_000..6_000_000).contains(&bytes), "{kind}: {bytes}");
        let advice = session.preview("sessions", "advice");
        assert_eq!(
            advice.as_deref(),
            Some("raw_clear_sessions_in_batches"),
            "{kind}"
        );
        let found = session.number(&format!(
            "SELECT bytes FROM raw_clear_sessions_find() WHERE \"table\" = '{kind}.sessions'"
        ));
        assert_eq!(found, bytes, "{kind}");
    }
}

/// Where shards are on the node that is asked, Citus reads them there, and then refuses to do other things in the same
/// transaction.
#[test]
fn two_tables_are_looked_at_in_one_transaction_where_shards_are_on_the_coordinator() {
    let nodes = Nodes::with(&[]);
    let mut session = nodes.database("app").connect();
    session.run(&format!(
        "SELECT citus_set_node_property('{}', 5432, 'shouldhaveshards', true)",
        nodes.coordinator.folder().display()
    ));
    for kind in ["hash", "reference"] {
        create(&mut session, kind, 1000, 10);
    }
    session.run(
        "SET search_path = public; CREATE TABLE visits (id bigint PRIMARY KEY, expires bigint NOT NULL);
         SELECT create_distributed_table('visits', 'id', shard_count => 6);
         INSERT INTO visits SELECT i, 1600000000 + i FROM generate_series(1, 100) AS i",
    );
    let here = "SELECT count(*) FROM citus_shards JOIN pg_dist_node USING (nodename, nodeport)
         WHERE groupid = 0 AND table_name IN ('hash.sessions'::regclass, 'visits'::regclass)";
    assert!(session.number(here) > 1, "nothing is tested");
    let previews = |table: &str| {
        format!(
            "raw_clear_sessions_preview('{table}', expires => 'expires', unit => 'seconds', exact => true) ->> 'expired_rows'"
        )
    };
    let of_sessions =
        "raw_clear_sessions_preview('hash.sessions', exact => true) ->> 'expired_rows'";
    let both = format!(
        "SELECT concat_ws(' ', {}, {of_sessions}, {of_sessions})",
        previews("visits")
    );
    assert_eq!(session.text(&both), "100 900 900");
    let found = session.texts(
        "SELECT format('%s %s', \"table\", note) FROM raw_clear_sessions_find() WHERE expired_rows = 900 ORDER BY 1",
    );
    assert_eq!(found, ["hash.sessions ", "reference.sessions "]);
    session.run("BEGIN");
    assert_eq!(session.text(&both), "100 900 900");
    assert_eq!(session.clear("hash.sessions"), 900);
    let of_visits = "SELECT raw_clear_sessions('visits', expires => 'expires', unit => 'seconds')";
    assert_eq!(session.number(of_visits), 100);
    session.run("COMMIT");
    assert_eq!(session.count("hash.sessions"), 100);
}

#[test]
fn each_call_of_the_page_does_what_it_says() {
    let mut session = NODES.database("page").connect();
    session.run(
        "CREATE TABLE django_session (
             session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
         SELECT create_distributed_table('django_session', 'session_key', shard_count => 2)",
    );
    let mut ask = |statement: &str| {
        session.run("INSERT INTO django_session SELECT 'key' || i, '', '2020-01-01' FROM generate_series(1, 90) AS i ON CONFLICT DO NOTHING");
        let answer = NODES.coordinator.psql("page", statement);
        (answer.trim().to_owned(), session.count("django_session"))
    };
    let page = Page::named("sharding").blocks_of("sql");
    let [procedure, kind, whole, shards, ..] = &page[..] else {
        panic!("the page has other blocks: {page:?}");
    };
    let cleared = ("90".to_owned(), 0);
    assert_eq!(ask(&procedure.text), cleared);
    assert_eq!(ask(&kind.text), ("s".to_owned(), 90));
    assert_eq!(ask(&whole.text), cleared);
    let (answer, left) = ask(&shards.text);
    let rows: Vec<Vec<&str>> = answer
        .lines()
        .map(|line| line.split('|').collect())
        .collect();
    let [[_, "t", one], [_, "t", other]] = [&rows[0][..], &rows[1][..]] else {
        panic!("{answer}");
    };
    let number = |text: &str| text.parse::<i64>().expect("a number");
    assert_eq!((number(one) + number(other), left), (90, 0));
}
