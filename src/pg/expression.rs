//! SQL expressions that a caller passes as text: parsed and analysed by PostgreSQL, and turned back into SQL that means
//! the same wherever it is put.
//!
//! The text itself never becomes part of a statement. Only one expression is accepted; what could not be decided row by
//! row (a subselect, an aggregate, a set-returning or volatile function) is refused.

use super::acting_role::depends_on_role;
use super::c::int;
use super::dependence::{apart, depends_on_session, has_volatile_defaults, writing_constants};
use super::references::{Objects, are_still as names_are_still};
use super::search_path::reads_search_path;
use super::which_table::tables_named;
use super::written_zones::{WrittenZone, makes_row, written_zones};
use super::{Relation, refusing};
use crate::refusal::Refusal;
use core::ffi::CStr;
use pgrx::prelude::PgSqlErrorCode;
use pgrx::{PgList, is_a, pg_sys};
use std::ffi::CString;

/// What the table is called in every statement and in every expression here.
pub const TABLE_ALIAS: &str = "t";
const C_TABLE_ALIAS: &CStr = c"t";

/// An analysed expression over one table.
#[derive(Debug)]
pub struct Expression {
    /// As SQL, with columns written as `t.column`.
    pub sql: String,
    /// The type of its values, below all domains.
    pub base_type: pg_sys::Oid,
    /// The columns that it reads; 0 stands for the whole row.
    pub columns: Vec<i16>,
    /// The column, if it is nothing but one.
    pub column: Option<i16>,
    /// What it makes of a row can depend on the session's TimeZone and DateStyle.
    pub is_of_session: bool,
    /// The texts that it reads as times or as zones.
    pub written_zones: Vec<WrittenZone>,
    pub references: References,
}

/// What an expression refers to besides the row, by names that may come to be others'.
#[derive(Debug, PartialEq)]
pub struct References {
    /// The tables that it names, be it by functions of constants.
    pub tables: Vec<pg_sys::Oid>,
    pub objects: Objects,
}

impl References {
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.objects.is_empty()
    }

    /// Whether they are the same by now; of values, names that are new mean nothing.
    pub fn are_still(&self, now: &References) -> bool {
        self.tables == now.tables
            && self.objects.named == now.objects.named
            && names_are_still(&self.objects.names, &now.objects.names)
    }
}

/// What may be passed.
const ONE_EXPRESSION: &str = "Pass one column name or one SQL expression over the table's columns.";

/// Quotes an identifier where SQL needs it.
pub fn quote_identifier(name: &str) -> String {
    pgrx::spi::quote_identifier(name)
}

/// A type's name as SQL writes it.
pub fn type_name(type_oid: pg_sys::Oid) -> String {
    // SAFETY: the type exists, as that of a column or expression; the name is palloc'd and copied.
    unsafe {
        CStr::from_ptr(pg_sys::format_type_be(type_oid))
            .to_string_lossy()
            .into_owned()
    }
}

/// Analyses the text as an expression over the table; as a condition, it has to be boolean. `in_zone`: the session's settings
/// are those of a zone in which it is to be evaluated.
pub fn analyze(
    relation: &Relation,
    text: &str,
    condition: bool,
    in_zone: bool,
) -> Result<Expression, Refusal> {
    let text = CString::new(text).map_err(|_| {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_SYNTAX_ERROR,
            "a zero byte is not SQL",
        )
    })?;
    let node = refusing(ONE_EXPRESSION, || transform(relation, &text, condition))??;
    // SAFETY: `node` is an analysed expression in the current memory context, which outlives this call.
    unsafe {
        if pg_sys::checkExprHasSubLink(node) {
            return Err(Refusal::new(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "cannot use a subquery here",
            )
            .hint("Use only columns of the table itself."));
        }
        if pg_sys::contain_volatile_functions(node) || has_volatile_defaults(node) {
            return Err(Refusal::new(
                PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
                "cannot use a volatile function here",
            )
            .detail(
                "The expression has to give the same answer for the same row throughout a call.",
            )
            .hint("Use functions that are marked IMMUTABLE or STABLE."));
        }
        if makes_row(node) {
            return Err(Refusal::new(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "cannot use a row that is made of a text or a document here",
            )
            .hint("Read what is needed of it by itself: (document ->> 'expires')::timestamptz."));
        }
        Ok(Expression {
            sql: deparse(relation, node),
            base_type: pg_sys::getBaseType(pg_sys::exprType(node)),
            columns: columns(node),
            column: plain_column(node),
            is_of_session: depends_on_session(node, in_zone)
                || !in_zone && !is_read_alike(relation, &text, condition),
            written_zones: written_zones(relation, node),
            references: References {
                tables: tables_named(node),
                objects: Objects::of(relation, node),
            },
        })
    }
}

