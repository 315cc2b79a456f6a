//! One call at the coordinator of a real Citus cluster clears the shards where they are.

use cluster::citus::{Nodes, assert_placements_agree, create, wait_for_nodes};
use cluster::{FAST, SLOW, SOON, Session, Shutdown, wait_until};
use std::sync::LazyLock;

static NODES: LazyLock<Nodes> = LazyLock::new(|| Nodes::with(&[]));

const CALL: &str = "CALL raw_clear_sessions_in_batches('sessions')";

fn call(session: &mut Session, statement: &str) -> i64 {
    let answer = session.ask(statement).expect("it is cleared");
    let value = answer.value.expect("the number of rows");
    value.parse().expect("a number")
}

fn expired(session: &mut Session, table: &str) -> i64 {
    session.count(&format!("{table} WHERE expire_date < now()"))
}

#[test]
fn the_procedure_waits_for_no_row_that_somebody_is_changing() {
    let database = NODES.database("locked_rows");
    let mut session = database.connect();
    for kind in ["hash", "tenant", "local"] {
        create(&mut session, kind, 1000, 10);
        let mut visitor = database.connect();
        visitor.run(&format!(
            "BEGIN; UPDATE {kind}.sessions SET expire_date = '2199-01-01' WHERE session_key = 'key2'"
        ));
        session.run("SET statement_timeout = '60 s'");
        assert_eq!(call(&mut session, CALL), 899, "{kind}");
        visitor.run("COMMIT");
        assert_eq!(session.count("sessions"), 101, "{kind}");
        assert_eq!(call(&mut session, CALL), 0, "{kind}");
    }
}

#[test]
fn limits_end_the_procedure() {
    let mut session = NODES.database("limits").connect();
    create(&mut session, "hash", 20_000, 10);
    let call_with = |limit| format!("CALL raw_clear_sessions_in_batches('sessions', {limit})");
    // Each shard finishes the block in which it reaches its part.
    let deleted = call(&mut session, &call_with("max_rows => 1000"));
    assert!((1000..2500).contains(&deleted), "{deleted}");
    let more = call(&mut session, &call_with("max_duration => '1 us'"));
    assert!((1..5000).contains(&more), "{more}");
    let rest = call(&mut session, CALL);
    assert_eq!(deleted + more + rest, 18_000);
    assert_eq!(session.count("sessions"), 2000);
}

