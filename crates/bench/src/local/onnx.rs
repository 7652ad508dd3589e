//! The outermost fields of an ONNX file, which is one message of protobuf (`ModelProto` of onnx.proto): enough to tell one
//! from anything else, and one that is whole from one that is cut.

use std::{
    fmt,
    io::{self, Read},
};

/// `ModelProto.ir_version`.
const IR_VERSION: u64 = 1;
/// `ModelProto.graph`.
const GRAPH: u64 = 7;
/// The fields that a `ModelProto` has, with room for what is yet to come.
const FIELDS: u64 = 64;

/// What a file tells of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The version of the format.
    pub ir_version: u64,
    /// Bytes of its graph, weights among them unless they are beside the file.
    pub graph: u64,
}

/// Why it is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is something else.
    NoModel,
    /// It ends before a field of it does.
    Short {
        /// Bytes that it would have to have at least.
        needs: u64,
    },
    /// The system does not give it.
    Unreadable(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoModel => to.write_str("It is no model of ONNX: its fields are none of one."),
            Self::Short { needs } => {
                write!(to, "It is cut off: it says that it has {} at least.", pilothouse_wire::units::bytes(*needs))
            }
            Self::Unreadable(why) => write!(to, "{why}."),
        }
    }
}

/// Reads the outermost fields of a file of this length.
///
/// # Errors
/// If it is none, or not whole.
pub fn read(from: impl Read, length: u64) -> Result<Head, Wrong> {
    let mut fields = Fields { from, at: 0, length };
    let (mut head, mut has_graph) = (Head::default(), false);
    while fields.at < length {
        let key = fields.varint()?;
        let (field, kind) = (key >> 3, key & 7);
        if !(1..=FIELDS).contains(&field) {
            return Err(Wrong::NoModel);
        }
        match (field, kind) {
            (IR_VERSION, 0) => head.ir_version = fields.varint()?,
            (_, 0) => drop(fields.varint()?),
            (_, 1) => fields.pass(8)?,
            (_, 2) => {
                let size = fields.varint()?;
                fields.pass(size)?;
                if field == GRAPH {
                    (head.graph, has_graph) = (head.graph.saturating_add(size), true);
                }
            }
            (_, 5) => fields.pass(4)?,
            _ => return Err(Wrong::NoModel),
        }
    }
    // Each writer gives both, and a text that happens to be a message has neither.
    if has_graph && head.ir_version > 0 { Ok(head) } else { Err(Wrong::NoModel) }
}

struct Fields<R> {
    from: R,
    at: u64,
    length: u64,
}

impl<R: Read> Fields<R> {
    fn varint(&mut self) -> Result<u64, Wrong> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let mut byte = [0];
            if self.at >= self.length {
                return Err(Wrong::Short { needs: self.length.saturating_add(1) });
            }
            self.from.read_exact(&mut byte).map_err(|error| Wrong::Unreadable(error.to_string()))?;
            self.at += 1;
            value |= u64::from(byte[0] & 0x7f) << shift;
            if byte[0] < 0x80 {
                return Ok(value);
            }
        }
        Err(Wrong::NoModel)
    }

    fn pass(&mut self, bytes: u64) -> Result<(), Wrong> {
        let end = self.at.checked_add(bytes).ok_or(Wrong::NoModel)?;
        if end > self.length {
            return Err(Wrong::Short { needs: end });
        }
        let passed = io::copy(&mut self.from.by_ref().take(bytes), &mut io::sink());
        self.at += passed.map_err(|error| Wrong::Unreadable(error.to_string()))?;
        if self.at == end { Ok(()) } else { Err(Wrong::Short { needs: end }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Version 8, a producer, a graph of 300 bytes, and an operator set.
    fn small() -> Vec<u8> {
        let mut file = vec![0x08, 8, 0x12, 2, b'm', b'e', 0x3a, 0xac, 0x02];
        file.extend([0; 300]);
        file.extend([0x42, 2, 0x10, 17]);
        file
    }

    fn of(bytes: &[u8]) -> Result<Head, Wrong> {
        read(bytes, bytes.len() as u64)
    }

    #[test]
    fn a_model_is_told_from_a_part_of_it_and_from_anything_else() {
        assert_eq!(of(&small()), Ok(Head { ir_version: 8, graph: 300 }));
        assert_eq!(of(&small()[..200]), Err(Wrong::Short { needs: 309 }));
        assert_eq!(of(&small()[..8]), Err(Wrong::Short { needs: 9 }));
        assert_eq!(of(&small()[..2]), Err(Wrong::NoModel));
        assert_eq!(of(b"nothing at all"), Err(Wrong::NoModel));
        assert_eq!(of(&[0xff; 40]), Err(Wrong::NoModel));
        assert_eq!(of(b""), Err(Wrong::NoModel));
    }

    proptest! {
        #[test]
        fn whatever_is_changed_it_is_read_or_refused(at in 0_usize..313, to in any::<u8>(), cut in 0_usize..400) {
            let mut file = small();
            let at = at % file.len();
            file[at] = to;
            file.truncate(cut);
            if let Ok(head) = of(&file) {
                prop_assert!(head.graph <= file.len() as u64);
            }
        }
    }
}
