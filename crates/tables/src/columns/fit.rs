//! Fits a column into another type, where no value can change by it: narrower numbers into wider ones, other
//! units of time, lists and structs whose parts have other names.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ListArray, MapArray, StructArray};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{DataType, Fields};
use std::sync::Arc;

/// Returns the column in another type.
///
/// # Errors
/// A sentence, when the types do not fit, or a value does not.
pub(super) fn fit(array: &ArrayRef, wanted: &DataType) -> Result<ArrayRef, String> {
    let found = array.data_type();
    if found == wanted {
        return Ok(array.clone());
    }
    let misfit = || format!("it is {found} in the file, and {wanted} was asked for");
    match (found, wanted) {
        // Other forms of the same values.
        (DataType::Dictionary(_, values), _) => fit(&in_form(array, values)?, wanted),
        (DataType::LargeList(element) | DataType::FixedSizeList(element, _), DataType::List(_)) => {
            fit(&in_form(array, &DataType::List(element.clone()))?, wanted)
        }
        (DataType::Struct(_), DataType::Struct(parts)) => fit_struct(array.as_struct(), parts),
        (DataType::List(_), DataType::List(element)) => {
            let list = array.as_list::<i32>();
            let values = fit(list.values(), element.data_type())?;
            let fitted =
                ListArray::try_new(element.clone(), list.offsets().clone(), values, list.nulls().cloned());
            fitted.map(|list| Arc::new(list) as ArrayRef).map_err(|error| error.to_string())
        }
        (DataType::Map(..), DataType::Map(entries, sorted)) => {
            let map = array.as_map();
            let DataType::Struct(parts) = entries.data_type() else { return Err(misfit()) };
            // By position: writers name the parts of a map differently.
            let columns = map.entries().columns().iter().zip(parts);
            let columns: Result<Vec<ArrayRef>, String> =
                columns.map(|(column, part)| fit(column, part.data_type())).collect();
            let fitted = StructArray::try_new(parts.clone(), columns?, None).and_then(|fitted| {
                let (offsets, nulls) = (map.offsets().clone(), map.nulls().cloned());
                MapArray::try_new(entries.clone(), offsets, fitted, nulls, *sorted)
            });
            fitted.map(|map| Arc::new(map) as ArrayRef).map_err(|error| error.to_string())
        }
        (DataType::Timestamp(..), DataType::Timestamp(unit, zone)) => {
            // Values with a zone are points in time, whatever the zone is: only its name changes.
            let bare = relabelled(array, None)?;
            let options = CastOptions { safe: false, ..CastOptions::default() };
            let cast = cast_with_options(&bare, &DataType::Timestamp(*unit, None), &options);
            relabelled(&cast.map_err(|error| error.to_string())?, zone.clone())
        }
        _ if is_exact(found, wanted) => {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            cast_with_options(array, wanted, &options).map_err(|error| error.to_string())
        }
        _ => Err(misfit()),
    }
}

/// Returns the same values in another form.
fn in_form(array: &ArrayRef, form: &DataType) -> Result<ArrayRef, String> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, form, &options).map_err(|error| error.to_string())
}

fn fit_struct(array: &StructArray, parts: &Fields) -> Result<ArrayRef, String> {
    let column = |name: &str| {
        let exact = array.column_by_name(name);
        exact.or_else(|| {
            let at = array.fields().iter().position(|field| field.name().eq_ignore_ascii_case(name));
            at.map(|at| array.column(at))
        })
    };
    let fitted = parts.iter().map(|part| match column(part.name()) {
        Some(column) => {
            fit(column, part.data_type()).map_err(|what| format!("part {:?}: {what}", part.name()))
        }
        None => Ok(arrow_array::new_null_array(part.data_type(), array.len())),
    });
    let columns = fitted.collect::<Result<Vec<_>, _>>()?;
    let fitted =
        StructArray::try_new_with_length(parts.clone(), columns, array.nulls().cloned(), array.len());
    fitted.map(|fitted| Arc::new(fitted) as ArrayRef).map_err(|error| error.to_string())
}

/// Returns the same times with another zone, or none.
fn relabelled(array: &ArrayRef, zone: Option<Arc<str>>) -> Result<ArrayRef, String> {
    let DataType::Timestamp(unit, _) = array.data_type() else { return Err("it has no times".into()) };
    let data = array.to_data().into_builder().data_type(DataType::Timestamp(*unit, zone));
    data.build().map(arrow_array::make_array).map_err(|error| error.to_string())
}

