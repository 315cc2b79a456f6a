//! The table of frameworks in docs/recipes says what the code knows, of each of them and of no other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{read_dir, read_to_string};
use std::path::PathBuf;
use unit::rule::framework::{ColumnType, Framework, Lifetime, Zone, frameworks};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/recipes")
}

/// What the table has to say of a framework, without the link.
fn row(framework: &Framework) -> Vec<String> {
    let mut types = framework
        .columns
        .iter()
        .filter(|c| c.0 == framework.expires);
    let (_, expect) = types.next().expect("the column is one of its columns");
    let column_type = match framework.unit {
        Some(unit) => unit.name().to_owned(),
        None if expect.accepts(ColumnType::Timestamp) => "`timestamp`".to_owned(),
        None => "`timestamptz`".to_owned(),
    };
    let zone = match framework.zone {
        Zone::NotNaive => "",
        Zone::Utc => "UTC",
        Zone::Writer => "required",
    };
    let keep = match (framework.lifetime, framework.usual_keep) {
        (Lifetime::Absolute, _) => String::new(),
        (_, Some(keep)) => format!("required, such as {keep}"),
        (_, None) => "required".to_owned(),
    };
    vec![
        format!("`{}`", framework.expires),
        column_type,
        zone.to_owned(),
        keep,
    ]
}

/// The rows of the table in the index page: name, link, and the rest.
fn documented() -> Vec<(String, String, Vec<String>)> {
    let page = read("README.md");
    let (_, table) = page
        .split_once("| framework | recipe |")
        .expect("with a table");
    let lines = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    lines
        .map(|line| {
            let cells = line
                .trim_start_matches('|')
                .trim_end_matches('|')
                .split('|');
            let mut cells = cells.map(|cell| cell.trim().to_owned());
            let name = cells.next().expect("a name");
            let link = cells.next().expect("a link");
            (name, link, cells.collect())
        })
        .collect()
}

#[test]
fn the_table_of_frameworks_is_the_list_that_is_recognized() {
    let documented: BTreeMap<_, _> = documented()
        .into_iter()
        .map(|(name, _, row)| (name, row))
        .collect();
    let recognized: BTreeMap<_, _> = frameworks().map(|f| (f.name.to_owned(), row(f))).collect();
    assert_eq!(documented, recognized);
}

#[test]
fn every_framework_links_to_its_page() {
    for (name, link, _) in documented() {
        assert_eq!(links(&link).len(), 1, "{name}");
    }
}

#[test]
fn every_page_is_linked_to_and_every_link_leads_somewhere() {
    let mut linked_to = BTreeSet::from(["README.md".to_owned()]);
    let pages = pages();
    for page in &pages {
        for link in links(&read(page)) {
            let (file, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let file = if file.is_empty() { page } else { file };
            let text = read(file);
            let mut anchors = text.lines().filter(|line| line.starts_with('#'));
            let found = anchor.is_empty() || anchors.any(|heading| anchor_of(heading) == anchor);
            assert!(found, "{page}: {link}");
            if page == "README.md" {
                linked_to.insert(file.to_owned());
            }
        }
    }
    linked_to.remove("../../README.md");
    assert_eq!(linked_to, pages);
}

fn pages() -> BTreeSet<String> {
    let entries = read_dir(folder()).expect("there are recipes");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
    names.map(|name| name.expect("a plain name")).collect()
}

fn read(page: &str) -> String {
    read_to_string(folder().join(page)).unwrap_or_else(|error| panic!("{page}: {error}"))
}

/// Where the links in a text lead, but for other sites.
fn links(text: &str) -> Vec<String> {
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    let local = targets.filter(|target| !target.contains("://"));
    local.map(str::to_owned).collect()
}

/// What a heading is called in a link: lower case, hyphens for blanks, and nothing but letters, digits and underscores.
fn anchor_of(heading: &str) -> String {
    let text = heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .replace(' ', "-");
    text.chars()
        .filter(|c| c.is_alphanumeric() || "-_".contains(*c))
        .collect()
}
