//! [`Value`]: values of classes that are known only when the file is open, for programs that are not compiled
//! for their types.

use super::fields::{Fields, put_vint_bytes, put_vlong};
use super::writable::{PACKAGE, put_sized, short_name, text};
use serde::{Deserialize, Serialize};

/// The greatest depth of maps and objects in one another.
const MAX_DEPTH: usize = 64;

/// The classes that have numbers in maps, from -127 up.
const MAP_CLASSES: [&str; 15] = [
    "ArrayWritable",
    "BooleanWritable",
    "BytesWritable",
    "FloatWritable",
    "IntWritable",
    "LongWritable",
    "MapWritable",
    "MD5Hash",
    "NullWritable",
    "ObjectWritable",
    "SortedMapWritable",
    "Text",
    "TwoDArrayWritable",
    "VIntWritable",
    "VLongWritable",
];

/// A value of one of Hadoop's classes.
///
/// ```
/// use firesteel_io::hadoop::Value;
/// let mut bytes = vec![];
/// Value::Text("hello".into()).write(&mut bytes);
/// assert_eq!(Value::read("org.apache.hadoop.io.Text", &bytes), Ok(Value::Text("hello".into())));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// `NullWritable`.
    Null,
    /// `BooleanWritable`.
    Boolean(bool),
    /// `ByteWritable`.
    Byte(i8),
    /// `ShortWritable`.
    Short(i16),
    /// `IntWritable`.
    Int(i32),
    /// `LongWritable`.
    Long(i64),
    /// `VIntWritable`.
    VInt(i32),
    /// `VLongWritable`.
    VLong(i64),
    /// `FloatWritable`.
    Float(f32),
    /// `DoubleWritable`.
    Double(f64),
    /// `Text`.
    Text(String),
    /// `BytesWritable`.
    Bytes(Vec<u8>),
    /// `MapWritable`: the entries in the order of the file.
    Map(Vec<(Value, Value)>),
}

impl Value {
    /// Reads the value of a class from all of the bytes.
    ///
    /// # Errors
    /// The fault in the bytes, or that the class is not known.
    pub fn read(class: &str, bytes: &[u8]) -> Result<Value, String> {
        let mut fields = Fields::new(bytes);
        let value = Value::read_from(class, &mut fields, 0)?;
        match fields.left() {
            0 => Ok(value),
            left => Err(format!("it ends {left} bytes before its length says")),
        }
    }

    fn read_from(class: &str, fields: &mut Fields<'_>, depth: usize) -> Result<Value, String> {
        Ok(match short_name(class) {
            "NullWritable" => Value::Null,
            "BooleanWritable" => Value::Boolean(fields.i8()? != 0),
            "ByteWritable" => Value::Byte(fields.i8()?),
            "ShortWritable" => Value::Short(fields.i16()?),
            "IntWritable" => Value::Int(fields.i32()?),
            "LongWritable" => Value::Long(fields.i64()?),
            "VIntWritable" => Value::VInt(fields.vint()?),
            "VLongWritable" => Value::VLong(fields.vlong()?),
            "FloatWritable" => Value::Float(fields.f32()?),
            "DoubleWritable" => Value::Double(fields.f64()?),
            "Text" => Value::Text(text(fields.vint_bytes()?)),
            "BytesWritable" => Value::Bytes(fields.sized_bytes()?.to_vec()),
            "MD5Hash" => Value::Bytes(fields.bytes(16)?.to_vec()),
            "ObjectWritable" if depth < MAX_DEPTH => read_object(fields, depth + 1)?,
            "MapWritable" | "SortedMapWritable" if depth < MAX_DEPTH => {
                Value::Map(read_map(fields, depth + 1)?)
            }
            "ObjectWritable" | "MapWritable" | "SortedMapWritable" => {
                Err(format!("maps and objects lie {MAX_DEPTH} deep in one another"))?
            }
            // These hold values without their class, which subclasses know; Hadoop cannot make them itself.
            "ArrayWritable" | "TwoDArrayWritable" => Err(format!(
                "values of class {class} are not known: its bytes do not say of which class its elements are, so \
                 that Hadoop itself cannot read them; write a MapWritable, or lines of text"
            ))?,
            _ => Err(format!("values of class {class} are not known"))?,
        })
    }

