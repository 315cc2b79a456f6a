//! The frameworks' tables from `tests/frameworks`, which the SQL suites create as well.
//!
//! The files are written so that a few lines can read them: the framework's name first, the session table first, one
//! column a line, types as `psql` prints them.

use crate::rule::framework::ColumnType;
use crate::rule::recognize::Column;
use std::fs;
use std::path::Path;

/// One file: the name of the framework that it is to be recognized as, and the columns of its session table.
#[derive(Clone, Debug)]
pub struct Table {
    pub framework: String,
    pub columns: Vec<Column>,
}

/// All of them.
pub fn all() -> Vec<Table> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../frameworks");
    let entries = fs::read_dir(&folder).expect("tests/frameworks is readable");
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
        .iter()
        .map(|path| read(&fs::read_to_string(path).unwrap()))
        .collect()
}

fn read(sql: &str) -> Table {
    let framework = sql
        .lines()
        .find_map(|line| line.strip_prefix("-- recognized as: "))
        .expect("a file names its framework");
    let columns = sql
        .lines()
        .skip_while(|line| !line.starts_with("CREATE TABLE"))
        .skip(1)
        .take_while(|line| *line != ");")
        .map(str::trim)
        .filter(|line| !line.starts_with("PRIMARY KEY") && !line.starts_with("CONSTRAINT"))
        .map(column)
        .collect();
    Table {
        framework: framework.to_owned(),
        columns,
    }
}

fn column(line: &str) -> Column {
    let (name, sql_type) = line
        .split_once(' ')
        .expect("a column has a name and a type");
    Column {
        name: name.trim_matches('"').to_owned(),
        column_type: column_type(sql_type),
    }
}

fn column_type(sql_type: &str) -> ColumnType {
    let first: String = sql_type
        .chars()
        .take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_')
        .collect();
    match first.as_str() {
        "text" | "character" => ColumnType::Text,
        "smallint" => ColumnType::Int2,
        "integer" | "serial" => ColumnType::Int4,
        "bigint" | "bigserial" => ColumnType::Int8,
        "double" => ColumnType::Float8,
        "timestamp" if sql_type.contains("with time zone") => ColumnType::TimestampTz,
        "timestamp" => ColumnType::Timestamp,
        "bytea" => ColumnType::Bytea,
        "json" | "jsonb" => ColumnType::Json,
        "uuid" => ColumnType::Uuid,
        "boolean" => ColumnType::Bool,
        "inet" => ColumnType::Inet,
        "aal_level" => ColumnType::Other,
        unknown => panic!("the reader does not know the type {unknown}"),
    }
}
