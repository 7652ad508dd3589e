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
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A file as it is written: values, and tensors of a row each.
    #[derive(Default)]
    pub struct Made {
        pairs: Vec<Vec<u8>>,
        tensors: Vec<(u64, u32, u64)>,
    }

    fn text(text: &str) -> Vec<u8> {
        [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
    }

    impl Made {
        pub fn pair(mut self, key: &str, kind: u32, value: &[u8]) -> Self {
            self.pairs.push([&text(key)[..], &kind.to_le_bytes(), value].concat());
            self
        }

        pub fn word(self, key: &str, value: &str) -> Self {
            let value = text(value);
            self.pair(key, 8, &value)
        }

        pub fn number(self, key: &str, value: u32) -> Self {
            self.pair(key, 4, &value.to_le_bytes())
        }

        pub fn tensor(mut self, elements: u64, kind: u32, begin: u64) -> Self {
            self.tensors.push((elements, kind, begin));
            self
        }

        pub fn head(&self) -> Vec<u8> {
            let mut head = b"GGUF".to_vec();
            head.extend(3_u32.to_le_bytes());
            head.extend((self.tensors.len() as u64).to_le_bytes());
            head.extend((self.pairs.len() as u64).to_le_bytes());
            head.extend(self.pairs.concat());
            for (elements, kind, begin) in &self.tensors {
                head.extend(text("t"));
                head.extend(1_u32.to_le_bytes());
                head.extend(elements.to_le_bytes());
                head.extend(kind.to_le_bytes());
                head.extend(begin.to_le_bytes());
            }
            head.resize(head.len().next_multiple_of(32), 0);
            head
        }
    }

    /// A small model of 4 layers with grouped heads.
    pub fn small() -> Made {
        let words = [text("a"), text("b"), text("c")].concat();
        let tokens = [&8_u32.to_le_bytes()[..], &3_u64.to_le_bytes(), &words].concat();
        Made::default()
            .word("general.architecture", "llama")
            .word("general.name", "Small")
            .number("llama.block_count", 4)
            .number("llama.embedding_length", 64)
            .number("llama.attention.head_count", 8)
            .number("llama.attention.head_count_kv", 2)
            .number("llama.context_length", 2_048)
            .pair("tokenizer.ggml.tokens", 9, &tokens)
            .tensor(512, 12, 0)
            .tensor(16, 0, 288)
    }

    fn of(bytes: &[u8]) -> Result<Header, Wrong> {
        read(bytes, bytes.len() as u64)
    }

    #[test]
    fn a_head_tells_what_memory_needs() {
        let mut file = small().head();
        file.resize(file.len() + 288 + 64, 0);
        let header = of(&file).unwrap();
        assert_eq!((header.architecture.as_deref(), header.name.as_deref()), (Some("llama"), Some("Small")));
        assert_eq!((header.layers, header.kv_heads.as_slice(), header.head), (Some(4), &[2][..], Some((8, 8))));
        assert_eq!((header.vocabulary, header.trained, header.tensors), (Some(3), Some(2_048), 2));
        // Two blocks of 144 bytes, and 16 numbers of 4.
        assert_eq!((header.weights, header.window), (288 + 64, None));
    }

    #[test]
    fn a_layer_may_have_heads_of_its_own() {
        let heads =
            [&5_u32.to_le_bytes()[..], &2_u64.to_le_bytes(), &1_i32.to_le_bytes(), &3_i32.to_le_bytes()].concat();
        let file =
            Made::default().word("general.architecture", "a").pair("a.attention.head_count_kv", 9, &heads).head();
        assert_eq!(of(&file).unwrap().kv_heads, [1, 3]);
    }

    #[test]
    fn what_is_cut_says_what_it_needs() {
        let head = small().head();
        let needs = head.len() as u64 + 288 + 64;
        assert_eq!(of(&head), Err(Wrong::Short { needs }));
        for length in [3, 9, 30, 100, head.len() - 40] {
            let wrong = of(&head[..length]).unwrap_err();
            assert!(wrong == Wrong::Head || (length < 4 && wrong == Wrong::Magic), "{length}: {wrong:?}");
        }
    }

    #[test]
    fn what_cannot_be_true_is_not_believed() {
        let with = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut file = small().head();
            file.resize(file.len() + 352, 0);
            change(&mut file);
            of(&file)
        };
        assert_eq!(with(&|file| file[4] = 1), Err(Wrong::Version(1)));
        assert_eq!(with(&|file| file[..4].copy_from_slice(b"GGML")), Err(Wrong::Magic));
        // More tensors, and more values, than the file has bytes.
        assert_eq!(with(&|file| file[8..16].fill(0xff)), Err(Wrong::Head));
        assert_eq!(with(&|file| file[16..24].fill(0x7f)), Err(Wrong::Head));
        let huge = Made::default().tensor(u64::MAX, 0, 8).head();
        assert_eq!(of(&huge), Err(Wrong::Broken("a tensor is larger than any file")));
        let odd = Made::default().pair("a", 13, &[]).head();
        assert_eq!(of(&odd), Err(Wrong::Broken("a value is of a kind that there is none of")));
        let none = Made::default().number("general.alignment", 0).head();
        assert_eq!(of(&none), Err(Wrong::Broken("its tensors are aligned to nothing")));
        let deep: Vec<u8> = std::iter::repeat_n([9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0], 9).flatten().collect();
        let deep = Made::default().pair("a", 9, &deep).head();
        assert_eq!(of(&deep), Err(Wrong::Broken("arrays stand in arrays without an end")));
    }

    proptest! {
        #[test]
        fn whatever_is_changed_it_is_read_or_refused(at in 0_usize..400, to in any::<u8>(), cut in 0_usize..700) {
            let mut file = small().head();
            file.resize(file.len() + 352, 0);
            let at = at % file.len();
            file[at] = to;
            file.truncate(cut.max(4));
            if let Ok(header) = of(&file) {
                prop_assert!(header.weights <= file.len() as u64);
            }
        }
    }
}
