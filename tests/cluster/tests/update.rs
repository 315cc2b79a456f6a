//! ALTER EXTENSION ... UPDATE: from every released version, it leads to what a fresh installation has.

use cluster::{Cluster, Programs, definitions, difference, output};
use std::fs::{read_dir, read_to_string, remove_file, write};
use std::path::{Path, PathBuf};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The version that is built here.
fn current_version() -> String {
    Cluster::shared().connect().text(
        "SELECT default_version FROM pg_available_extensions WHERE name = 'raw_clear_sessions'",
    )
}

/// Scripts beside those of the staged extension, for one test.
struct Scripts {
    folder: PathBuf,
    added: Vec<PathBuf>,
}

impl Scripts {
    fn new() -> Scripts {
        let folder = output(Programs::tested().command("pg_config").arg("--sharedir"));
        Scripts {
            folder: Path::new(folder.trim()).join("extension"),
            added: Vec::new(),
        }
    }

    fn path(&self, versions: &str) -> PathBuf {
        self.folder
            .join(format!("raw_clear_sessions--{versions}.sql"))
    }

    /// The script that installs the version that is built here.
    fn current(&self) -> String {
        read_to_string(self.path(&current_version())).expect("the extension is staged")
    }

    /// Adds the script of a version, or of an update from one to another.
    fn add(&mut self, versions: &str, script: &str) {
        let path = self.path(versions);
        write(&path, script).expect("the stage can be written");
        self.added.push(path);
    }
}

impl Drop for Scripts {
    fn drop(&mut self) {
        for path in &self.added {
            // The next `make stage` removes what is left.
            let _ = remove_file(path);
        }
    }
}

/// What is different between a database in which a version was installed and then updated, and a fresh one.
fn after_update(database: &str, version: &str) -> String {
    let cluster = Cluster::shared();
    let fresh = cluster.database(&format!("{database}_fresh"));
    let updated = cluster.bare_database(database);
    updated.connect().run(&format!(
        "CREATE EXTENSION raw_clear_sessions VERSION '{version}'; ALTER EXTENSION raw_clear_sessions UPDATE"
    ));
    difference(&definitions(&updated), &definitions(&fresh))
}

/// The versions whose installation scripts are kept.
fn kept() -> Vec<(String, String)> {
    let folder = read_dir(Path::new(ROOT).join("sql/released")).expect("there is the folder");
    folder
        .filter_map(|file| {
            let path = file.expect("a file").path();
            let name = path.file_stem()?.to_str()?;
            let version = name.strip_prefix("raw_clear_sessions--")?.to_owned();
            Some((version, read_to_string(&path).expect("a text")))
        })
        .collect()
}

#[test]
fn an_update_from_each_released_version_gives_what_a_fresh_installation_has() {
    let current = current_version();
    for (number, (version, script)) in kept().into_iter().enumerate() {
        let mut scripts = Scripts::new();
        // That of this version was kept when it was released: since then nothing may have changed.
        let name = if version == current {
            scripts.add(&format!("kept--{current}"), "");
            "kept"
        } else {
            &version
        };
        scripts.add(name, &script);
        let difference = after_update(&format!("update{number}"), name);
        assert_eq!(difference, "", "updated from {version} (-), fresh (+)");
    }
}

#[test]
fn the_installation_script_of_each_released_version_is_kept() {
    let changes = read_to_string(Path::new(ROOT).join("CHANGELOG.md")).expect("there is one");
    let kept: Vec<String> = kept().into_iter().map(|(version, _)| version).collect();
    let headings = changes.lines().filter_map(|line| line.strip_prefix("## "));
    let released: Vec<&str> = headings
        .filter(|heading| !heading.contains("not released"))
        .filter_map(|heading| heading.split([' ', ',']).next())
        .collect();
    for version in &released {
        assert!(
            kept.iter().any(|kept| kept == version),
            "sql/released has no script of {version}"
        );
    }
    assert_eq!(kept.len(), released.len(), "{kept:?}, {released:?}");
}

/// A difference between an older version and this one: what the script has now, what it had, what an update does.
struct Change {
    now: &'static str,
    then: &'static str,
    update: &'static str,
}

/// One of each kind that pg_dump tells apart.
const CHANGES: [Change; 8] = [
    Change {
        now: "COMMENT ON INDEX raw_clear_sessions.history_table_idx",
        then: "DROP INDEX raw_clear_sessions.history_table_idx; --",
        update: "CREATE INDEX history_table_idx ON raw_clear_sessions.history (\"table\", id);
                 COMMENT ON INDEX raw_clear_sessions.history_table_idx IS 'the last runs of a table';",
    },
    Change {
        now: "IS 'for the view raw_clear_sessions.progress';",
        then: "IS 'for a view';",
        update: "COMMENT ON FUNCTION raw_clear_sessions.running() IS 'for the view raw_clear_sessions.progress';",
    },
    Change {
        now: "GRANT SELECT ON raw_clear_sessions.run TO PUBLIC;",
        then: "",
        update: "GRANT SELECT ON raw_clear_sessions.run TO PUBLIC;",
    },
    Change {
        now: "REVOKE ALL ON FUNCTION raw_clear_sessions.announce() FROM PUBLIC;",
        then: "",
        update: "REVOKE ALL ON FUNCTION raw_clear_sessions.announce() FROM PUBLIC;",
    },
    Change {
        now: "COST 100000",
        then: "COST 100",
        update: "ALTER FUNCTION raw_clear_sessions(regclass, text, interval, text, text, text) COST 100000;
                 ALTER FUNCTION raw_clear_sessions_rewrite(regclass, text, interval, text, text, text) COST 100000;
                 ALTER FUNCTION raw_clear_sessions_find() COST 100000;",
    },
    Change {
        now: "CREATE VIEW raw_clear_sessions.run WITH (security_barrier)",
        then: "CREATE VIEW raw_clear_sessions.run",
        update: "ALTER VIEW raw_clear_sessions.run SET (security_barrier)",
    },
    Change {
        now: "changed timestamptz NOT NULL DEFAULT now()",
        then: "changed timestamptz DEFAULT clock_timestamp()",
        update: "ALTER TABLE raw_clear_sessions.policy ALTER changed SET NOT NULL, ALTER changed SET DEFAULT now();",
    },
    Change {
        now: "'WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = \"table\")'",
        then: "''",
        update: "SELECT pg_catalog.pg_extension_config_dump('raw_clear_sessions.policy',
                     'WHERE EXISTS (SELECT FROM pg_catalog.pg_class AS c WHERE c.oid = \"table\")');",
    },
];

#[test]
fn an_update_that_forgets_something_is_found_out() {
    let current = current_version();
    let mut scripts = Scripts::new();
    for (number, change) in CHANGES.iter().enumerate() {
        let older = scripts.current().replace(change.now, change.then);
        assert_ne!(older, scripts.current(), "{}", change.now);
        for (name, update) in [("forgetful", ""), ("complete", change.update)] {
            let name = format!("{name}{number}");
            scripts.add(&name, &older);
            scripts.add(&format!("{name}--{current}"), update);
            let difference = after_update(&name, &name);
            assert_eq!(
                difference.is_empty(),
                !update.is_empty(),
                "{name}, {}: {difference}",
                change.now
            );
        }
    }
}
