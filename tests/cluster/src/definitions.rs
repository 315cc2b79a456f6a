//! The definitions of an extension's objects, to compare two databases by.

use crate::database::Database;

/// How lines begin that say nothing of a definition: comments on the dump, the keys of pg_dump against injection, what
/// names a transaction or a place in the WAL, how far a sequence is.
const NO_DEFINITION: [&str; 6] = [
    "--",
    "\\restrict",
    "\\unrestrict",
    "SET relfrozenxid",
    "SELECT pg_catalog.binary_upgrade_set_next_attribute_versions",
    "SELECT pg_catalog.setval",
];

/// The statements that make every object of a database, members of extensions among them, with their comments,
/// privileges, security policies and defaults, as pg_dump writes them for pg_upgrade: it must know all there is.
///
/// Oids and transaction ids, which differ from database to database, are left out.
pub fn definitions(database: &Database) -> Vec<String> {
    let dump = database.cluster().client(
        "pg_dump",
        &["--binary-upgrade", "--schema-only", database.name()],
    );
    dump.lines()
        .filter(|line| !line.trim().is_empty())
        .filter(|line| !NO_DEFINITION.iter().any(|start| line.starts_with(start)))
        .map(without_oids)
        .collect()
}

/// Puts `#` for each number that may be the oid of an object that is not the server's own: of five digits or more.
fn without_oids(line: &str) -> String {
    let mut result = String::new();
    let mut digits = String::new();
    for character in line.chars().chain(['\n']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        result.push_str(if digits.len() < 5 { &digits } else { "#" });
        digits.clear();
        result.push(character);
    }
    result.truncate(result.len() - 1);
    result
}

/// The lines that only one of two lists has, each with its sign; empty if they are the same, in the same order.
pub fn difference(old: &[String], new: &[String]) -> String {
    if old == new {
        return String::new();
    }
    let only = |sign: char, these: &[String], those: &[String]| {
        let lines = these.iter().filter(|line| !those.contains(line));
        lines
            .map(|line| format!("{sign} {line}\n"))
            .collect::<String>()
    };
    let lines = only('-', old, new) + &only('+', new, old);
    if lines.is_empty() {
        return "the same lines in another order\n".to_owned();
    }
    lines
}
