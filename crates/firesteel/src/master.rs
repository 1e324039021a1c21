//! The master: where tasks run, as users write it.

use std::num::NonZero;
use std::thread::available_parallelism;

/// A parsed master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Master {
    /// Tasks at a time.
    pub(crate) slots: u32,
    /// Failures of one task that fail its job, where the master says so.
    pub(crate) max_failures: Option<u32>,
}

impl Master {
    pub(crate) fn parse(text: &str) -> Result<Master, String> {
        let refuse = || {
            format!(
                "the master cannot be `{text}`: write `local` (one thread), `local[4]`, `local[*]` (one thread a core), or \
                 `local[4,2]` (a job fails at the second failure of a task)"
            )
        };
        let text = text.trim();
        if text == "local" {
            return Ok(Master { slots: 1, max_failures: None });
        }
        let inside =
            text.strip_prefix("local[").and_then(|rest| rest.strip_suffix(']')).ok_or_else(refuse)?;
        let (slots, failures) = match inside.split_once(',') {
            None => (inside, None),
            Some((slots, failures)) => (slots, Some(failures)),
        };
        let number = |text: &str| text.trim().parse().ok().filter(|n| *n > 0).ok_or_else(refuse);
        let slots = match slots.trim() {
            "*" => available_parallelism().map_or(1, NonZero::get) as u32,
            slots => number(slots)?,
        };
        Ok(Master { slots, max_failures: failures.map(number).transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_as_users_write_them() {
        let master = |slots, max_failures| Ok(Master { slots, max_failures });
        assert_eq!(Master::parse("local"), master(1, None));
        assert_eq!(Master::parse("local[3]"), master(3, None));
        assert_eq!(Master::parse("local[ 3 , 2 ]"), master(3, Some(2)));
        assert!(Master::parse("local[*]").unwrap().slots >= 1);
        for wrong in ["", "local[0]", "local[", "local[2", "local[a]", "yarn", "local[2,0]"] {
            assert!(Master::parse(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }
}