/// What the worker has otherwise than whoever schedules.
pub enum Otherwise {
    SearchPath,
    Role,
}

/// What an expression that has been analysed can depend on that is otherwise to the worker.
pub fn otherwise_to_the_worker(
    relation: &Relation,
    text: &str,
    condition: bool,
) -> Result<Option<Otherwise>, Refusal> {
    let text = CString::new(text).expect("has been analysed before");
    let node = refusing(ONE_EXPRESSION, || transform(relation, &text, condition))??;
    // SAFETY: as in `analyze`.
    Ok(unsafe {
        if reads_search_path(node) {
            Some(Otherwise::SearchPath)
        } else {
            depends_on_role(node, relation.owner()).then_some(Otherwise::Role)
        }
    })
}

/// Whether the text is the same expression in sessions with other settings: its constants, which are read now.
fn is_read_alike(relation: &Relation, text: &CStr, condition: bool) -> bool {
    let read = apart(|| refusing("", || transform(relation, text, condition)).flatten());
    // It has been read in this session: where it cannot be in another one, the call is refused.
    let Ok(read) = read.into_iter().collect::<Result<Vec<_>, _>>() else {
        return false;
    };
    // SAFETY: trees in the current memory context.
    let is_equal = |one, other| unsafe { pg_sys::equal(one, other) };
    read.windows(2)
        .all(|pair| is_equal(pair[0].cast(), pair[1].cast()))
}

/// Text to an analysed expression tree.
pub(super) fn transform(
    relation: &Relation,
    text: &CStr,
    condition: bool,
) -> Result<*mut pg_sys::Node, Refusal> {
    let tree = parse(text)?;
    // SAFETY: the parse state, its range table with the one relation, and the tree are palloc'd in the current memory
    // context. The relation is open and locked. p_sourcetext stays NULL, so that no error position is reported.
    unsafe {
        let state = pg_sys::make_parsestate(core::ptr::null_mut());
        let item = pg_sys::addRangeTableEntryForRelation(
            state,
            relation.as_ptr(),
            int(pg_sys::AccessShareLock),
            core::ptr::null_mut(),
            false,
            true,
        );
        pg_sys::addNSItemToQuery(state, item, false, true, true);
        let mut node = pg_sys::transformExpr(state, tree, pg_sys::ParseExprKind::EXPR_KIND_WHERE);
        if condition {
            node = pg_sys::coerce_to_boolean(state, node, c"filter".as_ptr());
        }
        pg_sys::assign_expr_collations(state, node);
        Ok(node)
    }
}

