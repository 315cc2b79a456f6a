//! What came of a call, and whether it may have.

use crate::case::{Case, Function, Place};
use cluster::Answer;
use postgres::Error;

/// How a statement ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The last value, and how many rows the last statement changed.
    Done(String, u64),
    Refused {
        sqlstate: String,
        message: String,
    },
}

impl Outcome {
    /// Panics where the connection was lost.
    pub fn of(result: Result<Answer, Error>, what: &str) -> Outcome {
        match result {
            Ok(Answer { value, changed }) => {
                let value = value.unwrap_or_default();
                match value.strip_prefix("ERROR ").and_then(|e| e.split_once(' ')) {
                    Some((sqlstate, message)) => Outcome::Refused {
                        sqlstate: sqlstate.to_owned(),
                        message: message.to_owned(),
                    },
                    None => Outcome::Done(value, changed),
                }
            }
            Err(error) => {
                let error = error
                    .as_db_error()
                    .unwrap_or_else(|| panic!("{what}\nthe connection was lost: {error:?}"));
                let notes = [error.detail(), error.hint(), error.where_()];
                let notes: Vec<_> = notes.into_iter().flatten().collect();
                Outcome::Refused {
                    sqlstate: error.code().code().to_owned(),
                    message: format!("{} {}", error.message(), notes.join(" ")),
                }
            }
        }
    }

    pub fn is_done(&self) -> bool {
        matches!(self, Outcome::Done(..))
    }

    pub fn sqlstate(&self) -> &str {
        match self {
            Outcome::Done(..) => "",
            Outcome::Refused { sqlstate, .. } => sqlstate,
        }
    }
}

/// Classes of SQLSTATE, and SQLSTATEs, that speak of a defect: internal errors, system errors, lost connections, and what
/// an unexpected Rust error becomes.
const DEFECTS: [&str; 7] = ["XX", "58", "08", "38", "39", "22000", "P0004"];

/// Texts that a user must not see.
const INTERNALS: [&str; 12] = [
    "panicked",
    "unwrap",
    "assertion",
    "expect",
    "index out of bounds",
    "overflow when",
    "RUST_BACKTRACE",
    "src/",
    "could not open relation",
    "cache lookup failed",
    "unrecognized node",
    "SPI_",
];

/// Whether an ERROR is one for a user.
pub fn check_error(outcome: &Outcome, what: &str) {
    if let Outcome::Refused { sqlstate, message } = outcome {
        let defect = DEFECTS.iter().any(|defect| sqlstate.starts_with(defect));
        let internal = INTERNALS.iter().any(|text| message.contains(text));
        assert!(!defect && !internal, "{what}\n{sqlstate}: {message}");
    }
}

/// The rows of the table before, after the DELETE that plain SQL would have, and after the call.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    pub before: String,
    pub after_delete: String,
    pub after: String,
}

/// Judges a call beside the DELETE.
pub fn check(case: &Case, delete: Option<&Outcome>, call: &Outcome, rows: &Rows, what: &str) {
    check_error(call, what);
    let deletes = matches!(
        case.function,
        Function::Clear | Function::Rewrite | Function::Batches
    );
    if !deletes {
        assert_eq!(rows.after, rows.before, "{what}\ndeleted rows");
    }
    match (case.place, case.function) {
        (Place::Aborted, Function::Batches) => unreachable!("a CALL is not tried there"),
        (Place::Aborted, _) => return assert_eq!(call.sqlstate(), "25P02", "{what}"),
        // May have had no row to loop over; and unscheduling takes no rule.
        (Place::Loop, _) | (_, Function::Unschedule) => {}
        _ if case.condition.is_none() => {
            assert!(!call.is_done(), "{what}\nwas not refused: {call:?}");
        }
        _ => {}
    }
    if !deletes {
        return;
    }
    let Some(delete) = delete else {
        return assert_eq!(rows.after, rows.before, "{what}\ndeleted rows");
    };
    match call {
        // No row to loop over, or none that may be seen.
        Outcome::Done(value, _) if case.place == Place::Loop && value == "0" => {}
        Outcome::Done(value, _) => {
            assert!(
                delete.is_done(),
                "{what}\nDELETE is refused: {delete:?}\nthe call is not: {call:?}"
            );
            assert_eq!(rows.after, rows.after_delete, "{what}\nother rows remain");
            let counted = matches!(
                case.place,
                Place::Statement | Place::Block | Place::Prepared
            );
            if let Outcome::Done(_, deleted) = delete
                && counted
                && !value.is_empty()
            {
                assert_eq!(*value, deleted.to_string(), "{what}\nanother number");
            }
        }
        Outcome::Refused { .. } => {
            // What batches have committed stays.
            if case.function != Function::Batches {
                assert_eq!(rows.after, rows.before, "{what}\nrefused, but deleted");
            }
            let same = matches!(
                case.place,
                Place::Statement | Place::Prepared | Place::Query | Place::Block
            );
            // Where a rule does nothing instead, plain SQL does not look at rights, nor at the transaction.
            let stricter = case.table == "f.nothing";
            let expected = case.function == Function::Clear && same && !case.fragile && !stricter;
            assert!(
                !(expected && delete.is_done()),
                "{what}\nDELETE is not refused: {delete:?}\nthe call is: {call:?}"
            );
        }
    }
}
