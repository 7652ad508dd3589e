//! The head of a GGUF file: what the model is, how long the file has to be, and what decides how much memory it takes. By the
//! specification of the format (ggml-org/ggml, docs/gguf.md, version 3) and the sizes of blocks in ggml's own header.
//!
//! Nothing is believed: lengths are held against that of the file, and what is not needed is passed over, never kept.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Read},
};

/// Of each array that is kept so many values are.
const KEPT: usize = 4_096;
/// A text that is kept is no longer, in bytes.
const LONGEST: u64 = 65_535;
/// Arrays in arrays go no deeper.
const DEEPEST: u32 = 4;
/// Dimensions of a tensor, as ggml has them.
const DIMENSIONS: u32 = 4;
/// Where no alignment is said.
const ALIGNMENT: u64 = 32;

/// What a file tells of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Header {
    /// The kind of model: `llama`, `gemma3` …
    pub architecture: Option<String>,
    /// What its makers call it.
    pub name: Option<String>,
    /// Layers.
    pub layers: Option<u64>,
    /// Heads whose keys and values are kept: one number for all layers, or one a layer.
    pub kv_heads: Vec<u64>,
    /// Numbers of a key and of a value, each of one head.
    pub head: Option<(u64, u64)>,
    /// Tokens that a layer with a window looks back at, where there is one.
    pub window: Option<u64>,
    /// Tokens that it was made for.
    pub trained: Option<u64>,
    /// Tokens that there are.
    pub vocabulary: Option<u64>,
    /// Tensors.
    pub tensors: u64,
    /// Bytes behind the head, which are theirs.
    pub weights: u64,
}

/// Why it is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It does not begin as one does.
    Magic,
    /// Its version is none that can be read.
    Version(u32),
    /// It ends before its head does.
    Head,
    /// Its tensors need a longer file.
    Short {
        /// Bytes that it would have to have.
        needs: u64,
    },
    /// It is whole, and cannot be true.
    Broken(&'static str),
    /// The system does not give it.
    Unreadable(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Magic => to.write_str("It does not begin with GGUF."),
            Self::Version(version) => write!(to, "It is a GGUF of version {version}, and 2 and 3 can be read."),
            Self::Head => to.write_str("It is cut off: It ends within its head."),
            Self::Short { needs } => {
                write!(to, "It is cut off: its tensors need {}.", pilothouse_wire::units::bytes(*needs))
            }
            Self::Broken(what) => write!(to, "It is damaged: {what}."),
            Self::Unreadable(why) => write!(to, "{why}."),
        }
    }
}

/// A value of which something is kept.
#[derive(Clone, Debug, PartialEq)]
enum Value {
    Text(String),
    Numbers(Vec<u64>),
    /// So many of something else.
    Many(u64),
    Other,
}

/// Reads the head of a file of this length.
///
/// # Errors
/// If it is none, or not whole.
pub fn read(from: impl Read, length: u64) -> Result<Header, Wrong> {
    let mut bytes = Bytes { from, at: 0, length };
    if bytes.array::<4>().map_err(|_| Wrong::Magic)? != *b"GGUF" {
        return Err(Wrong::Magic);
    }
    match bytes.u32()? {
        2 | 3 => {}
        other => return Err(Wrong::Version(other)),
    }
    let (tensors, pairs) = (bytes.u64()?, bytes.u64()?);
    // The shortest of each: a pair has a length, a kind and a value; a tensor a length, dimensions, a kind and a place.
    let least = pairs.checked_mul(13).and_then(|pairs| pairs.checked_add(tensors.checked_mul(24)?));
    if least.is_none_or(|least| least > length) {
        return Err(Wrong::Head);
    }
    let mut known = BTreeMap::new();
    for _ in 0..pairs {
        let key = bytes.text()?;
        let kind = bytes.u32()?;
        let value = bytes.value(kind, 0)?;
        if let Some(key) = key.filter(|_| value != Value::Other) {
            known.insert(key, value);
        }
    }
    let mut header = Header::of(&known, tensors);
    let alignment = number(&known, "general.alignment").unwrap_or(ALIGNMENT);
    if alignment == 0 {
        return Err(Wrong::Broken("its tensors are aligned to nothing"));
    }
    let mut end = 0_u64;
    for _ in 0..tensors {
        let (begin, size) = bytes.tensor()?;
        let over = Wrong::Broken("a tensor is larger than any file");
        // Of a kind that is not known nobody can say how long it is.
        end = end.max(begin.checked_add(size.unwrap_or(0)).ok_or(over)?);
    }
    let begin = bytes.at.checked_next_multiple_of(alignment).ok_or(Wrong::Broken("its tensors begin nowhere"))?;
    let needs = begin.checked_add(end).ok_or(Wrong::Broken("a tensor is larger than any file"))?;
    if tensors > 0 && needs > length {
        return Err(Wrong::Short { needs });
    }
    header.weights = if tensors > 0 { length.saturating_sub(begin) } else { 0 };
    Ok(header)
}

