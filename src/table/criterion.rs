//! The rule, applied to one table: which column or expression is compared with what.

use super::caller::Caller;
use super::columns::{find_column, kind_of, recognition, recognize_table, with_filter_of};
use super::meant::{Meant, check_names, check_what_was_found};
use super::named::{Named, named, not_a_time};
use super::requirements::{
    check_keep, check_lifetime, check_named_lifetime, cutoff, declared_zone, find_zone, parse_unit,
    unit_of, zone_of,
};
use crate::pg::{
    self, Argument, Attribute, Keep, LocalSetting, Otherwise, References, Relation, WrittenZone,
    Zone,
};
use crate::refusal::Refusal;
use logic::cutoff::{Range, expired_range};
use logic::framework::Framework;
use logic::kind::Kind;
use logic::recognize::Recognition;
use logic::unit::Unit;
use logic::zone::wall_cutoff;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;

/// The rule as the caller wrote it; every part is optional. And in which call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    pub expires: Option<String>,
    pub keep: Option<Keep>,
    pub unit: Option<String>,
    pub time_zone: Option<String>,
    pub filter: Option<String>,
    /// What it meant when it was said, where that was before now.
    pub meant: Option<Meant>,
    pub caller: Caller,
}

impl Rule {
    /// The parameters by their names, as text, in the order in which they are declared.
    pub fn parameters(&self) -> [(&'static str, Option<String>); 5] {
        [
            ("expires", self.expires.clone()),
            ("keep", self.keep.map(|keep| keep.text())),
            ("unit", self.unit.clone()),
            ("time_zone", self.time_zone.clone()),
            ("filter", self.filter.clone()),
        ]
    }
}

/// What says when a row expires.
#[derive(Debug)]
pub enum Value {
    /// A plain column.
    Column { attnum: i16, name: String },
    /// Anything more: only SQL can evaluate it.
    Expression {
        columns: Vec<i16>,
        references: References,
    },
}

impl Value {
    /// The columns that it reads; 0 stands for the whole row.
    pub fn columns(&self) -> Vec<i16> {
        match self {
            Value::Column { attnum, .. } => vec![*attnum],
            Value::Expression { columns, .. } => columns.clone(),
        }
    }
}

/// Which rows of a table are expired.
#[derive(Debug)]
pub struct Criterion {
    /// The framework that was recognized; `None` where the caller named the column.
    pub framework: Option<&'static Framework>,
    pub value: Value,
    /// `value` as SQL, over the alias [`pg::TABLE_ALIAS`].
    pub sql: String,
    /// `value` as the caller would write it for the parameter `expires`.
    pub text: String,
    pub kind: Kind,
    pub base_type: pg_sys::Oid,
    pub unit: Option<Unit>,
    pub zone: Option<Zone>,
    /// The zone in which the expression and the filter are evaluated, where that makes a difference.
    pub evaluated_in: Option<Zone>,
    pub keep: Keep,
    /// The clock when the criterion was made: once for each call.
    pub now: i64,
    /// `now - keep`, as an instant.
    pub cutoff: i64,
    /// The cut-off in the terms of `value`.
    pub range: Range,
    /// A further condition, as SQL.
    pub filter: Option<pg::Expression>,
    /// The same as the caller, or the framework, wrote it.
    pub filter_text: Option<String>,
    /// The condition of the framework's whose column says when a row expires, if it has one.
    pub condition_of_framework: Option<&'static str>,
    /// The texts that the expression reads as times or as zones.
    written_zones: Vec<WrittenZone>,
}

/// What depends on the session's settings, if something does.
fn of_session(named: &Named, filter: Option<&pg::Expression>) -> Option<&'static str> {
    let by_filter = filter.is_some_and(|filter| filter.is_of_session);
    match (named.is_of_session, by_filter) {
        (true, _) => Some("expression"),
        (false, true) => Some("filter"),
        (false, false) => None,
    }
}

/// Refuses (22023) to schedule what is another value to the worker, which has a `search_path` of its own and acts as the table's owner.
/// Both have been analysed.
fn check_is_the_workers(
    relation: &Relation,
    rule: &Rule,
    value: &Value,
    filter: Option<&str>,
) -> Result<(), Refusal> {
    if !rule.caller.schedules() {
        return Ok(());
    }
    let is_expression = matches!(value, Value::Expression { .. });
    let expression = rule.expires.as_deref().filter(|_| is_expression);
    for (what, text, condition) in [("expression", expression, false), ("filter", filter, true)] {
        let Some(text) = text else { continue };
        let refusal = match pg::otherwise_to_the_worker(relation, text, condition)? {
            None => continue,
            Some(Otherwise::SearchPath) => Refusal::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("the {what} depends on the setting \"search_path\""),
            )
            .detail("The worker has none of your schemas in it: it reads and writes the names of tables, types and functions with their schemas.")
            .hint("Compare tables themselves instead of their names, and name them with their schemas: tableoid <> 'public.archive'::regclass."),
            Some(Otherwise::Role) => Refusal::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                format!("the {what} depends on the role that acts"),
            )
            .detail("The worker acts as the table's owner, who is another role.")
            .hint("Name the role that is meant, or schedule the table as its owner."),
        };
        return Err(refusal);
    }
    Ok(())
}

