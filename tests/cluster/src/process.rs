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
