//! Memory: the share of it for records, the amount that is free when a program starts, and the amount that a process has
//! at the moment.

use std::path::{Component, Path, PathBuf};

/// The assumption where the system does not tell what is free.
const UNKNOWN: u64 = 1 << 30;

/// Returns the part of an executor's memory that is for records: 60 %. As in Spark, the rest is left to the program's
/// own objects.
///
/// ```
/// assert_eq!(firesteel_executor::records_share(10 << 30), 6 << 30);
/// ```
pub fn records_share(memory: u64) -> u64 {
    memory / 10 * 6
}

/// Returns the number of bytes that this process can take: those that the machine has available, or the least limit of
/// the control groups that it is in, whichever is less. `/proc` and `/sys` are below `root`, which is `/`, but in tests.
pub fn free_memory(root: &Path) -> u64 {
    let meminfo = std::fs::read_to_string(root.join("proc/meminfo")).unwrap_or_default();
    let available = meminfo.lines().find_map(|line| {
        let kibibytes = line.strip_prefix("MemAvailable:")?.trim().strip_suffix("kB")?.trim();
        kibibytes.parse::<u64>().ok()?.checked_mul(1 << 10)
    });
    available.unwrap_or(UNKNOWN).min(limit(root).unwrap_or(u64::MAX))
}

/// Returns the least limit of this process's control groups and of all those that they are in. A container may see its
/// own group as the root.
pub(crate) fn limit(root: &Path) -> Option<u64> {
    let files = group_files(root, "memory.max", "memory.limit_in_bytes");
    // Where there is no limit the file says `max`, or a number that is larger than any memory.
    let limits = files.into_iter().filter_map(|file| std::fs::read_to_string(file).ok()?.trim().parse().ok());
    limits.min().filter(|limit| *limit < LARGER_THAN_ANY_MEMORY)
}

/// Limits from here on are none.
const LARGER_THAN_ANY_MEMORY: u64 = 1 << 60;

/// Returns the number of processes of this process's control group that the kernel has killed for want of memory; the whole machine's
/// where there is no such group. `None` where neither is told.
pub(crate) fn oom_kills(root: &Path) -> Option<u64> {
    let groups = group_files(root, "memory.events", "memory.oom_control");
    groups.into_iter().chain([root.join("proc/vmstat")]).find_map(|file| {
        let told = std::fs::read_to_string(file).ok()?;
        told.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok())
    })
}

/// Returns the files of a name that this process's control groups may have, and those groups that they are in; the narrowest first. The
/// name differs between the second version of control groups and the first.
fn group_files(root: &Path, second: &str, first: &str) -> Vec<PathBuf> {
    let groups = std::fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    groups.lines().flat_map(|line| files_of_line(root, line, second, first)).collect()
}

/// Returns the files that belong to a line of `/proc/self/cgroup`: `0::/PATH` in the second version of
/// control groups, `N:memory:/PATH` in the first.
fn files_of_line(root: &Path, line: &str, second: &str, first: &str) -> Vec<PathBuf> {
    let mut fields = line.splitn(3, ':').skip(1);
    let (controllers, path) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
    let (mounts, file): (&[&str], _) = match controllers {
        "" => (&["sys/fs/cgroup", "sys/fs/cgroup/unified"], second),
        some if some.split(',').any(|name| name == "memory") => (&["sys/fs/cgroup/memory"], first),
        _ => return vec![],
    };
    let inside: PathBuf =
        Path::new(path).components().filter(|component| matches!(component, Component::Normal(_))).collect();
    let upwards: Vec<&Path> = inside.ancestors().collect();
    mounts
        .iter()
        .flat_map(|mount| upwards.iter().map(move |group| root.join(mount).join(group).join(file)))
        .collect()
}

/// Returns the number of bytes that a process has in memory; 0 where the system does not tell.
pub fn resident_bytes(process: u32) -> u64 {
    let told = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    resident_pages(&told) * rustix::param::page_size() as u64
}