/// The framework with a condition whose own column was named: its rows are meant, as where nothing is named. That something else may
/// keep rows makes it none other.
fn framework_of_column(
    relation: &Relation,
    attributes: &[Attribute],
    rule: &Rule,
    named: &Named,
) -> Option<&'static Framework> {
    let Value::Column { name, .. } = &named.value else {
        return None;
    };
    let could_be = match recognition(relation, attributes, rule).ok()? {
        Recognition::One(framework) | Recognition::Unsure(framework, _) => vec![framework],
        Recognition::Many(frameworks) => frameworks,
        Recognition::None => Vec::new(),
    };
    let is_it = |framework: &&Framework| framework.expires == name && framework.filter.is_some();
    could_be.into_iter().find(is_it)
}

impl Criterion {
    /// Resolves the rule for a table as of a clock. Whatever is missing, unknown or contradictory is refused.
    pub fn resolve_at(relation: &Relation, rule: &Rule, now: i64) -> Result<Criterion, Refusal> {
        let attributes = relation.attributes();
        check_names(relation, &attributes, rule)?;
        let keep = check_keep(rule.keep)?;
        let given_unit = rule.unit.as_deref().map(parse_unit).transpose()?;
        let given_zone = rule.time_zone.as_deref().map(find_zone).transpose()?;
        let framework = match rule.expires {
            Some(_) => None,
            None => Some(recognize_table(relation, &attributes, rule)?),
        };
        let declared = declared_zone(relation, given_zone, framework)?;
        let session = declared.as_ref().map(pg::evaluating_in);
        let text = rule.expires.as_deref().unwrap_or_default();
        let named = match framework {
            Some(framework) => {
                find_column(relation, &attributes, rule, framework.expires).map(Named::column)?
            }
            None => named(relation, &attributes, rule, text, session.is_some())?,
        };
        let kind = kind_of(named.base_type)
            .ok_or_else(|| not_a_time(relation, &attributes, rule, &named))?;
        match framework {
            Some(framework) => check_lifetime(relation, &attributes, rule, framework)?,
            None => check_named_lifetime(relation, &attributes, rule, &named)?,
        }
        let unit = unit_of(
            relation,
            &attributes,
            rule,
            &named,
            kind,
            given_unit,
            framework,
        )?;
        let of_framework = framework
            .or_else(|| framework_of_column(relation, &attributes, rule, &named))
            .and_then(|framework| framework.filter);
        let filter_text = with_filter_of(relation, of_framework, rule.filter.as_deref());
        let filter = filter_text
            .as_deref()
            .map(|text| pg::analyze(relation, text, true, session.is_some()))
            .transpose()
            .map_err(|refusal| refusal.about("filter"))?;
        check_is_the_workers(relation, rule, &named.value, filter_text.as_deref())?;
        let of_session = of_session(&named, filter.as_ref());
        let zone = zone_of(
            relation,
            &attributes,
            rule,
            &named,
            kind,
            declared.clone(),
            of_session,
        )?;

        let cutoff = cutoff(&keep, now)?;
        let wall = zone.as_ref().map(|zone| {
            let (offset, transitions) = zone.around(cutoff);
            wall_cutoff(cutoff, offset, &transitions)
        });
        let range = expired_range(kind, unit, now, cutoff, wall)
            .expect("unit and zone have been checked for the kind");
        let criterion = Criterion {
            framework,
            value: named.value,
            sql: named.sql,
            text: named.text,
            kind,
            base_type: named.base_type,
            unit,
            zone,
            evaluated_in: declared.filter(|_| of_session.is_some()),
            keep,
            now,
            cutoff,
            range,
            filter,
            filter_text,
            condition_of_framework: of_framework,
            written_zones: named.written_zones,
        };
        check_what_was_found(relation, &attributes, rule, &criterion)?;
        Ok(criterion)
    }

    /// The settings that expression and filter are evaluated with, until dropped; nothing where no setting makes a
    /// difference to them. To be held wherever a statement judges rows.
    pub fn session(&self) -> Option<LocalSetting> {
        self.evaluated_in.as_ref().map(pg::evaluating_in)
    }

    /// The zone of a naive value, and of an expression or a filter that has another value in each, by its name.
    pub fn time_zone(&self) -> Option<String> {
        let zone = self.zone.as_ref().or(self.evaluated_in.as_ref());
        zone.map(|zone| zone.name().to_owned())
    }

    /// In words, which rows are expired: the same ones by every criterion of the table of which it is the same.
    pub fn meaning(&self) -> String {
        let filter = self.filter.as_ref().map(|filter| &filter.sql);
        // A name may have become another column's.
        let of_value = (
            &self.sql,
            self.columns(),
            u32::from(self.base_type),
            self.range,
        );
        format!("{:?}", (of_value, filter, self.time_zone()))
    }

    /// Whether the value is the column of that name.
    pub fn is_column(&self, column: &str) -> bool {
        matches!(&self.value, Value::Column { name, .. } if name == column)
    }

