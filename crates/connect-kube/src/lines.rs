//! Lines out of a stream of bytes that comes in any parts; a line that is not whole is kept for the next part.

use bytes::{Buf, Bytes, BytesMut};

/// No object of Kubernetes is larger than a few megabytes.
pub const LONGEST: usize = 32 << 20;

/// A line was longer than [`LONGEST`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Takes parts and gives lines.
#[derive(Debug, Default)]
pub struct Lines {
    buffer: BytesMut,
    /// How much of the buffer is known to have no end of line in it.
    searched: usize,
}

impl Lines {
    /// Takes a part.
    ///
    /// # Errors
    /// If what is kept for one line would be too long.
    pub fn push(&mut self, part: &[u8]) -> Result<(), TooLong> {
        if self.buffer.len() + part.len() > LONGEST && !part.contains(&b'\n') {
            return Err(TooLong);
        }
        self.buffer.extend_from_slice(part);
        Ok(())
    }

    /// The next whole line, without its end.
    pub fn next_line(&mut self) -> Option<Bytes> {
        let Some(at) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') else {
            self.searched = self.buffer.len();
            return None;
        };
        let line = self.buffer.split_to(self.searched + at).freeze();
        self.buffer.advance(1);
        self.searched = 0;
        Some(line)
    }

    /// Gives memory back once a long line is through.
    pub fn shrink(&mut self) {
        if self.buffer.is_empty() {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(parts: &[&[u8]]) -> Vec<Bytes> {
        let mut lines = Lines::default();
        let mut all = Vec::new();
        for part in parts {
            lines.push(part).unwrap();
            all.extend(std::iter::from_fn(|| lines.next_line()));
        }
        all
    }

    #[test]
    fn a_line_that_is_cut_waits_for_its_rest() {
        assert_eq!(all(&[b"a\nb", b"c", b"\n\nd"]), ["a", "bc", ""]);
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_the_memory() {
        let mut lines = Lines::default();
        let part = vec![b'x'; 1 << 20];
        assert_eq!((0..64).find(|_| lines.push(&part).is_err()), Some(32));
    }

    proptest! {
        #[test]
        fn how_it_is_cut_makes_no_difference(text in "[a-c\n]{0,60}", cuts in proptest::collection::vec(0_usize..60, 0..6)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| &text.as_bytes()[pair[0]..pair[1]]).collect();
            let want: Vec<&str> = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')).collect();
            prop_assert_eq!(all(&parts), want);
        }
    }
}
