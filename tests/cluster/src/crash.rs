//! Crashes: somebody ends without having been asked, and the server comes back.

use crate::cluster::{Cluster, Shutdown};
use crate::process::try_kill;
use crate::wait::wait_until;

/// What crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// One process of the server's, by SIGKILL: the server ends all others, and recovers.
    Process,
    /// The server's first process, by SIGKILL, as the operating system does it when memory is short.
    Postmaster,
    /// All of it, by immediate shutdown. What it has written to files but not synced stays, as the operating system
    /// goes on.
    Immediate,
}

impl Crash {
    pub const ALL: [Crash; 3] = [Crash::Process, Crash::Postmaster, Crash::Immediate];
}

impl Cluster {
    /// Makes the server crash, with or without a process `pid` of it, and returns when it takes connections again.
    pub fn crash(&mut self, crash: Crash, pid: i32) {
        match crash {
            Crash::Process => {
                let mut witness = self.connect();
                if try_kill(pid) {
                    wait_until("the server ends all sessions because of the crash", || {
                        witness.try_run("SELECT").is_err()
                    });
                    self.wait_for_connections();
                } else {
                    // It has come to its end in time. So somebody else crashes.
                    self.crash(Crash::Process, witness.pid());
                }
            }
            Crash::Postmaster => {
                self.kill();
                self.start();
            }
            Crash::Immediate => {
                self.stop(Shutdown::Immediate);
                self.start();
            }
        }
    }
}