#[test]
fn a_filter_an_expression_and_names_that_need_quotes_reach_the_shards() {
    let mut session = NODES.database("quotes").connect();
    session.run(
        r#"CREATE SCHEMA "it's";
           CREATE TABLE "it's"."Se""ss'ions" (key text PRIMARY KEY, "the 'end" bigint, note text);
           SELECT create_distributed_table('"it''s"."Se""ss''ions"', 'key', shard_count => 4);
           INSERT INTO "it's"."Se""ss'ions"
           SELECT i, extract(epoch FROM now())::bigint - 10 * i, CASE i % 4 WHEN 0 THEN 'it''s \' ELSE 'no' END
           FROM generate_series(1, 400) AS i"#,
    );
    let call_with = |rule: &str| {
        format!(r#"CALL raw_clear_sessions_in_batches('"it''s"."Se""ss''ions"', {rule})"#)
    };
    let rule = r#"expires => '"the ''end"', unit => 'seconds', keep => '1000 s', filter => 'note = ''it''''s \'''"#;
    let deleted = call(&mut session, &call_with(rule));
    assert_eq!(
        deleted, 75,
        "every fourth of those that are older than keep"
    );
    let rule =
        r#"expires => '"the ''end" + 1', unit => 'seconds', keep => '2000 s', filter => 'true'"#;
    assert_eq!(call(&mut session, &call_with(rule)), 150);
}

#[test]
fn the_partitions_of_a_distributed_table_are_cleared() {
    let mut session = NODES.database("partitions").connect();
    session.run(
        "CREATE TABLE sessions (session_key varchar(40), session_data text NOT NULL, expire_date timestamptz NOT NULL)
             PARTITION BY RANGE (expire_date);
         CREATE TABLE old PARTITION OF sessions FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
         CREATE TABLE older PARTITION OF sessions FOR VALUES FROM ('2019-01-01') TO ('2020-01-01');
         CREATE TABLE live PARTITION OF sessions FOR VALUES FROM ('2199-01-01') TO ('2200-01-01');
         SELECT create_distributed_table('sessions', 'session_key', shard_count => 4);
         INSERT INTO sessions SELECT 'key' || i, '', (ARRAY['2019-02-01', '2020-02-01', '2199-02-01'])[i % 3 + 1]::timestamptz
             FROM generate_series(1, 9000) AS i",
    );
    let limited = "CALL raw_clear_sessions_in_batches('sessions', expires => 'expire_date', max_duration => '1 us')";
    let first = call(&mut session, limited);
    assert!((1..6000).contains(&first), "{first}");
    let rest = "CALL raw_clear_sessions_in_batches('sessions', expires => 'expire_date')";
    assert_eq!(first + call(&mut session, rest), 6000);
    assert_eq!(session.count("sessions"), 3000);
}

#[test]
fn rows_that_cannot_be_deleted_are_told_of_and_the_others_go() {
    let mut session = NODES.database("left_out").connect();
    create(&mut session, "hash", 1000, 10);
    session.run(
        "CREATE TABLE visits (session_key varchar(40) REFERENCES sessions);
         SELECT create_distributed_table('visits', 'session_key', colocate_with => 'sessions');
         INSERT INTO visits VALUES ('key2'), ('key3')",
    );
    assert_eq!(session.refused(CALL), "55000");
    assert_eq!(expired(&mut session, "sessions"), 2);
    session.run("DELETE FROM visits");
    assert_eq!(call(&mut session, CALL), 2);
}

/// The row lies far into its shard, so that each slice before it goes well.
#[test]
fn a_child_row_that_somebody_changes_ends_the_clearing_of_its_shard_only() {
    let database = NODES.database("locked_child");
    let mut session = database.connect();
    create(&mut session, "hash", 20_000, 10);
    session.run(
        "CREATE TABLE visits (session_key varchar(40) REFERENCES sessions ON DELETE CASCADE);
         SELECT create_distributed_table('visits', 'session_key', colocate_with => 'sessions');
         INSERT INTO visits VALUES ('key19990')",
    );
    let mut visitor = database.connect();
    visitor.run("BEGIN; SELECT FROM hash.visits WHERE session_key = 'key19990' FOR UPDATE");
    session.run(
        "SET raw_clear_sessions.lock_timeout = '100 ms';
         SET raw_clear_sessions.cost_delay = '1 ms';
         SET raw_clear_sessions.cost_limit = 50;
         SET statement_timeout = '60 s'",
    );
    let error = session.try_run(CALL).expect_err("a row is locked");
    let error = error.as_db_error().expect("the server's error");
    assert_eq!(error.code().code(), "55000", "{error}");
    assert!(
        error.message().starts_with("could not clear 1 of 4 shards"),
        "{error}"
    );
    visitor.run("ROLLBACK");
    let left = session.number(
        "SELECT count(*) FILTER (WHERE success AND result::bigint > 0) FROM run_command_on_shards('sessions',
             'SELECT count(*) FROM %s WHERE expire_date < now()')",
    );
    assert_eq!(left, 1, "the other shards are cleared");
    let rest = expired(&mut session, "sessions");
    assert_eq!(call(&mut session, CALL), rest);
}

