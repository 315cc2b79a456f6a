//! The planner's own plan for the rule's condition, read back from EXPLAIN: which leaves can hold expired rows at all,
//! how many it expects, and whether it would use an index.

use super::Checked;
use crate::pg::{self, Argument, LocalSetting, Relation, TABLE_ALIAS};
use pgrx::pg_sys;
use serde::Deserialize;
use std::collections::HashMap;

/// How the planner would read one leaf.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// The index, if the rows would be found through exactly one.
    pub index: Option<String>,
    /// How many rows it expects.
    pub rows: f64,
}

/// How the planner would read the table.
#[derive(Debug)]
pub struct Estimate {
    /// By schema and name.
    tables: HashMap<(String, String), Access>,
    /// False where the plan may read tables that are not in `tables` by their names.
    complete: bool,
    /// How many rows it expects in all.
    pub rows: f64,
}

/// How the planner would read each leaf of the table.
#[derive(Debug)]
pub struct LeafEstimate {
    /// A leaf that is not here has been pruned: the condition cannot hold in it.
    leaves: HashMap<pg_sys::Oid, Access>,
    /// False where that cannot be told: then nothing counts as pruned.
    complete: bool,
}

impl LeafEstimate {
    /// How the leaf would be read; `None` if not at all.
    pub fn access(&self, leaf: &Relation) -> Option<Access> {
        let found = self.leaves.get(&leaf.oid()).cloned();
        if found.is_none() && !self.complete {
            return Some(Access {
                index: None,
                rows: 0.0,
            });
        }
        found
    }
}

/// The plan for the rows that the criterion calls expired, leaf by leaf. EXPLAIN knows the leaves by their names: those
/// count only if they are the same afterwards, and if it names nothing else.
pub fn estimate_leaves(table: &Checked, leaves: &[Relation]) -> LeafEstimate {
    by_leaves(leaves.iter(), || estimate_expired(table))
}

/// The plan for all rows, leaf by leaf.
pub fn estimate_all_leaves<'a>(
    table: &Checked,
    leaves: impl Iterator<Item = &'a Relation> + Clone,
) -> LeafEstimate {
    by_leaves(leaves, || estimate_all(table))
}

/// The plan for the rows that are not expired, leaf by leaf: what is not in it holds nothing but expired rows. `None`
/// where that cannot be told from the column alone.
pub fn estimate_live_leaves<'a>(
    table: &Checked,
    leaves: impl Iterator<Item = &'a Relation> + Clone,
) -> Option<LeafEstimate> {
    let (condition, arguments) = table.criterion().live_condition()?;
    Some(by_leaves(leaves, || {
        estimate_where(table, &condition, &arguments)
    }))
}

fn by_leaves<'a>(
    leaves: impl Iterator<Item = &'a Relation> + Clone,
    estimate: impl FnOnce() -> Estimate,
) -> LeafEstimate {
    let names = || -> HashMap<_, _> {
        let name = |leaf: &Relation| ((leaf.schema(), leaf.name()), leaf.oid());
        pg::gather_by_key(leaves.clone().map(name))
    };
    let before = names();
    let estimate = match leaves.clone().any(Relation::is_foreign) {
        // The planner may ask the foreign server, which may fail: that is to be said when it is this leaf's turn.
        true => pg::attempt(pg::is_of_a_table, estimate).unwrap_or(Estimate {
            tables: HashMap::new(),
            complete: false,
            rows: 0.0,
        }),
        false => estimate(),
    };
    let complete = estimate.complete
        && names() == before
        && estimate.tables.keys().all(|name| before.contains_key(name));
    LeafEstimate {
        leaves: pg::gather_by_key(
            (estimate.tables.into_iter())
                .filter_map(|(name, access)| Some((*before.get(&name)?, access))),
        ),
        complete,
    }
}

/// The plan for the rows that the criterion calls expired.
pub fn estimate_expired(table: &Checked) -> Estimate {
    let (condition, arguments) = table.criterion().estimable_condition();
    estimate_where(table, &condition, &arguments)
}

fn estimate_where(table: &Checked, condition: &str, arguments: &[Argument]) -> Estimate {
    let value = &table.criterion().sql;
    estimate(
        table.root(),
        |name| format!("SELECT {value} FROM {name} AS {TABLE_ALIAS} WHERE {condition}"),
        arguments,
    )
}

/// The plan for all rows.
pub fn estimate_all(table: &Checked) -> Estimate {
    let value = &table.criterion().sql;
    estimate(
        table.root(),
        |name| format!("SELECT {value} FROM {name} AS {TABLE_ALIAS}"),
        &[],
    )
}

fn estimate(root: &Relation, select: impl Fn(&str) -> String, arguments: &[Argument]) -> Estimate {
    // A deletion visits the heap, and alone: no index-only scan, no parallel workers.
    let _setting = LocalSetting::set(&[
        (c"enable_indexonlyscan", c"off"),
        (c"max_parallel_workers_per_gather", c"0"),
    ]);
    let rows = pg::query_on(
        root,
        |name| format!("EXPLAIN (FORMAT JSON, VERBOSE) {}", select(name)),
        arguments,
    );
    let json: String = rows.into_iter().next().expect("EXPLAIN returns one value");
    // What is read of it takes less than its text.
    pg::ensure_memory(4 * json.len());
    let plans: Vec<Explained> =
        serde_json::from_str(&json).expect("EXPLAIN (FORMAT JSON) returns a list of plans");
    let mut estimate = Estimate {
        tables: HashMap::new(),
        complete: true,
        rows: plans.first().map_or(0.0, |explained| explained.plan.rows),
    };
    for explained in &plans {
        read(&explained.plan, &mut estimate);
    }
    estimate
}

/// What EXPLAIN (FORMAT JSON) says of a statement, as far as it matters here (commands/explain.c).
#[derive(Deserialize)]
struct Explained {
    #[serde(rename = "Plan")]
    plan: Node,
}

#[derive(Deserialize)]
struct Node {
    #[serde(rename = "Node Type")]
    node_type: String,
    #[serde(rename = "Schema")]
    schema: Option<String>,
    #[serde(rename = "Relation Name")]
    relation: Option<String>,
    #[serde(rename = "Index Name")]
    index: Option<String>,
    #[serde(rename = "Plan Rows")]
    rows: f64,
    #[serde(rename = "Plans", default)]
    plans: Vec<Node>,
}

fn read(node: &Node, estimate: &mut Estimate) {
    if let (Some(schema), Some(relation)) = (&node.schema, &node.relation)
        // An extension's may stand for what is below it, as TimescaleDB's ChunkAppend does.
        && node.node_type != "Custom Scan"
    {
        estimate.tables.insert(
            (schema.clone(), relation.clone()),
            Access {
                index: index_of(node),
                rows: node.rows,
            },
        );
        return;
    }
    // Nodes that only combine what is below them.
    if !matches!(
        node.node_type.as_str(),
        "Append" | "Merge Append" | "Result"
    ) {
        estimate.complete = false;
    }
    for child in &node.plans {
        read(child, estimate);
    }
}

/// The one index that a scan node uses, if it does.
fn index_of(node: &Node) -> Option<String> {
    match node.node_type.as_str() {
        "Index Scan" => node.index.clone(),
        "Bitmap Heap Scan" => node
            .plans
            .first()
            .filter(|child| child.node_type == "Bitmap Index Scan")
            .and_then(|child| child.index.clone()),
        _ => None,
    }
}
