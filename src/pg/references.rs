//! What an expression refers to by names that others may get. Analysing it once more finds those that have the names then, and no
//! lock keeps them.
//!
//! What counts is what PostgreSQL itself records an expression to depend on (find_expr_references_walker() of
//! catalog/dependency.c): functions, types and collations, but for PostgreSQL's own. Beyond that, what a dependency does not need,
//! as it is not dropped while it is referred to: which attribute is read of a composite value, and which value a constant is; and
//! names that become data, as the labels of an enum do where it is read as a text.

mod definitions;
mod gathering;
mod names;

pub use definitions::{Definition, Definitions};
pub use names::are_still;

use super::Relation;
use gathering::Gathering;
use pgrx::pg_sys;
use std::collections::BTreeSet;

/// What an expression refers to besides the table's row, and besides tables.
#[derive(Debug, Default, PartialEq)]
pub struct Objects {
    /// All of them, one for each place in which one is named, in order: two that have swapped their names are told by that. In words
    /// that are the same as long as they are the same.
    pub named: Vec<String>,
    /// The names that it makes of values, each with what has it, in words.
    pub names: BTreeSet<String>,
    /// Those of them that can be told by what they are where their oids are others, in order.
    told: Vec<(Kind, pg_sys::Oid)>,
    /// There are others.
    has_others: bool,
    /// The types of values of which names may be made.
    read_by_name: Vec<pg_sys::Oid>,
}

/// A kind of object that can be told by what it is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Function,
    Type,
    Collation,
    Operator,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Function => "function",
            Kind::Type => "type",
            Kind::Collation => "collation",
            Kind::Operator => "operator",
        }
    }
}

impl Objects {
    /// What an analysed expression refers to.
    ///
    /// # Safety
    /// The expression is a tree of nodes, palloc'd.
    pub(super) unsafe fn of(relation: &Relation, node: *mut pg_sys::Node) -> Objects {
        // SAFETY: as for this function.
        let gathered = unsafe { Gathering::of(relation, node) };
        let mut objects = gathered.objects;
        if gathered.names_tables {
            objects.names.extend(names::of_tables(relation));
        }
        if !objects.read_by_name.is_empty() {
            objects.names.extend(names::of_parts(&objects.read_by_name));
        }
        objects
    }

    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.names.is_empty()
    }

    /// The functions among them, also those of operators and casts.
    pub fn functions(&self) -> impl Iterator<Item = pg_sys::Oid> {
        self.told(Kind::Function)
    }

    /// One more, unless it is PostgreSQL's own.
    fn add(&mut self, kind: Kind, oid: pg_sys::Oid) {
        if is_of_others(oid) {
            self.told.push((kind, oid));
            self.named
                .push(format!("{} {}", kind.word(), u32::from(oid)));
        }
    }

    fn told(&self, of: Kind) -> impl Iterator<Item = pg_sys::Oid> {
        let told = self.told.iter().filter(move |(kind, _)| *kind == of);
        told.map(|(_, oid)| *oid)
    }
}

fn is_of_others(oid: pg_sys::Oid) -> bool {
    u32::from(oid) >= pg_sys::FirstNormalObjectId
}
