//! What attributes hold.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{
    Deserialize, Deserializer,
    de::{
        Error as _, IntoDeserializer, Visitor,
        value::{Error, MapAccessDeserializer, MapDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

use crate::items::Item;

/// What an item holds.
///
/// # Errors
/// Where it isn't what is asked for.
pub(crate) fn from_item<T: for<'de> Deserialize<'de>>(item: Item) -> Result<T, Error> {
    T::deserialize(Reader(AttributeValue::M(item)))
}

/// Reads one attribute.
struct Reader(AttributeValue);

impl IntoDeserializer<'_> for Reader {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Reader {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            AttributeValue::S(text) => visitor.visit_string(text),
            AttributeValue::N(number) => {
                if let Ok(number) = number.parse::<u64>() {
                    visitor.visit_u64(number)
                } else if let Ok(number) = number.parse::<i64>() {
                    visitor.visit_i64(number)
                } else {
                    // Asked for by nobody: it was put there by another hand.
                    let fraction = number.parse().map_err(|_| Error::custom("a number is one"))?;
                    visitor.visit_f64(fraction)
                }
            }
            AttributeValue::Bool(value) => visitor.visit_bool(value),
            AttributeValue::Null(_) => visitor.visit_unit(),
            AttributeValue::L(elements) => visitor.visit_seq(self::elements(elements, |element| element)),
            AttributeValue::M(item) => visitor.visit_map(attributes(item)),
            AttributeValue::B(bytes) => visitor.visit_byte_buf(bytes.into_inner()),
            AttributeValue::Bs(set) => visitor.visit_seq(elements(set, AttributeValue::B)),
            AttributeValue::Ns(set) => visitor.visit_seq(elements(set, AttributeValue::N)),
            AttributeValue::Ss(set) => visitor.visit_seq(elements(set, AttributeValue::S)),
            _ => Err(Error::custom("DynamoDB has a new kind of attribute")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            AttributeValue::Null(_) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            AttributeValue::S(variant) => visitor.visit_enum(variant.into_deserializer()),
            AttributeValue::M(item) if item.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(attributes(item)))
            }
            _ => Err(Error::custom("a variant has one name")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map struct identifier
    }
}

fn attributes<'de>(item: Item) -> MapDeserializer<'de, impl Iterator<Item = (String, Reader)>, Error> {
    MapDeserializer::new(item.into_iter().map(|(name, attribute)| (name, Reader(attribute))))
}

fn elements<T>(
    list: Vec<T>,
    kind: fn(T) -> AttributeValue,
) -> SeqDeserializer<impl Iterator<Item = Reader>, Error> {
    SeqDeserializer::new(list.into_iter().map(move |element| Reader(kind(element))))
}
