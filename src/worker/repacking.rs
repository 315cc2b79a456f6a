//! REPACK (CONCURRENTLY) after a run: of each relation that the run has deleted rows from, and that is much larger than its
//! rows.

use super::database::begin_in;
use super::host::{Host, commit_durably};
use super::policy::Due;
use super::stop_request::{self, Reason};
use super::vacuuming::full_name;
use crate::pg::{self, Argument, LockMode, Relation};
use crate::progress::{self, Phase, Progress};
use crate::refusal::Refusal;
use crate::run::Outcome;
use crate::settings;
use logic::number;
use pgrx::pg_sys;
use pgrx::prelude::PgSqlErrorCode;
use serde::Serialize;
use std::time::{Duration, Instant};

/// Below so many bytes, with toast, it does not matter what is unused.
const SMALL: i64 = 8 << 20;

/// How long it may wait, before it begins, for the transactions that are open: meanwhile no VACUUM of the table begins, and
/// the WAL that is written is kept.
const WAIT: Duration = Duration::from_secs(30);

/// What became of it.
#[derive(Debug, Default)]
pub enum Repacking {
    /// Nobody has looked: the run has deleted nothing or was ended, or it has been tried not long ago.
    #[default]
    NotLooked,
    /// It is not asked for, or no relation is much larger than its rows.
    NotNeeded,
    Tried(Tried),
}

/// As the history shows it.
#[derive(Debug, Default, Serialize)]
pub struct Tried {
    /// "done", or why not.
    #[serde(rename = "repack")]
    outcome: String,
    /// How long it took, or until it was ended.
    repack_ms: u64,
    /// The relations with their indexes, before and after.
    repack_bytes_before: i64,
    repack_bytes_after: i64,
}

const DONE: &str = "done";

impl Repacking {
    pub fn tried(&self) -> Option<&Tried> {
        match self {
            Repacking::Tried(tried) => Some(tried),
            _ => None,
        }
    }

    /// Why it was not done, though it was to be.
    pub fn error(&self) -> Option<&str> {
        let tried = self.tried()?;
        (tried.outcome != DONE).then_some(&tried.outcome)
    }

    /// When it was tried, in SQL with the run's end as `end`; `None`: as it was.
    pub fn when(&self) -> Option<&'static str> {
        match self {
            Repacking::NotLooked => None,
            Repacking::NotNeeded => Some("-infinity"),
            Repacking::Tried(_) => Some("end"),
        }
    }
}

/// Repacks what the run has deleted rows from, where the policy or the setting `repack_above` says so, in what is left of the
/// run's time.
pub fn repack(schema: &str, due: &Due, outcome: &Outcome, host: &mut Host<'_>) -> Repacking {
    let Some(above) = host.policy().repack_above() else {
        return Repacking::NotNeeded;
    };
    let relations = host.relations_deleted_from();
    if !outcome.stop.is_at_the_end() || relations.is_empty() || was_tried(schema, due.table) {
        return Repacking::NotLooked;
    }
    let mut tried: Option<Tried> = None;
    let mut looked = true;
    for relation in relations {
        if host.yields || is_to_end(host) {
            looked = false;
            break;
        }
        // What cannot even be looked at, because somebody has locked it, is left for the next run.
        let found = look(relation, above, host);
        looked &= found.is_ok();
        if let Ok(Some(found)) = found {
            if tried.is_none() && found.why_not.is_none() {
                note_begun(schema, due.table);
            }
            let tried = tried.get_or_insert_default();
            repack_found(relation, found, host, tried);
        }
    }
    match tried {
        None if looked => Repacking::NotNeeded,
        None => Repacking::NotLooked,
        Some(tried) => Repacking::Tried(tried),
    }
}

/// Whether it was tried less than an hour ago: what was in its way may still be. Who replaces the policy, or asks for a run at
/// once, need not wait.
fn was_tried(schema: &str, table: pg_sys::Oid) -> bool {
    let tried = begin_in(schema)
        && !pg::query_own::<u32>(
            &format!(
                "SELECT s.\"table\" FROM {schema}.state s \
                 LEFT JOIN {schema}.policy p ON p.\"table\"::pg_catalog.oid OPERATOR(pg_catalog.=) s.\"table\" \
                 WHERE s.\"table\" OPERATOR(pg_catalog.=) $1::pg_catalog.oid AND s.run_now IS NULL \
                 AND s.repack_tried OPERATOR(pg_catalog.>) \
                 (pg_catalog.now() OPERATOR(pg_catalog.-) '1 hour'::pg_catalog.interval) \
                 AND s.repack_tried OPERATOR(pg_catalog.>=) coalesce(p.changed, '-infinity')"
            ),
            &[Argument::oid(table)],
        )
        .is_empty();
    pg::commit();
    tried
}