#[test]
fn whoever_may_delete_may_call_it_and_nobody_else() {
    let database = NODES.database("rights");
    let mut session = database.connect();
    create(&mut session, "hash", 1000, 10);
    session.run(
        "CREATE ROLE citus_janitor LOGIN; CREATE ROLE citus_reader LOGIN;
         GRANT USAGE ON SCHEMA hash TO citus_janitor, citus_reader;
         GRANT SELECT, DELETE ON hash.sessions TO citus_janitor; GRANT SELECT ON hash.sessions TO citus_reader",
    );
    let statement = "CALL raw_clear_sessions_in_batches('hash.sessions')";
    let mut reader = database.connect_as("citus_reader");
    assert_eq!(reader.refused(statement), "42501");
    assert_eq!(
        call(&mut database.connect_as("citus_janitor"), statement),
        900
    );
}

/// At unlimited pace four shards of a node would be cleared at the same time. The limit leaves room for a connection that
/// is about to end.
#[test]
fn a_node_that_takes_two_connections_has_its_shards_cleared_one_after_the_other() {
    let database = NODES.database("few_connections");
    let mut session = database.connect();
    session.run(
        "CREATE ROLE citus_few LOGIN CONNECTION LIMIT 2;
         CREATE TABLE sessions (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL);
         SELECT create_distributed_table('sessions', 'session_key', shard_count => 16);
         GRANT SELECT, DELETE ON sessions TO citus_few;
         INSERT INTO sessions SELECT i, '', '2020-01-01' FROM generate_series(1, 1600) AS i",
    );
    let mut few = database.connect_as("citus_few");
    few.run("SET raw_clear_sessions.cost_delay = 0");
    assert_eq!(call(&mut few, CALL), 1600);
}

#[test]
fn nodes_with_another_version_get_one_delete_and_the_caller_a_notice() {
    let nodes = Nodes::with(&[]);
    let database = nodes.database("app");
    let mut session = database.connect();
    create(&mut session, "hash", 1000, 10);
    nodes.workers[0]
        .connect_to("app")
        .run("UPDATE pg_extension SET extversion = '0' WHERE extname = 'raw_clear_sessions'");
    let told = nodes
        .coordinator
        .shell("psql -X -d app -c \"CALL raw_clear_sessions_in_batches('hash.sessions')\" 2>&1");
    assert!(told.contains("cannot be cleared one by one"), "{told}");
    assert!(told.contains("has version 0 of the extension"), "{told}");
    let warned = session.preview("sessions", "warnings").unwrap_or_default();
    assert!(
        warned.contains("has version 0 of the extension"),
        "{warned}"
    );
    assert_eq!(session.count("sessions"), 100);
    session.run("INSERT INTO sessions VALUES ('again', '', '2020-01-01')");
    nodes.workers[1]
        .connect_to("app")
        .run("SET citus.enable_ddl_propagation = off; DROP EXTENSION raw_clear_sessions");
    assert_eq!(call(&mut session, CALL), 1);
}

#[test]
fn a_node_that_is_down_does_not_stop_the_others() {
    let mut nodes = Nodes::with(&[]);
    let mut session = nodes.database("app").connect();
    create(&mut session, "hash", 1000, 10);
    let there = "SELECT sum(result::bigint)::bigint FROM run_command_on_shards('sessions', 'SELECT count(*) FROM %s')
         WHERE success";
    let all = session.number(there);
    assert_eq!(all, 1000);
    nodes.workers[1].stop(Shutdown::Immediate);
    let others = session.number(there);
    assert!(others < all, "no shard is on the node: nothing is tested");
    let error = session.try_run(CALL).expect_err("a node is down");
    let error = error.as_db_error().expect("the server's error");
    assert_eq!(error.code().code(), "55000");
    let folder = nodes.workers[1].folder().display().to_string();
    assert!(error.message().contains(&folder), "{error}");
    let left = session.number(&format!("{there} AND result::bigint > 0"));
    nodes.workers[1].start();
    wait_for_nodes(&mut session);
    let down = all - others;
    assert_eq!(session.count("sessions"), down + left);
    assert!(left < others / 5, "the other shards are cleared: {left}");
    let rest = expired(&mut session, "sessions");
    assert_eq!(call(&mut session, CALL), rest);
    assert_eq!(session.count("sessions"), 100);
}

