//! Heads of files, whole and not.

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
    let heads = [&5_u32.to_le_bytes()[..], &2_u64.to_le_bytes(), &1_i32.to_le_bytes(), &3_i32.to_le_bytes()].concat();
    let file = Made::default().word("general.architecture", "a").pair("a.attention.head_count_kv", 9, &heads).head();
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
