//! LZF, as the library of that name defines it: runs of bytes, and copies of what came at most 8 KiB before.
//!
//! A byte below 32 begins a run, one byte longer than it says. Any other begins a copy: its high three bits are the
//! length less 2, with a further byte to add if they are all set; the rest and the last byte are the distance less 1.

/// The most bytes of a run.
const MAX_RUN: usize = 32;

/// The longest distance of a copy.
const MAX_DISTANCE: usize = 8192;

/// The longest copy, and the shortest one that is worth its bytes.
const MAX_COPY: usize = 264;
const MIN_COPY: usize = 3;

/// The number of places in the table of where three bytes were seen last.
const TABLE_BITS: u32 = 13;

/// Compresses, by the last place in which the next three bytes were seen.
pub(crate) fn compress(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / 2);
    // Places are counted from 1; 0 is none.
    let mut seen = vec![0_u32; 1 << TABLE_BITS];
    let (mut at, mut run) = (0, 0);
    while at + MIN_COPY <= data.len() {
        let slot = slot(&data[at..]);
        let candidate = std::mem::replace(&mut seen[slot], at as u32 + 1) as usize;
        let from = candidate.wrapping_sub(1);
        let fits = candidate > 0
            && at - from <= MAX_DISTANCE
            && data[from..from + MIN_COPY] == data[at..at + MIN_COPY];
        if !fits {
            at += 1;
            continue;
        }
        let most = MAX_COPY.min(data.len() - at);
        let length = (MIN_COPY..most).find(|n| data[from + n] != data[at + n]).unwrap_or(most);
        put_runs(&data[run..at], &mut out);
        put_copy(at - from - 1, length - 2, &mut out);
        at += length;
        run = at;
    }
    put_runs(&data[run..], &mut out);
    out
}

fn slot(bytes: &[u8]) -> usize {
    let three = u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]);
    (three.wrapping_mul(0x9E37_79B1) >> (32 - TABLE_BITS)) as usize
}

fn put_runs(bytes: &[u8], out: &mut Vec<u8>) {
    for run in bytes.chunks(MAX_RUN) {
        out.push((run.len() - 1) as u8);
        out.extend_from_slice(run);
    }
}

fn put_copy(distance: usize, length: usize, out: &mut Vec<u8>) {
    let high = (distance >> 8) as u8;
    match length {
        0..7 => out.push(((length as u8) << 5) | high),
        _ => out.extend([(7 << 5) | high, (length - 7) as u8]),
    }
    out.push(distance as u8);
}

/// Decompresses to exactly this many bytes; none if that cannot be.
pub(crate) fn decompress(mut packed: &[u8], length: usize) -> Option<Vec<u8>> {
    // The longest copy takes three bytes.
    if length > packed.len().saturating_mul(MAX_COPY / 3) {
        return None;
    }
    let mut out = Vec::with_capacity(length);
    while let Some((&control, rest)) = packed.split_first() {
        let control = usize::from(control);
        if control < MAX_RUN {
            let (run, rest) = rest.split_at_checked(control + 1)?;
            out.extend_from_slice(run);
            packed = rest;
        } else {
            let (more, rest) = match control >> 5 {
                7 => rest.split_first().map(|(&more, rest)| (usize::from(more), rest))?,
                _ => (0, rest),
            };
            let (&low, rest) = rest.split_first()?;
            let distance = ((control & 0x1F) << 8 | usize::from(low)) + 1;
            let from = out.len().checked_sub(distance)?;
            // What is copied may be what the copy itself has brought.
            for at in from..from + (control >> 5) + more + 2 {
                out.push(out[at]);
            }
            packed = rest;
        }
        if out.len() > length {
            return None;
        }
    }
    (out.len() == length).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_and_copies_are_as_the_format_has_them() {
        assert_eq!(compress(b"ab"), b"\x01ab");
        // Four bytes, then a copy of eight from four before: 6 << 5, distance 3.
        assert_eq!(compress(b"abcdabcdabcd"), b"\x03abcd\xC0\x03");
        assert_eq!(decompress(b"\x03abcd\xC0\x03", 12).unwrap(), b"abcdabcdabcd");
        // A copy with a further byte of length: 1 byte, then 100 of the same.
        assert_eq!(decompress(b"\x00x\xE0\x5B\x00", 101).unwrap(), vec![b'x'; 101]);
        assert_eq!(decompress(b"\x00x\xE0\x5B\x01", 101), None, "nothing is that far back");
        assert_eq!(decompress(b"\x05abc", 6), None);
        assert_eq!(decompress(b"\x00x", 2), None);
    }
}
