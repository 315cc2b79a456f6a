//! The documents hold together: their links lead somewhere, and what they say of errors is what the sources say.

#[path = "../../cluster/src/markdown.rs"]
mod markdown;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{read_dir, read_to_string};
use std::path::{Component, Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The files below a folder whose names end so, by their paths from the root, but not what is built or hidden.
fn files(folder: &Path, ending: &str) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    for entry in read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            let is_built = path == Path::new(ROOT).join("target") || name == "node_modules";
            if !is_built && !name.starts_with(['.', '_']) {
                found.extend(files(&path, ending));
            }
        } else if name.ends_with(ending) {
            let text = read_to_string(&path).expect("a text");
            let path = path.strip_prefix(ROOT).expect("it is below the root");
            found.insert(path.to_owned(), text);
        }
    }
    found
}

/// What is not in a fenced block.
fn prose(document: &str) -> String {
    let outside = document.split("```").step_by(2);
    outside.collect::<Vec<_>>().join("\n")
}

/// `a/../b` as `b`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => assert!(plain.pop(), "{} leads out", path.display()),
            Component::CurDir => {}
            other => plain.push(other),
        }
    }
    plain
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(document: &str) -> BTreeSet<String> {
    let prose = prose(document);
    let headings = prose.lines().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let heading = line.trim_start_matches('#').trim().to_lowercase();
            heading
                .chars()
                .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
                .map(|c| if c == ' ' { '-' } else { c })
                .collect()
        })
        .collect()
}

