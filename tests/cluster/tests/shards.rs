//! Shards where there is no Citus: its catalogs are imitated, and its function that sends statements to other nodes, by
//! dblink to this same server. So the statements that are sent, and the answers to them, are tested with every version of
//! PostgreSQL. `scripts/check citus` asks the real one whether it is as it is imitated here.

use cluster::{Cluster, Database, FAST, PRELOADED, SLOW, SOON, Session, wait_until};
use std::sync::LazyLock;

static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| Cluster::with(&[]));

/// What of Citus is asked for, with two nodes, which are both this server.
const CITUS: &str = r#"
    CREATE EXTENSION dblink;
    SET allow_system_table_mods = on;
    INSERT INTO pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
        VALUES (4000000001, 'citus', 10, 'pg_catalog'::regnamespace, false, '1');
    CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass, repmodel "char");
    CREATE TABLE pg_catalog.pg_dist_shard (logicalrelid regclass, shardid bigint);
    CREATE TABLE pg_catalog.pg_dist_placement (shardid bigint, shardstate integer, groupid integer);
    CREATE TABLE pg_catalog.pg_dist_node (groupid integer, noderole text, nodename text, nodeport integer);
    CREATE TABLE pg_catalog.pg_dist_local_group (groupid integer);
    INSERT INTO pg_dist_local_group VALUES (0);
    INSERT INTO pg_dist_node SELECT g, 'primary', current_setting('unix_socket_directories'), current_setting('port')::integer
        FROM generate_series(1, 2) AS g;
    CREATE FUNCTION pg_catalog.shard_name(regclass, bigint) RETURNS text LANGUAGE sql
        AS $$SELECT format('%I', relname || '_' || $2) FROM pg_class WHERE oid = $1$$;
    CREATE FUNCTION pg_catalog.master_run_on_worker(worker_name text[], port integer[], command text[], parallel boolean,
        OUT node_name text, OUT node_port integer, OUT success boolean, OUT result text) RETURNS SETOF record LANGUAGE plpgsql
    AS $$
    DECLARE
        node text;
    BEGIN
        FOR i IN 1 .. cardinality(command) LOOP
            node_name := worker_name[i];
            node_port := port[i];
            node := format('host=%s port=%s dbname=%s user=%s', node_name, node_port, current_database(), current_user);
            BEGIN
                result := coalesce((SELECT a FROM public.dblink(node, command[i]) AS t (a text)), '');
                success := true;
            EXCEPTION WHEN OTHERS THEN
                result := CASE WHEN SQLSTATE LIKE '08%' THEN '' ELSE 'ERROR:  ' END || SQLERRM;
                success := false;
            END;
            RETURN NEXT;
        END LOOP;
    END
    $$;
    RESET allow_system_table_mods;
"#;

/// Makes a table like Django's, of which each of the two nodes has a shard with `rows` rows; of each `every` one lives.
fn distribute(session: &mut Session, rows: u32, every: u32) {
    session.run(CITUS);
    session.run(
        "CREATE TABLE sessions (session_key varchar(40), session_data text NOT NULL, expire_date timestamptz NOT NULL);
         INSERT INTO pg_dist_partition VALUES ('sessions', 's')",
    );
    for node in [1, 2] {
        let shard = format!("sessions_{node}");
        cluster::create_sessions(session, &shard, rows, every);
        session.run(&format!(
            "INSERT INTO pg_dist_shard VALUES ('sessions', {node});
             INSERT INTO pg_dist_placement VALUES ({node}, 1, {node})"
        ));
    }
}

fn expired(session: &mut Session) -> i64 {
    let counts =
        [1, 2].map(|shard| session.count(&format!("sessions_{shard} WHERE expire_date < now()")));
    counts.iter().sum()
}

fn with_shards<'a>(cluster: &'a Cluster, name: &str, rows: u32) -> (Database<'a>, Session) {
    let database = cluster.database(name);
    let mut session = database.connect();
    distribute(&mut session, rows, 10);
    (database, session)
}

