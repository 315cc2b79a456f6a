//! What a run remembers of a table from one transaction to the next, and how that becomes something to act on.
//!
//! None of it is true by itself: between two transactions anybody may alter anything. As PostgreSQL does with a cached plan
//! (utils/cache/plancache.c, CheckCachedPlan), everything is locked first, and only then it is looked whether what was
//! found out before still holds; what does not is found out again, under the lock.

use super::hypertable::has_ordinary_chunks_only;
use super::managed::managed_by;
use super::meant::check_still_meant;
use super::plan::{
    Choice, Decision, Leaf, Method, Plan, Target, means_the_same_directly, statement_needs_sql,
};
use super::planner::estimate_leaves;
use super::plausible::{check_plausible, check_plausible_but_for_rows};
use super::row_security::RowSecurity;
use super::{
    Checked, Criterion, Purpose, Rule, check_children, check_may_delete, check_may_read,
    check_unchanged, open,
};
use crate::pg::{self, Changes, FileNode, LocalSetting, LockMode, Relation};
use crate::refusal::{Refusal, enough};
use crate::settings::{self, Engine};
use pgrx::pg_sys;
use std::collections::HashMap;

/// The lock of everything that a batch deletes from.
const LOCK: LockMode = LockMode::RowExclusive;

/// What is remembered.
pub struct Memory {
    table: pg_sys::Oid,
    rule: Rule,
    engine: Engine,
    criterion: Criterion,
    /// The table's, when the criterion was resolved.
    changes: Changes,
    /// The table is cleared as a whole, by SQL.
    whole: bool,
    /// It is a hypertable, and is not: chunks are compressed and frozen at any time.
    hypertable: bool,
    /// Everything that the table has been found to reach; `None` where nothing is known of it, or need be.
    leaves: HashMap<pg_sys::Oid, Option<Known>>,
    /// Of these, those that the planner has excluded, with their changes by then.
    excluded: HashMap<pg_sys::Oid, Changes>,
    blocks: (u64, bool),
}

/// What is remembered of a leaf.
struct Known {
    /// The tables on the way down to it, itself as the last, with their changes when it was decided; empty where the way is
    /// still to be looked up.
    path: Vec<(pg_sys::Oid, Changes)>,
    decision: Decision,
    file: FileNode,
}

/// What a batch deletes from: open and locked, and cleared in a way that holds now.
pub struct Part<'m> {
    pub what: What,
    /// The table that was named.
    pub root: Relation,
    pub criterion: &'m Criterion,
    rule: &'m Rule,
    row_security: Option<RowSecurity>,
    /// Between the two; open as long as they are.
    _between: Vec<Relation>,
    /// What the rule is evaluated with.
    _session: Option<LocalSetting>,
}

pub enum What {
    /// The table as a whole, which reaches these.
    Whole(Vec<Relation>),
    Leaf(Leaf),
}

/// What has become of something that was to be opened.
pub enum Opened<'m> {
    Part(Box<Part<'m>>),
    /// The leaf is not the table's any more.
    Gone,
    /// What was planned for the table does not hold: plan anew.
    Outdated,
}

