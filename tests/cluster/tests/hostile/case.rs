//! One call: to what, as whom, in what state of the session, and what plain SQL would say to it.

use crate::pool::{
    EXPIRES, Expires, FILTERS, KEEPS, Kind, NO_EXPIRES, NO_FILTERS, NO_KEEPS, NO_TABLES, NO_UNITS,
    NO_ZONES, ROLES, SCHEDULES, SETTINGS, SUPERUSER_SETTINGS, TABLES, ZONES,
};
use fastrand::Rng;
use std::fmt::Write as _;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Clear,
    Rewrite,
    Preview,
    Schedule,
    Unschedule,
    Batches,
}

/// Where the call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Statement,
    Prepared,
    Query,
    /// A block of PL/pgSQL that catches what is raised.
    Block,
    /// A loop over the rows of the table itself.
    Loop,
    Trigger,
    /// While a cursor on the table is open.
    Cursor,
    /// A function with its owner's rights.
    Definer,
    /// After an ERROR in the same transaction.
    Aborted,
}

#[derive(Clone, Debug)]
pub struct Case {
    pub function: Function,
    pub place: Place,
    pub role: &'static str,
    pub table: &'static str,
    pub settings: Vec<&'static str>,
    /// After BEGIN.
    pub mode: &'static str,
    /// The arguments after the table, as SQL.
    pub arguments: String,
    /// What expired rows meet, as SQL; `None` where the call has to be refused.
    pub condition: Option<String>,
    /// Whether the condition fails for some rows, so that it matters which rows are looked at.
    pub fragile: bool,
}

const MODES: [&str; 8] = [
    "",
    "",
    "",
    "ISOLATION LEVEL READ COMMITTED",
    "ISOLATION LEVEL REPEATABLE READ",
    "ISOLATION LEVEL SERIALIZABLE",
    "READ ONLY",
    "ISOLATION LEVEL SERIALIZABLE READ ONLY",
];

pub fn one_of<T: Copy>(random: &mut Rng, among: &[T]) -> T {
    among[random.usize(..among.len())]
}

/// Once in so many times.
pub fn seldom(random: &mut Rng, times: u32) -> bool {
    random.u32(..times) == 0
}

pub fn literal(text: &str) -> String {
    format!("$rcs${text}$rcs$")
}

/// The rule: its arguments, the condition if it is one, and whether that is fragile.
struct Rule {
    arguments: String,
    condition: Option<String>,
    fragile: bool,
}

fn rule(random: &mut Rng) -> Rule {
    let expires = one_of(random, &EXPIRES);
    let keep = seldom(random, 2).then(|| one_of(random, &KEEPS));
    let zone = one_of(random, &ZONES);
    let mut filter = seldom(random, 3).then(|| one_of(random, &FILTERS));
    let fragile = seldom(random, 30);
    if fragile {
        filter = Some(one_of(random, &NO_FILTERS[13..]));
    }
    let mut parameters = vec![("expires", Some(expires.text)), ("unit", expires.unit)];
    parameters.push(("keep", keep));
    let is_asked = needs_zone(expires.kind, expires.text) || filter.is_some_and(is_stable);
    parameters.push(("time_zone", is_asked.then_some(zone)));
    parameters.push(("filter", filter));
    let spoilt = seldom(random, 4);
    if spoilt {
        spoil(random, expires.kind, is_asked, &mut parameters);
    }
    random.shuffle(&mut parameters);
    let mut arguments = String::new();
    for (name, value) in parameters {
        if let Some(value) = value {
            let cast = if name == "keep" { "::interval" } else { "" };
            write!(arguments, ", {name} => {}{cast}", literal(value)).expect("into a string");
        } else if seldom(random, 4) {
            write!(arguments, ", {name} => NULL").expect("into a string");
        }
    }
    let condition = condition(expires, keep.unwrap_or("0"), zone, filter.unwrap_or("true"));
    Rule {
        arguments,
        condition: (!spoilt).then_some(condition),
        fragile,
    }
}

/// A function of the user's that may go by the session's time zone.
fn is_stable(expression: &str) -> bool {
    expression.contains("f.stable")
}

fn needs_zone(kind: Kind, expires: &str) -> bool {
    matches!(kind, Kind::Naive | Kind::Day) || is_stable(expires)
}

