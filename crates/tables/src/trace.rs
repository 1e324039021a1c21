//! Type tracing: learns the shape of a record type by deserialising it from made-up values and noting what it
//! asks for.
//!
//! A type may refuse a made-up value: a date that is written as text is not made from "". Then the text that
//! was given last is replaced by the next candidate, and everything begins anew. Two names of one field show as
//! a duplicate. Once a value could be made, further runs test which fields may be missing, and whether fields
//! accept their numbers too.

use crate::fault::{Fault, What};
use crate::shape::{Field, Kind, Shape};
use serde::de::{self, DeserializeOwned, DeserializeSeed, IntoDeserializer, Visitor};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The texts that are given to a type that wants text, one after another until one is accepted.
const TEXTS: &[&str] = &[
    "",
    "a",
    "1",
    "1970-01-01",
    "1970-01-01T00:00:00Z",
    "1970-01-01T00:00:00",
    "1970-01-01 00:00:00",
    "1970-01-01T00:00:00+00:00[UTC]",
    "00:00:00",
    "PT0S",
    "00000000-0000-0000-0000-000000000000",
    "127.0.0.1",
    "::1",
    "127.0.0.1:80",
    "http://localhost/",
];

/// The depth to which types may be nested before they count as recursive.
const MAX_DEPTH: usize = 24;

/// The most runs for a type until its values are accepted.
const MAX_RUNS: usize = 1000;

type Path = Vec<usize>;

/// The state that is kept from run to run.
#[derive(Default)]
struct Session {
    /// Names, by their path, that were found to be a second name of the field before.
    aliases: BTreeMap<Path, &'static str>,
    /// The number of texts that were refused at a path.
    refused: BTreeMap<Path, usize>,
    /// The path at which text was given last.
    last_text: Option<Path>,
    /// The path of the name that was given last.
    last_name: Path,
    /// The names that the record type itself has.
    root: &'static [&'static str],
    probe: Probe,
}

/// The question of a run, beyond the shape.
#[derive(Default, PartialEq)]
enum Probe {
    #[default]
    Nothing,
    /// Tests whether the root can do without a name.
    Without(usize),
    /// Tests whether the root's field of this number, among those that are no aliases, has this name.
    Numbered(usize, usize),
}

impl Shape {
    /// The shape of a type.
    pub fn of<T: DeserializeOwned>() -> Shape {
        let session = RefCell::new(Session::default());
        let kind = learn::<T>(&session);
        let names = session.borrow().root;
        let mut fields = match &kind {
            Ok(Kind::Struct(fields)) => fields.clone(),
            _ => names.iter().map(|name| opaque(name)).collect(),
        };
        let mut by_index = !fields.is_empty() && kind.is_ok();
        if kind.is_ok() {
            for (ordinal, field) in fields.iter_mut().enumerate() {
                let place =
                    names.iter().position(|name| *name == first_name(field, &session, names)).unwrap_or(0);
                let without = run::<T>(&session, Probe::Without(place));
                field.required = without.is_err_and(|fault| matches!(fault.what(), What::Missing(_)));
                let numbered = run::<T>(&session, Probe::Numbered(ordinal, place));
                by_index &= numbered.is_err_and(|fault| matches!(fault.what(), What::Duplicate(_)));
            }
        }
        let kind = match kind {
            Ok(Kind::Struct(_)) => Ok(Kind::Struct(fields.clone())),
            other => other,
        };
        Shape { record: std::any::type_name::<T>(), kind, fields, by_index }
    }
}

/// Makes a field of which only the name is known.
fn opaque(name: &'static str) -> Field {
    Field { name, aliases: vec![], kind: Kind::Any, required: false }
}

