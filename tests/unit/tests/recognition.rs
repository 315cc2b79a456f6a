//! Every framework's own table is recognized, and nothing else is.

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use unit::rule::framework::{ColumnType, FRAMEWORKS, Framework, Lifetime, Zone};
use unit::rule::recognize::{Column, Recognition, candidates, recognize};
use unit::tables::{self, Table};

const TYPES: [ColumnType; 15] = [
    ColumnType::Text,
    ColumnType::Int2,
    ColumnType::Int4,
    ColumnType::Int8,
    ColumnType::Float8,
    ColumnType::Numeric,
    ColumnType::TimestampTz,
    ColumnType::Timestamp,
    ColumnType::Date,
    ColumnType::Bytea,
    ColumnType::Json,
    ColumnType::Uuid,
    ColumnType::Bool,
    ColumnType::Inet,
    ColumnType::Other,
];

fn name(recognition: &Recognition) -> Option<&'static str> {
    match recognition {
        Recognition::One(framework) => Some(framework.name),
        _ => None,
    }
}

fn framework(table: &Table) -> &'static Framework {
    FRAMEWORKS
        .iter()
        .find(|framework| framework.name == table.framework)
        .unwrap_or_else(|| panic!("{} is not a framework", table.framework))
}

fn column(name: &str, column_type: ColumnType) -> Column {
    Column {
        name: name.to_owned(),
        column_type,
    }
}

/// The columns of both, unless one name would need two types.
fn union(one: &Table, other: &Table) -> Option<Vec<Column>> {
    let mut columns = BTreeMap::new();
    for column in one.columns.iter().chain(&other.columns) {
        let known = columns.insert(&column.name, column.column_type);
        if known.is_some_and(|column_type| column_type != column.column_type) {
            return None;
        }
    }
    let columns = columns.into_iter();
    Some(columns.map(|(name, t)| column(name, t)).collect())
}

#[test]
fn every_framework_has_a_table_and_every_table_its_framework() {
    let with_table: BTreeSet<_> = tables::all().into_iter().map(|t| t.framework).collect();
    let known: BTreeSet<_> = FRAMEWORKS.iter().map(|f| f.name.to_owned()).collect();
    assert_eq!(with_table, known);
    assert_eq!(known.len(), FRAMEWORKS.len(), "two frameworks of one name");
}

#[test]
fn every_table_is_recognized_as_its_own_framework_and_no_other() {
    for table in tables::all() {
        let recognition = recognize(&table.columns);
        let expected = Recognition::One(framework(&table));
        assert_eq!(recognition, expected, "{}", table.framework);
    }
}

#[test]
fn a_table_with_the_columns_of_two_frameworks_is_refused() {
    let tables = tables::all();
    let mut refused = 0;
    for one in &tables {
        for other in tables.iter().filter(|t| t.framework != one.framework) {
            let Some(columns) = union(one, other) else {
                continue;
            };
            let recognition = recognize(&columns);
            assert!(
                matches!(recognition, Recognition::Many(_)),
                "{} and {}: {recognition:?}",
                one.framework,
                other.framework
            );
            refused += 1;
        }
    }
    assert!(refused > tables.len(), "hardly any pair could be united");
}

#[test]
fn a_table_that_lacks_one_of_the_columns_is_refused() {
    for table in tables::all() {
        for (lacking, _) in framework(&table).columns {
            let mut columns = table.columns.clone();
            columns.retain(|column| column.name != *lacking);
            let recognition = recognize(&columns);
            let context = format!("{} without {lacking}", table.framework);
            assert_eq!(recognition, Recognition::None, "{context}");
        }
    }
}

#[test]
fn a_table_with_another_type_in_one_of_the_columns_is_refused() {
    for table in tables::all() {
        for (changed, expect) in framework(&table).columns {
            for other in TYPES.into_iter().filter(|t| !expect.accepts(*t)) {
                let mut columns = table.columns.clone();
                let column = columns.iter_mut().find(|c| c.name == *changed).unwrap();
                column.column_type = other;
                match recognize(&columns) {
                    Recognition::None => {}
                    // The same store, made by another tool with another type of timestamp.
                    Recognition::One(variant) => {
                        let family = variant.name.split(',').next().unwrap();
                        assert!(table.framework.starts_with(family), "{}", table.framework);
                        assert_ne!(table.framework, variant.name);
                        assert_eq!(variant.expires, *changed);
                    }
                    Recognition::Many(_) => panic!("{} {changed}", table.framework),
                }
            }
        }
    }
}