#[test]
fn every_link_of_a_document_leads_somewhere() {
    let documents = files(Path::new(ROOT), ".md");
    let mut broken = Vec::new();
    let mut links = 0;
    for (file, text) in &documents {
        for link in prose(text).split("](").skip(1) {
            let target = link.split(')').next().unwrap_or_default();
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            links += 1;
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let here = file.parent().unwrap_or(Path::new(""));
            let path = if path.is_empty() {
                file.clone()
            } else {
                plain(&here.join(path))
            };
            let is_there = Path::new(ROOT).join(&path).exists();
            let is_anchor = anchor.is_empty()
                || documents
                    .get(&path)
                    .is_some_and(|document| anchors(document).contains(anchor));
            if !(is_there && is_anchor) {
                broken.push(format!("{}: {target}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(links > 50, "{links} links were found");
}

#[test]
fn the_index_leads_to_every_document() {
    let documents = files(&Path::new(ROOT).join("docs"), ".md");
    let index = Path::new("docs/README.md");
    let text = &documents[index];
    let links: Vec<_> = text
        .split("](")
        .skip(1)
        .filter_map(|link| link.split([')', '#']).next())
        .map(|link| plain(&Path::new("docs").join(link)))
        .collect();
    for file in documents.keys().filter(|file| *file != index) {
        let is_linked = links.iter().any(|link| file.starts_with(link));
        assert!(
            is_linked,
            "docs/README.md does not lead to {}",
            file.display()
        );
    }
}

/// A message of the sources or of the documents, with `…` for what is put in.
fn pattern(text: &str) -> String {
    let text = text.replace("\\\"", "\"");
    let mut parts = text.split('{');
    let mut pattern = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('}') {
            Some((name, rest)) if !name.contains(char::is_whitespace) => {
                pattern.push('…');
                pattern.push_str(rest);
            }
            _ => {
                pattern.push('{');
                pattern.push_str(part);
            }
        }
    }
    pattern
}

/// The literal at the beginning of a piece of source, whatever wraps it.
fn literal(source: &str) -> Option<&str> {
    let source = source.trim_start();
    let source = source
        .strip_prefix("format!(")
        .unwrap_or(source)
        .trim_start();
    let source = source.strip_prefix('"')?;
    let mut escaped = false;
    let end = source.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    Some(&source[..end])
}

/// Each message that the sources refuse something with, with the condition's name as PostgreSQL spells it, or without
/// where a function of the sources adds it.
fn refusals() -> BTreeSet<(Option<String>, String)> {
    let mut found = BTreeSet::new();
    for source in files(&Path::new(ROOT).join("src"), ".rs").values() {
        for call in source.split("Refusal::new(").skip(1) {
            let Some((code, message)) = call.split_once(',') else {
                continue;
            };
            let condition = code.trim().rsplit("ERRCODE_").next().unwrap_or_default();
            if let Some(message) = literal(message) {
                found.insert((Some(condition.to_lowercase()), pattern(message)));
            }
        }
        for function in ["unsupported(", "not_in_this_state("] {
            for call in source.split(function).skip(1) {
                found.extend(literal(call).map(|message| (None, pattern(message))));
            }
        }
    }
    found
}

#[test]
fn the_reference_of_errors_has_every_message_of_the_sources() {
    let document =
        read_to_string(Path::new(ROOT).join("docs/reference/errors.md")).expect("a text");
    let mut documented: BTreeSet<(String, String)> = BTreeSet::new();
    for row in markdown::rows(&document, "| SQLSTATE | message | what to do |") {
        // Where the SQLSTATE is another error's, the row says so instead.
        let condition = row[0].split_once("` ").map_or("", |(_, name)| name);
        documented.insert((condition.to_owned(), row[1].to_owned()));
    }
    // The reasons why a setting is refused have PostgreSQL's own SQLSTATE.
    let settings = markdown::rows(&document, "| message | what to do |");
    let settings: BTreeSet<&str> = settings.iter().map(|row| row[0]).collect();
    let refusals = refusals();
    assert!(
        refusals.len() > 40,
        "{} messages were found",
        refusals.len()
    );
    let missing: Vec<_> = refusals
        .iter()
        .filter(|(condition, message)| {
            let is_documented = documented.iter().any(|(name, text)| {
                text == message && condition.as_ref().is_none_or(|condition| condition == name)
            });
            !is_documented && !settings.contains(message.as_str())
        })
        .collect();
    assert!(
        missing.is_empty(),
        "not in docs/reference/errors.md: {missing:#?}"
    );
}

#[test]
fn the_reference_of_errors_has_no_message_that_nobody_says() {
    let document =
        read_to_string(Path::new(ROOT).join("docs/reference/errors.md")).expect("a text");
    let mut known: String = files(&Path::new(ROOT).join("src"), ".rs")
        .values()
        .map(|source| pattern(source))
        .collect();
    // PostgreSQL's own messages are in the output that is expected of it.
    known.extend(files(&Path::new(ROOT).join("tests/regress/expected"), ".out").into_values());
    let rows = markdown::rows(&document, "| SQLSTATE | message | what to do |");
    // What PostgreSQL itself says of a standby is in no expected output.
    let messages = rows
        .iter()
        .map(|row| row[1])
        .filter(|message| !message.ends_with("during recovery"));
    let unknown: Vec<_> = messages
        .filter(|message| {
            let mut rest = known.as_str();
            !rest.contains(message)
                && !message.split('…').all(|part| {
                    let found = rest.find(part).map(|at| &rest[at + part.len()..]);
                    rest = found.unwrap_or_default();
                    found.is_some()
                })
        })
        .collect();
    assert!(unknown.is_empty(), "{unknown:#?}");
}

#[test]
fn the_calls_of_the_readme_are_those_of_the_reference() {
    let read = |file: &str| read_to_string(Path::new(ROOT).join(file)).expect("a text");
    let (readme, reference) = (read("README.md"), read("docs/reference/frameworks.md"));
    for row in markdown::rows(&readme, "| framework | call |") {
        assert!(reference.contains(row[1]), "{}: {}", row[0], row[1]);
    }
}

/// A client or a database with another encoding could not show it, and would show its own error instead.
#[test]
fn every_text_of_the_sources_is_ascii() {
    let sources = ["src", "logic/src", "sql"].into_iter().flat_map(|folder| {
        let ending = if folder == "sql" { ".sql" } else { ".rs" };
        files(&Path::new(ROOT).join(folder), ending)
    });
    for (path, source) in sources {
        // What column names may be made of.
        if path.ends_with("meaning/languages.rs") {
            continue;
        }
        for line in source.lines() {
            let is_comment = line
                .trim_start()
                .get(..2)
                .is_some_and(|start| ["//", "--"].contains(&start));
            assert!(is_comment || line.is_ascii(), "{}: {line}", path.display());
        }
    }
}

/// The tests of the cluster compare this table with the comment on the column.
#[test]
fn every_reason_to_stop_has_a_row_in_the_reference() {
    let read = |path: &str| read_to_string(Path::new(ROOT).join(path)).expect("a text");
    let source = read("src/run.rs");
    let names = source.lines().filter_map(|line| {
        let (_, name) = line.trim().strip_prefix("Stop::")?.split_once(" => \"")?;
        name.strip_suffix("\",").map(str::to_owned)
    });
    // A run that is put aside has not ended; the others are how a run ends that does not stop by itself.
    let mut stops: BTreeSet<String> = names.filter(|name| name != "turn").collect();
    assert!(stops.contains("done"), "{stops:?}");
    stops.extend(["failed", "left_out", "interrupted"].map(str::to_owned));
    let document = read("docs/reference/views.md");
    let rows = markdown::rows(&document, "| stop | |");
    let explained = rows.iter().flat_map(|row| row[0].split(", "));
    let explained: BTreeSet<String> = explained.map(|name| name.replace('`', "")).collect();
    assert_eq!(explained, stops);
}
