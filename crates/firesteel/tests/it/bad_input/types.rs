//! Records of rich types, and of types that cannot be encoded.

use super::support::*;
use firesteel::Str;

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
        let broadcast_tree = records.zip_with_index().repartition(4).sort_by(|(_, i)| *i, Order::Ascending);
        assert_eq!(broadcast_tree.map(|(record, _)| record).collect().unwrap(), model);
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

/// Keys of one type through all that compares, hashes, encodes and spills keys.
fn any_key<K: Data + std::hash::Hash + Ord + std::fmt::Debug>(
    sc: &Context,
    make: fn(i64) -> K,
    different: usize,
) {
    let name = std::any::type_name::<K>();
    let keys = sc.parallelize((0..600).map(make).collect::<Vec<_>>(), 3);
    let model = sorted((0..600).map(make).collect::<Vec<_>>());
    let pairs = keys.zip_with_index();
    assert_eq!(sorted(keys.collect().unwrap()), model, "{name}");
    assert_eq!(keys.sort_by(|k| k.clone(), Order::Ascending).collect().unwrap(), model, "{name}");
    assert_eq!(keys.distinct().count().unwrap(), different as u64, "{name}");
    assert_eq!(keys.count_by_value().unwrap().values().sum::<u64>(), 600, "{name}");
    let groups = pairs.group_by_key().collect().unwrap();
    assert_eq!(groups.len(), different, "{name}");
    assert!(groups.iter().all(|(key, places)| places.iter().all(|i| make(*i as i64) == *key)), "{name}");
    let squares: u64 = groups.iter().map(|(_, places)| (places.len() as u64).pow(2)).sum();
    assert_eq!(pairs.join(&pairs).count().unwrap(), squares, "{name}");
    assert_eq!(keys.subtract(&keys).count().unwrap(), 0, "{name}");
    assert_eq!(sorted(keys.repartition(4).collect().unwrap()), model, "{name}");
    assert_eq!(keys.max().unwrap(), model[599], "{name}");
}

#[test]
fn keys_of_every_kind_of_type() {
    for memory in ["64k", "64m"] {
        let sc = Own::new(memory);
        any_key(&sc, |_| (), 1);
        any_key(&sc, |_| [(); 3], 1);
        any_key(&sc, |x| x % 2 == 0, 2);
        any_key(&sc, |x| (x % 7 == 0).then_some(()), 2);
        any_key(&sc, |x| x as u8, 256);
        any_key(&sc, |x| x as i8, 256);
        any_key(&sc, |x| (x * 1000) as u16, 600);
        any_key(&sc, |x| -x, 600);
        any_key(&sc, |x| x as usize, 600);
        any_key(&sc, |x| i128::MAX - i128::from(x), 600);
        any_key(&sc, |x| u128::from(x as u64) << 90, 600);
        any_key(&sc, |x| char::from_u32(x as u32), 600);
        any_key(&sc, |x| "é".repeat(x as usize % 50), 50);
        any_key(&sc, |x| Str::from("é".repeat(x as usize % 50)), 50);
        any_key(&sc, |x| Box::new(x % 9), 9);
        any_key(&sc, |x| vec![x % 5; x as usize % 3], 1 + 5 + 5);
        any_key(&sc, |x| (x % 2, (x % 3).to_string(), Some(x % 5 == 0)), 12);
        any_key(&sc, |x| BTreeMap::from([(x % 4, x % 4)]), 4);
        any_key(&sc, |x| Some(Some(x % 3 == 0).filter(|is| *is)), 2);
        any_key(&sc, std::cmp::Reverse, 600);
        any_key(&sc, |x| if x % 2 == 0 { Ok(x % 10) } else { Err((x % 10).to_string()) }, 10);
        any_key(&sc, kind, 1 + 3 * 150);
    }
}
