//! The shape of a record type: its fields and their types, as its `Deserialize` asks for them. Learned once by
//! `trace`; used to match columns, and by the writers, which need a schema also if there are no rows.

/// The type of a value, as its `Deserialize` asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as the types they stand for")]
pub enum Kind {
    Bool,
    I8,
    I16,
    I32,
    I64,
    I128,
    U8,
    U16,
    U32,
    U64,
    U128,
    F32,
    F64,
    Char,
    /// Text, and all types that serialise as text.
    Str,
    Bytes,
    Unit,
    /// Any type.
    Any,
    Option(Box<Kind>),
    Seq(Box<Kind>),
    Tuple(Vec<Kind>),
    Map(Box<Kind>, Box<Kind>),
    Struct(Vec<Field>),
    /// Variants without data, by their names.
    Enum(&'static [&'static str]),
}

/// A field of a record type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, as serde gives and takes it.
    pub name: &'static str,
    /// Other names that it accepts.
    pub aliases: Vec<&'static str>,
    /// Its type.
    pub kind: Kind,
    /// True if a row without it is no record: it is neither an `Option` nor has it a default.
    pub required: bool,
}

/// The description of a record type for tables.
///
/// ```
/// use firesteel_tables::{Kind, Shape};
/// # use serde::Deserialize;
/// #[derive(Deserialize)]
/// # #[allow(dead_code)]
/// struct Trip {
///     fare: f64,
///     #[serde(rename = "tipAmount")]
///     tip: Option<f64>,
/// }
/// let shape = Shape::of::<Trip>();
/// let fields: Vec<_> = shape.fields().iter().map(|field| (field.name, field.required)).collect();
/// assert_eq!(fields, [("fare", true), ("tipAmount", false)]);
/// assert_eq!(shape.kind(), Some(&Kind::Struct(shape.fields().to_vec())));
/// ```
#[derive(Clone, Debug)]
pub struct Shape {
    pub(crate) record: &'static str,
    /// An error when the type cannot be made from made-up values; the reason as a sentence.
    pub(crate) kind: Result<Kind, String>,
    /// The fields of a struct, even if nothing else is known.
    pub(crate) fields: Vec<Field>,
    /// True if the type's `Deserialize` accepts the number of a field for its name. Tested, not assumed.
    pub(crate) by_index: bool,
}

impl Shape {
    /// The name of the type.
    pub fn record(&self) -> &'static str {
        self.record
    }

    /// Returns the fields, if it is a struct.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// Returns the type, if it could be learned: a type that checks its values while they are deserialised may
    /// refuse the made-up ones.
    pub fn kind(&self) -> Option<&Kind> {
        self.kind.as_ref().ok()
    }

    /// Returns the fields' names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.fields.iter().map(|field| field.name.to_string()).collect()
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Kind::Bool => f.write_str("bool"),
            Kind::I8 => f.write_str("i8"),
            Kind::I16 => f.write_str("i16"),
            Kind::I32 => f.write_str("i32"),
            Kind::I64 => f.write_str("i64"),
            Kind::I128 => f.write_str("i128"),
            Kind::U8 => f.write_str("u8"),
            Kind::U16 => f.write_str("u16"),
            Kind::U32 => f.write_str("u32"),
            Kind::U64 => f.write_str("u64"),
            Kind::U128 => f.write_str("u128"),
            Kind::F32 => f.write_str("f32"),
            Kind::F64 => f.write_str("f64"),
            Kind::Char => f.write_str("char"),
            Kind::Str => f.write_str("text"),
            Kind::Bytes => f.write_str("bytes"),
            Kind::Unit => f.write_str("()"),
            Kind::Any => f.write_str("any value"),
            Kind::Option(inner) => write!(f, "Option of {inner}"),
            Kind::Seq(inner) => write!(f, "list of {inner}"),
            Kind::Tuple(inner) => write!(f, "tuple of {}", inner.len()),
            Kind::Map(key, value) => write!(f, "map from {key} to {value}"),
            Kind::Struct(_) => f.write_str("struct"),
            Kind::Enum(_) => f.write_str("enum"),
        }
    }
}