/// Writes that it has begun, so that it reaches the disk: should the server crash in it, it is not begun again at once.
fn note_begun(schema: &str, table: pg_sys::Oid) {
    if begin_in(schema) {
        pg::modify_own(
            &format!(
                "INSERT INTO {schema}.state (\"table\", name, owner, repack_tried, repack_error) \
                 SELECT c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname), c.relowner, \
                 pg_catalog.clock_timestamp(), 'the server or the worker ended in the middle of it' \
                 FROM pg_catalog.pg_class c \
                 JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
                 WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.oid \
                 ON CONFLICT (\"table\") DO UPDATE SET \
                 repack_tried = EXCLUDED.repack_tried, repack_error = EXCLUDED.repack_error"
            ),
            &[Argument::oid(table)],
        );
    }
    commit_durably();
}

fn is_to_end(host: &Host<'_>) -> bool {
    stop_request::requested().is_some() || host.time_left().is_some_and(|left| left.is_zero())
}

/// A relation that is much larger than its rows.
struct Found {
    /// With its indexes.
    bytes: i64,
    why_not: Option<String>,
}

/// Looks at a relation; `None` where it has gone, or is not much larger than its rows.
fn look(relation: pg_sys::Oid, above: f64, host: &mut Host<'_>) -> Result<Option<Found>, Refusal> {
    stop_request::begin_statement(host.time_left());
    let found = pg::catch(|| {
        pg::begin();
        let found = Relation::open(relation, LockMode::AccessShare)
            .filter(|heap| heap.is_heap() && heap.table_bytes() >= SMALL)
            .filter(|heap| pg::unused_fraction(heap) > above)
            .map(|heap| Found {
                bytes: heap.total_bytes(),
                why_not: pg::why_not_repacked(&heap),
            });
        pg::commit();
        Ok(found)
    });
    end_statement(host);
    found
}

/// Why the statement was canceled, if it was.
fn end_statement(host: &mut Host<'_>) -> Option<Reason> {
    stop_request::end_statement();
    let canceled = stop_request::take_canceled();
    if canceled == Some(Reason::DatabaseWanted) {
        host.make_way();
    }
    canceled
}

/// Repacks a relation, and notes what came of it.
fn repack_found(relation: pg_sys::Oid, found: Found, host: &mut Host<'_>, tried: &mut Tried) {
    let began = Instant::now();
    let name = full_name(relation);
    let why_not = match found.why_not {
        Some(why) => Some(format!("{name}: {why}")),
        None => repack_one(relation, &name, host).map(|why| format!("{name}: {why}")),
    };
    let bytes = size(relation).unwrap_or(found.bytes);
    tried.repack_ms += number::milliseconds(began.elapsed());
    tried.repack_bytes_before += found.bytes;
    tried.repack_bytes_after += bytes;
    if why_not.is_none() {
        log(&name, found.bytes, bytes, began.elapsed());
    }
    // The first reason stays.
    match why_not {
        Some(why) if tried.outcome.is_empty() || tried.outcome == DONE => tried.outcome = why,
        None if tried.outcome.is_empty() => DONE.clone_into(&mut tried.outcome),
        _ => {}
    }
}

/// Repacks one relation; why not, where it could not.
fn repack_one(relation: pg_sys::Oid, name: &str, host: &mut Host<'_>) -> Option<String> {
    let (deleted, skipped, batches) = host.record.committed();
    progress::update(&Progress {
        phase: Phase::Repacking,
        leaf: Some(relation),
        deleted,
        skipped,
        batches,
        ..Progress::default()
    });
    pg::report_activity(Some(&format!("raw_clear_sessions: repacking {name}")));
    stop_request::begin_statement(host.time_left());
    stop_request::limit_last_wait(settings::lock_timeout());
    let repacked = pg::catch(|| {
        pg::repack(relation, WAIT);
        Ok(())
    });
    let canceled = end_statement(host);
    let refusal = repacked.err()?;
    if let Some(reason) = canceled {
        return Some(in_words(reason).to_owned());
    }
    if refusal.sqlstate() == PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE {
        return Some(
            "a lock on the table, or a transaction, was held for too long before it could begin"
                .to_owned(),
        );
    }
    pg::log_error(&refusal, &format!("automatic repack of table \"{name}\""));
    let (detail, hint) = refusal.notes();
    let texts = [Some(refusal.message()), detail, hint];
    Some(texts.into_iter().flatten().collect::<Vec<_>>().join(": "))
}

/// Why a repack was ended.
fn in_words(reason: Reason) -> &'static str {
    match reason {
        Reason::Paused => "the worker was paused",
        Reason::Unscheduled => "the policy was removed or suspended",
        Reason::Canceled => "it was canceled",
        Reason::DatabaseWanted => "another session wanted the database",
        Reason::LockWanted => "another session waited for a lock on the table, or for the snapshot",
        Reason::OutOfTime => "the run's time was over",
        Reason::HoldsUpOthers => "others were using the table at its end",
        Reason::KeepsOthersWaiting => {
            "other tables or databases had waited for the worker for too long"
        }
    }
}

fn size(relation: pg_sys::Oid) -> Option<i64> {
    let size = pg::catch(|| {
        pg::begin();
        let opened = Relation::open(relation, LockMode::AccessShare);
        let size = opened.map(|heap| heap.total_bytes());
        pg::commit();
        Ok(size)
    });
    size.ok().flatten()
}

/// As `log_min_duration` says.
fn log(name: &str, before: i64, after: i64, elapsed: Duration) {
    if settings::log_min_duration().is_some_and(|minimum| elapsed >= minimum) {
        let message = format!(
            "automatic repack of table \"{name}\": {before} bytes before, {after} bytes after, elapsed {:.3} s",
            elapsed.as_secs_f64()
        );
        pg::log(&message, None, None);
    }
}
