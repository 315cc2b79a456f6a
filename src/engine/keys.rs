//! Clears, by SQL, a table that Citus keeps the same on several nodes, in batches: reference tables, and shards with replicas.
//!
//! A batch goes by the primary key, whose values are read first. So the DELETE says the same to every node: with a subquery,
//! each could choose rows of its own, and the nodes would differ from then on. The condition stands in it as well, because
//! rows may have been renewed between the two statements; Citus lets only one transaction at a time write to such a shard.
//!
//! A batch that fails is halved until it is one row, which is left out, and the others go. The nodes' databases may sort keys
//! in another way than the one here: so what has found rows looks once more from the beginning whether any are left.

use super::bookmark::At;
use super::kept;
use super::shards::Elsewhere;
use super::sql::LeftOut;
use super::statement;
use super::tries;
use crate::pg::{self, BatchLimit, Deleted, Privilege, Relation, TABLE_ALIAS};
use crate::refusal::Refusal;
use crate::table::{self, Criterion, KeyColumn};
use pgrx::prelude::PgSqlErrorCode;
use serde::{Deserialize, Serialize};

/// Of so many batches that fail, about, where many rows do, one is looked into.
const LOOKED_INTO: u32 = 8;

/// How far it is.
#[derive(Debug)]
pub struct Cursor {
    key: KeyColumn,
    at: Position,
    left_out: Vec<LeftOut>,
    elsewhere: Elsewhere,
    finished: bool,
}

/// The same, as far as it is written down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The last key of the last batch of this pass, as text.
    after: Option<String>,
    /// How many rows to try next, where more of them have failed.
    step: Option<u64>,
    /// This pass has found rows.
    found: bool,
    /// It has left rows alone.
    incomplete: bool,
    /// How many rows were found to fail alone.
    alone: u32,
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
            at: match at {
                Some(At::Key(position)) => position.clone(),
                _ => Position::default(),
            },
            left_out: Vec::new(),
            elsewhere: Elsewhere::default(),
            finished: false,
        })
    }

    /// Where it has got to.
    pub fn at(&self) -> At {
        At::Key(self.at.clone())
    }

    pub fn is_finished(&self) -> bool {
        self.finished
    }

    pub fn take_left_out(&mut self) -> Vec<LeftOut> {
        std::mem::take(&mut self.left_out)
    }

    pub fn take_elsewhere(&mut self) -> Elsewhere {
        std::mem::take(&mut self.elsewhere)
    }

    /// Deletes the next batch, or finds out a little more of which row cannot be deleted. Waits for its locks no longer than
    /// `lock_timeout`, on the nodes neither.
    pub fn delete(
        &mut self,
        table: &Relation,
        criterion: &Criterion,
        limit: BatchLimit,
    ) -> Deleted {
        let asked = self.at.step.unwrap_or(limit.rows).min(limit.rows).max(1);
        let keys = self.next_keys(table, criterion, asked);
        let mut outcome = Deleted::default();
        if let Some(last) = keys.last() {
            match self.try_keys(table, criterion, &keys) {
                Ok(deleted) => {
                    let step = self.at.step.map(|step| step.saturating_mul(2));
                    self.at.step = step.filter(|step| *step < limit.rows);
                    outcome = deleted;
                }
                Err(refusal) if self.is_passed_over(&keys) => {
                    if self.at.alone >= tries::ROWS {
                        self.at.step = None;
                    }
                    self.leave_out(LeftOut {
                        ctid: None,
                        rows: keys.len() as u64,
                        refusal,
                    });
                }
                Err(_) => {
                    self.at.step = Some(keys.len() as u64 / 2);
                    return outcome;
                }
            }
            self.at.found = true;
            self.at.after = Some(last.clone());
        }
        if (keys.len() as u64) < asked {
            self.end_pass();
        }
        outcome
    }

    /// Deletes the rows with these keys, as far as they still are expired. Refuses where one of them cannot be deleted.
    fn try_keys(
        &mut self,
        table: &Relation,
        criterion: &Criterion,
        keys: &[String],
    ) -> Result<Deleted, Refusal> {
        let KeyColumn { name, kind } = &self.key;
        let quoted: Vec<_> = keys.iter().map(pgrx::spi::quote_literal).collect();
        let among = format!(
            "{TABLE_ALIAS}.{name} OPERATOR(pg_catalog.=) ANY (ARRAY[{}]::{kind}[]) AND ",
            quoted.join(", ")
        );
        let tried = keys.len() as u64;
        // Where the rows lie has nothing to do with their keys: a page for each.
        self.elsewhere.cost += pg::cost_of_pages(0, tried);
        let (deleted, kept) = pg::attempt(is_of_some_rows, || {
            let deleted = statement::delete_among(table, criterion, &among);
            // Else somebody has renewed it, or deleted it.
            let is_kept = deleted.deleted < tried;
            let kept = is_kept.then(|| statement::count_among(table, criterion, &among));
            (deleted, kept.unwrap_or(0))
        })?;
        if kept > 0 {
            self.leave_out(kept::left_out(table, None, kept));
        }
        Ok(deleted)
    }

    /// Whether rows that have failed are left out: one that is alone, and, where there were many such, most batches that have
    /// one, others in each run. To try each row alone would take for ever.
    fn is_passed_over(&mut self, keys: &[String]) -> bool {
        if keys.len() == 1 {
            self.at.alone += 1;
            return true;
        }
        self.at.step.is_none() && self.at.alone >= tries::ROWS && tries::any_of(LOOKED_INTO) != 0
    }

    fn leave_out(&mut self, left_out: LeftOut) {
        self.at.incomplete = true;
        self.left_out.push(left_out);
    }

    /// What has left rows alone would find them again.
    fn end_pass(&mut self) {
        if self.at.found && !self.at.incomplete {
            self.at = Position::default();
        } else {
            self.finished = true;
        }
    }

    /// The keys of the expired rows that come next, in their order.
    fn next_keys(&self, table: &Relation, criterion: &Criterion, rows: u64) -> Vec<String> {
        let KeyColumn { name, kind } = &self.key;
        let (condition, arguments) = criterion.condition();
        let after = self.at.after.as_ref().map_or_else(String::new, |after| {
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
        pg::query_on(table, statement, &arguments)
    }
}

/// A lock that was waited for too long on a node is not told from one here by its place in the code: others use the table, and
/// the run is tried again.
fn is_of_some_rows(error: &Refusal) -> bool {
    pg::is_of_a_row(error)
        && !matches!(
            error.sqlstate(),
            PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE | PgSqlErrorCode::ERRCODE_QUERY_CANCELED
        )
}
