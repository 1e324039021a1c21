//! The texts that a worker's fault handler writes, taken apart. It is the format of Python's `faulthandler`: a heading, then one line for
//! each call, innermost first.

use firesteel_types::SeenStack;

/// The beginning of what is written at a fault.
const FAULT: &str = "Fatal Python error: ";

/// The beginning of what a worker writes that cannot begin.
const CANNOT_BEGIN: &str = "Cannot begin: ";

/// The beginning of the lines of calls.
const CALL: &str = "  File \"";

/// The line in the place of calls that are left out, of deep recursions.
const MORE: &str = "  ...";

/// The file of a worker whose calls are the outermost, below the directory of the engine's own modules.
const OWN_FILE: &str = "/worker/server.py\"";

/// The most bytes of a stack that are kept.
const KEPT_AT_MOST: usize = 16 << 10;

/// Returns the stack of a fault; none if none was written.
pub(super) fn of_fault(text: &str) -> Option<SeenStack> {
    // A forked child of the worker has written to the same file before.
    let fault = &text[text.rfind(FAULT)?..];
    let heading = fault.lines().next().unwrap_or_default();
    // A thread that does not run the language's code has no such section.
    let section = section(fault, "Current thread 0x").or_else(|| section(fault, "Thread 0x"));
    let (calls, place) = calls(section.unwrap_or_default());
    Some(SeenStack { text: cut(format!("{heading}\n{calls}")), place, bytes: None })
}

/// Returns the last stack that was asked for, of a process that held so many bytes.
pub(super) fn of_question(text: &str, bytes: u64) -> Option<SeenStack> {
    let start = text.rfind("Stack (most recent call first)")?;
    let (calls, place) = calls(section(&text[start..], "Stack (")?);
    Some(SeenStack { text: cut(calls), place, bytes: Some(bytes) })
}

/// Returns the error with which a worker could not begin; none if it wrote none.
pub(super) fn of_beginning(text: &str) -> Option<String> {
    let error = &text[text.rfind(CANNOT_BEGIN)? + CANNOT_BEGIN.len()..];
    let error = error.trim().trim_start_matches("Traceback (most recent call last):").trim_start();
    Some(cut(error.to_owned())).filter(|error| !error.is_empty())
}

/// Returns the stack of the call that ended a process, which wrote it just before.
pub(super) fn of_exit(text: &str) -> Option<SeenStack> {
    of_question(text, 0).map(|stack| SeenStack { bytes: None, ..stack })
}

/// Returns whether a stack that is being written is there as a whole: its outermost call is the interpreter's start.
pub(super) fn is_whole(text: &str) -> bool {
    let mut lines = text.lines().rev();
    text.ends_with('\n') && lines.next().is_some_and(|last| last == MORE || last.ends_with(" in <module>"))
}

/// Returns the lines after a heading that begins like this, up to an empty line.
fn section<'a>(text: &'a str, heading: &str) -> Option<&'a str> {
    let start = if text.starts_with(heading) { 0 } else { text.find(&format!("\n{heading}"))? + 1 };
    let lines = text[start..].split_once('\n')?.1;
    Some(lines.split("\n\n").next().unwrap_or_default())
}

/// Returns the program's own calls among some, all of them if none is, and the innermost line that is not of a library.
fn calls(section: &str) -> (String, Option<String>) {
    let lines: Vec<&str> =
        section.lines().filter(|line| line.starts_with(CALL) || line.starts_with("  ")).collect();
    // The directory of the engine's own modules.
    let ours = lines.iter().find_map(|line| {
        let path = line.strip_prefix(CALL)?;
        Some(&path[..path.find(OWN_FILE)? + 1])
    });
    let is_own = |line: &str| {
        line.strip_prefix(CALL).is_some_and(|path| {
            path.starts_with("<string>\"")
                || path.starts_with("<frozen ")
                || ours.is_some_and(|ours| path.starts_with(ours))
        })
    };
    let programs: Vec<&str> = lines.iter().copied().filter(|line| !is_own(line)).collect();
    let is_of_library =
        |line: &str| line.contains("/lib/python3") || line.contains("/lib64/python3") || line == MORE;
    let innermost = programs.iter().find(|line| !is_of_library(line)).or_else(|| programs.first());
    let place = innermost.and_then(|line| place(line));
    let shown = if programs.is_empty() { lines } else { programs };
    (shown.join("\n"), place)
}

