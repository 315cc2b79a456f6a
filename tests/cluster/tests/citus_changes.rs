//! What may change of a real Citus cluster, and of its tables, while they are cleared.

use cluster::citus::{Nodes, assert_placements_agree, create, wait_for_nodes};
use cluster::{Database, SOON, Session, Shutdown, wait_until};

const DJANGO: &str = "hash.sessions";

/// Starts the procedure on `hash.sessions`, so slowly that it does not end by itself, and returns when it has deleted some.
fn start_slowly(database: &Database<'_>) -> cluster::Running {
    let mut session = database.connect();
    session.run("SET raw_clear_sessions.cost_delay = 100; SET raw_clear_sessions.cost_limit = 100");
    let running = session.start("CALL raw_clear_sessions_in_batches('hash.sessions')");
    let mut observer = database.connect();
    let progress = format!(
        "raw_clear_sessions.progress WHERE pid = {} AND phase = 'clearing shards' AND deleted > 0",
        running.pid()
    );
    wait_until("it has deleted some", || observer.count(&progress) == 1);
    running
}

fn assert_cleared(session: &mut Session, live: i64) {
    assert_eq!(session.count(DJANGO), live);
    assert_eq!(
        session.count(&format!("{DJANGO} WHERE expire_date < now()")),
        0
    );
    assert_placements_agree(session, DJANGO);
}

/// Adds an expired row, and waits until the worker has cleared it by the one policy that there is, on the table that has the
/// name now.
fn assert_cleared_by_policy(session: &mut Session, table: &str, after: &str) {
    let policy = format!(
        "raw_clear_sessions.policy WHERE \"table\" = '{table}'::regclass AND batch_size = 77"
    );
    wait_until("the policy is the table's", || session.count(&policy) == 1);
    session.run(&format!(
        "INSERT INTO {table} VALUES ('old', '', '2020-01-01')"
    ));
    wait_until("it is carried out", || {
        session.count(&format!("{table} WHERE expire_date < now()")) == 0
    });
    assert_eq!(session.count("raw_clear_sessions.policy"), 1, "{after}");
    assert_eq!(session.count(table), 10, "{after}");
    assert_placements_agree_if_any(session, table);
}

fn assert_placements_agree_if_any(session: &mut Session, table: &str) {
    if session.count(&format!(
        "pg_dist_partition WHERE logicalrelid = '{table}'::regclass"
    )) == 1
    {
        assert_placements_agree(session, table);
    }
}

#[test]
fn a_policy_follows_whatever_citus_makes_of_its_table() {
    let nodes = Nodes::with(&[]);
    let mut session = nodes.database("app").connect();
    nodes
        .coordinator
        .reload(&[("raw_clear_sessions.databases", "app"), SOON]);
    cluster::create_sessions(&mut session, "sessions", 100, 10);
    session.run("SELECT raw_clear_sessions_schedule('sessions', '1 s', batch_size => 77)");
    let table = "public.sessions";
    assert_cleared_by_policy(&mut session, table, "it is scheduled");
    for (change, anew) in [
        ("citus_add_local_table_to_metadata('sessions')", true),
        (
            "create_distributed_table('sessions', 'session_key', shard_count => 4)",
            true,
        ),
        (
            "alter_distributed_table('sessions', shard_count => 6)",
            true,
        ),
        ("undistribute_table('sessions')", true),
        ("create_reference_table('sessions')", false),
        ("undistribute_table('sessions')", true),
        (
            "create_distributed_table_concurrently('sessions', 'session_key', shard_count => 4)",
            true,
        ),
    ] {
        wait_until("the table is remembered", || {
            session.yes(
                "SELECT EXISTS (SELECT FROM raw_clear_sessions.state
                     WHERE seen ->> 'name' = 'public.sessions' AND (seen ->> 'citus')::boolean
                         = EXISTS (SELECT FROM pg_dist_partition WHERE logicalrelid = 'sessions'::regclass))",
            )
        });
        let oid = "SELECT 'sessions'::regclass::oid::text";
        let before = session.text(oid);
        session.run(&format!("SELECT {change}"));
        assert_eq!(session.text(oid) != before, anew, "{change}");
        assert_cleared_by_policy(&mut session, table, change);
    }
    assert_eq!(session.runs("error IS NOT NULL"), 0);
    assert_eq!(session.runs("\"table\" <> 'sessions'::regclass"), 0);
    // Of a columnar table nothing can be deleted. When it is one no longer, the failures before do not count.
    session.run("CREATE EXTENSION IF NOT EXISTS citus_columnar");
    session.run("SELECT alter_table_set_access_method('sessions', 'columnar')");
    session.wait_for_run("\"table\" = 'sessions'::regclass AND sqlstate = '0A000'");
    session.run("SELECT alter_table_set_access_method('sessions', 'heap')");
    assert_cleared_by_policy(&mut session, table, "it is a heap again");
}

