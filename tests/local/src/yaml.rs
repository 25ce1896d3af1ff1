//! A SAM template as JSON: its short tags (`!Ref x`) in their long form (`{"Ref": "x"}`).
//!
//! Invariant: a tag that templates don't have is an error, not a string.

use saphyr::{LoadableYamlNode, Scalar, Tag, Yaml};
use serde::{
    Serialize, Serializer,
    ser::{Error, SerializeMap},
};
use serde_json::{Map, Number, Value, json};

/// The functions whose short form is `!Name` and whose long form is `Fn::Name`.
const FUNCTIONS: [&str; 18] = [
    "And",
    "Base64",
    "Cidr",
    "Equals",
    "FindInMap",
    "GetAZs",
    "GetAtt",
    "If",
    "ImportValue",
    "Join",
    "Length",
    "Not",
    "Or",
    "Select",
    "Split",
    "Sub",
    "ToJsonString",
    "Transform",
];

/// Reads the one document of a template.
///
/// # Errors
/// When it is not YAML, not one document, or has a tag that templates don't have.
pub fn load(text: &str) -> Result<Value, String> {
    convert(&the_one(text)?)
}

/// The one document as JSON text, each mapping in the order in which it is written: people read it.
///
/// # Errors
/// As [`load`], and if there are tags.
pub fn to_json(text: &str) -> Result<String, String> {
    serde_json::to_string(&JsonForm(&the_one(text)?)).map_err(|error| error.to_string())
}

fn the_one(text: &str) -> Result<Yaml<'_>, String> {
    let mut documents = Yaml::load_from_str(text).map_err(|error| format!("not YAML: {error}"))?;
    match (documents.pop(), documents.len()) {
        (Some(document), 0) => Ok(document),
        (_, others) => Err(format!("not one YAML document, but {others} beside the last")),
    }
}

/// A YAML node that is serialized as JSON.
struct JsonForm<'a>(&'a Yaml<'a>);

impl Serialize for JsonForm<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Yaml::Sequence(items) => serializer.collect_seq(items.iter().map(JsonForm)),
            Yaml::Mapping(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(&key_text(key).map_err(Error::custom)?, &JsonForm(value))?;
                }
                map.end()
            }
            Yaml::Tagged(tag, _) => Err(Error::custom(format!("a tag, `{}`", tag.suffix))),
            plain => convert(plain).map_err(Error::custom)?.serialize(serializer),
        }
    }
}

fn convert(node: &Yaml) -> Result<Value, String> {
    match node {
        Yaml::Value(scalar) => convert_scalar(scalar),
        Yaml::Sequence(items) => items.iter().map(convert).collect(),
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, value) in entries {
                object.insert(key_text(key)?, convert(value)?);
            }
            Ok(Value::Object(object))
        }
        Yaml::Tagged(tag, value) => Ok(json!({ long_name(tag)?: convert(value)? })),
        Yaml::Alias(_) => Err("YAML aliases are not supported".to_owned()),
        Yaml::Representation(text, ..) => Err(format!("unreadable value `{text}`")),
        Yaml::BadValue => Err("a value does not fit its YAML tag".to_owned()),
    }
}

fn convert_scalar(scalar: &Scalar) -> Result<Value, String> {
    Ok(match scalar {
        Scalar::Null => Value::Null,
        Scalar::Boolean(value) => Value::Bool(*value),
        Scalar::Integer(value) => Value::from(*value),
        Scalar::FloatingPoint(value) => Number::from_f64(value.into_inner())
            .map(Value::Number)
            .ok_or_else(|| format!("{value} is not a number JSON has"))?,
        Scalar::String(text) => Value::String(text.clone().into_owned()),
    })
}

fn key_text(key: &Yaml) -> Result<String, String> {
    match convert(key)? {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(value) => Ok(value.to_string()),
        other => Err(format!("a mapping has the key {other}, which is not a string")),
    }
}

fn long_name(tag: &Tag) -> Result<String, String> {
    match tag.suffix.as_str() {
        "Ref" | "Condition" if tag.handle == "!" => Ok(tag.suffix.clone()),
        name if tag.handle == "!" && FUNCTIONS.contains(&name) => Ok(format!("Fn::{name}")),
        name => Err(format!("`{}{name}` is not a CloudFormation tag", tag.handle)),
    }
}