impl Part<'_> {
    /// What row-level security has to do with it; `None` where it does not apply.
    pub fn row_security(&self) -> Option<&RowSecurity> {
        self.row_security.as_ref()
    }

    /// What the relations that one statement reaches have lost so far; nothing where the part is a leaf.
    pub fn deleted_from(&self) -> Vec<(pg_sys::Oid, u64)> {
        match &self.what {
            What::Whole(leaves) => leaves
                .iter()
                .map(|leaf| (leaf.oid(), pg::deleted_here(leaf.oid())))
                .collect(),
            What::Leaf(_) => Vec::new(),
        }
    }

    /// Whether its rows are on a foreign server.
    pub fn is_foreign(&self) -> bool {
        matches!(&self.what, What::Leaf(leaf) if leaf.relation().is_foreign())
    }

    /// Refuses (22008) what is on a foreign server and cannot be what the rule takes it for. ERROR where that cannot be
    /// asked.
    pub fn check_foreign_values(&self) -> Result<(), Refusal> {
        match &self.what {
            What::Leaf(leaf) if leaf.relation().is_foreign() => {
                check_plausible(leaf.relation(), self.criterion, self.rule).map_err(|refusal| {
                    refusal.detail("It would be before 2000, or more than 50 years from now. Nothing has been deleted from this table.")
                })
            }
            _ => Ok(()),
        }
    }

    /// Refuses (55000) what a batch must not have been, by what its statements have looked up for themselves: names that have become
    /// something else's, and children whose rows may be meant to stay. The batch is to be taken back then.
    pub fn check_unchanged(&self) -> Result<(), Refusal> {
        match &self.what {
            What::Whole(leaves) => check_unchanged(&self.root, self.rule, self.criterion, leaves),
            What::Leaf(_) => check_still_meant(&self.root, self.rule, self.criterion),
        }
    }

    /// The oids of everything that the table reaches now. Nothing of it is locked.
    pub fn reached_now(&self) -> Vec<pg_sys::Oid> {
        pg::inheritors_unlocked(&self.root)
    }
}

impl Memory {
    /// What is to be remembered of a target, which is closed with it; and the oids of what is to be cleared.
    pub fn of(target: Target, rule: &Rule) -> Result<(Memory, Vec<pg_sys::Oid>), Refusal> {
        let table = target.root().oid();
        let mut leaves = HashMap::new();
        let mut excluded = HashMap::new();
        let mut todo = Vec::new();
        let whole = match target.by() {
            Plan::Whole { .. } => {
                todo.push(table);
                true
            }
            Plan::Leaves(planned) => {
                let between = target.between().iter().map(Relation::oid);
                enough(leaves.try_reserve(planned.len() + between.len() + 1))?;
                enough(todo.try_reserve(planned.len()))?;
                leaves.extend(between.chain([table]).map(|oid| (oid, None)));
                for leaf in planned {
                    let oid = leaf.relation().oid();
                    if matches!(leaf.method(), Method::Nothing) {
                        leaves.insert(oid, None);
                        enough(excluded.try_reserve(1))?;
                        excluded.insert(oid, leaf.changes());
                    } else {
                        leaves.insert(oid, Some(Known::planned(leaf, table)));
                        todo.push(oid);
                    }
                }
                false
            }
        };
        let hypertable = !whole && managed_by(target.root()).is_some();
        let memory = Memory {
            table,
            rule: rule.clone(),
            engine: settings::engine(),
            changes: target.changes(),
            whole,
            hypertable,
            leaves,
            excluded,
            blocks: target.blocks(),
            criterion: target.into_criterion(),
        };
        Ok((memory, todo))
    }

    /// The clock that rows expire by.
    pub fn now(&self) -> i64 {
        self.criterion.now
    }

    /// Which rows are expired, by [`Criterion::meaning`].
    pub fn meaning(&self) -> String {
        self.criterion.meaning()
    }

    /// The blocks that are to be read, as far as they are known, and whether to read them is all that there is to do.
    pub fn blocks(&self) -> (u64, bool) {
        self.blocks
    }