/// What the policy meant follows by the places of the columns, and not by the names that they have come to have.
#[test]
fn a_policy_whose_column_is_another_one_by_now_does_not_go_on_when_citus_replaces_the_table() {
    let nodes = Nodes::with(&[]);
    let mut session = nodes.database("app").connect();
    nodes
        .coordinator
        .reload(&[("raw_clear_sessions.databases", "app"), SOON]);
    session.run(
        "CREATE TABLE tickets (id bigint, dropped integer, expires_at timestamptz, created timestamptz);
         ALTER TABLE tickets DROP dropped;
         SELECT create_distributed_table('tickets', 'id', shard_count => 4);
         INSERT INTO tickets SELECT i, '2199-01-01', '2020-01-01' FROM generate_series(1, 10) AS i;
         SELECT raw_clear_sessions_schedule('tickets', '1 s', expires => 'expires_at', keep => '0')",
    );
    let clears = |session: &mut Session| {
        session.run("INSERT INTO tickets VALUES (11, '2020-01-01', '2020-01-01')");
        wait_until("it is carried out", || session.count("tickets") == 10);
    };
    clears(&mut session);
    // The columns have other numbers then, and are the same.
    session.run("SELECT alter_distributed_table('tickets', shard_count => 6)");
    clears(&mut session);
    // Citus sends each to the nodes as it stands.
    session.run("ALTER TABLE tickets RENAME expires_at TO until");
    session.run("ALTER TABLE tickets RENAME created TO expires_at");
    let refused = "raw_clear_sessions.run WHERE stop = 'failed' AND deleted = 0 AND error LIKE 'column \"expires_at\" of table \"tickets\" is not the one%'";
    let wait_until_refused = |session: &mut Session| {
        let before = session.count(refused);
        session.run("SELECT raw_clear_sessions_run_now('tickets')");
        wait_until("it is refused", || session.count(refused) > before);
    };
    wait_until_refused(&mut session);
    // By then the tables have been looked at, and their columns' names are remembered.
    wait_until_refused(&mut session);
    session.run("SELECT alter_distributed_table('tickets', shard_count => 4)");
    wait_until_refused(&mut session);
    assert_eq!(session.count("tickets"), 10);
}

/// The worker has not looked in between.
#[test]
fn a_policy_is_found_by_its_name_and_follows_from_the_moment_that_it_is_made() {
    let nodes = Nodes::with(&[]);
    let mut session = nodes.database("app").connect();
    create(&mut session, "hash", 1000, 10);
    let replace = "SELECT alter_distributed_table('sessions', shard_count =>";
    session.run("SELECT raw_clear_sessions_schedule('sessions', batch_size => 77)");
    session.run(&format!("{replace} 6)"));
    assert!(session.yes("SELECT raw_clear_sessions_suspend('sessions')"));
    session.run(&format!("{replace} 4)"));
    assert!(session.yes("SELECT raw_clear_sessions_resume('sessions')"));
    session.run(&format!("{replace} 6)"));
    let on = [("raw_clear_sessions.databases", "app"), SOON];
    nodes.coordinator.reload(&on);
    session.wait_for_run(
        "\"table\" = 'sessions'::regclass AND deleted = 900 AND details -> 'policy' ->> 'batch_size' = '77'",
    );
    nodes
        .coordinator
        .reload(&[("raw_clear_sessions.databases", "")]);
    wait_until("the worker has ended", || session.workers().is_empty());
    session.run(&format!("{replace} 4)"));
    assert!(session.yes("SELECT raw_clear_sessions_unschedule('sessions')"));
    assert_eq!(session.count("raw_clear_sessions.policy"), 0);
    session.run("INSERT INTO sessions VALUES ('old', '', '2020-01-01')");
    session.run("SET search_path = public");
    cluster::create_sessions(&mut session, "other", 10, 10);
    session.run("SELECT raw_clear_sessions_schedule('other')");
    nodes.coordinator.reload(&on);
    session.wait_for_run("\"table\" = 'other'::regclass AND stop = 'done'");
    assert_eq!(session.count("raw_clear_sessions.policy"), 1);
    assert_eq!(session.count("hash.sessions"), 101);
}

