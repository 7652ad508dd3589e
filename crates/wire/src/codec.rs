//! The one codec, and the messages of a door's connection. The same bytes travel over a desktop channel or a WebSocket.

use crate::{
    Act, Acted, Answer, Ask, Code, Frame, Problem, ViewSpec, When,
    door::{DoorAct, WallDoor},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Fingerprint of this crate's sources. Both ends of a door say theirs first; ends that differ do not talk.
pub const WIRE_HASH: &str = env!("PILOTHOUSE_WIRE_HASH");

/// From a page to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToEngine {
    /// First message: the page's [`crate::WIRE_HASH`].
    Hello(String),
    /// A question, numbered by the page.
    Ask(u32, Ask),
    /// Starts to send frames of a view, under a number chosen by the page. The same number again replaces it, or
    /// asks for a full frame.
    Watch(u32, ViewSpec, When),
    /// Stops sending frames.
    Unwatch(u32),
    /// Nobody waits any more for the answer to the question of this number: what is on its way for it may be let go.
    Leave(u32),
}

/// From a page that may act to the engine: the desktop window only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToDesktop {
    /// What every page may send.
    Read(ToEngine),
    /// An act, numbered by the page.
    Act(u32, Act),
    /// Something about the wall door, numbered by the page.
    Door(u32, DoorAct),
    /// A text to be saved as a file of this name, numbered by the page: a web view saves none.
    Save(u32, String, String),
}

/// From the engine to a page.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToPage {
    /// Answers a hello: the engine's [`crate::WIRE_HASH`]. A page that differs reloads itself.
    Hello(String),
    /// Answers an ask of that number.
    Answer(u32, Result<Answer, Problem>),
    /// Answers an act of that number.
    Acted(u32, Result<Acted, Problem>),
    /// A frame of the view watched under that number.
    Frame(u32, Box<Frame>),
    /// The view watched under that number cannot be shown.
    Refused(u32, Problem),
    /// Answers [`ToDesktop::Door`] of that number.
    Door(u32, Result<WallDoor, Problem>),
    /// Answers [`ToDesktop::Save`] of that number: where it is.
    Saved(u32, Result<String, Problem>),
}

/// The largest message that a page may send: more is a mistake or an attack.
pub const MAX_FROM_PAGE: usize = 256 * 1024;

/// Encodes a message.
#[must_use]
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    // The types of this crate have no map with unsized keys and no unknown lengths: postcard cannot fail on them.
    postcard::to_stdvec(message).unwrap_or_default()
}

/// [`encode`], behind what there is already.
#[must_use]
pub fn encode_behind<T: Serialize>(head: Vec<u8>, message: &T) -> Vec<u8> {
    postcard::to_extend(message, head).unwrap_or_default()
}

/// What goes before a frame in [`ToPage::Frame`] of this number: the frame itself is then the same for all numbers, and
/// is encoded once.
#[must_use]
pub fn frame_head(number: u32) -> Vec<u8> {
    /// The variants of [`ToPage`] up to the frame, without what is in them.
    #[derive(Serialize)]
    #[allow(dead_code, reason = "they stand for the places of the others")]
    enum Head {
        Hello,
        Answer,
        Acted,
        Frame(u32),
    }
    encode(&Head::Frame(number))
}

/// Decodes a message that must fill `bytes` exactly.
///
/// # Errors
/// A [`Problem`] of [`Code::BadInput`] for bytes that are no such message.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    match postcard::take_from_bytes(bytes) {
        Ok((message, [])) => Ok(message),
        Ok((_, rest)) => Err(malformed(format!("{} bytes are left over.", rest.len()))),
        Err(error) => Err(malformed(format!("{error}."))),
    }
}

fn malformed(why: String) -> Problem {
    Problem::new(Code::BadInput, "The message is not one of this build's.").why(why).next("Reload the page.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Stamp, view::FleetSpec};
    use proptest::prelude::*;

    #[test]
    fn messages_read_back_from_their_bytes() {
        let message = ToEngine::Watch(7, ViewSpec::Fleet(FleetSpec::default()), When::At(Stamp(5)));
        assert_eq!(decode::<ToEngine>(&encode(&message)), Ok(message));
    }

    #[test]
    fn a_frame_behind_its_head_is_the_message() {
        use crate::{Body, Rev};
        let body = Body::Same { base: Rev(3) };
        let frame =
            Frame { rev: Rev(3), as_of: Stamp(5), when: When::Now, sources: Vec::new(), dropped: 1, gap: None, body };
        for number in [0, 1, 127, 128, 70_000, u32::MAX] {
            let bytes = encode_behind(frame_head(number), &frame);
            assert_eq!(decode::<ToPage>(&bytes), Ok(ToPage::Frame(number, Box::new(frame.clone()))));
        }
    }

    proptest! {
        #[test]
        fn foreign_bytes_give_a_problem_and_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode::<ToDesktop>(&bytes);
            let _ = decode::<ToPage>(&bytes);
        }
    }
}
