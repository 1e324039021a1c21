//! Column projection: which of a file's leaf columns a record needs: those of its fields, also inside structs.

use crate::shape::{Field, Kind};
use parquet::basic::Repetition;
use parquet::schema::types::Type;

/// Returns the leaves to read of a file's columns, given for each root column the kind of the field that it
/// goes to.
pub(super) fn leaves(schema: &Type, wanted: impl Fn(usize) -> Option<Kind>) -> Vec<usize> {
    let (mut kept, mut next) = (vec![], 0);
    for (index, column) in schema.get_fields().iter().enumerate() {
        match wanted(index) {
            Some(kind) => keep(column, &kind, &mut next, &mut kept),
            None => next += count(column),
        }
    }
    kept
}

/// Adds the leaves below one column that a value of this kind needs. `next` is the number of the column's first
/// leaf.
fn keep(column: &Type, kind: &Kind, next: &mut usize, kept: &mut Vec<usize>) {
    let kind = match kind {
        Kind::Option(inner) => inner,
        other => other,
    };
    let first = *next;
    *next += count(column);
    let is_struct = column.is_group() && column.get_basic_info().repetition() != Repetition::REPEATED;
    if let (Kind::Struct(fields), true) = (kind, is_struct) {
        let before = kept.len();
        let mut at = first;
        for part in column.get_fields() {
            match field(fields, part.name()) {
                Some(field) => keep(part, &field.kind, &mut at, kept),
                None => at += count(part),
            }
        }
        // A struct of which no leaf is read would be missing, whether it is null or not: so its first leaf is
        // read.
        if kept.len() > before {
            return;
        }
    }
    kept.extend(first..*next);
}

fn field<'f>(fields: &'f [Field], name: &str) -> Option<&'f Field> {
    fields.iter().find(|field| field.name == name || field.aliases.contains(&name))
}

/// Returns the number of leaves below a column.
fn count(column: &Type) -> usize {
    match column.is_group() {
        true => column.get_fields().iter().map(|part| count(part)).sum(),
        false => 1,
    }
}