/// The same with four more shards.
fn with_six_shards<'a>(name: &str, rows: u32) -> (Database<'a>, Session) {
    let (database, mut session) = with_shards(&CLUSTER, name, rows);
    for shard in 3..=6 {
        cluster::create_sessions(&mut session, &format!("sessions_{shard}"), rows, 10);
        session.run(&format!(
            "INSERT INTO pg_dist_shard VALUES ('sessions', {shard});
             INSERT INTO pg_dist_placement VALUES ({shard}, 1, {shard} % 2 + 1)"
        ));
    }
    (database, session)
}

/// Who asks waits in a transaction, which is to be short.
#[test]
fn nodes_that_take_long_are_asked_one_at_a_time_in_transactions_of_their_own() {
    let (_database, mut session) = with_six_shards("slow_nodes", 100);
    session.run(
        "CREATE TABLE asked (n serial, at_once integer, is_slice boolean, xact xid8 DEFAULT pg_current_xact_id());
         SET allow_system_table_mods = on;
         ALTER FUNCTION pg_catalog.master_run_on_worker RENAME TO run_quickly;
         CREATE FUNCTION pg_catalog.master_run_on_worker(worker_name text[], port integer[], command text[], parallel boolean,
             OUT node_name text, OUT node_port integer, OUT success boolean, OUT result text) RETURNS SETOF record LANGUAGE sql
         AS $$INSERT INTO public.asked (at_once, is_slice) SELECT cardinality($3), $3[1] ~ '^CALL';
             SELECT pg_sleep(0.1);
             SELECT * FROM pg_catalog.run_quickly($1, $2, $3, $4)$$;
         RESET allow_system_table_mods",
    );
    let answer = session.ask("CALL raw_clear_sessions_in_batches('sessions')");
    assert_eq!(answer.expect("it is cleared").value.as_deref(), Some("540"));
    let asked = session.texts("SELECT format('%s %s', is_slice, at_once) FROM asked ORDER BY n");
    assert_eq!(
        asked,
        ["f 2", "t 2", "t 1", "t 1", "t 1", "t 1"],
        "the two nodes, then the shards"
    );
    assert_eq!(session.number("SELECT count(DISTINCT xact) FROM asked"), 6);
}

/// Of six shards at the same time four fail.
#[test]
fn nodes_that_take_few_connections_have_their_shards_cleared_one_after_the_other() {
    let (_database, mut session) = with_six_shards("few_connections", 100);
    session.run(
        "SET allow_system_table_mods = on;
         ALTER FUNCTION pg_catalog.master_run_on_worker RENAME TO run_two;
         CREATE FUNCTION pg_catalog.master_run_on_worker(worker_name text[], port integer[], command text[], parallel boolean,
             OUT node_name text, OUT node_port integer, OUT success boolean, OUT result text) RETURNS SETOF record LANGUAGE sql
         AS $$SELECT * FROM pg_catalog.run_two($1[:2], $2[:2], $3[:2], $4)
             UNION ALL SELECT n, p, false, 'ERROR:  failed to connect' FROM unnest($1[3:], $2[3:]) AS u (n, p)$$;
         RESET allow_system_table_mods;
         SET raw_clear_sessions.cost_delay = 0",
    );
    let answer = session.ask("CALL raw_clear_sessions_in_batches('sessions')");
    assert_eq!(answer.expect("it is cleared").value.as_deref(), Some("540"));
}

/// Citus would refuse the DELETE that it is then.
#[test]
fn a_session_that_goes_by_secondary_nodes_has_no_shard_cleared() {
    let (_database, mut session) = with_shards(&CLUSTER, "secondary", 10);
    session.run("SET citus.use_secondary_nodes = 'always'");
    let answer = session.ask("CALL raw_clear_sessions_in_batches('sessions')");
    assert_eq!(
        answer.expect("it is one DELETE").value.as_deref(),
        Some("0")
    );
    assert_eq!(expired(&mut session), 18);
}