/// Makes one of the parameters something that has to be refused.
fn spoil(
    random: &mut Rng,
    kind: Kind,
    needs_zone: bool,
    parameters: &mut [(&str, Option<&'static str>)],
) {
    let (name, value) = match random.u32(..10) {
        0..4 => ("expires", Some(one_of(random, &NO_EXPIRES))),
        4..6 => ("filter", Some(one_of(random, &NO_FILTERS[..13]))),
        6 => ("keep", Some(one_of(random, &NO_KEEPS))),
        7 if needs_zone => ("time_zone", None),
        7 => ("time_zone", Some(one_of(random, &NO_ZONES))),
        8 if kind == Kind::Number => ("unit", None),
        8 => ("unit", Some("seconds")),
        _ => ("unit", Some(one_of(random, &NO_UNITS))),
    };
    for parameter in parameters {
        if parameter.0 == name {
            parameter.1 = value;
        }
    }
}

/// What plain SQL would have.
fn condition(expires: Expires, keep: &str, zone: &str, filter: &str) -> String {
    let value = format!("(\n{}\n)", expires.sql);
    let before = format!("(clock_timestamp() - interval '{keep}')");
    let expired = match expires.kind {
        Kind::Instant => format!("{value} < {before} AND {value} >= '2000-01-01 00:00 UTC'"),
        Kind::Naive => {
            format!("{value} AT TIME ZONE '{zone}' < {before} AND {value} >= '2000-01-01'")
        }
        Kind::Day => format!(
            "isfinite({value}) AND {value} >= '2000-01-01' AND ({value} + 1)::timestamp AT TIME ZONE '{zone}' <= {before}"
        ),
        Kind::Number => {
            let per_second = match expires.unit.map(str::trim) {
                Some("milliseconds") => 1_000,
                Some("microseconds") => 1_000_000,
                _ => 1,
            };
            let units =
                |instant: &str| format!("(extract(epoch FROM {instant}) * {per_second})::float8");
            format!(
                "{value} >= 1 AND {value}::float8 < {} AND {value}::float8 > {}",
                units(&before),
                units("'2000-01-01 00:00 UTC'::timestamptz")
            )
        }
    };
    format!("{expired} AND (\n{filter}\n)")
}

fn place(random: &mut Rng, function: Function) -> Place {
    let place = match random.u32(..14) {
        0..5 => Place::Statement,
        5 => Place::Prepared,
        6 => Place::Query,
        7 | 8 => Place::Block,
        9 => Place::Loop,
        10 => Place::Trigger,
        11 => Place::Cursor,
        12 => Place::Definer,
        _ => Place::Aborted,
    };
    // These need a number.
    if matches!(place, Place::Loop) && function != Function::Clear {
        return Place::Statement;
    }
    place
}

impl Case {
    /// A call inside a transaction, which is rolled back.
    pub fn random(random: &mut Rng) -> Case {
        let function = match random.u32(..12) {
            0..6 => Function::Clear,
            6..8 => Function::Rewrite,
            8 | 9 => Function::Preview,
            10 => Function::Schedule,
            _ => Function::Unschedule,
        };
        let role = one_of(random, &ROLES);
        let mut settings: Vec<_> = (0..random.usize(..4))
            .map(|_| one_of(random, &SETTINGS))
            .collect();
        if seldom(random, 6) {
            settings.push(one_of(random, &SUPERUSER_SETTINGS));
        }
        if seldom(random, 20) {
            settings.push("row_security = off");
        }
        let Rule {
            mut arguments,
            mut condition,
            fragile,
        } = rule(random);
        let mut table = one_of(random, &TABLES);
        if seldom(random, 8) {
            table = one_of(random, &NO_TABLES);
            condition = None;
        }
        match function {
            Function::Preview if seldom(random, 2) => arguments += ", exact => true",
            Function::Schedule => {
                let schedule = literal(one_of(random, &SCHEDULES));
                write!(arguments, ", schedule => {schedule}").expect("into a string");
                if seldom(random, 3) {
                    let number = random.i32(..);
                    write!(arguments, ", batch_size => {number}").expect("into a string");
                }
                if seldom(random, 3) {
                    let fraction = one_of(random, &["0.5", "1.5", "'nan'", "'-infinity'", "1e308"]);
                    write!(arguments, ", rewrite_above => {fraction}").expect("into a string");
                }
            }
            Function::Unschedule => arguments.clear(),
            _ => {}
        }
        Case {
            function,
            place: place(random, function),
            role,
            table,
            settings,
            mode: one_of(random, &MODES),
            arguments,
            condition,
            fragile,
        }
    }

    /// A call that commits: the procedure, or a function by itself. Of tables that can be filled again.
    pub fn committing(random: &mut Rng) -> Case {
        const REFILLED: [&str; 9] = [
            "f.plain",
            "f.indexed",
            "f.unlogged",
            "f.ranged",
            "f.listed",
            "f.triggered",
            "f.statements",
            "f.secured",
            "f.forced",
        ];
        let mut case = Case::random(random);
        case.table = one_of(random, &REFILLED);
        let rule = rule(random);
        (case.arguments, case.condition) = (rule.arguments, rule.condition);
        case.fragile = rule.fragile;
        case.function = match random.u32(..4) {
            0 => Function::Clear,
            1 => Function::Rewrite,
            _ => Function::Batches,
        };
        case.place = Place::Statement;
        case.mode = "";
        if case.function == Function::Batches {
            case.place = one_of(
                random,
                &[
                    Place::Statement,
                    Place::Statement,
                    Place::Block,
                    Place::Loop,
                ],
            );
            for (name, values) in [
                ("batch_size", ["1", "2", "1000000", "2147483647"]),
                ("max_rows", ["100", "1000", "9223372036854775807", "99"]),
                (
                    "max_duration",
                    ["'1 h'", "'178000000 years'", "'1 mon'", "'1 d'"],
                ),
            ] {
                if seldom(random, 3) {
                    let value = one_of(random, &values);
                    write!(case.arguments, ", {name} => {value}").expect("into a string");
                }
            }
        }
        case
    }

    /// The table as an argument.
    fn table_argument(&self) -> String {
        if TABLES.contains(&self.table) {
            return literal(self.table);
        }
        self.table.to_owned()
    }

    /// The call, as an expression (or after CALL).
    pub fn call(&self) -> String {
        let function = match self.function {
            Function::Clear => "",
            Function::Rewrite => "_rewrite",
            Function::Preview => "_preview",
            Function::Schedule => "_schedule",
            Function::Unschedule => "_unschedule",
            Function::Batches => "_in_batches",
        };
        format!(
            "public.raw_clear_sessions{function}({}{})",
            self.table_argument(),
            self.arguments
        )
    }

    /// The statements that make it, of which the last returns what it returned.
    pub fn statements(&self) -> String {
        let call = self.call();
        let (table, result) = (self.table, "SELECT pg_catalog.current_setting('f.n')");
        if self.function == Function::Batches {
            return match self.place {
                Place::Block => format!("DO $do$ BEGIN CALL {call}; END $do$"),
                Place::Loop => format!(
                    "DO $do$ DECLARE i int; BEGIN FOR i IN SELECT 1 FROM f.typed UNION SELECT 1 LOOP CALL {call}; END LOOP; END $do$"
                ),
                _ => format!("CALL {call}"),
            };
        }
        match self.place {
            Place::Statement | Place::Aborted => format!("SELECT {call}"),
            Place::Prepared => {
                format!("PREPARE p AS SELECT {call}; EXECUTE p; DEALLOCATE p")
            }
            Place::Query => {
                format!("WITH c AS MATERIALIZED (SELECT {call} AS n) SELECT n FROM c")
            }
            Place::Block => format!(
                "DO $do$ DECLARE n text; BEGIN
                     n := {call};
                     PERFORM pg_catalog.set_config('f.n', n, true);
                 EXCEPTION WHEN OTHERS THEN
                     PERFORM pg_catalog.set_config('f.n', 'ERROR ' || sqlstate || ' ' || sqlerrm, true);
                 END $do$; {result}"
            ),
            Place::Loop => format!(
                "DO $do$ DECLARE r record; n bigint := 0; BEGIN
                     FOR r IN SELECT id FROM {table} LOOP n := n + {call}; END LOOP;
                     PERFORM pg_catalog.set_config('f.n', n::text, true);
                 END $do$; {result}"
            ),
            Place::Trigger => format!("INSERT INTO f.fire VALUES ({}); {result}", quote(&call)),
            Place::Cursor => format!(
                "DECLARE c CURSOR FOR SELECT * FROM {table}; FETCH 2 FROM c;
                 SELECT pg_catalog.set_config('f.n', ({call})::text, true); FETCH ALL FROM c; CLOSE c; {result}"
            ),
            Place::Definer => format!("SELECT f.as_owner({})", quote(&call)),
        }
    }

    /// As whom the table is cleared.
    pub fn acting(&self) -> &'static str {
        if self.place == Place::Definer {
            "f_owner"
        } else {
            self.role
        }
    }
}

/// A statement that holds dollar-quoted texts, as a text.
fn quote(statement: &str) -> String {
    format!("$statement${statement}$statement$")
}
