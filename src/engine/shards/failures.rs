//! Shards that could not be cleared, and rows of shards.

use crate::refusal::Refusal;
use crate::table::Shard;
use pgrx::prelude::PgSqlErrorCode;
use serde::{Deserialize, Serialize};

/// How many are told of one by one.
const TOLD: usize = 20;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Failures {
    shards: u64,
    /// Shards with rows that could not be deleted.
    with_rows: Vec<i64>,
    told: Vec<String>,
}

impl Failures {
    /// A shard has been left alone.
    pub fn shard(&mut self, shard: &Shard, message: String) {
        self.shards += 1;
        self.tell(shard, &message);
    }

    /// Rows of a shard have been left out; the others go.
    pub fn rows(&mut self, shard: &Shard, message: String) {
        if !self.with_rows.contains(&shard.id) {
            self.with_rows.push(shard.id);
            self.tell(shard, &message);
        }
    }

    fn tell(&mut self, shard: &Shard, message: &str) {
        if self.told.len() < TOLD {
            let node = &shard.node;
            self.told.push(format!(
                "{} on {}:{}: {message}",
                shard.name, node.host, node.port
            ));
        }
    }

    /// All of it, if there is any; `shards`: of how many.
    pub fn refusal(&self, shards: usize) -> Option<Refusal> {
        let first = self.told.first()?;
        let failed = self.shards + self.with_rows.len() as u64;
        let refusal = Refusal::new(
            PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("could not clear {failed} of {shards} shards, the first {first}"),
        )
        .hint("The other shards do not wait for these, which the next run tries again.");
        let refusal = match &self.told[..] {
            [_] => refusal,
            told => refusal.detail(told.join("\n")),
        };
        Some(if self.shards == 0 {
            refusal.of_left_out_rows()
        } else {
            refusal
        })
    }
}
