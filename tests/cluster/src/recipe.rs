//! The recipes in docs/recipes: their blocks of code as they stand there, and the tables that they are for, filled as
//! the frameworks fill them.
//!
//! A block is tried on the tables that the comment `<!-- tables: name ... -->` above it names; below a comment
//! `<!-- tested apart: name ... -->`, with or without names, it has a test of its own. A table is made by the DDL in the
//! framework's file (logic/frameworks), and gets its rows from what stands there below a line `-- rows`: a statement that
//! writes what the framework would write for the sessions in the table `ending` (number, name, ends), run once for live
//! sessions and once for expired ones. What follows a line that begins with `-- endless` is written once, and never
//! expires. Other tables are in tests/recipes, written alike; a first line `-- table of: name` says that the DDL is that of
//! a framework.

use crate::cluster::Cluster;
use crate::session::Session;
use crate::table::fingerprint;
use std::fs::{read_dir, read_to_string, write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Seventy minutes and a year from now: less than any lifetime, and than New York is from UTC, so that nothing that
/// mistakes one tells both right; and more than the hour by which thirty days may be longer or shorter where clocks are
/// changed.
const LIVE: &str = "VALUES (1, 'live', now() + interval '70 minutes'), (2, 'live for long', now() + interval '1 year')";
const EXPIRED: &str = "VALUES (3, 'expired', now() - interval '70 minutes'), (4, 'expired long ago', now() - interval '1 year')";

/// One page.
pub struct Page {
    pub name: String,
    text: String,
}

/// One fenced block of code.
#[derive(Debug)]
pub struct Block {
    pub page: String,
    /// Of its first line in the page.
    pub line: usize,
    pub language: String,
    pub text: String,
    /// The tables that it is for.
    pub tables: Vec<String>,
    /// Whether it has a test of its own.
    pub apart: bool,
}

impl Page {
    /// The blocks of one language on all pages that have no test of their own.
    pub fn all_blocks_of(language: &str) -> Vec<Block> {
        let pages = Page::all();
        let blocks = pages.iter().flat_map(|page| page.blocks_of(language));
        blocks.filter(|block| !block.apart).collect()
    }

    /// All pages, by name.
    pub fn all() -> Vec<Page> {
        let mut names: Vec<_> = files("docs/recipes")
            .into_iter()
            .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
            .collect();
        names.sort();
        names.iter().map(|name| Page::named(name)).collect()
    }

    /// The page docs/recipes/name.md.
    pub fn named(name: &str) -> Page {
        Page {
            name: name.to_owned(),
            text: read(&format!("docs/recipes/{name}.md")),
        }
    }

    /// Its blocks, in order.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut tables = Vec::new();
        let mut apart = false;
        let mut inside = false;
        for (number, line) in (1..).zip(self.text.lines()) {
            if let Some(language) = line.strip_prefix("```") {
                inside = !inside;
                if inside {
                    blocks.push(Block {
                        page: self.name.clone(),
                        line: number + 1,
                        language: language.to_owned(),
                        text: String::new(),
                        tables: Vec::clone(&tables),
                        apart,
                    });
                }
            } else if inside {
                let block = blocks.last_mut().expect("a block was begun");
                block.text.push_str(line);
                block.text.push('\n');
            } else if let Some((what, names)) = comment(line) {
                tables = names.split_whitespace().map(str::to_owned).collect();
                apart = what == "tested apart";
            }
        }
        assert!(!inside, "{}: the last block does not end", self.name);
        blocks
    }

    /// Its blocks of one language.
    pub fn blocks_of(&self, language: &str) -> Vec<Block> {
        let mut blocks = self.blocks();
        blocks.retain(|block| block.language == language);
        blocks
    }
}

/// What a comment says of the blocks below it, and of which tables.
fn comment(line: &str) -> Option<(&str, &str)> {
    let text = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    let (what, names) = text.split_once(':').unwrap_or((text, ""));
    ["tables", "tested apart"]
        .contains(&what)
        .then_some((what, names))
}

impl Block {
    /// Where it stands, for the message of a failing test.
    pub fn place(&self) -> String {
        format!("docs/recipes/{}.md, line {}", self.page, self.line)
    }

    /// Whether it deletes expired rows, now.
    pub fn clears(&self) -> bool {
        let functions = ["", "_in_batches", "_rewrite"];
        let calls = functions.map(|suffix| format!("raw_clear_sessions{suffix}("));
        calls.iter().any(|call| self.text.contains(call)) || self.text.contains("DELETE FROM")
    }

    /// Whether it makes a policy, by which the worker is to delete them.
    pub fn schedules(&self) -> bool {
        self.text.contains("raw_clear_sessions_schedule(")
    }
}