/// Returns whether every value of one type is a value of the other, or, of decimals and times, is checked.
fn is_exact(found: &DataType, wanted: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, Date32, Decimal128, Duration, FixedSizeBinary, Float16, Float32, Float64, Int8,
        Int16, Int32, Int64, Interval, LargeBinary, LargeUtf8, Null, Time32, Time64, Timestamp, UInt8,
        UInt16, UInt32, UInt64, Utf8, Utf8View,
    };
    match (found, wanted) {
        (Null, _) => true,
        (Int8, Int16 | Int32 | Int64 | Float32 | Float64 | Decimal128(..))
        | (Int16, Int32 | Int64 | Float32 | Float64 | Decimal128(..))
        | (Int32, Int64 | Float64 | Decimal128(..) | Interval(_))
        | (Int64, Decimal128(..) | Duration(_))
        | (UInt8, Int16 | Int32 | Int64 | Float32 | Float64)
        | (UInt16, Int32 | Int64 | Float32 | Float64)
        | (UInt32, Int64 | Float64)
        | (UInt64, Decimal128(..))
        | (Float16, Float32 | Float64)
        | (Float32, Float64)
        | (Decimal128(..), Decimal128(..))
        | (Duration(_), Int64 | Duration(_))
        | (Interval(_), Int32)
        | (Date32, Timestamp(_, None))
        | (Time32(_) | Time64(_), Time64(_))
        | (LargeUtf8 | Utf8View, Utf8)
        | (LargeBinary | BinaryView | FixedSizeBinary(_), Binary)
        | (Binary, Utf8) => true,
        // Small numbers that a file holds in wider columns: a value beyond them is an error.
        (Int32, Int8 | Int16) | (Int64, Int8 | Int16 | Int32) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::types::{Int32Type, Int64Type, TimestampMicrosecondType};
    use arrow_array::{
        FixedSizeListArray, Int32Array, Int64Array, LargeListArray, StringArray, TimestampNanosecondArray,
    };
    use arrow_schema::{Field, TimeUnit};

    #[test]
    fn a_value_never_changes() {
        let small: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
        assert_eq!(fit(&small, &DataType::Int64).unwrap().as_primitive::<Int64Type>().value(0), 1);
        let large: ArrayRef = Arc::new(Int64Array::from(vec![1 << 40]));
        assert!(fit(&large, &DataType::Int32).is_err(), "it does not fit");
        assert!(fit(&large, &DataType::Float32).is_err(), "digits would be lost");
        let text: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
        let error = fit(&text, &DataType::Int32).unwrap_err();
        assert!(error.contains("Utf8") && error.contains("Int32"), "{error}");
    }

    #[test]
    fn other_forms_of_values_fit() {
        let names: arrow_array::DictionaryArray<Int32Type> =
            vec![Some("x"), None, Some("x")].into_iter().collect();
        let names: ArrayRef = Arc::new(names);
        let plain = fit(&names, &DataType::Utf8).unwrap();
        assert_eq!(plain.as_ref(), &StringArray::from(vec![Some("x"), None, Some("x")]) as &dyn Array);
        let list = DataType::List(Arc::new(Field::new("element", DataType::Int64, true)));
        let values = vec![Some(vec![Some(1), Some(2)]), None];
        let large: ArrayRef =
            Arc::new(LargeListArray::from_iter_primitive::<Int32Type, _, _>(values.clone()));
        let fixed: ArrayRef = Arc::new(FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>(values, 2));
        for array in [large, fixed] {
            let fitted = fit(&array, &list).unwrap();
            let fitted = fitted.as_list::<i32>();
            assert_eq!(fitted.value(0).as_primitive::<Int64Type>().values(), &[1, 2]);
            assert!(fitted.is_null(1));
        }
    }

    #[test]
    fn zones_are_names_of_the_same_points_in_time() {
        let utc: ArrayRef =
            Arc::new(TimestampNanosecondArray::from(vec![1_500]).with_timezone("Europe/Berlin"));
        let wanted = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
        assert_eq!(fit(&utc, &wanted).unwrap().as_primitive::<TimestampMicrosecondType>().value(0), 1);
    }

    #[test]
    fn parts_of_structs_are_found_by_name() {
        let fields = Fields::from(vec![
            Field::new("A", DataType::Int32, true),
            Field::new("b", DataType::Int32, true),
        ]);
        let columns: Vec<ArrayRef> =
            vec![Arc::new(Int32Array::from(vec![1])), Arc::new(Int32Array::from(vec![2]))];
        let found: ArrayRef = Arc::new(StructArray::new(fields, columns, None));
        let wanted = Fields::from(vec![
            Field::new("b", DataType::Int64, true),
            Field::new("missing", DataType::Utf8, true),
            Field::new("a", DataType::Int32, true),
        ]);
        let fitted = fit(&found, &DataType::Struct(wanted)).unwrap();
        let parts = fitted.as_struct();
        assert_eq!(parts.column(0).as_primitive::<Int64Type>().value(0), 2);
        assert_eq!(parts.column(1).null_count(), 1);
        assert_eq!(parts.column(2).as_ref(), &Int32Array::from(vec![1]) as &dyn Array);
    }
}
