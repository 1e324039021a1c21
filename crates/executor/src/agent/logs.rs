//! The files that an agent and its workers write to: the driver asks for parts of them.

use firesteel_protocol::handshake::LogFiles;
use firesteel_protocol::{LogAsk, LogBytes, LogStream};
use firesteel_storage::LogText;

/// The most bytes of an answer, whatever is asked for: messages are small.
const PART_AT_MOST: u32 = 256 << 10;

/// Returns the part of a log that is asked for; of a position behind the end, the end.
///
/// # Errors
/// Says why it cannot be had, as a sentence.
pub(super) fn read_part(files: Option<&LogFiles>, ask: LogAsk) -> Result<LogBytes, String> {
    let Some(files) = files else {
        return Err("It writes to the standard output and error of the process that started it, where these are kept.".into());
    };
    let path = match ask.stream {
        LogStream::Stdout => &files.stdout,
        LogStream::Stderr => &files.stderr,
    };
    let most = u64::from(ask.length.min(PART_AT_MOST));
    let LogText { bytes, offset, length } = LogText::read(path, ask.offset, most)
        .map_err(|error| format!("The file {} cannot be read: {error}.", path.display()))?;
    Ok(LogBytes { bytes, offset, length })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_in_a_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let files = LogFiles { stdout: dir.path().join("out"), stderr: dir.path().join("err") };
        let ask = LogAsk { stream: LogStream::Stderr, offset: None, length: 4 };
        let why = read_part(Some(&files), ask).unwrap_err();
        assert!(why.contains("err cannot be read: "), "{why}");
        assert!(read_part(None, ask).unwrap_err().contains("the process that started it"));
    }

    #[test]
    fn no_answer_is_larger_than_a_message_may_be() {
        let dir = tempfile::tempdir().unwrap();
        let files = LogFiles { stdout: dir.path().join("out"), stderr: dir.path().join("err") };
        std::fs::write(&files.stderr, vec![b'x'; 1 << 20]).unwrap();
        std::fs::write(&files.stdout, "short").unwrap();
        let ask = LogAsk { stream: LogStream::Stderr, offset: Some(0), length: u32::MAX };
        assert_eq!(read_part(Some(&files), ask).unwrap().bytes.len(), PART_AT_MOST as usize);
        let short = read_part(Some(&files), LogAsk { stream: LogStream::Stdout, ..ask }).unwrap();
        assert_eq!((short.bytes, short.offset, short.length), (b"short".to_vec(), 0, 5));
    }
}
