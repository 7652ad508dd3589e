//! What a token is for, as a type: a door takes a book of its own purpose, and no token of another.

use std::fmt::Debug;

/// What tokens begin with, of all purposes.
pub(super) const BEGINNINGS: [&str; 2] = [OfWall::BEGINS, OfRecord::BEGINS];

/// What a token is for.
pub trait Purpose: Clone + Debug + Send + Sync + 'static {
    /// What its tokens begin with, so that whoever finds one knows what it is.
    const BEGINS: &'static str;
    /// The file of its tokens, in the folder of settings.
    const FILE: &'static str;
    /// The command that such a door is opened by.
    const COMMAND: &'static str;
    /// A name for a token that got none.
    const NAME: &'static str;
}

/// To show the wall on a screen.
#[derive(Clone, Copy, Debug)]
pub enum OfWall {}

/// To read the record from another machine.
#[derive(Clone, Copy, Debug)]
pub enum OfRecord {}

impl Purpose for OfWall {
    const BEGINS: &'static str = "phw_";
    const FILE: &'static str = "wall.json";
    const COMMAND: &'static str = "pilothouse serve";
    const NAME: &'static str = "wall";
}

impl Purpose for OfRecord {
    const BEGINS: &'static str = "phr_";
    const FILE: &'static str = "record.json";
    const COMMAND: &'static str = "pilothouse record";
    const NAME: &'static str = "record";
}
