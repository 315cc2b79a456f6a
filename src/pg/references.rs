//! What an expression refers to by names that others may get. Analysing it once more finds those that have the names then, and no
//! lock keeps them.
//!
//! What counts is what PostgreSQL itself records an expression to depend on (find_expr_references_walker() of
//! catalog/dependency.c): functions, types and collations, but for PostgreSQL's own. Beyond that, what a dependency does not need,
//! as it is not dropped while it is referred to: which attribute is read of a composite value, and which value a constant is; and
//! names that become data, as the labels of an enum do where it is read as a text.

use super::inheritance::inheritors_unlocked;
use super::spi::{self, Argument};
use super::which_table::found;
use super::{Relation, relation_name};
use core::ffi::c_void;
use pgrx::prelude::*;
use pgrx::{PgList, is_a, pg_sys};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

/// What an expression refers to besides the table's row, and besides tables.
#[derive(Debug, Default, PartialEq)]
pub struct Objects {
    /// All of them, one for each place in which one is named, in order: two that have swapped their names are told by that. In words
    /// that are the same as long as they are the same.
    pub named: Vec<String>,
    /// The names that it makes of values, each with what has it, in words.
    pub names: BTreeSet<String>,
    /// Those of them that can be told by what they are where their oids are others, in order.
    told: Vec<(Kind, pg_sys::Oid)>,
    /// There are others.
    has_others: bool,
    /// The types of values of which names may be made.
    read_by_name: Vec<pg_sys::Oid>,
}

/// A kind of object that can be told by what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Function,
    Type,
    Collation,
    Operator,
}

/// How an object is told from others in a copy of the database: what kind it is, and what makes it what it is.
pub type Definition = Vec<String>;

/// Those of what an expression refers to, in the order in which it does: of what it names, and of the types of values of which it
/// makes names. What a type is made of has definitions of its own behind the type's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Definitions {
    pub named: Vec<Definition>,
    pub by_name: Vec<Definition>,
}

/// Types, each with itself and with those of others that a value of it is made of, in a query.
const PARTS: &str = "WITH RECURSIVE parts (whole, type) AS (SELECT DISTINCT n, n FROM pg_catalog.unnest($1::pg_catalog._oid) AS n \
     UNION SELECT p.whole, x.type FROM parts p JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) p.type \
     CROSS JOIN LATERAL (SELECT t.typbasetype UNION ALL SELECT t.typelem \
     UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid OPERATOR(pg_catalog.=) t.oid \
     OR r.rngmultitypid OPERATOR(pg_catalog.=) t.oid \
     UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) t.typrelid \
     AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped) AS x (type) \
     WHERE NOT x.type OPERATOR(pg_catalog.<) $2::pg_catalog.oid)";

/// What a dump writes otherwise where it is restored, of an expression: parentheses, and the casts of what stands in a list.
const UNSTABLE: &str = r"[()\s]|::(character varying|text|bpchar)(\[\])?";

impl Objects {
    /// What an analysed expression refers to.
    ///
    /// # Safety
    /// The expression is a tree of nodes, palloc'd.
    pub(super) unsafe fn of(relation: &Relation, node: *mut pg_sys::Node) -> Objects {
        let mut gathering = Gathering {
            objects: Objects::default(),
            relation,
            compared: Vec::new(),
            names_tables: false,
        };
        // SAFETY: the context is what `gather` takes it for.
        unsafe {
            gather(node, (&raw mut gathering).cast());
        }
        let mut objects = gathering.objects;
        if gathering.names_tables {
            let named = |oid: pg_sys::Oid| format!("{}{}", table_of_names(oid), relation_name(oid));
            let tables = inheritors_unlocked(relation).into_iter();
            objects.names.extend(tables.map(named));
        }
        if !objects.read_by_name.is_empty() {
            objects.names.extend(names_of(&objects.read_by_name));
        }
        objects
    }

    pub fn is_empty(&self) -> bool {
        self.named.is_empty() && self.names.is_empty()
    }