/// Text to a raw expression tree: one expression and nothing around it.
fn parse(text: &CStr) -> Result<*mut pg_sys::Node, Refusal> {
    let not_one_expression = || {
        Refusal::new(
            PgSqlErrorCode::ERRCODE_SYNTAX_ERROR,
            format!("\"{}\" is not a single expression", text.to_string_lossy()),
        )
        .hint(ONE_EXPRESSION)
    };
    // SAFETY: in this mode the parser accepts a SELECT without its first word, and gives a list of one RawStmt around a
    // SelectStmt (parser/gram.y, PLpgSQL_Expr). Each node is looked at as what its tag says.
    unsafe {
        let list = PgList::<pg_sys::Node>::from_pg(pg_sys::raw_parser(
            text.as_ptr(),
            pg_sys::RawParseMode::RAW_PARSE_PLPGSQL_EXPR,
        ));
        let statement = list
            .head()
            .filter(|node| is_a(*node, pg_sys::NodeTag::T_RawStmt))
            .map(|node| (*node.cast::<pg_sys::RawStmt>()).stmt)
            .filter(|node| is_a(*node, pg_sys::NodeTag::T_SelectStmt))
            .ok_or_else(not_one_expression)?;
        let select = &*statement.cast::<pg_sys::SelectStmt>();
        let targets = PgList::<pg_sys::Node>::from_pg(select.targetList);
        if targets.len() != 1 || !is_bare(select) {
            return Err(not_one_expression());
        }
        let target = &*targets
            .head()
            .expect("has one element")
            .cast::<pg_sys::ResTarget>();
        if !target.name.is_null() || !target.indirection.is_null() || is_star(target.val) {
            return Err(not_one_expression());
        }
        Ok(target.val)
    }
}

/// A SELECT of nothing but a target list.
fn is_bare(select: &pg_sys::SelectStmt) -> bool {
    select.distinctClause.is_null()
        && select.intoClause.is_null()
        && select.fromClause.is_null()
        && select.whereClause.is_null()
        && select.groupClause.is_null()
        && select.havingClause.is_null()
        && select.windowClause.is_null()
        && select.valuesLists.is_null()
        && select.sortClause.is_null()
        && select.limitOffset.is_null()
        && select.limitCount.is_null()
        && select.lockingClause.is_null()
        && select.withClause.is_null()
        && select.op == pg_sys::SetOperation::SETOP_NONE
}

/// `*` or `relation.*`
unsafe fn is_star(node: *mut pg_sys::Node) -> bool {
    // SAFETY: a ColumnRef's fields are a list of nodes, at least one.
    unsafe {
        is_a(node, pg_sys::NodeTag::T_ColumnRef)
            && PgList::<pg_sys::Node>::from_pg((*node.cast::<pg_sys::ColumnRef>()).fields)
                .tail()
                .is_some_and(|field| is_a(field, pg_sys::NodeTag::T_A_Star))
    }
}

unsafe fn plain_column(node: *mut pg_sys::Node) -> Option<i16> {
    // SAFETY: looked at as what its tag says.
    unsafe {
        let attnum =
            is_a(node, pg_sys::NodeTag::T_Var).then(|| (*node.cast::<pg_sys::Var>()).varattno)?;
        (attnum > 0).then_some(attnum)
    }
}

unsafe fn columns(node: *mut pg_sys::Node) -> Vec<i16> {
    // SAFETY: the set is palloc'd; its members are attribute numbers, shifted so that system columns (and 0, the whole
    // row) are not negative (optimizer/util/var.c).
    unsafe {
        let mut set = core::ptr::null_mut();
        pg_sys::pull_varattnos(node, 1, &mut set);
        let mut columns = Vec::new();
        let mut member = -1;
        loop {
            member = pg_sys::bms_next_member(set, member);
            if member < 0 {
                return columns;
            }
            let attnum = member + pg_sys::FirstLowInvalidHeapAttributeNumber;
            columns.push(i16::try_from(attnum).expect("a set of attribute numbers"));
        }
    }
}

/// As SQL over [`TABLE_ALIAS`].
///
/// # Safety
/// An analysed expression over the one relation, palloc'd.
pub(super) unsafe fn deparse(relation: &Relation, node: *mut pg_sys::Node) -> String {
    let _settings = writing_constants();
    // SAFETY: Vars of `node` have varno 1, which is the one relation of the context (utils/adt/ruleutils.c).
    unsafe {
        let context = pg_sys::deparse_context_for(C_TABLE_ALIAS.as_ptr(), relation.oid());
        CStr::from_ptr(pg_sys::deparse_expression(node, context, true, false))
            .to_string_lossy()
            .into_owned()
    }
}
