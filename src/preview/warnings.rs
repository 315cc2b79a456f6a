//! What somebody should know before the call.

use super::counts::Counts;
use crate::engine;
use crate::pg::{self, Argument, LockMode, Privilege, Relation, RelationKind};
use crate::table::{
    Plan, Target, doubtful_children, estimate_live_leaves, hides_rows_from_owner, managed_by,
};
use logic::number;

/// Above this fraction of expired rows, what the column means is worth a second look.
const NEARLY_ALL: f64 = 0.95;

/// How many names a warning has at most.
const NAMES: usize = 5;

/// `index`: one leads with the column.
pub fn warnings(target: &Target, counts: &Counts, index: bool, exact: bool) -> Vec<String> {
    let (relation, criterion) = (target.root(), target.criterion());
    let mut warnings = Vec::new();
    if let Some(warning) = about_the_column(target, counts) {
        warnings.push(warning);
    }
    warnings.extend(before_2000(criterion.text.as_str(), counts));
    if let Some(note) = criterion.framework.and_then(|framework| framework.note) {
        warnings.push(note.to_owned());
    }
    if !pg::has_privilege(relation, Privilege::Delete) {
        warnings.push("you have no DELETE privilege on the table".to_owned());
    }
    warnings.extend(super::why_not_published(target));
    warnings.extend(engine::why_not_by_shards(target).map(|why| {
        format!("the shards cannot be cleared one by one, so one DELETE clears them all: {why}")
    }));
    warnings.extend(row_security(target));
    warnings.extend(may_keep(target));
    warnings.extend(children(target));
    warnings.extend(foreign_keys(target));
    warnings.extend(past_partitions(target));
    let leaves = pg::leaves(relation, LockMode::AccessShare);
    warnings.extend(foreign(&leaves, exact));
    // Which indexes there are on a foreign server is not known.
    if !index && !leaves.iter().all(Relation::is_foreign) {
        warnings.push(format!(
            "no index leads with {}: each call reads the whole table",
            criterion.text
        ));
    }
    warnings
}

/// Where hardly a row would stay, or none can ever go, the rule may be another than the application's.
fn about_the_column(target: &Target, counts: &Counts) -> Option<String> {
    let criterion = target.criterion();
    if counts.none_can_expire {
        return Some(match criterion.filter {
            Some(_) => format!(
                "no row meets the filter and has an instant in {}",
                criterion.text
            ),
            None => format!(
                "no row has an instant in {}: the values are NULL, infinite, before 2000 or 0, which never expire",
                criterion.text
            ),
        });
    }
    if counts.expired_fraction() < NEARLY_ALL {
        return None;
    }
    Some(if criterion.cutoff < criterion.now {
        "nearly all rows would be deleted: see whether keep is the lifetime that the application has set, and no shorter"
            .to_owned()
    } else {
        format!(
            "nearly all rows would be deleted: see whether {} says when a row expires, and not when it was last used or created",
            criterion.text
        )
    })
}

/// A program may have written its zero value for "never", which is 0001-01-01 or 1970-01-01 in most languages.
fn before_2000(expires: &str, counts: &Counts) -> Option<String> {
    let rows = number::whole(counts.too_early);
    (rows > 0).then(|| {
        format!(
            "rows with a time before 2000 in {expires} are never deleted, as those where it is NULL: there are at least {rows}"
        )
    })
}

/// Where the planner knows nothing of the rows on a foreign server.
fn foreign(leaves: &[Relation], exact: bool) -> Option<String> {
    let guessed = leaves
        .iter()
        .filter(|leaf| leaf.is_foreign() && !leaf.is_counted() && !exact)
        .map(Relation::qualified_name);
    let names = listed(guessed.collect())?;
    Some(format!(
        "the numbers of rows on foreign servers are guesses, as long as ANALYZE has not been run on {names}: exact => true counts them there"
    ))
}

