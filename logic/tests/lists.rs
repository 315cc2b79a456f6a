//! The lists of names in the settings `databases` and `tables`.

use logic::names::{Databases, ListError, TableName, parse_databases, parse_tables};
use proptest::prelude::*;

fn listed(names: &[&str]) -> Databases {
    Databases::Listed(names.iter().map(|name| name.to_string()).collect())
}

fn table(schema: Option<&str>, name: &str) -> TableName {
    TableName {
        schema: schema.map(str::to_owned),
        name: name.to_owned(),
    }
}

#[test]
fn databases_are_none_all_or_listed() {
    for text in ["", " ", "\t\n\r\x0b\x0c"] {
        assert_eq!(parse_databases(text), Ok(Databases::None));
    }
    for text in ["*", " * ", "*,*"] {
        assert_eq!(parse_databases(text), Ok(Databases::All));
    }
    for (text, names) in [
        ("app", vec!["app"]),
        (" app\t,\nshop ", vec!["app", "shop"]),
        ("App,SHOP", vec!["app", "shop"]),
        ("\"App\" , \"my.db\"", vec!["App", "my.db"]),
        ("\" a, b \"", vec![" a, b "]),
        ("\"say \"\"hi\"\"\"", vec!["say \"hi\""]),
        ("\"*\"", vec!["*"]),
        ("my-db$1", vec!["my-db$1"]),
        ("ÄpfelÄ", vec!["ÄpfelÄ"]),
    ] {
        assert_eq!(parse_databases(text), Ok(listed(&names)), "{text}");
    }
}

#[test]
fn a_name_of_any_length_stays_whole() {
    let long = "n".repeat(100);
    assert_eq!(parse_databases(&long), Ok(listed(&[&long])));
}

#[test]
fn a_name_that_comes_again_is_dropped() {
    assert_eq!(
        parse_databases("b,a,B,\"b\",c,a"),
        Ok(listed(&["b", "a", "c"]))
    );
    let tables = [table(Some("s"), "t"), table(None, "t"), table(None, "s")];
    assert_eq!(parse_tables("s.t,t,s,S.T,\"s\".t"), Ok(tables.to_vec()));
}

#[test]
fn tables_may_have_a_schema() {
    for (text, schema, name) in [
        ("django_session", None, "django_session"),
        ("Public.Sessions", Some("public"), "sessions"),
        (" public . sessions ", Some("public"), "sessions"),
        ("\"My.Schema\".\"T\"", Some("My.Schema"), "T"),
        ("\"*\"", None, "*"),
    ] {
        assert_eq!(parse_tables(text), Ok(vec![table(schema, name)]), "{text}");
    }
    assert_eq!(parse_tables(" "), Ok(vec![]));
}

#[test]
fn both_lists_refuse_what_is_no_list_of_names() {
    let no_comma = |name: &str| ListError::NoComma {
        after: name.to_owned(),
    };
    let stray = |name: &str| ListError::StrayQuote {
        name: name.to_owned(),
    };
    for (text, error) in [
        ("\"app", ListError::UnterminatedQuote),
        ("app,\"", ListError::UnterminatedQuote),
        ("\"app\"\"", ListError::UnterminatedQuote),
        (",", ListError::EmptyName),
        ("app,", ListError::EmptyName),
        ("app, ", ListError::EmptyName),
        (",app", ListError::EmptyName),
        ("app,,shop", ListError::EmptyName),
        ("\"\"", ListError::EmptyName),
        (".t", ListError::EmptyName),
        ("s.", ListError::EmptyName),
        ("s..t", ListError::EmptyName),
        ("app shop", no_comma("app")),
        ("s.t x", no_comma("s.t")),
        ("\"app\"x", no_comma("app")),
        ("app \"shop\"", no_comma("app")),
        ("app\"", stray("app\"")),
        ("a\"b\"", stray("a\"b\"")),
        ("app\0", ListError::Nul),
        ("\"a\0\"", ListError::Nul),
    ] {
        assert_eq!(parse_databases(text), Err(error.clone()), "{text}");
        assert_eq!(parse_tables(text), Err(error), "{text}");
    }
}

#[test]
fn a_database_has_one_part_and_a_table_two() {
    let name = "a.b".to_owned();
    assert_eq!(
        parse_databases("x, A.b"),
        Err(ListError::QualifiedDatabase { name })
    );
    let name = "a.b.c".to_owned();
    assert_eq!(
        parse_tables("x, a.b.\"c\""),
        Err(ListError::QualifiedTable { name })
    );
}

#[test]
fn an_asterisk_is_all_databases_and_no_tables() {
    for text in ["*,app", "app,*", "app, *, shop"] {
        assert_eq!(parse_databases(text), Err(ListError::AllAndMore), "{text}");
    }
    for text in ["*", "app,*", "public.*", "*.t"] {
        assert_eq!(parse_tables(text), Err(ListError::AllTables), "{text}");
    }
}

#[test]
fn details_say_what_is_wrong() {
    for (text, detail) in [
        ("\"app", "A double quote is not closed."),
        ("app,", "A name is empty."),
        ("app shop", "A comma must follow the name \"app\"."),
        (
            "a\"b",
            "The name a\"b has a double quote inside, but does not begin with one.",
        ),
        (
            "a.b",
            "A database's name has one part; with a dot in it, write \"a.b\".",
        ),
        ("*,app", "\"*\" means all databases and must stand alone."),
        ("\0", "A name must not contain a null character."),
    ] {
        let error = parse_databases(text).unwrap_err();
        assert_eq!(error.message(), "invalid list of names");
        assert_eq!(error.detail(), detail);
    }
    for (text, detail) in [
        (
            "a.b.c",
            "The name a.b.c has more parts than a schema and a table.",
        ),
        ("*", "Tables must be listed by name, \"*\" is not possible."),
    ] {
        assert_eq!(parse_tables(text).unwrap_err().detail(), detail);
    }
}

/// As quote_ident writes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quoted_names_come_back_as_they_are(
        names in prop::collection::hash_set("[^\0]{1,8}", 1..5), blanks in "[ \t\n]{0,2}",
    ) {
        let quoted: Vec<_> = names.iter().map(|name| quoted(name)).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let separator = format!("{blanks},{blanks}");
        let text = format!("{blanks}{}{blanks}", quoted.join(&separator));
        prop_assert_eq!(parse_databases(&text), Ok(listed(&names)));
        let tables: Vec<_> = names.iter().map(|name| table(None, name)).collect();
        prop_assert_eq!(parse_tables(&text), Ok(tables));
    }

    #[test]
    fn no_text_is_a_panic(text in any::<String>(), listlike in "[a-c\",. *]{0,12}") {
        for text in [text, listlike] {
            let _ = (parse_databases(&text), parse_tables(&text));
        }
    }
}
