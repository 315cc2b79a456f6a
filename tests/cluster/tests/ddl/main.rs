//! Tables that are altered while they are cleared: no live row, no key, no trigger and no other table's row is lost.

mod runner;
mod seeds;
mod storm;
mod world;

use cluster::{Cluster, PRELOADED, rounds, seed};
use runner::Way;
use storm::storm;
use world::Tree;

/// The worker waits for locks as long as the strikes last, and works without rest.
const SETTINGS: [(&str, &str); 4] = [
    PRELOADED,
    ("raw_clear_sessions.databases", "*"),
    ("raw_clear_sessions.cost_delay", "0"),
    ("raw_clear_sessions.lock_timeout", "30s"),
];

/// Storms over both kinds of trees, each in a database of its own.
fn storms(way: Way, default: u32) {
    let cluster = Cluster::with(&SETTINGS);
    cluster
        .connect()
        .run("CREATE ROLE storm_owner LOGIN; CREATE ROLE storm_other LOGIN");
    for tree in Tree::ALL {
        let database = cluster.database(&format!("{tree:?}").to_lowercase());
        storm(&cluster, &database, tree, way, rounds(default), seed());
    }
}

#[test]
fn alterations_while_a_function_clears_lose_nothing() {
    storms(Way::Function, 12);
}

#[test]
fn alterations_while_the_procedure_clears_lose_nothing() {
    storms(Way::Procedure, 5);
}

#[test]
fn alterations_while_a_table_is_rewritten_lose_nothing() {
    storms(Way::Rewrite, 12);
}

#[test]
fn alterations_while_a_preview_counts_lose_nothing() {
    storms(Way::Preview, 8);
}

#[test]
fn alterations_while_the_worker_clears_lose_nothing() {
    storms(Way::Worker, 3);
}
