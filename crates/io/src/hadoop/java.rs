//! Reads Java's serialised arrays of plain values, of which the records of Spark's object files are made, and
//! writes arrays of bytes.
//!
//! Numbers, booleans, strings, arrays of these, boxed ones, and Scala's tuples of all of them can be read,
//! since their fields are their meaning. Objects of other classes cannot: only their own code knows their
//! meaning. An object that occurs a second time stands as a reference; those to strings and boxed numbers are
//! followed, those to larger things refused, since few bytes could then become very many records.

use super::fields::Fields;
use serde::de::value::{Error, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

const MAGIC: u16 = 0xACED;
const VERSION: i16 = 5;
const FIRST_HANDLE: i32 = 0x7E_0000;

const NULL: u8 = 0x70;
const REFERENCE: u8 = 0x71;
const CLASS: u8 = 0x72;
const OBJECT: u8 = 0x73;
const STRING: u8 = 0x74;
const ARRAY: u8 = 0x75;
const END: u8 = 0x78;
const LONG_STRING: u8 = 0x7C;

/// The flag of a class whose objects are their fields, without data that its own code wrote.
const SERIALIZABLE: i8 = 2;

/// The greatest depth of arrays and tuples in one another.
const MAX_DEPTH: usize = 32;

/// Returns the records of one serialised array.
///
/// # Errors
/// The fault in the bytes, or the reason why they do not fit the type.
pub(crate) fn records<T: DeserializeOwned>(bytes: &[u8]) -> Result<Vec<T>, String> {
    match read(bytes)? {
        Java::List(values) => {
            let record = |value| T::deserialize(value).map_err(|error: Error| error.to_string());
            values.into_iter().map(record).collect()
        }
        _ => Err("there is no array".into()),
    }
}

/// Returns the arrays of bytes in a serialised `byte[][]`, of which a record of Spark's pickle files is made.
///
/// # Errors
/// The fault in the bytes.
///
/// ```
/// use firesteel_io::hadoop::{is_java_stream, java_byte_arrays, put_java_byte_arrays};
/// let mut bytes = vec![];
/// put_java_byte_arrays(&[vec![1, 2], vec![]], &mut bytes);
/// assert!(is_java_stream(&bytes));
/// assert_eq!(java_byte_arrays(&bytes), Ok(vec![vec![1, 2], vec![]]));
/// ```
pub fn java_byte_arrays(bytes: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let Java::List(arrays) = read(bytes)? else { return Err("there is no array of arrays of bytes".into()) };
    let bytes = |array| match array {
        Java::Bytes(bytes) => Ok(bytes),
        other => Err(format!("there is {other:?} where an array of bytes should be")),
    };
    arrays.into_iter().map(bytes).collect()
}

/// Returns whether bytes begin as a stream of Java's serialised objects does.
pub fn is_java_stream(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xAC, 0xED, 0x00, 0x05])
}

/// Appends arrays of bytes as Java serialises a `byte[][]`, by the protocol of its object streams, version 5.
pub fn put_java_byte_arrays(arrays: &[Vec<u8>], out: &mut Vec<u8>) {
    /// Java's numbers for the versions of the two classes, which follow from their names.
    const BYTES_VERSION: [u8; 8] = [0xAC, 0xF3, 0x17, 0xF8, 0x06, 0x08, 0x54, 0xE0];
    const ARRAYS_VERSION: [u8; 8] = [0x4B, 0xFD, 0x19, 0x15, 0x67, 0x67, 0xDB, 0x37];
    out.extend(MAGIC.to_be_bytes());
    out.extend(VERSION.to_be_bytes());
    put_array_class("[[B", ARRAYS_VERSION, out);
    out.extend((arrays.len() as u32).to_be_bytes());
    for (i, array) in arrays.iter().enumerate() {
        if i == 0 {
            put_array_class("[B", BYTES_VERSION, out);
        } else {
            // The class was described before: it is the third thing that got a handle, behind the outer class and array.
            out.extend([ARRAY, REFERENCE]);
            out.extend((FIRST_HANDLE + 2).to_be_bytes());
        }
        out.extend((array.len() as u32).to_be_bytes());
        out.extend_from_slice(array);
    }
}

/// Appends the beginning of an array and the description of its class, which has neither fields nor a parent.
fn put_array_class(name: &str, version: [u8; 8], out: &mut Vec<u8>) {
    out.extend([ARRAY, CLASS]);
    out.extend((name.len() as u16).to_be_bytes());
    out.extend_from_slice(name.as_bytes());
    out.extend(version);
    out.extend([SERIALIZABLE as u8, 0, 0, END, NULL]);
}

