//! Real clusters for tests of what one psql session cannot show: standbys, crashes, cancels, races, memory.
//!
//! A test takes a database of the cluster that all tests of its program share ([`Cluster::shared`]), or starts a
//! cluster of its own with the settings that it needs ([`Cluster::with`]). Servers listen on unix sockets only, run as
//! an ordinary user, and are gone with the test program, however it ends.
//!
//! `scripts/check cluster` runs the tests; it says in the environment where the server's programs are (RCS_PGBIN) and,
//! when root runs it, as whom they run (RCS_USER).

mod cluster;
mod database;
mod guardian;
mod pass;
mod process;
mod program;
mod session;
mod site;
mod standby;
mod table;
mod wait;
mod worker;

pub use cluster::{Cluster, Shutdown};
pub use database::Database;
pub use pass::Pass;
pub use process::{anonymous_memory, kill};
pub use session::{Answer, Running, Session, sqlstate};
pub use site::Site;
pub use table::{EXPIRED, LIVE, assert_sound, create_sessions, fingerprint};
pub use wait::{LIMIT, wait_until};
pub use worker::{FAST, SLOW, add_expired, wait_for_end};
