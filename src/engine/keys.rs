//! Clears, by SQL, a table that Citus keeps the same on several nodes, in batches: reference tables, and shards with replicas.
//!
//! A batch goes by the primary key, whose values are read first. So the DELETE says the same to every node: with a subquery,
//! each could choose rows of its own, and the nodes would differ from then on. The condition stands in it as well, because
//! rows may have been renewed between the two statements; Citus lets only one transaction at a time write to such a shard.

use super::bookmark::At;
use super::shards::Elsewhere;
use super::statement;
use crate::pg::{self, BatchLimit, Deleted, Privilege, Relation, TABLE_ALIAS};
use crate::table::{self, Criterion, KeyColumn};

/// How far it is.
#[derive(Debug)]
pub struct Cursor {
    key: KeyColumn,
    /// The last key of the last batch.
    after: Option<String>,
    elsewhere: Elsewhere,
    finished: bool,
}

impl Cursor {
    /// At the beginning, or where another one has got to. `None` where the table has no such key, or the current role may not
    /// read it.
    pub fn begin(table: &Relation, at: Option<&At>) -> Option<Cursor> {
        if !pg::has_privilege(table, Privilege::Select) {
            return None;
        }
        Some(Cursor {
            key: table::key_column(table)?,
            after: match at {
                Some(At::Key(key)) => Some(key.clone()),
                _ => None,
            },
            elsewhere: Elsewhere::default(),
            finished: false,
        })
    }

    /// Where it has got to.
    pub fn at(&self) -> Option<At> {
        self.after.clone().map(At::Key)
    }

    pub fn is_finished(&self) -> bool {
        self.finished
    }

    pub fn take_elsewhere(&mut self) -> Elsewhere {
        std::mem::take(&mut self.elsewhere)
    }

    /// Deletes the next batch. Waits for its locks no longer than `lock_timeout`, on the nodes neither.
    pub fn delete(
        &mut self,
        table: &Relation,
        criterion: &Criterion,
        limit: BatchLimit,
    ) -> Deleted {
        let keys = self.next_keys(table, criterion, limit.rows);
        self.finished = (keys.len() as u64) < limit.rows;
        let Some(last) = keys.last() else {
            return Deleted::default();
        };
        self.after = Some(last.clone());
        let KeyColumn { name, kind } = &self.key;
        let quoted: Vec<_> = keys.iter().map(pgrx::spi::quote_literal).collect();
        let among = format!(
            "{TABLE_ALIAS}.{name} OPERATOR(pg_catalog.=) ANY (ARRAY[{}]::{kind}[]) AND ",
            quoted.join(", ")
        );
        let deleted = statement::delete_among(table, criterion, &among);
        // Where the rows lie has nothing to do with their keys: a page for each.
        self.elsewhere.cost += pg::cost_of_pages(0, deleted.deleted);
        deleted
    }

    /// The keys of the expired rows that come next, in their order.
    fn next_keys(&self, table: &Relation, criterion: &Criterion, rows: u64) -> Vec<String> {
        let KeyColumn { name, kind } = &self.key;
        let (condition, arguments) = criterion.condition();
        let after = self.after.as_ref().map_or_else(String::new, |after| {
            format!(
                "{TABLE_ALIAS}.{name} OPERATOR(pg_catalog.>) {}::{kind} AND ",
                pgrx::spi::quote_literal(after)
            )
        });
        let limit = i64::try_from(rows).unwrap_or(i64::MAX);
        let statement = |table: &str| {
            format!(
                "SELECT {TABLE_ALIAS}.{name} FROM {table} AS {TABLE_ALIAS} WHERE {after}{condition} \
                 ORDER BY {TABLE_ALIAS}.{name} LIMIT {limit}"
            )
        };
        let rows = pg::query_on(table, statement, &arguments);
        rows.into_iter().flatten().flatten().collect()
    }
}
