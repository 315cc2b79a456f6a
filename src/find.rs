//! The tables of the database that are, or nearly are, session tables: by the catalogs alone, without a lock.

use crate::pg::{self, Argument, Keep, Relation};
use crate::table::{self, Caller, Function, Rule, TO_BE_FILLED_IN, parameter};
use logic::framework::{ColumnType, Framework, Zone};
use logic::recognize::{
    Column, Doubt, Recognition, best_candidates, filter_in, recognize, staying, unit_in,
};
use pgrx::pg_sys;

/// One of them. The parameters are those that an estimate needs; what only the application knows is a framework's usual
/// value there, and left to be filled in in the calls.
#[derive(Debug, Default)]
pub struct Found {
    pub table: pg_sys::Oid,
    /// Qualified.
    pub name: String,
    pub framework: Option<&'static str>,
    /// What the caller has to say before it can be cleared.
    pub missing: Option<String>,
    pub keep: Option<String>,
    pub expires: Option<String>,
    pub unit: Option<String>,
    pub time_zone: Option<String>,
    pub filter: Option<String>,
    /// Which rows have expired is not known: they have a lifetime without a usual value, or several ends.
    pub lives_on: bool,
    /// The calls leave it to the framework which column counts, and ask for a filter.
    pub by_framework: bool,
    /// The parameters that the calls leave to be filled in.
    pub open: Vec<&'static str>,
    /// `None` where the names are none that a call could be made with, and before `find` has made them.
    pub call: Option<String>,
    pub schedule_call: Option<String>,
}

/// Which tables `c`, in the schema `n`, are looked at: every one that the caller may read any column of. Not those of extensions,
/// other sessions' temporary tables, and what is cleared with its parent: partitions, and children with no other columns (a
/// hypertable's chunks).
const TABLES: &str = "c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition AND c.oid >= 16384
        AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
        AND NOT pg_catalog.pg_is_other_temp_schema(c.relnamespace)
        AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
        AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
        AND (NOT EXISTS (SELECT FROM pg_catalog.pg_inherits AS i WHERE i.inhrelid = c.oid)
            OR EXISTS (SELECT FROM pg_catalog.pg_attribute AS o
                WHERE o.attrelid = c.oid AND o.attnum > 0 AND NOT o.attisdropped AND o.attinhcount = 0))
        AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            AND d.objid = c.oid AND d.deptype = 'e')";

/// Finds them, by their names.
pub fn find() -> Vec<Found> {
    let statements = [Function::Clear, Function::Schedule].map(Function::statement);
    pg::gather(found().into_iter().map(|found| {
        let is_exact = !found.name.contains(char::REPLACEMENT_CHARACTER);
        let [call, schedule_call] = statements
            .each_ref()
            .map(|statement| is_exact.then(|| call(statement, &found)));
        Found {
            call,
            schedule_call,
            ..found
        }
    }))
}

/// What is known of one of them is the rule for its estimate: nothing in it comes from the caller.
pub fn rule(relation: &Relation) -> Option<Rule> {
    let statement = format!(
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.oid = $1::pg_catalog.oid AND {TABLES}"
    );
    let names: Vec<String> = query(&statement, &[Argument::oid(relation.oid())]);
    let columns = table::columns(&relation.attributes());
    let name = names.first()?;
    let found = describe(name, &relation.schema(), &relation.name(), &columns)?;
    let keep = if found.lives_on {
        Some("0")
    } else {
        found.keep.as_deref()
    };
    Some(Rule {
        expires: found.expires,
        keep: keep.map(Keep::parse),
        unit: found.unit,
        time_zone: found.time_zone,
        filter: found.filter,
        meant: None,
        caller: Caller::of(Function::Preview, []),
    })
}

