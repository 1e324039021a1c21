//! Spark's schemas, in the JSON that its programs and its Parquet files hold, as Arrow's and back.
//!
//! What Arrow's types do not say lies in a field's metadata: Spark's own metadata, and the name of a type that
//! is stored as another one (`varchar(10)`).

use arrow_ipc::reader::StreamReader;
use arrow_schema::{DataType, Field, Fields, IntervalUnit, Schema, SchemaRef, TimeUnit};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;

/// The keys of a field's metadata.
const METADATA: &str = "spark.metadata";
const TYPE_NAME: &str = "spark.type";

/// Returns the schema that JSON describes: `{"type": "struct", "fields": [...]}`.
///
/// # Errors
/// A sentence, when it is no schema, or has a type that no column can have here.
///
/// ```
/// use firesteel_tables::columns::{schema_of_json, schema_to_json};
/// let json = r#"{"type":"struct","fields":[{"name":"n","type":"long","nullable":true,"metadata":{}}]}"#;
/// let schema = schema_of_json(json).unwrap();
/// assert_eq!(schema.field(0).data_type(), &arrow_schema::DataType::Int64);
/// assert_eq!(schema_of_json(&schema_to_json(&schema).unwrap()), Ok(schema));
/// ```
pub fn schema_of_json(json: &str) -> Result<SchemaRef, String> {
    let value: Value =
        serde_json::from_str(json).map_err(|error| format!("the schema is no JSON: {error}"))?;
    Ok(Arc::new(Schema::new(fields_of(&value)?)))
}

/// Returns a schema as JSON.
///
/// # Errors
/// A sentence, when a column has a type that Spark has no name for.
pub fn schema_to_json(schema: &Schema) -> Result<String, String> {
    Ok(struct_json(schema.fields())?.to_string())
}

fn fields_of(value: &Value) -> Result<Fields, String> {
    let fields = value.get("fields").and_then(Value::as_array);
    let fields = fields.ok_or_else(|| format!("a schema has fields, and this has none: {value}"))?;
    fields.iter().map(field_of).collect()
}

fn field_of(value: &Value) -> Result<Field, String> {
    let (Some(name), Some(kind)) = (value.get("name").and_then(Value::as_str), value.get("type")) else {
        return Err(format!("a field has a name and a type, and this has not: {value}"));
    };
    let nullable = value.get("nullable").and_then(Value::as_bool).unwrap_or(true);
    let mut notes = HashMap::new();
    if let Some(metadata) = value.get("metadata").filter(|m| m.as_object().is_some_and(|m| !m.is_empty())) {
        notes.insert(METADATA.to_string(), metadata.to_string());
    }
    let data_type = type_of(kind).map_err(|what| format!("column {name:?}: {what}"))?;
    if let Some(text) = kind.as_str().filter(|text| name_of(&data_type).as_deref() != Some(*text)) {
        notes.insert(TYPE_NAME.to_string(), text.to_string());
    }
    Ok(Field::new(name, data_type, nullable).with_metadata(notes))
}

/// The name of a list's element, and those of a map's parts, as Parquet's format asks for.
const ELEMENT: &str = "element";
const ENTRIES: &str = "key_value";

fn type_of(value: &Value) -> Result<DataType, String> {
    if let Some(name) = value.as_str() {
        return named(name).ok_or_else(|| format!("there is no type {name:?} for columns here"));
    }
    let part = |name: &str| value.get(name).ok_or_else(|| format!("the type lacks {name}: {value}"));
    let flag = |name: &str| value.get(name).and_then(Value::as_bool).unwrap_or(true);
    match value.get("type").and_then(Value::as_str) {
        Some("struct") => Ok(DataType::Struct(fields_of(value)?)),
        Some("array") => {
            let element = inner(ELEMENT, part("elementType")?, flag("containsNull"))?;
            Ok(DataType::List(Arc::new(element)))
        }
        Some("map") => {
            let key = inner("key", part("keyType")?, false)?;
            let entry = inner("value", part("valueType")?, flag("valueContainsNull"))?;
            let entries = DataType::Struct(Fields::from(vec![key, entry]));
            Ok(DataType::Map(Arc::new(Field::new(ENTRIES, entries, false)), false))
        }
        Some("udt") => type_of(part("sqlType")?),
        _ => Err(format!("there is no type {value} for columns here")),
    }
}

fn inner(name: &str, kind: &Value, nullable: bool) -> Result<Field, String> {
    field_of(&json!({"name": name, "type": kind, "nullable": nullable}))
}

