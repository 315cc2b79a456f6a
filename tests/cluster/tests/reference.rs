//! The reference in docs/ says what the server says: names, types, defaults, ranges, contexts, descriptions.

use cluster::{Cluster, Database, Session, markdown};
use std::collections::BTreeSet;
use std::path::Path;

const REFERENCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference");

fn document(file: &str) -> String {
    std::fs::read_to_string(Path::new(REFERENCE).join(file)).expect("the reference is there")
}

fn database(name: &str) -> (Database<'static>, Session) {
    let database = Cluster::shared().database(name);
    let session = database.connect();
    (database, session)
}

/// What belongs to the extension, of one of the system's catalogs.
fn members(catalog: &str) -> String {
    format!(
        "SELECT d.objid FROM pg_depend AS d JOIN pg_extension AS e ON d.refobjid = e.oid
         WHERE d.deptype = 'e' AND e.extname = 'raw_clear_sessions' AND d.classid = '{catalog}'::regclass"
    )
}

#[test]
fn every_setting_is_in_the_reference_as_the_server_has_it() {
    let (_database, mut session) = database("reference_settings");
    session.run("LOAD 'raw_clear_sessions'");
    let there = session.texts(
        "SELECT concat_ws('|', name, vartype, coalesce(unit, ''), current_setting(name),
             CASE WHEN vartype = 'enum' THEN array_to_string(enumvals, ', ')
                 ELSE coalesce(min_val || ' to ' || max_val, '') END, context)
         FROM pg_settings WHERE name LIKE 'raw\\_clear\\_sessions.%' ORDER BY name",
    );
    let document = document("settings.md");
    let header = "| setting | type | unit | default | range | context | |";
    let rows = markdown::rows(&document, header);
    let documented: Vec<_> = rows.iter().map(|row| row[..6].join("|")).collect();
    assert_eq!(documented, there);
    for row in rows {
        assert!(row[6].ends_with('.'), "{} has a description", row[0]);
    }
}

/// A signature without line breaks, and without the casts and the modes of a procedure's parameters that the server adds.
fn signature(text: &str) -> String {
    let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (from, to) in [
        ("( ", "("),
        (" )", ")"),
        ("(IN ", "("),
        (", IN ", ", "),
        ("timestamp with time zone", "timestamptz"),
    ] {
        words = words.replace(from, to);
    }
    let casts = ["text", "interval", "integer", "bigint", "double precision"];
    for cast in casts {
        words = words.replace(&format!("NULL::{cast}"), "NULL");
    }
    words.trim().to_owned()
}

#[test]
fn every_function_is_in_the_reference_with_its_parameters_and_defaults() {
    let (_database, mut session) = database("reference_functions");
    let document = document("functions.md");
    let internal: BTreeSet<String> = markdown::rows(&document, "| function | |")
        .iter()
        .map(|row| row[0].to_owned())
        .collect();
    let mut documented: BTreeSet<String> = document
        .split("```text\n")
        .skip(1)
        .filter_map(|block| block.split("```").next())
        .filter(|block| block.starts_with("raw_clear_sessions"))
        .map(signature)
        .collect();
    assert!(documented.len() >= 6);
    let there = session.texts(&format!(
        "SELECT oid::regproc || '(' || pg_get_function_arguments(oid) || ')'
             || CASE WHEN prokind = 'f' THEN ' RETURNS ' || pg_get_function_result(oid) ELSE '' END
         FROM pg_proc WHERE oid IN ({})",
        members("pg_proc")
    ));
    let mut unknown = Vec::new();
    for function in there.iter().map(|there| signature(there)) {
        let name = function.split('(').next().unwrap_or_default();
        if !documented.remove(&function) && !internal.contains(name) {
            unknown.push(function);
        }
    }
    assert!(unknown.is_empty(), "not in functions.md: {unknown:#?}");
    assert!(documented.is_empty(), "not in the server: {documented:#?}");
    assert!(internal.iter().all(|name| {
        there
            .iter()
            .any(|there| there.starts_with(&format!("{name}(")))
    }));
}

