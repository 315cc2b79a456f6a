//! The recipes for the worker: each block of postgresql.conf as it stands there, with the policies of its page.

use cluster::{Block, Cluster, Filled, PRELOADED, Page, SOON, Session, wait_until};

/// A server that is set up as every recipe says, but for the tables: it has no reason to clear any.
fn start() -> Cluster {
    let common =
        "shared_preload_libraries = 'raw_clear_sessions'\nraw_clear_sessions.databases = 'app'\n";
    for block in Page::all_blocks_of("ini") {
        assert!(block.text.starts_with(common), "{}", block.place());
    }
    Cluster::with(&[PRELOADED])
}

/// Has the server read a block of settings as it stands there.
fn configure(cluster: &Cluster, block: &Block) {
    cluster.add_lines(&block.text);
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
    let mut blocks = Page::all_blocks_of("ini");
    blocks.retain(|block| block.text.contains("raw_clear_sessions.tables"));
    let filled: Vec<_> = (0..)
        .zip(&blocks)
        .map(|(number, block)| fill(&mut session, block, number))
        .collect();
    for (block, filled) in blocks.iter().zip(&filled) {
        configure(&cluster, block);
        wait_for_clearing(&mut session, block, filled);
    }
    assert!(session.runs("stop = 'done' AND deleted > 0") >= blocks.len() as i64);
}

#[test]
fn the_worker_goes_by_the_policies_of_the_recipes() {
    let cluster = start();
    let mut session = cluster.database("app").connect();
    let mut policies = Page::all_blocks_of("sql");
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
    session.run("UPDATE raw_clear_sessions.policy SET schedule = NULL");
    let settings = Page::all_blocks_of("ini")
        .into_iter()
        .find(|block| !block.text.contains(".tables"));
    configure(
        &cluster,
        &settings.expect("a recipe with a policy has settings"),
    );
    for (block, filled) in &all {
        wait_for_clearing(&mut session, block, std::slice::from_ref(filled));
    }
    assert_eq!(session.runs("error IS NOT NULL"), 0);
}
