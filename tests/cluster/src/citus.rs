//! A Citus cluster: a coordinator and worker nodes, each a server of its own, on unix sockets as all the others.

use crate::cluster::Cluster;
use crate::database::Database;
use crate::session::Session;
use crate::table::{EXPIRED, LIVE};
use crate::wait::wait_until;

/// A coordinator and two worker nodes.
pub struct Nodes {
    pub coordinator: Cluster,
    pub workers: Vec<Cluster>,
}

/// The kinds of tables that Citus has, with what makes one of an empty table `sessions` with a primary key
/// `session_key`. The schema-based one is made so by where it is created.
pub const KINDS: [(&str, &str); 5] = [
    (
        "hash",
        "SELECT create_distributed_table('sessions', 'session_key', shard_count => 4)",
    ),
    (
        "replicated",
        "SET citus.shard_replication_factor = 2;
         SELECT create_distributed_table('sessions', 'session_key', shard_count => 4)",
    ),
    ("reference", "SELECT create_reference_table('sessions')"),
    (
        "local",
        "SELECT citus_add_local_table_to_metadata('sessions')",
    ),
    ("tenant", ""),
];

impl Nodes {
    /// Starts them, with these settings on each.
    pub fn with(settings: &[(&str, &str)]) -> Nodes {
        let start = || {
            let cluster = Cluster::with(&[
                ("shared_preload_libraries", "citus, raw_clear_sessions"),
                ("wal_level", "logical"),
                ("max_worker_processes", "32"),
                // Where the coordinator finds itself; the default is a TCP host.
                ("citus.local_hostname", "/nowhere"),
            ]);
            let folder = cluster.folder().to_str().expect("a plain path").to_owned();
            cluster.reload(&[("citus.local_hostname", &folder)]);
            // For shards that are split. Newer minor versions want to be told of it.
            let plugins = "SELECT coalesce(max(boot_val), '') FROM pg_settings WHERE name = 'output_plugin_libraries'";
            let plugins = cluster.connect().text(plugins);
            if !plugins.is_empty() {
                let plugins = format!("{plugins}, citus");
                cluster.reload(&[("output_plugin_libraries", &plugins)]);
            }
            cluster.reload(settings);
            cluster
        };
        Nodes {
            coordinator: start(),
            workers: vec![start(), start()],
        }
    }

    /// The worker nodes, and the coordinator as the last.
    pub fn all(&self) -> impl Iterator<Item = &Cluster> {
        self.workers.iter().chain([&self.coordinator])
    }

    /// A database on each node, with both extensions; the coordinator has shards, too.
    pub fn database(&self, name: &str) -> Database<'_> {
        self.database_with(name, "")
    }

    /// The same; the worker nodes' are created with these options.
    pub fn database_with(&self, name: &str, options: &str) -> Database<'_> {
        self.coordinator.bare_database(name);
        for worker in &self.workers {
            let create = format!("CREATE DATABASE {name} {options}");
            worker.connect().run(&create);
        }
        for node in self.all() {
            node.connect_to(name).run("CREATE EXTENSION citus");
        }
        let database = self.coordinator.existing_database(name);
        let mut session = database.connect();
        let folder = |node: &Cluster| node.folder().display().to_string();
        session.run(&format!(
            "SELECT citus_set_coordinator_host('{}', 5432)",
            folder(&self.coordinator)
        ));
        for worker in &self.workers {
            // Creating the extension makes the node reload its settings, and it may lose connections over that.
            let add = format!("SELECT citus_add_node('{}', 5432)", folder(worker));
            wait_until("the node is added", || session.try_run(&add).is_ok());
        }
        session.run("CREATE EXTENSION raw_clear_sessions");
        database
    }

    /// The worker node in whose folder the query's result names one.
    pub fn worker_mut(&mut self, folder: &str) -> &mut Cluster {
        self.workers
            .iter_mut()
            .find(|worker| worker.folder().to_str() == Some(folder))
            .expect("it is one of the workers")
    }
}

/// Creates the table `sessions` in a schema of the kind's name, as Django's, as Citus has them, and fills it: one row
/// of each `every` lives.
pub fn create(session: &mut Session, kind: &str, rows: u32, every: u32) {
    let (_, make) = KINDS
        .iter()
        .find(|(name, _)| *name == kind)
        .expect("a kind");
    let tenant = if kind == "tenant" { "on" } else { "off" };
    session.run(&format!(
        "SET citus.enable_schema_based_sharding = {tenant}"
    ));
    session.run(&format!("CREATE SCHEMA {kind}"));
    session.run(&format!("SET search_path = {kind}, public"));
    session.run(
        "CREATE TABLE sessions (
             session_key varchar(40) PRIMARY KEY, session_data text NOT NULL, expire_date timestamptz NOT NULL)",
    );
    for statement in make.split(';').filter(|statement| !statement.is_empty()) {
        session.run(statement);
    }
    session.run(&format!(
        "INSERT INTO sessions
             SELECT 'key' || i, 'data' || i, CASE WHEN i % {every} = 1 THEN {LIVE} ELSE {EXPIRED} END::timestamptz
             FROM generate_series(1, {rows}) AS i"
    ));
    session.run("RESET citus.shard_replication_factor");
}

/// Asserts that each placement of each shard of a table has the same rows as the others of the shard.
pub fn assert_placements_agree(session: &mut Session, table: &str) {
    let differing = session.number(&format!(
        "SELECT count(*) FROM (
             SELECT shardid FROM run_command_on_placements('{table}', $$
                 SELECT count(*) || ' ' || coalesce(sum(hashtextextended(t::text, 0)), 0) FROM %s AS t$$)
             GROUP BY shardid HAVING count(DISTINCT result) <> 1 OR NOT bool_and(success)) AS shards"
    ));
    assert_eq!(differing, 0, "placements of {table} have come to differ");
}

/// Waits until a node takes part again, after its start.
pub fn wait_for_nodes(session: &mut Session) {
    wait_until("all nodes answer", || {
        session
            .try_number(
                "SELECT count(*) FROM run_command_on_all_nodes('SELECT 1') WHERE NOT success",
            )
            .is_ok_and(|failed| failed == 0)
    });
}
