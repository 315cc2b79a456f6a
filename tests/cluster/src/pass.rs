//! The ways in which rows are found and deleted, each to be had for any table.

use crate::session::Session;

/// What clears a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    /// The raw engine, through the heap.
    Heap,
    /// The raw engine, through an index on the expiry column.
    Index,
    /// DELETE, through the executor.
    Sql,
}

impl Pass {
    pub const ALL: [Pass; 3] = [Pass::Heap, Pass::Index, Pass::Sql];
    pub const RAW: [Pass; 2] = [Pass::Heap, Pass::Index];

    /// In lower case, for the names of tables.
    pub fn name(self) -> &'static str {
        match self {
            Pass::Heap => "heap",
            Pass::Index => "index",
            Pass::Sql => "sql",
        }
    }

    /// The settings that bring it about.
    pub fn settings(self) -> &'static str {
        match self {
            Pass::Heap => "SET enable_indexscan = off; SET enable_bitmapscan = off",
            Pass::Index => "SET enable_seqscan = off; SET enable_bitmapscan = off",
            Pass::Sql => "SET raw_clear_sessions.engine = sql",
        }
    }

    /// Makes the session clear the table in this way, and sees in the preview that it will.
    pub fn choose(self, session: &mut Session, table: &str) {
        session.run(&format!(
            "RESET enable_seqscan; RESET enable_indexscan; RESET enable_bitmapscan;
             RESET raw_clear_sessions.engine; {}",
            self.settings()
        ));
        let engine = session.preview(table, "engine");
        let why = session.preview(table, "why").expect("there is a reason");
        let expected = match self {
            Pass::Heap => ("raw", false),
            Pass::Index => ("raw", true),
            Pass::Sql => ("sql", false),
        };
        assert_eq!(
            (engine.as_deref(), why.contains("expire_date")),
            (Some(expected.0), expected.1),
            "{self:?} on {table}: {why}"
        );
    }
}
