//! The types that an `expires` column or expression may have, after its domain has been resolved to the base type.

/// What an `expires` column or expression holds, by its base type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An instant: microseconds since 2000-01-01 00:00 UTC.
    TimestampTz,
    /// A wall-clock time in a zone that the column does not name.
    Timestamp,
    /// A day of a calendar in a zone that the column does not name.
    Date,
    /// A number of units since the Unix epoch, as are all kinds below. There is no `smallint`: it ends on the first day
    /// of 1970 even in seconds.
    Int4,
    Int8,
    Float8,
    Numeric,
}

impl Kind {
    /// The type's name as PostgreSQL's `format_type` prints it.
    pub fn sql_name(self) -> &'static str {
        match self {
            Kind::TimestampTz => "timestamp with time zone",
            Kind::Timestamp => "timestamp without time zone",
            Kind::Date => "date",
            Kind::Int4 => "integer",
            Kind::Int8 => "bigint",
            Kind::Float8 => "double precision",
            Kind::Numeric => "numeric",
        }
    }

    /// Whether a value is a number, which says nothing without a unit.
    pub fn is_number(self) -> bool {
        matches!(self, Kind::Int4 | Kind::Int8 | Kind::Float8 | Kind::Numeric)
    }

    /// Whether a value is a wall-clock time, which says nothing without a zone.
    pub fn is_naive(self) -> bool {
        matches!(self, Kind::Timestamp | Kind::Date)
    }
}