/// Why the rows of a table are not looked at, if they are not. To read and to plan would run code of others: what the table, its
/// partitions, or an index, constraint, policy or statistics of theirs call. Only a superuser's may run, such as that of an
/// extension, and the caller's own where the table is the caller's: it runs as the table's owner. A partition of another role's
/// would be looked at as the table's owner, too, and may get an index that calls something at any time. Where row security is
/// forced upon the owner, as whom it is looked at, policies are evaluated, which may read anything. A foreign table's server is
/// asked by nobody but those whom it knows.
pub fn not_looked_at(table: pg_sys::Oid) -> Option<&'static str> {
    const CODE: &str = "WITH RECURSIVE tree (oid) AS (
            SELECT $1::pg_catalog.oid
            UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits AS i JOIN tree ON tree.oid = i.inhparent),
        belongs (classid, objid) AS (
            SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::pg_catalog.oid, oid FROM tree
            UNION SELECT 'pg_catalog.pg_class'::pg_catalog.regclass, i.indexrelid
                FROM tree JOIN pg_catalog.pg_index AS i ON i.indrelid = tree.oid
            UNION SELECT d.classid, d.objid
                FROM tree JOIN pg_catalog.pg_depend AS d ON d.refobjid = tree.oid
                    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND d.classid IN ('pg_catalog.pg_constraint'::pg_catalog.regclass, 'pg_catalog.pg_policy'::pg_catalog.regclass,
                        'pg_catalog.pg_statistic_ext'::pg_catalog.regclass)
            UNION SELECT 'pg_catalog.pg_attrdef'::pg_catalog.regclass, g.oid
                FROM tree JOIN pg_catalog.pg_attrdef AS g ON g.adrelid = tree.oid
                    JOIN pg_catalog.pg_attribute AS a ON a.attrelid = g.adrelid AND a.attnum = g.adnum AND a.attgenerated <> ''),
        code (owner) AS (
            SELECT coalesce(p.proowner, o.oprowner, t.typowner, c.opcowner)
            FROM belongs AS b
                JOIN pg_catalog.pg_depend AS d ON d.classid = b.classid AND d.objid = b.objid AND d.refobjid >= 16384
                LEFT JOIN pg_catalog.pg_proc AS p ON p.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                LEFT JOIN pg_catalog.pg_operator AS o ON o.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_operator'::pg_catalog.regclass
                LEFT JOIN pg_catalog.pg_type AS t ON t.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_type'::pg_catalog.regclass
                    AND t.typtype NOT IN ('c', 'e')
                LEFT JOIN pg_catalog.pg_opclass AS c ON c.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_opclass'::pg_catalog.regclass)
        SELECT EXISTS (SELECT FROM tree JOIN pg_catalog.pg_class AS c USING (oid) WHERE c.relkind = 'f'),
            EXISTS (SELECT FROM code JOIN pg_catalog.pg_roles AS r ON r.oid = code.owner
                WHERE NOT r.rolsuper AND (r.rolname <> CURRENT_USER OR r.oid <> root.relowner)),
            EXISTS (SELECT FROM tree JOIN pg_catalog.pg_class AS c USING (oid) JOIN pg_catalog.pg_roles AS r ON r.oid = c.relowner
                WHERE NOT r.rolsuper AND r.oid <> root.relowner),
            EXISTS (SELECT FROM tree JOIN pg_catalog.pg_class AS c USING (oid) WHERE c.relrowsecurity AND c.relforcerowsecurity)
        FROM pg_catalog.pg_class AS root WHERE root.oid = $1::pg_catalog.oid";
    let found: Vec<(bool, bool, bool, bool)> = query(CODE, &[Argument::oid(table)]);
    match found.into_iter().next()? {
        (true, ..) => Some("a foreign server would be asked"),
        (_, true, ..) => Some("functions or types of ordinary roles would be called"),
        (_, _, true, _) => Some("a partition or child belongs to another role"),
        (.., true) => Some("row security would evaluate the owner's policies"),
        _ => None,
    }
}

/// Runs a statement whose operators are PostgreSQL's, whatever the caller has in the search_path.
fn query<R: pg::Row>(statement: &str, arguments: &[Argument]) -> Vec<R> {
    let _setting = pg::LocalSetting::system_path();
    pg::query(statement, arguments)
}

/// A table: its oid, its schema, its name, and the two as SQL writes them.
type Named = (pg_sys::Oid, String, String, String);

fn found() -> Vec<Found> {
    // Each column, with the type below all domains.
    let statement = format!(
        "WITH RECURSIVE base (oid, base) AS (
            SELECT t.oid, t.oid FROM pg_catalog.pg_type AS t WHERE t.typtype <> 'd'
            UNION ALL
            SELECT t.oid, b.base FROM pg_catalog.pg_type AS t JOIN base AS b ON b.oid = t.typbasetype WHERE t.typtype = 'd')
        SELECT c.oid, n.nspname, c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname),
            a.attname, base.base, a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''
        FROM pg_catalog.pg_class AS c
            JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
            JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            JOIN base ON base.oid = a.atttypid
        WHERE {TABLES} ORDER BY n.nspname, c.relname, c.oid, a.attnum"
    );
    let rows: Vec<(Named, (String, pg_sys::Oid, bool))> = query(&statement, &[]);
    pg::gather(
        rows.chunk_by(|(one, _), (next, _)| one.0 == next.0)
            .filter_map(|table| {
                let (oid, schema, name, qualified) = &table[0].0;
                let columns: Vec<_> = table
                    .iter()
                    .map(|(_, (name, base_type, required))| Column {
                        name: name.clone(),
                        column_type: table::column_type_of(*base_type),
                        required: *required,
                    })
                    .collect();
                let found = describe(qualified, schema, name, &columns)?;
                Some(Found {
                    table: *oid,
                    ..found
                })
            }),
    )
}

