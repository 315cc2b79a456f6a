//! What a node is told to do with a shard, and what it says of it afterwards: JSON, between two servers that have the same
//! version of the extension.

use super::meaning::{self, Meaning};
use super::{PACED_AT_ONCE, Slice};
use crate::engine::Bookmark;
use crate::pg::Keep;
use crate::table::{Caller, Criterion, Function, Rule};
use logic::number;
use pgrx::pg_sys;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// One slice of the work on one shard. The rule comes resolved, with the clock that the run began with: the node's own may
/// be another, and what has expired is the same on all.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    expires: String,
    /// How long before `now` the cut-off is, in microseconds.
    keep: i64,
    unit: Option<String>,
    time_zone: Option<String>,
    filter: Option<String>,
    /// What these mean.
    pub settings: Meaning,
    /// As a timestamptz.
    pub now: i64,
    pub batch_size: u64,
    pub max_rows: u64,
    /// Microseconds.
    pub max_duration: u64,
    /// In autovacuum's units.
    pub max_cost: Option<u64>,
    /// Milliseconds.
    pub lock_timeout: u64,
    pub place: Option<Place>,
}

/// Where a run has got to in a table that may have partitions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Partitions that are done with, by their oids.
    pub done: Vec<u32>,
    /// The one that it is at.
    pub at: Option<(u32, Bookmark)>,
}

/// What has become of a slice.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    pub deleted: u64,
    pub skipped: u64,
    /// Transactions that deleted rows.
    pub batches: u64,
    /// In autovacuum's units.
    pub cost: u64,
    /// Nothing is left to do.
    pub finished: bool,
    /// Blocks that have been read, and all.
    pub blocks: (u32, u32),
    pub place: Option<Place>,
    /// What is wrong with rows that could not be deleted.
    pub left_out: Option<String>,
}

impl Order {
    /// For each of so many shards, to be worked on so long.
    pub(super) fn new(
        criterion: &Criterion,
        slice: &Slice,
        time: Duration,
        shards: usize,
    ) -> Order {
        Order {
            expires: criterion.text.clone(),
            keep: criterion.now.saturating_sub(criterion.cutoff),
            unit: criterion.unit.map(|unit| unit.name().to_owned()),
            time_zone: criterion.time_zone(),
            filter: criterion.filter_text.clone(),
            settings: meaning::of_session(),
            now: criterion.now,
            batch_size: slice.batch_size,
            max_rows: (slice.rows / (shards as u64).max(1)).max(1),
            max_duration: number::microseconds(time).unsigned_abs(),
            max_cost: slice.cost.map(|cost| cost / PACED_AT_ONCE as u64),
            lock_timeout: number::milliseconds(slice.lock_timeout),
            place: None,
        }
    }

    /// The statement for one of them.
    pub(super) fn command(&self, shard: &str, place: Option<&Place>) -> String {
        let mut order = serde_json::to_value(self).expect("plain data becomes JSON");
        order["place"] = serde_json::to_value(place).expect("plain data becomes JSON");
        format!(
            "CALL raw_clear_sessions.clear_shard({}, {})",
            pgrx::spi::quote_literal(shard),
            pgrx::spi::quote_literal(order.to_string())
        )
    }

    pub fn rule(&self) -> Rule {
        Rule {
            expires: Some(self.expires.clone()),
            keep: Some(Keep::of_microseconds(self.keep)),
            unit: self.unit.clone(),
            time_zone: self.time_zone.clone(),
            filter: self.filter.clone(),
            meant: None,
            caller: Caller::of(Function::InBatches, []),
        }
    }
}

impl Report {
    /// `Err`: what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Report, String> {
        serde_json::from_str(text).map_err(|error| format!("its answer is not understood: {error}"))
    }
}

impl Place {
    /// Whether a partition is done with.
    pub fn is_done(&self, leaf: pg_sys::Oid) -> bool {
        self.done.contains(&u32::from(leaf))
    }
}
