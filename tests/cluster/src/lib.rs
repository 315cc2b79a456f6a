//! Real clusters for tests of what one psql session cannot show: standbys, crashes, cancels, races, memory.
//!
//! A test takes a database of the cluster that all tests of its program share ([`Cluster::shared`]), or starts a
//! cluster of its own with the settings that it needs ([`Cluster::with`]). Servers listen on unix sockets only, run as
//! an ordinary user, and are gone with the test program, however it ends.
//!
//! `scripts/check cluster` runs the tests; it says in the environment where the server's programs are (RCS_PGBIN) and,
//! when root runs it, as whom they run (RCS_USER).

pub mod citus;
mod clock;
mod cluster;
mod crash;
mod database;
mod definitions;
mod guardian;
mod isolation;
mod limit;
pub mod markdown;
mod pass;
mod power_cut;
mod process;
mod program;
mod random;
mod recipe;
mod session;
mod site;
mod standby;
mod storm;
mod table;
mod torture;
mod wait;
mod worker;

pub use clock::ServerClock;
pub use cluster::{Cluster, Shutdown};
pub use crash::Crash;
pub use database::Database;
pub use definitions::{definitions, difference};
pub use isolation::Isolation;
pub use pass::Pass;
pub use power_cut::{Checkpoint, KEEP_WAL};
pub use process::{Paused, anonymous_memory, kill, limit_memory, pause, resume};
pub use program::{Programs, output};
pub use random::Random;
pub use recipe::{Block, Filled, Page, framework, frameworks};
pub use session::{Answer, Running, Session, sqlstate};
pub use site::{Site, assert_alive};
pub use storm::{Cleaner, add_old, assert_calm, storm, until_serialized};
pub use table::{EXPIRED, LIVE, assert_sound, create_sessions, fingerprint};
pub use torture::{Tally, crashes, is_long, rounds, seed};
pub use wait::{LIMIT, wait_until};
pub use worker::{FAST, PRELOADED, SLOW, SLOW_FUNCTION, SOON, add_expired, wait_for_end};
