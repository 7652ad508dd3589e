//! Bodies at rest: packed, with a check sum, so that a damaged one is known and never taken for something else.

use serde::{Serialize, de::DeserializeOwned};
use std::{
    borrow::Cow,
    io::{Read, Write},
};

/// First byte of a packed body. Bodies of the first schema are bare zstd frames, which begin with another one.
const PACKED: u8 = 1;
/// First byte of one that is packed against another.
const PATCH: u8 = 2;
/// First byte of one that packing would not make smaller.
const BARE: u8 = 3;
/// The first byte of a zstd frame.
const ZSTD: u8 = 0x28;

/// The largest thing that unpacks: a packed bomb is refused, not inflated.
pub(crate) const MOST_BYTES: u64 = 1 << 30;
/// What is packed closer than this is not believed to be before it is read.
const MOST_RATIO: usize = 64;
/// How far back a patch may look, as a power of two: over the whole of what it is packed against.
const MOST_WINDOW_LOG: u32 = 27;

/// Packs bytes at a level of zstd.
pub(crate) fn pack(plain: &[u8], level: i32) -> Vec<u8> {
    with_sum(PACKED, &zstd::bulk::compress(plain, level).unwrap_or_default())
}

/// Keeps bytes that are packed already.
pub(crate) fn bare(bytes: &[u8]) -> Vec<u8> {
    with_sum(BARE, bytes)
}

/// Packs bytes as what differs from others.
pub(crate) fn pack_patch(plain: &[u8], base: &[u8], level: i32) -> Option<Vec<u8>> {
    let longest = plain.len().max(base.len()).max(1) as u64 * 2;
    let window = longest.ilog2().saturating_add(1).clamp(17, MOST_WINDOW_LOG);
    let mut encoder = zstd::stream::Encoder::with_ref_prefix(Vec::new(), level, base).ok()?;
    encoder.window_log(window).ok()?;
    encoder.long_distance_matching(true).ok()?;
    encoder.write_all(plain).ok()?;
    Some(with_sum(PATCH, &encoder.finish().ok()?))
}

/// The bytes of a body; `None` for a damaged one. `base` is what a patch was packed against.
pub(crate) fn unpack(body: &[u8], base: Option<&[u8]>) -> Option<Vec<u8>> {
    unpack_here(body, base).map(Cow::into_owned)
}

/// The same; what was packed already stays where it is.
pub(crate) fn unpack_here<'a>(body: &'a [u8], base: Option<&[u8]>) -> Option<Cow<'a, [u8]>> {
    if body.first() == Some(&ZSTD) {
        return inflate(zstd::Decoder::new(body).ok()?, said(body)).map(Cow::Owned);
    }
    let (tag, rest) = body.split_first()?;
    let (sum, bytes) = rest.split_first_chunk::<4>()?;
    if crc32fast::hash(bytes) != u32::from_le_bytes(*sum) {
        return None;
    }
    match *tag {
        PACKED => inflate(zstd::Decoder::new(bytes).ok()?, said(bytes)).map(Cow::Owned),
        BARE => Some(Cow::Borrowed(bytes)),
        PATCH => {
            let base = base?;
            let mut decoder = zstd::stream::Decoder::with_ref_prefix(bytes, base).ok()?;
            decoder.window_log_max(MOST_WINDOW_LOG).ok()?;
            // A patch does not say it; it is of something like what it is packed against.
            inflate(decoder, base.len() + base.len() / 16).map(Cow::Owned)
        }
        _ => None,
    }
}

/// How long a frame says that it is, as far as that is to be believed: there is room for so much before it is read.
fn said(frame: &[u8]) -> usize {
    let most = frame.len().saturating_mul(MOST_RATIO);
    let said = zstd::zstd_safe::get_frame_content_size(frame).ok().flatten();
    said.and_then(|said| usize::try_from(said).ok()).unwrap_or(0).min(most)
}

