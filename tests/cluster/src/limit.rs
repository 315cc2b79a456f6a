//! No statement runs for ever: where the server does not end it, its backend is ended.
//!
//! Each session has a `statement_timeout` by default. A backend that does not answer to it, because it loops or waits
//! where it cannot be interrupted, is killed by a thread of the test program's; the statement then fails, with the test.

use crate::process::try_kill;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// How long the server lets a statement run, as an option of the connection.
pub const OPTION: &str = "-c statement_timeout=300s";

/// After how long its backend is ended.
const LAST_RESORT: Duration = Duration::from_secs(330);

const INTERVAL: Duration = Duration::from_secs(1);

/// A statement that is running.
struct Call {
    since: Instant,
    pid: i32,
    statement: String,
}

#[derive(Default)]
struct Calls {
    next: u64,
    running: HashMap<u64, Call>,
}

static CALLS: LazyLock<Mutex<Calls>> = LazyLock::new(|| {
    spawn(watch);
    Mutex::default()
});

fn watch() {
    loop {
        sleep(INTERVAL);
        let mut calls = CALLS.lock().expect("nobody panics with it");
        calls.running.retain(|_, call| {
            let over = call.since.elapsed() > LAST_RESORT;
            if over {
                let Call { pid, statement, .. } = call;
                eprintln!("process {pid} does not end this statement, and is killed: {statement}");
                try_kill(*pid);
            }
            !over
        });
    }
}

/// Watches over a statement for as long as it lives.
pub struct Limit(u64);

impl Limit {
    /// For a statement that this backend is about to run.
    pub fn new(pid: i32, statement: &str) -> Limit {
        let mut calls = CALLS.lock().expect("nobody panics with it");
        let number = calls.next;
        calls.next += 1;
        let call = Call {
            since: Instant::now(),
            pid,
            statement: statement.to_owned(),
        };
        calls.running.insert(number, call);
        Limit(number)
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        let calls = CALLS.lock();
        calls
            .expect("nobody panics with it")
            .running
            .remove(&self.0);
    }
}
