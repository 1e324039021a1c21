//! The ends of containers: YARN's exit codes and words as losses that say whose fault it was, and what to do.

use crate::messages::ContainerStatus;
use firesteel_cluster::Loss;
use firesteel_types::ExecutorLossReason;

/// The most characters of a process's last words that are passed on.
const WORDS_AT_MOST: usize = 600;

/// Returns the loss that a container's end is.
pub(crate) fn loss_of(status: &ContainerStatus) -> Loss {
    // What a status is without one.
    let code = status.exit_status.unwrap_or(-1000);
    let said = status.diagnostics.as_deref().unwrap_or_default();
    match code {
        -100 if said.contains("lost") => Loss::taken("its node is lost to YARN"),
        -100 => Loss::taken(format!("YARN aborted its container ({})", first_line(said))),
        -101 => Loss::taken("YARN took its node out of use: its disks have failed or are full"),
        -102 => Loss::taken("YARN preempted its container for another queue or user"),
        -103 => beyond_memory("virtual", said),
        -104 => beyond_memory("physical", said),
        -105 => Loss::taken("its container was stopped, as the application had asked"),
        -106 => Loss::taken("YARN's ResourceManager killed its container"),
        -107 => Loss::taken("YARN killed its container: the application is over"),
        -108 => Loss::taken("YARN's node killed its container in favour of others"),
        -109 => own(format!(
            "YARN killed its container: it wrote more log than the cluster allows ({})",
            first_line(said)
        )),
        ..0 => own(format!("YARN could not start its container: {}", first_line(said))),
        _ => ended(code, said),
    }
}

fn own(words: String) -> Loss {
    Loss::own(ExecutorLossReason::Reported { words })
}

fn beyond_memory(kind: &str, said: &str) -> Loss {
    let used = said.split_once("Current usage: ").and_then(|(_, rest)| {
        let is_asked = |part: &&str| part.contains(&format!("{kind} memory used"));
        let part = rest.split(". ").next()?.split(';').map(str::trim).find(is_asked)?;
        Some(part.trim_end_matches(&format!(" {kind} memory used")).to_string())
    });
    let used = used.map(|used| format!(": it had {used}")).unwrap_or_default();
    // A container's virtual memory is not asked for: the cluster allows a multiple of the other.
    let remedy = match kind {
        "virtual" => {
            "Virtual memory is no sign of need: have `yarn.nodemanager.vmem-check-enabled` switched off, or \
             `yarn.nodemanager.vmem-pmem-ratio` raised; a larger `firesteel.executor.memory_overhead` raises its limit, too"
        }
        _ => "Make `firesteel.executor.memory_overhead` (or `firesteel.executor.memory`) larger",
    };
    own(format!("YARN killed its container for using more {kind} memory than it was given{used}. {remedy}"))
}

/// Returns the loss of a process that ended by itself, or by a signal.
fn ended(code: i32, said: &str) -> Loss {
    let reason = match code {
        129..=192 => ExecutorLossReason::Killed { signal: code - 128, peak_bytes: 0 },
        _ => match last_words(said) {
            Some(words) => ExecutorLossReason::Reported {
                words: format!("its process ended with exit code {code}, and wrote: {words}"),
            },
            None => ExecutorLossReason::Exited { code: Some(code) },
        },
    };
    Loss::own(reason)
}

/// Returns what a process wrote last to its standard error, which YARN passes on.
fn last_words(said: &str) -> Option<String> {
    let (_, tail) = said.split_once("Last 4096 bytes of ")?;
    // The tail comes twice; an empty line ends it.
    let tail = tail.split_once(":\n")?.1.split("\n\n").next()?.trim();
    let skipped = tail.chars().count().saturating_sub(WORDS_AT_MOST);
    Some(tail.chars().skip(skipped).collect()).filter(|words: &String| !words.is_empty())
}

/// Returns the first line of YARN's words, without its time.
pub(crate) fn first_line(said: &str) -> &str {
    let line = said.trim().lines().next().unwrap_or_default();
    let line = match line.split_once(']') {
        Some((time, rest)) if time.starts_with('[') => rest,
        _ => line,
    };
    line.trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loss(code: i32, said: &str) -> (String, bool) {
        let status = ContainerStatus {
            exit_status: Some(code),
            diagnostics: Some(said.into()),
            ..ContainerStatus::default()
        };
        let loss = loss_of(&status);
        (loss.reason.to_string(), loss.is_own_fault)
    }

    /// The words are those of a ResourceManager.
    #[test]
    fn memory_is_told_with_numbers_and_a_remedy() {
        let said = "[2026-11-29 07:20:01.123]Container [pid=5,containerID=c] is running 139943936B beyond the 'PHYSICAL' memory \
                    limit. Current usage: 389.5 MB of 256 MB physical memory used; 395.0 MB of 537.6 MB virtual memory used. \
                    Killing container.\nDump of the process-tree for c :\n";
        let (words, is_own_fault) = loss(-104, said);
        assert!(words.contains("it had 389.5 MB of 256 MB") && words.contains("memory_overhead"), "{words}");
        assert!(is_own_fault);
        let (words, _) = loss(-103, said);
        assert!(
            words.contains("it had 395.0 MB of 537.6 MB") && words.contains("vmem-pmem-ratio"),
            "{words}"
        );
        assert!(loss(-104, "other words").0.contains("more physical memory"));
    }

    #[test]
    fn what_yarn_takes_is_not_the_applications_fault() {
        for (code, said, words) in [
            (-100, "Container released on a *lost* node", "node is lost"),
            (-100, "Container released by application", "released by application"),
            (-101, "", "disks"),
            (-102, "Container preempted by scheduler", "preempted"),
            (-105, "[t]Container killed by the ApplicationMaster.\n", "as the application had asked"),
            (-106, "", "ResourceManager"),
            (-107, "", "is over"),
        ] {
            let (text, is_own_fault) = loss(code, said);
            assert!(text.contains(words) && !is_own_fault, "{code}: {text}");
        }
    }

    #[test]
    fn a_process_that_ends_is_told_with_its_last_words() {
        let said = "[07:20]Exception from container-launch.\nContainer id: c\nExit code: 3\n\n[07:20]Container exited with a \
                    non-zero exit code 3. Error file: prelaunch.err.\nLast 4096 bytes of prelaunch.err :\nLast 4096 bytes of \
                    stderr :\nno such file\n\n";
        let (words, is_own_fault) = loss(3, said);
        assert!(words.contains("exit code 3") && words.contains("no such file") && is_own_fault, "{words}");
        assert!(loss(137, "").0.contains('9'), "a signal");
        assert!(loss(1, "").0.contains('1'));
        let changed = "Resource file:/p changed on src filesystem - expected: \"a\", was: \"b\"";
        assert!(loss(-1000, changed).0.contains("changed on src filesystem"));
    }
}
