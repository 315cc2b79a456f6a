//! What clears the table while it is altered.

use crate::world::World;
use cluster::{Database, Running, Session, wait_until};
use std::collections::BTreeMap;

/// In which way the table is cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Function,
    Procedure,
    Rewrite,
    Preview,
    Worker,
}

/// What a clearing may end with when the table was altered: no right any more (42501), a foreign key (23503), a deadlock
/// or a lock that did not come (40P01, 55P03), in use (55006), not to be rewritten (0A000, 55000).
const REFUSALS: [&str; 7] = [
    "42501", "23503", "40P01", "55P03", "55006", "0A000", "55000",
];

/// What it may end with besides where it commits: a batch is taken back whose trigger has written expired rows anew, as `meddle`
/// does where it fills another leaf again or gives a column of it another type.
const WRITTEN_ANEW: &str = "27000";

const RULE: &str = "expires => 'expire_date'";

/// What every third clearing has besides: a filter that all rows meet, so that SQL has to judge them.
const FILTER: &str = ", filter => 'kind > 0'";

/// Clears a world in one way, once a round.
pub struct Runner<'a> {
    way: Way,
    database: &'a Database<'a>,
    root: String,
    /// To look at what the clearing is doing.
    observer: Session,
    started: bool,
    /// Rounds that have begun.
    rounds: u32,
    running: Option<Running>,
    /// The worker's last run of the round before.
    last_run: i64,
    outcomes: BTreeMap<String, u32>,
    deleted: i64,
}

impl<'a> Runner<'a> {
    pub fn new(database: &'a Database<'a>, world: &World, way: Way) -> Runner<'a> {
        let mut observer = database.connect();
        if way == Way::Worker {
            observer.run("GRANT USAGE ON SCHEMA raw_clear_sessions TO PUBLIC");
        }
        Runner {
            way,
            database,
            root: format!("{}::oid::regclass", world.root),
            observer,
            started: false,
            rounds: 0,
            running: None,
            last_run: 0,
            outcomes: BTreeMap::new(),
            deleted: 0,
        }
    }

    pub fn way(&self) -> Way {
        self.way
    }

    /// Before each round, when nobody holds a lock.
    pub fn prepare(&mut self) {
        self.started = false;
        self.rounds += 1;
        if self.way == Way::Worker {
            let last = "SELECT coalesce(max(id), 0) FROM raw_clear_sessions.run";
            self.last_run = self.observer.number(last);
            self.observer.run(&format!(
                "SELECT raw_clear_sessions_schedule({}, '1 s', {RULE}, batch_size => 10)",
                self.root
            ));
        }
    }

    /// The worker clears no more: a run that is busy would alter things while the books are looked at, or go on by the next
    /// round's policy, so that its failure counts for that.
    fn rest(&mut self) {
        self.observer.run(&format!(
            "SELECT raw_clear_sessions_unschedule({})",
            self.root
        ));
        let workers = "pg_stat_activity WHERE backend_type = 'raw_clear_sessions worker' AND datname = current_database()";
        wait_until("no worker is at work", || self.observer.count(workers) == 0);
    }

    /// Begins to clear, if it has not in this round.
    pub fn start(&mut self) {
        if std::mem::replace(&mut self.started, true) {
            return;
        }
        let root = &self.root;
        let filter = if self.rounds.is_multiple_of(3) {
            FILTER
        } else {
            ""
        };
        let statement = match self.way {
            Way::Function => format!("SELECT raw_clear_sessions({root}, {RULE}{filter})"),
            Way::Procedure => {
                format!(
                    "CALL raw_clear_sessions_in_batches({root}, {RULE}{filter}, batch_size => 10)"
                )
            }
            Way::Rewrite => format!("SELECT raw_clear_sessions_rewrite({root}, {RULE}{filter})"),
            Way::Preview => {
                format!("SELECT raw_clear_sessions_preview({root}, {RULE}{filter}, exact => true)")
            }
            // By itself.
            Way::Worker => return,
        };
        let mut session = self.database.connect_as("storm_owner");
        // Where there is an index at the time, it is used. Where there is none, as for the checks of foreign keys, the
        // statement seems to be worth compiling, again and again.
        if self.rounds.is_multiple_of(2) {
            session.run("SET enable_seqscan = off; SET jit = off");
        }
        self.running = Some(session.start(&statement));
    }

    /// The worker's first run of this round, when it has ended: why, its SQLSTATE, its message. One that found nothing, as
    /// where a policy hides all rows, is told of by the state alone.
    fn ended_run(&mut self) -> Option<String> {
        let query = format!(
            "SELECT coalesce(max(concat_ws(' ', r.stop, r.sqlstate, r.error)),
                 (SELECT last_stop FROM raw_clear_sessions.state JOIN raw_clear_sessions.policy AS p USING (\"table\")
                  WHERE last_start > p.changed))
             FROM raw_clear_sessions.run AS r
             WHERE id = (SELECT min(id) FROM raw_clear_sessions.run WHERE id > {})
             AND stop IS NOT NULL",
            self.last_run
        );
        self.observer.value(&query)
    }

    pub fn has_ended(&mut self) -> bool {
        match &self.running {
            Some(running) => running.is_finished(),
            None => self.started && self.ended_run().is_some(),
        }
    }

    pub fn waits_for_lock(&mut self) -> bool {
        let process = match &self.running {
            Some(running) => format!("pid = {}", running.pid()),
            None => "backend_type = 'raw_clear_sessions worker'".to_owned(),
        };
        self.observer.yes(&format!(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE {process} AND wait_event_type = 'Lock')"
        ))
    }

    /// Waits until the clearing ends; whether it said that it has cleared everything. An ERROR has to be one of those that
    /// the alterations explain.
    pub fn finish(&mut self, what: &str) -> bool {
        let (outcome, text) = match self.running.take() {
            Some(running) => match running.finish().1 {
                Ok(value) => {
                    self.deleted += value.parse::<i64>().unwrap_or_default();
                    ("done".to_owned(), String::new())
                }
                Err(error) => {
                    let code = error.code().map(|code| code.code().to_owned());
                    (code.unwrap_or_default(), format!("{error:?}"))
                }
            },
            None => {
                let mut found = None;
                wait_until("the worker's run has ended", || {
                    found = self.ended_run();
                    found.is_some()
                });
                let text = found.expect("was found");
                self.rest();
                let mut words = text.split(' ');
                match words.next() {
                    Some("failed" | "left_out") => {
                        (words.next().unwrap_or_default().to_owned(), text.clone())
                    }
                    stop => (stop.unwrap_or_default().to_owned(), text.clone()),
                }
            }
        };
        // From a run of the worker's, a policy may have hidden rows.
        let is_known = outcome == "done"
            || outcome == "hidden" && self.way == Way::Worker
            || outcome == WRITTEN_ANEW && matches!(self.way, Way::Procedure | Way::Worker)
            || REFUSALS.contains(&outcome.as_str());
        assert!(is_known, "{what}: ended with {outcome}: {text}");
        *self.outcomes.entry(outcome.clone()).or_default() += 1;
        outcome == "done"
    }

    /// How often the clearing ended in which way.
    pub fn outcomes(&self) -> String {
        format!("{:?}", self.outcomes)
    }

    pub fn deleted(&self) -> i64 {
        self.deleted
    }
}
