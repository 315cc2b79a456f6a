//! The table that the storms go over, and the books about it: see world.sql.

use cluster::{Database, Session};

/// So many rows come into each leaf before each round.
const ROWS: u32 = 60;

const LEAVES: i64 = 4;

/// What a table's leaves are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tree {
    /// Inheritance children, with columns of their own.
    Children,
    Partitions,
}

impl Tree {
    pub const ALL: [Tree; 2] = [Tree::Children, Tree::Partitions];
}

/// A table with leaves, in a database.
pub struct World {
    /// Of the superuser's, for the books.
    pub session: Session,
    pub root: String,
    pub leaves: Vec<String>,
}

impl World {
    pub fn new(database: &Database<'_>, tree: Tree, meddling: bool) -> World {
        let mut session = database.connect();
        session.run(include_str!("world.sql"));
        let partitioned = tree == Tree::Partitions;
        session.run(&format!(
            "CALL book.make({partitioned}, {LEAVES}, {meddling})"
        ));
        session.run("SET lock_timeout = '30ms'; SET deadlock_timeout = '10ms'");
        World {
            root: session.text("SELECT root::oid::text FROM book.tree"),
            leaves: session.texts("SELECT leaf::oid::text FROM book.leaf ORDER BY number"),
            session,
        }
    }

    /// Gives each leaf more rows, and forgets what was altered before.
    pub fn fill(&mut self) {
        self.session
            .run(&format!("SELECT book.settle(); SELECT book.fill({ROWS})"));
    }

    /// Asserts what the books say: nothing is lost, nothing was bypassed.
    pub fn audit(&mut self, when: &str) {
        self.session.run("SELECT book.settle()");
        let violations = self.session.texts("SELECT book.audit()");
        assert!(violations.is_empty(), "{when}: {violations:?}");
    }

    /// Expired rows in leaves that nobody has taken away, hidden or put back meanwhile.
    pub fn left_behind(&mut self) -> i64 {
        self.session.number("SELECT book.left_behind()")
    }

    pub fn rows(&mut self) -> i64 {
        self.session
            .number("SELECT count(*) FROM book.leaf, book.ids(leaf)")
    }

    /// How many alterations were made, and how many were refused.
    pub fn struck(&mut self) -> (i64, i64) {
        let mut count = |failed| {
            self.session
                .count(&format!("book.struck WHERE failed = {failed}"))
        };
        (count(false), count(true))
    }
}