fn files(folder: &str) -> Vec<String> {
    let entries = read_dir(PathBuf::from(ROOT).join(folder)).expect("the folder is there");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
    names.map(|name| name.expect("a plain name")).collect()
}

fn read(path: &str) -> String {
    read_to_string(PathBuf::from(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The frameworks that are recognized, by the names of the files.
pub fn frameworks() -> Vec<String> {
    let files = files("logic/frameworks");
    let names = files.iter().map(|file| file.trim_end_matches(".sql"));
    names.map(str::to_owned).collect()
}

/// The framework's name in messages, its tables, and what writes rows into them.
pub fn framework(file: &str) -> (String, String, String) {
    let text = read(&format!("logic/frameworks/{file}.sql"));
    let (ddl, rows) = text.split_once("-- rows\n").expect("it writes rows");
    let name = ddl.lines().next().expect("a line");
    let name = name.strip_prefix("-- recognized as: ").expect("a name");
    (name.to_owned(), ddl.to_owned(), rows.to_owned())
}

/// Tables in a schema of their own, with live and expired sessions in them.
pub struct Filled {
    pub schema: String,
    rows: String,
    /// With the expired ones, and without.
    full: String,
    live: String,
}

impl Filled {
    /// Creates the schema and the tables. They are named without the schema while the session's search_path begins
    /// with it, which it does from now on.
    pub fn new(session: &mut Session, schema: &str, name: &str) -> Filled {
        let (mut ddl, rows) = if frameworks().iter().any(|known| known == name) {
            let (_, ddl, rows) = framework(name);
            (ddl, rows)
        } else {
            let text = read(&format!("tests/recipes/{name}.sql"));
            let (ddl, rows) = text.split_once("-- rows\n").unwrap_or(("", &text));
            (ddl.to_owned(), rows.to_owned())
        };
        let mut lines = rows.lines().chain(ddl.lines());
        if let Some(of) = lines.find_map(|line| line.strip_prefix("-- table of: ")) {
            ddl = framework(of).1 + &ddl;
        }
        let (rows, endless) = rows.split_at(rows.find("-- endless").unwrap_or(rows.len()));
        session.run(&format!(
            "CREATE SCHEMA {schema}; SET search_path = {schema}, public; {ddl}"
        ));
        let mut filled = Filled {
            schema: schema.to_owned(),
            rows: rows.to_owned(),
            full: String::new(),
            live: String::new(),
        };
        filled.write(session, LIVE, rows);
        filled.live = filled.write(session, LIVE, endless);
        filled.expire(session);
        filled
    }

    /// Adds expired rows.
    pub fn expire(&mut self, session: &mut Session) {
        self.full = self.write(session, EXPIRED, &self.rows);
        assert_ne!(self.full, self.live, "there are expired rows");
    }

    fn write(&self, session: &mut Session, sessions: &str, rows: &str) -> String {
        session.run(&format!(
            "SET search_path = {}, public;
             CREATE TEMPORARY TABLE ending (number, name, ends) AS {sessions};
             {rows};
             DROP TABLE ending;
             RESET timezone",
            self.schema
        ));
        state(session, &self.schema)
    }

    /// Whether all expired rows are gone, with all that belongs to them, and nothing else.
    pub fn is_cleared(&self, session: &mut Session) -> bool {
        state(session, &self.schema) == self.live
    }

    /// Whether everything is there still.
    pub fn is_untouched(&self, session: &mut Session) -> bool {
        state(session, &self.schema) == self.full
    }

    /// What is there, for the message of a failing test.
    pub fn state(&self, session: &mut Session) -> String {
        format!(
            "{}\nof those with expired rows {}\nand without {}",
            state(session, &self.schema),
            self.full,
            self.live
        )
    }
}

impl Cluster {
    /// Runs statements as a user would: with psql, each in a transaction of its own. Returns what they returned, as
    /// values between bars.
    pub fn psql(&self, database: &str, statements: &str) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let file = self.folder().join(format!("statements-{number}"));
        write(&file, statements).expect("the folder can be written");
        let file = format!("--file={}", file.display());
        let database = format!("--dbname={database}");
        let format = ["--no-psqlrc", "--quiet", "--no-align", "--tuples-only"];
        let arguments = [&format[..], &["--set=ON_ERROR_STOP=1", &database, &file]];
        self.client("psql", &arguments.concat())
    }
}

/// The number of rows of each table in a schema, and a digest of what is in them.
fn state(session: &mut Session, schema: &str) -> String {
    let tables = session.texts(&format!(
        "SELECT format('%I.%I', '{schema}', relname) FROM pg_class
         WHERE relnamespace = '{schema}'::regnamespace AND relkind = 'r' ORDER BY relname"
    ));
    let states = tables
        .iter()
        .map(|table| format!("{table}: {}", fingerprint(session, table)));
    states.collect::<Vec<_>>().join(", ")
}
