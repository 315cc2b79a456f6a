//! A server whose clock a test can set.

use crate::cluster::{Cluster, Shutdown};
use crate::program::output;
use std::fs::{File, OpenOptions, set_permissions, write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

/// How far a server's clock is ahead of the machine's.
pub struct ServerClock(File);

impl Cluster {
    /// Restarts the server with a clock that can be set.
    pub fn restart_with_clock(&mut self) -> ServerClock {
        self.stop(Shutdown::Fast);
        let library = self.folder().join("clock.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/clock.c");
        output(
            Command::new("cc")
                .args(["-shared", "-fPIC", "-O1", "-o"])
                .args([&library, &source]),
        );
        let path = self.folder().join("clock");
        write(&path, [0; 24]).expect("the folder can be written");
        for (file, mode) in [(&library, 0o755), (&path, 0o644)] {
            set_permissions(file, PermissionsExt::from_mode(mode)).expect("it is ours");
        }
        let file = OpenOptions::new().write(true).open(&path);
        self.environment = vec![("LD_PRELOAD", library), ("SERVER_CLOCK", path)];
        self.start();
        ServerClock(file.expect("it was written just now"))
    }
}

impl ServerClock {
    /// Sets it so many days ahead of the machine's; 0: right.
    pub fn set_ahead(&self, days: i64) {
        self.set_ahead_from(days, 0);
    }

    /// The same only for processes that begin from now on, each from this reading of its own on; one call and the next differ in
    /// the reading.
    pub fn set_ahead_from(&self, days: i64, reading: i64) {
        let numbers = [(0, days * 86_400), (8, reading), (16, reading)];
        // The last first: the first makes them count.
        for (place, number) in numbers.into_iter().rev() {
            let written = self.0.write_all_at(&number.to_ne_bytes(), place);
            written.expect("the file can be written");
        }
    }
}
