//! Ending a run from outside, also in the middle of a statement that takes long.
//!
//! A statement looks at no setting: a filter that sleeps, or a trigger, checks for interrupts and for nothing else. So
//! whoever wants a run to end writes that, and which run is meant, into the worker's place in shared memory; twice a
//! second a timer of the worker's own process looks there, and cancels a statement that has gone on for a while. No process
//! sends another one a signal, which could arrive when the worker is at another table, or is another process.
//!
//! The launcher writes what concerns the server: the settings, and who waits for what the run holds. It is connected to no
//! database and cannot read policies; the functions that suspend, remove or cancel one write that themselves, when their
//! transaction is committed. The time limit of a run is its process's own to keep, by the same timer; so is the time for
//! which one statement may keep others waiting: the process writes when the next table is due that no worker is at, as it
//! knows from its last look, and the launcher whether that has come and no other worker is free for it.

mod reason;

pub use reason::Reason;

use super::lost_runs::{UnderWay, counts};
use super::turns::Look;
use crate::pg;
use crate::settings;
use logic::number;
use pgrx::pg_sys;
use std::ptr;
use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicI64, AtomicPtr, AtomicU32, AtomicU64, Ordering,
};
use std::time::Duration;

/// How often the timer looks, and the launcher, while there are runs.
pub const INTERVAL: Duration = Duration::from_millis(500);

/// How many looks a statement gets to end by itself: between half a second and a whole one.
const PATIENCE: u32 = 2;

/// How many cancels in vain say that the process does not come to look at them: twenty seconds. After half of them it was to end.
const DEAF: u32 = 40;

/// What others see of the run that a database worker is at, and what they ask of it: in shared memory, a part of its seat.
pub struct Place {
    pid: AtomicI32,
    /// The run's number in the upper half, which never comes again, its table in the lower; no table: no run.
    run: AtomicU64,
    /// When it began.
    started: AtomicI64,
    /// What it has done, by [`UnderWay`].
    committed: [AtomicU64; 3],
    /// The number of the run that is to end in the upper half, why in the lower.
    request: AtomicU64,
    /// The transaction that is open, by its process and its number there; 0: none.
    transaction: AtomicU64,
    /// When it began.
    since: AtomicI64,
    /// The transaction whose locks somebody waits for, the same way: another process may have had this place then.
    wanted: AtomicU64,
    /// When its process last looked which tables are due, 0: it has not; when the first of the others is due that no worker
    /// was at then; and how many changes of policies that takes into account.
    looked: AtomicI64,
    next: AtomicI64,
    known_changes: AtomicU64,
    /// How many there were when the last one of this database was made.
    changes: AtomicU64,
    /// Another database is due, and this one's turn is over.
    turn_over: AtomicBool,
    /// Something of this database is due, and no worker is free for it.
    waited_for: AtomicBool,
    /// Its process does not come to look at any cancel.
    deaf: AtomicBool,
    /// Whom its process acts for; 0: for nobody yet.
    owner: AtomicU32,
    /// What of its database is the extension's, by [`pg::Own`]: the extension, the owners, the relations.
    own: [AtomicU32; 3 + OWN_RELATIONS],
}

/// There are twelve of them, with their indexes.
const OWN_RELATIONS: usize = 21;

#[expect(
    clippy::cast_possible_truncation,
    reason = "the two halves are what is asked for"
)]
fn halves(word: u64) -> (u32, u32) {
    ((word >> 32) as u32, word as u32)
}

fn word(upper: u32, lower: u32) -> u64 {
    u64::from(upper) << 32 | u64::from(lower)
}

impl Place {
    /// This process's from now on.
    pub fn take(&'static self) {
        let (number, _) = halves(self.run.load(Ordering::Acquire));
        self.transaction.store(0, Ordering::Release);
        self.run.store(word(number, 0), Ordering::Release);
        self.looked.store(0, Ordering::Release);
        self.waited_for.store(false, Ordering::Release);
        self.deaf.store(false, Ordering::Release);
        self.owner.store(0, Ordering::Release);
        for oid in &self.own {
            oid.store(0, Ordering::Release);
        }
        self.pid.store(pg::my_pid(), Ordering::Release);
        PLACE.store(ptr::from_ref(self).cast_mut(), Ordering::Release);
    }

