//! Parsers of settings: make a value of a setting's text.

/// Parses bytes with a unit as Spark writes them: `512m`, `2g`, `64k`, `1t`, or plain bytes. Units are powers
/// of 1024.
///
/// ```
/// assert_eq!(firesteel_conf::parse_bytes("64k"), Ok(65536));
/// ```
///
/// # Errors
/// When the text is something else.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].trim_end_matches('b').trim_end_matches('i') {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "t" => 1u64 << 40,
        unit => return Err(format!("`{unit}` is no unit of bytes; write `512m` or `2g`")),
    };
    let number: u64 =
        digits.trim().parse().map_err(|_| "write a number with a unit, such as `512m` or `2g`")?;
    number.checked_mul(factor).ok_or_else(|| "that is more than 16 EiB".into())
}

/// Parses a time with a unit: `100ms`, `3s`, `2m`, `1h`. A plain number is milliseconds.
///
/// ```
/// assert_eq!(firesteel_conf::parse_millis("3s"), Ok(3000));
/// ```
///
/// # Errors
/// When the text is something else.
pub fn parse_millis(text: &str) -> Result<u64, String> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" | "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        unit => return Err(format!("`{unit}` is no unit of time; write `100ms`, `3s` or `2m`")),
    };
    let number: u64 =
        digits.trim().parse().map_err(|_| "write a number with a unit, such as `100ms` or `3s`")?;
    number.checked_mul(factor).ok_or_else(|| "that is too long".into())
}

/// Parses a compression method. Spark's `true` is its default codec, LZ4.
pub(crate) fn compression(text: &str) -> Result<String, String> {
    match text {
        "none" | "false" | "lz4" | "true" | "zstd" => Ok(text.into()),
        other => Err(format!("`{other}` is no way to make blocks smaller: write `none`, `lz4` or `zstd`")),
    }
}

/// Parses a codec of event logs: Spark's short name, or the name of its class. The value is the short name.
pub(crate) fn log_codec(text: &str) -> Result<String, String> {
    let class = text.trim().strip_prefix("org.apache.spark.io.").unwrap_or(text.trim());
    let name = match class {
        "ZStdCompressionCodec" => "zstd",
        "LZ4CompressionCodec" => "lz4",
        "SnappyCompressionCodec" => "snappy",
        "LZFCompressionCodec" => "lzf",
        name => name,
    };
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "zstd" | "lz4" | "snappy" | "lzf" => Ok(name),
        _ => Err("write `zstd`, `lz4`, `snappy` or `lzf`".into()),
    }
}

/// Parses the size of one file of an event log, which is 10 MiB at least, as in Spark.
pub(crate) fn log_file_size(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 10 << 20;
    parse_bytes(text)
        .and_then(|bytes| if bytes < LEAST { Err("write `10m` or more".into()) } else { Ok(bytes) })
}

pub(crate) fn storage_write(text: &str) -> Result<String, String> {
    match text.to_ascii_lowercase().as_str() {
        known @ ("background" | "through" | "notice") => Ok(known.into()),
        _ => Err("write `background`, `through` or `notice`".into()),
    }
}

pub(crate) fn text(text: &str) -> Result<String, String> {
    Ok(text.into())
}

pub(crate) fn optional_bytes(text: &str) -> Result<Option<u64>, String> {
    if text.is_empty() { Ok(None) } else { parse_bytes(text).map(Some) }
}

pub(crate) fn optional_count(text: &str) -> Result<Option<u32>, String> {
    if text.is_empty() { Ok(None) } else { count(text).map(Some) }
}

pub(crate) fn optional_millis(text: &str) -> Result<Option<u64>, String> {
    if text.is_empty() { Ok(None) } else { parse_millis(text).map(Some) }
}

/// Parses a time, or `infinity`.
pub(crate) fn millis_or_infinity(text: &str) -> Result<Option<u64>, String> {
    if text.trim().eq_ignore_ascii_case("infinity") { Ok(None) } else { parse_millis(text).map(Some) }
}

pub(crate) fn count(text: &str) -> Result<u32, String> {
    match text.trim().parse() {
        Ok(0) | Err(_) => Err("write a whole number from 1 on".into()),
        Ok(number) => Ok(number),
    }
}

pub(crate) fn whole_number(text: &str) -> Result<u32, String> {
    text.trim().parse().map_err(|_| "write a whole number".into())
}

pub(crate) fn switch(text: &str) -> Result<bool, String> {
    text.trim().parse().map_err(|_| "write `true` or `false`".into())
}

pub(crate) fn optional_fraction(text: &str) -> Result<Option<f64>, String> {
    if text.is_empty() { Ok(None) } else { fraction(text).map(Some) }
}

pub(crate) fn optional_switch(text: &str) -> Result<Option<bool>, String> {
    if text.trim().is_empty() { Ok(None) } else { switch(text).map(Some) }
}

/// Parses a time that is not 0.
pub(crate) fn positive_millis(text: &str) -> Result<u64, String> {
    match parse_millis(text)? {
        0 => Err("write a time above 0".into()),
        millis => Ok(millis),
    }
}

pub(crate) fn fraction(text: &str) -> Result<f64, String> {
    text.trim()
        .parse()
        .ok()
        .filter(|x: &f64| x.is_finite() && *x > 0.0)
        .ok_or_else(|| "write a number above 0".into())
}
