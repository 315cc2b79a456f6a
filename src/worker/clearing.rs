//! One run of one table by the worker: from the row in the history to the line in the log.

use super::aside::Found;
use super::board::board;
use super::database::{begin_in, take_locked_out};
use super::history::{self, Details};
use super::host::{Host, commit_durably};
use super::left;
use super::meant;
use super::policy::{self, Due, Policy};
use super::repacking::{self, Repacking};
use super::rewriting::{self, Rewriting};
use super::stop_request::{self, Reason};
use super::turns::{Turn, Turns};
use super::vacuuming::{self, full_name};
use crate::engine::shards::take_waited_for;
use crate::pg::{self, Usage};
use crate::progress::Shown;
use crate::refusal::Refusal;
use crate::run::{Outcome, Stop, go_on, run};
use crate::settings;
use logic::number;
use pgrx::prelude::PgSqlErrorCode;
use std::time::{Duration, Instant};

/// How it went on with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// The next table.
    GoOn,
    /// Somebody wants the database for himself.
    Yield,
    /// The next table; this one cannot be cleared for the moment.
    Avoid,
}

/// Clears a table that is due, or goes on with it, until it is done or its turn is over. Whatever goes wrong with the table is
/// in the history and the log, and no ERROR.
pub fn clear(schema: &str, due: &Due, turns: &mut Turns) -> After {
    let found = begin_in(schema).then(|| policy::find(schema, due.table));
    let name = pg::full_name(due.table).unwrap_or_default();
    pg::commit();
    let (aside, ends) = match turns.take(schema, due) {
        Found::Turn(aside, ends) => (Some(*aside), ends),
        Found::Gone => (None, None),
        Found::Locked => return After::Avoid,
    };
    let Some(policy) = found.flatten() else {
        if let Some(aside) = aside {
            aside.close(schema, Stop::Unscheduled.name());
        }
        return After::GoOn;
    };
    let aside = match (aside, ends) {
        (Some(aside), Some(stop)) => {
            aside.close(schema, stop);
            return After::GoOn;
        }
        (aside, _) => aside,
    };

    pg::report_activity(Some(&format!("raw_clear_sessions: clearing {name}")));
    let mut turn = match aside {
        Some(aside) => aside.resume(policy.clone()),
        None => Turn::first(Host::new(schema, due.table, policy.clone())),
    };
    let shown = Shown::of_worker(due.table, turn.host.record.started());
    let (started, used) = (Instant::now(), Usage::now());
    turns.note_others(due.table);
    let run = {
        let record = &turn.host.record;
        stop_request::Run::begin(due.table, record.started(), record.committed().into())
    };
    if turn.aside.is_none() {
        turn.rewritten = rewriting::rewrite_if_worth_it(due, &policy, &mut turn.host);
    }
    let outcome = clear_rows(due, &mut turn);
    turn.elapsed += started.elapsed();
    if matches!(&outcome, Ok(outcome) if outcome.stop == Stop::Turn) {
        turn.used += used.since();
        turns.put_aside(schema, due.table, turn);
        return After::GoOn;
    }
    let elapsed = turn.elapsed;
    let host = &mut turn.host;
    let expired_left = match &outcome {
        Ok(outcome) => left::expired_left(due, host, outcome),
        Err(_) => None,
    };
    let repacking = outcome.as_ref().map_or(Repacking::NotLooked, |outcome| {
        repacking::repack(schema, due, outcome, host)
    });
    let vacuumed = outcome.as_ref().map_or(0, |_| vacuuming::vacuum(host));
    turn.used += used.since();
    drop(run);
    drop(shown);

    let is_locked_out = outcome.is_err() && take_locked_out();
    // It is cleared, or could not be read whether it is to be: with the table nothing is wrong.
    let is_sound = |refusal: &Refusal| refusal.is_of_another_clearing() || is_locked_out;
    let overtaken = outcome
        .as_ref()
        .err()
        .and_then(|_| overtaken(schema, due, turn.host.policy()));
    let (detail, hint) = outcome.as_ref().err().map_or((None, None), Refusal::notes);
    let details = Details {
        policy: history::policy_json(turn.host.policy()),
        elapsed_ms: number::milliseconds(elapsed),
        usage: turn.used,
        expired_left,
        rewrite: turn.rewritten.in_words(),
        locked_ms: turn.rewritten.locked().map(number::milliseconds),
        repacked: repacking.tried(),
        vacuumed,
        detail,
        hint,
    };
    let result = match &outcome {
        Ok(outcome) => history::Result::Ended(*outcome),
        Err(_) if overtaken == Some(Overtaken::Unscheduled) => {
            history::Result::Interrupted(Stop::Unscheduled.name(), None)
        }
        Err(refusal) if turn.host.yields || is_sound(refusal) || overtaken.is_some() => {
            history::Result::Interrupted("interrupted", Some(refusal))
        }
        Err(refusal) => {
            turns.forget(due.table);
            history::Result::Failed(refusal)
        }
    };
    log(due, &result, elapsed);
    if turn.host.yields
        && let Some(board) = board()
    {
        // It has had its turn, though nothing of it is in its state.
        board.note_lost_turn(due.table);
    }
    let after = match &outcome {
        _ if turn.host.yields => After::Yield,
        Err(refusal) if is_sound(refusal) => After::Avoid,
        _ => After::GoOn,
    };
    if begin_in(schema) && turn.host.extension_is_the_same() {
        let record = turn.host.record;
        record.end(schema, &result, &details, &repacking);
        match &result {
            history::Result::Ended(_) => meant::note_refused(schema, due.table, &policy, false),
            history::Result::Failed(refusal) if refusal.is_of_meaning() => {
                meant::note_refused(schema, due.table, &policy, true);
            }
            history::Result::Failed(_) | history::Result::Interrupted(..) => {}
        }
    }
    if matches!(&outcome, Ok(outcome) if outcome.deleted > 0) {
        commit_durably();
    } else {
        pg::commit();
    }
    after
}

