//! Merging values by themselves, of whatever types: the rules of [`Merge`] as Python's operators follow them.

use crate::merge::Merge;
use crate::single::{Number, Single};
use std::cmp::Ordering;

impl Single {
    /// Merges another value into this one by a rule. Returns `false`, and changes nothing, if that is not done here.
    pub(crate) fn merge(&mut self, rule: &Merge, other: &Single) -> bool {
        let can = self.can_merge(rule, other);
        if can {
            self.merge_in(rule, other);
        }
        can
    }

    fn can_merge(&self, rule: &Merge, other: &Single) -> bool {
        match (rule, self, other) {
            (Merge::First | Merge::Last, _, _) => true,
            (Merge::Parts(rules), Single::Tuple(one), Single::Tuple(two)) => {
                rules.len() == one.len()
                    && rules.len() == two.len()
                    && rules
                        .iter()
                        .zip(one.iter().zip(two))
                        .all(|(rule, (one, two))| one.can_merge(rule, two))
            }
            (Merge::Parts(_), _, _) => false,
            (Merge::Multiply | Merge::MultiplyBy, Single::Text(_), _) => false,
            (_, Single::Text(_), Single::Text(_)) => true,
            (_, one, two) => match (one.number(), two.number()) {
                (Some(one), Some(two)) => one.merged(rule, two).is_some(),
                _ => false,
            },
        }
    }

    /// Merges what can be merged.
    fn merge_in(&mut self, rule: &Merge, other: &Single) {
        match (rule, &mut *self, other) {
            (Merge::First, _, _) => {}
            (Merge::Last, one, two) => *one = two.clone(),
            (Merge::Parts(rules), Single::Tuple(one), Single::Tuple(two)) => {
                for (rule, (one, two)) in rules.iter().zip(one.iter_mut().zip(two)) {
                    one.merge_in(rule, two);
                }
            }
            (rule, Single::Text(one), Single::Text(two)) => match rule {
                Merge::Add | Merge::AddTo => one.push_str(two),
                Merge::AddBefore | Merge::AddToIt => one.insert_str(0, two),
                // The order of UTF-8's bytes is that of code points.
                Merge::Min if two < one => one.clone_from(two),
                Merge::Max if two > one => one.clone_from(two),
                Merge::Min
                | Merge::Max
                | Merge::Multiply
                | Merge::MultiplyBy
                | Merge::First
                | Merge::Last
                | Merge::Parts(_) => {}
            },
            (Merge::Min | Merge::Max, one, two) => {
                let wanted = if *rule == Merge::Min { Ordering::Less } else { Ordering::Greater };
                let (Some(known), Some(new)) = (one.number(), two.number()) else { return };
                // The first of equal ones, and of those without an order, as it is.
                if new.compared(known) == Some(wanted) {
                    *one = two.clone();
                }
            }
            (rule, one, two) => {
                let (Some(known), Some(new)) = (one.number(), two.number()) else { return };
                match known.merged(rule, new) {
                    Some(Number::Int(value)) => *one = Single::Int(value),
                    Some(Number::Float(value)) => *one = Single::Float(value),
                    None => {}
                }
            }
        }
    }
}

impl Number {
    fn merged(self, rule: &Merge, other: Number) -> Option<Number> {
        let is_sum = match rule {
            Merge::Add | Merge::AddTo | Merge::AddBefore | Merge::AddToIt => true,
            Merge::Multiply | Merge::MultiplyBy => false,
            Merge::Min | Merge::Max | Merge::First | Merge::Last => return Some(self),
            Merge::Parts(_) => return None,
        };
        match (self, other) {
            (Number::Int(one), Number::Int(two)) => {
                let merged = if is_sum { one.checked_add(two) } else { one.checked_mul(two) };
                merged.map(Number::Int)
            }
            (one, two) => {
                let (one, two) = (one.float(), two.float());
                Some(Number::Float(if is_sum { one + two } else { one * two }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(rule: Merge, one: Single, two: Single) -> Option<Single> {
        let mut one = one;
        one.merge(&rule, &two).then_some(one)
    }

    #[test]
    fn numbers_are_merged_in_the_type_that_python_gives_them() {
        let (int, float) = (Single::Int, Single::Float);
        assert_eq!(merged(Merge::Add, Single::Bool(true), Single::Bool(true)), Some(int(2)));
        assert_eq!(merged(Merge::Add, int(1 << 70), int(1)), Some(int((1 << 70) + 1)));
        assert_eq!(merged(Merge::Add, int(i128::MAX), int(1)), None);
        assert_eq!(merged(Merge::Add, int(2), float(0.5)), Some(float(2.5)));
        assert_eq!(merged(Merge::Max, int(1), float(1.0)), Some(int(1)));
        assert_eq!(merged(Merge::Max, int(1), float(1.5)), Some(float(1.5)));
        assert_eq!(merged(Merge::Min, float(-0.5), int(0)), Some(float(-0.5)));
        assert_eq!(
            merged(Merge::Min, float(f64::NAN), int(0)).map(|value| value.shape()),
            Some(Some(crate::keys::Shape::Float))
        );
        // 2^53 + 1 is no float: rounded, both would be equal.
        assert_eq!(
            merged(Merge::Max, float(9007199254740992.0), int(9007199254740993)),
            Some(int(9007199254740993))
        );
        assert_eq!(merged(Merge::Add, Single::None, int(0)), None);
        assert_eq!(merged(Merge::Last, Single::None, int(0)), Some(int(0)));
    }

    #[test]
    fn texts_are_added_on_the_side_that_the_rule_says() {
        let text = |text: &str| Single::Text(text.to_string());
        assert_eq!(merged(Merge::Add, text("a"), text("b")), Some(text("ab")));
        assert_eq!(merged(Merge::AddBefore, text("a"), text("b")), Some(text("ba")));
        assert_eq!(merged(Merge::Max, text("z"), text("é")), Some(text("é")));
        assert_eq!(merged(Merge::Multiply, text("a"), text("b")), None);
        let pair = |one: Single, two: Single| Single::Tuple(vec![one, two]);
        let rule = Merge::Parts(vec![Merge::Add, Merge::Add]);
        // As a whole or not at all.
        let mut known = pair(text("a"), Single::None);
        assert!(!known.merge(&rule, &pair(text("b"), Single::Int(1))));
        assert_eq!(known, pair(text("a"), Single::None));
    }
}
