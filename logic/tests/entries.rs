//! What a framework's file says becomes an entry, and a slip in it stops the build.

#[path = "../build/entry.rs"]
mod entry;

use entry::expression;

const FILE: &str = "\
-- recognized as: Example
-- Says that: whoever reads it may want to know more.
-- source: example/example@1: schema.sql
-- columns: id key, seen_at timestamp, data data,
--   user_id key
-- also: more text
-- common: yes
-- named: sess, visits
-- expires: seen_at, UTC
-- since: last activity, usually 2 hours
-- note: it is an
--   example
CREATE TABLE visits (id text);
-- rows
-- nothing: of this is read
";

#[test]
fn a_file_becomes_an_entry() {
    let entry = expression(FILE).expect("it is one");
    for part in [
        "name: \"Example\",",
        "columns: &[(\"id\", KEY), (\"seen_at\", TIMESTAMP), (\"data\", DATA), (\"user_id\", KEY), ],",
        "also: &[(\"more\", TEXT), ],",
        "further: Further::Optional,",
        "names: &[\"sess\", \"visits\"],",
        "common: true,",
        "expires: \"seen_at\", unit: None, zone: Zone::Utc,",
        "lifetime: Lifetime::SinceLastActivity, usual_keep: Some(\"2 hours\"),",
        "filter: None, note: Some(\"it is an example\")",
    ] {
        assert!(entry.contains(part), "{part} in {entry}");
    }
}

#[test]
fn a_file_with_a_slip_in_it_is_refused_with_what_is_wrong() {
    for (right, wrong, error) in [
        (
            "-- source: example/example@1: schema.sql\n",
            "",
            "it does not say \"source\"",
        ),
        (
            "-- recognized as: Example\n",
            "",
            "it does not say \"recognized as\"",
        ),
        (
            "-- expires: seen_at, UTC\n",
            "",
            "it does not say \"expires\"",
        ),
        ("-- columns", "-- column", "\"column\" is no key"),
        (
            "-- also: more text",
            "-- expires: id",
            "it says \"expires\" twice",
        ),
        (
            "expires: seen_at",
            "expires: seen",
            "\"expires\" names seen, which is not among \"columns\"",
        ),
        (
            ", UTC",
            ", hours",
            "\"expires\" has hours, neither a unit nor a zone",
        ),
        (
            "last activity",
            "login",
            "\"since\" is login, neither last activity nor creation nor stored end",
        ),
        (
            "common: yes",
            "further: some",
            "\"further\" is some, neither none nor any",
        ),
        ("more text", "more", "column \"more\" has no type"),
        ("an\n", "\u{e1}n\n", "\"note\" is not ASCII"),
    ] {
        let file = FILE.replace(right, wrong);
        assert_eq!(expression(&file), Err(error.to_owned()), "{wrong}");
    }
}