    /// The run, if there is one.
    pub fn under_way(&self) -> Option<UnderWay> {
        let (_, table) = halves(self.run.load(Ordering::Acquire));
        (table != 0).then(|| UnderWay {
            table,
            started: self.started.load(Ordering::Acquire),
            pid: self.pid(),
            committed: counts(&self.committed),
        })
    }

    /// The extension's relations in its database, and whose they are; nobody's before it has looked.
    pub fn own(&self) -> pg::Own {
        let oid = |index: usize| pg_sys::Oid::from(self.own[index].load(Ordering::Acquire));
        pg::Own {
            extension: oid(0),
            owners: [oid(1), oid(2)],
            relations: (3..self.own.len()).map(oid).collect(),
        }
    }

    pub fn pid(&self) -> i32 {
        self.pid.load(Ordering::Acquire)
    }

    /// Asks the run that is under way to end, if it is that of this table; whether it is. The first reason stays.
    pub fn request(&self, table: Option<pg_sys::Oid>, reason: Reason) -> bool {
        loop {
            let request = self.request.load(Ordering::Acquire);
            let (number, at) = halves(self.run.load(Ordering::Acquire));
            if at == 0 || table.is_some_and(|table| u32::from(table) != at) {
                return false;
            }
            // Who comes too late asks a run to end that is over.
            let asked = word(number, reason.number());
            if halves(request).0 == number
                || self
                    .request
                    .compare_exchange(request, asked, Ordering::AcqRel, Ordering::Acquire)
                    .is_ok()
            {
                return true;
            }
        }
    }

    /// The transaction that is open and has been for a while.
    pub fn long_transaction(&self) -> Option<u64> {
        let number = self.transaction.load(Ordering::Acquire);
        let elapsed = pg::now().saturating_sub(self.since.load(Ordering::Acquire));
        (number != 0 && elapsed >= number::microseconds(INTERVAL)).then_some(number)
    }

    /// Somebody waits for what this transaction has locked.
    pub fn want_locks_of(&self, transaction: u64) {
        self.wanted.store(transaction, Ordering::Release);
    }

    /// Another database is due, or, with false, this place has gone to another worker.
    pub fn set_turn_over(&self, is_over: bool) {
        self.turn_over.store(is_over, Ordering::Release);
    }

    pub fn turn_is_over(&self) -> bool {
        self.turn_over.load(Ordering::Acquire)
    }

    /// The policies of this database have changed, or may have: so many changes there were in all.
    pub fn note_changes(&self, changes: u64) {
        self.changes.store(changes, Ordering::Release);
    }

    /// When its process last looked, and when the first of the others was due then; `None`: it has not yet.
    pub fn view(&self) -> Option<(i64, i64)> {
        let looked = self.looked.load(Ordering::Acquire);
        (looked != 0).then(|| (looked, self.next.load(Ordering::Acquire)))
    }

    /// Whether the policies have not changed since.
    pub fn knows_all(&self) -> bool {
        self.changes.load(Ordering::Acquire) <= self.known_changes.load(Ordering::Acquire)
    }

    pub fn set_waited_for(&self, is_waited_for: bool) {
        self.waited_for.store(is_waited_for, Ordering::Release);
    }

    /// Whether its process is in a statement that has come to no check for interrupts though it was to be canceled, and then the
    /// process to be ended: code in C that looks for none, such as a match of long patterns, or a library that waits for a
    /// server. Nothing ends it before it comes back but what would end the server, too.
    pub fn is_deaf(&self) -> bool {
        self.deaf.load(Ordering::Acquire)
    }

    /// Whom its process acts for.
    pub fn owner(&self) -> Option<pg_sys::Oid> {
        let owner = self.owner.load(Ordering::Acquire);
        (owner != 0).then(|| owner.into())
    }

    fn requested(&self) -> Option<Reason> {
        let (asked, reason) = halves(self.request.load(Ordering::Acquire));
        let (number, _) = halves(self.run.load(Ordering::Acquire));
        (asked == number)
            .then(|| Reason::from_number(reason))
            .flatten()
    }
}