    /// Returns the class whose value this is, with its package.
    pub fn class(&self) -> &'static str {
        match self {
            Value::Null => "org.apache.hadoop.io.NullWritable",
            Value::Boolean(_) => "org.apache.hadoop.io.BooleanWritable",
            Value::Byte(_) => "org.apache.hadoop.io.ByteWritable",
            Value::Short(_) => "org.apache.hadoop.io.ShortWritable",
            Value::Int(_) => "org.apache.hadoop.io.IntWritable",
            Value::Long(_) => "org.apache.hadoop.io.LongWritable",
            Value::VInt(_) => "org.apache.hadoop.io.VIntWritable",
            Value::VLong(_) => "org.apache.hadoop.io.VLongWritable",
            Value::Float(_) => "org.apache.hadoop.io.FloatWritable",
            Value::Double(_) => "org.apache.hadoop.io.DoubleWritable",
            Value::Text(_) => "org.apache.hadoop.io.Text",
            Value::Bytes(_) => "org.apache.hadoop.io.BytesWritable",
            Value::Map(_) => "org.apache.hadoop.io.MapWritable",
        }
    }

    /// Appends the value as its class writes it.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => {}
            Value::Boolean(value) => out.push(u8::from(*value)),
            Value::Byte(value) => out.extend(value.to_be_bytes()),
            Value::Short(value) => out.extend(value.to_be_bytes()),
            Value::Int(value) => out.extend(value.to_be_bytes()),
            Value::Long(value) => out.extend(value.to_be_bytes()),
            Value::VInt(value) => put_vlong(i64::from(*value), out),
            Value::VLong(value) => put_vlong(*value, out),
            Value::Float(value) => out.extend(value.to_be_bytes()),
            Value::Double(value) => out.extend(value.to_be_bytes()),
            Value::Text(value) => put_vint_bytes(value.as_bytes(), out),
            Value::Bytes(value) => put_sized(value, out),
            Value::Map(entries) => write_map(entries, out),
        }
    }
}

/// Reads an ObjectWritable: the name of a class or of a plain type of Java's, and a value of it. Only types
/// whose bytes have one meaning are read.
fn read_object(fields: &mut Fields<'_>, depth: usize) -> Result<Value, String> {
    let mut name = || {
        let length = fields.i16()? as u16;
        Ok::<String, String>(text(fields.bytes(usize::from(length))?))
    };
    let declared = name()?;
    Ok(match declared.as_str() {
        "java.lang.String" => Value::Text(name()?),
        "boolean" => Value::Boolean(fields.i8()? != 0),
        "byte" => Value::Byte(fields.i8()?),
        "short" => Value::Short(fields.i16()?),
        "int" => Value::Int(fields.i32()?),
        "long" => Value::Long(fields.i64()?),
        "float" => Value::Float(fields.f32()?),
        "double" => Value::Double(fields.f64()?),
        class if class.starts_with(PACKAGE) => {
            // The declared class comes first, then the value's own.
            let class = name()?;
            Value::read_from(&class, fields, depth)?
        }
        class => Err(format!(
            "an org.apache.hadoop.io.ObjectWritable holds a {class}, whose values are not known"
        ))?,
    })
}

/// Reads the classes that the map names itself, then entries: each key and value with the number of its class
/// before it.
fn read_map(fields: &mut Fields<'_>, depth: usize) -> Result<Vec<(Value, Value)>, String> {
    let named = fields.i8()?;
    let mut classes = vec![];
    for _ in 0..named.max(0) {
        let id = fields.i8()?;
        let length = fields.i16()? as u16;
        classes.push((id, text(fields.bytes(usize::from(length))?)));
    }
    let count = fields.i32()?;
    let mut entries = vec![];
    for _ in 0..count {
        if fields.is_empty() {
            return Err(format!("it holds {} entries of {count}", entries.len()));
        }
        let mut next = || {
            let id = fields.i8()?;
            let class = class_of(id, &classes)?;
            Value::read_from(&class, fields, depth)
        };
        entries.push((next()?, next()?));
    }
    Ok(entries)
}

fn class_of(id: i8, named: &[(i8, String)]) -> Result<String, String> {
    if let Some((_, class)) = named.iter().find(|(known, _)| *known == id) {
        return Ok(class.clone());
    }
    let known = MAP_CLASSES.get((i32::from(id) + 127) as usize);
    known.map(|class| format!("{PACKAGE}{class}")).ok_or_else(|| format!("a map names no class for {id}"))
}

fn write_map(entries: &[(Value, Value)], out: &mut Vec<u8>) {
    let mut classes: Vec<&'static str> = vec![];
    for value in entries.iter().flat_map(|(key, value)| [key, value]) {
        if known_id(value.class()).is_none() && !classes.contains(&value.class()) {
            classes.push(value.class());
        }
    }
    out.push(classes.len() as u8);
    for (index, class) in classes.iter().enumerate() {
        out.push(index as u8 + 1);
        out.extend((class.len() as u16).to_be_bytes());
        out.extend_from_slice(class.as_bytes());
    }
    out.extend((entries.len() as u32).to_be_bytes());
    for value in entries.iter().flat_map(|(key, value)| [key, value]) {
        let named = || classes.iter().position(|class| *class == value.class()).map_or(0, |at| at as i8 + 1);
        out.push(known_id(value.class()).unwrap_or_else(named) as u8);
        value.write(out);
    }
}

