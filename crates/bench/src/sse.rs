//! Server-sent events, read as they come in: however the bytes are split the events are the same, and no more is held than
//! allowed. As the WHATWG says it: lines end with CR, LF or both, a line that begins with a colon is a comment, an empty
//! line ends an event, and an event that the stream ends in is none.

use memchr::{memchr, memchr2};

/// The longest line, and the most data of one event, in bytes.
pub const LARGEST: usize = 8 << 20;

const MARK: &[u8] = b"\xef\xbb\xbf";

/// An event, while it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Its type; empty where none is said.
    pub name: &'a [u8],
    /// Its data, the lines joined by LF.
    pub data: &'a [u8],
}

/// A line, or the data of an event, is longer than this many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLarge(pub usize);

/// What was read of a stream so far.
#[derive(Debug)]
pub struct Events {
    most: usize,
    /// The begin of a line whose end has not come yet.
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// The line before ended with CR: an LF that follows belongs to it.
    after_cr: bool,
    /// Is the first line over? Only it may begin with a byte order mark.
    begun: bool,
    comments: u64,
}

impl Default for Events {
    fn default() -> Self {
        Self::bounded(LARGEST)
    }
}

impl Events {
    /// A stream whose lines and events are no longer than this.
    #[must_use]
    pub fn bounded(most: usize) -> Self {
        Self {
            most,
            line: Vec::new(),
            name: Vec::new(),
            data: Vec::new(),
            has_data: false,
            after_cr: false,
            begun: false,
            comments: 0,
        }
    }

    /// Comments so far; servers send them to keep a connection alive.
    #[must_use]
    pub fn comments(&self) -> u64 {
        self.comments
    }

    /// Takes in bytes, and shows each event that they end.
    ///
    /// # Errors
    /// If a line or an event is too large; the stream is not to be read on then.
    pub fn push(&mut self, mut bytes: &[u8], mut seen: impl FnMut(Event<'_>)) -> Result<(), TooLarge> {
        while let Some(first) = bytes.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = memchr2(b'\r', b'\n', bytes) else { return self.hold(bytes) };
            self.after_cr = bytes[end] == b'\r';
            if self.line.is_empty() {
                self.take(&bytes[..end], &mut seen)?;
            } else {
                self.hold(&bytes[..end])?;
                let mut line = std::mem::take(&mut self.line);
                self.take(&line, &mut seen)?;
                // Its room is used again.
                line.clear();
                self.line = line;
            }
            bytes = &bytes[end + 1..];
        }
        Ok(())
    }

    fn hold(&mut self, bytes: &[u8]) -> Result<(), TooLarge> {
        if self.line.len() + bytes.len() > self.most {
            return Err(TooLarge(self.most));
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn take(&mut self, line: &[u8], seen: &mut impl FnMut(Event<'_>)) -> Result<(), TooLarge> {
        if line.len() > self.most {
            return Err(TooLarge(self.most));
        }
        let line = match std::mem::replace(&mut self.begun, true) {
            true => line,
            false => line.strip_prefix(MARK).unwrap_or(line),
        };
        if line.is_empty() {
            if std::mem::take(&mut self.has_data) {
                seen(Event { name: &self.name, data: &self.data });
            }
            self.name.clear();
            self.data.clear();
            return Ok(());
        }
        let (field, value) = match memchr(b':', line) {
            Some(0) => {
                self.comments += 1;
                return Ok(());
            }
            Some(at) => (&line[..at], line[at + 1..].strip_prefix(b" ").unwrap_or(&line[at + 1..])),
            None => (line, &[][..]),
        };
        match field {
            b"data" => {
                if self.data.len() + value.len() >= self.most {
                    return Err(TooLarge(self.most));
                }
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            // `id` and `retry` are for those who come back; of others nothing is known.
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Seen = (Vec<(Vec<u8>, Vec<u8>)>, u64, Option<TooLarge>);

    fn read<'a>(parts: impl IntoIterator<Item = &'a [u8]>, most: usize) -> Seen {
        let (mut events, mut seen) = (Events::bounded(most), Vec::new());
        let mut parts = parts.into_iter();
        let end = parts
            .try_for_each(|part| events.push(part, |event| seen.push((event.name.to_vec(), event.data.to_vec()))))
            .err();
        (seen, events.comments(), end)
    }

    #[track_caller]
    fn check(stream: &[u8], want: &[(&str, &str)]) {
        let (seen, ..) = read([stream], LARGEST);
        let seen: Vec<_> =
            seen.iter().map(|(name, data)| (String::from_utf8_lossy(name), String::from_utf8_lossy(data))).collect();
        let seen: Vec<_> = seen.iter().map(|(name, data)| (name.as_ref(), data.as_ref())).collect();
        assert_eq!(seen, want, "{:?}", String::from_utf8_lossy(stream));
    }

    #[test]
    fn events_are_read_as_the_standard_says() {
        check(b"data: a\n\ndata: b\n\n", &[("", "a"), ("", "b")]);
        check(b"data:a\r\n\r\ndata: b\r\rdata:  c\n\r\n", &[("", "a"), ("", "b"), ("", " c")]);
        check(b"\xef\xbb\xbfdata: a\n\n", &[("", "a")]);
        check(b"data: a\ndata: b\ndata\n\n", &[("", "a\nb\n")]);
        check(b": keep-alive\n\nevent: error\nid: 7\nretry: 9\nother: x\ndata: a\n\n", &[("error", "a")]);
        check(b"event: ping\n\ndata: a\n\n", &[("", "a")]);
        check(b"data:\n\n", &[("", "")]);
        // The stream ends before the event does.
        check(b"data: a\n\ndata: b\n", &[("", "a")]);
    }

    #[test]
    fn no_more_is_held_than_allowed() {
        let (seen, _, end) = read([&b"data: a\n\ndata: 0123456789\n\n"[..]], 8);
        assert_eq!((seen.len(), end), (1, Some(TooLarge(8))));
        // Neither in a line whose end never comes, nor in many lines of one event.
        let (_, _, end) = read(std::iter::repeat_n(&b"x"[..], 9), 8);
        assert_eq!(end, Some(TooLarge(8)));
        let (_, _, end) = read(std::iter::repeat_n(&b"data:abc\n"[..], 9), 16);
        assert_eq!(end, Some(TooLarge(16)));
    }

    fn streams() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(&b"data: "[..]),
            Just(&b"data:"[..]),
            Just(&b"event: x"[..]),
            Just(&b": note"[..]),
            Just(&b"\n"[..]),
            Just(&b"\r"[..]),
            Just(&b"\r\n"[..]),
            Just(&b"\n\n"[..]),
            Just(&b"\xef\xbb\xbf"[..]),
            Just(&b"{\"a\":1}"[..]),
            Just(&b"\xff\x00"[..]),
        ];
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_splitting_gives_the_same_events(
            stream in streams(),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12),
            most in 4_usize..64,
        ) {
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
            cuts.extend([0, stream.len()]);
            cuts.sort_unstable();
            let parts = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]);
            let whole = read([&stream[..]], most);
            prop_assert_eq!(read(parts, most), whole.clone());
            prop_assert_eq!(read(stream.chunks(1), most), whole);
        }
    }
}