/// What row security hides is neither counted nor deleted.
fn row_security(target: &Target) -> Vec<String> {
    let relation = target.root();
    let mut warnings = Vec::new();
    if pg::row_security_applies(relation) {
        warnings.push(
            "row-level security applies to you: rows that its policies hide from you are neither counted here nor deleted"
                .to_owned(),
        );
    }
    if hides_rows_from_owner(relation.oid()) {
        warnings.push(
            "FORCE ROW LEVEL SECURITY applies to the table's owner, as whom the worker acts: it deletes only rows that the policies show to the owner"
                .to_owned(),
        );
    }
    warnings
}

/// Tables that go along and look as if their rows were to stay. Of a recognized table they are refused.
fn children(target: &Target) -> Option<String> {
    if target.criterion().framework.is_some() {
        return None;
    }
    let root = target.root();
    let names = listed(doubtful_children(
        root,
        &pg::leaves(root, LockMode::AccessShare),
    ))?;
    Some(format!(
        "rows of children of the table go, too, and may be meant to stay: {names}"
    ))
}

/// Triggers and rules that may keep rows without an ERROR.
fn may_keep(target: &Target) -> Vec<String> {
    let relation = target.root();
    let root = Argument::oid(relation.oid());
    // A partition's own triggers are among them once; those that it has from its parent are its parent's. Of rules only
    // those of the table that is named.
    let triggers = pg::query(
        &format!(
            "SELECT pg_catalog.format('%I of table %I.%I', t.tgname, n.nspname, r.relname) FROM pg_catalog.pg_trigger t \
             JOIN pg_catalog.pg_class r ON r.oid OPERATOR(pg_catalog.=) t.tgrelid \
             JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) r.relnamespace \
             WHERE t.tgrelid OPERATOR(pg_catalog.=) ANY ('{{{}}}'::pg_catalog.oid[]) AND NOT t.tgisinternal \
             AND t.tgparentid OPERATOR(pg_catalog.=) 0 AND t.tgenabled OPERATOR(pg_catalog.=) ANY ('{{O,A}}'::pg_catalog.\"char\"[]) \
             AND (t.tgtype::pg_catalog.int4 OPERATOR(pg_catalog.&) 11) OPERATOR(pg_catalog.=) 11 \
             ORDER BY n.nspname, r.relname, t.tgname",
            inheritors(relation)
        ),
        &[],
    );
    let rules = pg::query(
        "SELECT pg_catalog.quote_ident(r.rulename) FROM pg_catalog.pg_rewrite r \
         WHERE r.ev_class OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND r.ev_type OPERATOR(pg_catalog.=) '4' AND r.is_instead \
         AND r.ev_enabled OPERATOR(pg_catalog.=) ANY ('{O,A}'::pg_catalog.\"char\"[]) ORDER BY r.rulename",
        &[root],
    );
    const THEY_STAY: &str = "such rows are not counted as deleted, and make a run in batches or by the worker end as one that has left rows";
    let mut warnings = Vec::new();
    if let Some(names) = listed(triggers) {
        warnings.push(format!(
            "a trigger that fires before a row is deleted may keep it: {names}; {THEY_STAY}"
        ));
    }
    if let Some(names) = listed(rules) {
        warnings.push(format!(
            "a rule does something else instead of a deletion, and may keep rows: {names}; {THEY_STAY}"
        ));
    }
    warnings
}

/// The oids of a table, and of all that inherits from it, with commas between.
fn inheritors(relation: &Relation) -> String {
    let oids: Vec<String> = pg::inheritors_unlocked(relation)
        .into_iter()
        .map(|oid| u32::from(oid).to_string())
        .collect();
    oids.join(",")
}

