//! docs/TESTING.md names tests that exist.

use std::fs::{read_dir, read_to_string};
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn document() -> String {
    read_to_string(Path::new(ROOT).join("docs/TESTING.md")).expect("there is docs/TESTING.md")
}

/// What stands between backticks in the text.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The files of a suite in which a test is written: no expected output, no helpers, and nothing that was built.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries = read_dir(folder).ok()?.map(|entry| entry.expect("an entry"));
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in entries {
        let path = entry.path();
        if !path.is_dir() {
            files.push(path);
        } else if !["expected", "src", "target"].contains(&entry.file_name().to_str()?) {
            folders.push(path);
        }
    }
    let is_it = |file: &PathBuf| {
        let stem = file.file_stem().and_then(|stem| stem.to_str());
        let extension = file.extension().and_then(|extension| extension.to_str());
        stem == Some(name) && matches!(extension, Some("rs" | "sql" | "spec" | "py"))
    };
    // A test program of more than one file is a folder.
    let program = folder.join(name).join("main.rs");
    if program.is_file() {
        return Some(program);
    }
    let found = files.into_iter().find(is_it);
    found.or_else(|| folders.iter().find_map(|folder| find(folder, name)))
}

/// The test named as in `suite/file::test`; what is wrong, if something is.
fn check(test: &str) -> Result<(), String> {
    let (place, function) = test.split_once("::").unwrap_or((test, ""));
    let (suite, file) = place.split_once('/').ok_or("there is no suite")?;
    let tests = Path::new(ROOT).join("tests");
    let folders = match suite {
        "unit" => vec![Path::new(ROOT).join("logic/tests"), tests.join("documents")],
        _ => vec![tests.join(suite)],
    };
    let path = folders
        .iter()
        .find_map(|folder| find(folder, file))
        .ok_or_else(|| format!("there is no {file} in the tests of {suite}"))?;
    let text = read_to_string(&path).map_err(|error| error.to_string())?;
    let defined = ["fn ", "def ", "class "]
        .iter()
        .any(|keyword| text.contains(&format!("{keyword}{function}(")));
    if function.is_empty() || defined {
        return Ok(());
    }
    Err(format!("there is no {function} in {}", path.display()))
}

#[test]
fn every_test_that_the_document_names_exists() {
    let document = document();
    let rows = document.lines().filter(|line| line.starts_with('|'));
    let last_cells = rows.filter_map(|row| row.trim_matches(['|', ' ']).rsplit(" | ").next());
    let tests: Vec<&str> = last_cells
        .flat_map(quoted)
        .filter(|quoted| quoted.contains('/') && !quoted.contains(' '))
        .collect();
    assert!(tests.len() > 50, "{tests:?}");
    for test in tests {
        check(test).unwrap_or_else(|wrong| panic!("`{test}`: {wrong}"));
    }
}

#[test]
fn a_test_that_is_not_there_is_missed() {
    assert_eq!(check("unit/testing"), Ok(()));
    assert_eq!(
        check("unit/testing::a_test_that_is_not_there_is_missed"),
        Ok(())
    );
    for test in [
        "unit/testin",
        "nowhere/testing",
        "unit/testing::a_test_that_was_renamed",
        "testing",
    ] {
        assert!(check(test).is_err(), "{test}");
    }
}

#[test]
fn every_suite_and_target_that_the_document_names_exists() {
    let makefile = read_to_string(Path::new(ROOT).join("Makefile")).expect("there is a Makefile");
    let document = document();
    let (mut suites, mut targets) = (0, 0);
    for quoted in quoted(&document) {
        if quoted.starts_with("tests/") || quoted.starts_with("logic/") {
            assert!(Path::new(ROOT).join(quoted).exists(), "{quoted}");
            suites += 1;
        }
        if let Some(target) = quoted.strip_prefix("make ") {
            let rule = format!("\n{target}:");
            assert!(makefile.contains(&rule), "{quoted}");
            targets += 1;
        }
    }
    assert!(suites >= 5 && targets >= 9, "{suites}, {targets}");
}
