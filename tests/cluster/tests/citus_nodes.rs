//! Nodes of a real Citus cluster: how they are connected to, and standbys in their place.

use cluster::citus::{Nodes, create, wait_for_nodes};
use cluster::{Cluster, Paused, SOON, Session, Shutdown, sqlstate, wait_until};

const CALL: &str = "CALL raw_clear_sessions_in_batches('hash.sessions')";

/// The second: servers of root's have root's home, where they may not look for a certificate.
const TLS: &str = "sslmode=require sslcert=/nowhere";

/// Has each node known by an address of this machine, to which only connections with TLS are accepted; Citus' extension has
/// made the certificates.
fn use_tls(nodes: &mut Nodes, session: Session) -> Session {
    drop(session);
    let pid = std::process::id();
    let all = nodes.workers.iter_mut().chain([&mut nodes.coordinator]);
    let mut updates = Vec::new();
    for (number, node) in (1..).zip(all) {
        let address = format!("127.{}.{}.{number}", pid / 250 % 250 + 1, pid % 250 + 1);
        node.stop(Shutdown::Fast);
        let rules = "local all all trust\nhostssl all all 127.0.0.0/8 trust\n";
        std::fs::write(node.data().join("pg_hba.conf"), rules).expect("the folder can be written");
        node.set(&[("citus.node_conninfo", TLS)]);
        node.start_with(&["-c", &format!("listen_addresses={address}")]);
        updates.push(format!(
            "SELECT citus_update_node(nodeid, '{address}', 5432) FROM pg_dist_node WHERE nodename = '{}'",
            node.folder().display()
        ));
    }
    let mut session = nodes.coordinator.connect_to("app");
    for update in updates {
        session.run(&update);
    }
    wait_for_nodes(&mut session);
    wait_until("the nodes know each other", || {
        session.yes("SELECT bool_and(metadatasynced) FROM pg_dist_node")
    });
    session
}

#[test]
fn nodes_that_take_tls_only_are_cleared_and_a_refusal_is_told() {
    let mut nodes = Nodes::with(&[]);
    let mut session = nodes.database("app").connect();
    create(&mut session, "hash", 1000, 10);
    let mut session = use_tls(&mut nodes, session);
    let told = session.ask(CALL).expect("the nodes take it");
    assert_eq!(told.value.as_deref(), Some("900"));
    // One that has stopped is given up through TLS, too.
    session.run(
        "CREATE FUNCTION hash.waits(text) RETURNS boolean LANGUAGE plpgsql STABLE
             AS 'BEGIN WHILE NOT pg_try_advisory_xact_lock_shared(1) LOOP PERFORM pg_sleep(0.1); END LOOP; RETURN true; END';
         INSERT INTO hash.sessions SELECT 'old' || i, '', '2020-01-01' FROM generate_series(1, 100) AS i",
    );
    let mut there = nodes.workers[0].connect_to("app");
    there.run("SELECT pg_advisory_lock(1)");
    let call = nodes.coordinator.connect_to("app").start(
        "CALL raw_clear_sessions_in_batches('hash.sessions', filter => 'hash.waits(session_key)')",
    );
    let asleep =
        "pg_stat_activity JOIN pg_stat_ssl USING (pid) WHERE wait_event = 'PgSleep' AND ssl";
    wait_until("the node is at it", || there.count(asleep) > 0);
    let stopped = Paused::server(nodes.workers[0].postmaster());
    call.cancel();
    assert_eq!(sqlstate(call.finish().1), "57014");
    drop(stopped);
    // Between two looks at the lock nobody sleeps.
    let at_it = "pg_stat_activity WHERE query ~ '^CALL raw_clear_sessions.clear_shard' AND state = 'active'";
    wait_until("the node has left it", || there.count(at_it) == 0);

    nodes
        .coordinator
        .reload(&[("citus.node_conninfo", "sslmode=disable")]);
    let mut anew = nodes.coordinator.connect_to("app");
    let error = anew.try_run(CALL).expect_err("it is refused");
    let error = error.as_db_error().expect("the server's error");
    assert_eq!(error.code().code(), "55000", "{error}");
    assert!(error.message().contains("no encryption"), "{error}");
    assert_eq!(anew.count("pg_dist_node"), 3);
    nodes.coordinator.reload(&[("citus.node_conninfo", TLS)]);
    let told = nodes.coordinator.connect_to("app").ask(CALL);
    told.expect("they take it again");
    assert_eq!(session.count("hash.sessions"), 100);
}

/// The standby has replayed what was written, and takes the place of the node: under the group that it had, with other files,
/// and with deletions that came back if the last ones had not arrived.
#[test]
fn a_node_whose_standby_has_taken_over_is_cleared_there() {
    let mut nodes = Nodes::with(&[("raw_clear_sessions.databases", "app")]);
    let mut session = nodes.database("app").connect();
    create(&mut session, "hash", 20_000, 10);
    let standby = nodes.workers[0].standby();
    let old = nodes.workers[0].folder().display().to_string();
    let new = standby.folder().display().to_string();
    nodes.coordinator.reload(&cluster::SLOW);
    session.run("SELECT raw_clear_sessions_schedule('hash.sessions', '1 s')");
    let progress = "SELECT count(*) FROM raw_clear_sessions.progress WHERE phase = 'clearing shards' AND deleted > 0";
    wait_until("the run is busy", || session.number(progress) == 1);
    nodes.workers[0].wait_for_replay(&standby);
    nodes.workers[0].stop(Shutdown::Immediate);
    nodes.coordinator.reload(&cluster::FAST);
    session.wait_for_run("sqlstate = '55000' AND error LIKE '%failed to connect%'");
    take_over(&mut session, &standby, &old, &new);
    session.run("SELECT raw_clear_sessions_run_now('hash.sessions')");
    session.wait_for_run("stop = 'done' AND error IS NULL");
    assert_eq!(session.count("hash.sessions WHERE expire_date < now()"), 0);
    assert_eq!(session.count("hash.sessions"), 2000);
}

fn take_over(session: &mut Session, standby: &Cluster, old: &str, new: &str) {
    standby.promote();
    session.run(&format!(
        "SELECT citus_update_node(nodeid, '{new}', 5432, true) FROM pg_dist_node WHERE nodename = '{old}'"
    ));
    wait_for_nodes(session);
}

/// Citus writes nothing then, and so does nothing else.
#[test]
fn a_session_that_goes_by_secondary_nodes_deletes_nothing() {
    let nodes = Nodes::with(&[]);
    let mut session = nodes.database("app").connect();
    create(&mut session, "hash", 1000, 10);
    let standby = nodes.workers[0].standby();
    let others = nodes.workers[1].standby();
    for (node, standby) in nodes.workers.iter().zip([&standby, &others]) {
        session.run(&format!(
            "SELECT citus_add_secondary_node('{}', 5432, '{}', 5432)",
            standby.folder().display(),
            node.folder().display()
        ));
        node.wait_for_replay(standby);
    }
    let always = "PGOPTIONS='-c citus.use_secondary_nodes=always'";
    for call in [
        CALL,
        "SELECT raw_clear_sessions('hash.sessions')",
        "DELETE FROM hash.sessions WHERE expire_date < now()",
    ] {
        let told = nodes.coordinator.shell(&format!(
            "{always} psql -X -d app -c \"{call}\" 2>&1 || true"
        ));
        assert!(told.contains("use_secondary_nodes"), "{call}: {told}");
    }
    assert_eq!(session.count("hash.sessions"), 1000);
    nodes.coordinator.reload(&[SOON]);
}
