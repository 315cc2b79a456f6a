//! The statements of the SQL engine: what they are about, and what they delete.

use super::kept::{self, Places};
use super::shards;
use super::sql::LeftOut;
use crate::pg::{self, Deleted, Privilege, Relation, TABLE_ALIAS};
use crate::refusal::Refusal;
use crate::table::place::{Place, place_after, range};
use crate::table::{CITUS, Criterion, managed_by};

/// Clears the table that was named, in one statement.
///
/// As SQL does at READ COMMITTED, this waits for a row that another transaction is changing, and looks at what became
/// of it before it deletes.
pub fn delete(root: &Relation, criterion: &Criterion) -> Deleted {
    Table::whole(root).delete(criterion, "")
}

/// Clears those rows of it that a further condition, which ends with AND, is about.
pub fn delete_among(root: &Relation, criterion: &Criterion, further: &str) -> Deleted {
    Table::whole(root).delete(criterion, further)
}

/// The same for a leaf only.
pub fn delete_from_leaf(leaf: &Relation, criterion: &Criterion) -> Deleted {
    Table::only(leaf).delete(criterion, "")
}

/// What a statement is about: an open table with what inherits from it, or a leaf only.
#[derive(Clone, Copy)]
pub struct Table<'r> {
    relation: &'r Relation,
    only: bool,
    /// Those of its rows only that are in this heap, by its oid.
    heap: Option<u32>,
    /// A DELETE may leave rows of it without an ERROR.
    may_keep: bool,
}

impl<'r> Table<'r> {
    pub fn whole(relation: &'r Relation) -> Self {
        Table {
            relation,
            only: false,
            heap: None,
            may_keep: false,
        }
    }

    pub fn only(relation: &'r Relation) -> Self {
        Table {
            relation,
            only: true,
            heap: None,
            may_keep: false,
        }
    }

    /// The same; what a DELETE leaves of the rows of these, which it reaches, is to be noticed.
    pub fn noticing(self, leaves: &[Relation]) -> Self {
        let may_keep = |relation: &Relation| relation.may_keep_rows();
        Table {
            may_keep: may_keep(self.relation) || leaves.iter().any(may_keep),
            ..self
        }
    }

    pub fn in_heap(self, heap: u32) -> Self {
        Table {
            heap: Some(heap),
            ..self
        }
    }

    pub fn relation(self) -> &'r Relation {
        self.relation
    }

    /// One of several.
    pub fn is_leaf(self) -> bool {
        self.only
    }

    /// As it stands in FROM, with a name that has just been looked up.
    pub fn named(self, name: &str) -> String {
        let only = if self.only { "ONLY " } else { "" };
        format!("{only}{name} AS {TABLE_ALIAS}")
    }

    /// That rows are this leaf's: no others are deleted, whatever the name has come to mean. To say so takes the right to
    /// read the whole row; and a foreign server is not asked for the local oid of its table, so that it could not delete
    /// by itself any more. There the statement's meaning is all that is looked at.
    fn condition(self, criterion: &Criterion) -> String {
        let (condition, _) = criterion.condition();
        let leaf = (self.only && self.relation.is_heap() && can_read_places(self.relation))
            .then(|| u32::from(self.relation.oid()));
        match self.heap.or(leaf) {
            Some(oid) => format!(
                "{TABLE_ALIAS}.tableoid OPERATOR(pg_catalog.=) '{oid}'::pg_catalog.oid AND {condition}"
            ),
            None => condition,
        }
    }

    /// The heaps that have a row in a range of places.
    pub fn heaps(self, from: Place, until: Place) -> Vec<u32> {
        let range = range(from, until);
        let statement = |name: &str| {
            let table = self.named(name);
            format!(
                "SELECT DISTINCT {TABLE_ALIAS}.tableoid FROM {table} WHERE {range}true ORDER BY 1"
            )
        };
        let rows = pg::query_on(self.relation, statement, &[]);
        pg::gather(
            rows.into_iter()
                .flatten()
                .flatten()
                .filter_map(|oid| oid.parse().ok()),
        )
    }

    /// Deletes all that has expired, and says what the DELETE has kept of it. Refuses what is wrong with one leaf of several;
    /// else that is an ERROR.
    pub fn delete_whole(
        self,
        criterion: &Criterion,
    ) -> Result<(Deleted, Option<LeftOut>), Refusal> {
        let delete = || {
            let before = if self.may_keep {
                self.count(criterion)
            } else {
                0
            };
            let deleted = self.delete(criterion, "");
            let kept = match before.saturating_sub(deleted.deleted) {
                0 => 0,
                most => most.min(self.count(criterion)),
            };
            let kept = (kept > 0).then(|| kept::left_out(self.relation, None, kept));
            (deleted, kept)
        };
        match self.only {
            true => pg::attempt(pg::is_of_a_table, delete),
            false => Ok(delete()),
        }
    }

    /// How many rows have expired.
    fn count(self, criterion: &Criterion) -> u64 {
        let (_, arguments) = criterion.condition();
        let condition = self.condition(criterion);
        let statement = |name: &str| {
            let table = self.named(name);
            format!("SELECT pg_catalog.count(*) FROM {table} WHERE {condition}")
        };
        let rows = pg::query_on(self.relation, statement, &arguments);
        let count = rows.into_iter().flatten().flatten().next();
        count.and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// Deletes what has expired and meets a further condition, which ends with AND.
    pub fn delete(self, criterion: &Criterion, further: &str) -> Deleted {
        if managed_by(self.relation) == Some(CITUS) {
            shards::limit_lock_wait();
        }
        let (_, arguments) = criterion.condition();
        let condition = self.condition(criterion);
        let statement = |name: &str| {
            let table = self.named(name);
            format!("DELETE FROM {table} WHERE {further}{condition}")
        };
        Deleted {
            deleted: pg::modify_on(self.relation, statement, &arguments),
            skipped: 0,
        }
    }
}

