//! How much memory a process has at the moment, as the system tells it: in pages, which have other sizes on other machines.

/// What a process has in memory, in bytes; 0 where that is not told.
pub fn resident_bytes(process: u32) -> u64 {
    let told = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
    resident_pages(&told) * rustix::param::page_size() as u64
}

/// The second number of a process's `statm`.
fn resident_pages(statm: &str) -> u64 {
    statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

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