// Of this process. The timer's signal handler reads and writes them: atomics, and no thread-local ones, which may be
// allocated when they are first used.
static PLACE: AtomicPtr<Place> = AtomicPtr::new(ptr::null_mut());
/// How often the timer has looked since the transaction began.
static LOOKS: AtomicU32 = AtomicU32::new(0);
/// How often it may, until the run's time is over.
static LIMIT: AtomicU32 = AtomicU32::new(u32::MAX);
/// How often it may, one look after the other, while the statement waits for its last lock; and how often it has.
static WAIT: AtomicU32 = AtomicU32::new(u32::MAX);
static WAITED: AtomicU32 = AtomicU32::new(0);
/// How often others may wait for the statement, one look after the other; and how often they have.
static PATIENCE_OF_OTHERS: AtomicU32 = AtomicU32::new(u32::MAX);
static OTHERS_WAITED: AtomicU32 = AtomicU32::new(0);
/// Whether the statement makes way for others who wait for its locks.
static GIVES_WAY: AtomicBool = AtomicBool::new(true);
/// How often in a row the timer has canceled the statement in vain.
static UNHEARD: AtomicU32 = AtomicU32::new(0);
/// Why the statement was canceled.
static CANCELED: AtomicU32 = AtomicU32::new(0);

fn place() -> Option<&'static Place> {
    // SAFETY: NULL, or the place of this process in shared memory, which is mapped as long as the process lives.
    unsafe { PLACE.load(Ordering::Acquire).as_ref() }
}

/// The timer: whether the statement is to be canceled. In a signal handler.
fn look() -> bool {
    let Some(place) = place() else { return false };
    let transaction = place.transaction.load(Ordering::Acquire);
    if transaction == 0 {
        return false;
    }
    let looks = LOOKS.fetch_add(1, Ordering::AcqRel) + 1;
    let keeps_waiting = keeps_others_waiting(place);
    if looks < PATIENCE {
        return false;
    }
    let wanted = || {
        let wanted = place.wanted.load(Ordering::Acquire) == transaction
            && GIVES_WAY.load(Ordering::Acquire);
        wanted.then_some(Reason::LockWanted)
    };
    let over = || (looks >= LIMIT.load(Ordering::Acquire)).then_some(Reason::OutOfTime);
    let waiting = || keeps_waiting.then_some(Reason::KeepsOthersWaiting);
    let reason = place.requested().or_else(wanted).or_else(over);
    let Some(reason) = reason.or_else(waiting).or_else(waits_for_too_long) else {
        return false;
    };
    CANCELED.store(reason.number(), Ordering::Release);
    if UNHEARD.fetch_add(1, Ordering::AcqRel) >= DEAF {
        place.deaf.store(true, Ordering::Release);
    }
    true
}

/// Whether others have waited for the statement's end for too long.
fn keeps_others_waiting(place: &Place) -> bool {
    if !place.waited_for.load(Ordering::Acquire) && !place.turn_is_over() {
        OTHERS_WAITED.store(0, Ordering::Release);
        return false;
    }
    let waited = OTHERS_WAITED.fetch_add(1, Ordering::AcqRel) + 1;
    waited > PATIENCE_OF_OTHERS.load(Ordering::Acquire)
}

/// Whether it holds up others by waiting for its last lock.
fn waits_for_too_long() -> Option<Reason> {
    let most = WAIT.load(Ordering::Acquire);
    if most == u32::MAX || !pg::waits_to_finish() {
        WAITED.store(0, Ordering::Release);
        return None;
    }
    let waited = WAITED.fetch_add(1, Ordering::AcqRel);
    (waited >= most).then_some(Reason::HoldsUpOthers)
}

/// The run of a table, until this is dropped: it can be asked to end.
pub struct Run(());

impl Run {
    /// When the run began, and what it has done, which may have been before this turn of it.
    pub fn begin(table: pg_sys::Oid, started: i64, committed: [u64; 3]) -> Run {
        if let Some(place) = place() {
            place.started.store(started, Ordering::Release);
            note_committed(committed);
            let (number, _) = halves(place.run.load(Ordering::Acquire));
            let number = number.wrapping_add(1);
            place
                .run
                .store(word(number, table.into()), Ordering::Release);
            pg::look_every(INTERVAL, look);
        }
        Run(())
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        end_statement();
        pg::stop_looking();
        take_canceled();
        if let Some(place) = place() {
            let (number, _) = halves(place.run.load(Ordering::Acquire));
            place.run.store(word(number, 0), Ordering::Release);
        }
    }
}