/// Deletes what a rewrite, or the turns before, have left to do.
fn clear_rows(due: &Due, turn: &mut Turn<'_>) -> Result<Outcome, Refusal> {
    if let Rewriting::Done(outcome, _) = &turn.rewritten {
        return Ok(*outcome);
    }
    // In the middle of the rewrite.
    match stop_request::take_canceled() {
        // Batches let others have their turns.
        Some(Reason::KeepsOthersWaiting) => {
            turn.rewritten = Rewriting::Not(kept_others_waiting());
        }
        Some(reason) => return cut_short(reason, &mut turn.host),
        None => {}
    }
    let (host, aside, elapsed) = (&mut turn.host, turn.aside.take(), turn.elapsed);
    let ended = pg::catch(|| {
        host.begin();
        let ended = match aside {
            Some(aside) => go_on(aside, elapsed, due.table, host),
            None => run(due.table, host),
        }?;
        host.end();
        Ok(ended)
    });
    stop_request::end_statement();
    let canceled = stop_request::take_canceled();
    match (ended, canceled) {
        (Err(_), Some(Reason::OutOfTime)) if let Some(nodes) = take_waited_for() => {
            Err(out_of_time(&nodes))
        }
        (Err(_), Some(reason)) => cut_short(reason, host),
        (Err(refusal), None) => Err(refusal),
        (Ok(ended), _) => {
            turn.aside = ended.aside;
            Ok(ended.outcome)
        }
    }
}

/// What a run has come to that was ended in the middle of a statement.
fn cut_short(reason: Reason, host: &mut Host<'_>) -> Result<Outcome, Refusal> {
    let (deleted, skipped, batches) = host.record.committed();
    match reason.stop() {
        // The next run would begin with the same batch, and not get further.
        Some(Stop::MaxDuration) if deleted == 0 => Err(nothing_in_time()),
        Some(stop) => Ok(Outcome {
            deleted,
            skipped,
            batches,
            stop,
        }),
        None if reason == Reason::DatabaseWanted => Err(host.make_way()),
        None if reason == Reason::KeepsOthersWaiting => Err(kept_others_waiting()),
        None => Err(Refusal::new(
            PgSqlErrorCode::ERRCODE_OBJECT_IN_USE,
            "the run was ended because another session waited for a lock that it held",
        )
        .hint("A batch should take less than a second: look at the policy's filter and expression, and at the table's triggers.")),
    }
}

fn out_of_time(nodes: &str) -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("the run's time was over, and no answer had come from {nodes}"),
    )
    .hint("Look whether that server is up, and what it is busy with. The next run tries again.")
}

fn nothing_in_time() -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
        "the run's time was over before it had deleted anything",
    )
    .hint("Lower the batch size, or raise max_duration or \"raw_clear_sessions.max_run_time\"; look at what takes long: a filter, a trigger, a foreign key whose column has no index.")
}

fn kept_others_waiting() -> Refusal {
    Refusal::new(
        PgSqlErrorCode::ERRCODE_QUERY_CANCELED,
        "a statement was canceled because other tables or databases had waited for it for longer than \"raw_clear_sessions.blocking_timeout\"",
    )
    .hint("A batch should take less than a second: look at the policy's filter and expression, and at the table's triggers.")
}

/// What has become of a policy while a run by it failed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Overtaken {
    /// Its table is gone, or not to be cleared any more.
    Unscheduled,
    /// The table is cleared by another one from now on, of which the failure says nothing.
    Replaced,
}

/// `None` where the failure is one of what the table is cleared by from now on.
fn overtaken(schema: &str, due: &Due, policy: &Policy) -> Option<Overtaken> {
    let current = pg::catch(|| {
        let is_there = begin_in(schema) && pg::owner(due.table).is_some();
        let current = is_there.then(|| policy::find(schema, due.table));
        pg::commit();
        Ok(current.flatten())
    });
    match current {
        Ok(None) => Some(Overtaken::Unscheduled),
        Ok(Some(current)) if current != *policy => Some(Overtaken::Replaced),
        // Whoever has the extension's relations locked now: the failure is not to be lost.
        Ok(Some(_)) | Err(_) => None,
    }
}

/// A failure is always logged, as an ERROR; a run that took long if it deleted anything.
fn log(due: &Due, result: &history::Result, elapsed: Duration) {
    match result {
        history::Result::Failed(refusal) => {
            let context = format!("automatic clearing of table \"{}\"", full_name(due.table));
            pg::log_error(refusal, &context);
        }
        history::Result::Ended(outcome) => {
            let long = settings::log_min_duration().is_some_and(|minimum| elapsed >= minimum);
            if long && outcome.deleted > 0 {
                let message = format!(
                    "automatic clearing of table \"{}\": deleted {} rows in {} batches, skipped {}, elapsed {:.3} s, stopped: {}",
                    full_name(due.table),
                    outcome.deleted,
                    outcome.batches,
                    outcome.skipped,
                    elapsed.as_secs_f64(),
                    outcome.stop.name(),
                );
                pg::log(&message, None, None);
            }
        }
        history::Result::Interrupted(..) => {}
    }
}
