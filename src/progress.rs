//! The progress of running clearings: in shared memory, for the view raw_clear_sessions.progress, and as NOTICEs to the
//! client that called, where it asks for them.
//!
//! Without preloading there is no shared memory, and the view stays empty.

mod notices;
mod tally;

pub use tally::Tally;

use crate::pg;
use crate::words::Words;
use logic::measure::Measure;
use logic::number;
use pgrx::pg_sys;
use std::cell::Cell;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

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
    /// Has the nodes of a Citus cluster clear its shards.
    ClearingShards,
    /// Reads the table before a rewrite locks it.
    ReadingAhead,
    /// Looks up with SQL which rows a rewrite leaves out.
    FindingExpired,
    /// Copies the rows that stay.
    Rewriting,
    /// After a rewrite.
    RebuildingIndexes,
    /// PostgreSQL's REPACK (CONCURRENTLY), after a run.
    Repacking,
    Vacuuming,
}

const PHASES: [(Phase, &str); 11] = [
    (Phase::Initializing, "initializing"),
    (Phase::ScanningHeap, "scanning heap"),
    (Phase::ScanningIndex, "scanning index"),
    (Phase::DeletingBySql, "deleting by SQL"),
    (Phase::ClearingShards, "clearing shards"),
    (Phase::ReadingAhead, "reading ahead"),
    (Phase::FindingExpired, "finding expired rows"),
    (Phase::Rewriting, "rewriting"),
    (Phase::RebuildingIndexes, "rebuilding indexes"),
    (Phase::Repacking, "repacking"),
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
    /// To read these blocks is all that there is to do.
    pub all_in_blocks: bool,
    pub deleted: u64,
    pub skipped: u64,
    pub batches: u64,
    pub waiting: Option<Waiting>,
    /// The budgets that may end it before.
    pub max_rows: Option<u64>,
    pub max_duration: Option<Duration>,
}

impl Progress {
    /// The share of the blocks that has been read, where to read them is all that there is to do.
    pub fn percent(&self) -> Option<f64> {
        let reads_blocks = matches!(
            self.phase,
            Phase::ScanningHeap | Phase::DeletingBySql | Phase::ClearingShards | Phase::Rewriting
        );
        (self.all_in_blocks && reads_blocks)
            .then(|| self.measure(Duration::ZERO).percent())
            .flatten()
    }

    /// How long the rest takes. Nobody knows when a replica will have caught up, nor how long indexes take to be rebuilt
    /// after a rewrite.
    pub fn time_left(&self, elapsed: Duration) -> Option<Duration> {
        if self.phase == Phase::Rewriting || self.waiting == Some(Waiting::Replication) {
            return None;
        }
        self.percent()?;
        self.measure(elapsed).time_left()
    }

    fn measure(&self, elapsed: Duration) -> Measure {
        Measure {
            elapsed,
            blocks_total: self.blocks_total,
            blocks_done: self.blocks_done,
            deleted: self.deleted,
            max_rows: self.max_rows,
            max_duration: self.max_duration,
        }
    }
}

const WORDS: usize = 15;

/// In shared memory, for a budget that there is not.
const NONE: u64 = u64::MAX;

/// One clearing's place in shared memory.
pub struct Slot {
    /// The process that it belongs to; 0 if it is free.
    pid: AtomicI32,
    words: Words<WORDS>,
}

/// How many clearings can show their progress at a time; more run without.
const SLOTS: usize = 128;

/// All bytes zero: nothing is running.
pub struct Slots([Slot; SLOTS]);

// SAFETY: atomics, and free where they are zero.
unsafe impl pg::Shareable for Slots {}

pub static SHOWN: pg::SharedMemory<Slots> = pg::SharedMemory::new(c"raw_clear_sessions progress");

/// A row of the view.
#[derive(Debug)]
pub struct Running {
    pub pid: i32,
    pub database: pg_sys::Oid,
    pub table: pg_sys::Oid,
    /// When it began, as timestamptz.
    pub started: i64,
    pub by_worker: bool,
    pub progress: Progress,
}

impl Running {
    pub fn phase(&self) -> &'static str {
        phase_name(self.progress.phase)
    }

    pub fn waiting(&self) -> Option<&'static str> {
        let waiting = self.progress.waiting?;
        name_of(&WAITS, waiting)
    }

    /// When it will have ended, as timestamptz, if it goes on as until now.
    pub fn estimated_end(&self) -> Option<i64> {
        let now = pg::now();
        let elapsed = Duration::from_micros(number::count(now.saturating_sub(self.started)));
        let left = self.progress.time_left(elapsed)?;
        i64::try_from(left.as_micros())
            .ok()
            .and_then(|left| now.checked_add(left))
    }
}

/// The clearing of this process's that is under way.
#[derive(Clone, Copy)]
struct Mine {
    table: pg_sys::Oid,
    since: Instant,
    started: i64,
    /// It is the worker's; otherwise a client has called.
    by_worker: bool,
    /// Where it is shown, if there is a place.
    slot: Option<&'static Slot>,
}

thread_local! {
    static MINE: Cell<Option<Mine>> = const { Cell::new(None) };
    /// How many clearings are under way in this process: a trigger that the first one fires may call another one.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// How far the clearing is, or the last one was.
    static LAST: Cell<Progress> = Cell::default();
    static FREED_AT_EXIT: Cell<bool> = const { Cell::new(false) };
}