/// Returns the name of a field that runs use: the first of its names that is no alias of one before.
fn first_name(field: &Field, session: &RefCell<Session>, names: &[&'static str]) -> &'static str {
    let session = session.borrow();
    let used = |name: &str| {
        names.iter().position(|n| *n == name).is_some_and(|at| !session.aliases.contains_key(&vec![at]))
    };
    [field.name]
        .into_iter()
        .chain(field.aliases.iter().copied())
        .find(|name| used(name))
        .unwrap_or(field.name)
}

fn run<T: DeserializeOwned>(session: &RefCell<Session>, probe: Probe) -> Result<Kind, Fault> {
    {
        let mut session = session.borrow_mut();
        session.probe = probe;
        session.last_text = None;
    }
    let mut kind = Kind::Any;
    T::deserialize(Tracer { session, path: vec![], kind: &mut kind })?;
    Ok(kind)
}

/// Runs until the type accepts all values.
fn learn<T: DeserializeOwned>(session: &RefCell<Session>) -> Result<Kind, String> {
    for _ in 0..MAX_RUNS {
        let fault = match run::<T>(session, Probe::Nothing) {
            Ok(kind) => return Ok(kind),
            Err(fault) => fault,
        };
        let mut session = session.borrow_mut();
        if let What::Duplicate(name) = *fault.what() {
            let place = session.last_name.clone();
            session.aliases.insert(place, name);
            continue;
        }
        let Some(place) = session.last_text.clone() else { return Err(fault.to_string()) };
        let refused = session.refused.entry(place).or_default();
        *refused += 1;
        if *refused >= TEXTS.len() {
            return Err(fault.to_string());
        }
    }
    Err("the type accepts none of the values that it was shown".into())
}

/// Deserialises from made-up values.
struct Tracer<'s> {
    session: &'s RefCell<Session>,
    path: Path,
    kind: &'s mut Kind,
}

impl<'s> Tracer<'s> {
    fn inner<'k>(&self, place: usize, kind: &'k mut Kind) -> Tracer<'k>
    where
        's: 'k,
    {
        let mut path = self.path.clone();
        path.push(place);
        Tracer { session: self.session, path, kind }
    }

    fn check_depth(&self) -> Result<(), Fault> {
        match self.path.len() < MAX_DEPTH {
            true => Ok(()),
            false => Err(Fault::new("the type contains itself")),
        }
    }

    fn text(&self) -> &'static str {
        let mut session = self.session.borrow_mut();
        session.last_text = Some(self.path.clone());
        TEXTS[session.refused.get(&self.path).copied().unwrap_or(0)]
    }
}

macro_rules! trace_scalars {
    ($($method:ident $kind:ident $visit:ident $value:expr;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            *self.kind = Kind::$kind;
            visitor.$visit($value)
        })*
    };
}

impl<'de> de::Deserializer<'de> for Tracer<'_> {
    type Error = Fault;

    trace_scalars! {
        deserialize_bool Bool visit_bool false;
        deserialize_i8 I8 visit_i8 1;
        deserialize_i16 I16 visit_i16 1;
        deserialize_i32 I32 visit_i32 1;
        deserialize_i64 I64 visit_i64 1;
        deserialize_i128 I128 visit_i128 1;
        deserialize_u8 U8 visit_u8 1;
        deserialize_u16 U16 visit_u16 1;
        deserialize_u32 U32 visit_u32 1;
        deserialize_u64 U64 visit_u64 1;
        deserialize_u128 U128 visit_u128 1;
        deserialize_f32 F32 visit_f32 1.0;
        deserialize_f64 F64 visit_f64 1.0;
        deserialize_char Char visit_char 'a';
        deserialize_bytes Bytes visit_bytes b"";
        deserialize_byte_buf Bytes visit_bytes b"";
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        *self.kind = Kind::Any;
        let text = self.text();
        visitor.visit_str(text)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        *self.kind = Kind::Str;
        let text = self.text();
        visitor.visit_str(text)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.check_depth()?;
        let mut inner = Kind::Any;
        let value = visitor.visit_some(self.inner(0, &mut inner))?;
        *self.kind = Kind::Option(Box::new(inner));
        Ok(value)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        *self.kind = Kind::Unit;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.check_depth()?;
        let mut elements = Elements { tracer: &self, left: 1, kinds: vec![] };
        let value = visitor.visit_seq(&mut elements)?;
        let inner = elements.kinds.pop().unwrap_or(Kind::Any);
        *self.kind = Kind::Seq(Box::new(inner));
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Fault> {
        self.check_depth()?;
        let mut elements = Elements { tracer: &self, left: length, kinds: vec![] };
        let value = visitor.visit_seq(&mut elements)?;
        let kinds = elements.kinds;
        *self.kind = Kind::Tuple(kinds);
        Ok(value)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.check_depth()?;
        let mut entries = Entries { tracer: &self, key: None, value: Kind::Any };
        let value = visitor.visit_map(&mut entries)?;
        let Entries { key, value: inner, .. } = entries;
        *self.kind = Kind::Map(Box::new(key.unwrap_or(Kind::Any)), Box::new(inner));
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.check_depth()?;
        if self.path.is_empty() {
            self.session.borrow_mut().root = names;
        }
        let mut given = Names { tracer: &self, names, next: 0, number: Number::No, fields: vec![] };
        let value = visitor.visit_map(&mut given)?;
        let fields = given.fields;
        *self.kind = Kind::Struct(fields);
        Ok(value)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        *self.kind = Kind::Enum(variants);
        visitor.visit_enum(FirstVariant(variants))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

/// A number of made-up values.
struct Elements<'t, 's> {
    tracer: &'t Tracer<'s>,
    left: usize,
    kinds: Vec<Kind>,
}

impl<'de> de::SeqAccess<'de> for Elements<'_, '_> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let mut kind = Kind::Any;
        let value = seed.deserialize(self.tracer.inner(self.kinds.len(), &mut kind))?;
        self.kinds.push(kind);
        Ok(Some(value))
    }
}

