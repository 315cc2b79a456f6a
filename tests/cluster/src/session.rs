//! A session, and a statement that runs in one while the test goes on.

use crate::limit::Limit;
use crate::wait::wait_until;
use postgres::types::{FromSqlOwned, ToSql};
use postgres::{CancelToken, Client, Error, NoTls, SimpleQueryMessage, Statement};
use std::thread::{JoinHandle, spawn};

/// So much WAL, where nothing else writes any, comes of many deleted rows.
const IN_THE_MIDDLE: i64 = 1_000_000;

/// A client's session, with the few ways of asking that tests need. An unexpected ERROR panics.
pub struct Session {
    client: Client,
    pid: i32,
}

impl Session {
    pub(crate) fn new(mut client: Client) -> Session {
        let row = client
            .query_one("SELECT pg_backend_pid()", &[])
            .expect("a new session answers");
        Session {
            pid: row.get(0),
            client,
        }
    }

    /// The backend's process id.
    pub fn pid(&self) -> i32 {
        self.pid
    }

    /// Runs statements, in one transaction if they do not say otherwise.
    pub fn run(&mut self, statements: &str) {
        self.try_run(statements)
            .unwrap_or_else(|error| panic!("{statements}: {error:?}"));
    }

    pub fn try_run(&mut self, statements: &str) -> Result<(), Error> {
        let _limit = Limit::new(self.pid, statements);
        self.client.batch_execute(statements)
    }

    /// Runs statements, and returns what the last of them answered.
    pub fn ask(&mut self, statements: &str) -> Result<Answer, Error> {
        let _limit = Limit::new(self.pid, statements);
        let mut answer = Answer::default();
        for message in self.client.simple_query(statements)? {
            match message {
                SimpleQueryMessage::Row(row) => answer.value = row.get(0).map(str::to_owned),
                SimpleQueryMessage::CommandComplete(rows) => answer.changed = rows,
                _ => {}
            }
        }
        Ok(answer)
    }

    /// The SQLSTATE that the statements end with.
    pub fn refused(&mut self, statements: &str) -> String {
        sqlstate(self.try_run(statements))
    }

    pub fn prepare(&mut self, statement: &str) -> Statement {
        self.client
            .prepare(statement)
            .unwrap_or_else(|error| panic!("{statement}: {error:?}"))
    }

    /// Runs a prepared statement with text parameters, and returns how many rows it found or changed.
    pub fn try_change(&mut self, statement: &Statement, parameters: &[&str]) -> Result<u64, Error> {
        let parameters: Vec<_> = parameters
            .iter()
            .map(|text| text as &(dyn ToSql + Sync))
            .collect();
        let _limit = Limit::new(self.pid, "a prepared statement");
        self.client.execute(statement, &parameters)
    }

    /// A query's only value, a bigint, or its ERROR.
    pub fn try_number(&mut self, query: &str) -> Result<i64, Error> {
        let _limit = Limit::new(self.pid, query);
        self.client.query_one(query, &[]).map(|row| row.get(0))
    }

    /// A query's only value.
    pub fn value<T: FromSqlOwned>(&mut self, query: &str) -> T {
        let _limit = Limit::new(self.pid, query);
        self.client
            .query_one(query, &[])
            .unwrap_or_else(|error| panic!("{query}: {error:?}"))
            .get(0)
    }

    /// A query's only value, a bigint.
    pub fn number(&mut self, query: &str) -> i64 {
        self.value(query)
    }

    pub fn text(&mut self, query: &str) -> String {
        self.value(query)
    }

