//! Attributes of what is to be stored.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{
    Serialize, Serializer,
    de::value::Error,
    ser::{
        Error as _, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
        SerializeTuple,
    },
};

use crate::items::Item;

/// The item of a struct or a map.
///
/// # Errors
/// Where it is neither, or holds what isn't stored.
pub(crate) fn to_item(value: &impl Serialize) -> Result<Item, Error> {
    match to_attribute(value)? {
        AttributeValue::M(item) => Ok(item),
        _ => Err(Error::custom("an item has names")),
    }
}

/// The attribute of a value.
///
/// # Errors
/// Where it holds what isn't stored: fractions, bytes, a map whose names aren't text.
pub(crate) fn to_attribute(value: &impl Serialize) -> Result<AttributeValue, Error> {
    value.serialize(Writer)
}

fn not_stored<T>(what: &str) -> Result<T, Error> {
    Err(Error::custom(format_args!("{what} isn't stored")))
}

/// Writes one attribute.
struct Writer;

/// The attributes of a struct or a map so far.
struct Attributes {
    item: Item,
    /// Where the value of this name is written next.
    name: Option<String>,
    /// Which variant of an enum they are of.
    variant: Option<&'static str>,
}

impl Attributes {
    fn of(count: usize) -> Self {
        Self { item: HashMap::with_capacity(count), name: None, variant: None }
    }

    fn add<T: Serialize + ?Sized>(&mut self, name: String, value: &T) -> Result<(), Error> {
        let attribute = value.serialize(Writer)?;
        self.item.insert(name, attribute);
        Ok(())
    }

    fn done(self) -> AttributeValue {
        let item = AttributeValue::M(self.item);
        match self.variant {
            Some(variant) => AttributeValue::M(HashMap::from([(variant.to_owned(), item)])),
            None => item,
        }
    }
}

/// The attributes of a list so far.
struct Elements(Vec<AttributeValue>);

impl Serializer for Writer {
    type Ok = AttributeValue;
    type Error = Error;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Impossible<AttributeValue, Error>;
    type SerializeTupleVariant = Impossible<AttributeValue, Error>;
    type SerializeMap = Attributes;
    type SerializeStruct = Attributes;
    type SerializeStructVariant = Attributes;

    fn serialize_bool(self, value: bool) -> Result<AttributeValue, Error> {
        Ok(AttributeValue::Bool(value))
    }

    fn serialize_i8(self, value: i8) -> Result<AttributeValue, Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i16(self, value: i16) -> Result<AttributeValue, Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i32(self, value: i32) -> Result<AttributeValue, Error> {
        self.serialize_i64(value.into())
    }

    fn serialize_i64(self, value: i64) -> Result<AttributeValue, Error> {
        Ok(AttributeValue::N(value.to_string()))
    }

    fn serialize_u8(self, value: u8) -> Result<AttributeValue, Error> {
        self.serialize_u64(value.into())
    }

    fn serialize_u16(self, value: u16) -> Result<AttributeValue, Error> {
        self.serialize_u64(value.into())
    }

    fn serialize_u32(self, value: u32) -> Result<AttributeValue, Error> {
        self.serialize_u64(value.into())
    }

    fn serialize_u64(self, value: u64) -> Result<AttributeValue, Error> {
        Ok(AttributeValue::N(value.to_string()))
    }

    fn serialize_f32(self, _: f32) -> Result<AttributeValue, Error> {
        not_stored("a fraction")
    }

    fn serialize_f64(self, _: f64) -> Result<AttributeValue, Error> {
        not_stored("a fraction")
    }

    fn serialize_char(self, value: char) -> Result<AttributeValue, Error> {
        Ok(AttributeValue::S(value.to_string()))
    }

    fn serialize_str(self, value: &str) -> Result<AttributeValue, Error> {
        Ok(AttributeValue::S(value.to_owned()))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<AttributeValue, Error> {
        not_stored("a run of bytes")
    }

    fn serialize_none(self) -> Result<AttributeValue, Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<AttributeValue, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<AttributeValue, Error> {
        Ok(AttributeValue::Null(true))
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<AttributeValue, Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<AttributeValue, Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<AttributeValue, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<AttributeValue, Error> {
        let mut attributes = Attributes::of(1);
        attributes.add(variant.to_owned(), value)?;
        Ok(attributes.done())
    }

    fn serialize_seq(self, count: Option<usize>) -> Result<Elements, Error> {
        Ok(Elements(Vec::with_capacity(count.unwrap_or_default())))
    }

    fn serialize_tuple(self, count: usize) -> Result<Elements, Error> {
        self.serialize_seq(Some(count))
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<AttributeValue, Error>, Error> {
        not_stored("a struct without names")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Impossible<AttributeValue, Error>, Error> {
        not_stored("a variant without names")
    }

    fn serialize_map(self, count: Option<usize>) -> Result<Attributes, Error> {
        Ok(Attributes::of(count.unwrap_or_default()))
    }

    fn serialize_struct(self, _: &'static str, count: usize) -> Result<Attributes, Error> {
        Ok(Attributes::of(count))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        count: usize,
    ) -> Result<Attributes, Error> {
        Ok(Attributes { variant: Some(variant), ..Attributes::of(count) })
    }
}

impl SerializeStruct for Attributes {
    type Ok = AttributeValue;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.add(name.to_owned(), value)
    }

    fn end(self) -> Result<AttributeValue, Error> {
        Ok(self.done())
    }
}

impl SerializeStructVariant for Attributes {
    type Ok = AttributeValue;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        self.add(name.to_owned(), value)
    }

    fn end(self) -> Result<AttributeValue, Error> {
        Ok(self.done())
    }
}

impl SerializeMap for Attributes {
    type Ok = AttributeValue;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, name: &T) -> Result<(), Error> {
        let AttributeValue::S(name) = name.serialize(Writer)? else {
            return not_stored("a name that isn't text");
        };
        self.name = Some(name);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let name = self.name.take().ok_or_else(|| Error::custom("a value comes after its name"))?;
        self.add(name, value)
    }

    fn end(self) -> Result<AttributeValue, Error> {
        Ok(self.done())
    }
}

impl SerializeSeq for Elements {
    type Ok = AttributeValue;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.0.push(value.serialize(Writer)?);
        Ok(())
    }

    fn end(self) -> Result<AttributeValue, Error> {
        Ok(AttributeValue::L(self.0))
    }
}

impl SerializeTuple for Elements {
    type Ok = AttributeValue;
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Result<AttributeValue, Error> {
        SerializeSeq::end(self)
    }
}
