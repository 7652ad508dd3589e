//! One encoding of a frame for everybody who is sent it: the engine hands the same frame to all who watch an equal view
//! and stand at the same revision, and they share its bytes.

use crate::{grade::Grade, veil::for_walls};
use axum::body::Bytes;
use pilothouse_wire::{
    Frame,
    codec::{self, frame_head},
};
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};

/// Frames whose bytes are kept, while somebody may still ask for them: the newest of each view that a wall door may have.
const KEPT: usize = crate::serve::MAX_VIEWS;

/// Encodes frames, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Encoder {
    /// Is what a wall may not be sent taken out?
    veiled: bool,
    kept: Arc<Mutex<VecDeque<Arc<Entry>>>>,
    #[cfg(test)]
    encoded: Arc<std::sync::atomic::AtomicUsize>,
}

#[derive(Debug)]
struct Entry {
    /// Alive as long as somebody has the frame: until then no other frame can be at its place in memory.
    frame: Weak<Frame>,
    /// The number that the bytes are for, the length of what goes before the frame, and the message.
    message: OnceLock<(u32, usize, Bytes)>,
}

impl Encoder {
    /// For a door of this grade.
    pub fn new(grade: Grade) -> Self {
        Self { veiled: grade == Grade::Wall, ..Self::default() }
    }

    /// The message that sends this frame under this number. Pages of one build number their views alike, so that the very
    /// same bytes do for all of them; for another number only what goes before the frame is made anew.
    pub fn message(&self, number: u32, frame: &Arc<Frame>) -> Bytes {
        let entry = self.entry(frame);
        // Outside of the lock: other frames are encoded meanwhile.
        let (of, head, bytes) = entry.message.get_or_init(|| {
            #[cfg(test)]
            self.encoded.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let before = frame_head(number);
            let head = before.len();
            (number, head, self.encode(before, frame).into())
        });
        if *of == number {
            return bytes.clone();
        }
        let mut message = frame_head(number);
        message.extend_from_slice(&bytes[*head..]);
        message.into()
    }

    fn encode(&self, before: Vec<u8>, frame: &Frame) -> Vec<u8> {
        if self.veiled {
            codec::encode_behind(before, for_walls(frame).as_ref())
        } else {
            codec::encode_behind(before, frame)
        }
    }

    fn entry(&self, frame: &Arc<Frame>) -> Arc<Entry> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = kept.iter().find(|entry| std::ptr::eq(entry.frame.as_ptr(), Arc::as_ptr(frame))) {
            return Arc::clone(entry);
        }
        // A frame that nobody has any more is asked for by nobody.
        kept.retain(|entry| entry.frame.strong_count() > 0);
        if kept.len() >= KEPT {
            kept.pop_front();
        }
        let entry = Arc::new(Entry { frame: Arc::downgrade(frame), message: OnceLock::new() });
        kept.push_back(Arc::clone(&entry));
        entry
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pilothouse_wire::{Body, Rev, Stamp, View, When, codec::ToPage};
    use std::sync::atomic::Ordering;

    fn frame(rev: u64) -> Arc<Frame> {
        let body = Body::Full(View::Fleet(Arc::default()));
        Arc::new(Frame {
            rev: Rev(rev),
            as_of: Stamp(5),
            when: When::Now,
            sources: Vec::new(),
            dropped: 0,
            gap: None,
            body,
        })
    }

    fn whole(number: u32, frame: &Frame) -> Vec<u8> {
        codec::encode(&ToPage::Frame(number, Box::new(frame.clone())))
    }

    #[test]
    fn all_who_are_sent_a_frame_share_its_bytes() {
        let (encoder, frame) = (Encoder::default(), frame(1));
        let first = encoder.message(7, &frame);
        assert_eq!(first, whole(7, &frame));
        for _ in 0..9 {
            assert_eq!(encoder.message(7, &frame).as_ptr(), first.as_ptr());
        }
        // A page that numbered its views in another way gets the same frame under its own number.
        assert_eq!(encoder.message(70_000, &frame), whole(70_000, &frame));
        assert_eq!(encoder.encoded.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn each_frame_has_its_own_bytes_though_the_last_one_stood_in_the_same_place() {
        let encoder = Encoder::default();
        for rev in 1..200 {
            let frame = frame(rev);
            assert_eq!(encoder.message(1, &frame), whole(1, &frame));
        }
        assert_eq!(encoder.encoded.load(Ordering::Relaxed), 199);
    }

    #[test]
    fn bytes_are_kept_of_a_few_frames_alone() {
        let encoder = Encoder::default();
        let frames: Vec<_> = (1..100).map(frame).collect();
        for frame in &frames {
            encoder.message(1, frame);
        }
        assert_eq!(encoder.kept.lock().unwrap().len(), KEPT);
        drop(frames);
        encoder.message(1, &frame(1));
        assert_eq!(encoder.kept.lock().unwrap().len(), 1);
    }
}
