//! Serializes a value as it is, but for its texts: each is replaced as its field's policy says.

use super::{
    Pseudonyms,
    policy::{self, Treat},
};
use serde::{
    Serialize, Serializer,
    ser::{
        SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
        SerializeTupleVariant,
    },
};
use std::cell::RefCell;

/// A value whose texts are replaced.
pub(super) struct Veiled<'a, T: ?Sized> {
    value: &'a T,
    place: Place<'a>,
}

/// Where a value stands, and so what becomes of its texts.
#[derive(Clone, Copy)]
struct Place<'a> {
    with: &'a Pseudonyms,
    treat: Treat,
    /// Is it the key of a label, or its value?
    label: Option<(&'a RefCell<String>, usize)>,
}

impl<'a, T: Serialize + ?Sized> Veiled<'a, T> {
    pub fn new(value: &'a T, with: &'a Pseudonyms) -> Self {
        Self { value, place: Place { with, treat: Treat::Name, label: None } }
    }
}

impl<T: Serialize + ?Sized> Serialize for Veiled<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(Veil { inner: serializer, place: self.place })
    }
}

impl<'a> Place<'a> {
    fn treated(self, treat: Treat) -> Self {
        Self { treat, label: None, ..self }
    }

    fn field(self, owner: &str, field: &str) -> Self {
        self.treated(policy::of(owner, field))
    }

    fn veil<T: Serialize + ?Sized>(self, value: &'a T) -> Veiled<'a, T> {
        Veiled { value, place: self }
    }

    fn text(&self, text: &str) -> String {
        let with = self.with;
        match (self.treat, self.label) {
            (Treat::Labels, Some((last, 0))) => {
                *last.borrow_mut() = text.to_owned();
                text.to_owned()
            }
            (Treat::Labels, Some((last, _))) if policy::is_kept(&last.borrow(), text) => text.to_owned(),
            (Treat::Keep, _) => text.to_owned(),
            (Treat::Whole, _) => with.whole(text),
            (Treat::Text, _) => with.text(text),
            (Treat::Taint, _) => taint(with, text),
            (Treat::Address, _) => address(with, text),
            (Treat::Name | Treat::Labels | Treat::KindAt(_) | Treat::ByKind, _) => with.name(text),
        }
    }
}

/// `key=value:Effect`: the effect stays, and a key that is everybody's.
fn taint(with: &Pseudonyms, text: &str) -> String {
    let (pair, effect) = text.rsplit_once(':').unwrap_or((text, ""));
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    let key = if policy::is_common_taint(key) { key.to_owned() } else { with.name(key) };
    let value = if pair.contains('=') { format!("={}", with.name(value)) } else { String::new() };
    if effect.is_empty() { format!("{key}{value}") } else { format!("{key}{value}:{effect}") }
}

/// `models:/name/3`: the scheme stays, the words that MLflow puts between names, and numbers of few digits.
fn address(with: &Pseudonyms, text: &str) -> String {
    let Some((scheme, rest)) = text.split_once(":/").filter(|(scheme, _)| SCHEMES.contains(scheme)) else {
        return with.name(text);
    };
    let stays = |part: &str| {
        ["latest", "artifacts", "models"].contains(&part)
            || part.len() <= 6 && part.bytes().all(|digit| digit.is_ascii_digit())
    };
    let parts = rest.split('/').map(|part| if stays(part) { part.to_owned() } else { with.name(part) });
    format!("{scheme}:/{}", parts.collect::<Vec<_>>().join("/"))
}

/// Everybody's schemes of addresses of models.
const SCHEMES: [&str; 12] =
    ["models", "runs", "mlflow-artifacts", "s3", "gs", "wasbs", "abfss", "hdfs", "dbfs", "hf", "oci", "pvc"];

/// A serializer before another one.
struct Veil<'a, S> {
    inner: S,
    place: Place<'a>,
}

/// Parts of a value on their way.
struct Parts<'a, S> {
    inner: S,
    place: Place<'a>,
    owner: &'static str,
    next: usize,
    /// The key of the label that is on its way.
    key: RefCell<String>,
}

impl<'a, S> Parts<'a, S> {
    fn new(inner: S, place: Place<'a>, owner: &'static str) -> Self {
        Self { inner, place, owner, next: 0, key: RefCell::default() }
    }
}

