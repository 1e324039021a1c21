//! Adaptive compression: decides from measurements whether compressing pays on a connection. It sees no clock
//! and no socket.
//!
//! A byte that is sent uncompressed takes `1/send` seconds. Compressed it takes `1/compress + ratio/send`. Both
//! speeds and the ratio change, so old measurements count less. Compression that did not pay is tried again
//! after longer and longer pauses.

/// The number of bytes after which a measurement counts half.
const HALF_LIFE: f64 = (4 << 20) as f64;
/// The number of bytes that must be sent before measurements mean anything: the first ones only fill buffers.
const SENT_AT_LEAST: f64 = (1 << 20) as f64;
/// The factor by which compression must be faster: part of its cost falls on the side that decompresses.
const MARGIN: f64 = 1.15;
/// The number of uncompressed frames after a try that did not pay, before the next try.
const FIRST_PAUSE: u32 = 16;
/// The longest pause: it doubles each time up to this, where trying costs less than one part in a hundred.
const LONGEST_PAUSE: u32 = 512;

/// Decides for each frame of a connection whether to compress it.
///
/// ```
/// use firesteel_net::bulk::Adaptive;
/// let mut adaptive = Adaptive::default();
/// assert!(!adaptive.should_compress(), "nothing is known yet");
/// for _ in 0..8 {
///     adaptive.sent(256 << 10, 0.01); // 26 MB/s: a slow network
/// }
/// assert!(adaptive.should_compress(), "worth a try");
/// adaptive.compressed(256 << 10, 100 << 10, 0.0005);
/// assert!(adaptive.should_compress(), "it pays");
/// ```
#[derive(Clone, Debug)]
pub struct Adaptive {
    sending: Speed,
    compressing: Speed,
    /// Bytes after compression, where `compressing` counts those before.
    packed: Speed,
    frames_to_next_try: u32,
    pause: u32,
}

/// A speed as bytes and the seconds that they took; old ones fade.
#[derive(Clone, Copy, Default, Debug)]
struct Speed {
    bytes: f64,
    seconds: f64,
}

impl Speed {
    fn add(&mut self, bytes: usize, faded_by: usize, seconds: f64) {
        let fade = 0.5f64.powf(faded_by as f64 / HALF_LIFE);
        self.bytes = self.bytes * fade + bytes as f64;
        self.seconds = self.seconds * fade + seconds.max(1e-9);
    }

    fn seconds_a_byte(&self) -> f64 {
        self.seconds / self.bytes.max(1.0)
    }
}

impl Default for Adaptive {
    fn default() -> Self {
        let none = Speed::default();
        Adaptive { sending: none, compressing: none, packed: none, frames_to_next_try: 0, pause: FIRST_PAUSE }
    }
}

impl Adaptive {
    /// Notes that bytes were sent, and the seconds that took.
    pub fn sent(&mut self, bytes: usize, seconds: f64) {
        self.sending.add(bytes, bytes, seconds);
    }

    /// Notes that bytes were compressed, to fewer or more, and the seconds that took.
    pub fn compressed(&mut self, raw: usize, packed: usize, seconds: f64) {
        if self.pause > FIRST_PAUSE {
            // After a pause older measurements are dropped: they are of other data, or of another network.
            (self.compressing, self.packed) = (Speed::default(), Speed::default());
        }
        self.compressing.add(raw, raw, seconds);
        self.packed.add(packed, raw, seconds);
        if self.pays() {
            (self.frames_to_next_try, self.pause) = (0, FIRST_PAUSE);
        } else {
            self.frames_to_next_try = self.pause;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Returns whether to compress the next frame. Counts it.
    pub fn should_compress(&mut self) -> bool {
        if self.sending.bytes < SENT_AT_LEAST {
            return false;
        }
        if self.compressing.bytes > 0.0 && self.pays() {
            return true;
        }
        if self.frames_to_next_try > 0 {
            self.frames_to_next_try -= 1;
            return false;
        }
        true
    }

    fn pays(&self) -> bool {
        let ratio = self.packed.bytes / self.compressing.bytes.max(1.0);
        let send = self.sending.seconds_a_byte();
        (self.compressing.seconds_a_byte() + ratio * send) * MARGIN < send
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: usize = 256 << 10;

    /// Sends frames at a speed (bytes a second), and returns how many of them were compressed.
    fn run(adaptive: &mut Adaptive, frames: usize, send: f64, compress: f64, ratio: f64) -> usize {
        let mut compressed = 0;
        for _ in 0..frames {
            let mut bytes = FRAME;
            if adaptive.should_compress() {
                compressed += 1;
                let packed = (FRAME as f64 * ratio) as usize;
                adaptive.compressed(FRAME, packed, FRAME as f64 / compress);
                bytes = packed.min(FRAME);
            }
            adaptive.sent(bytes, bytes as f64 / send);
        }
        compressed
    }

    #[test]
    fn a_slow_network_is_worth_compressing_for() {
        let compressed = run(&mut Adaptive::default(), 1000, 100e6, 700e6, 0.4);
        assert!(compressed > 980, "{compressed}");
    }

    #[test]
    fn a_fast_one_is_not() {
        let compressed = run(&mut Adaptive::default(), 10_000, 2e9, 700e6, 0.4);
        assert!(compressed < 30, "{compressed}");
    }

    #[test]
    fn what_does_not_shrink_is_left_as_it_is() {
        let compressed = run(&mut Adaptive::default(), 10_000, 100e6, 700e6, 1.0);
        assert!(compressed < 30, "{compressed}");
    }

    #[test]
    fn it_notices_when_things_change() {
        let mut adaptive = Adaptive::default();
        run(&mut adaptive, 3000, 2e9, 700e6, 0.4);
        let compressed = run(&mut adaptive, 3000, 50e6, 700e6, 0.4);
        assert!(compressed > 1500, "the network has become slow: {compressed}");
        let compressed = run(&mut adaptive, 3000, 50e6, 700e6, 1.01);
        assert!(compressed < 100, "the data have become random: {compressed}");
        let compressed = run(&mut adaptive, 5000, 50e6, 700e6, 0.4);
        assert!(compressed > 2500, "and shrink again: {compressed}");
    }

    #[test]
    fn the_border_lies_where_it_is_computed_to_lie() {
        // 1/compress + ratio/send = 1/send / 1.15, for compress = 700 MB/s and ratio 0.5: send = 258 MB/s.
        assert!(run(&mut Adaptive::default(), 1000, 230e6, 700e6, 0.5) > 900);
        assert!(run(&mut Adaptive::default(), 1000, 290e6, 700e6, 0.5) < 100);
    }
}