#[test]
fn a_shard_that_is_split_and_a_node_that_is_renamed_meanwhile_are_cleared() {
    let nodes = Nodes::with(&[]);
    let database = nodes.database("app");
    let mut session = database.connect();
    create(&mut session, "hash", 40_000, 10);
    let running = start_slowly(&database);
    let node = nodes.workers[1].folder().display().to_string();
    let renamed = format!("{node}/same");
    std::os::unix::fs::symlink(&node, &renamed).expect("a link");
    session.run(&format!(
        "SELECT citus_update_node(nodeid, '{renamed}', 5432) FROM pg_dist_node WHERE nodename = '{node}'"
    ));
    session.run(
        "SELECT citus_split_shard_by_split_points(s.shardid, ARRAY[((shardminvalue::bigint + shardmaxvalue::bigint) / 2)::text],
             (SELECT array_agg(nodeid::integer) FROM pg_dist_node WHERE groupid > 0), 'force_logical')
         FROM pg_dist_shard AS s ORDER BY shardid LIMIT 1",
    );
    assert!(
        !running.is_finished(),
        "it was over before: nothing is tested"
    );
    assert_eq!(session.count("pg_dist_shard"), 5);
    let mut session = end_fast(running, &database);
    assert_cleared(&mut session, 4000);
}

/// A session's own pace cannot be changed from outside: ends its call, and clears the rest.
fn end_fast(running: cluster::Running, database: &Database<'_>) -> Session {
    running.cancel();
    assert_eq!(cluster::sqlstate(running.finish().1), "57014");
    let mut session = database.connect();
    session.run("SET raw_clear_sessions.cost_delay = 0");
    session.run("CALL raw_clear_sessions_in_batches('hash.sessions')");
    session
}

#[test]
fn two_nodes_that_clear_a_table_at_the_same_time_delete_each_row_once() {
    let nodes = Nodes::with(&[]);
    let database = nodes.database("app");
    let mut session = database.connect();
    session.run(&format!(
        "SELECT citus_set_node_property('{}', 5432, 'shouldhaveshards', true)",
        nodes.coordinator.folder().display()
    ));
    create(&mut session, "hash", 40_000, 10);
    let on_coordinator =
        "SELECT count(*) FROM citus_shards JOIN pg_dist_node USING (nodename) WHERE groupid = 0";
    assert!(session.number(on_coordinator) > 0, "nothing is tested");
    let there = nodes.workers[0].connect_to("app");
    let calls = [there, database.connect()]
        .map(|session| session.start("CALL raw_clear_sessions_in_batches('hash.sessions')"));
    let deleted: i64 = calls
        .into_iter()
        .map(|call| match call.finish().1 {
            Ok(deleted) => deleted.parse::<i64>().expect("a number"),
            // Who finds a shard in use twice leaves it to the other.
            Err(error) => {
                assert_eq!(
                    error.code().map(|code| code.code()),
                    Some("55000"),
                    "{error:?}"
                );
                0
            }
        })
        .sum();
    assert!(deleted <= 36_000, "{deleted}");
    session.run("CALL raw_clear_sessions_in_batches('hash.sessions')");
    assert_cleared(&mut session, 4000);
}