    /// The functions among them, also those of operators and casts.
    pub fn functions(&self) -> impl Iterator<Item = pg_sys::Oid> {
        self.told(Kind::Function)
    }

    fn told(&self, of: Kind) -> impl Iterator<Item = pg_sys::Oid> {
        let told = self.told.iter().filter(move |(kind, _)| *kind == of);
        told.map(|(_, oid)| *oid)
    }

    /// What each of them is; `None` where that cannot be told of one.
    pub fn definitions(&self) -> Option<Definitions> {
        if self.has_others {
            return None;
        }
        if self.told.is_empty() && self.read_by_name.is_empty() {
            return Some(Definitions::default());
        }
        let types: Vec<_> = self
            .told(Kind::Type)
            .chain(self.read_by_name.iter().copied())
            .collect();
        let oids = |kind| Argument::oids(&self.told(kind).collect::<Vec<_>>());
        let rows: Vec<(String, pg_sys::Oid, String)> = spi::query(
            &format!(
                "{PARTS} SELECT d.kind, d.oid, d.definition::pg_catalog.text FROM ( \
                 SELECT 'type' AS kind, p.whole AS oid, CASE t.typtype \
                 WHEN 'e' THEN pg_catalog.jsonb_build_array('labels') OPERATOR(pg_catalog.||) (SELECT coalesce(pg_catalog.jsonb_agg( \
                 e.enumlabel ORDER BY e.enumsortorder), '[]'::pg_catalog.jsonb) FROM pg_catalog.pg_enum e WHERE e.enumtypid OPERATOR(pg_catalog.=) t.oid) \
                 WHEN 'c' THEN pg_catalog.jsonb_build_array('attributes') OPERATOR(pg_catalog.||) (SELECT coalesce(pg_catalog.jsonb_agg( \
                 pg_catalog.format('%s %s', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum), '[]'::pg_catalog.jsonb) \
                 FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) t.typrelid \
                 AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped) \
                 WHEN 'd' THEN pg_catalog.jsonb_build_array('domain', pg_catalog.format_type(t.typbasetype, t.typtypmod)) \
                 WHEN 'b' THEN pg_catalog.jsonb_build_array('type', (SELECT i.prosrc FROM pg_catalog.pg_proc i WHERE i.oid OPERATOR(pg_catalog.=) t.typinput)) \
                 ELSE pg_catalog.jsonb_build_array('range', (SELECT pg_catalog.format_type(r.rngsubtype, NULL) FROM pg_catalog.pg_range r \
                 WHERE r.rngtypid OPERATOR(pg_catalog.=) t.oid OR r.rngmultitypid OPERATOR(pg_catalog.=) t.oid)) END AS definition \
                 FROM parts p JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) p.type \
                 UNION ALL SELECT 'function', f.oid, pg_catalog.jsonb_build_array('function', pg_catalog.md5(pg_catalog.concat_ws(' ', l.lanname, \
                 f.prosrc, f.probin, pg_catalog.pg_get_function_arguments(f.oid), pg_catalog.pg_get_function_result(f.oid), f.proisstrict, \
                 f.prosecdef, f.provolatile, f.proconfig, pg_catalog.regexp_replace(pg_catalog.pg_get_function_sqlbody(f.oid), $5, '', 'g')))) \
                 FROM pg_catalog.pg_proc f JOIN pg_catalog.pg_language l ON l.oid OPERATOR(pg_catalog.=) f.prolang \
                 WHERE f.oid OPERATOR(pg_catalog.=) ANY ($3::pg_catalog._oid) \
                 UNION ALL SELECT 'collation', c.oid, pg_catalog.jsonb_build_array('collation', c.collprovider, c.collisdeterministic::pg_catalog.text, \
                 c.collcollate, c.collctype, coalesce(pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'colllocale', \
                 pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'colliculocale')) \
                 FROM pg_catalog.pg_collation c WHERE c.oid OPERATOR(pg_catalog.=) ANY ($4::pg_catalog._oid) \
                 UNION ALL SELECT 'operator', o.oid, pg_catalog.jsonb_build_array('operator', f.proname, pg_catalog.format_type(o.oprleft, NULL), \
                 pg_catalog.format_type(o.oprright, NULL)) \
                 FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_proc f ON f.oid OPERATOR(pg_catalog.=) o.oprcode \
                 WHERE o.oid OPERATOR(pg_catalog.=) ANY ($6::pg_catalog._oid)) AS d \
                 ORDER BY d.definition"
            ),
            &[
                Argument::oids(&types),
                first_of_others(),
                oids(Kind::Function),
                oids(Kind::Collation),
                Argument::text(UNSTABLE),
                oids(Kind::Operator),
            ],
        );
        let mut found: HashMap<(Kind, pg_sys::Oid), Vec<Definition>> = HashMap::new();
        for (kind, oid, definition) in rows {
            let kind = match &kind[..] {
                "function" => Kind::Function,
                "type" => Kind::Type,
                "operator" => Kind::Operator,
                _ => Kind::Collation,
            };
            let words: Vec<Option<String>> = serde_json::from_str(&definition).ok()?;
            let words = words.into_iter().map(Option::unwrap_or_default).collect();
            found.entry((kind, oid)).or_default().push(words);
        }
        let all = |of: &[(Kind, pg_sys::Oid)]| {
            let found = of.iter().filter_map(|one| found.get(one));
            found.flatten().cloned().collect()
        };
        let by_name: Vec<_> = self
            .read_by_name
            .iter()
            .map(|of| (Kind::Type, *of))
            .collect();
        Some(Definitions {
            named: all(&self.told),
            by_name: all(&by_name),
        })
    }
}

