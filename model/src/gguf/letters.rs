//! Letters out of tokens: one may be the first bytes of a letter, and the next one the rest.

/// What is left of a letter that is not whole yet.
#[derive(Debug, Default)]
pub struct Letters(Vec<u8>);

impl Letters {
    /// Takes bytes, and gives the letters that are whole. What is none is replaced by its mark (U+FFFD).
    pub fn take(&mut self, bytes: &[u8]) -> String {
        self.0.extend_from_slice(bytes);
        let (mut text, mut from) = (String::new(), 0);
        loop {
            match std::str::from_utf8(&self.0[from..]) {
                Ok(rest) => {
                    text.push_str(rest);
                    self.0.clear();
                    return text;
                }
                Err(error) => {
                    let valid = from + error.valid_up_to();
                    text.push_str(&String::from_utf8_lossy(&self.0[from..valid]));
                    let Some(wrong) = error.error_len() else {
                        self.0.drain(..valid);
                        return text;
                    };
                    text.push(char::REPLACEMENT_CHARACTER);
                    from = valid + wrong;
                }
            }
        }
    }

    /// What is left once nothing more comes.
    pub fn end(&mut self) -> String {
        String::from_utf8_lossy(&std::mem::take(&mut self.0)).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_the_same_however_it_is_cut() {
        let text = "a é € 🦙 z";
        for size in 1..=text.len() {
            let mut letters = Letters::default();
            let said: String = text.as_bytes().chunks(size).map(|bytes| letters.take(bytes)).collect();
            assert_eq!((said.as_str(), letters.end().as_str()), (text, ""), "{size}");
        }
    }

    #[test]
    fn what_is_no_letter_is_marked_and_nothing_is_kept_for_ever() {
        let mut letters = Letters::default();
        assert_eq!(letters.take(b"a\xff\xfeb"), "a\u{fffd}\u{fffd}b");
        assert_eq!((letters.take(b"\xf0\x9f"), letters.take(b"x")), (String::new(), "\u{fffd}x".to_owned()));
        assert_eq!((letters.take(b"\xe2\x82"), letters.end()), (String::new(), "\u{fffd}".to_owned()));
        assert_eq!(letters.end(), "");
    }
}
