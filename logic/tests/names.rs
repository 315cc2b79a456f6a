//! The names that users write and read: units, types.

use logic::kind::Kind;
use logic::unit::Unit;

#[test]
fn a_unit_is_known_by_its_full_name_only() {
    for unit in Unit::ALL {
        assert_eq!(Unit::parse(unit.name()), Some(unit));
        assert_eq!(Unit::parse(&unit.name().to_uppercase()), Some(unit));
        assert_eq!(Unit::parse(&format!(" {}\t", unit.name())), Some(unit));
    }
    for name in [
        "",
        "second",
        "s",
        "ms",
        "millis",
        "nanoseconds",
        "seconds s",
    ] {
        assert_eq!(Unit::parse(name), None, "{name}");
    }
}

#[test]
fn a_second_has_a_thousand_milliseconds_and_a_million_microseconds() {
    let lengths = Unit::ALL.map(Unit::microseconds);
    assert_eq!(lengths, [1_000_000, 1_000, 1]);
}

#[test]
fn types_are_called_what_postgresql_calls_them() {
    let names = [
        (Kind::TimestampTz, "timestamp with time zone"),
        (Kind::Timestamp, "timestamp without time zone"),
        (Kind::Date, "date"),
        (Kind::Int4, "integer"),
        (Kind::Int8, "bigint"),
        (Kind::Float8, "double precision"),
        (Kind::Numeric, "numeric"),
    ];
    for (kind, name) in names {
        assert_eq!(kind.sql_name(), name);
    }
}
