//! The lists of names in the settings `databases` and `tables`.
//!
//! They are read as PostgreSQL reads lists of names (SplitIdentifierString in utils/adt/varlena.c): commas, blanks,
//! double quotes with `""` for one inside, unquoted names in lower case. Unlike there a name is never cut short, because
//! what was cut might be another database's name.

use std::iter::Peekable;
use std::str::Chars;

/// The databases to work in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Databases {
    /// The worker is off.
    None,
    /// All that have the extension.
    All,
    Listed(Vec<String>),
}

/// The name of a table; without a schema in whichever schema it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName {
    pub schema: Option<String>,
    pub name: String,
}

/// Why a text is no list of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListError {
    UnterminatedQuote,
    /// Nothing before, between or after commas or dots, or between quotes.
    EmptyName,
    /// Something other than a comma after a name.
    NoComma {
        after: String,
    },
    /// A quote within a name that does not begin with one.
    StrayQuote {
        name: String,
    },
    /// `database.schema.table`.
    QualifiedTable {
        name: String,
    },
    /// A dot in a database's name.
    QualifiedDatabase {
        name: String,
    },
    /// `*` next to names.
    AllAndMore,
    /// `*` in a list of tables.
    AllTables,
    /// A character that no name can hold.
    Nul,
}

impl ListError {
    /// The primary message.
    pub fn message(&self) -> String {
        "invalid list of names".to_owned()
    }

    /// What is wrong with it.
    pub fn detail(&self) -> String {
        match self {
            Self::UnterminatedQuote => "A double quote is not closed.".to_owned(),
            Self::EmptyName => "A name is empty.".to_owned(),
            Self::NoComma { after } => format!("A comma must follow the name \"{after}\"."),
            Self::StrayQuote { name } => {
                format!("The name {name} has a double quote inside, but does not begin with one.")
            }
            Self::QualifiedTable { name } => {
                format!("The name {name} has more parts than a schema and a table.")
            }
            Self::QualifiedDatabase { name } => {
                format!("A database's name has one part; with a dot in it, write \"{name}\".")
            }
            Self::AllAndMore => "\"*\" means all databases and must stand alone.".to_owned(),
            Self::AllTables => "Tables must be listed by name, \"*\" is not possible.".to_owned(),
            Self::Nul => "A name must not contain a null character.".to_owned(),
        }
    }
}

/// Reads the setting `databases`.
pub fn parse_databases(text: &str) -> Result<Databases, ListError> {
    let mut names = Vec::new();
    let mut all = false;
    for element in split(text)? {
        match &element[..] {
            [part] if part.is_asterisk() => all = true,
            [part] => push_new(&mut names, part.name.clone()),
            parts => {
                let name = dotted(parts);
                return Err(ListError::QualifiedDatabase { name });
            }
        }
    }
    match (all, names.is_empty()) {
        (true, true) => Ok(Databases::All),
        (true, false) => Err(ListError::AllAndMore),
        (false, true) => Ok(Databases::None),
        (false, false) => Ok(Databases::Listed(names)),
    }
}

/// Reads the setting `tables`.
pub fn parse_tables(text: &str) -> Result<Vec<TableName>, ListError> {
    let mut tables = Vec::new();
    for element in split(text)? {
        if element.iter().any(Part::is_asterisk) {
            return Err(ListError::AllTables);
        }
        let (schema, name) = match &element[..] {
            [name] => (None, name),
            [schema, name] => (Some(schema.name.clone()), name),
            parts => {
                let name = dotted(parts);
                return Err(ListError::QualifiedTable { name });
            }
        };
        let name = name.name.clone();
        push_new(&mut tables, TableName { schema, name });
    }
    Ok(tables)
}

/// A name, or one part of a qualified name.
struct Part {
    name: String,
    quoted: bool,
}

impl Part {
    fn is_asterisk(&self) -> bool {
        self.name == "*" && !self.quoted
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, element: T) {
    if !list.contains(&element) {
        list.push(element);
    }
}

fn dotted(parts: &[Part]) -> String {
    let names: Vec<_> = parts.iter().map(|part| part.name.as_str()).collect();
    names.join(".")
}

/// Splits at commas, and each element at dots.
fn split(text: &str) -> Result<Vec<Vec<Part>>, ListError> {
    if text.contains('\0') {
        return Err(ListError::Nul);
    }
    let mut rest = text.chars().peekable();
    skip_blanks(&mut rest);
    let mut elements = Vec::new();
    if rest.peek().is_none() {
        return Ok(elements);
    }
    loop {
        let mut element = vec![part(&mut rest)?];
        while rest.next_if_eq(&'.').is_some() {
            element.push(part(&mut rest)?);
        }
        let after = dotted(&element);
        elements.push(element);
        match rest.next() {
            None => return Ok(elements),
            Some(',') => {}
            Some(_) => return Err(ListError::NoComma { after }),
        }
    }
}

/// Reads one name and the blanks around it.
fn part(rest: &mut Peekable<Chars>) -> Result<Part, ListError> {
    skip_blanks(rest);
    let quoted = rest.next_if_eq(&'"').is_some();
    let name = if quoted {
        quoted_name(rest)?
    } else {
        unquoted_name(rest)?
    };
    if name.is_empty() {
        return Err(ListError::EmptyName);
    }
    skip_blanks(rest);
    Ok(Part { name, quoted })
}

/// Reads what follows an opening quote, up to the closing one.
fn quoted_name(rest: &mut Peekable<Chars>) -> Result<String, ListError> {
    let mut name = String::new();
    loop {
        match rest.next() {
            None => return Err(ListError::UnterminatedQuote),
            Some('"') if rest.next_if_eq(&'"').is_none() => return Ok(name),
            Some(character) => name.push(character),
        }
    }
}

fn unquoted_name(rest: &mut Peekable<Chars>) -> Result<String, ListError> {
    let mut name = String::new();
    while let Some(character) = rest.next_if(|c| !is_blank(*c) && *c != ',' && *c != '.') {
        name.push(character.to_ascii_lowercase());
    }
    if name.contains('"') {
        return Err(ListError::StrayQuote { name });
    }
    Ok(name)
}

fn skip_blanks(rest: &mut Peekable<Chars>) {
    while rest.next_if(|c| is_blank(*c)).is_some() {}
}

/// As scanner_isspace in parser/scansup.c.
fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}