/// What is to be said of a table; `None` where it has nothing of a session table.
fn describe(qualified: &str, schema: &str, name: &str, columns: &[Column]) -> Option<Found> {
    let found = match recognize(schema, name, columns) {
        Recognition::One(framework) => recognized(framework),
        Recognition::Unsure(framework, doubt) => {
            let is_naive = framework.zone != Zone::NotNaive;
            let by_framework = matches!(doubt, Doubt::Ends(_) | Doubt::Holds(_));
            let found = recognized(framework);
            let open = if by_framework {
                [&found.open[..], &["filter"]].concat()
            } else {
                let open = ["keep", "time_zone"].into_iter();
                open.filter(|name| *name == "keep" || is_naive).collect()
            };
            Found {
                missing: Some(format!(
                    "that it is the table of {}: {}",
                    framework.name,
                    doubt.reason()
                )),
                expires: Some(pg::quote_identifier(framework.expires)),
                unit: framework.unit.map(|unit| unit.name().to_owned()),
                open,
                by_framework,
                ..found
            }
        }
        Recognition::Many(frameworks) => {
            let mut ends: Vec<_> = frameworks
                .iter()
                .map(|framework| framework.expires)
                .collect();
            ends.dedup();
            Found {
                missing: Some("which of several frameworks it is of".to_owned()),
                ..unrecognized(columns, &ends)
            }
        }
        Recognition::None => {
            let best = best_candidates(columns);
            let ends: Vec<_> = best.iter().map(|column| &column.name[..]).collect();
            let first = *ends.first()?;
            table::is_expiry(columns, first).then(|| {
                let found = unrecognized(columns, &ends);
                let worthless = match &ends[..] {
                    [_] => "that its rows are worth nothing after that".to_owned(),
                    _ => format!(
                        "that its rows are worth nothing after one of {}",
                        ends.join(", ")
                    ),
                };
                let stay = staying(columns, &ends);
                let stay: Vec<_> = stay.iter().map(|column| &column.name[..]).collect();
                let stay = (!stay.is_empty())
                    .then(|| format!(", and none is meant to stay by {}", stay.join(", ")));
                Found {
                    missing: Some(worthless + &stay.unwrap_or_default()),
                    ..found
                }
            })?
        }
    };
    Some(Found {
        name: qualified.to_owned(),
        ..found
    })
}

fn recognized(framework: &'static Framework) -> Found {
    let (mut missing, mut open) = (Vec::new(), Vec::new());
    let needs_keep = framework.meaning().event().is_some();
    if needs_keep {
        missing.push("keep, the lifetime that the application has");
        open.push("keep");
    }
    if framework.zone == Zone::Writer {
        missing.push("time_zone, in which the application writes");
        open.push("time_zone");
    }
    Found {
        framework: Some(framework.name),
        missing: (!missing.is_empty()).then(|| missing.join(" and ")),
        keep: framework.usual_keep.map(str::to_owned),
        lives_on: needs_keep && framework.usual_keep.is_none(),
        time_zone: (framework.zone != Zone::NotNaive).then(|| "UTC".to_owned()),
        filter: framework.filter.map(str::to_owned),
        open,
        ..Found::default()
    }
}

/// `ends`: the columns one of which says when a row ends.
fn unrecognized(columns: &[Column], ends: &[&str]) -> Found {
    let expires = ends.first().copied().unwrap_or_default();
    let is_open = ends.len() > 1;
    let types = |name: &str| {
        let column = columns.iter().find(|column| column.name == name);
        column.map(|column| column.column_type)
    };
    let kind = types(expires).and_then(ColumnType::kind);
    let are_alike = ends.iter().all(|end| types(end) == types(expires));
    let is_number = kind.is_some_and(|kind| kind.is_number());
    let is_naive = kind.is_some_and(|kind| kind.is_naive());
    let unit = unit_in(columns, expires).filter(|_| is_number);
    let mut open = vec!["keep"];
    open.extend(is_open.then_some("expires"));
    open.extend((are_alike && is_number && (is_open || unit.is_none())).then_some("unit"));
    open.extend((are_alike && is_naive).then_some("time_zone"));
    open.extend((!staying(columns, ends).is_empty()).then_some("filter"));
    Found {
        expires: Some(pg::quote_identifier(expires)),
        unit: unit.map(|unit| unit.name().to_owned()),
        time_zone: is_naive.then(|| "UTC".to_owned()),
        filter: ends
            .iter()
            .find_map(|end| filter_in(columns, end))
            .map(str::to_owned),
        lives_on: is_open,
        open,
        ..Found::default()
    }
}

/// The ready call. What only the application knows is to be filled in. So is `keep` where the table is not recognized: a call
/// that deletes as it stands there is made for a table of which it is known what its rows are.
fn call(statement: &str, found: &Found) -> String {
    let is_named = found.expires.is_some() && !found.by_framework;
    let said = |value: &Option<String>| value.clone().filter(|_| is_named);
    let is_open = |name: &str| found.open.contains(&name);
    let parameters: String = [
        ("expires", said(&found.expires)),
        ("keep", None),
        ("unit", said(&found.unit).filter(|_| !is_open("expires"))),
        ("time_zone", None),
        ("filter", said(&found.filter)),
    ]
    .into_iter()
    .filter_map(|(name, value)| {
        let value = match name {
            "filter" if is_open(name) => Some(table::and_to_be_filled_in(value.as_deref())),
            _ if is_open(name) => Some(TO_BE_FILLED_IN.to_owned()),
            _ => value,
        };
        Some(parameter(name, &value?))
    })
    .collect();
    table::call(statement, &found.name, &parameters)
}