/// A DELETE would find nothing: the rows are in the shards.
#[test]
fn the_procedure_clears_each_shard_on_its_node() {
    let (_database, mut session) = with_shards(&CLUSTER, "procedure", 1000);
    let told = CLUSTER.shell("psql -X -d procedure -c \"CALL raw_clear_sessions_in_batches('sessions', filter => 'session_key <> \\$\\$key2\\$\\$')\" 2>&1");
    assert!(!told.contains("NOTICE"), "{told}");
    assert!(told.contains(" 1798"), "{told}");
    assert_eq!(expired(&mut session), 2);
    let kept = session.ask("CALL raw_clear_sessions_in_batches('sessions', keep => '100 years')");
    assert_eq!(kept.expect("it is looked at").value.as_deref(), Some("0"));
    let rest = session.ask("CALL raw_clear_sessions_in_batches('sessions')");
    assert_eq!(rest.expect("it is cleared").value.as_deref(), Some("2"));
    assert_eq!(
        session.count("sessions_1") + session.count("sessions_2"),
        200
    );
}

#[test]
fn limits_end_the_procedure_on_shards() {
    let (_database, mut session) = with_shards(&CLUSTER, "limits", 20_000);
    let limited = session.ask("CALL raw_clear_sessions_in_batches('sessions', max_rows => 1000)");
    let deleted = limited.expect("it is cleared").value.expect("a number");
    let deleted: i64 = deleted.parse().expect("a number");
    assert!((1000..2500).contains(&deleted), "{deleted}");
    assert_eq!(expired(&mut session), 36_000 - deleted);
}

#[test]
fn a_shard_that_fails_is_told_of_and_stops_no_other() {
    let (_database, mut session) = with_shards(&CLUSTER, "failing", 1000);
    session.run("ALTER TABLE sessions_1 RENAME COLUMN expire_date TO until");
    let error = session.try_run("CALL raw_clear_sessions_in_batches('sessions')");
    let error = error.expect_err("a shard fails");
    let error = error.as_db_error().expect("the server's error");
    assert_eq!(error.code().code(), "55000");
    let message = error.message();
    assert!(
        message.starts_with("could not clear 1 of 2 shards, the first public.sessions_1 on "),
        "{message}"
    );
    session.run("ALTER TABLE sessions_1 RENAME COLUMN until TO expire_date");
    assert_eq!(expired(&mut session), 900);
    // Of what a node says, as much is told as of what is said here.
    session.run(
        "CREATE FUNCTION rants(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE
             AS $$BEGIN IF $1 = 'key2' THEN RAISE '%', repeat('no ', 10000000); END IF; RETURN true; END$$",
    );
    let rant = "CALL raw_clear_sessions_in_batches('sessions', filter => 'rants(session_key)')";
    let error = session.try_run(rant).expect_err("a row fails");
    let error = error.as_db_error().expect("the server's error");
    assert!(
        error.message().len() < 3000,
        "{} bytes",
        error.message().len()
    );
}

/// What fails is far into the shard, so that each slice before it goes well.
#[test]
fn a_shard_that_fails_at_one_place_is_tried_twice_there_and_then_left_alone() {
    let (_database, mut session) = with_shards(&CLUSTER, "one_place", 20_000);
    session.run(
        "CREATE SEQUENCE tries;
         CREATE SEQUENCE begun_again;
         CREATE FUNCTION is_stale(text) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN
             IF $1 = 'fails' THEN RAISE 'try %', nextval('public.tries') USING ERRCODE = '53000'; END IF;
             IF $1 = 'key2' AND (SELECT is_called FROM public.tries) THEN PERFORM nextval('public.begun_again'); END IF;
             RETURN $1 <> 'key2';
         END$$;
         UPDATE sessions_1 SET session_key = 'fails' WHERE session_key = 'key19900';
         SET raw_clear_sessions.cost_delay = '1 ms';
         SET raw_clear_sessions.cost_limit = 50;
         SET statement_timeout = '60 s'",
    );
    let error = session.try_run(
        "CALL raw_clear_sessions_in_batches('sessions', filter => 'is_stale(session_key)')",
    );
    let error = error.expect_err("a shard fails");
    let error = error.as_db_error().expect("the server's error");
    assert_eq!(error.code().code(), "55000", "{error}");
    assert_eq!(session.number("SELECT last_value FROM tries"), 2);
    // The first row that has expired, which the filter keeps.
    assert!(!session.yes("SELECT is_called FROM begun_again"));
    let left = session.count("sessions_1 WHERE expire_date < now()");
    assert!((2..18_000).contains(&left), "{left}");
    let kept = expired(&mut session) - left;
    assert_eq!(kept, 1, "the other shard is cleared");
}