/// So much the run has done.
pub fn note_committed(committed: [u64; 3]) {
    let places = place().into_iter().flat_map(|place| &place.committed);
    for (place, count) in places.zip(committed) {
        place.store(count, Ordering::Release);
    }
}

/// A transaction of the run begins, and with it what can be canceled; `left`: what is left of the run's time.
pub fn begin_statement(left: Option<Duration>) {
    let Some(place) = place() else { return };
    LOOKS.store(0, Ordering::Release);
    limit_statement(left);
    WAIT.store(u32::MAX, Ordering::Release);
    WAITED.store(0, Ordering::Release);
    let patience = settings::blocking_timeout();
    PATIENCE_OF_OTHERS.store(patience.map_or(u32::MAX, looks), Ordering::Release);
    OTHERS_WAITED.store(0, Ordering::Release);
    GIVES_WAY.store(true, Ordering::Release);
    can_hear(place);
    let number = 1 + TRANSACTIONS.fetch_add(1, Ordering::AcqRel);
    let number = word(pg::my_pid().cast_unsigned(), number);
    place.since.store(pg::now(), Ordering::Release);
    place.transaction.store(number, Ordering::Release);
}

/// What of this process's database is the extension's.
pub fn note_own(own: &pg::Own) {
    let oids = [own.extension].into_iter().chain(own.owners);
    let oids = oids.chain(own.relations.iter().copied());
    let oids = oids.map(u32::from).chain(std::iter::repeat(0));
    for (place, oid) in place().into_iter().flat_map(|place| &place.own).zip(oids) {
        place.store(oid, Ordering::Release);
    }
}

/// The same, once it has been noted.
pub fn own() -> Option<pg::Own> {
    place().map(Place::own)
}

static TRANSACTIONS: AtomicU32 = AtomicU32::new(0);

/// The tables have been looked at: the next one besides this process's that no worker is at is due then; `i64::MAX`: none is.
pub fn note_others(next: i64, look: Look) {
    let Some(place) = place() else { return };
    place.next.store(next, Ordering::Release);
    place.known_changes.store(look.changes, Ordering::Release);
    place.looked.store(look.instant, Ordering::Release);
}

/// The statement that has begun may take so long.
pub fn limit_statement(left: Option<Duration>) {
    LIMIT.store(left.map_or(u32::MAX, looks), Ordering::Release);
}

/// The statement that has begun may wait so long, about, for a lock once it has written.
pub fn limit_last_wait(wait: Duration) {
    WAIT.store(looks(wait), Ordering::Release);
}

/// How often the timer looks in that time.
fn looks(time: Duration) -> u32 {
    let looks = time.as_millis().div_ceil(INTERVAL.as_millis());
    u32::try_from(looks).unwrap_or(u32::MAX).max(PATIENCE)
}

/// The statement that has begun keeps its locks, though others wait for them.
pub fn keep_locks() {
    GIVES_WAY.store(false, Ordering::Release);
}

/// It has ended.
pub fn end_statement() {
    if let Some(place) = place() {
        place.transaction.store(0, Ordering::Release);
        can_hear(place);
    }
}

/// The process has come back.
fn can_hear(place: &Place) {
    UNHEARD.store(0, Ordering::Release);
    place.deaf.store(false, Ordering::Release);
}

/// Whom this process acts for.
pub fn note_owner(owner: pg_sys::Oid) {
    if let Some(place) = place() {
        place.owner.store(owner.into(), Ordering::Release);
    }
}

/// Why this process's run is to end, if it is.
pub fn requested() -> Option<Reason> {
    place()?.requested()
}

/// Why a statement was canceled, if what that means for the run is still to be found out.
pub fn canceled() -> Option<Reason> {
    Reason::from_number(CANCELED.load(Ordering::Acquire))
}

/// Why the last statement was canceled, if it was; after `end_statement`.
pub fn take_canceled() -> Option<Reason> {
    let reason = Reason::from_number(CANCELED.swap(0, Ordering::AcqRel))?;
    // It may have ended before.
    pg::forget_cancel();
    Some(reason)
}
