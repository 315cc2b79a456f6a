//! Every block of SQL in the recipes for frameworks, run as it stands there by psql, on the framework's own tables.

use cluster::{Block, Cluster, Filled, Page, Session, framework, frameworks};
use std::collections::BTreeSet;

/// Neither the zone of the server nor that of any application.
const ZONE: &str = "America/New_York";

/// Runs a block in a session to which the table is known without its schema.
fn run(block: &Block, database: &str, schema: &str) {
    let start = format!("SET search_path = {schema}, public; SET timezone = '{ZONE}';");
    Cluster::shared().psql(database, &format!("{start}\n{}", block.text));
}

/// The table that the call in a block names, as it is written there.
fn table_of(block: &Block) -> Option<&str> {
    let (_, call) = block.text.split_once("raw_clear_sessions")?;
    call.split('\'').nth(1)
}

/// Runs every second block of SQL, and sees what became of the tables: two tests share the work.
fn try_blocks(half: usize, database: &str) {
    let database = Cluster::shared().database(database);
    let mut session = database.connect();
    for (number, block) in Page::all_blocks_of("sql").iter().enumerate() {
        assert!(!block.tables.is_empty(), "{}: for what?", block.place());
        if number % 2 != half {
            continue;
        }
        for table in &block.tables {
            let filled = Filled::new(&mut session, &format!("{table}_{number}"), table);
            run(block, database.name(), &filled.schema);
            let as_it_should_be = if block.clears() {
                filled.is_cleared(&mut session)
            } else {
                filled.is_untouched(&mut session)
            };
            let state = filled.state(&mut session);
            assert!(as_it_should_be, "{} left {state}", block.place());
        }
    }
}

#[test]
fn every_call_deletes_what_has_expired_and_nothing_else() {
    try_blocks(0, "recipes_0");
}

#[test]
fn every_other_call_deletes_what_has_expired_and_nothing_else() {
    try_blocks(1, "recipes_1");
}

/// The frameworks that a page is for.
fn with_a_page() -> Vec<String> {
    let mut files = frameworks();
    files.retain(|file| framework(file).1.contains("\n-- recipe: "));
    files
}

#[test]
fn every_framework_with_a_page_has_a_recipe_for_one_call_and_one_for_the_worker() {
    let mut called = BTreeSet::new();
    let mut scheduled = BTreeSet::new();
    let blocks = ["sql", "ini"].map(Page::all_blocks_of);
    for block in blocks.into_iter().flatten() {
        let tables = block.tables.iter().cloned();
        match block.language.as_str() {
            "sql" if block.clears() => called.extend(tables),
            "sql" if block.schedules() => scheduled.extend(tables),
            "ini" if block.text.contains("raw_clear_sessions.tables") => scheduled.extend(tables),
            _ => {}
        }
    }
    for framework in with_a_page() {
        assert!(called.contains(&framework), "no call for {framework}");
        assert!(scheduled.contains(&framework), "no worker for {framework}");
    }
}

/// A page says which index a call could use where the framework makes none, and only there.
#[test]
fn an_index_is_advised_where_the_framework_makes_none_and_a_call_can_use_it() {
    let database = Cluster::shared().database("recipes_index");
    let mut session = database.connect();
    let blocks = Page::all_blocks_of("sql");
    for framework in with_a_page() {
        let of_framework = || {
            blocks
                .iter()
                .filter(|block| block.tables.contains(&framework))
        };
        let call = of_framework()
            .find(|block| block.clears())
            .expect("there is a call");
        let advice = of_framework().find(|block| block.text.contains("CREATE INDEX"));
        Filled::new(&mut session, &framework, &framework);
        let before = index(&mut session, call);
        assert_eq!(
            before.is_none(),
            advice.is_some(),
            "{framework} has {before:?}"
        );
        if let Some(advice) = advice {
            run(advice, database.name(), &framework);
            assert!(index(&mut session, call).is_some(), "{}", advice.place());
        }
    }
}

/// The index that the call in a block could use, by the preview.
fn index(session: &mut Session, call: &Block) -> Option<String> {
    let preview = call
        .text
        .replace("raw_clear_sessions(", "raw_clear_sessions_preview(");
    let statement = preview.trim().trim_end_matches(';');
    let table = table_of(call).expect("a call names its table");
    assert!(
        statement.starts_with("SELECT raw_clear_sessions_preview("),
        "{table}: {statement}"
    );
    session.value(&format!("{statement} ->> 'index'"))
}
