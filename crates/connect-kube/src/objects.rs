//! A list in protobuf, taken apart while it comes in: its objects can be read long before the last of them is here, and
//! no more than one is ever held.
//!
//! The form is that of `k8s.io/apimachinery/pkg/runtime/serializer/protobuf`: four bytes of magic, then the message
//! `runtime.Unknown`, whose field 2 is the list; in that, field 1 is its metadata and each field 2 an object.

use crate::{failure::Failure, slim::ListMeta};
use bytes::{Buf, Bytes, BytesMut};
use prost::{Message, encoding::WireType};

/// What stands before every object in protobuf.
pub const MAGIC: &[u8] = b"k8s\0";
/// The largest part of a list: more than a server stores of one object.
const LARGEST: usize = 64 << 20;
/// The longest tag with its length behind it.
const LONGEST_HEAD: usize = 20;

/// A list that comes in.
#[derive(Debug, Default)]
pub struct Objects {
    came: BytesMut,
    stage: Stage,
    meta: ListMeta,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    Magic,
    Envelope,
    /// In the list, of which so many bytes are to come.
    List(usize),
    /// What stands behind the list says nothing.
    Behind,
}

/// A field of a message; what has no length is skipped.
enum Field {
    Part {
        tag: u32,
        bytes: Bytes,
    },
    /// The list itself begins, of this length.
    List(usize),
    Skipped,
}

impl Objects {
    /// Takes what has come.
    pub fn push(&mut self, bytes: &[u8]) {
        if !matches!(self.stage, Stage::Behind) {
            self.came.extend_from_slice(bytes);
        }
    }

    /// The next object that is here whole.
    ///
    /// # Errors
    /// If this is no list in protobuf.
    pub fn next_object(&mut self) -> Result<Option<Bytes>, Failure> {
        loop {
            match self.stage {
                Stage::Magic => {
                    let known = self.came.len().min(MAGIC.len());
                    if self.came[..known] != MAGIC[..known] {
                        return Err(unreadable("It says that it is protobuf, and is not"));
                    }
                    if known < MAGIC.len() {
                        return Ok(None);
                    }
                    self.came.advance(MAGIC.len());
                    self.stage = Stage::Envelope;
                }
                Stage::Envelope => match self.field(usize::MAX, true).map_err(|Broken| broken("envelope"))? {
                    Some(Field::List(length)) => self.stage = Stage::List(length),
                    Some(_) => {}
                    None => return Ok(None),
                },
                Stage::List(0) => {
                    self.stage = Stage::Behind;
                    self.came.clear();
                }
                Stage::List(left) => {
                    let before = self.came.len();
                    let field = self.field(left, false).map_err(|Broken| broken("list"))?;
                    self.stage = Stage::List(left - (before - self.came.len()));
                    match field {
                        Some(Field::Part { tag: 1, bytes }) => {
                            self.meta = ListMeta::decode(bytes).map_err(|_| broken("list"))?;
                        }
                        Some(Field::Part { tag: 2, bytes }) => return Ok(Some(bytes)),
                        Some(_) => {}
                        None => return Ok(None),
                    }
                }
                Stage::Behind => return Ok(None),
            }
        }
    }

    /// What the list says of itself, once all of it has come.
    ///
    /// # Errors
    /// If it has not.
    pub fn end(self) -> Result<ListMeta, Failure> {
        match self.stage {
            Stage::Behind => Ok(self.meta),
            Stage::Magic => Err(unreadable("It says that it is protobuf, and is not")),
            Stage::Envelope => Err(broken("envelope")),
            Stage::List(_) => Err(broken("list")),
        }
    }

    /// Takes a field off, if it is here whole and ends within `left` bytes; of the list, its head alone.
    fn field(&mut self, left: usize, envelope: bool) -> Result<Option<Field>, Broken> {
        let mut head = &self.came[..self.came.len().min(left)];
        let all = head.len();
        // Too few bytes for a head are no fault while more can come.
        let more = || if all < left.min(LONGEST_HEAD) { Ok(None) } else { Err(Broken) };
        let Ok((tag, kind)) = prost::encoding::decode_key(&mut head) else { return more() };
        let skipped = match kind {
            WireType::LengthDelimited => {
                let Ok(length) = prost::encoding::decode_varint(&mut head) else { return more() };
                let (length, start) = (usize::try_from(length).map_err(|_| Broken)?, all - head.len());
                if envelope && tag == 2 {
                    self.came.advance(start);
                    return Ok(Some(Field::List(length)));
                }
                let end = start.checked_add(length).filter(|end| *end <= left && length <= LARGEST).ok_or(Broken)?;
                if self.came.len() < end {
                    return Ok(None);
                }
                self.came.advance(start);
                return Ok(Some(Field::Part { tag, bytes: self.came.split_to(length).freeze() }));
            }
            WireType::Varint => prost::encoding::decode_varint(&mut head).map(|_| all - head.len()).ok(),
            WireType::SixtyFourBit => head.len().checked_sub(8).map(|rest| all - rest),
            WireType::ThirtyTwoBit => head.len().checked_sub(4).map(|rest| all - rest),
            WireType::StartGroup | WireType::EndGroup => return Err(Broken),
        };
        let Some(skipped) = skipped else { return more() };
        self.came.advance(skipped);
        Ok(Some(Field::Skipped))
    }
}

/// A field that cannot be.
struct Broken;

fn broken(what: &str) -> Failure {
    unreadable(&format!("Its protobuf {what} is broken"))
}

fn unreadable(why: &str) -> Failure {
    Failure::Unreadable(why.to_owned())
}
