//! The statements of the SQL engine: what they are about, and what they delete.

use super::kept::{self, Inserted, Places};
use super::shards;
use super::sql::LeftOut;
use crate::pg::{self, Argument, Deleted, Planning, Privilege, Relation, TABLE_ALIAS};
use crate::refusal::Refusal;
use crate::table::place::{Place, place_after, range, range_of_parameters};
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

/// How many rows of it have expired and meet that condition.
pub fn count_among(root: &Relation, criterion: &Criterion, further: &str) -> u64 {
    Table::whole(root).count(criterion, further)
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
    /// What it is a leaf of, if it is one of several.
    root: Option<&'r Relation>,
    /// Those of its rows only that are in this heap, by its oid.
    heap: Option<u32>,
    /// A DELETE may leave rows of it without an ERROR.
    may_keep: bool,
    /// Or put rows elsewhere.
    may_put: bool,
    /// Its rows are in several heaps, in which the same places are.
    several_heaps: bool,
}

impl<'r> Table<'r> {
    pub fn whole(relation: &'r Relation) -> Self {
        Table {
            relation,
            only: false,
            root: None,
            heap: None,
            may_keep: false,
            may_put: false,
            several_heaps: false,
        }
    }

    pub fn only(relation: &'r Relation) -> Self {
        Table {
            relation,
            only: true,
            root: None,
            heap: None,
            may_keep: false,
            may_put: false,
            several_heaps: false,
        }
    }

    /// The same, of which a statement reaches these; what a DELETE leaves of their rows is to be noticed.
    pub fn reaching(self, leaves: &[Relation]) -> Self {
        let any = |does: fn(&Relation) -> bool| does(self.relation) || leaves.iter().any(does);
        Table {
            may_keep: any(Relation::may_keep_rows) || pg::row_security_applies(self.relation),
            may_put: any(Relation::may_put_rows),
            several_heaps: leaves.len() > 1,
            ..self
        }
    }

    pub fn in_heap(self, heap: u32) -> Self {
        Table {
            heap: Some(heap),
            ..self
        }
    }

    /// Whether a DELETE may put rows elsewhere in the table.
    pub fn may_put(self) -> bool {
        self.may_put
    }

    pub fn relation(self) -> &'r Relation {
        self.relation
    }

    /// The same, as a leaf of that.
    pub fn below(self, root: &'r Relation) -> Self {
        let root = (root.oid() != self.relation.oid()).then_some(root);
        Table { root, ..self }
    }

    /// What its rows can be moved within: all heaps.
    pub fn all_heaps(self) -> Self {
        self.root.map_or(self, Table::whole)
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

    /// The heaps that have a row in a range of places, an expired one as far as a column says so.
    pub fn heaps(self, criterion: &Criterion, (from, until): (Place, Place)) -> Vec<u32> {
        let range = range(from, until);
        let (condition, arguments) = criterion
            .condition_on_column()
            .unwrap_or_else(|| ("true".to_owned(), Vec::new()));
        let statement = |name: &str| {
            let table = self.named(name);
            format!(
                "SELECT DISTINCT {TABLE_ALIAS}.tableoid FROM {table} WHERE {range}{condition} ORDER BY 1"
            )
        };
        pg::query_on(self.relation, statement, &arguments)
    }

    /// Deletes all that has expired, and says what the DELETE has kept of it. Refuses what is wrong with one leaf of several;
    /// else that is an ERROR.
    pub fn delete_whole(
        self,
        criterion: &Criterion,
    ) -> Result<(Deleted, Option<LeftOut>), Refusal> {
        let delete = || {
            let before = if self.may_keep {
                self.count(criterion, "")
            } else {
                0
            };
            let deleted = self.delete(criterion, "");
            let kept = match before.saturating_sub(deleted.deleted) {
                0 => 0,
                most => most.min(self.count(criterion, "")),
            };
            let kept = (kept > 0).then(|| kept::left_out(self.relation, None, kept));
            (deleted, kept)
        };
        match self.only {
            true => pg::attempt(pg::is_of_a_table, delete),
            false => Ok(delete()),
        }
    }

    /// How many rows have expired and meet a further condition, which ends with AND.
    fn count(self, criterion: &Criterion, further: &str) -> u64 {
        let (_, arguments) = criterion.condition();
        let condition = self.condition(criterion);
        let statement = |name: &str| {
            let table = self.named(name);
            format!("SELECT pg_catalog.count(*) FROM {table} WHERE {further}{condition}")
        };
        let count = pg::query_on(self.relation, statement, &arguments).pop();
        count.expect("count(*) returns one row")
    }

    /// Deletes what has expired and meets a further condition, which ends with AND.
    pub fn delete(self, criterion: &Criterion, further: &str) -> Deleted {
        let (_, arguments) = criterion.condition();
        let condition = self.condition(criterion);
        self.delete_where(&format!("{further}{condition}"), &arguments, Planning::Once)
    }

    fn delete_where(self, condition: &str, arguments: &[Argument], planning: Planning) -> Deleted {
        if managed_by(self.relation) == Some(CITUS) {
            shards::limit_lock_wait();
        }
        let statement = |name: &str| {
            let table = self.named(name);
            format!("DELETE FROM {table} WHERE {condition}")
        };
        Deleted {
            deleted: pg::modify_on(self.relation, statement, arguments, planning),
            skipped: 0,
        }
    }
}