    /// A query's only column.
    pub fn texts(&mut self, query: &str) -> Vec<String> {
        let _limit = Limit::new(self.pid, query);
        let rows = self.client.query(query, &[]);
        let rows = rows.unwrap_or_else(|error| panic!("{query}: {error:?}"));
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// Runs a statement with one parameter, `$1`, and returns how many rows it changed.
    pub fn change(&mut self, statement: &str, parameter: &str) -> u64 {
        let _limit = Limit::new(self.pid, statement);
        self.client
            .execute(statement, &[&parameter])
            .unwrap_or_else(|error| panic!("{statement} with {parameter}: {error:?}"))
    }

    pub fn yes(&mut self, query: &str) -> bool {
        self.value(query)
    }

    /// How many rows a table has.
    pub fn count(&mut self, table: &str) -> i64 {
        self.number(&format!("SELECT count(*) FROM {table}"))
    }

    /// Calls raw_clear_sessions and returns how many rows it deleted.
    pub fn clear(&mut self, table: &str) -> i64 {
        self.number(&format!("SELECT raw_clear_sessions('{table}')"))
    }

    /// A field of what raw_clear_sessions_preview returns.
    pub fn preview(&mut self, table: &str, field: &str) -> Option<String> {
        self.value(&format!(
            "SELECT raw_clear_sessions_preview('{table}') ->> '{field}'"
        ))
    }

    /// How many bytes of WAL the server has written since this position, or in all since its initdb.
    pub fn wal_since(&mut self, start: i64) -> i64 {
        self.number("SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint") - start
    }

    /// Waits until so much has been written since this position that rows are being deleted.
    pub fn wait_for_deletions(&mut self, start: i64) {
        wait_until("rows are being deleted", || {
            self.wal_since(start) > IN_THE_MIDDLE
        });
    }

    /// Starts a clearing and returns when it has deleted some of the rows; `observer` is another session.
    pub fn start_clearing(self, table: &str, observer: &mut Session) -> Running {
        let start = observer.wal_since(0);
        let running = self.start(&format!("SELECT raw_clear_sessions('{table}')"));
        observer.wait_for_deletions(start);
        running
    }

    /// Starts a statement and returns at once.
    pub fn start(mut self, statement: &str) -> Running {
        let statement = statement.to_owned();
        Running {
            pid: self.pid,
            cancel: self.client.cancel_token(),
            thread: spawn(move || {
                let _limit = Limit::new(self.pid, &statement);
                let outcome = self.client.simple_query(&statement).map(last_value);
                (self, outcome)
            }),
        }
    }
}

fn last_value(messages: Vec<SimpleQueryMessage>) -> String {
    messages
        .iter()
        .rev()
        .find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
        .unwrap_or_default()
}

/// What statements answered.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The first value of the last row.
    pub value: Option<String>,
    /// How many rows the last statement returned or changed.
    pub changed: u64,
}

/// A statement that is running.
pub struct Running {
    pid: i32,
    cancel: CancelToken,
    thread: JoinHandle<(Session, Result<String, Error>)>,
}

impl Running {
    pub fn pid(&self) -> i32 {
        self.pid
    }

    pub fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    /// Cancels the statement as a client does: over a connection of its own.
    pub fn cancel(&self) {
        self.cancel
            .cancel_query(NoTls)
            .expect("the server takes the cancel request");
    }

    /// Waits until the statement waits for a lock; `observer` is another session.
    pub fn wait_for_lock_wait(&self, observer: &mut Session) {
        let query = format!(
            "SELECT wait_event_type IS NOT DISTINCT FROM 'Lock' FROM pg_stat_activity WHERE pid = {}",
            self.pid
        );
        wait_until("the statement waits for a lock", || observer.yes(&query));
    }

    /// Waits until the statement ends; gives the session back, and the first value of the last row or the ERROR.
    pub fn finish(self) -> (Session, Result<String, Error>) {
        wait_until("the statement ends", || self.thread.is_finished());
        self.thread.join().expect("the thread does not panic")
    }

    /// Waits until the statement ends, and returns what it returned.
    pub fn value(self) -> String {
        self.finish().1.expect("the statement succeeds")
    }
}

/// The SQLSTATE of an ERROR; empty where the connection was lost before the server could say why.
pub fn sqlstate<T>(result: Result<T, Error>) -> String {
    let error = result.err().expect("an ERROR was expected");
    error
        .code()
        .map(|code| code.code().to_owned())
        .unwrap_or_default()
}