/// A clearing that others see, until this is dropped: at its end, and when an ERROR leaves it. One inside another is not
/// seen, and is part of the other.
pub struct Shown(());

impl Shown {
    /// This process begins to clear a table, because a client asks for it.
    pub fn to_client(table: pg_sys::Oid) -> Self {
        Self::begin(table, true, pg::now())
    }

    /// The worker clears a table, and began with it at this instant.
    pub fn of_worker(table: pg_sys::Oid, started: i64) -> Self {
        Self::begin(table, false, started)
    }

    fn begin(table: pg_sys::Oid, has_client: bool, started: i64) -> Self {
        DEPTH.set(DEPTH.get() + 1);
        if DEPTH.get() == 1 {
            LAST.take();
            notices::begin(has_client);
            let slot = take_slot();
            MINE.set(Some(Mine {
                table,
                since: Instant::now(),
                started,
                by_worker: !has_client,
                slot,
            }));
            update(&Progress::default());
            if let Some(slot) = slot {
                // Only now does it belong to a clearing; until here readers passed it over.
                slot.pid.store(pg::my_pid(), Ordering::Release);
            }
        }
        Shown(())
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        if DEPTH.get() == 0 {
            free();
        }
    }
}

fn take_slot() -> Option<&'static Slot> {
    let slots = SHOWN.get()?;
    if !FREED_AT_EXIT.replace(true) {
        pg::at_exit(free);
    }
    let pid = pg::my_pid();
    slots.0.iter().find(|slot| {
        slot.pid
            .compare_exchange(0, -pid, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    })
}

fn free() {
    if let Some(slot) = MINE.take().and_then(|mine| mine.slot) {
        slot.pid.store(0, Ordering::Release);
    }
}

/// Publishes how far this process is.
pub fn update(progress: &Progress) {
    if DEPTH.get() > 1 {
        return;
    }
    LAST.set(*progress);
    let Some(mine) = MINE.get() else { return };
    if let Some(slot) = mine.slot {
        slot.words.write(words(&mine, progress));
    }
    notices::update(mine.table, progress, mine.since.elapsed());
}

/// This process clears its table with one statement, during which nobody can see how far it is.
pub fn one_statement() {
    update(&Progress {
        phase: Phase::DeletingBySql,
        ..Progress::default()
    });
    if let (1, Some(mine)) = (DEPTH.get(), MINE.get()) {
        notices::one_statement(mine.table);
    }
}

/// How far this process's clearing is, or its last one was; known without preloading too.
pub fn last() -> Progress {
    LAST.get()
}

/// What is running, in all databases.
pub fn running() -> Vec<Running> {
    SHOWN
        .get()
        .map_or_else(Vec::new, |slots| slots.0.iter().filter_map(read).collect())
}

fn words(mine: &Mine, progress: &Progress) -> [u64; WORDS] {
    [
        u32::from(pg::my_database()).into(),
        u32::from(mine.table).into(),
        position(&PHASES, progress.phase),
        progress.leaf.map_or(0, u32::from).into(),
        progress.blocks_total,
        progress.blocks_done,
        progress.deleted,
        progress.skipped,
        progress.batches,
        progress
            .waiting
            .map_or(NONE, |waiting| position(&WAITS, waiting)),
        mine.started.cast_unsigned(),
        progress.all_in_blocks.into(),
        progress.max_rows.unwrap_or(NONE),
        progress.max_duration.map_or(NONE, |duration| {
            number::microseconds(duration).unsigned_abs()
        }),
        mine.by_worker.into(),
    ]
}

fn read(slot: &Slot) -> Option<Running> {
    let pid = slot.pid.load(Ordering::Acquire);
    let words = slot.words.read();
    if pid <= 0 || slot.pid.load(Ordering::Acquire) != pid {
        return None;
    }
    let oid = |word: u64| pg_sys::Oid::from(u32::try_from(word).unwrap_or(0));
    let budget = |word: u64| (word != NONE).then_some(word);
    Some(Running {
        pid,
        database: oid(words[0]),
        table: oid(words[1]),
        started: words[10].cast_signed(),
        by_worker: words[14] != 0,
        progress: Progress {
            phase: PHASES.get(number::size(words[2]))?.0,
            leaf: (words[3] != 0).then(|| oid(words[3])),
            blocks_total: words[4],
            blocks_done: words[5],
            all_in_blocks: words[11] != 0,
            deleted: words[6],
            skipped: words[7],
            batches: words[8],
            waiting: WAITS
                .get(number::size(words[9]))
                .map(|(waiting, _)| *waiting),
            max_rows: budget(words[12]),
            max_duration: budget(words[13]).map(Duration::from_micros),
        },
    })
}

fn position<T: PartialEq>(names: &[(T, &str)], value: T) -> u64 {
    names
        .iter()
        .position(|(named, _)| *named == value)
        .map_or(u64::MAX, |position| position as u64)
}

fn name_of<T: PartialEq>(names: &[(T, &'static str)], value: T) -> Option<&'static str> {
    names
        .iter()
        .find(|(named, _)| *named == value)
        .map(|(_, name)| *name)
}

fn phase_name(phase: Phase) -> &'static str {
    name_of(&PHASES, phase).unwrap_or_default()
}