/// One made-up entry.
struct Entries<'t, 's> {
    tracer: &'t Tracer<'s>,
    key: Option<Kind>,
    value: Kind,
}

impl<'de> de::MapAccess<'de> for Entries<'_, '_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        if self.key.is_some() {
            return Ok(None);
        }
        let mut kind = Kind::Any;
        let key = seed.deserialize(self.tracer.inner(0, &mut kind))?;
        self.key = Some(kind);
        Ok(Some(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let mut kind = Kind::Any;
        let value = seed.deserialize(self.tracer.inner(1, &mut kind))?;
        self.value = kind;
        Ok(value)
    }
}

/// A made-up value for each name.
struct Names<'t, 's> {
    tracer: &'t Tracer<'s>,
    names: &'static [&'static str],
    next: usize,
    number: Number,
    fields: Vec<Field>,
}

/// The state of the probe for numbers.
#[derive(Clone, Copy, PartialEq)]
enum Number {
    No,
    /// The number was given, its value comes next.
    Given,
    /// The value was given too.
    Done,
}

impl Names<'_, '_> {
    /// Returns the next name to give: aliases are noted and skipped.
    fn advance(&mut self) -> Option<usize> {
        let session = self.tracer.session.borrow();
        let is_root = self.tracer.path.is_empty();
        while self.next < self.names.len() {
            let place = self.next;
            let mut path = self.tracer.path.clone();
            path.push(place);
            match (session.aliases.get(&path), &session.probe) {
                (Some(main), _) => {
                    if let Some(field) = self.fields.last_mut() {
                        field.aliases.extend([field.name, self.names[place]]);
                        field.name = main;
                        field.aliases.retain(|alias| alias != main);
                        field.aliases.dedup();
                    }
                }
                (None, Probe::Without(at)) if is_root && *at == place => {}
                (None, _) => return Some(place),
            }
            self.next += 1;
        }
        None
    }
}

impl<'de> de::MapAccess<'de> for Names<'_, '_> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Fault> {
        let probe = match (&self.tracer.session.borrow().probe, self.tracer.path.is_empty()) {
            (Probe::Numbered(ordinal, place), true) => Some((*ordinal, *place)),
            _ => None,
        };
        if let Some((ordinal, place)) = probe {
            self.next = place;
            if self.number == Number::No {
                self.number = Number::Given;
                let key: de::value::U64Deserializer<Fault> = (ordinal as u64).into_deserializer();
                return seed.deserialize(key).map(Some);
            }
        }
        let Some(place) = self.advance() else { return Ok(None) };
        let mut path = self.tracer.path.clone();
        path.push(place);
        self.tracer.session.borrow_mut().last_name = path;
        let key: de::value::StrDeserializer<'_, Fault> = self.names[place].into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        if self.number == Number::Done {
            return Err(Fault::new("the number of a field stands for another field than its name"));
        }
        let place = self.next;
        let mut kind = Kind::Any;
        let value = seed.deserialize(self.tracer.inner(place, &mut kind))?;
        if self.number == Number::Given {
            self.number = Number::Done;
            return Ok(value);
        }
        let optional = matches!(kind, Kind::Option(_));
        self.fields.push(Field { name: self.names[place], aliases: vec![], kind, required: !optional });
        self.next += 1;
        Ok(value)
    }
}

/// The first of an enum's variants, without data.
struct FirstVariant(&'static [&'static str]);

impl<'de> de::EnumAccess<'de> for FirstVariant {
    type Error = Fault;
    type Variant = FirstVariant;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, FirstVariant), Fault> {
        let name: &'static str = self.0.first().copied().unwrap_or("");
        let name: de::value::StrDeserializer<'_, Fault> = name.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

const DATA_IN_VARIANT: &str =
    "enums with data in their variants have no column; make the variants' data fields of the record";

impl<'de> de::VariantAccess<'de> for FirstVariant {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, _: S) -> Result<S::Value, Fault> {
        Err(Fault::new(DATA_IN_VARIANT))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Fault> {
        Err(Fault::new(DATA_IN_VARIANT))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Fault> {
        Err(Fault::new(DATA_IN_VARIANT))
    }
}
