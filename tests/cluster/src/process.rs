//! A server's processes, as the operating system sees them. Linux only.

use crate::program::as_server_user;
use std::fs::read_to_string;
use std::path::Path;
use std::process::Stdio;

/// The memory that a process has for itself alone, in bytes: no shared buffers, no files.
pub fn anonymous_memory(pid: i32) -> Option<u64> {
    let status = read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// Ends a process without asking it: SIGKILL.
pub fn kill(pid: i32) {
    assert!(try_kill(pid), "process {pid} is gone");
}

/// The same for a process that may end by itself in the meantime; whether it was there.
pub fn try_kill(pid: i32) -> bool {
    send("-KILL", pid)
}

/// Stops a process where it is, until [`resume`]; whether it was there.
pub fn pause(pid: i32) -> bool {
    send("-STOP", pid)
}

/// Lets a process go on that was stopped.
pub fn resume(pid: i32) -> bool {
    send("-CONT", pid)
}

/// Processes that are stopped where they are, as long as this lives.
pub struct Paused(Vec<i32>);

impl Paused {
    pub fn one(pid: i32) -> Paused {
        assert!(pause(pid), "process {pid} is gone");
        Paused(vec![pid])
    }

    /// A server as a whole: its postmaster first, which starts no others then.
    pub fn server(postmaster: i32) -> Paused {
        let mut paused = Paused::one(postmaster);
        for child in children(postmaster) {
            if pause(child) {
                paused.0.push(child);
            }
        }
        paused
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        for pid in &self.0 {
            resume(*pid);
        }
    }
}

fn children(parent: i32) -> Vec<i32> {
    let files = std::fs::read_dir("/proc").expect("Linux has it").flatten();
    let pids = files.filter_map(|file| file.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

fn parent_of(pid: i32) -> Option<i32> {
    let stat = read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // Behind the program's name: state, parent.
    let (_, fields) = stat.rsplit_once(") ")?;
    fields.split(' ').nth(1)?.parse().ok()
}

fn send(signal: &str, pid: i32) -> bool {
    as_server_user(Path::new("kill"))
        .args([signal, &pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .expect("there is a command kill")
        .success()
}

/// Gives a process no more address space than it has now and this many bytes; or, with `None`, as much as it wants.
pub fn limit_memory(pid: i32, more: Option<u64>) {
    let limit = more.map_or("unlimited".to_owned(), |more| {
        (address_space(pid) + more).to_string()
    });
    let status = as_server_user(Path::new("prlimit"))
        .args(["--pid", &pid.to_string(), &format!("--as={limit}:")])
        .status();
    assert!(status.expect("there is a command prlimit").success());
}

fn address_space(pid: i32) -> u64 {
    let status = read_to_string(format!("/proc/{pid}/status")).expect("the process is there");
    let line = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
    kilobytes.expect("a size") * 1024
}