/// A plain value of Java's.
#[derive(Clone, Debug, PartialEq)]
enum Java {
    Null,
    Boolean(bool),
    Byte(i8),
    Char(u16),
    Short(i16),
    Int(i32),
    Long(i64),
    Float(f32),
    Double(f64),
    Text(String),
    /// An array of bytes.
    Bytes(Vec<u8>),
    /// Another array, or a tuple.
    List(Vec<Java>),
}

fn read(bytes: &[u8]) -> Result<Java, String> {
    let mut reader = Reader { fields: Fields::new(bytes), handles: vec![] };
    let (magic, version) = (reader.fields.i16()? as u16, reader.fields.i16()?);
    if magic != MAGIC || version != VERSION {
        return Err("it is not a stream of Java's serialised objects".into());
    }
    reader.object(0)
}

/// The target of a later reference.
enum Handle {
    Class(Class),
    Value(Java),
    /// An array or tuple, or something unfinished.
    Large,
}

#[derive(Clone)]
struct Class {
    name: String,
    flags: i8,
    /// Types and names.
    fields: Vec<(u8, String)>,
    parent: Option<Box<Class>>,
}

struct Reader<'a> {
    fields: Fields<'a>,
    handles: Vec<Handle>,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, String> {
        self.fields.i8().map(|byte| byte as u8)
    }

    fn object(&mut self, depth: usize) -> Result<Java, String> {
        if depth > MAX_DEPTH {
            return Err(format!("arrays and tuples lie more than {MAX_DEPTH} deep in one another"));
        }
        match self.byte()? {
            NULL => Ok(Java::Null),
            REFERENCE => match self.handle()? {
                Handle::Value(value) => Ok(value.clone()),
                Handle::Class(_) | Handle::Large => {
                    Err("an array or tuple occurs twice, which is not read".into())
                }
            },
            STRING => {
                let length = self.fields.i16()? as u16;
                self.string(usize::from(length))
            }
            LONG_STRING => {
                let length = self.fields.i64()?;
                self.string(usize::try_from(length).map_err(|_| format!("a length is negative: {length}"))?)
            }
            ARRAY => self.array(depth),
            OBJECT => self.instance(depth),
            other => Err(format!("{other:#x} begins no plain value of Java's")),
        }
    }

    fn handle(&mut self) -> Result<&Handle, String> {
        let number = self.fields.i32()?.wrapping_sub(FIRST_HANDLE);
        let handle = usize::try_from(number).ok().and_then(|number| self.handles.get(number));
        handle.ok_or_else(|| "a reference names nothing that came before it".into())
    }

    fn string(&mut self, length: usize) -> Result<Java, String> {
        let text = Java::Text(modified_utf8(self.fields.bytes(length)?)?);
        self.handles.push(Handle::Value(text.clone()));
        Ok(text)
    }

    fn array(&mut self, depth: usize) -> Result<Java, String> {
        let class = self.class(0)?.ok_or("an array has no class")?;
        self.handles.push(Handle::Large);
        let element = class.name.as_bytes().get(1).copied().unwrap_or(0);
        let count = self.fields.i32()?;
        if element == b'B' {
            let length = usize::try_from(count).map_err(|_| format!("a length is negative: {count}"))?;
            return Ok(Java::Bytes(self.fields.bytes(length)?.to_vec()));
        }
        let mut values = vec![];
        for _ in 0..count {
            values.push(self.field(element, depth + 1)?);
        }
        Ok(Java::List(values))
    }

    /// Reads an object: a boxed value or a tuple.
    fn instance(&mut self, depth: usize) -> Result<Java, String> {
        let class = self.class(0)?.ok_or("an object has no class")?;
        let boxed = matches!(
            class.name.strip_prefix("java.lang."),
            Some("Boolean" | "Byte" | "Character" | "Short" | "Integer" | "Long" | "Float" | "Double")
        );
        if !boxed && !class.name.starts_with("scala.Tuple") {
            return Err(format!(
                "objects of class {} cannot be read here: let Spark save as SequenceFiles or Parquet",
                class.name
            ));
        }
        let at = self.handles.len();
        self.handles.push(Handle::Large);
        // The fields of a parent class come before those of its child.
        let mut lineage = vec![];
        let mut next = Some(&class);
        while let Some(class) = next {
            lineage.push(class);
            next = class.parent.as_deref();
        }
        let mut values = vec![];
        for class in lineage.into_iter().rev() {
            if class.flags != SERIALIZABLE {
                return Err(format!("class {} writes itself in a way of its own", class.name));
            }
            for (kind, name) in &class.fields {
                values.push((name.clone(), self.field(*kind, depth + 1)?));
            }
        }
        if boxed {
            let (_, value) = values.pop().ok_or("a boxed value is empty")?;
            self.handles[at] = Handle::Value(value.clone());
            return Ok(value);
        }
        // Tuples of numbers have their values in the fields of a subclass, and nothing in the usual fields.
        if values.iter().any(|(name, _)| name.ends_with("$sp")) {
            values.retain(|(name, _)| name.ends_with("$sp"));
        }
        let place =
            |name: &str| name.trim_start_matches('_').split('$').next().and_then(|n| n.parse::<u32>().ok());
        values.sort_by_key(|(name, _)| place(name));
        Ok(Java::List(values.into_iter().map(|(_, value)| value).collect()))
    }

    fn class(&mut self, depth: usize) -> Result<Option<Class>, String> {
        match self.byte()? {
            _ if depth > MAX_DEPTH => Err("a class has very many parents".into()),
            NULL => Ok(None),
            REFERENCE => match self.handle()? {
                Handle::Class(class) => Ok(Some(class.clone())),
                Handle::Value(_) | Handle::Large => {
                    Err("a reference to a class leads to something else".into())
                }
            },
            CLASS => {
                let name = self.name()?;
                self.fields.i64()?;
                let at = self.handles.len();
                self.handles.push(Handle::Large);
                let flags = self.fields.i8()?;
                let mut fields = vec![];
                for _ in 0..self.fields.i16()? {
                    let kind = self.byte()?;
                    let name = self.name()?;
                    // The name of the field's type follows: a string, or a reference to one. At the greatest
                    // depth no arrays can nest in its place.
                    if matches!(kind, b'L' | b'[') {
                        self.object(MAX_DEPTH)?;
                    }
                    fields.push((kind, name));
                }
                if self.byte()? != END {
                    return Err(format!("class {name} is annotated, which is not read"));
                }
                let parent = self.class(depth + 1)?.map(Box::new);
                let class = Class { name, flags, fields, parent };
                self.handles[at] = Handle::Class(class.clone());
                Ok(Some(class))
            }
            other => Err(format!("{other:#x} stands where a class should")),
        }
    }

    fn name(&mut self) -> Result<String, String> {
        let length = self.fields.i16()? as u16;
        modified_utf8(self.fields.bytes(usize::from(length))?)
    }

    fn field(&mut self, kind: u8, depth: usize) -> Result<Java, String> {
        Ok(match kind {
            b'Z' => Java::Boolean(self.fields.i8()? != 0),
            b'B' => Java::Byte(self.fields.i8()?),
            b'C' => Java::Char(self.fields.i16()? as u16),
            b'S' => Java::Short(self.fields.i16()?),
            b'I' => Java::Int(self.fields.i32()?),
            b'J' => Java::Long(self.fields.i64()?),
            b'F' => Java::Float(self.fields.f32()?),
            b'D' => Java::Double(self.fields.f64()?),
            b'L' | b'[' => self.object(depth)?,
            other => return Err(format!("{other:#x} is no type of a field")),
        })
    }
}