/// What the name of a table begins with among the names that are made of values.
fn table_of_names(oid: pg_sys::Oid) -> String {
    format!("table {} ", u32::from(oid))
}

/// Whether the names that were made of values are made of them still, or what has them is gone: a partition of last month's.
pub fn are_still(names: &BTreeSet<String>, now: &BTreeSet<String>) -> bool {
    names.iter().all(|name| {
        let of_table = name
            .starts_with("table ")
            .then(|| name.splitn(3, ' ').take(2).collect::<Vec<_>>().join(" ") + " ");
        let is_gone = |table: &String| !now.iter().any(|now| now.starts_with(table));
        now.contains(name) || of_table.as_ref().is_some_and(is_gone)
    })
}

fn first_of_others() -> Argument {
    Argument::oid(pg_sys::Oid::from(pg_sys::FirstNormalObjectId))
}

/// The names that values of these types have parts by: labels of enums, attributes of composite types.
fn names_of(types: &[pg_sys::Oid]) -> BTreeSet<String> {
    let names: Vec<String> = spi::query(
        &format!(
            "{PARTS} SELECT pg_catalog.format('label %s %s', e.oid, e.enumlabel) FROM parts p \
             JOIN pg_catalog.pg_enum e ON e.enumtypid OPERATOR(pg_catalog.=) p.type \
             UNION ALL SELECT pg_catalog.format('attribute %s of type %s %s', a.attnum, p.type, a.attname) FROM parts p \
             JOIN pg_catalog.pg_type t ON t.oid OPERATOR(pg_catalog.=) p.type AND t.typtype OPERATOR(pg_catalog.=) 'c' \
             JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) t.typrelid \
             WHERE a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped"
        ),
        &[Argument::oids(types), first_of_others()],
    );
    names.into_iter().collect()
}

fn is_of_others(oid: pg_sys::Oid) -> bool {
    u32::from(oid) >= pg_sys::FirstNormalObjectId
}

struct Gathering<'r> {
    objects: Objects,
    /// The one whose row it is.
    relation: &'r Relation,
    /// Of the operands that have been met, those of which no names are made.
    compared: Vec<*mut pg_sys::Node>,
    /// Names are made of the tables that rows are in, or of others that rows name.
    names_tables: bool,
}