/// Citus says no more than that it has failed to connect.
#[test]
fn the_error_says_why_a_node_could_not_be_connected_to() {
    let mut nodes = Nodes::with(&[]);
    let mut session = nodes.database("app").connect();
    create(&mut session, "hash", 1000, 10);
    // Citus keeps a session's connections, and would be answered on those.
    let mut session = nodes.coordinator.connect_to("app");
    nodes.workers[0]
        .connect_to("postgres")
        .run("ALTER DATABASE app ALLOW_CONNECTIONS false");
    nodes.workers[1].stop(Shutdown::Immediate);
    let error = session
        .try_run("CALL raw_clear_sessions_in_batches('hash.sessions')")
        .expect_err("two nodes are down");
    let error = error.as_db_error().expect("the server's error");
    let detail = error.detail().expect("what is wrong with each");
    for (node, reason) in nodes.workers.iter().zip([
        "database \"app\" is not currently accepting connections",
        "Is the server running locally and accepting connections on that socket?",
    ]) {
        let node = format!("failed to connect to {}:5432: ", node.folder().display());
        let mut lines = detail.lines();
        let told = lines.any(|line| line.contains(&node) && line.contains(reason));
        assert!(told, "{reason}: {detail}");
    }
    nodes
        .coordinator
        .reload(&[("raw_clear_sessions.databases", "app"), SOON]);
    session.run("SELECT raw_clear_sessions_schedule('hash.sessions')");
    session.wait_for_run(
        "sqlstate = '55000' AND details ->> 'detail' LIKE '%not currently accepting connections%'",
    );
    let status =
        "SELECT last_error LIKE '%failed to connect to %: %' FROM raw_clear_sessions.status";
    assert!(session.yes(status));
    session.run("SET citus.enable_create_role_propagation = off");
    session.run("CREATE ROLE citus_other LOGIN; SET ROLE citus_other");
    let seen = "SELECT count(*) FROM raw_clear_sessions.run WHERE error IS NOT NULL";
    assert_eq!(
        session.number(seen),
        0,
        "whose table it is not sees nothing of it"
    );
}

#[test]
fn a_node_that_goes_down_meanwhile_does_not_stop_the_others_nor_the_next_run() {
    let mut nodes = Nodes::with(&[("raw_clear_sessions.databases", "app")]);
    let mut session = nodes.database("app").connect();
    create(&mut session, "hash", 20_000, 10);
    nodes.coordinator.reload(&SLOW);
    session.run("SELECT raw_clear_sessions_schedule('sessions', '1 s')");
    let progress = "SELECT count(*) FROM raw_clear_sessions.progress WHERE phase = 'clearing shards' AND deleted > 0";
    wait_until("the run is busy", || session.number(progress) == 1);
    nodes.workers[1].stop(Shutdown::Immediate);
    nodes.coordinator.reload(&FAST);
    session.wait_for_run("sqlstate = '55000' AND error LIKE 'could not clear%' AND deleted > 0");
    nodes.workers[1].start();
    wait_for_nodes(&mut session);
    session.run("SELECT raw_clear_sessions_run_now('sessions')");
    session.wait_for_run("stop = 'done'");
    assert_eq!(expired(&mut session, "sessions"), 0);
    assert_eq!(session.count("sessions"), 2000);
}

/// Begins a run by the worker that takes longer than any test, ends it, and expects that reason.
fn stopped_by(name: &str, stop: &str, end: impl FnOnce(&mut Session, &Nodes)) {
    let nodes = Nodes::with(&[]);
    let mut session = nodes.database(name).connect();
    create(&mut session, "hash", 20_000, 10);
    nodes.coordinator.reload(&SLOW);
    nodes
        .coordinator
        .reload(&[("raw_clear_sessions.databases", name), SOON]);
    session.run("SELECT raw_clear_sessions_schedule('sessions')");
    let progress = "SELECT count(*) FROM raw_clear_sessions.progress WHERE phase = 'clearing shards' AND deleted > 0";
    wait_until("the run is busy", || session.number(progress) == 1);
    end(&mut session, &nodes);
    session.wait_for_run(&format!("stop = '{stop}'"));
    assert!(expired(&mut session, "sessions") > 0);
}

