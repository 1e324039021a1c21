//! Threads as the system sees them: their names, whether they run, and what they wait for.

use nix::libc;
use std::fs;

/// A thread of a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemThread {
    /// Its number in the system.
    pub thread: u32,
    /// Its name, of which the system keeps fifteen bytes.
    pub name: String,
    /// Its state: `running`, `waits in futex`.
    pub state: String,
}

/// Returns all threads of this process, in the order of their numbers. Those that end meanwhile are left out.
pub fn system_threads() -> Vec<SystemThread> {
    let process = std::process::id();
    let Ok(tasks) = fs::read_dir("/proc/self/task") else { return vec![] };
    let numbers = tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse::<u32>().ok());
    let mut threads: Vec<SystemThread> = numbers
        .filter_map(|thread| {
            let name = fs::read_to_string(format!("/proc/self/task/{thread}/comm")).ok()?;
            Some(SystemThread { thread, name: name.trim_end().to_owned(), state: state_of(process, thread) })
        })
        .collect();
    threads.sort_by_key(|thread| thread.thread);
    threads
}

/// Returns the number of the calling thread; 0 where the system does not tell it.
pub(crate) fn this_thread() -> u32 {
    // The link reads `PROCESS/task/THREAD`.
    let link = fs::read_link("/proc/thread-self").ok();
    let number = link.as_ref().and_then(|link| link.file_name()?.to_str()?.parse().ok());
    number.unwrap_or(0)
}

/// Returns what a thread does, in words: whether it runs, and the system call in which it waits. Empty if the thread is gone.
pub(crate) fn state_of(process: u32, thread: u32) -> String {
    let read = |file: &str| fs::read_to_string(format!("/proc/{process}/task/{thread}/{file}"));
    let Ok(stat) = read("stat") else { return String::new() };
    let state = letter(&stat);
    if !matches!(state, Some('S' | 'D')) {
        return word(state).to_owned();
    }
    let call = read("syscall").ok().and_then(|line| call(&line));
    // Where the system does not tell the call, its own function may still be told.
    let inner = read("wchan").unwrap_or_default();
    let inner = Some(inner.trim()).filter(|inner| !inner.is_empty() && *inner != "0");
    match (call, inner) {
        (Some(call), _) => format!("waits in {call}"),
        (None, Some(inner)) => format!("waits in {inner}"),
        (None, None) => word(state).to_owned(),
    }
}

/// Returns the letter for the state in a line of the system. The name before it, in brackets, may contain anything.
fn letter(stat: &str) -> Option<char> {
    stat[stat.rfind(')')? + 1..].trim_start().chars().next()
}

fn word(state: Option<char>) -> &'static str {
    match state {
        Some('R') => "running",
        Some('S') => "waits",
        Some('D') => "waits, and cannot be interrupted",
        Some('T' | 't') => "stopped",
        Some('Z' | 'X') => "ended",
        Some('I') => "idle",
        _ => "",
    }
}

/// Returns the name of the call in a line of the system: a number and arguments. `None` if the thread is in no call.
fn call(line: &str) -> Option<String> {
    let number: libc::c_long = line.split_whitespace().next()?.parse().ok()?;
    if number < 0 {
        return None;
    }
    let known = CALLS.iter().find(|(known, _)| *known == number);
    Some(known.map_or_else(|| format!("system call {number}"), |(_, name)| (*name).to_owned()))
}

/// The calls in which threads mostly wait.
const CALLS: [(libc::c_long, &str); 26] = [
    (libc::SYS_futex, "futex"),
    (libc::SYS_read, "read"),
    (libc::SYS_readv, "readv"),
    (libc::SYS_pread64, "pread"),
    (libc::SYS_write, "write"),
    (libc::SYS_writev, "writev"),
    (libc::SYS_pwrite64, "pwrite"),
    (libc::SYS_fsync, "fsync"),
    (libc::SYS_fdatasync, "fdatasync"),
    (libc::SYS_openat, "openat"),
    (libc::SYS_ppoll, "ppoll"),
    (libc::SYS_pselect6, "pselect"),
    (libc::SYS_epoll_pwait, "epoll_pwait"),
    (libc::SYS_accept, "accept"),
    (libc::SYS_accept4, "accept4"),
    (libc::SYS_connect, "connect"),
    (libc::SYS_recvfrom, "recvfrom"),
    (libc::SYS_recvmsg, "recvmsg"),
    (libc::SYS_sendto, "sendto"),
    (libc::SYS_sendmsg, "sendmsg"),
    (libc::SYS_nanosleep, "nanosleep"),
    (libc::SYS_clock_nanosleep, "clock_nanosleep"),
    (libc::SYS_wait4, "wait4"),
    (libc::SYS_waitid, "waitid"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_epoll_wait, "epoll_wait"),
    #[cfg(not(target_arch = "x86_64"))]
    (libc::SYS_epoll_pwait, "epoll_pwait"),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_poll, "poll"),
    #[cfg(not(target_arch = "x86_64"))]
    (libc::SYS_ppoll, "ppoll"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;
    use std::time::{Duration, Instant};

    #[test]
    fn lines_of_the_system_are_read_whatever_a_thread_is_called() {
        assert_eq!(letter("42 (a) R (b) S 1 42"), Some('S'));
        assert_eq!(letter("42 a b"), None);
        assert_eq!(call("running"), None);
        assert_eq!(call("-1 0x7ffd 0x7f"), None);
        assert_eq!(call(&format!("{} 0x1 0x2", libc::SYS_futex)).as_deref(), Some("futex"));
        assert_eq!(call("99999 0x1").as_deref(), Some("system call 99999"));
        assert_eq!(state_of(std::process::id(), u32::MAX), "", "there is no such thread");
    }

    #[test]
    fn a_thread_of_this_process_is_found_with_its_name_and_is_seen_to_wait() {
        let (to, from) = channel::<()>();
        let (tell, told) = channel();
        let named = std::thread::Builder::new().name("waits-here".into());
        let thread = named.spawn(move || {
            tell.send(this_thread()).unwrap();
            let _ = from.recv();
        });
        let number = told.recv().unwrap();
        let start = Instant::now();
        loop {
            let threads = system_threads();
            let it = threads.iter().find(|thread| thread.thread == number).expect("it is there");
            assert_eq!(it.name, "waits-here");
            if it.state.starts_with("waits") {
                break;
            }
            assert!(start.elapsed() < Duration::from_secs(60), "{it:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
        drop(to);
        thread.unwrap().join().unwrap();
        let own = system_threads().into_iter().find(|thread| thread.thread == this_thread());
        assert_eq!(own.unwrap().state, "running");
    }
}