    /// The columns that the rule reads; 0 stands for the whole row.
    pub fn columns(&self) -> Vec<i16> {
        let mut columns = self.value.columns();
        columns.extend(self.filter.iter().flat_map(|filter| filter.columns.iter()));
        columns
    }

    /// What the expressions of the rule refer to.
    pub fn references(&self) -> impl Iterator<Item = &References> {
        let of_value = match &self.value {
            Value::Column { .. } => None,
            Value::Expression { references, .. } => Some(references),
        };
        let of_filter = self.filter.as_ref().map(|filter| &filter.references);
        of_value.into_iter().chain(of_filter)
    }

    /// The condition that expired rows meet: `$1` is the cut-off, `$2` the lower end.
    pub fn condition(&self) -> (String, Vec<Argument>) {
        let (condition, mut arguments) = self.below();
        arguments.push(self.least_argument());
        let mut condition = format!("{condition} AND {}", self.not_too_early());
        // A table with such rows is refused; this is for those that come later.
        for zone in self.written_zones() {
            condition.push_str(&format!(" AND ({}) IS NOT TRUE", zone.condition));
        }
        (condition + &self.and_filter(), arguments)
    }

    /// The same but for the filter, where nothing but a column decides, so that it can be seen of any row.
    pub fn condition_on_column(&self) -> Option<(String, Vec<Argument>)> {
        let Value::Column { .. } = self.value else {
            return None;
        };
        let (condition, mut arguments) = self.below();
        arguments.push(self.least_argument());
        Some((
            format!("{condition} AND {}", self.not_too_early()),
            arguments,
        ))
    }

    /// The condition that a row with an instant meets, however late, with the parameters of `condition`.
    pub fn can_expire(&self) -> String {
        let not_too_early = self.not_too_early();
        if self.kind.is_number() {
            return not_too_early;
        }
        // 'infinity' is no instant.
        format!("{not_too_early} AND pg_catalog.isfinite({})", self.sql)
    }

    /// The condition that a row before the first instant does not meet, with the parameters of `condition`.
    fn not_too_early(&self) -> String {
        format!("{} OPERATOR(pg_catalog.>=) $2", self.sql)
    }

    /// The condition that a row meets whose time lies before those that can expire; for numbers, none does. With the parameters
    /// of `condition`.
    pub fn is_too_early(&self) -> String {
        if self.kind.is_number() {
            return "false".to_owned();
        }
        let value = &self.sql;
        format!("{value} OPERATOR(pg_catalog.<) $2 AND pg_catalog.isfinite({value})")
    }

    /// The condition that a row meets which is not expired, in terms that the planner compares with a partition's bounds;
    /// `None` where the filter, or more than a column, decides.
    pub fn live_condition(&self) -> Option<(String, Vec<Argument>)> {
        if self.filter.is_some() || !matches!(self.value, Value::Column { .. }) {
            return None;
        }
        let value = &self.sql;
        Some((
            format!(
                "{value} OPERATOR(pg_catalog.>=) $1 OR {value} IS NULL OR {value} OPERATOR(pg_catalog.<) $2"
            ),
            vec![self.cutoff_argument(), self.least_argument()],
        ))
    }

    pub(super) fn of_base_type(&self, value: i64) -> Argument {
        Argument {
            type_oid: self.base_type,
            value: value.into(),
        }
    }

    /// The lower end.
    fn least_argument(&self) -> Argument {
        match self.range {
            Range::Integer { from, .. } if self.kind.is_number() => Argument::integer(from),
            Range::Integer { from, .. } => self.of_base_type(from),
            Range::Float { from, .. } => Argument::float(from),
        }
    }

    /// The texts that the expression and the filter read as times or as zones.
    pub fn written_zones(&self) -> impl Iterator<Item = &WrittenZone> {
        let by_filter = self.filter.iter().flat_map(|filter| &filter.written_zones);
        self.written_zones.iter().chain(by_filter)
    }

    /// Only the upper end of the condition, and the filter: what the planner is asked to estimate. Without statistics
    /// it would take a range with two ends for a narrow one.
    pub fn estimable_condition(&self) -> (String, Vec<Argument>) {
        let (condition, arguments) = self.below();
        (condition + &self.and_filter(), arguments)
    }

    /// ` AND (filter)`, or nothing.
    pub fn and_filter(&self) -> String {
        self.filter
            .as_ref()
            .map(|filter| format!(" AND ({})", filter.sql))
            .unwrap_or_default()
    }

    fn below(&self) -> (String, Vec<Argument>) {
        (
            format!("{} OPERATOR(pg_catalog.<) $1", self.sql),
            vec![self.cutoff_argument()],
        )
    }

    /// The cut-off in the terms of `value`, as a parameter.
    pub fn cutoff_argument(&self) -> Argument {
        match (self.range, self.kind) {
            (Range::Float { below, .. }, _) => Argument::float(below),
            (Range::Integer { below, .. }, kind) if kind.is_number() => Argument::integer(below),
            (Range::Integer { below, .. }, _) => self.of_base_type(below),
        }
    }
}