/// Returns `grow (app.py:12)` for the line of a call.
fn place(line: &str) -> Option<String> {
    let (path, rest) = line.strip_prefix(CALL)?.split_once("\", line ")?;
    let (number, function) = rest.split_once(" in ")?;
    let file = path.rsplit('/').next().unwrap_or(path);
    Some(format!("{function} ({file}:{number})"))
}

/// Returns the beginning of a long text.
fn cut(mut text: String) -> String {
    if text.len() > KEPT_AT_MOST {
        text.truncate(text.floor_char_boundary(KEPT_AT_MOST));
        text.push_str("\n  ...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "  File \"/opt/site-packages/firesteel/chain.py\", line 50 in mapped\n  \
        File \"/opt/site-packages/firesteel/worker/server.py\", line 136 in _become_worker\n  \
        File \"<string>\", line 4 in <module>\n";

    fn fault() -> String {
        format!(
            "Fatal Python error: Segmentation fault\n\nThread 0x01 (most recent call first):\n  File \"b.py\", line 1 in b\n\n\
             Current thread 0x02 (most recent call first):\n  File \"/usr/lib/python3.13/ctypes/__init__.py\", line 519 in \
             string_at\n  File \"/home/me/app.py\", line 12 in crash\n{OURS}\nExtension modules: a, b (total: 2)\n"
        )
    }

    #[test]
    fn the_stack_of_a_fault_is_that_of_the_thread_that_had_it_without_our_calls() {
        let stack = of_fault(&fault()).unwrap();
        assert_eq!(
            stack.text,
            "Fatal Python error: Segmentation fault\n  File \"/usr/lib/python3.13/ctypes/__init__.py\", line 519 in \
             string_at\n  File \"/home/me/app.py\", line 12 in crash"
        );
        assert_eq!(stack.place.as_deref(), Some("crash (app.py:12)"), "not the library's line");
        assert_eq!(of_fault(OURS), None);
    }

    #[test]
    fn a_fault_of_a_thread_without_calls_shows_another_and_a_later_fault_counts() {
        let text = fault().replace("Current thread 0x02", "Thread 0x02");
        assert_eq!(of_fault(&text).unwrap().place.as_deref(), Some("b (b.py:1)"));
        let twice = format!(
            "{}Fatal Python error: Aborted\n\nCurrent thread 0x02 (most recent call first):\n{OURS}",
            fault()
        );
        let stack = of_fault(&twice).unwrap();
        assert!(stack.text.starts_with("Fatal Python error: Aborted") && stack.text.contains("mapped"));
        assert_eq!(stack.place, None, "all calls are ours");
    }

    #[test]
    fn the_last_stack_that_was_asked_for_counts() {
        let one = format!("Stack (most recent call first):\n  File \"/a/app.py\", line 3 in old\n{OURS}");
        let two = one.replace("3 in old", "4 in new");
        let stack = of_question(&format!("{one}{two}"), 7).unwrap();
        assert_eq!((stack.place.as_deref(), stack.bytes), (Some("new (app.py:4)"), Some(7)));
        assert!(is_whole(&two) && !is_whole(&two[..two.len() - 1]), "the last line is not there yet");
        assert!(is_whole("Stack (most recent call first):\n  File \"a\", line 1 in f\n  ...\n"), "very deep");
        assert_eq!(of_question("", 7), None);
    }

    #[test]
    fn a_worker_that_cannot_begin_says_why() {
        let text = "Cannot begin: Traceback (most recent call last):\nModuleNotFoundError: No module named 'numpy'\n";
        assert_eq!(of_beginning(text).as_deref(), Some("ModuleNotFoundError: No module named 'numpy'"));
        assert_eq!(of_beginning("Cannot begin: "), None);
        assert_eq!(of_beginning(&fault()), None);
    }

    #[test]
    fn a_hostile_text_is_cut() {
        let long = format!("Fatal Python error: {}\n", "\u{e9}".repeat(KEPT_AT_MOST));
        assert!(of_fault(&long).unwrap().text.len() < KEPT_AT_MOST + 10);
        assert!(of_fault("Fatal Python error: ").is_some());
        assert_eq!(of_question("Stack (most recent call first)", 1), None);
    }
}
