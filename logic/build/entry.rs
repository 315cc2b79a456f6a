//! What a file in `frameworks` says of a session table, as a Rust expression.
//!
//! Its first lines are comments, `-- key: value`, which go on in lines that begin with `--` and three blanks; a comment
//! without a key is for who reads it. Then come the tables as the framework creates them, its session table first, and
//! below a line `-- rows` what the tests write into it (`tests/cluster/src/recipe.rs` says how).

use std::fmt::Write;

/// The keys, and what a value says.
const KEYS: [&str; 13] = [
    // The framework's name in messages and documents.
    "recognized as",
    // A link in docs/recipes, where it has one.
    "recipe",
    // Where the table is from.
    "source",
    // `name type, …`: by which the table is told. Types are the constants of `framework.rs` in lower case.
    "columns",
    // Those of other versions and settings.
    "also",
    // `none` or `any`: which columns besides; without it, those that need no value.
    "further",
    // `yes`: other things have such columns as well. They always have where `further` is `none`.
    "common",
    // Words one of which a table's name has to have then, or with `=` has to be; `sess` for sessions is what holds without it.
    "named",
    // The column that says when a row expires, with its unit, or with `UTC` or `any zone` where it is naive.
    "expires",
    // What the instant in it is, unless the end: `last activity`, `creation` or `stored end`, and `usually` which lifetime follows.
    "since",
    // The lifetime that the documents show, where there is no usual one.
    "keep",
    // A condition, where not every row is a session.
    "filter",
    // What the caller should know before the table is cleared.
    "note",
];

/// The entry as an expression of type `Framework`, and a comma. An `Err` says what is wrong with it.
pub fn expression(sql: &str) -> Result<String, String> {
    let fields = fields(sql)?;
    let get = |key: &str| fields.iter().find(|field| field.0 == key);
    let value = |key: &str| get(key).map(|field| field.1.as_str());
    let needed = |key: &str| value(key).ok_or_else(|| format!("it does not say \"{key}\""));
    needed("source")?;
    let columns = needed("columns")?;
    let (expires, unit, zone) = expires(needed("expires")?)?;
    if !columns
        .split(", ")
        .any(|column| column.split(' ').next() == Some(expires))
    {
        return Err(format!(
            "\"expires\" names {expires}, which is not among \"columns\""
        ));
    }
    let (lifetime, usual) = value("since").map_or(Ok(("Absolute", None)), since)?;
    let further = match value("further") {
        None => "Optional",
        Some("none") => "None",
        Some("any") => "Any",
        Some(other) => return Err(format!("\"further\" is {other}, neither none nor any")),
    };
    let names: Vec<_> = value("named").unwrap_or("sess").split(", ").collect();
    let common = value("common") == Some("yes") || further == "None";
    let mut entry = String::new();
    let written = writeln!(
        entry,
        "Framework {{ name: {:?}, columns: {}, also: {}, further: Further::{further}, names: &{names:?}, common: {common}, \
         expires: {expires:?}, unit: {unit}, zone: Zone::{zone}, lifetime: Lifetime::{lifetime}, usual_keep: {usual:?}, \
         filter: {:?}, note: {:?} }},",
        needed("recognized as")?,
        list(columns)?,
        list(value("also").unwrap_or_default())?,
        value("filter"),
        value("note"),
    );
    written.map_err(|error| error.to_string())?;
    Ok(entry)
}

/// The keys at the head of the file with their values.
fn fields(sql: &str) -> Result<Vec<(&str, String)>, String> {
    let mut fields: Vec<(&str, String)> = Vec::new();
    for line in sql.lines().map_while(|line| line.strip_prefix("--")) {
        if let (Some(more), Some(field)) = (line.strip_prefix("   "), fields.last_mut()) {
            field.1 = format!("{} {more}", field.1);
            continue;
        }
        let Some((key, value)) = line.trim_start().split_once(": ") else {
            continue;
        };
        if fields.iter().any(|field| field.0 == key) {
            return Err(format!("it says \"{key}\" twice"));
        }
        // A client with another encoding could not show it.
        if !value.is_ascii() {
            return Err(format!("\"{key}\" is not ASCII"));
        }
        if KEYS.contains(&key) {
            fields.push((key, value.to_owned()));
        } else if key.chars().all(|c| c.is_ascii_lowercase()) {
            return Err(format!("\"{key}\" is no key"));
        }
    }
    Ok(fields)
}

/// `name type, …` as pairs of a name and a constant.
fn list(columns: &str) -> Result<String, String> {
    let mut pairs = String::new();
    for column in columns.split(", ").filter(|column| !column.is_empty()) {
        let (name, column_type) = column
            .split_once(' ')
            .ok_or_else(|| format!("column \"{column}\" has no type"))?;
        pairs += &format!("({name:?}, {}), ", column_type.to_uppercase());
    }
    Ok(format!("&[{pairs}]"))
}

/// The column, its unit and its zone.
fn expires(value: &str) -> Result<(&str, String, &str), String> {
    let (column, measure) = value.split_once(", ").unwrap_or((value, ""));
    let (unit, zone) = match measure {
        "" => ("", "NotNaive"),
        "seconds" => ("Seconds", "NotNaive"),
        "milliseconds" => ("Milliseconds", "NotNaive"),
        "microseconds" => ("Microseconds", "NotNaive"),
        "UTC" => ("", "Utc"),
        "any zone" => ("", "Writer"),
        other => {
            return Err(format!(
                "\"expires\" has {other}, neither a unit nor a zone"
            ));
        }
    };
    let unit = if unit.is_empty() {
        "None".to_owned()
    } else {
        format!("Some(Unit::{unit})")
    };
    Ok((column, unit, zone))
}

/// The lifetime, and the framework's own default of it.
fn since(value: &str) -> Result<(&str, Option<&str>), String> {
    let (event, usual) = match value.split_once(", usually ") {
        None => (value, None),
        Some((event, usual)) => (event, Some(usual)),
    };
    match event {
        "last activity" => Ok(("SinceLastActivity", usual)),
        "creation" => Ok(("SinceCreation", usual)),
        "stored end" => Ok(("SinceStoredEnd", usual)),
        other => Err(format!(
            "\"since\" is {other}, neither last activity nor creation nor stored end"
        )),
    }
}
