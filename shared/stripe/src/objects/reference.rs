//! Fields that hold another object: its id, or the whole object if the call expands the field.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// An object that has an id.
pub trait HasId {
    /// The id.
    fn id(&self) -> &str;
}

/// Another object: its id, or the whole object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expandable<T> {
    /// Its id.
    Id(String),
    /// The whole object.
    Object(Box<T>),
}

/// The id of another object, whether the field was expanded or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference(String);

impl<T: HasId> Expandable<T> {
    /// Its id.
    ///
    /// # Examples
    /// ```
    /// use scrip_stripe::objects::{Expandable, Product};
    ///
    /// let product: Expandable<Product> = serde_json::from_str(r#"{"id": "prod_1"}"#)?;
    /// assert_eq!(product.id(), "prod_1");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Id(id) => id,
            Self::Object(object) => object.id(),
        }
    }

    /// The whole object, if the field was expanded.
    ///
    /// # Examples
    /// ```
    /// use scrip_stripe::objects::{Expandable, Product};
    ///
    /// let product: Expandable<Product> = serde_json::from_str(r#"{"id": "prod_1", "metadata": {"sku": "pack"}}"#)?;
    /// assert_eq!(product.object().unwrap().metadata["sku"], "pack");
    /// assert_eq!(Expandable::<Product>::Id("prod_1".to_owned()).object(), None);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn object(&self) -> Option<&T> {
        match self {
            Self::Id(_) => None,
            Self::Object(object) => Some(object),
        }
    }
}

impl Reference {
    /// Its id.
    ///
    /// # Examples
    /// ```
    /// use scrip_stripe::objects::Reference;
    ///
    /// let customer: Reference = serde_json::from_str(r#"{"id": "cus_1", "object": "customer"}"#)?;
    /// assert_eq!(customer.id(), "cus_1");
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    #[must_use]
    pub fn id(&self) -> &str {
        &self.0
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Expandable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ExpandableVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Stub {
            id: String,
        }
        Ok(match Expandable::<Stub>::deserialize(deserializer)? {
            Expandable::Id(id) => Self(id),
            Expandable::Object(stub) => Self(stub.id),
        })
    }
}

struct ExpandableVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ExpandableVisitor<T> {
    type Value = Expandable<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id or an object")
    }

    fn visit_str<E: Error>(self, id: &str) -> Result<Self::Value, E> {
        Ok(Expandable::Id(id.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(|object| Expandable::Object(Box::new(object)))
    }
}

/// Implements [`HasId`] for types with a field `id`.
macro_rules! impl_has_id {
    ($($object:ty),+ $(,)?) => {
        $(impl crate::objects::HasId for $object {
            fn id(&self) -> &str {
                &self.id
            }
        })+
    };
}
pub(crate) use impl_has_id;
