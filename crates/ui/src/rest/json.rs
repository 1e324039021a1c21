//! JSON laid out as Spark's REST interface lays it out, byte by byte where it can be: people compare, and scripts
//! without a parser cut it into lines.

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};
use std::io::{self, Write};

/// Writes a value.
pub(crate) fn to_bytes(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = Vec::with_capacity(1024);
    value.serialize(&mut Serializer::with_formatter(&mut bytes, Laid { depth: 0, is_empty: true }))?;
    Ok(bytes)
}

/// Objects have a line for each field, lists stand in one line.
struct Laid {
    depth: usize,
    is_empty: bool,
}

const INDENT: &[u8] = b"                                ";

impl Laid {
    fn line<W: Write + ?Sized>(&self, out: &mut W) -> io::Result<()> {
        out.write_all(b"\n")?;
        let mut left = self.depth * 2;
        while left > 0 {
            let now = left.min(INDENT.len());
            out.write_all(&INDENT[..now])?;
            left -= now;
        }
        Ok(())
    }
}

impl Formatter for Laid {
    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.is_empty = true;
        out.write_all(b"[ ")
    }

    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        let end: &[u8] = if self.is_empty { b"]" } else { b" ]" };
        self.is_empty = false;
        out.write_all(end)
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, is_first: bool) -> io::Result<()> {
        if is_first { Ok(()) } else { out.write_all(b", ") }
    }

    fn end_array_value<W: Write + ?Sized>(&mut self, _out: &mut W) -> io::Result<()> {
        self.is_empty = false;
        Ok(())
    }

    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.is_empty = true;
        out.write_all(b"{")
    }

    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.depth -= 1;
        match std::mem::replace(&mut self.is_empty, false) {
            true => out.write_all(b" }"),
            false => {
                self.line(out)?;
                out.write_all(b"}")
            }
        }
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, is_first: bool) -> io::Result<()> {
        if !is_first {
            out.write_all(b",")?;
        }
        self.line(out)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b" : ")
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _out: &mut W) -> io::Result<()> {
        self.is_empty = false;
        Ok(())
    }

    /// Writes a number as Java does: with an exponent from ten million on.
    fn write_f64<W: Write + ?Sized>(&mut self, out: &mut W, value: f64) -> io::Result<()> {
        let size = value.abs();
        if value == 0.0 || (1e-3..1e7).contains(&size) {
            return write!(out, "{value:?}");
        }
        let text = format!("{value:E}");
        match text.split_once('E') {
            Some((digits, exponent)) if !digits.contains('.') => write!(out, "{digits}.0E{exponent}"),
            _ => out.write_all(text.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &impl Serialize) -> String {
        String::from_utf8(to_bytes(value).unwrap()).unwrap()
    }

    #[test]
    fn it_looks_as_spark_writes_it() {
        let value = serde_json::json!([{"a": [], "b": {}, "c": [1, 2], "d": {"e": "x"}}, {}]);
        let expected = "[ {\n  \"a\" : [ ],\n  \"b\" : { },\n  \"c\" : [ 1, 2 ],\n  \"d\" : {\n    \"e\" : \"x\"\n  }\n}, { } ]";
        assert_eq!(text(&value), expected);
        assert_eq!(text(&Vec::<i64>::new()), "[ ]");
        assert_eq!(
            text(&[0.0, 8000.0, 28_052_654.0, 1e7, 0.25, 0.0001]),
            "[ 0.0, 8000.0, 2.8052654E7, 1.0E7, 0.25, 1.0E-4 ]"
        );
    }
}