fn named(name: &str) -> Option<DataType> {
    Some(match name {
        "void" | "null" => DataType::Null,
        "boolean" => DataType::Boolean,
        "byte" => DataType::Int8,
        "short" => DataType::Int16,
        "integer" => DataType::Int32,
        "long" => DataType::Int64,
        "float" => DataType::Float32,
        "double" => DataType::Float64,
        "string" => DataType::Utf8,
        "binary" => DataType::Binary,
        "date" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "timestamp_ntz" => DataType::Timestamp(TimeUnit::Microsecond, None),
        "decimal" => DataType::Decimal128(10, 0),
        name if name.starts_with("char(") || name.starts_with("varchar(") || name.starts_with("string ") => {
            DataType::Utf8
        }
        name if name.starts_with("time(") || name == "time" => DataType::Time64(TimeUnit::Nanosecond),
        name if name.starts_with("interval ") => match name.contains("year") || name.contains("month") {
            true => DataType::Interval(IntervalUnit::YearMonth),
            false => DataType::Duration(TimeUnit::Microsecond),
        },
        name => {
            let (precision, scale) = name.strip_prefix("decimal(")?.strip_suffix(')')?.split_once(',')?;
            DataType::Decimal128(precision.trim().parse().ok()?, scale.trim().parse().ok()?)
        }
    })
}

/// Returns the name of a simple type.
fn name_of(data_type: &DataType) -> Option<String> {
    Some(match data_type {
        DataType::Null => "void".into(),
        DataType::Boolean => "boolean".into(),
        DataType::Int8 => "byte".into(),
        DataType::Int16 => "short".into(),
        DataType::Int32 => "integer".into(),
        DataType::Int64 => "long".into(),
        DataType::Float32 => "float".into(),
        DataType::Float64 => "double".into(),
        DataType::Utf8 => "string".into(),
        DataType::Binary => "binary".into(),
        DataType::Date32 => "date".into(),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => "timestamp".into(),
        DataType::Timestamp(TimeUnit::Microsecond, None) => "timestamp_ntz".into(),
        DataType::Time64(TimeUnit::Nanosecond) => "time(6)".into(),
        DataType::Duration(TimeUnit::Microsecond) => "interval day to second".into(),
        DataType::Interval(IntervalUnit::YearMonth) => "interval year to month".into(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        _ => return None,
    })
}

fn struct_json(fields: &Fields) -> Result<Value, String> {
    let fields: Result<Vec<Value>, String> = fields.iter().map(|field| field_json(field)).collect();
    Ok(json!({"type": "struct", "fields": fields?}))
}

fn field_json(field: &Field) -> Result<Value, String> {
    let metadata = field.metadata().get(METADATA).and_then(|text| serde_json::from_str(text).ok());
    Ok(json!({
        "name": field.name(),
        "type": type_json(field)?,
        "nullable": field.is_nullable(),
        "metadata": metadata.unwrap_or(Value::Object(Map::new())),
    }))
}

fn type_json(field: &Field) -> Result<Value, String> {
    if let Some(name) = field.metadata().get(TYPE_NAME) {
        return Ok(Value::String(name.clone()));
    }
    let unknown = || {
        format!("column {:?} has the type {}, which Spark has no name for", field.name(), field.data_type())
    };
    match field.data_type() {
        DataType::Struct(fields) => struct_json(fields),
        DataType::List(element) => Ok(json!({
            "type": "array",
            "elementType": type_json(element)?,
            "containsNull": element.is_nullable(),
        })),
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(parts) if parts.len() == 2 => Ok(json!({
                "type": "map",
                "keyType": type_json(&parts[0])?,
                "valueType": type_json(&parts[1])?,
                "valueContainsNull": parts[1].is_nullable(),
            })),
            _ => Err(unknown()),
        },
        simple => name_of(simple).map(Value::String).ok_or_else(unknown),
    }
}

