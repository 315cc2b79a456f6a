//! The table of frameworks in docs/recipes says what the code knows, of each of them and of no other.

use logic::framework::{ColumnType, Framework, Lifetime, Zone, frameworks};
use std::collections::BTreeSet;
use std::fs::{read_dir, read_to_string};
use std::path::PathBuf;

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

/// What the comments at the head of a framework's file say for the documents, and its table's name as a call has it.
fn described(framework: &Framework) -> (String, String, Option<String>) {
    let head = format!("-- recognized as: {}\n", framework.name);
    let sql = files()
        .into_iter()
        .map(|file| read_to_string(file).expect("a text"))
        .find(|sql| sql.starts_with(&head))
        .unwrap_or_else(|| panic!("no table of {}", framework.name));
    let said = |what: &str| {
        let mut lines = sql.lines();
        lines.find_map(|line| line.strip_prefix(what).map(str::to_owned))
    };
    let table = said("CREATE TABLE ").expect("a table");
    let table = table.trim_end_matches(" (");
    let plain = table.trim_matches('"');
    let table = if plain == plain.to_lowercase() {
        plain
    } else {
        table
    };
    (
        said("-- recipe: ").unwrap_or_else(|| NO_PAGE.to_owned()),
        table.to_owned(),
        said("-- keep: "),
    )
}

/// Where a framework is that has no page.
const NO_PAGE: &str = "[The call](../reference/frameworks.md)";

/// The frameworks' files.
fn files() -> Vec<PathBuf> {
    let files =
        read_dir(folder().join("../../logic/frameworks")).expect("there are the frameworks");
    files.map(|file| file.expect("an entry").path()).collect()
}

/// The lines of the two tables: in the index of the recipes, and in the reference.
fn lines(framework: &Framework) -> (String, String) {
    let (recipe, table, keep) = described(framework);
    let cells: String = row(framework)
        .iter()
        .map(|cell| {
            if cell.is_empty() {
                " |".to_owned()
            } else {
                format!(" {cell} |")
            }
        })
        .collect();
    let keep = keep.as_deref().or(framework.usual_keep);
    let keep = keep
        .map(|keep| format!(", keep => '{keep}'"))
        .unwrap_or_default();
    let zone = if framework.zone == Zone::Writer {
        ", time_zone => 'UTC'"
    } else {
        ""
    };
    let name = framework.name;
    (
        format!("| {name} | {recipe} |{cells}"),
        format!("| {name} | `SELECT raw_clear_sessions('{table}'{keep}{zone});` |"),
    )
}

/// Compares the rows of a table in a document with what they have to be, or writes them (`make frameworks`).
fn check(file: &str, header: &str, rows: &[String]) {
    let path = folder().join(file);
    let text = read_to_string(&path).expect("the document is there");
    let (before, table) = text.split_once(header).expect("with a table");
    let old: Vec<_> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .collect();
    if std::env::var_os("RCS_WRITE_DOCUMENTS").is_some() {
        let new = table.replacen(&old.join("\n"), &rows.join("\n"), 1);
        std::fs::write(&path, format!("{before}{header}{new}")).expect("it can be written");
    } else {
        assert_eq!(old, rows, "{file} is stale: make frameworks");
    }
}

#[test]
fn the_tables_of_frameworks_are_what_is_recognized() {
    let (index, reference): (Vec<_>, Vec<_>) = frameworks().map(lines).unzip();
    check("README.md", "| framework | recipe |", &index);
    check(
        "../reference/frameworks.md",
        "| framework | call |",
        &reference,
    );
}

/// The names in the index, and their links.
fn documented() -> Vec<(String, String)> {
    frameworks()
        .map(|framework| (framework.name.to_owned(), described(framework).0))
        .collect()
}

#[test]
fn every_framework_links_to_its_page() {
    for (name, link) in documented() {
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
    linked_to.remove("../reference/frameworks.md");
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

type Check = fn(&str) -> bool;

/// Where a table in logic/frameworks is from: what says so, and how it has to.
const SOURCES: [(&str, Check); 3] = [
    // A library that tests/stores has in this version: it makes the table there.
    ("made by ", is_pinned),
    // Another file, with the difference.
    ("variant of ", is_variant),
    // OWNER/REPOSITORY@REVISION: FILE
    ("", is_revision),
];

fn is_pinned(library: &str) -> bool {
    let stores = folder().join("../../tests/stores");
    let read = |file: &str| read_to_string(stores.join(file)).expect("the pins are there");
    let (name, version) = library.rsplit_once(' ').unwrap_or_default();
    [
        (
            read("node/package.json"),
            format!("\"{name}\": \"{version}\""),
        ),
        (
            read("adonis/package.json"),
            format!("\"{name}\": \"{version}\""),
        ),
        (read("requirements.txt"), format!("{name}=={version}")),
        (read("rust/Cargo.toml"), format!("{name} = \"={version}\"")),
        (
            read("rust/Cargo.toml"),
            format!("{name} = {{ version = \"={version}\""),
        ),
    ]
    .iter()
    .any(|(pins, pin)| pins.contains(pin))
}

fn is_variant(of: &str) -> bool {
    of.split_once(": ").is_some_and(|(file, how)| {
        let file = folder().join(format!("../../logic/frameworks/{file}.sql"));
        file.exists() && how.len() > 3
    })
}

fn is_revision(source: &str) -> bool {
    let Some((repository, rest)) = source.split_once('@') else {
        return false;
    };
    rest.split_once(": ").is_some_and(|(revision, file)| {
        repository.split('/').count() == 2
            && revision.contains(|c: char| c.is_ascii_digit())
            && !file.is_empty()
    })
}

#[test]
fn each_table_of_a_framework_says_where_it_is_from() {
    for path in files() {
        let text = read_to_string(&path).expect("a text");
        let sources: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("-- source: "))
            .collect();
        let [source] = sources[..] else {
            panic!("{} has {} sources", path.display(), sources.len());
        };
        let says = SOURCES
            .iter()
            .find_map(|(begin, is_so)| source.strip_prefix(begin).map(is_so));
        assert_eq!(says, Some(true), "{}: {source}", path.display());
    }
}