/// A table that Citus has on several nodes, here without any: what is sent to them is one statement in either case.
fn with_a_copy_of_each_row(name: &str, rows: u32) -> Session {
    let mut session = CLUSTER.database(name).connect();
    session.run(CITUS);
    cluster::create_sessions(&mut session, "sessions", rows, 10);
    session.run("INSERT INTO pg_dist_partition VALUES ('sessions', 't'); INSERT INTO pg_dist_shard VALUES ('sessions', 7);
         INSERT INTO pg_dist_placement VALUES (7, 1, 1), (7, 1, 2)");
    session
}

#[test]
fn rows_of_a_replicated_table_that_cannot_be_deleted_are_left_out_and_the_others_go() {
    let mut session = with_a_copy_of_each_row("keys_left_out", 3000);
    session.run(
        "CREATE TABLE visits (session_key varchar(40) REFERENCES sessions);
         INSERT INTO visits VALUES ('key2'), ('key1500')",
    );
    let error = session.try_run("CALL raw_clear_sessions_in_batches('sessions')");
    let error = error.expect_err("two rows are referenced");
    let error = error.as_db_error().expect("the server's error");
    assert_eq!(error.code().code(), "23503", "{error}");
    let message = error.message();
    assert!(
        message.starts_with("could not delete 2 expired rows of table \"sessions\": "),
        "{message}"
    );
    assert_eq!(session.count("sessions WHERE expire_date < now()"), 2);
}

#[test]
fn rows_of_a_replicated_table_that_a_trigger_keeps_are_told_of() {
    let mut session = with_a_copy_of_each_row("keys_kept", 3000);
    session.run(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER keep BEFORE DELETE ON sessions FOR EACH ROW WHEN (OLD.session_key LIKE 'key22%')
             EXECUTE FUNCTION keep()",
    );
    let refused = session.refused("CALL raw_clear_sessions_in_batches('sessions')");
    assert_eq!(refused, "27000");
    assert_eq!(session.count("sessions WHERE expire_date < now()"), 100);
}

/// Each would be tried alone.
#[test]
fn many_rows_of_a_replicated_table_that_cannot_be_deleted_do_not_take_a_try_each() {
    let mut session = with_a_copy_of_each_row("keys_many_left_out", 3000);
    session.run(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql
             AS 'BEGIN RAISE ''try %'', nextval(''public.tries''); END';
         CREATE TRIGGER refuse BEFORE DELETE ON sessions FOR EACH ROW EXECUTE FUNCTION refuse();
         SET raw_clear_sessions.batch_size = 20; SET raw_clear_sessions.cost_delay = 0",
    );
    let refused = session.refused("CALL raw_clear_sessions_in_batches('sessions')");
    assert_eq!(refused, "P0001");
    let tries = session.number("SELECT last_value FROM tries");
    assert!((100..2000).contains(&tries), "{tries} for 2700 rows");
}

#[test]
fn a_replicated_table_whose_key_is_an_array_is_cleared() {
    let mut session = with_a_copy_of_each_row("keys_array", 100);
    session.run(
        "ALTER TABLE sessions DROP CONSTRAINT sessions_pkey;
         ALTER TABLE sessions ALTER session_key TYPE text[] USING ARRAY[session_key];
         ALTER TABLE sessions ADD PRIMARY KEY (session_key)",
    );
    let call = "CALL raw_clear_sessions_in_batches('sessions', expires => 'expire_date')";
    let answer = session.ask(call).expect("it is cleared");
    assert_eq!(answer.value.as_deref(), Some("90"));
}

/// A run that takes turns with another table begins in each with what is written down.
#[test]
fn a_shard_that_has_been_left_alone_is_no_work_for_the_next_turns_of_the_run() {
    let cluster = Cluster::with(&[PRELOADED, SOON]);
    let (_database, mut session) = with_shards(&cluster, "left_alone", 20_000);
    cluster::create_sessions(&mut session, "small", 10, 10);
    session.run("ALTER TABLE sessions_1 RENAME COLUMN expire_date TO until");
    cluster.reload(&[
        ("raw_clear_sessions.batch_size", "10"),
        ("raw_clear_sessions.cost_delay", "1"),
        ("raw_clear_sessions.cost_limit", "10"),
    ]);
    session.run(
        "SELECT raw_clear_sessions_schedule('sessions', '1 h'), raw_clear_sessions_schedule('small', '1 s')",
    );
    cluster.reload(&[("raw_clear_sessions.databases", "left_alone")]);
    wait_until("the run is busy", || {
        session.count("sessions_2 WHERE expire_date < now()") < 18_000
    });
    for _ in 0..3 {
        cluster::add_expired(&mut session, "small", 1);
        wait_until("the small table has had its turn", || {
            session.count("small") == 1
        });
    }
    cluster.reload(&FAST);
    session.wait_for_run("\"table\" = 'sessions'::regclass AND sqlstate = '55000' AND error LIKE 'could not clear 1 of 2 shards%'");
    assert_eq!(session.count("sessions_2 WHERE expire_date < now()"), 0);
    let failure = "STATEMENT:  CALL raw_clear_sessions.clear_shard('public.sessions_1'";
    assert_eq!(cluster.log().matches(failure).count(), 2);
}

#[test]
fn the_worker_clears_the_shards_and_shows_it() {
    let cluster = Cluster::with(&[PRELOADED, ("raw_clear_sessions.databases", "app")]);
    cluster.set(&SLOW);
    cluster.reload(&[]);
    let (_database, mut session) = with_shards(&cluster, "app", 20_000);
    session.run("SELECT raw_clear_sessions_schedule('sessions', '1 s')");
    let progress = "SELECT count(*) FROM raw_clear_sessions.progress
         WHERE \"table\" = 'sessions'::regclass AND phase = 'clearing shards' AND deleted > 0 AND blocks_done > 0";
    wait_until("the run is busy", || session.number(progress) == 1);
    cluster.reload(&FAST);
    session.wait_for_run("stop = 'done' AND deleted = 36000 AND error IS NULL");
    assert_eq!(expired(&mut session), 0);
}

/// The sessions on the nodes have settings of their own: with those, each of these rules would be true of all rows.
#[test]
fn a_rule_means_on_the_nodes_what_it_means_to_the_caller() {
    let (_database, mut session) = with_shards(&CLUSTER, "meaning", 1000);
    session.run(
        "CREATE SCHEMA app;
         CREATE FUNCTION app.is_stale(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 = $$key2$$';
         CREATE FUNCTION public.is_stale(text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true'",
    );
    session.run("SET search_path = app, public; SET transform_null_equals = on");
    let in_kiritimati = ", time_zone => 'Pacific/Kiritimati'";
    for (filter, more, deleted) in [
        ("is_stale(session_key)", "", "2"),
        (
            "'2020-01-01 12:00'::timestamptz > '2020-01-01 00:00Z'",
            in_kiritimati,
            "0",
        ),
        ("(NULLIF(session_key, 'key3') = NULL) IS TRUE", "", "2"),
    ] {
        let call = format!(
            "CALL raw_clear_sessions_in_batches('public.sessions', filter => $${filter}$$ {more})"
        );
        let answer = session.ask(&call).expect("it is cleared");
        assert_eq!(answer.value.as_deref(), Some(deleted), "{filter}");
    }
}

#[test]
fn nothing_but_a_coordinator_gives_a_node_orders() {
    let (_database, mut session) = with_shards(&CLUSTER, "orders", 10);
    for (order, sqlstate) in [("NULL", "22023"), ("'{}'", "22023"), ("'[1, 2'", "22023")] {
        let call = format!("CALL raw_clear_sessions.clear_shard('sessions_1', {order})");
        assert_eq!(session.refused(&call), sqlstate, "{order}");
    }
    let in_block = "BEGIN; CALL raw_clear_sessions.clear_shard('sessions_1', '{}')";
    assert_eq!(session.refused(in_block), "25001");
    session.run("ROLLBACK");
    assert_eq!(expired(&mut session), 18);
}

/// A worker in a database where Citus is, and in it a table `sessions` that is scheduled and remembered.
fn with_a_policy(name: &str, is_of_citus: bool) -> (Cluster, Session) {
    let settings = [PRELOADED, ("raw_clear_sessions.databases", name), SOON];
    let cluster = Cluster::with(&settings);
    let mut session = cluster.database(name).connect();
    session.run(CITUS);
    cluster::create_sessions(&mut session, "sessions", 100, 10);
    if is_of_citus {
        session.run("INSERT INTO pg_dist_partition VALUES ('sessions', 't')");
    }
    session.run("SELECT raw_clear_sessions_schedule('sessions', '1 s', batch_size => 77)");
    session.wait_for_count("sessions", 10);
    wait_until("the table is remembered", || {
        session
            .yes("SELECT coalesce(bool_or(seen IS NOT NULL), false) FROM raw_clear_sessions.state")
    });
    (cluster, session)
}

/// As Citus does it: builds a new table, drops the old one, and gives its name to the new one.
const REPLACE: &str = "CREATE TABLE anew (LIKE sessions INCLUDING ALL);
    DROP TABLE sessions;
    ALTER TABLE anew RENAME TO sessions";

/// Expects that the policy has gone to the table that now has the name, with its history, and is carried out.
fn assert_followed(session: &mut Session) {
    wait_until("the policy follows", || {
        session.count(
            "raw_clear_sessions.policy WHERE \"table\" = 'sessions'::regclass AND batch_size = 77",
        ) == 1
    });
    assert_eq!(
        session.runs("\"table\" = 'sessions'::regclass AND deleted = 90"),
        1
    );
    session.run("INSERT INTO sessions VALUES ('old', '', '2020-01-01')");
    wait_until("it is carried out", || {
        session.count("sessions WHERE expire_date < now()") == 0
    });
    wait_until("the status has all runs", || {
        session.yes("SELECT runs >= 2 AND total_deleted >= 91 AND note IS NULL FROM raw_clear_sessions.status")
    });
    assert_eq!(session.count("raw_clear_sessions.policy"), 1);
    assert_eq!(session.count("raw_clear_sessions.state"), 1);
}

#[test]
fn a_policy_follows_to_the_table_that_citus_makes_of_its_own() {
    let (cluster, mut session) = with_a_policy("undistributed", true);
    session.run(&format!("{REPLACE}; DELETE FROM pg_dist_partition"));
    assert_followed(&mut session);
    cluster.wait_for_log(
        "table public.sessions has been replaced by another, and its policy has followed",
    );
    // It is no table of Citus' any more.
    session.run(REPLACE);
    session.wait_for_count("raw_clear_sessions.policy", 0);

    let (_cluster, mut session) = with_a_policy("distributed", false);
    session.run(&format!(
        "{REPLACE}; INSERT INTO pg_dist_partition VALUES ('sessions', 't')"
    ));
    assert_followed(&mut session);
}

#[test]
fn a_policy_follows_when_its_table_becomes_a_shard() {
    let (_cluster, mut session) = with_a_policy("local", false);
    session.run(
        "ALTER TABLE sessions RENAME TO sessions_7;
         CREATE TABLE sessions (LIKE sessions_7 INCLUDING ALL);
         INSERT INTO pg_dist_partition VALUES ('sessions', 't');
         INSERT INTO pg_dist_shard VALUES ('sessions', 7);
         INSERT INTO pg_dist_placement VALUES (7, 1, 0);
         INSERT INTO pg_dist_node SELECT 0, noderole, nodename, nodeport FROM pg_dist_node LIMIT 1",
    );
    assert_followed(&mut session);
}

/// Not to another role's table, to one with other columns, or to one that has nothing to do with Citus; and a table that is
/// still there keeps its policy.
#[test]
fn a_policy_follows_to_no_table_that_may_be_another() {
    let replaced = |also: &str, is_of_citus: bool| {
        let (cluster, mut session) = with_a_policy("another", is_of_citus);
        session.run(&format!("CREATE ROLE other; {REPLACE}; {also}"));
        session.wait_for_count("raw_clear_sessions.policy", 0);
        cluster.wait_for_log("table public.sessions, which had a policy, has gone");
    };
    replaced("ALTER TABLE sessions OWNER TO other", true);
    replaced("ALTER TABLE sessions ALTER session_key TYPE text", true);
    replaced("", false);

    let (_cluster, mut session) = with_a_policy("swapped", true);
    session.run(
        "CREATE TABLE anew (LIKE sessions INCLUDING ALL);
         ALTER TABLE sessions RENAME TO web_sessions;
         ALTER TABLE anew RENAME TO sessions;
         INSERT INTO pg_dist_partition VALUES ('sessions', 't');
         INSERT INTO web_sessions VALUES ('old', '', '2020-01-01')",
    );
    session.wait_for_count("web_sessions", 10);
    assert_eq!(
        session.count("raw_clear_sessions.policy WHERE \"table\" = 'web_sessions'::regclass"),
        1
    );
}

/// The worker has not looked in between.
#[test]
fn a_policy_is_known_by_its_tables_name_as_soon_as_it_is_made() {
    let name = "at_once";
    let cluster = Cluster::with(&[PRELOADED, SOON]);
    let mut session = cluster.database(name).connect();
    session.run(CITUS);
    cluster::create_sessions(&mut session, "sessions", 100, 10);
    session.run("INSERT INTO pg_dist_partition VALUES ('sessions', 't')");
    session.run("SELECT raw_clear_sessions_schedule('sessions', '1 s', batch_size => 77)");
    let replace = format!("{REPLACE}; INSERT INTO pg_dist_partition VALUES ('sessions', 't')");
    session.run(&replace);
    session.run("INSERT INTO sessions VALUES ('older', '', '2020-01-01')");
    let on = [("raw_clear_sessions.databases", name)];
    cluster.reload(&on);
    session.wait_for_count("sessions", 0);
    cluster.reload(&[("raw_clear_sessions.databases", "")]);
    wait_until("the worker has ended", || session.workers().is_empty());
    session.run(&replace);
    assert!(session.yes("SELECT raw_clear_sessions_run_now('sessions')"));
    session.run(&replace);
    assert!(session.yes("SELECT raw_clear_sessions_unschedule('sessions')"));
    assert_eq!(session.count("raw_clear_sessions.policy"), 0);
}

/// What is being done to the table in the place of another is not known yet: it may be another role's in the end.
#[test]
fn a_policy_waits_for_who_is_changing_the_table_that_it_would_follow_to() {
    let (cluster, mut session) = with_a_policy("changing", true);
    cluster::create_sessions(&mut session, "other_sessions", 100, 10);
    session.run("CREATE ROLE other; SELECT raw_clear_sessions_schedule('other_sessions', '1 s')");
    for (also, follows) in [
        (
            "ALTER TABLE sessions ALTER session_data SET DEFAULT ''",
            true,
        ),
        ("ALTER TABLE sessions OWNER TO other", false),
    ] {
        let mut owner = cluster.connect_to("changing");
        cluster.pause(&mut session);
        session.run(&format!("{REPLACE}; DELETE FROM pg_dist_partition"));
        session.run("INSERT INTO pg_dist_partition VALUES ('sessions', 't')");
        owner.run(&format!("BEGIN; {also}"));
        cluster.reload(&[("raw_clear_sessions.paused", "off")]);
        session.wait_for_ends("other_sessions", 3);
        let left = "raw_clear_sessions.policy WHERE batch_size = 77
            AND NOT EXISTS (SELECT FROM pg_class AS c WHERE c.oid = \"table\")";
        assert_eq!(session.count(left), 1, "{also}");
        owner.run("COMMIT");
        session.wait_for_count(left, 0);
        let followed = session.count("raw_clear_sessions.policy WHERE batch_size = 77") == 1;
        assert_eq!(followed, follows, "{also}");
    }
}

/// As a node that has stopped in the middle of a statement: both sleep. What they are at ends, too, because nobody waits for it
/// any longer.
#[test]
fn a_node_that_does_not_answer_is_given_up_within_the_time_and_with_a_cancel() {
    let (database, mut session) = with_shards(&CLUSTER, "no_answer", 1000);
    session.run(
        "CREATE FUNCTION waits(text) RETURNS boolean LANGUAGE plpgsql STABLE
             AS 'BEGIN PERFORM pg_sleep(600); RETURN true; END'",
    );
    let waiting = "pg_stat_activity WHERE query ~ '^CALL raw_clear_sessions.clear_shard'
         AND wait_event = 'PgSleep' AND datname = 'no_answer'";
    let call = |limit: &str| {
        let mut caller = database.connect();
        caller.run("SET raw_clear_sessions.lock_timeout = '100 ms'");
        caller.start(&format!(
            "CALL raw_clear_sessions_in_batches('sessions', filter => 'public.waits(session_key)'{limit})"
        ))
    };
    let error = call(", max_duration => '2 s'").finish().1;
    let error = error.expect_err("no node answers");
    let error = error.as_db_error().expect("the server's error");
    assert_eq!(error.code().code(), "55000", "{error}");
    assert!(error.message().contains(": no answer within "), "{error}");
    wait_until("the nodes have left it", || session.count(waiting) == 0);
    let canceled = call("");
    wait_until("a node is at it", || session.count(waiting) > 0);
    canceled.cancel();
    assert_eq!(cluster::sqlstate(canceled.finish().1), "57014");
    wait_until("the nodes have left it", || session.count(waiting) == 0);
    session.run(
        "CREATE OR REPLACE FUNCTION waits(text) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT true'",
    );
    assert_eq!(call("").value(), "1800");
}

/// Where connections to nodes are pooled, the next statement of a session there is somebody else's.
#[test]
fn a_slice_leaves_the_settings_of_its_session_as_they_were() {
    let (database, mut session) = with_shards(&CLUSTER, "settings", 100);
    session.run(
        "CREATE TABLE orders (command text);
         SET allow_system_table_mods = on;
         CREATE OR REPLACE FUNCTION pg_catalog.master_run_on_worker(worker_name text[], port integer[], command text[],
             parallel boolean, OUT node_name text, OUT node_port integer, OUT success boolean, OUT result text)
             RETURNS SETOF record LANGUAGE sql
         AS $$INSERT INTO public.orders SELECT unnest($3);
             SELECT n, p, $3[1] ~ '^SELECT', (SELECT extversion FROM pg_extension WHERE extname = 'raw_clear_sessions')
             FROM unnest($1, $2) AS u (n, p)$$;
         RESET allow_system_table_mods;
         SET TimeZone = 'Asia/Kathmandu'; SET DateStyle = 'German'; SET search_path = public, pg_catalog",
    );
    assert_eq!(
        session.refused("CALL raw_clear_sessions_in_batches('sessions')"),
        "55000",
        "the imitation does nothing"
    );
    // The error has taken the rows back; the worker's run would have kept them.
    let orders = "SELECT command FROM orders WHERE command ~ '^CALL' LIMIT 1";
    let order = session.text(orders);
    let own = "SELECT string_agg(concat_ws('=', name, setting, source), ' ' ORDER BY name) FROM pg_settings
         WHERE source IN ('session', 'interactive') OR name IN ('TimeZone', 'DateStyle', 'search_path')";
    let mut pooled = database.connect();
    pooled.run("SET DateStyle = 'SQL'");
    let before = pooled.text(own);
    let report = pooled.ask(&order).expect("it is an order").value;
    assert!(
        report.is_some_and(|report| report.contains("\"finished\":true")),
        "{order}"
    );
    assert_eq!(pooled.text(own), before);
    // Without a shard; then an error in the middle of a batch, and one before the first.
    let (call, rest) = order.split_once('(').expect("a call");
    let (_, work) = rest.split_once(',').expect("two arguments");
    assert_eq!(pooled.refused(&format!("{call}(NULL, {work}")), "22004");
    assert_eq!(pooled.text(own), before);
    session.run(
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'full' USING ERRCODE = '53000'; END$$;
         CREATE TRIGGER fail BEFORE DELETE ON sessions_1 FOR EACH ROW EXECUTE FUNCTION fail();
         CREATE TRIGGER fail BEFORE DELETE ON sessions_2 FOR EACH ROW EXECUTE FUNCTION fail();
         UPDATE sessions_1 SET expire_date = '2020-01-01'; UPDATE sessions_2 SET expire_date = '2020-01-01'",
    );
    assert_eq!(pooled.refused(&order), "53000");
    assert_eq!(pooled.text(own), before);
    session.run(
        "ALTER TABLE sessions_1 RENAME COLUMN expire_date TO until;
         ALTER TABLE sessions_2 RENAME COLUMN expire_date TO until",
    );
    assert_eq!(pooled.refused(&order), "42703");
    assert_eq!(pooled.text(own), before);
}