/// Returns a field of Arrow's with the type that Spark gives it: unsigned numbers become wider ones, times get
/// Spark's unit.
///
/// # Errors
/// A sentence, when Spark has no such type.
pub(super) fn spark_field(field: &Field, binary_as_string: bool) -> Result<Field, String> {
    let inside = |field: &Arc<Field>| spark_field(field, binary_as_string).map(Arc::new);
    let data_type = match field.data_type() {
        DataType::UInt8 => DataType::Int16,
        DataType::UInt16 => DataType::Int32,
        DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float16 => DataType::Float32,
        DataType::Binary if binary_as_string => DataType::Utf8,
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Timestamp(_, Some(_)) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Timestamp(_, None) => DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Date64 => DataType::Date32,
        DataType::Time32(_) | DataType::Time64(_) => DataType::Time64(TimeUnit::Nanosecond),
        DataType::Duration(_) => DataType::Duration(TimeUnit::Microsecond),
        DataType::List(element) | DataType::LargeList(element) | DataType::FixedSizeList(element, _) => {
            DataType::List(Arc::new(spark_field(element, binary_as_string)?.with_name(ELEMENT)))
        }
        DataType::Struct(parts) => DataType::Struct(parts.iter().map(inside).collect::<Result<_, _>>()?),
        DataType::Map(entries, sorted) => match entries.data_type() {
            DataType::Struct(parts) if parts.len() == 2 => {
                let parts = Fields::from(vec![
                    spark_field(&parts[0], binary_as_string)?.with_name("key").with_nullable(false),
                    spark_field(&parts[1], binary_as_string)?.with_name("value"),
                ]);
                DataType::Map(Arc::new(Field::new(ENTRIES, DataType::Struct(parts), false)), *sorted)
            }
            _ => return Err(format!("column {:?} is a map of {entries}", field.name())),
        },
        DataType::Dictionary(_, value) => {
            return spark_field(&field.clone().with_data_type((**value).clone()), binary_as_string);
        }
        simple if name_of(simple).is_some() => simple.clone(),
        other => return Err(format!("column {:?} has the type {other}, which Spark has not", field.name())),
    };
    Ok(Field::new(field.name(), data_type, field.is_nullable()))
}

/// Returns the schema of a stream of Arrow's, as Spark's in JSON.
///
/// # Errors
/// A sentence, when the bytes are no such stream, or a column has a type that Spark has not.
pub fn schema_of_stream(bytes: &[u8]) -> Result<String, String> {
    let reader =
        StreamReader::try_new(std::io::Cursor::new(bytes), None).map_err(|error| error.to_string())?;
    let fields = reader
        .schema()
        .fields()
        .iter()
        .map(|field| spark_field(field, false))
        .collect::<Result<Fields, _>>()?;
    schema_to_json(&Schema::new(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_types_are_told_and_read_back() {
        let simple = [
            "boolean",
            "byte",
            "short",
            "integer",
            "long",
            "float",
            "double",
            "decimal(38,10)",
            "string",
            "binary",
            "date",
            "timestamp",
            "timestamp_ntz",
            "void",
            "varchar(10)",
            "interval day to second",
            "interval year to month",
            "time(6)",
        ];
        let mut kinds: Vec<Value> = simple.iter().map(|name| Value::String((*name).into())).collect();
        kinds.push(json!({"type": "array", "elementType": "char(3)", "containsNull": false}));
        kinds.push(json!({"type": "map", "keyType": "string", "valueType": {"type": "struct", "fields": []},
            "valueContainsNull": true}));
        let fields = kinds.iter().enumerate().map(|(at, kind)| {
            json!({"name": format!("c{at}"), "type": kind, "nullable": at % 2 == 0, "metadata": {"note": at}})
        });
        let json = json!({"type": "struct", "fields": fields.collect::<Vec<_>>()}).to_string();
        let schema = schema_of_json(&json).unwrap();
        let again: Value = serde_json::from_str(&schema_to_json(&schema).unwrap()).unwrap();
        assert_eq!(again, serde_json::from_str::<Value>(&json).unwrap());
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        for (json, what) in [
            ("", "no JSON"),
            ("{}", "has none"),
            (r#"{"fields":[{"name":"a","type":"variant"}]}"#, "variant"),
            (r#"{"fields":[{"type":"string"}]}"#, "a name and a type"),
        ] {
            let error = schema_of_json(json).unwrap_err();
            assert!(error.contains(what), "{error}");
        }
    }

    #[test]
    fn types_that_spark_lacks_become_wider_ones() {
        let of =
            |data_type| spark_field(&Field::new("c", data_type, true), false).unwrap().data_type().clone();
        assert_eq!(of(DataType::UInt32), DataType::Int64);
        assert_eq!(of(DataType::UInt64), DataType::Decimal128(20, 0));
        assert_eq!(of(DataType::LargeUtf8), DataType::Utf8);
        assert_eq!(
            of(DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))),
            DataType::Utf8
        );
        assert!(spark_field(&Field::new("c", DataType::Decimal256(70, 0), true), false).is_err());
    }
}
