//! [`Writable`]: Rust types that stand for classes of Hadoop's, one for each class that programs keep in
//! SequenceFiles.

use super::fields::{Fields, put_vint_bytes, put_vlong};
use bytes::Bytes;
use firesteel_data::Str;
use serde::{Deserialize, Serialize};

/// The package of Hadoop's own classes.
pub(super) const PACKAGE: &str = "org.apache.hadoop.io.";

/// Reads one value.
pub type ReadValue<T> = fn(&mut Fields<'_>) -> Result<T, String>;

/// A type whose values stand in a SequenceFile as those of a Java class.
///
/// | type | written as | read from |
/// | --- | --- | --- |
/// | `String`, [`Str`] | `Text` | `Text`; bytes that are not UTF-8 become U+FFFD, as in Java |
/// | [`Bytes`], `Vec<u8>` | `BytesWritable` | `BytesWritable` |
/// | `i32`, `i64` | `IntWritable`, `LongWritable` | these, and `VIntWritable`, `VLongWritable` |
/// | [`VInt`], [`VLong`] | `VIntWritable`, `VLongWritable` | as `i32`, `i64` |
/// | `i16`, `i8`, `bool` | `ShortWritable`, `ByteWritable`, `BooleanWritable` | the same |
/// | `f32`, `f64` | `FloatWritable`, `DoubleWritable` | the same |
/// | `()` | `NullWritable` | the same |
///
/// Implement it for a type of your own to read and write a class of your own:
///
/// ```
/// use firesteel_io::hadoop::{Fields, Writable};
///
/// #[derive(Debug, PartialEq)]
/// struct Point { x: i32, y: i32 }
///
/// impl Writable for Point {
///     const CLASS: &'static str = "org.example.PointWritable";
///     fn reader(class: &str) -> Option<fn(&mut Fields<'_>) -> Result<Point, String>> {
///         (class == Self::CLASS).then_some(|fields| Ok(Point { x: fields.i32()?, y: fields.i32()? }))
///     }
///     fn write(&self, out: &mut Vec<u8>) {
///         out.extend(self.x.to_be_bytes());
///         out.extend(self.y.to_be_bytes());
///     }
/// }
/// let mut bytes = vec![];
/// Point { x: 1, y: 2 }.write(&mut bytes);
/// let read = Point::reader("org.example.PointWritable").unwrap();
/// assert_eq!(read(&mut Fields::new(&bytes)), Ok(Point { x: 1, y: 2 }));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not stand for a class of Hadoop's",
    note = "`String`, `Bytes`, `Vec<u8>`, `i8` to `i64`, `f32`, `f64`, `bool` and `()` do; implement `Writable` for a class of \
            your own, or save with `save_as_object_file`, which takes every record"
)]
pub trait Writable: Sized {
    /// The class that is written, with its package.
    const CLASS: &'static str;

    /// Returns the function that reads a value of a class; none for classes that this type cannot hold. The
    /// function must read all of the value's bytes: any that are left over are an error.
    fn reader(class: &str) -> Option<ReadValue<Self>>;

    /// Appends the value as [`Writable::CLASS`] writes it.
    fn write(&self, out: &mut Vec<u8>);
}

/// Returns the class's name without Hadoop's package; empty for other classes.
pub(super) fn short_name(class: &str) -> &str {
    class.strip_prefix(PACKAGE).unwrap_or("")
}

macro_rules! writable {
    ($type:ty, $class:literal $(, $also:literal => $other:expr)?; $read:expr; |$value:ident, $out:ident| $write:expr) => {
        impl Writable for $type {
            const CLASS: &'static str = concat!("org.apache.hadoop.io.", $class);

            fn reader(class: &str) -> Option<ReadValue<Self>> {
                match short_name(class) {
                    $class => Some($read),
                    $($also => Some($other),)?
                    _ => None,
                }
            }

            fn write(&self, $out: &mut Vec<u8>) {
                let $value = self;
                $write
            }
        }
    };
}

writable!((), "NullWritable"; |_| Ok(()); |_value, _out| ());
writable!(bool, "BooleanWritable"; |fields| Ok(fields.i8()? != 0); |value, out| out.push(u8::from(*value)));
writable!(i8, "ByteWritable"; |fields| fields.i8(); |value, out| out.extend(value.to_be_bytes()));
writable!(i16, "ShortWritable"; |fields| fields.i16(); |value, out| out.extend(value.to_be_bytes()));
writable!(i32, "IntWritable", "VIntWritable" => |fields| fields.vint(); |fields| fields.i32(); |value, out| out.extend(value.to_be_bytes()));
writable!(i64, "LongWritable", "VLongWritable" => |fields| fields.vlong(); |fields| fields.i64(); |value, out| out.extend(value.to_be_bytes()));
writable!(f32, "FloatWritable"; |fields| fields.f32(); |value, out| out.extend(value.to_be_bytes()));
writable!(f64, "DoubleWritable"; |fields| fields.f64(); |value, out| out.extend(value.to_be_bytes()));
writable!(String, "Text"; |fields| fields.vint_bytes().map(text); |value, out| put_vint_bytes(value.as_bytes(), out));
writable!(Str, "Text"; |fields| fields.vint_bytes().map(Str::from_utf8_lossy); |value, out| put_vint_bytes(value.as_bytes(), out));
writable!(Vec<u8>, "BytesWritable"; |fields| fields.sized_bytes().map(<[u8]>::to_vec); |value, out| put_sized(value, out));
writable!(Bytes, "BytesWritable"; |fields| fields.sized_bytes().map(Bytes::copy_from_slice); |value, out| put_sized(value, out));
writable!(VInt, "VIntWritable", "IntWritable" => |fields| fields.i32().map(VInt); |fields| fields.vint().map(VInt);
    |value, out| put_vlong(i64::from(value.0), out));
