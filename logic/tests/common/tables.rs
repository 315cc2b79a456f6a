//! The tables in `logic/frameworks` and `tests/shapes`, which the SQL suites create as well.
//!
//! The files are written so that a few lines can read them: one statement after the other, types as `psql` prints them,
//! the name of a framework's session table and of the framework first.

use logic::framework::ColumnType;
use logic::recognize::Column;
use std::fs;
use std::path::Path;

/// One table: its name, the framework that it is to be recognized as, or none, and its columns.
#[derive(Clone, Debug)]
pub struct Table {
    pub name: String,
    pub framework: String,
    pub columns: Vec<Column>,
}

/// Those of the frameworks.
pub fn all() -> Vec<Table> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("frameworks");
    let entries = fs::read_dir(&folder).expect("the folder is readable");
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| {
            let sql = fs::read_to_string(path).unwrap();
            let framework = sql
                .lines()
                .find_map(|line| line.strip_prefix("-- recognized as: "))
                .expect("a file names its framework");
            Table {
                framework: framework.to_owned(),
                ..read(&sql).remove(0)
            }
        })
        .collect()
}

/// Those that only look like one's.
pub fn lookalikes() -> Vec<Table> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/shapes/lookalikes.sql");
    read(&fs::read_to_string(file).expect("the file is readable"))
}

/// Those that sites have made of a framework's own; the line before each says of which.
pub fn variants() -> Vec<Table> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/shapes/sessions.sql");
    let sql = fs::read_to_string(file).expect("the file is readable");
    let frameworks = sql.lines().zip(sql.lines().skip(1));
    let frameworks = frameworks
        .filter(|(_, table)| table.starts_with("CREATE TABLE "))
        .filter_map(|(framework, _)| framework.strip_prefix("-- "));
    let tables = frameworks.zip(read(&sql));
    tables
        .map(|(framework, table)| Table {
            framework: framework.to_owned(),
            ..table
        })
        .collect()
}

fn read(sql: &str) -> Vec<Table> {
    sql.split("CREATE TABLE ").skip(1).map(table).collect()
}

fn table(statement: &str) -> Table {
    let statement = statement.split(");\n").next().expect("it ends");
    let (name, columns) = statement.split_once(" (").expect("it has columns");
    let mut pieces = vec![String::new()];
    let mut depth = 0;
    for c in columns.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                pieces.push(String::new());
                continue;
            }
            _ => {}
        }
        pieces.last_mut().expect("there is one").push(c);
    }
    let mut keys = Vec::new();
    let mut columns = Vec::new();
    for piece in pieces.iter().map(|piece| piece.trim()) {
        match piece.split_once("PRIMARY KEY (") {
            Some((_, key)) => keys.extend(key.trim_end_matches(')').split(", ")),
            None => columns.push(column(piece)),
        }
    }
    for column in &mut columns {
        column.required |= keys.contains(&&column.name[..]);
    }
    Table {
        name: name.trim_matches('"').to_owned(),
        framework: String::new(),
        columns,
    }
}

fn column(line: &str) -> Column {
    let (name, sql_type) = line
        .split_once(' ')
        .expect("a column has a name and a type");
    let filled_in = sql_type.contains("serial") || sql_type.contains("DEFAULT");
    let not_null = sql_type.contains("NOT NULL") || sql_type.contains("PRIMARY KEY");
    Column {
        name: name.trim_matches('"').to_owned(),
        column_type: column_type(sql_type),
        required: not_null && !filled_in,
    }
}

fn column_type(sql_type: &str) -> ColumnType {
    let first: String = sql_type
        .chars()
        .take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_')
        .collect();
    match first.as_str() {
        "text" if sql_type.starts_with("text[]") => ColumnType::Other,
        "text" | "character" => ColumnType::Text,
        "smallint" => ColumnType::Int2,
        "integer" | "serial" => ColumnType::Int4,
        "bigint" | "bigserial" => ColumnType::Int8,
        "double" => ColumnType::Float8,
        "numeric" => ColumnType::Numeric,
        "date" => ColumnType::Date,
        "timestamp" if sql_type.contains("with time zone") => ColumnType::TimestampTz,
        "timestamp" => ColumnType::Timestamp,
        "bytea" => ColumnType::Bytea,
        "json" | "jsonb" => ColumnType::Json,
        "uuid" => ColumnType::Uuid,
        "boolean" => ColumnType::Bool,
        "inet" => ColumnType::Inet,
        "interval" => ColumnType::Interval,
        "aal_level" => ColumnType::Other,
        unknown => panic!("the reader does not know the type {unknown}"),
    }
}