/// Decodes Java's own UTF-8: pairs of surrogates stand as two characters of three bytes each, and zero as two
/// bytes.
fn modified_utf8(bytes: &[u8]) -> Result<String, String> {
    let (mut units, mut rest) = (vec![], bytes);
    while let [first, more @ ..] = rest {
        let (unit, taken) = match (first, more) {
            (0..=0x7F, _) => (u16::from(*first), 0),
            (0xC0..=0xDF, [a, ..]) => (u16::from(first & 0x1F) << 6 | u16::from(a & 0x3F), 1),
            (0xE0..=0xEF, [a, b, ..]) => {
                (u16::from(first & 0x0F) << 12 | u16::from(a & 0x3F) << 6 | u16::from(b & 0x3F), 2)
            }
            _ => return Err("a string is not in Java's UTF-8".into()),
        };
        units.push(unit);
        rest = &more[taken..];
    }
    Ok(String::from_utf16_lossy(&units))
}

impl IntoDeserializer<'_, Error> for Java {
    type Deserializer = Java;

    fn into_deserializer(self) -> Java {
        self
    }
}

impl<'de> Deserializer<'de> for Java {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Java::Null => visitor.visit_unit(),
            Java::Boolean(value) => visitor.visit_bool(value),
            Java::Byte(value) => visitor.visit_i8(value),
            Java::Char(value) => visitor.visit_char(char::from_u32(value.into()).unwrap_or('\u{FFFD}')),
            Java::Short(value) => visitor.visit_i16(value),
            Java::Int(value) => visitor.visit_i32(value),
            Java::Long(value) => visitor.visit_i64(value),
            Java::Float(value) => visitor.visit_f32(value),
            Java::Double(value) => visitor.visit_f64(value),
            Java::Text(value) => visitor.visit_string(value),
            // To serde an array of Java's bytes is a sequence of signed numbers, as any other array.
            Java::Bytes(bytes) => {
                visitor.visit_seq(SeqDeserializer::new(bytes.into_iter().map(|byte| byte as i8)))
            }
            Java::List(values) => {
                let mut list = SeqDeserializer::new(values.into_iter());
                let made = visitor.visit_seq(&mut list)?;
                list.end()?;
                Ok(made)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Java::Null => visitor.visit_none(),
            value => visitor.visit_some(value),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `Array(7, -1)` as Java writes it.
    const INTS: &[u8] =
        b"\xAC\xED\0\x05ur\0\x02[IM\xBA`&v\xEA\xB2\xA5\x02\0\0xp\0\0\0\x02\0\0\0\x07\xFF\xFF\xFF\xFF";

    /// `Array(("a", 5), ("a", 5))`, the second one's parts by reference.
    fn tuples() -> Vec<u8> {
        let mut bytes = b"\xAC\xED\0\x05ur\0\x0F[Lscala.Tuple2;\0\0\0\0\0\0\0\0\x02\0\0xp\0\0\0\x02".to_vec();
        bytes.extend(b"sr\0\x0Cscala.Tuple2\0\0\0\0\0\0\0\0\x02\0\x02L\0\x02_1t\0\x12Ljava/lang/Object;L\0\x02_2q\0\x7E\0\x03xp");
        bytes.extend(b"t\0\x01asr\0\x11java.lang.Integer\0\0\0\0\0\0\0\0\x02\0\x01I\0\x05valuexp\0\0\0\x05");
        bytes.extend(b"sq\0\x7E\0\x02q\0\x7E\0\x05q\0\x7E\0\x07");
        bytes
    }

    #[test]
    fn plain_arrays_become_records() {
        assert_eq!(records::<i32>(INTS), Ok(vec![7, -1]));
        assert_eq!(records::<i64>(INTS), Ok(vec![7, -1]));
        let pair = ("a".to_string(), 5);
        assert_eq!(records::<(String, i32)>(&tuples()), Ok(vec![pair.clone(), pair]));
    }

    #[test]
    fn what_does_not_fit_or_is_cut_is_an_error() {
        assert!(records::<u8>(INTS).unwrap_err().contains("-1"));
        assert!(records::<String>(INTS).is_err());
        assert!(records::<(String, i32, i32)>(&tuples()).is_err());
        for bytes in [INTS.to_vec(), tuples()] {
            for cut in 0..bytes.len() {
                assert!(records::<Option<(String, i32)>>(&bytes[..cut]).is_err());
            }
            for at in 0..bytes.len() {
                for flip in [1, 0x80, 0xFF] {
                    let mut changed = bytes.clone();
                    changed[at] ^= flip;
                    let _ = records::<(String, i32)>(&changed);
                }
            }
        }
    }

    #[test]
    fn arrays_of_bytes_come_back_and_their_cuts_do_not() {
        let arrays = [vec![], vec![0x80, 0x05, 0xFF], vec![7; 300], vec![1]];
        let mut bytes = vec![];
        put_java_byte_arrays(&arrays, &mut bytes);
        assert_eq!(java_byte_arrays(&bytes).as_deref(), Ok(&arrays[..]));
        assert_eq!(records::<Vec<i8>>(&bytes).unwrap()[1], [-128, 5, -1]);
        for cut in 0..bytes.len() {
            assert!(java_byte_arrays(&bytes[..cut]).is_err());
        }
        assert!(java_byte_arrays(INTS).is_err());
    }

    #[test]
    fn javas_own_utf8() {
        let text = modified_utf8(b"a\xC0\x80\xC3\xA9\xED\xA0\xBD\xED\xB8\x80");
        assert_eq!(text, Ok("a\0é\u{1F600}".to_string()));
        assert!(modified_utf8(b"\xF0\x9F").is_err());
    }
}
