//! The recipes for the worker: each block of postgresql.conf as it stands there, with the policies of its page.

use cluster::{Block, Cluster, Filled, Page, Session, wait_until};
use std::fs::OpenOptions;
use std::io::Write;

/// What the tests add to every recipe, so that nobody has to wait for a quarter of an hour.
const SOON: (&str, &str) = ("raw_clear_sessions.schedule", "1 s");

/// The blocks of one language of all pages that say for which tables they are.
fn blocks(language: &str) -> Vec<Block> {
    let pages = Page::all();
    let blocks = pages.iter().flat_map(|page| page.blocks_of(language));
    blocks.filter(|block| !block.tables.is_empty()).collect()
}

/// A server that is set up as every recipe says, but for the tables: it has no reason to clear any.
fn start() -> Cluster {
    let common =
        "shared_preload_libraries = 'raw_clear_sessions'\nraw_clear_sessions.databases = 'app'\n";
    for block in blocks("ini") {
        assert!(block.text.starts_with(common), "{}", block.place());
    }
    Cluster::with(&[("shared_preload_libraries", "raw_clear_sessions")])
}

/// Has the server read a block of settings as it stands there.
fn configure(cluster: &Cluster, settings: &str) {
    OpenOptions::new()
        .append(true)
        .open(cluster.data().join("postgresql.conf"))
        .and_then(|mut file| file.write_all(settings.as_bytes()))
        .expect("postgresql.conf can be written");
    cluster.reload(&[SOON]);
}

fn wait_for_clearing(session: &mut Session, block: &Block, filled: &[Filled]) {
    let what = format!("the worker has cleared the tables of {}", block.place());
    wait_until(&what, || {
        filled.iter().all(|filled| filled.is_cleared(session))
    });
}

fn fill(session: &mut Session, block: &Block, number: usize) -> Vec<Filled> {
    let tables = block.tables.iter();
    let fill = |table: &String| Filled::new(session, &format!("{table}_{number}"), table);
    tables.map(fill).collect()
}

#[test]
fn the_worker_clears_the_tables_that_a_recipe_lists_in_postgresql_conf() {
    let cluster = start();
    let mut session = cluster.database("app").connect();
    let mut blocks = blocks("ini");
    blocks.retain(|block| block.text.contains("raw_clear_sessions.tables"));
    let filled: Vec<_> = (0..)
        .zip(&blocks)
        .map(|(number, block)| fill(&mut session, block, number))
        .collect();
    for (block, filled) in blocks.iter().zip(&filled) {
        configure(&cluster, &block.text);
        wait_for_clearing(&mut session, block, filled);
    }
    assert!(session.runs("stop = 'done' AND deleted > 0") >= blocks.len() as i64);
}

#[test]
fn the_worker_goes_by_the_policies_of_the_recipes() {
    let cluster = start();
    let mut session = cluster.database("app").connect();
    let mut policies = blocks("sql");
    policies.retain(Block::schedules);
    let mut all = Vec::new();
    for (number, block) in policies.iter().enumerate() {
        for table in &block.tables {
            let filled = Filled::new(&mut session, &format!("{table}_{number}"), table);
            session.run(&block.text);
            all.push((block, filled));
        }
    }
    // A policy for the night would have to wait for it.
    session.run("UPDATE raw_clear_sessions_policy SET schedule = NULL");
    let settings = blocks("ini")
        .into_iter()
        .find(|block| !block.text.contains(".tables"));
    configure(
        &cluster,
        &settings.expect("a recipe with a policy has settings").text,
    );
    for (block, filled) in &all {
        wait_for_clearing(&mut session, block, std::slice::from_ref(filled));
    }
    assert_eq!(session.runs("stop = 'failed'"), 0);
}