/// Foreign keys of other tables that refuse a deletion, or make it slow.
fn foreign_keys(target: &Target) -> Vec<String> {
    let oids = inheritors(target.root());
    // A partition's key is its parent's. NOT ENFORCED (PostgreSQL 18) has no triggers.
    let keys = format!(
        "pg_catalog.pg_constraint c \
         JOIN pg_catalog.pg_class r ON r.oid OPERATOR(pg_catalog.=) c.conrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) r.relnamespace \
         WHERE c.contype OPERATOR(pg_catalog.=) 'f' AND c.confrelid OPERATOR(pg_catalog.=) ANY ('{{{}}}'::pg_catalog.oid[]) \
         AND (pg_catalog.to_jsonb(c) OPERATOR(pg_catalog.->>) 'conenforced') IS DISTINCT FROM 'false'",
        oids
    );
    let refusing = pg::query(
        &format!(
            "SELECT pg_catalog.format('%I of table %I.%I', c.conname, n.nspname, r.relname) FROM {keys} \
             AND c.confdeltype OPERATOR(pg_catalog.=) ANY ('{{a,r}}'::pg_catalog.\"char\"[]) \
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint p WHERE p.oid OPERATOR(pg_catalog.=) c.conparentid \
             AND p.confrelid OPERATOR(pg_catalog.=) ANY ('{{{}}}'::pg_catalog.oid[])) \
             ORDER BY n.nspname, r.relname, c.conname",
            oids
        ),
        &[],
    );
    let unindexed = pg::query(
        &format!(
            "SELECT DISTINCT pg_catalog.format('%I.%I (%s)', n.nspname, r.relname, \
             (SELECT pg_catalog.string_agg(pg_catalog.quote_ident(a.attname), ', ' ORDER BY a.attnum) \
             FROM pg_catalog.pg_attribute a WHERE a.attrelid OPERATOR(pg_catalog.=) c.conrelid \
             AND a.attnum OPERATOR(pg_catalog.=) ANY (c.conkey))) FROM {keys} \
             AND r.relkind OPERATOR(pg_catalog.=) 'r' \
             AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid OPERATOR(pg_catalog.=) c.conrelid \
             AND i.indisvalid AND i.indpred IS NULL AND i.indkey[0] OPERATOR(pg_catalog.=) ANY (c.conkey)) ORDER BY 1"
        ),
        &[],
    );
    let mut warnings = Vec::new();
    if let Some(names) = listed(refusing) {
        warnings.push(format!(
            "a foreign key with ON DELETE NO ACTION or RESTRICT keeps the rows that it refers to: {names}; they make raw_clear_sessions() fail, and are left out in batches and by the worker"
        ));
    }
    if let Some(names) = listed(unindexed) {
        warnings.push(format!(
            "no index leads with the column of a foreign key that refers to the table: for each deleted row all of {names} is read"
        ));
    }
    warnings
}

/// Partitions none of whose rows can be live.
fn past_partitions(target: &Target) -> Option<String> {
    let Plan::Leaves(leaves) = target.by() else {
        return None;
    };
    let root = target.root();
    let is_partitioned = root.kind() == RelationKind::PartitionedTable;
    if !is_partitioned && managed_by(root).is_none() {
        return None;
    }
    // A hypertable has no rows of its own.
    let leaves = || {
        let leaves = leaves.iter().map(|leaf| leaf.relation());
        leaves.filter(|leaf| leaf.oid() != root.oid())
    };
    let live = estimate_live_leaves(target.checked(), leaves())?;
    let names = leaves()
        .filter(|leaf| leaf.kind() == RelationKind::Table && live.access(leaf).is_none())
        .map(Relation::qualified_name);
    let names = listed(names.collect())?;
    if !is_partitioned {
        return Some(format!(
            "every row of some chunks has expired by their bounds: drop_chunks() of {names} is cheaper than to delete the rows, and fires no trigger"
        ));
    }
    Some(format!(
        "every row of some partitions has expired by their bounds: to DETACH or DROP {names} is cheaper than to delete the rows, and fires no trigger"
    ))
}

/// Some names, as far as a warning has room; `None` where there are none.
fn listed(names: Vec<String>) -> Option<String> {
    let mut text = names
        .iter()
        .take(NAMES)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > NAMES {
        text += &format!(" and {} more", names.len() - NAMES);
    }
    (!names.is_empty()).then_some(text)
}