macro_rules! forwarded {
    ($($method:ident: $kind:ty),* $(,)?) => {
        $(fn $method(self, value: $kind) -> Result<S::Ok, S::Error> {
            self.inner.$method(value)
        })*
    };
}

impl<'a, S: Serializer> Serializer for Veil<'a, S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Parts<'a, S::SerializeSeq>;
    type SerializeTuple = Parts<'a, S::SerializeTuple>;
    type SerializeTupleStruct = Parts<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Parts<'a, S::SerializeTupleVariant>;
    type SerializeMap = Parts<'a, S::SerializeMap>;
    type SerializeStruct = Parts<'a, S::SerializeStruct>;
    type SerializeStructVariant = Parts<'a, S::SerializeStructVariant>;

    forwarded! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128, serialize_f32: f32, serialize_f64: f64, serialize_char: char,
    }

    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }

    fn serialize_str(self, text: &str) -> Result<S::Ok, S::Error> {
        self.inner.serialize_str(&self.place.text(text))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<S::Ok, S::Error> {
        // Nobody can tell what is in them.
        self.inner.serialize_bytes(&[])
    }

    fn serialize_none(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_none()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_some(&self.place.veil(value))
    }

    fn serialize_unit(self) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit()
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_struct(name)
    }

    fn serialize_unit_variant(self, name: &'static str, index: u32, variant: &'static str) -> Result<S::Ok, S::Error> {
        self.inner.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_struct(name, &self.place.field(name, "").veil(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.inner.serialize_newtype_variant(name, index, variant, &self.place.field(name, variant).veil(value))
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Self::SerializeSeq, S::Error> {
        Ok(Parts::new(self.inner.serialize_seq(length)?, self.place, ""))
    }

    fn serialize_tuple(self, length: usize) -> Result<Self::SerializeTuple, S::Error> {
        Ok(Parts::new(self.inner.serialize_tuple(length)?, self.place, ""))
    }

    fn serialize_tuple_struct(self, name: &'static str, length: usize) -> Result<Self::SerializeTupleStruct, S::Error> {
        let place = self.place.field(name, "");
        Ok(Parts::new(self.inner.serialize_tuple_struct(name, length)?, place, name))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeTupleVariant, S::Error> {
        let place = self.place.field(name, variant);
        Ok(Parts::new(self.inner.serialize_tuple_variant(name, index, variant, length)?, place, name))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Self::SerializeMap, S::Error> {
        Ok(Parts::new(self.inner.serialize_map(length)?, self.place, ""))
    }

    fn serialize_struct(self, name: &'static str, length: usize) -> Result<Self::SerializeStruct, S::Error> {
        Ok(Parts::new(self.inner.serialize_struct(name, length)?, self.place, name))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Self::SerializeStructVariant, S::Error> {
        Ok(Parts::new(self.inner.serialize_struct_variant(name, index, variant, length)?, self.place, variant))
    }
}

impl<S: SerializeSeq> SerializeSeq for Parts<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.inner.serialize_element(&self.place.veil(value))
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}

macro_rules! side_by_side {
    ($($kind:ident :: $method:ident),*) => {
        $(impl<S: $kind> $kind for Parts<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
                let at = self.next;
                self.next += 1;
                let treat = self.place.treat.element(at);
                let label = (treat == Treat::Labels).then_some((&self.key, at));
                self.inner.$method(&Place { with: self.place.with, treat, label }.veil(value))
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        })*
    };
}

side_by_side!(
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

impl<S: SerializeMap> SerializeMap for Parts<'_, S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.inner.serialize_key(&self.place.treated(self.place.treat.key()).veil(key))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.inner.serialize_value(&self.place.treated(self.place.treat.value()).veil(value))
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.inner.end()
    }
}

macro_rules! by_name {
    ($($kind:ident),*) => {
        $(impl<S: $kind> $kind for Parts<'_, S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, field: &'static str, value: &T) -> Result<(), S::Error> {
                self.inner.serialize_field(field, &self.place.field(self.owner, field).veil(value))
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.inner.end()
            }
        })*
    };
}

by_name!(SerializeStruct, SerializeStructVariant);