/// Whether the current role may read where a row is: system columns are part of the whole row.
pub fn can_read_places(relation: &Relation) -> bool {
    pg::has_privilege(relation, Privilege::Select)
}

/// The expired rows in a range of places.
pub struct Found {
    pub rows: u64,
    /// Behind which of them the batch ends, where there may be more than it takes.
    pub last: Option<Place>,
}

/// Looks how far a batch goes: rows, and as many more as share the last one's place in other heaps. A foreign table is one
/// heap, and its server is not asked for ties (postgres_fdw sends a plain LIMIT only).
pub fn look(
    table: Table<'_>,
    criterion: &Criterion,
    from: Place,
    until: Place,
    rows: u64,
) -> Found {
    let (_, arguments) = criterion.condition();
    let condition = table.condition(criterion);
    let range = range(from, until);
    let limit = i64::try_from(rows).unwrap_or(i64::MAX);
    let ties = match table.relation.is_foreign() {
        true => "ONLY",
        false => "WITH TIES",
    };
    let statement = |name: &str| {
        let table = table.named(name);
        format!(
            "SELECT pg_catalog.count(*), pg_catalog.max(f.ctid) FROM (SELECT {TABLE_ALIAS}.ctid \
             FROM {table} WHERE {range}{condition} ORDER BY {TABLE_ALIAS}.ctid \
             FETCH FIRST {limit} ROWS {ties}) AS f"
        )
    };
    let found = pg::query_on(table.relation, statement, &arguments);
    let mut columns = found.into_iter().flatten();
    let count = columns.next().flatten();
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(0);
    let last = columns.next().flatten().as_deref().and_then(place_after);
    Found {
        rows: count,
        last: last.filter(|_| count >= rows),
    }
}

/// The same as `delete_range`, with what deferred constraints say of it, and what the DELETE has kept.
pub fn delete_at_once(
    table: Table<'_>,
    criterion: &Criterion,
    skip_locked: bool,
    from: Place,
    until: Place,
) -> (Deleted, Option<LeftOut>) {
    let delete = || delete_range(table, criterion, skip_locked, from, until);
    let outcome = if table.may_keep {
        let (_, arguments) = criterion.condition();
        let condition = range(from, until) + &table.condition(criterion);
        let before = Places::read(table, &condition, &arguments, skip_locked);
        let deleted = delete();
        let kept = kept::find(table, criterion, &condition, before, deleted.deleted);
        (deleted, kept)
    } else {
        (delete(), None)
    };
    // The commit that follows would fire them, when no row can be left out any more.
    pg::constraints_immediate();
    outcome
}

/// Deletes what has expired in a range of places; with `skip_locked`, without waiting for a row that another transaction is
/// changing.
fn delete_range(
    table: Table<'_>,
    criterion: &Criterion,
    skip_locked: bool,
    from: Place,
    until: Place,
) -> Deleted {
    let range = range(from, until);
    if !skip_locked {
        return table.delete(criterion, &range);
    }
    let (_, arguments) = criterion.condition();
    let condition = table.condition(criterion);
    // The range once more, outside: else a plan might look at rows elsewhere, where the condition may fail.
    let statement = |name: &str| {
        let table = table.named(name);
        format!(
            "DELETE FROM {table} WHERE {range}{TABLE_ALIAS}.ctid OPERATOR(pg_catalog.=) ANY (ARRAY(\
             SELECT {TABLE_ALIAS}.ctid FROM {table} WHERE {range}{condition} FOR UPDATE SKIP LOCKED)) AND {condition}"
        )
    };
    Deleted {
        deleted: pg::modify_on(table.relation, statement, &arguments),
        skipped: 0,
    }
}

/// Whether rows can be locked before they are deleted, to skip those that another transaction is changing: it takes the
/// privilege UPDATE, and row security would ask its policies for updates.
pub fn can_skip_locked(relation: &Relation) -> bool {
    pg::has_privilege(relation, Privilege::Update) && !pg::row_security_applies(relation)
}
