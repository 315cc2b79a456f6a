//! How much of a test: little in `make check`, much in `make torture`, which says so in the environment and collects what
//! was done.

use std::env::var;
use std::fs::OpenOptions;
use std::io::Write as _;

/// The number that the environment gives, or else the default, for a test that should end soon.
fn size(variable: &str, default: u32) -> u32 {
    var(variable).map_or(default, |number| {
        number
            .parse()
            .unwrap_or_else(|_| panic!("{variable}={number}: a number was expected"))
    })
}

/// Whether this is the long version.
pub fn is_long() -> bool {
    var("RCS_RENEWALS").is_ok()
}

/// How many renewals a storm of one engine at one isolation level lasts.
pub fn renewals() -> u64 {
    size("RCS_RENEWALS", 1000).into()
}

/// How often a server, or a part of it, is made to crash in one test.
pub fn crashes(default: u32) -> u32 {
    size("RCS_CRASHES", default)
}

/// How often a test repeats what it does at random.
pub fn rounds(default: u32) -> u32 {
    size("RCS_FUZZ_ROUNDS", default)
}

/// With which number chance begins.
pub fn seed() -> u32 {
    size("RCS_FUZZ_SEED", 1)
}

/// What a test has done, for people to see.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Clearings, or crashes survived, or whatever the test repeats.
    pub rounds: u64,
    pub renewals: u64,
    pub deleted: i64,
    /// Processes and servers ended without asking.
    pub kills: u64,
}

impl Tally {
    /// Shows it with the test's output, and appends it to the file RCS_REPORT, where there is one.
    pub fn report(&self, what: &str) {
        let Tally {
            rounds,
            renewals,
            deleted,
            kills,
        } = self;
        eprintln!(
            "{what}: {rounds} rounds, {renewals} renewals, {deleted} deletions, {kills} kills"
        );
        if let Ok(path) = var("RCS_REPORT") {
            OpenOptions::new()
                .create(true)
                .append(true)
                .open(path)
                .and_then(|mut file| {
                    writeln!(file, "{what}\t{rounds}\t{renewals}\t{deleted}\t{kills}")
                })
                .expect("RCS_REPORT can be written");
        }
    }
}
