//! The walk through an expression that gathers what it refers to.

use super::super::Relation;
use super::super::which_table::found;
use super::{Kind, Objects, is_of_others};
use core::ffi::c_void;
use pgrx::prelude::*;
use pgrx::{PgList, is_a, pg_sys};

pub(super) struct Gathering<'r> {
    /// Their names are not among them yet.
    pub(super) objects: Objects,
    /// The one whose row it is.
    relation: &'r Relation,
    /// Of the operands that have been met, those of which no names are made.
    compared: Vec<*mut pg_sys::Node>,
    /// Names are made of the tables that rows are in, or of others that rows name.
    pub(super) names_tables: bool,
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
    // SAFETY: the context points to what is gathered.
    let objects = unsafe { &mut (*context.cast::<Gathering<'_>>()).objects };
    objects.add(Kind::Function, function);
    false
}

impl<'r> Gathering<'r> {
    /// Gathers what an analysed expression refers to.
    ///
    /// # Safety
    /// The expression is a tree of nodes, palloc'd.
    pub(super) unsafe fn of(relation: &'r Relation, node: *mut pg_sys::Node) -> Self {
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
        gathering
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
        self.objects.add(Kind::Type, of);
        for collation in collations {
            self.objects.add(Kind::Collation, collation);
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
            if is_a(node, pg_sys::NodeTag::T_RowCompareExpr) {
                let operators = (*node.cast::<pg_sys::RowCompareExpr>()).opnos;
                PgList::<pg_sys::Oid>::from_pg(operators)
                    .iter_oid()
                    .collect()
            } else {
                operator(node).into_iter().map(|(oid, _)| oid).collect()
            }
        };
        for operator in operators {
            self.objects.add(Kind::Operator, operator);
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
            if let Some((oid, operands)) = operator(node) {
                if !COMPARE_ENUMS.contains(&u32::from(pg_sys::get_opcode(oid))) {
                    return;
                }
                for operand in PgList::<pg_sys::Node>::from_pg(operands).iter_ptr() {
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
                    self.objects.add(Kind::Type, oid);
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

/// The operator of a node that has one, and its operands.
unsafe fn operator(node: *mut pg_sys::Node) -> Option<(pg_sys::Oid, *mut pg_sys::List)> {
    // They are the same struct (nodes/primnodes.h).
    const OPERATORS: [pg_sys::NodeTag; 3] = [
        pg_sys::NodeTag::T_OpExpr,
        pg_sys::NodeTag::T_DistinctExpr,
        pg_sys::NodeTag::T_NullIfExpr,
    ];
    // SAFETY: looked at as what its tag says.
    unsafe {
        if OPERATORS.iter().any(|tag| is_a(node, *tag)) {
            let operator = &*node.cast::<pg_sys::OpExpr>();
            Some((operator.opno, operator.args))
        } else if is_a(node, pg_sys::NodeTag::T_ScalarArrayOpExpr) {
            let operator = &*node.cast::<pg_sys::ScalarArrayOpExpr>();
            Some((operator.opno, operator.args))
        } else {
            None
        }
    }
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