#[pg_guard]
unsafe extern "C-unwind" fn gather(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    // SAFETY: each node is looked at as what its tag says, and the functions of nodes/nodeFuncs.c take any of an expression. The
    // context points to what is gathered, and nothing else does meanwhile.
    unsafe {
        if node.is_null() {
            return false;
        }
        let gathering = &mut *context.cast::<Gathering<'_>>();
        if is_row_of_relation(node) {
            if !gathering.compared.contains(&node) {
                gathering.add_columns();
            }
            return false;
        }
        if is_expression(node) {
            gathering.add_types(node);
        }
        gathering.note_compared(node);
        gathering.add_operators(node);
        if is_a(node, pg_sys::NodeTag::T_FieldSelect) {
            let select = &*node.cast::<pg_sys::FieldSelect>();
            let composite = pg_sys::getBaseType(pg_sys::exprType(select.arg.cast()));
            gathering.objects.named.push(format!(
                "attribute {} of type {}",
                select.fieldnum,
                u32::from(composite)
            ));
        } else if is_a(node, pg_sys::NodeTag::T_Const) {
            gathering.add_constant(&*node.cast::<pg_sys::Const>());
        } else if is_catalog_value(node) && !pg_sys::contain_var_clause(node) {
            let value = found(node);
            if is_a(value, pg_sys::NodeTag::T_Const) {
                gathering.add_constant(&*value.cast::<pg_sys::Const>());
            }
        }
        pg_sys::check_functions_in_node(node, Some(gather_function), context);
        pg_sys::expression_tree_walker(node, Some(gather), context)
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn gather_function(function: pg_sys::Oid, context: *mut c_void) -> bool {
    if is_of_others(function) {
        // SAFETY: the context points to what is gathered.
        let objects = unsafe { &mut (*context.cast::<Gathering<'_>>()).objects };
        objects.told.push((Kind::Function, function));
        objects
            .named
            .push(format!("function {}", u32::from(function)));
    }
    false
}

impl Gathering<'_> {
    fn add_type(&mut self, of: pg_sys::Oid) {
        if is_of_others(of) {
            self.objects.told.push((Kind::Type, of));
            self.objects.named.push(format!("type {}", u32::from(of)));
        }
    }

    /// The type and the collation of what a node makes, and the collation that it goes by.
    ///
    /// # Safety
    /// It is an expression.
    unsafe fn add_types(&mut self, node: *mut pg_sys::Node) {
        // SAFETY: as for this function.
        let (of, collations) = unsafe {
            (
                pg_sys::exprType(node),
                [
                    pg_sys::exprCollation(node),
                    pg_sys::exprInputCollation(node),
                ],
            )
        };
        self.add_type(of);
        for collation in collations.into_iter().filter(|one| is_of_others(*one)) {
            self.objects.told.push((Kind::Collation, collation));
            self.objects
                .named
                .push(format!("collation {}", u32::from(collation)));
        }
        if self.compared.contains(&node) {
            return;
        }
        if is_of_others(of) {
            self.objects.read_by_name.push(of);
        }
        // SAFETY: only the tag is read.
        self.names_tables |=
            of == pg_sys::REGCLASSOID && !unsafe { is_a(node, pg_sys::NodeTag::T_Const) };
    }

    /// Of the relation's whole row: its columns have names of their own, which are remembered elsewhere.
    fn add_columns(&mut self) {
        let types = self.relation.attributes().into_iter();
        let types = types.map(|attribute| attribute.base_type);
        self.objects
            .read_by_name
            .extend(types.filter(|of| is_of_others(*of)));
    }

    /// The operators of a node: their functions may be PostgreSQL's, as other operators' are.
    ///
    /// # Safety
    /// A node of an expression, palloc'd.
    unsafe fn add_operators(&mut self, node: *mut pg_sys::Node) {
        // SAFETY: looked at as what its tag says.
        let operators: Vec<pg_sys::Oid> = unsafe {
            if is_operator(node) {
                vec![(*node.cast::<pg_sys::OpExpr>()).opno]
            } else if is_a(node, pg_sys::NodeTag::T_ScalarArrayOpExpr) {
                vec![(*node.cast::<pg_sys::ScalarArrayOpExpr>()).opno]
            } else if is_a(node, pg_sys::NodeTag::T_RowCompareExpr) {
                let operators = (*node.cast::<pg_sys::RowCompareExpr>()).opnos;
                PgList::<pg_sys::Oid>::from_pg(operators)
                    .iter_oid()
                    .collect()
            } else {
                Vec::new()
            }
        };
        for operator in operators.into_iter().filter(|one| is_of_others(*one)) {
            self.objects.told.push((Kind::Operator, operator));
            self.objects
                .named
                .push(format!("operator {}", u32::from(operator)));
        }
    }

    /// Notes the operands of which a node makes no names: a composite value of which it reads one attribute, enums that it
    /// compares, what it asks for being NULL.
    ///
    /// # Safety
    /// A node of an expression, palloc'd.
    unsafe fn note_compared(&mut self, node: *mut pg_sys::Node) {
        const COMPARE_ENUMS: [u32; 6] = [
            pg_sys::F_ENUM_EQ,
            pg_sys::F_ENUM_NE,
            pg_sys::F_ENUM_LT,
            pg_sys::F_ENUM_GT,
            pg_sys::F_ENUM_LE,
            pg_sys::F_ENUM_GE,
        ];
        // SAFETY: looked at as what its tag says. What the parser has analysed has its operators' functions not yet looked up.
        unsafe {
            let mut compares = |operator: pg_sys::Oid, operands: *mut pg_sys::List| {
                if COMPARE_ENUMS.contains(&u32::from(pg_sys::get_opcode(operator))) {
                    let operands = PgList::<pg_sys::Node>::from_pg(operands);
                    for operand in operands.iter_ptr() {
                        // What makes an enum of a text looks up its label.
                        if is_a(operand, pg_sys::NodeTag::T_Var)
                            || is_a(operand, pg_sys::NodeTag::T_Const)
                            || is_a(operand, pg_sys::NodeTag::T_ArrayExpr)
                        {
                            self.compared.push(operand);
                        }
                        // Each of an IN list.
                        if is_a(operand, pg_sys::NodeTag::T_ArrayExpr) {
                            let elements = (*operand.cast::<pg_sys::ArrayExpr>()).elements;
                            let elements = PgList::<pg_sys::Node>::from_pg(elements);
                            let is_constant =
                                |one: &*mut pg_sys::Node| is_a(*one, pg_sys::NodeTag::T_Const);
                            self.compared
                                .extend(elements.iter_ptr().filter(is_constant));
                        }
                    }
                }
            };
            if is_operator(node) {
                let operator = &*node.cast::<pg_sys::OpExpr>();
                compares(operator.opno, operator.args);
            } else if is_a(node, pg_sys::NodeTag::T_ScalarArrayOpExpr) {
                let operator = &*node.cast::<pg_sys::ScalarArrayOpExpr>();
                compares(operator.opno, operator.args);
            } else if is_a(node, pg_sys::NodeTag::T_RelabelType) {
                // A table is compared by its oid.
                let relabel = &*node.cast::<pg_sys::RelabelType>();
                if relabel.resulttype == pg_sys::OIDOID {
                    self.compared.push(relabel.arg.cast());
                }
            } else if is_a(node, pg_sys::NodeTag::T_NullTest) {
                let operand = (*node.cast::<pg_sys::NullTest>()).arg.cast();
                self.compared.push(operand);
            } else if is_a(node, pg_sys::NodeTag::T_FieldSelect) {
                let operand = (*node.cast::<pg_sys::FieldSelect>()).arg.cast();
                self.compared.push(operand);
            }
        }
    }

    /// Which value it is, where that may be named: of a type of others, or an object of the catalog's.
    ///
    /// # Safety
    /// A constant of its type.
    unsafe fn add_constant(&mut self, constant: &pg_sys::Const) {
        let of = constant.consttype;
        if constant.constisnull {
            return;
        }
        // SAFETY: the value is of its type, and not NULL.
        unsafe {
            if is_of_others(of) {
                let image = match constant.constbyval {
                    true => constant.constvalue.value().to_ne_bytes().to_vec(),
                    false => {
                        let (value, length) = (constant.constvalue, constant.constlen);
                        let bytes = pg_sys::datumGetSize(value, false, length);
                        core::slice::from_raw_parts(value.cast_mut_ptr::<u8>(), bytes).to_vec()
                    }
                };
                let image: String = image.iter().map(|byte| format!("{byte:02x}")).collect();
                self.objects
                    .named
                    .push(format!("value {image} of type {}", u32::from(of)));
            } else if CATALOG_TYPES.contains(&of) {
                let oid = pg_sys::Oid::from_datum(constant.constvalue, false).unwrap_or_default();
                if of == pg_sys::REGTYPEOID {
                    self.add_type(oid);
                } else if is_of_others(oid) {
                    self.objects.has_others = true;
                    self.objects
                        .named
                        .push(format!("object {} of a catalog", u32::from(oid)));
                }
            }
        }
    }
}

/// Types whose values are objects of the catalog, looked up by their names; but for tables, which are remembered as such.
const CATALOG_TYPES: [pg_sys::Oid; 10] = [
    pg_sys::REGPROCOID,
    pg_sys::REGPROCEDUREOID,
    pg_sys::REGOPEROID,
    pg_sys::REGOPERATOROID,
    pg_sys::REGTYPEOID,
    pg_sys::REGCONFIGOID,
    pg_sys::REGDICTIONARYOID,
    pg_sys::REGNAMESPACEOID,
    pg_sys::REGROLEOID,
    pg_sys::REGCOLLATIONOID,
];

/// One of three that are the same struct (nodes/primnodes.h).
unsafe fn is_operator(node: *mut pg_sys::Node) -> bool {
    const OPERATORS: [pg_sys::NodeTag; 3] = [
        pg_sys::NodeTag::T_OpExpr,
        pg_sys::NodeTag::T_DistinctExpr,
        pg_sys::NodeTag::T_NullIfExpr,
    ];
    // SAFETY: only the tag is read.
    OPERATORS.iter().any(|tag| unsafe { is_a(node, *tag) })
}

/// The table's own row as a whole.
unsafe fn is_row_of_relation(node: *mut pg_sys::Node) -> bool {
    // SAFETY: looked at as what its tag says.
    unsafe { is_a(node, pg_sys::NodeTag::T_Var) && (*node.cast::<pg_sys::Var>()).varattno == 0 }
}

/// A call or a conversion that makes an object of the catalog's of a name.
unsafe fn is_catalog_value(node: *mut pg_sys::Node) -> bool {
    // SAFETY: looked at as what its tag says, and an expression if it is one of these.
    unsafe {
        (is_a(node, pg_sys::NodeTag::T_FuncExpr) || is_a(node, pg_sys::NodeTag::T_CoerceViaIO))
            && CATALOG_TYPES.contains(&pg_sys::exprType(node))
    }
}

/// Whether a node has a type: not a part of one, such as a list, or a branch of a CASE (exprType() of nodes/nodeFuncs.c).
unsafe fn is_expression(node: *mut pg_sys::Node) -> bool {
    const PARTS: &[pg_sys::NodeTag] = &[
        pg_sys::NodeTag::T_List,
        pg_sys::NodeTag::T_IntList,
        pg_sys::NodeTag::T_OidList,
        pg_sys::NodeTag::T_CaseWhen,
        #[cfg(not(feature = "pg15"))]
        pg_sys::NodeTag::T_JsonFormat,
        #[cfg(not(feature = "pg15"))]
        pg_sys::NodeTag::T_JsonReturning,
    ];
    // SAFETY: only the tag is read.
    !PARTS.iter().any(|tag| unsafe { is_a(node, *tag) })
}