#[test]
fn pausing_ends_a_run_on_shards() {
    stopped_by("pausing", "paused", |_, nodes| {
        nodes
            .coordinator
            .reload(&[("raw_clear_sessions.paused", "on")]);
    });
}

#[test]
fn unscheduling_ends_a_run_on_shards() {
    stopped_by("unscheduling", "unscheduled", |session, _| {
        session.run("SELECT raw_clear_sessions_unschedule('sessions')");
    });
}

#[test]
fn a_shard_that_moves_during_a_run_is_cleared_where_it_goes() {
    let nodes = Nodes::with(&[]);
    let mut session = nodes.database("app").connect();
    create(&mut session, "hash", 20_000, 10);
    nodes.coordinator.reload(&SLOW);
    nodes
        .coordinator
        .reload(&[("raw_clear_sessions.databases", "app")]);
    session.run("SELECT raw_clear_sessions_schedule('sessions', '1 day')");
    session.run("SELECT raw_clear_sessions_run_now('sessions')");
    wait_until("the run is busy", || {
        expired(&mut session, "sessions") < 18_000
    });
    let [from, to] =
        [&nodes.workers[0], &nodes.workers[1]].map(|node| node.folder().display().to_string());
    let shards = session.texts(&format!(
        "SELECT shardid::text FROM citus_shards WHERE table_name = 'hash.sessions'::regclass AND nodename = '{from}'"
    ));
    assert!(!shards.is_empty());
    for shard in &shards {
        session.run(&format!(
            "SELECT citus_move_shard_placement({shard}, '{from}', 5432, '{to}', 5432, 'force_logical')"
        ));
    }
    assert!(
        expired(&mut session, "sessions") > 0,
        "it was over before: nothing is tested"
    );
    nodes.coordinator.reload(&FAST);
    session.wait_for_run("stop = 'done' AND error IS NULL AND deleted > 0");
    assert_eq!(session.runs("deleted > 0"), 1, "one run has done it all");
    assert_eq!(expired(&mut session, "sessions"), 0);
    assert_eq!(session.count("sessions"), 2000);
    assert_placements_agree(&mut session, "sessions");
}

#[test]
fn a_run_on_shards_takes_turns_with_another_table_and_stays_one_run() {
    let nodes = Nodes::with(&[]);
    let mut session = nodes.database("app").connect();
    create(&mut session, "hash", 20_000, 10);
    cluster::create_sessions(&mut session, "small", 10, 10);
    nodes.coordinator.reload(&[
        ("raw_clear_sessions.batch_size", "10"),
        ("raw_clear_sessions.cost_delay", "1"),
        ("raw_clear_sessions.cost_limit", "10"),
        ("raw_clear_sessions.databases", "app"),
    ]);
    session.run(
        "SELECT raw_clear_sessions_schedule('sessions', '1 h'), raw_clear_sessions_schedule('small', '1 s')",
    );
    let progress = "SELECT coalesce(max(blocks_done), 0)::bigint FROM raw_clear_sessions.progress
         WHERE \"table\" = 'sessions'::regclass AND waiting = 'cost delay'";
    let mut done = 0;
    for _ in 0..3 {
        cluster::add_expired(&mut session, "small", 1);
        wait_until("the small table has had its turn", || {
            session.count("small") == 1
        });
        wait_until("the large one goes on", || {
            let now = session.number(progress);
            assert!(now == 0 || now >= done, "{now} blocks after {done}");
            done = done.max(now);
            now > 0
        });
    }
    assert_eq!(
        session.runs("\"table\" = 'sessions'::regclass AND ended IS NULL"),
        1
    );
    nodes.coordinator.reload(&FAST);
    session.wait_for_run("\"table\" = 'sessions'::regclass AND stop = 'done' AND deleted = 18000");
    assert_eq!(session.count("sessions"), 2000);
}