    /// Opens what is to be cleared next, and sees that what is remembered of it holds. `locked` is asked when all locks are
    /// held whether there is something else that makes it pointless to go on.
    ///
    /// Refuses what a clearing that begins now would refuse.
    pub fn open(
        &mut self,
        oid: pg_sys::Oid,
        rule: &Rule,
        locked: &mut dyn FnMut(&Relation) -> bool,
    ) -> Result<Opened<'_>, Refusal> {
        let root = open(Some(self.table), LOCK)?;
        let path = match self.lock_path(&root, oid) {
            Some(path) => path,
            None if self.whole => Vec::new(),
            None => return Ok(Opened::Gone),
        };
        if *rule != self.rule || settings::engine() != self.engine || locked(&root) {
            return Ok(Opened::Outdated);
        }
        // Privileges are granted and revoked without a lock.
        check_may_delete(&root)?;
        // That something else has got a name in the rule is seen when the batch is over.
        let resolved_anew = root.changes() != self.changes;
        if resolved_anew && !self.resolve_again(&root)? {
            return Ok(Opened::Outdated);
        }
        let session = self.criterion.session();
        if !self.whole && pg::row_security_applies(&root)
            || resolved_anew && !self.whole && statement_needs_sql(&root, &self.criterion).is_some()
        {
            return Ok(Opened::Outdated);
        }
        if self.hypertable && !has_ordinary_chunks_only(&root) {
            return Ok(Opened::Outdated);
        }
        check_may_read(&root, &self.criterion)?;
        if self.whole {
            let leaves = pg::leaves(&root, LOCK);
            check_children(&root, &self.criterion, &self.rule, &leaves)?;
            return Ok(Opened::Part(Box::new(Part {
                what: What::Whole(leaves),
                row_security: RowSecurity::of(&root),
                root,
                criterion: &self.criterion,
                rule: &self.rule,
                _between: Vec::new(),
                _session: session,
            })));
        }
        let Some((leaf, between)) = self.leaf(&root, path)? else {
            return Ok(Opened::Outdated);
        };
        Ok(Opened::Part(Box::new(Part {
            what: What::Leaf(leaf),
            row_security: None,
            root,
            criterion: &self.criterion,
            rule: &self.rule,
            _between: between,
            _session: session,
        })))
    }

    /// What there is to clear among what the table reaches now: what it has not reached before, and what the planner had
    /// excluded and excludes no longer.
    pub fn new_among(&mut self, reached: Vec<pg_sys::Oid>) -> Result<Vec<pg_sys::Oid>, Refusal> {
        if self.whole {
            return Ok(Vec::new());
        }
        let is_changed = |oid: &pg_sys::Oid| {
            let excluded = self.excluded.get(oid);
            excluded.is_some_and(|changes| *changes != Changes::of(*oid))
        };
        let included = if reached.iter().any(is_changed) {
            self.exclude_again()?
        } else {
            Vec::new()
        };
        let mut new = reached;
        new.retain(|oid| !self.leaves.contains_key(oid));
        enough(self.leaves.try_reserve(new.len()))?;
        self.leaves.extend(new.iter().map(|oid| (*oid, None)));
        enough(new.try_reserve(included.len()))?;
        new.extend(included);
        Ok(new)
    }

    /// Asks the planner once more about what it had excluded: a partition may have been detached, filled and attached with
    /// other bounds. Returns what it excludes no longer.
    fn exclude_again(&mut self) -> Result<Vec<pg_sys::Oid>, Refusal> {
        let checked = Checked::open_at(
            Some(self.table),
            &self.rule,
            Purpose::Estimate,
            self.criterion.now,
        )?;
        let mut leaves = pg::leaves(checked.root(), LockMode::AccessShare);
        let changes = pg::gather(leaves.iter().map(|leaf| (leaf.oid(), leaf.changes())));
        let estimate = estimate_leaves(&checked, &leaves);
        leaves.retain(|leaf| {
            self.excluded.contains_key(&leaf.oid()) && estimate.access(leaf).is_some()
        });
        for (oid, changes) in changes {
            self.excluded
                .entry(oid)
                .and_modify(|known| *known = changes);
        }
        let included = pg::gather(leaves.iter().map(Relation::oid));
        for oid in &included {
            self.excluded.remove(oid);
        }
        Ok(included)
    }

    /// A leaf that was not there when its turn came: if it comes back, it is new.
    pub fn forget(&mut self, leaf: pg_sys::Oid) {
        self.leaves.remove(&leaf);
    }

    /// Locks and opens the way down to a leaf; `None` where there is none.
    fn lock_path(&self, root: &Relation, oid: pg_sys::Oid) -> Option<Vec<Relation>> {
        if self.whole {
            return Some(Vec::new());
        }
        if oid == root.oid() {
            return Some(vec![Relation::open(oid, LOCK)?]);
        }
        if let Some(Some(known)) = self.leaves.get(&oid) {
            let opened: Option<Vec<_>> = known
                .path
                .iter()
                .map(|(oid, _)| Relation::open(*oid, LOCK))
                .collect();
            // All are locked: now they can be looked at.
            if let Some(opened) = opened
                && known.is_unchanged(&opened)
            {
                return Some(opened);
            }
        }
        pg::open_below(root, oid, LOCK)
    }

    /// The leaf at the end of a path that is open and locked, and what lies before it. `None` where SQL has to clear it
    /// through the table that was named.
    fn leaf(
        &mut self,
        root: &Relation,
        mut path: Vec<Relation>,
    ) -> Result<Option<(Leaf, Vec<Relation>)>, Refusal> {
        let changes: Vec<_> = path
            .iter()
            .map(|relation| (relation.oid(), relation.changes()))
            .collect();
        let relation = path.pop().expect("a path ends with the leaf");
        let oid = relation.oid();
        let known = self.leaves.get(&oid).and_then(Option::as_ref);
        if let Some(known) = known
            && known.path == changes
            && (!matches!(known.decision.method, Method::Sql)
                || means_the_same_directly(&relation, &self.criterion))
        {
            let (_, changes) = changes[changes.len() - 1];
            return Ok(Some((
                Leaf::decided(relation, changes, known.decision.clone()),
                path,
            )));
        }
        check_children(
            root,
            &self.criterion,
            &self.rule,
            path.iter().chain([&relation]),
        )?;
        if !pg::is_leaf(&relation) {
            // A partitioned table has no rows of its own.
            let nothing = Decision::nothing();
            let (_, changes) = changes[changes.len() - 1];
            return Ok(Some((Leaf::decided(relation, changes, nothing), path)));
        }
        let file = relation.file();
        if known.is_some_and(|known| known.file != file) {
            // Its values may be others.
            check_plausible_but_for_rows(root, &self.criterion, &self.rule)?;
        }
        let index = known.and_then(|known| known.decision.index().cloned());
        let choice = Choice::Earlier(index.as_ref());
        let Ok(leaf) = Leaf::decide(relation, root, &self.criterion, choice) else {
            return Ok(None);
        };
        let known = Known {
            path: changes,
            decision: leaf.decision().clone(),
            file,
        };
        self.leaves.insert(oid, Some(known));
        Ok(Some((leaf, path)))
    }

    /// Resolves the rule once more; false where other rows are expired by it now, also in leaves that have been cleared.
    fn resolve_again(&mut self, root: &Relation) -> Result<bool, Refusal> {
        let changes = root.changes();
        let criterion = Criterion::resolve_at(root, &self.rule, self.criterion.now)?;
        if criterion.meaning() != self.criterion.meaning() {
            return Ok(false);
        }
        self.criterion = criterion;
        self.changes = changes;
        Ok(true)
    }
}

impl Known {
    fn planned(leaf: &Leaf, table: pg_sys::Oid) -> Known {
        let oid = leaf.relation().oid();
        Known {
            path: if oid == table {
                vec![(oid, leaf.changes())]
            } else {
                Vec::new()
            },
            decision: leaf.decision().clone(),
            file: leaf.relation().file(),
        }
    }

    fn is_unchanged(&self, path: &[Relation]) -> bool {
        !self.path.is_empty()
            && path
                .iter()
                .zip(&self.path)
                .all(|(relation, (_, changes))| relation.changes() == *changes)
    }
}
