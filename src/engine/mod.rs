//! Removes the expired rows of one leaf, or of one table: a plan in, an outcome out.

mod raw;
mod sql;

use crate::pg::{Deleted, Relation};
use crate::target::{Criterion, Method, Plan};

/// Carries out a plan within the caller's transaction.
pub fn run(root: &Relation, criterion: &Criterion, plan: &Plan) -> Deleted {
    let leaves = match plan {
        Plan::Whole { .. } => return sql::delete(&root.qualified_name(), criterion),
        Plan::Leaves(leaves) => leaves,
    };
    let mut outcome = Deleted::default();
    for leaf in leaves {
        outcome += match &leaf.method {
            Method::Nothing => Deleted::default(),
            Method::Raw { test, pass } => raw::delete(&leaf.relation, criterion, *test, pass),
            Method::Sql => {
                let only = format!("ONLY {}", leaf.relation.qualified_name());
                sql::delete(&only, criterion)
            }
        };
    }
    outcome
}