#[test]
fn every_parameter_is_explained_once_with_its_type() {
    let (_database, mut session) = database("reference_parameters");
    let document = document("functions.md");
    let rows = markdown::rows(&document, "| parameter | type | meaning |");
    let documented: Vec<_> = rows
        .iter()
        .map(|row| (row[0].to_owned(), row[1].to_owned()))
        .collect();
    let there = session.texts(&format!(
        "SELECT DISTINCT quote_ident(a.name) || '|' || format_type(a.type, NULL)
         FROM pg_proc AS p, unnest(p.proargnames, coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes) AS a (name, type, mode)
         WHERE p.oid IN ({}) AND coalesce(a.mode NOT IN ('o', 't'), true) AND p.pronamespace <> 'raw_clear_sessions'::regnamespace ORDER BY 1",
        members("pg_proc")
    ));
    let mut sorted: Vec<_> = documented
        .iter()
        .map(|(name, kind)| format!("{name}|{kind}"))
        .collect();
    sorted.sort();
    assert_eq!(sorted, there);
}

#[test]
fn every_column_is_in_the_reference_as_psql_describes_it() {
    let (_database, mut session) = database("reference_views");
    let document = document("views.md");
    let relations = session.texts(&format!(
        "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'v') AND oid IN ({})
             AND has_table_privilege('pg_monitor', oid, 'SELECT') ORDER BY relname",
        members("pg_class")
    ));
    assert_eq!(relations.len(), 4);
    for relation in relations {
        let there = session.texts(&format!(
            "SELECT concat_ws('|', attname, replace(format_type(atttypid, atttypmod), 'timestamp with time zone', 'timestamptz'),
                 col_description(attrelid, attnum))
             FROM pg_attribute WHERE attrelid = '{relation}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        ));
        let section = document.split(&format!("## {relation}\n")).nth(1);
        let section = section.unwrap_or_else(|| panic!("views.md has no section {relation}"));
        let section = section.split("\n## ").next().unwrap_or_default();
        let rows = markdown::rows(section, "| column | type | |");
        let documented: Vec<_> = rows.iter().map(|row| row.join("|")).collect();
        assert_eq!(documented, there, "{relation}");
    }
}

#[test]
fn every_phase_and_reason_to_stop_is_in_the_reference() {
    let (_database, mut session) = database("reference_values");
    let document = document("views.md");
    for (column, header) in [
        (
            "raw_clear_sessions.progress.phase",
            "| phase | | percentage |",
        ),
        ("raw_clear_sessions.run.stop", "| stop | |"),
    ] {
        let (relation, column) = column.rsplit_once('.').expect("a relation and a column");
        let comment = session.text(&format!(
            "SELECT col_description('{relation}'::regclass, attnum) FROM pg_attribute
             WHERE attrelid = '{relation}'::regclass AND attname = '{column}'"
        ));
        let rows = markdown::rows(&document, header);
        let explained: Vec<_> = rows.iter().map(|row| row[0].replace('`', "")).collect();
        let listed = comment.split(';').next().unwrap_or_default();
        let listed = listed.replace("why it ended: ", "").replace(" or ", " ");
        assert_eq!(explained.join(", "), listed, "{comment}");
    }
}

#[test]
fn every_key_of_the_preview_is_in_the_reference() {
    let (_database, mut session) = database("reference_preview");
    session.run(
        "CREATE TABLE session (id integer, expires timestamptz) PARTITION BY LIST (id);
         CREATE TABLE session_1 PARTITION OF session FOR VALUES IN (1);",
    );
    let there = session.texts(
        "SELECT jsonb_object_keys(raw_clear_sessions_preview('session', expires => 'expires')) ORDER BY 1",
    );
    let document = document("functions.md");
    let rows = markdown::rows(&document, "| key | |");
    let mut documented: Vec<_> = rows
        .iter()
        .flat_map(|row| row[0].split(", "))
        .map(|key| key.trim_matches('`').to_owned())
        .collect();
    documented.sort();
    assert_eq!(documented, there);
}
