//! What a number in an `expires` column counts since the Unix epoch.

/// The unit of a number column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
}

impl Unit {
    /// Every unit, coarsest first.
    pub const ALL: [Unit; 3] = [Unit::Seconds, Unit::Milliseconds, Unit::Microseconds];

    /// The name as the `unit` parameter spells it.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Seconds => "seconds",
            Unit::Milliseconds => "milliseconds",
            Unit::Microseconds => "microseconds",
        }
    }

    /// Reads a name. Abbreviations are refused: in PostgreSQL's intervals `m` means minutes or months.
    pub fn parse(name: &str) -> Option<Unit> {
        let name = name.trim();
        Unit::ALL
            .into_iter()
            .find(|unit| unit.name().eq_ignore_ascii_case(name))
    }

    /// How many microseconds one unit lasts.
    pub fn microseconds(self) -> i64 {
        match self {
            Unit::Seconds => 1_000_000,
            Unit::Milliseconds => 1_000,
            Unit::Microseconds => 1,
        }
    }
}