/// Whether the current role may read where a row is: system columns are part of the whole row.
pub fn can_read_places(relation: &Relation) -> bool {
    pg::has_privilege(relation, Privilege::Select)
}

/// Expired rows: those in a range of places, or, of them, those that are locked.
#[derive(Clone, Copy)]
pub struct Rows {
    from: Place,
    until: Place,
    locked: Option<Locked>,
}

/// Rows that are locked.
#[derive(Clone, Copy)]
struct Locked {
    by: Key,
    /// An array of what they are told apart by.
    rows: Argument,
}

/// What rows are told apart by. Either can be looked up in a hash table.
#[derive(Clone, Copy)]
enum Key {
    Place,
    /// By texts, which takes twice as long.
    HeapAndPlace,
}

impl Key {
    fn of_row(self) -> String {
        let place = format!("{TABLE_ALIAS}.ctid");
        match self {
            Key::Place => place,
            Key::HeapAndPlace => format!(
                "({TABLE_ALIAS}.tableoid::pg_catalog.text OPERATOR(pg_catalog.||) {place}::pg_catalog.text)"
            ),
        }
    }
}

impl Rows {
    pub fn all(from: Place, until: Place) -> Self {
        Rows {
            from,
            until,
            locked: None,
        }
    }

    /// The condition that they meet, with its parameters.
    fn condition(self, table: Table<'_>, criterion: &Criterion) -> (String, Vec<Argument>) {
        let (_, mut arguments) = criterion.condition();
        // The range beside the rows, too: else a plan might look at rows elsewhere, where the condition may fail.
        let mut condition = range_of_parameters(arguments.len() + 1);
        arguments.extend([self.from, self.until].map(Argument::place));
        if let Some(locked) = self.locked {
            arguments.push(locked.rows);
            let (key, number) = (locked.by.of_row(), arguments.len());
            condition += &format!("{key} OPERATOR(pg_catalog.=) ANY (${number}) AND ");
        }
        (condition + &table.condition(criterion), arguments)
    }
}

/// What a batch finds in a range of places.
pub struct Found {
    pub rows: u64,
    /// Those of them that somebody is changing, and that are not waited for.
    pub skipped: u64,
    /// Behind which of them the batch ends, where there may be more than it takes.
    pub last: Option<Place>,
    /// Those to delete.
    pub to_delete: Rows,
}

/// Looks how far a batch goes: rows, and as many more as share the last one's place in other heaps. With `lock`, locks those
/// of the rows that nobody is changing, which are the ones to delete.
pub fn look(
    table: Table<'_>,
    criterion: &Criterion,
    places: (Place, Place),
    rows: u64,
    lock: bool,
) -> Found {
    if !lock {
        return look_by(None, table, criterion, places, rows);
    }
    let found = look_by(Some(Key::Place), table, criterion, places, rows);
    // At the place of one that is locked may be one of those that are not, in another heap.
    if found.skipped > 0 && table.several_heaps {
        return look_by(Some(Key::HeapAndPlace), table, criterion, places, rows);
    }
    found
}