#[test]
fn a_number_column_may_be_integer_or_bigint() {
    for mut table in tables::all() {
        for width in [ColumnType::Int4, ColumnType::Int8] {
            for column in &mut table.columns {
                if matches!(column.column_type, ColumnType::Int4 | ColumnType::Int8) {
                    column.column_type = width;
                }
            }
            let recognized = name(&recognize(&table.columns));
            assert_eq!(recognized, Some(framework(&table).name));
        }
    }
}

#[test]
fn names_are_compared_as_they_are_written() {
    for table in tables::all() {
        let mut columns = table.columns.clone();
        for column in &mut columns {
            column.name = column.name.to_uppercase();
        }
        assert_eq!(recognize(&columns), Recognition::None);
    }
}

#[test]
fn a_table_with_common_names_and_further_columns_is_not_taken_for_sessions() {
    let subscriptions = [
        column("id", ColumnType::Text),
        column("user_id", ColumnType::Text),
        column("plan", ColumnType::Text),
        column("expires_at", ColumnType::TimestampTz),
    ];
    assert_eq!(recognize(&subscriptions), Recognition::None);
    assert_eq!(recognize(&[]), Recognition::None);
}

#[test]
fn every_framework_says_all_that_its_columns_need() {
    for framework in FRAMEWORKS {
        let context = framework.name;
        let found = framework.columns.iter().find(|c| c.0 == framework.expires);
        let (_, expect) = found.unwrap_or_else(|| panic!("{context}: expires is not a column"));
        let number = expect.accepts(ColumnType::Int8);
        let naive = expect.accepts(ColumnType::Timestamp);
        assert!(number || naive || expect.accepts(ColumnType::TimestampTz));
        assert_eq!(framework.unit.is_some(), number, "{context}");
        assert_eq!(framework.zone != Zone::NotNaive, naive, "{context}");
        let needs_keep = framework.lifetime != Lifetime::Absolute;
        assert_eq!(framework.usual_keep.is_some(), needs_keep, "{context}");
        let names: BTreeSet<_> = framework.columns.iter().map(|c| c.0).collect();
        assert_eq!(names.len(), framework.columns.len(), "{context}");
    }
}

#[test]
fn candidates_are_named_best_guess_first() {
    let columns = [
        column("id", ColumnType::Int8),
        column("created_at", ColumnType::Timestamp),
        column("day", ColumnType::Date),
        column("LastAccess", ColumnType::Int8),
        column("attempts", ColumnType::Int4),
        column("expires", ColumnType::Text),
        column("expiresAt", ColumnType::TimestampTz),
        column("not_after", ColumnType::Numeric),
        column("active", ColumnType::Bool),
    ];
    let names: Vec<_> = candidates(&columns).iter().map(|c| &c.name[..]).collect();
    let expected = ["expiresAt", "not_after", "LastAccess", "created_at", "day"];
    assert_eq!(names, expected);
}

#[test]
fn the_column_that_a_framework_uses_is_a_candidate() {
    for table in tables::all() {
        let expires = framework(&table).expires;
        let found = candidates(&table.columns).iter().any(|c| c.name == expires);
        // A single letter says nothing.
        assert_eq!(found, expires != "e", "{}", table.framework);
    }
}

fn any_table() -> impl Strategy<Value = Table> {
    prop::sample::select(tables::all())
}

fn any_type() -> impl Strategy<Value = ColumnType> {
    prop::sample::select(&TYPES[..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_columns_does_not_matter(
        (table, columns) in any_table()
            .prop_flat_map(|table| (Just(table.clone()), Just(table.columns).prop_shuffle()))
    ) {
        prop_assert_eq!(name(&recognize(&columns)), Some(framework(&table).name));
    }

    /// Custom models add columns. No framework's column begins with an x.
    #[test]
    fn further_columns_do_not_matter_where_names_are_telling(
        table in any_table(),
        further in prop::collection::vec(("x[a-z_]{0,8}", any_type()), 1..5),
    ) {
        let mut columns = table.columns.clone();
        columns.extend(further.iter().map(|(name, t)| column(name, *t)));
        let framework = framework(&table);
        let expected = if framework.exact { None } else { Some(framework.name) };
        prop_assert_eq!(name(&recognize(&columns)), expected);
    }
}