fn known_id(class: &str) -> Option<i8> {
    MAP_CLASSES.iter().position(|known| *known == short_name(class)).map(|at| (at as i32 - 127) as i8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Boolean),
            any::<i8>().prop_map(Value::Byte),
            any::<i16>().prop_map(Value::Short),
            any::<i32>().prop_map(Value::Int),
            any::<i64>().prop_map(Value::Long),
            any::<i32>().prop_map(Value::VInt),
            any::<i64>().prop_map(Value::VLong),
            any::<i16>().prop_map(|x| Value::Float(x.into())),
            any::<i32>().prop_map(|x| Value::Double(x.into())),
            any::<String>().prop_map(Value::Text),
            any::<Vec<u8>>().prop_map(Value::Bytes),
        ];
        leaf.prop_recursive(3, 20, 5, |inner| {
            proptest::collection::vec((inner.clone(), inner), 0..5).prop_map(Value::Map)
        })
    }

    proptest! {
        #[test]
        fn values_come_back_and_their_cuts_do_not(value in values(), cut: proptest::sample::Index) {
            let mut bytes = vec![];
            value.write(&mut bytes);
            prop_assert_eq!(&Value::read(value.class(), &bytes), &Ok(value.clone()));
            if !bytes.is_empty() {
                prop_assert!(Value::read(value.class(), &bytes[..cut.index(bytes.len())]).is_err());
            }
        }

        #[test]
        fn garbage_is_an_error_and_never_a_panic(bytes: Vec<u8>) {
            for class in MAP_CLASSES {
                let _ = Value::read(&format!("{PACKAGE}{class}"), &bytes);
            }
        }
    }

    /// The bytes are those that PySpark 4.3 wrote for `{"a": {"b": {"c": 1}}}` and for a map of several classes.
    #[test]
    fn maps_in_maps_are_those_of_hadoop() {
        let class = "org.apache.hadoop.io.MapWritable";
        let map = |key: &str, value| Value::Map(vec![(Value::Text(key.into()), value)]);
        let nested = b"\0\0\0\0\x01\x8c\x01a\x87\0\0\0\0\x01\x8c\x01b\x87\0\0\0\0\x01\x8c\x01c\x85\0\0\0\x01";
        let value = map("a", map("b", map("c", Value::Int(1))));
        assert_eq!(Value::read(class, nested), Ok(value.clone()));
        let mut bytes = vec![];
        value.write(&mut bytes);
        assert_eq!(bytes, nested);

        let entries = vec![
            (Value::Long(1 << 40), Value::Map(vec![])),
            (Value::Int(1), Value::Bytes(b"x".to_vec())),
            (Value::Text("b".into()), Value::Double(2.5)),
        ];
        let mixed = b"\x01\x01\0\x23org.apache.hadoop.io.DoubleWritable\0\0\0\x03\x86\0\0\x01\0\0\0\0\0\x87\0\0\0\0\0\
            \x85\0\0\0\x01\x83\0\0\0\x01x\x8c\x01b\x01@\x04\0\0\0\0\0\0";
        assert_eq!(Value::read(class, mixed), Ok(Value::Map(entries.clone())));
        bytes.clear();
        Value::Map(entries).write(&mut bytes);
        assert_eq!(bytes, mixed);
    }

    /// The bytes are those that PySpark 4.3 wrote for `(1, 2)` and for `{"a": (1, 2)}`, and could not read.
    #[test]
    fn arrays_are_refused_since_their_bytes_do_not_say_of_what_they_are() {
        let array = b"\0\0\0\x02\0\0\0\x01\0\0\0\x02";
        let map = [&b"\0\0\0\0\x01\x8c\x01a\x81"[..], array].concat();
        for (class, bytes) in [("ArrayWritable", &array[..]), ("MapWritable", &map)] {
            let error = Value::read(&format!("{PACKAGE}{class}"), bytes).unwrap_err();
            assert!(error.contains("ArrayWritable") && error.contains("class its elements are"), "{error}");
        }
    }

    #[test]
    fn maps_in_maps_end_somewhere() {
        let one = [0, 0, 0, 0, 1, (-119_i8) as u8, (-121_i8) as u8];
        let error = Value::read("org.apache.hadoop.io.MapWritable", &one.repeat(10_000)).unwrap_err();
        assert!(error.contains("64 deep"), "{error}");
    }

    #[test]
    fn objects_in_objects_end_somewhere() {
        let class = "org.apache.hadoop.io.ObjectWritable";
        let name = [&(class.len() as u16).to_be_bytes(), class.as_bytes()].concat();
        let error = Value::read(class, &name.repeat(10_000)).unwrap_err();
        assert!(error.contains("64 deep"), "{error}");
    }
}
