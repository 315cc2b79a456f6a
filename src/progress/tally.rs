//! The sum of what has been done in the leaves of one table.

use super::{Phase, Progress, Waiting, update};
use pgrx::pg_sys;

/// Adds up, and shows each new state.
#[derive(Debug, Default)]
pub struct Tally {
    progress: Progress,
    /// Blocks of all leaves, as the plan has them.
    planned: u64,
    /// Blocks of the leaves that are done with.
    finished: u64,
    /// Blocks that have been read of the current leaf, and all that it has.
    leaf: (u32, u32),
}

impl Tally {
    /// How much there is to read; `all_in_blocks`: no part of the work is anything else than reading these blocks.
    pub fn plan(&mut self, blocks: u64, all_in_blocks: bool) {
        self.planned = blocks;
        self.progress.all_in_blocks = all_in_blocks;
    }

    /// The budgets that end the work, as they are now.
    pub fn limit(&mut self, max_rows: Option<u64>, max_duration: Option<std::time::Duration>) {
        self.progress.max_rows = max_rows;
        self.progress.max_duration = max_duration;
    }

    /// So far it is in this leaf: blocks that have been read, and all, where it is read by blocks.
    pub fn in_leaf(&mut self, leaf: pg_sys::Oid, phase: Phase, blocks: Option<(u32, u32)>) {
        self.leaf = blocks.unwrap_or_default();
        self.progress.phase = phase;
        self.progress.leaf = Some(leaf);
        self.progress.blocks_done = self.finished + u64::from(self.leaf.0);
        self.progress.blocks_total = self.planned.max(self.finished + u64::from(self.leaf.1));
    }

    /// Nothing more is to be read in the current leaf.
    pub fn leaf_finished(&mut self) {
        self.finished += u64::from(self.leaf.1);
        self.leaf = (0, 0);
        self.progress.blocks_done = self.finished;
    }

    /// Rows deleted, and such that were left alone.
    pub fn add(&mut self, deleted: u64, skipped: u64) {
        self.progress.deleted += deleted;
        self.progress.skipped += skipped;
    }

    /// So many transactions have deleted rows.
    pub fn add_batches(&mut self, batches: u64) {
        self.progress.batches += batches;
    }

    /// What it comes to: rows deleted and skipped, transactions, and blocks of the leaves that are done with.
    pub fn sum(&self) -> [u64; 4] {
        let Progress {
            deleted,
            skipped,
            batches,
            ..
        } = self.progress;
        [deleted, skipped, batches, self.finished]
    }

    /// From what another one has come to.
    pub fn from_sum([deleted, skipped, batches, finished]: [u64; 4]) -> Tally {
        let progress = Progress {
            deleted,
            skipped,
            batches,
            blocks_done: finished,
            ..Progress::default()
        };
        Tally {
            progress,
            finished,
            ..Tally::default()
        }
    }

    pub fn wait_for(&mut self, waiting: Option<Waiting>) {
        self.progress.waiting = waiting;
    }

    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    pub fn show(&self) {
        update(&self.progress);
    }
}
