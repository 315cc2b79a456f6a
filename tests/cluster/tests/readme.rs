//! Every command of the README and of the documents that show some, run as it stands there.

use cluster::{
    Cluster, Filled, Session, Shutdown, create_sessions, framework, frameworks, markdown,
};
use std::path::Path;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn document(file: &str) -> String {
    std::fs::read_to_string(Path::new(ROOT).join(file)).expect("the document is there")
}

/// The fenced blocks of SQL, in order.
fn blocks(document: &str) -> Vec<&str> {
    document
        .split("```sql\n")
        .skip(1)
        .map(|rest| rest.split("```").next().expect("the block ends"))
        .collect()
}

/// The rows of the table of calls: what stands in the first column, and the call in the second.
fn calls<'a>(document: &'a str, header: &str) -> Vec<(&'a str, &'a str)> {
    let rows = markdown::rows(document, header);
    rows.into_iter().map(|row| (row[0], row[1])).collect()
}

#[test]
fn every_block_of_sql_works_as_written() {
    let database = Cluster::shared().bare_database("readme_start");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 100, 10);
    let readme = document("README.md");
    let mut blocks = blocks(&readme);
    assert_eq!(blocks.len(), 9);
    // It shows what the extension does before it tells how to get it.
    blocks.sort_by_key(|block| !block.starts_with("CREATE EXTENSION"));
    for block in blocks {
        session.run(block);
    }
    assert_eq!(session.count("django_session"), 10);
}

#[test]
fn the_operations_guide_works_as_written() {
    let cluster = Cluster::with(&[("shared_preload_libraries", "raw_clear_sessions")]);
    let database = cluster.database("operations");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 100, 10);
    let has_repack = session.yes("SELECT current_setting('server_version_num')::integer >= 190000");
    let guide = document("docs/operations.md");
    for block in blocks(&guide) {
        // One by one: some commands cannot be part of a transaction.
        for statement in block.trim().split(";\n") {
            if has_repack || !statement.contains("repack_above") {
                session.run(statement);
            } else {
                assert_eq!(session.refused(statement), "0A000");
            }
        }
    }
    assert_eq!(session.count("django_session"), 10);
    assert!(session.yes("SELECT to_regclass('raw_clear_sessions.status') IS NULL"));
}

#[test]
fn the_examples_of_the_reference_work_as_written() {
    let database = Cluster::shared().database("examples");
    let mut session = database.connect();
    let mut examples = 0;
    for file in std::fs::read_dir(Path::new(ROOT).join("docs/reference")).expect("the reference") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("a text");
        for block in blocks(&text) {
            session.run(block);
            examples += 1;
        }
    }
    assert!(examples > 0);
}

/// The fenced block of postgresql.conf, as names and values.
fn configuration(document: &str) -> Vec<(&str, &str)> {
    let block = document.split("```ini\n").nth(1);
    let block = block.and_then(|rest| rest.split("```").next());
    let lines = block.expect("there is a block").lines();
    lines
        .map(|line| {
            let (name, value) = line.split_once(" = '").expect("a name and a value");
            (name, value.split('\'').next().expect("it is quoted"))
        })
        .collect()
}

#[test]
fn the_lines_for_postgresql_conf_are_all_it_takes() {
    let readme = document("README.md");
    let settings = configuration(&readme);
    assert_eq!(settings, configuration(&document("docs/operations.md")));
    let mut cluster = Cluster::with(&[]);
    {
        let mut session = cluster.database("app").connect();
        create_sessions(&mut session, "django_session", 100, 10);
    }
    cluster.set(&settings);
    cluster.stop(Shutdown::Fast);
    cluster.start();
    let mut session = cluster.connect_to("app");
    session.wait_for_count("django_session", 10);
    assert!(session.yes("SELECT bool_and(note IS NULL) FROM raw_clear_sessions.status"));
}

#[test]
fn the_line_for_cron_works_as_written() {
    let database = Cluster::shared().bare_database("app");
    let mut session = database.connect();
    create_sessions(&mut session, "django_session", 100, 10);
    session.run("CREATE EXTENSION raw_clear_sessions");
    let readme = document("README.md");
    let line = readme
        .lines()
        .find_map(|line| line.strip_prefix("    psql "))
        .expect("the README has a line for cron");
    let (dbname, command) = line.split_once(' ').expect("two options");
    // What the shell would make of it: the quotes around the command go.
    Cluster::shared().client("psql", &[dbname, &command.replace('"', "")]);
    assert_eq!(session.count("django_session"), 10);
}

/// Also without a page of its own: the reference is made of the framework's file.
#[test]
fn every_framework_is_cleared_by_the_call_in_the_reference() {
    let database = Cluster::shared().database("readme_frameworks");
    let mut session = database.connect();
    let reference = document("docs/reference/frameworks.md");
    let calls = calls(&reference, "| framework | call |");
    assert_eq!(calls.len(), frameworks().len());
    for file in frameworks() {
        let (name, ..) = framework(&file);
        let call = calls.iter().find(|row| row.0 == name);
        let call = call.unwrap_or_else(|| panic!("no call for {name}")).1;
        let filled = Filled::new(&mut session, &file, &file);
        let preview = call.replace("raw_clear_sessions(", "raw_clear_sessions_preview(");
        let preview = preview.trim_end_matches(';').replace("SELECT ", "");
        let recognized = session.text(&format!("SELECT {preview} ->> 'framework'"));
        assert_eq!(recognized, name);
        session.run(call);
        assert!(
            filled.is_cleared(&mut session),
            "{}",
            filled.state(&mut session)
        );
    }
}

#[test]
fn other_tables_are_cleared_by_the_calls_in_their_recipes() {
    let database = Cluster::shared().database("readme_tables");
    let mut session = database.connect();
    create_other_tables(&mut session);
    let reference = document("docs/reference/frameworks.md");
    let recipes = calls(&reference, "| table | call |");
    assert_eq!(recipes.len(), 6);
    for (table, call) in recipes {
        assert_eq!(session.number(call.trim_end_matches(';')), 1, "{table}");
    }
}

/// The tables that the recipes name, each with one row that the recipe's call deletes, and some that it must not.
fn create_other_tables(session: &mut Session) {
    session.run(
        "CREATE VIEW instant AS
             SELECT at, 'red' AS tenant FROM (VALUES (now() - interval '1 minute'), (now() + interval '1 minute')) AS v (at);
         CREATE TABLE token AS SELECT at AS valid_until FROM instant;
         CREATE TABLE token_ms AS SELECT (extract(epoch FROM at) * 1000)::bigint AS valid_until FROM instant;
         CREATE TABLE token_local AS SELECT at AT TIME ZONE 'Europe/Berlin' AS valid_until FROM instant;
         CREATE TABLE visit AS SELECT at - interval '14 days' AS last_seen FROM instant;
         CREATE TABLE tomcat AS
             SELECT (extract(epoch FROM now() - interval '1 hour') * 1000)::bigint AS last_access, max_inactive
             FROM (VALUES (1800), (7200), (-1)) AS v (max_inactive);
         CREATE TABLE shared_token AS
             SELECT at AS valid_until, tenant FROM instant UNION ALL SELECT at, 'blue' FROM instant;",
    );
}