/// Returns the second number of a process's `statm`.
fn resident_pages(statm: &str) -> u64 {
    statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_tenths_are_for_records() {
        assert_eq!(records_share(1000), 600);
        assert_eq!(records_share(u64::MAX), u64::MAX / 10 * 6, "no overflow");
    }

    /// A machine with so much available, and files of its control groups.
    fn machine(available_kib: u64, files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let meminfo = format!("MemTotal: 99999999 kB\nMemAvailable: {available_kib} kB\n");
        for (path, text) in files.iter().chain(&[("proc/meminfo", meminfo.as_str())]) {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        root
    }

    #[test]
    fn the_smallest_limit_on_the_way_up_counts() {
        let root = machine(
            8 << 20,
            &[
                ("proc/self/cgroup", "0::/kube/pod/container\n"),
                ("sys/fs/cgroup/kube/memory.max", "6442450944\n"),
                ("sys/fs/cgroup/kube/pod/memory.max", "1073741824\n"),
                ("sys/fs/cgroup/kube/pod/container/memory.max", "max\n"),
                ("sys/fs/cgroup/other/memory.max", "1024\n"),
            ],
        );
        assert_eq!(free_memory(root.path()), 1 << 30, "the pod's");
        std::fs::write(root.path().join("sys/fs/cgroup/memory.max"), "536870912\n").unwrap();
        assert_eq!(free_memory(root.path()), 512 << 20, "the root's, as a container sees its own");
    }

    #[test]
    fn what_is_available_counts_where_it_is_less() {
        let files = [("proc/self/cgroup", "0::/a\n"), ("sys/fs/cgroup/a/memory.max", "9223372036854771712")];
        assert_eq!(free_memory(machine(1 << 20, &files).path()), 1 << 30);
        assert_eq!(free_memory(machine(2 << 20, &[]).path()), 2 << 30, "no control groups");
        assert_eq!(free_memory(tempfile::tempdir().unwrap().path()), UNKNOWN, "nothing is told");
    }

    #[test]
    fn control_groups_of_the_first_version_have_a_directory_for_memory() {
        let files = [
            ("proc/self/cgroup", "12:cpu,cpuacct:/small\n9:memory:/docker/abc\n0::/\n"),
            ("sys/fs/cgroup/memory/docker/memory.limit_in_bytes", "2147483648\n"),
            ("sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/small/memory.limit_in_bytes", "1024\n"),
        ];
        assert_eq!(free_memory(machine(8 << 20, &files).path()), 2 << 30);
    }

    #[test]
    fn kills_are_counted_in_the_narrowest_group_that_tells() {
        let root = machine(
            8 << 20,
            &[
                ("proc/self/cgroup", "0::/kube/pod\n"),
                ("sys/fs/cgroup/kube/pod/memory.events", "low 0\noom 3\noom_kill 2\noom_group_kill 0\n"),
                ("sys/fs/cgroup/kube/memory.events", "oom_kill 7\n"),
                ("proc/vmstat", "nr_free_pages 1\noom_kill 90\n"),
            ],
        );
        assert_eq!(oom_kills(root.path()), Some(2));
        std::fs::remove_file(root.path().join("sys/fs/cgroup/kube/pod/memory.events")).unwrap();
        assert_eq!(oom_kills(root.path()), Some(7));
        std::fs::write(root.path().join("proc/self/cgroup"), "0::/\n").unwrap();
        assert_eq!(oom_kills(root.path()), Some(90), "the machine's");
        let first = [
            ("proc/self/cgroup", "4:memory:/docker/abc\n"),
            (
                "sys/fs/cgroup/memory/docker/abc/memory.oom_control",
                "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n",
            ),
        ];
        assert_eq!(oom_kills(machine(8 << 20, &first).path()), Some(5));
        assert_eq!(oom_kills(tempfile::tempdir().unwrap().path()), None, "nothing is told");
    }

    #[test]
    fn a_path_that_leads_out_of_the_groups_leads_nowhere() {
        let files = [("proc/self/cgroup", "0::/../../etc\n"), ("sys/fs/cgroup/memory.max", "1073741824")];
        assert_eq!(free_memory(machine(8 << 20, &files).path()), 1 << 30);
    }

    #[test]
    fn pages_are_the_second_number_and_none_where_nothing_is_told() {
        assert_eq!(resident_pages("5000 1200 300 1 0 400 0\n"), 1200);
        assert_eq!(resident_pages(""), 0);
        assert_eq!(resident_bytes(u32::MAX), 0, "there is no such process");
    }

    #[test]
    fn what_is_told_agrees_with_what_the_system_tells_in_bytes() {
        let touched = vec![1_u8; 64 << 20];
        let ours = resident_bytes(std::process::id());
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        let theirs = line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10;
        // Other tests of this process come and go; a page of another size is off by four times at least.
        assert!(ours > theirs / 2 && ours < theirs * 2, "{ours} and {theirs}");
        assert_eq!(touched.iter().map(|byte| u64::from(*byte)).sum::<u64>(), 64 << 20);
    }
}
