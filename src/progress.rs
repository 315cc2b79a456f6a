//! The progress of running clearings, in shared memory, for the view raw_clear_sessions_progress.
//!
//! Without preloading there is no shared memory, and nothing happens here.

use crate::pg;
use crate::shared::Words;
use pgrx::pg_sys;
use std::cell::Cell;
use std::sync::atomic::{AtomicI32, Ordering};

/// What a clearing is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Looks at the table, the rule and the rights.
    #[default]
    Initializing,
    ScanningHeap,
    ScanningIndex,
    /// A DELETE in the executor.
    DeletingBySql,
    Rewriting,
    Vacuuming,
}

const PHASES: [(Phase, &str); 6] = [
    (Phase::Initializing, "initializing"),
    (Phase::ScanningHeap, "scanning heap"),
    (Phase::ScanningIndex, "scanning index"),
    (Phase::DeletingBySql, "deleting by SQL"),
    (Phase::Rewriting, "rewriting"),
    (Phase::Vacuuming, "vacuuming"),
];

/// What a clearing waits for between two transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    /// The sleep that cost_delay and cost_limit ask for.
    Pace,
    /// A replica that replays too late.
    Replication,
}

const WAITS: [(Waiting, &str); 2] = [
    (Waiting::Pace, "cost delay"),
    (Waiting::Replication, "replication lag"),
];

/// How far a clearing is; the counts are those since it began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    pub phase: Phase,
    /// The leaf that is being cleared.
    pub leaf: Option<pg_sys::Oid>,
    /// The blocks of all leaves; 0 where that is not known.
    pub blocks_total: u64,
    pub blocks_done: u64,
    pub deleted: u64,
    pub skipped: u64,
    pub batches: u64,
    pub waiting: Option<Waiting>,
}

const WORDS: usize = 10;

/// One clearing's place in shared memory.
pub struct Slot {
    /// The process that it belongs to; 0 if it is free.
    pid: AtomicI32,
    words: Words<WORDS>,
}

/// A row of the view.
#[derive(Debug)]
pub struct Running {
    pub pid: i32,
    pub database: pg_sys::Oid,
    pub table: pg_sys::Oid,
    pub phase: &'static str,
    pub leaf: Option<pg_sys::Oid>,
    pub blocks_total: i64,
    pub blocks_done: i64,
    pub deleted: i64,
    pub skipped: i64,
    pub batches: i64,
    pub waiting: Option<&'static str>,
}

thread_local! {
    /// The slot of this process, and the table that it is clearing.
    static MINE: Cell<Option<(&'static Slot, pg_sys::Oid)>> = const { Cell::new(None) };
    /// How far the clearing is, or the last one was.
    static LAST: Cell<Progress> = Cell::default();
    static FREED_AT_EXIT: Cell<bool> = const { Cell::new(false) };
}

/// This process begins to clear a table.
pub fn start(table: pg_sys::Oid) {
    end();
    LAST.take();
    let Some(shared) = pg::shared() else { return };
    if !FREED_AT_EXIT.replace(true) {
        pg::at_exit(end);
    }
    let pid = pg::my_pid();
    let free = shared.progress.iter().find(|slot| {
        slot.pid
            .compare_exchange(0, -pid, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    });
    let Some(slot) = free else { return };
    MINE.set(Some((slot, table)));
    update(&Progress::default());
    // Only now does it belong to a clearing; until here readers passed it over.
    slot.pid.store(pid, Ordering::Release);
}

/// This process is so far.
pub fn update(progress: &Progress) {
    LAST.set(*progress);
    let Some((slot, table)) = MINE.get() else {
        return;
    };
    slot.words.write([
        u32::from(pg::my_database()).into(),
        u32::from(table).into(),
        position(&PHASES, progress.phase),
        progress.leaf.map_or(0, u32::from).into(),
        progress.blocks_total,
        progress.blocks_done,
        progress.deleted,
        progress.skipped,
        progress.batches,
        progress
            .waiting
            .map_or(u64::MAX, |waiting| position(&WAITS, waiting)),
    ]);
}

/// How far this process's clearing is, or its last one was; known without preloading too.
pub fn last() -> Progress {
    LAST.get()
}

/// This process has ended a clearing, or never began one.
pub fn end() {
    if let Some((slot, _)) = MINE.take() {
        slot.pid.store(0, Ordering::Release);
    }
}

/// What is running, in all databases.
pub fn running() -> Vec<Running> {
    pg::shared().map_or_else(Vec::new, |shared| {
        shared.progress.iter().filter_map(read).collect()
    })
}

fn read(slot: &Slot) -> Option<Running> {
    let pid = slot.pid.load(Ordering::Acquire);
    let words = slot.words.read();
    if pid <= 0 || slot.pid.load(Ordering::Acquire) != pid {
        return None;
    }
    let oid = |word: u64| pg_sys::Oid::from(word as u32);
    Some(Running {
        pid,
        database: oid(words[0]),
        table: oid(words[1]),
        phase: PHASES.get(words[2] as usize)?.1,
        leaf: (words[3] != 0).then(|| oid(words[3])),
        blocks_total: words[4] as i64,
        blocks_done: words[5] as i64,
        deleted: words[6] as i64,
        skipped: words[7] as i64,
        batches: words[8] as i64,
        waiting: WAITS.get(words[9] as usize).map(|(_, name)| *name),
    })
}

fn position<T: PartialEq>(names: &[(T, &str)], value: T) -> u64 {
    names
        .iter()
        .position(|(named, _)| *named == value)
        .map_or(u64::MAX, |position| position as u64)
}
