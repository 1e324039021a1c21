//! Shapes of record types, as their `Deserialize` tells.

use firesteel_tables::{Kind, Shape};
use serde::{Deserialize, Deserializer};

fn fields(shape: &Shape) -> Vec<(&'static str, Vec<&'static str>, String, bool)> {
    let fields = shape.fields().iter();
    fields.map(|field| (field.name, field.aliases.clone(), field.kind.to_string(), field.required)).collect()
}

#[test]
fn names_aliases_defaults_and_options() {
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is looked at")]
    struct Row {
        #[serde(rename = "b", alias = "a", alias = "z")]
        x: u8,
        #[serde(skip)]
        skipped: String,
        #[serde(default)]
        y: f32,
        w: Option<Box<str>>,
        c: char,
    }
    let expected = [
        ("b", vec!["a", "z"], "u8".to_string(), true),
        ("y", vec![], "f32".into(), false),
        ("w", vec![], "Option of text".into(), false),
        ("c", vec![], "char".into(), true),
    ];
    assert_eq!(fields(&Shape::of::<Row>()), expected);
}

/// Accepts dates only.
struct Date;

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_date = text.len() == 10 && text.bytes().filter(|byte| *byte == b'-').count() == 2;
        if is_date { Ok(Date) } else { Err(serde::de::Error::custom(format!("{text:?} is no date"))) }
    }
}

#[test]
fn types_that_refuse_most_texts_are_shown_others() {
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is looked at")]
    struct Row {
        from: Date,
        address: std::net::IpAddr,
        upto: Option<Date>,
    }
    let shape = Shape::of::<Row>();
    assert_eq!(
        fields(&shape).iter().map(|field| field.2.as_str()).collect::<Vec<_>>(),
        ["text", "text", "Option of text"]
    );
}

#[test]
fn types_that_refuse_everything_still_have_names() {
    struct Never;

    impl<'de> Deserialize<'de> for Never {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            String::deserialize(deserializer)?;
            Err(serde::de::Error::custom("never"))
        }
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is looked at")]
    struct Row {
        a: i32,
        b: Never,
    }
    let shape = Shape::of::<Row>();
    assert_eq!((shape.kind(), shape.fields().len()), (None, 2));
}

#[test]
fn recursive_types_and_tuples() {
    #[derive(Deserialize)]
    #[expect(dead_code, reason = "only its shape is looked at")]
    struct Node {
        next: Option<Box<Node>>,
    }
    assert_eq!(Shape::of::<Node>().kind(), None);
    assert_eq!(
        Shape::of::<(u8, Vec<bool>)>().kind(),
        Some(&Kind::Tuple(vec![Kind::U8, Kind::Seq(Box::new(Kind::Bool))]))
    );
    assert_eq!(Shape::of::<i128>().kind(), Some(&Kind::I128));
}