/// What a node is at is ended with the run: nothing of it stays behind there.
#[test]
fn a_statement_that_takes_for_ever_on_a_node_is_ended_with_the_run() {
    let nodes = Nodes::with(&[("raw_clear_sessions.databases", "app")]);
    let mut session = nodes.database("app").connect();
    create(&mut session, "hash", 100, 10);
    session.run(
        "CREATE FUNCTION sleeps(text) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM pg_sleep(600); RETURN true; END'",
    );
    session.run("SELECT raw_clear_sessions_schedule('sessions', '1 day', filter => 'hash.sleeps(session_key)')");
    session.run("SELECT raw_clear_sessions_run_now('sessions')");
    let sleeping = "SELECT sum(result::bigint)::bigint FROM run_command_on_all_nodes($$
        SELECT count(*) FROM pg_stat_activity WHERE query ~ '^CALL raw_clear_sessions.clear_shard' AND wait_event = 'PgSleep'$$)";
    wait_until("the nodes are at it", || session.number(sleeping) > 1);
    session.run("SELECT raw_clear_sessions_cancel('sessions')");
    session.wait_for_run("stop = 'canceled' AND error IS NULL");
    wait_until("the nodes have ended it", || session.number(sleeping) == 0);
    assert_eq!(session.count(DJANGO), 100);
}

#[test]
fn a_node_that_is_down_or_goes_down_lets_no_replica_diverge() {
    let mut nodes = Nodes::with(&[("raw_clear_sessions.databases", "app")]);
    let mut session = nodes.database("app").connect();
    nodes.coordinator.reload(&[
        ("raw_clear_sessions.batch_size", "10"),
        ("raw_clear_sessions.cost_delay", "20"),
        ("raw_clear_sessions.cost_limit", "20"),
    ]);
    for kind in ["reference", "replicated"] {
        create(&mut session, kind, 3000, 10);
        let table = format!("{kind}.sessions");
        session.run(&format!(
            "SELECT raw_clear_sessions_schedule('{table}', '1 day')"
        ));
        session.run(&format!("SELECT raw_clear_sessions_run_now('{table}')"));
        wait_until("the run is busy", || {
            session.count(&format!("{table} WHERE expire_date < now()")) < 2700
        });
        nodes.workers[1].stop(Shutdown::Immediate);
        session.wait_for_run(&format!(
            "\"table\" = '{table}'::regclass AND error IS NOT NULL"
        ));
        let refused = session.refused(&format!("CALL raw_clear_sessions_in_batches('{table}')"));
        assert!(
            refused.starts_with("08") || refused == "57P01",
            "{kind}: {refused}"
        );
        nodes.workers[1].start();
        wait_for_nodes(&mut session);
        assert_placements_agree(&mut session, &table);
        let left = session.count(&format!("{table} WHERE expire_date < now()"));
        assert!(left > 0, "{kind}: it was over before: nothing is tested");
        session.run("SET raw_clear_sessions.cost_delay = 0");
        session.run(&format!(
            "CALL raw_clear_sessions_in_batches('{table}', batch_size => 500)"
        ));
        assert_eq!(session.count(&table), 300, "{kind}");
        assert_placements_agree(&mut session, &table);
    }
}

/// What is known of the others is told, and why it is not of that one.
#[test]
fn find_tells_of_all_tables_while_a_node_is_down() {
    let mut nodes = Nodes::with(&[]);
    let mut session = nodes.database("app").connect();
    create(&mut session, "hash", 1000, 10);
    session.run("SET search_path = public");
    cluster::create_sessions(&mut session, "plain", 1000, 10);
    nodes.workers[1].stop(Shutdown::Immediate);
    let found = session.texts(
        "SELECT format('%s %s %s', \"table\", expired_rows, note) FROM raw_clear_sessions_find() ORDER BY \"table\"",
    );
    let [hash, plain] = &found[..] else {
        panic!("{found:?}")
    };
    assert!(
        hash.starts_with("hash.sessions  ") && hash.contains("could not connect"),
        "{hash}"
    );
    assert_eq!(plain, "public.plain 900 ");
    let preview = session.try_run("SELECT raw_clear_sessions_preview('hash.sessions')");
    let error = preview.expect_err("a node is down");
    assert!(
        error
            .as_db_error()
            .is_some_and(|error| error.message().contains("could not connect")),
        "{error}"
    );
}
