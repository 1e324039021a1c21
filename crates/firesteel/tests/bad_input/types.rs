//! Records of rich types, and of types that cannot travel.

use super::support::*;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
enum Kind {
    Plain,
    Numbered(i128),
    Named { name: String, of: Option<Box<Kind>> },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Rich {
    kind: Kind,
    tags: HashMap<String, Vec<Option<u8>>>,
    nested: Vec<Vec<(char, f64)>>,
    unit: (),
    nothing: Option<()>,
    bytes: [u8; 5],
    lots: BTreeMap<(u16, bool), String>,
}

fn kind(i: i64) -> Kind {
    match i % 4 {
        0 => Kind::Plain,
        1 => Kind::Numbered(i128::from(i) << 80),
        2 => Kind::Named { name: format!("ünï {i}"), of: None },
        _ => Kind::Named { name: String::new(), of: Some(Box::new(kind(i - 1))) },
    }
}

fn rich(i: i64) -> Rich {
    Rich {
        kind: kind(i),
        tags: (0..i % 5).map(|k| (k.to_string(), vec![None, Some(k as u8)])).collect(),
        nested: vec![vec![('ß', i as f64 / 3.0); (i % 3) as usize]; (i % 4) as usize],
        unit: (),
        nothing: (i % 2 == 0).then_some(()),
        bytes: [i as u8; 5],
        lots: (0..i % 3).map(|k| ((k as u16, k == 1), "x".repeat(k as usize * 100))).collect(),
    }
}

#[test]
fn rich_types_come_through_everything_as_they_went_in() {
    for memory in ["256k", "64m"] {
        let sc = Own::new(memory);
        let model: Vec<Rich> = (0..2000).map(rich).collect();
        assert_eq!(sc.parallelize(model.clone(), 3).collect().unwrap(), model);
        let records = sc.range_in(0..2000, 3).map(rich);
        assert_eq!(records.collect().unwrap(), model);
        let spread = records.zip_with_index().repartition(4).sort_by(|(_, i)| *i, Order::Ascending);
        assert_eq!(spread.map(|(record, _)| record).collect().unwrap(), model);
        let groups = records.group_by(|record| record.kind.clone()).collect().unwrap();
        assert_eq!(groups.iter().map(|(_, records)| records.len()).sum::<usize>(), 2000);
        assert!(groups.iter().all(|(kind, records)| records.iter().all(|record| record.kind == *kind)));
        let kinds = records.map(|record| record.kind).distinct().collect().unwrap();
        assert_eq!(
            kinds.len(),
            model.iter().map(|record| &record.kind).collect::<std::collections::HashSet<_>>().len()
        );
        let sorted =
            records.map(|record| (record.kind, ())).sort_by_key(Order::Ascending).keys().collect().unwrap();
        assert!(sorted.is_sorted());
        let joined =
            records.key_by(|record| record.kind.clone()).join(&sc.parallelize(vec![(kind(3), 1)], 1));
        assert_eq!(joined.count().unwrap(), 1);
    }
}

/// Refuses to be encoded when it is 13.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
struct Superstitious(i64);

impl Serialize for Superstitious {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self.0 {
            13 => Err(serde::ser::Error::custom("not that number")),
            n => serializer.serialize_i64(n),
        }
    }
}

#[test]
fn a_record_that_refuses_to_be_encoded_is_told() {
    let sc = context();
    let records = sc.range_in(0..20, 2).map(Superstitious);
    let words = ["Superstitious", "could not be encoded", "types.rs"];
    says(&error(sc.parallelize(vec![Superstitious(1), Superstitious(13)], 2).count()), &words);
    says(&error(records.collect()), &words);
    says(&error(records.repartition(2).count()), &words);
    says(&error(records.distinct().count()), &words);
    says(&error(records.map(|x| (0, x)).group_by_key().count()), &words);
    says(&error(records.map(|x| (x, 0)).sort_by_key(Order::Ascending).count()), &words);
    says(&error(records.filter(|x| x.0 < 14).max()), &["Superstitious", "could not be encoded"]);
    says(&error(sc.range(0..3).map_with(Superstitious(13), |_, x| x).count()), &words);
    says(&error(sc.range(0..3).fold_with(Superstitious(13), 0, |_, a, b| a + b)), &words);
    assert_eq!(records.filter(|x| x.0 != 13).repartition(3).count().unwrap(), 19);
    still_works(&sc);
}

/// Cannot be told from its bytes alone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Text(String),
}

#[test]
fn a_type_that_cannot_come_back_is_told_with_the_likely_reason() {
    let sc = context();
    let records = sc
        .range_in(0..4, 2)
        .map(|x| if x % 2 == 0 { Untagged::Number(x) } else { Untagged::Text(x.to_string()) });
    let words = ["Untagged", "could not be decoded", "`untagged`", "types.rs"];
    says(&error(records.collect()), &words);
    says(&error(records.repartition(2).count()), &words);
    says(&error(records.distinct().count()), &words);
    says(&error(records.max_by_hand()), &words);
    says(&error(sc.parallelize(vec![Untagged::Number(1)], 1).count()), &words);
    says(
        &error(sc.range(0..3).map_with(Untagged::Number(1), |_, x| x).count()),
        &["Untagged", "could not be decoded"],
    );
    // What need not travel, may be anything.
    assert_eq!(records.filter(|x| matches!(x, Untagged::Number(_))).count().unwrap(), 2);
    still_works(&sc);
}

trait MaxByHand<T> {
    fn max_by_hand(&self) -> Result<T>;
}

impl<T: Data> MaxByHand<T> for Rdd<T> {
    fn max_by_hand(&self) -> Result<T> {
        self.reduce(|_, b| b)
    }
}