/// The bytes of a packed body, if they are no more than these.
pub(crate) fn unpack_at_most(body: &[u8], most: u64) -> Option<Vec<u8>> {
    let bytes = body.strip_prefix(&[PACKED]).and_then(|rest| rest.split_first_chunk::<4>())?.1;
    let mut plain = Vec::new();
    zstd::Decoder::new(bytes).ok()?.take(most + 1).read_to_end(&mut plain).ok()?;
    (plain.len() as u64 <= most).then_some(plain)
}

/// A value out of its body; `None` for a damaged one.
pub(crate) fn decode<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    postcard::from_bytes(&unpack(body, None)?).ok()
}

/// A value as a body.
pub(crate) fn encode<T: Serialize>(value: &T, level: i32) -> Vec<u8> {
    pack(&postcard::to_stdvec(value).unwrap_or_default(), level)
}

/// Room for all of it, and for seeing that it ends, spares copying what is read so far over and over.
fn inflate(packed: impl Read, room: usize) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(room.saturating_add(64));
    packed.take(MOST_BYTES).read_to_end(&mut plain).ok()?;
    Some(plain)
}

fn with_sum(tag: u8, bytes: &[u8]) -> Vec<u8> {
    let mut body = Vec::with_capacity(bytes.len() + 5);
    body.push(tag);
    body.extend_from_slice(&crc32fast::hash(bytes).to_le_bytes());
    body.extend_from_slice(bytes);
    body
}

/// Bytes as bytes, not as a sequence of numbers.
pub(crate) mod bytes {
    use serde::{Deserializer, Serializer, de};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl de::Visitor<'_> for Bytes {
            type Value = Vec<u8>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

/// The same, which stay where they are.
pub(crate) mod here {
    use serde::{Deserializer, Serializer, de};
    use std::borrow::Cow;

    #[expect(clippy::ptr_arg, reason = "serde hands in the field as it is")]
    pub(crate) fn serialize<S: Serializer>(bytes: &Cow<'_, [u8]>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub(crate) fn deserialize<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'a, [u8]>, D::Error> {
        struct Bytes;
        impl<'de> de::Visitor<'de> for Bytes {
            type Value = Cow<'de, [u8]>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_borrowed_bytes<E: de::Error>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(bytes))
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
                Ok(Cow::Owned(bytes.to_vec()))
            }
        }
        deserializer.deserialize_bytes(Bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_with_one_wrong_bit_is_no_body() {
        let plain: Vec<u8> = (0..5_000_u32).flat_map(u32::to_le_bytes).collect();
        let mut other = plain.clone();
        other[77] = 1;
        let patch = pack_patch(&other, &plain, 3).unwrap();
        assert!(patch.len() < 200, "{}", patch.len());
        assert_eq!(unpack(&patch, Some(&plain)), Some(other.clone()));
        for body in [pack(&other, 1), bare(&other), patch] {
            for at in [0, 3, body.len() / 2, body.len() - 1] {
                let mut wrong = body.clone();
                wrong[at] ^= 0x10;
                assert_eq!(unpack(&wrong, Some(&plain)), None, "byte {at}");
            }
            assert_eq!(unpack(&body[..body.len() - 1], Some(&plain)), None);
        }
    }

    #[test]
    fn what_a_frame_says_of_its_length_is_room_and_no_more() {
        let packed = zstd::bulk::compress(&[7; 1_000_000], 1).unwrap();
        assert!(said(&packed) < 1_000_000 && said(&packed) <= packed.len() * MOST_RATIO, "{}", said(&packed));
        let noise: Vec<u8> = (0..5_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_le_bytes()).collect();
        let packed = zstd::bulk::compress(&noise, 1).unwrap();
        assert_eq!((said(&packed), said(&packed[..3]), said(b"")), (noise.len(), 0, 0));
        // One that is cut in its middle says the same, and is refused.
        assert_eq!(unpack(&packed[..packed.len() / 2], None), None);
    }

    #[test]
    fn a_body_of_the_first_schema_reads() {
        assert_eq!(unpack(&zstd::bulk::compress(b"facts", 1).unwrap(), None), Some(b"facts".to_vec()));
    }
}
