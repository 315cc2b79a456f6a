//! The modules of the extension use those below them, in the order in which src/lib.rs lists them, and none above: so none
//! needs to be understood, or changed, for one that it does not know.

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../src")
}

/// The modules that the first comment of src/lib.rs lists, from the top down.
fn layers(library: &str) -> Vec<&str> {
    let listed = library
        .lines()
        .filter_map(|line| line.strip_prefix("//! - [`"));
    listed.filter_map(|line| line.split('`').next()).collect()
}

/// Every source file: its path below src, and its text.
fn files(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in read_dir(folder).expect("the sources are there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files(&path, found);
        } else {
            let text = read_to_string(&path).expect("a text");
            let path = path.strip_prefix(sources()).expect("it is below src");
            found.push((path.to_owned(), text));
        }
    }
}

/// The module at the crate's root that a file belongs to.
fn module(file: &Path) -> &str {
    let first = file.iter().next().expect("a path").to_str().expect("UTF-8");
    first.trim_end_matches(".rs")
}

/// The modules at the crate's root that the text names. Each is named on a path of its own, so that this can be read.
fn uses(text: &str) -> impl Iterator<Item = &str> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1))
        .filter_map(|rest| {
            rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                .next()
        })
}

/// What of the file goes upward, or cannot be told.
fn wrong(layers: &[&str], file: &Path, text: &str) -> Vec<String> {
    let rank = |name: &str| layers.iter().position(|layer| *layer == name);
    let own = rank(module(file));
    let mut wrong: Vec<String> = uses(text)
        .filter(|used| *used != module(file))
        .filter(|used| rank(used).is_none_or(|used| own.is_none_or(|own| used <= own)))
        .map(|used| format!("{} uses {used}", file.display()))
        .collect();
    // Nor by another way to the root: from a file at depth n that takes n times super.
    let to_root = "super::".repeat(file.iter().count());
    if text.lines().any(|line| line.contains(&to_root)) {
        wrong.push(format!("{} leaves its module by super", file.display()));
    }
    wrong
}

#[test]
fn every_module_is_listed_once() {
    let library = read_to_string(sources().join("lib.rs")).expect("there is src/lib.rs");
    let mut listed = layers(&library);
    listed.sort_unstable();
    let modules: Vec<&str> = library
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    assert!(modules.len() > 5, "{modules:?}");
    assert_eq!(listed, modules);
}

#[test]
fn no_module_uses_one_above_it() {
    let library = read_to_string(sources().join("lib.rs")).expect("there is src/lib.rs");
    let mut found = Vec::new();
    files(&sources(), &mut found);
    let used: usize = found.iter().map(|(_, text)| uses(text).count()).sum();
    assert!(used > 100, "{used}");
    let wrong: Vec<String> = found
        .iter()
        .filter(|(file, _)| file != Path::new("lib.rs"))
        .flat_map(|(file, text)| wrong(&layers(&library), file, text))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn one_that_does_is_found() {
    let layers = ["sql", "run", "pg"];
    let wrong = |file: &str, text: &str| !wrong(&layers, Path::new(file), text).is_empty();
    assert!(!wrong("sql.rs", "use crate::run::Limits;\nuse crate::sql;"));
    assert!(!wrong(
        "run/slice.rs",
        "//! Called by [`crate::sql`].\nuse crate::pg;"
    ));
    assert!(wrong("pg/worker.rs", "use crate::run;"));
    assert!(wrong("run.rs", "    let x = crate::sql::call();"));
    assert!(wrong("run.rs", "use crate::{pg, sql};"));
    assert!(wrong("run.rs", "use crate::elsewhere;"));
    assert!(wrong("run.rs", "use super::sql;"));
    assert!(wrong("run/slice.rs", "use super::super::sql;"));
    assert!(!wrong("run/slice.rs", "use super::{Host, Limits};"));
}