/// The same; those that are locked are told apart by this. A foreign table is one heap, and its server is not asked for ties
/// (postgres_fdw sends a plain LIMIT only).
fn look_by(
    key: Option<Key>,
    table: Table<'_>,
    criterion: &Criterion,
    (from, until): (Place, Place),
    rows: u64,
) -> Found {
    let (_, mut arguments) = criterion.condition();
    let condition = table.condition(criterion);
    let range = range_of_parameters(arguments.len() + 1);
    arguments.extend([from, until].map(Argument::place));
    let limit = i64::try_from(rows).unwrap_or(i64::MAX);
    let ties = match table.relation.is_foreign() {
        true => "ONLY",
        false => "WITH TIES",
    };
    let statement = |name: &str| {
        let table = table.named(name);
        format!(
            "SELECT pg_catalog.count(*) AS rows, pg_catalog.max(f.ctid) AS last FROM (SELECT {TABLE_ALIAS}.ctid \
             FROM {table} WHERE {range}{condition} ORDER BY {TABLE_ALIAS}.ctid \
             FETCH FIRST {limit} ROWS {ties}) AS f"
        )
    };
    // One statement, with one snapshot. Which rows they are is a constant to the one that deletes them, and so a hash table:
    // as a subquery's result they would be compared one by one with each row of the range.
    let (found, locked) = if let Some(by) = key {
        let and_lock = |name: &str| {
            let (found, key, table) = (statement(name), by.of_row(), table.named(name));
            format!(
                "SELECT g.rows, g.last, g.rows OPERATOR(pg_catalog.-) pg_catalog.cardinality(g.locked), g.locked FROM \
                 (SELECT f.rows, f.last, ARRAY(SELECT {key} FROM {table} WHERE {range}{TABLE_ALIAS}.ctid \
                 OPERATOR(pg_catalog.<=) f.last AND {condition} FOR UPDATE SKIP LOCKED) AS locked FROM ({found}) AS f OFFSET 0) AS g"
            )
        };
        let (columns, rows) = pg::query_for_argument_on(table.relation, and_lock, &arguments);
        (columns, Some(Locked { by, rows }))
    } else {
        let found = pg::query_on(table.relation, statement, &arguments).pop();
        let (count, last) = found.expect("count(*) returns one row");
        ((count, last, 0), None)
    };
    let (count, last, skipped): (u64, Option<String>, u64) = found;
    let last = last.filter(|_| count >= rows);
    let last = last.as_deref().and_then(place_after);
    Found {
        rows: count,
        skipped,
        last,
        to_delete: Rows {
            from,
            until: last.unwrap_or(until),
            locked,
        },
    }
}

/// Deletes rows, with what deferred constraints say of it, and what the DELETE has kept.
pub fn delete_at_once(
    table: Table<'_>,
    criterion: &Criterion,
    rows: Rows,
) -> (Deleted, Option<LeftOut>) {
    let (condition, arguments) = rows.condition(table, criterion);
    let planning = match rows.locked {
        Some(_) => Planning::ForEach,
        None => Planning::Once,
    };
    let delete = || {
        let deleted = table.delete_where(&condition, &arguments, planning);
        // The commit that follows would fire them, when no row can be left out any more, nor taken back what they do.
        pg::constraints_immediate();
        deleted
    };
    if !table.may_keep && !table.may_put {
        return (delete(), None);
    }
    let before = (table.may_keep || kept::puts_back(table))
        .then(|| Places::read(table, &condition, &arguments));
    let inserted = Inserted::begin(table);
    let deleted = delete();
    let inserted = inserted.end(table);
    let condition = (condition.as_str(), arguments.as_slice());
    let kept = kept::find(
        table,
        criterion,
        condition,
        before,
        deleted.deleted,
        &inserted,
    );
    (deleted, kept)
}

/// Whether rows can be locked before they are deleted, to skip those that another transaction is changing: it takes the
/// privilege UPDATE, and row security would ask its policies for updates.
pub fn can_skip_locked(relation: &Relation) -> bool {
    pg::has_privilege(relation, Privilege::Update) && !pg::row_security_applies(relation)
}