writable!(VLong, "VLongWritable", "LongWritable" => |fields| fields.i64().map(VLong); |fields| fields.vlong().map(VLong);
    |value, out| put_vlong(value.0, out));

/// A number that is written as a `VIntWritable`, in one to five bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VInt(pub i32);

/// A number that is written as a `VLongWritable`, in one to nine bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VLong(pub i64);

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub(super) fn put_sized(bytes: &[u8], out: &mut Vec<u8>) {
    // A value of 2 GiB or more is refused by the writer, which sees its length.
    out.extend((bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// Reads a value that must take up all of its bytes.
pub(super) fn read_whole<T>(read: ReadValue<T>, bytes: &[u8]) -> Result<T, String> {
    let mut fields = Fields::new(bytes);
    let value = read(&mut fields)?;
    match fields.left() {
        0 => Ok(value),
        left => Err(format!("it ends {left} bytes before its length says")),
    }
}

/// Returns the type to write for a class, for messages.
pub(super) fn type_for(class: &str) -> Option<&'static str> {
    Some(match short_name(class) {
        "NullWritable" => "()",
        "BooleanWritable" => "bool",
        "ByteWritable" => "i8",
        "ShortWritable" => "i16",
        "IntWritable" | "VIntWritable" => "i32",
        "LongWritable" | "VLongWritable" => "i64",
        "FloatWritable" => "f32",
        "DoubleWritable" => "f64",
        "Text" => "String",
        "BytesWritable" => "Bytes",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip<T: Writable>(value: &T) -> T {
        let mut bytes = vec![];
        value.write(&mut bytes);
        read_whole(T::reader(T::CLASS).unwrap(), &bytes).unwrap()
    }

    proptest! {
        #[test]
        fn values_come_back(a: (bool, i8, i16, i32, i64), f: (f32, f64), s: String, b: Vec<u8>) {
            prop_assert_eq!((round_trip(&a.0), round_trip(&a.1), round_trip(&a.2), round_trip(&a.3), round_trip(&a.4)), a);
            prop_assert_eq!((round_trip(&f.0).to_bits(), round_trip(&f.1).to_bits()), (f.0.to_bits(), f.1.to_bits()));
            prop_assert_eq!(round_trip(&s), s.clone());
            prop_assert_eq!(round_trip(&Str::from(&*s)), &*s);
            prop_assert_eq!(round_trip(&b), b.clone());
            prop_assert_eq!(round_trip(&Bytes::from(b.clone())), b);
            prop_assert_eq!((round_trip(&VInt(a.3)), round_trip(&VLong(a.4))), (VInt(a.3), VLong(a.4)));
        }
    }

    #[test]
    fn values_lie_as_hadoop_lays_them() {
        let bytes = |value: &dyn Fn(&mut Vec<u8>)| {
            let mut out = vec![];
            value(&mut out);
            out
        };
        assert_eq!(bytes(&|out| 258_i32.write(out)), [0, 0, 1, 2]);
        assert_eq!(bytes(&|out| "ab".to_string().write(out)), [2, b'a', b'b']);
        assert_eq!(bytes(&|out| vec![9_u8].write(out)), [0, 0, 0, 1, 9]);
        assert_eq!(bytes(&|out| 1.0_f32.write(out)), [0x3F, 0x80, 0, 0]);
        assert_eq!(bytes(&|out| true.write(out)), [1]);
        assert!(bytes(&|out| ().write(out)).is_empty());
    }

    #[test]
    fn a_type_reads_the_classes_that_it_can_hold_and_no_others() {
        let read = i32::reader("org.apache.hadoop.io.VIntWritable").unwrap();
        assert_eq!(read_whole(read, &[0x8F, 200]), Ok(200));
        assert!(i32::reader("org.apache.hadoop.io.LongWritable").is_none());
        assert!(i32::reader("IntWritable").is_none());
        assert!(i32::reader("org.example.IntWritable").is_none());
        let error = read_whole(<()>::reader(<()>::CLASS).unwrap(), &[0]).unwrap_err();
        assert!(error.contains("1 bytes before"), "{error}");
    }
}
