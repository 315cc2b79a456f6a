//! The function that was called, whose call a HINT shows again, corrected: a preview's hint does not name what deletes.

use crate::pg;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Function {
    #[default]
    Clear,
    InBatches,
    Rewrite,
    Preview,
    /// Also where the worker carries out what was scheduled.
    Schedule,
}

impl Function {
    fn name(self) -> &'static str {
        match self {
            Function::Clear => "raw_clear_sessions",
            Function::InBatches => "raw_clear_sessions_in_batches",
            Function::Rewrite => "raw_clear_sessions_rewrite",
            Function::Preview => "raw_clear_sessions_preview",
            Function::Schedule => "raw_clear_sessions_schedule",
        }
    }

    /// The beginning of a statement that calls it from where the session is now.
    pub fn statement(self) -> String {
        let statement = match self {
            Function::InBatches => "CALL",
            _ => "SELECT",
        };
        format!("{statement} {}", pg::name_of_function(self.name()))
    }
}

/// The statement that begins so, for a table; `parameters`: each as [`parameter`] writes it.
pub fn call(statement: &str, table: &str, parameters: &str) -> String {
    format!(
        "{statement}({}{parameters});",
        pgrx::spi::quote_literal(table)
    )
}

/// A parameter, as a call has it behind the table.
pub fn parameter(name: &str, value: &str) -> String {
    format!(", {name} => {}", pgrx::spi::quote_literal(value))
}

/// Who has said the rule.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Caller {
    function: Function,
    /// What was said beside the rule, as parameters.
    further: String,
}

impl Caller {
    /// `further`: the function's parameters beside those of the rule, as far as they were given.
    pub fn of<const N: usize>(function: Function, further: [(&str, Option<String>); N]) -> Caller {
        let given = further.into_iter();
        Caller {
            function,
            further: given
                .filter_map(|(name, value)| Some(parameter(name, &value?)))
                .collect(),
        }
    }

    /// Whether the rule is for the worker, and not for the caller's own session.
    pub fn schedules(&self) -> bool {
        self.function == Function::Schedule
    }

    /// The same call, with these parameters for the rule.
    pub fn call(&self, table: &str, rule: &str) -> String {
        let parameters = format!("{rule}{}", self.further);
        call(&self.function.statement(), table, &parameters)
    }
}
