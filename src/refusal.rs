//! Why a call is refused: what the SQL function raises as an ERROR.
//!
//! Everything between the SQL functions and PostgreSQL's own code returns a [`Refusal`], so that the message is written
//! where the trouble is understood, and raised in one place (`src/pg/log.rs`), when nothing has been deleted yet.

use pgrx::prelude::PgSqlErrorCode;
use serde::{Deserialize, Serialize};
use std::collections::TryReserveError;

/// An ERROR that has not been raised yet: SQLSTATE, primary message, DETAIL and HINT in PostgreSQL's style.
#[derive(Debug, Serialize, Deserialize)]
pub struct Refusal {
    #[serde(with = "as_number")]
    sqlstate: PgSqlErrorCode,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    is_interrupt: bool,
    is_of_left_out_rows: bool,
    #[serde(default)]
    is_of_another_clearing: bool,
    #[serde(default)]
    is_of_meaning: bool,
}

/// A SQLSTATE as PostgreSQL has it in memory.
mod as_number {
    use pgrx::prelude::PgSqlErrorCode;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(
        sqlstate: &PgSqlErrorCode,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(*sqlstate as i32)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<PgSqlErrorCode, D::Error> {
        i32::deserialize(deserializer).map(PgSqlErrorCode::from)
    }
}

impl Refusal {
    pub fn new(sqlstate: PgSqlErrorCode, message: impl Into<String>) -> Self {
        Refusal {
            sqlstate,
            message: message.into(),
            detail: None,
            hint: None,
            is_interrupt: false,
            is_of_left_out_rows: false,
            is_of_another_clearing: false,
            is_of_meaning: false,
        }
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// It is an ERROR of PostgreSQL's that somebody, or a time limit, has asked for.
    pub fn interrupt(mut self) -> Self {
        self.is_interrupt = true;
        self
    }

    /// Whether somebody, or a time limit, has asked for it: code can raise the same SQLSTATE.
    pub fn is_interrupt(&self) -> bool {
        self.is_interrupt
    }

    /// It is of rows that a run has left out, and of nothing else.
    pub fn of_left_out_rows(mut self) -> Self {
        self.is_of_left_out_rows = true;
        self
    }

    pub fn is_of_left_out_rows(&self) -> bool {
        self.is_of_left_out_rows
    }

    /// It is of another session that clears the table at this time, and of nothing that is wrong.
    pub fn of_another_clearing(mut self) -> Self {
        self.is_of_another_clearing = true;
        self
    }

    pub fn is_of_another_clearing(&self) -> bool {
        self.is_of_another_clearing
    }

    /// It is of a rule that has come to mean something else.
    pub fn of_meaning(mut self) -> Self {
        self.is_of_meaning = true;
        self
    }

    pub fn is_of_meaning(&self) -> bool {
        self.is_of_meaning
    }

    pub fn with_message(mut self, message: String) -> Self {
        self.message = message;
        self
    }

    /// The parameter that was at fault, in front of a message that PostgreSQL wrote.
    pub fn about(mut self, parameter: &str) -> Self {
        self.message = format!(
            "invalid value for parameter \"{parameter}\": {}",
            self.message
        );
        self
    }

    pub fn sqlstate(&self) -> PgSqlErrorCode {
        self.sqlstate
    }

    /// The primary message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What was added to the message.
    pub fn notes(&self) -> (Option<&str>, Option<&str>) {
        (self.detail.as_deref(), self.hint.as_deref())
    }

    /// SQLSTATE, primary message, DETAIL and HINT.
    pub fn into_parts(self) -> (PgSqlErrorCode, String, Option<String>, Option<String>) {
        (self.sqlstate, self.message, self.detail, self.hint)
    }
}

/// Refuses (53200) where there is no memory for something whose size follows a table, or what a caller has passed.
pub fn enough(reserved: Result<(), TryReserveError>) -> Result<(), Refusal> {
    reserved.map_err(|_| {
        Refusal::new(PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY, "out of memory")
            .detail("What was to be remembered of the table does not fit in.")
    })
}