fn number(known: &BTreeMap<String, Value>, key: &str) -> Option<u64> {
    match known.get(key)? {
        Value::Numbers(numbers) => numbers.first().copied(),
        _ => None,
    }
}

fn text(known: &BTreeMap<String, Value>, key: &str) -> Option<String> {
    match known.get(key)? {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

impl Header {
    fn of(known: &BTreeMap<String, Value>, tensors: u64) -> Self {
        let architecture = text(known, "general.architecture");
        let prefix = architecture.clone().unwrap_or_default();
        let key = |name: &str| format!("{prefix}.{name}");
        let own = |name: &str| number(known, &key(name));
        let heads = own("attention.head_count").filter(|heads| *heads > 0);
        // Where nothing else is said a head has its part of what a token is.
        let usual = own("embedding_length").zip(heads).map(|(length, heads)| length / heads);
        let head = own("attention.key_length").or(usual).zip(own("attention.value_length").or(usual));
        let kv_heads = match known.get(&key("attention.head_count_kv")) {
            Some(Value::Numbers(numbers)) => numbers.clone(),
            _ => heads.into_iter().collect(),
        };
        let vocabulary = match known.get("tokenizer.ggml.tokens") {
            Some(Value::Many(tokens)) => Some(*tokens),
            _ => own("vocab_size"),
        };
        Self {
            name: text(known, "general.name"),
            layers: own("block_count"),
            kv_heads,
            head,
            window: own("attention.sliding_window").filter(|window| *window > 0),
            trained: own("context_length"),
            vocabulary,
            tensors,
            weights: 0,
            architecture,
        }
    }
}

/// Bytes with how many of them were read, none of them behind the end.
struct Bytes<R> {
    from: R,
    at: u64,
    length: u64,
}

impl<R: Read> Bytes<R> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Wrong> {
        self.room(N as u64)?;
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes).map_err(unreadable)?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, Wrong> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Wrong> {
        self.array().map(u64::from_le_bytes)
    }

    fn room(&self, bytes: u64) -> Result<(), Wrong> {
        match self.at.checked_add(bytes).is_some_and(|end| end <= self.length) {
            true => Ok(()),
            false => Err(Wrong::Head),
        }
    }

    fn pass(&mut self, bytes: u64) -> Result<(), Wrong> {
        self.room(bytes)?;
        let passed = io::copy(&mut self.from.by_ref().take(bytes), &mut io::sink()).map_err(unreadable)?;
        self.at += passed;
        if passed == bytes { Ok(()) } else { Err(Wrong::Head) }
    }

    /// A text; none where it is too long to be kept.
    fn text(&mut self) -> Result<Option<String>, Wrong> {
        let length = self.u64()?;
        self.room(length)?;
        if length > LONGEST {
            self.pass(length)?;
            return Ok(None);
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        self.from.read_exact(&mut bytes).map_err(unreadable)?;
        self.at += length;
        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn value(&mut self, kind: u32, depth: u32) -> Result<Value, Wrong> {
        if kind == 8 {
            return Ok(self.text()?.map_or(Value::Other, Value::Text));
        }
        if kind != 9 {
            return Ok(self.number(kind)?.map_or(Value::Other, |number| Value::Numbers(vec![number])));
        }
        let (of, count) = (self.u32()?, self.u64()?);
        if depth >= DEEPEST {
            return Err(Wrong::Broken("arrays stand in arrays without an end"));
        }
        // The shortest that there can be: a byte each, of a text its length.
        let least = size(of).unwrap_or(if of == 8 { 8 } else { 12 });
        self.room(count.checked_mul(least).ok_or(Wrong::Head)?)?;
        let is_whole = matches!(of, 0..=5 | 10 | 11);
        if is_whole && count <= KEPT as u64 {
            let numbers: Result<Vec<Option<u64>>, Wrong> = (0..count).map(|_| self.number(of)).collect();
            return Ok(Value::Numbers(numbers?.into_iter().flatten().collect()));
        }
        match size(of) {
            Some(size) => self.pass(count * size)?,
            None => {
                for _ in 0..count {
                    match of {
                        8 => {
                            let length = self.u64()?;
                            self.pass(length)?;
                        }
                        _ => drop(self.value(of, depth + 1)?),
                    }
                }
            }
        }
        Ok(Value::Many(count))
    }

    /// A number; none where it is negative, broken or a truth.
    fn number(&mut self, kind: u32) -> Result<Option<u64>, Wrong> {
        Ok(match kind {
            0 => Some(u64::from(self.array::<1>()?[0])),
            1 => u64::try_from(i8::from_le_bytes(self.array()?)).ok(),
            2 => Some(u64::from(u16::from_le_bytes(self.array()?))),
            3 => u64::try_from(i16::from_le_bytes(self.array()?)).ok(),
            4 => Some(u64::from(self.u32()?)),
            5 => u64::try_from(i32::from_le_bytes(self.array()?)).ok(),
            10 => Some(self.u64()?),
            11 => u64::try_from(i64::from_le_bytes(self.array()?)).ok(),
            other => {
                self.pass(size(other).ok_or(Wrong::Broken("a value is of a kind that there is none of"))?)?;
                None
            }
        })
    }

    /// Where a tensor begins behind the head, and how long it is, where its kind is known.
    fn tensor(&mut self) -> Result<(u64, Option<u64>), Wrong> {
        let name = self.u64()?;
        self.pass(name)?;
        let dimensions = self.u32()?;
        if dimensions > DIMENSIONS {
            return Err(Wrong::Broken("a tensor has more than four dimensions"));
        }
        let over = Wrong::Broken("a tensor is larger than any file");
        let (mut row, mut rows) = (1_u64, 1_u64);
        for at in 0..dimensions {
            let size = self.u64()?;
            if at == 0 { row = size } else { rows = rows.checked_mul(size).ok_or(over.clone())? }
        }
        let (kind, begin) = (self.u32()?, self.u64()?);
        let size = match block(kind) {
            Some((elements, bytes)) => {
                let blocks = row.div_ceil(elements).checked_mul(rows);
                Some(blocks.and_then(|blocks| blocks.checked_mul(bytes)).ok_or(over)?)
            }
            None => None,
        };
        Ok((begin, size))
    }
}

fn unreadable(error: io::Error) -> Wrong {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Wrong::Head,
        _ => Wrong::Unreadable(error.to_string()),
    }
}

/// Bytes of a value of a kind that always has as many.
fn size(kind: u32) -> Option<u64> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// Elements of a block and its bytes, by the kind of a tensor (`ggml_type`, `block_*` in ggml-common.h).
fn block(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 | 26 => (1, 4),
        1 | 25 | 30 => (1, 2),
        24 => (1, 1),
        27 | 28 => (1, 8),
        2 | 20 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 36),
        10 => (256, 84),
        11 | 21 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        16 | 35 => (256, 66),
        17 => (256, 74),
        18 => (256, 98),
        19 => (256, 50),
        22 => (256, 82),
        23 => (256, 136),
        29 => (256, 56),
        34 => (256, 54),
        39 => (32, 17),
        40 => (64, 36),
        41 => (128, 18),
        42 => (64, 18),
        _ => return None,
    })
}

#[cfg(test)]
pub(crate) mod tests;
