//! The colours of what leaves the program: those of the light theme, which prints well.

use crate::Ink;

/// The ground.
pub const GROUND: Ink = [0xFF, 0xFF, 0xFF];
/// Text.
pub const TEXT: Ink = [0x14, 0x18, 0x1B];
/// Text of less weight.
pub const SOFT: Ink = [0x46, 0x50, 0x59];
/// Hairlines, and the track of a bar.
pub const TRACK: Ink = [0xE4, 0xE7, 0xEA];
/// Outline of what is free.
pub const FREE: Ink = [0x86, 0x8F, 0x97];
/// What is not as it should be.
pub const WARN: Ink = [0xC2, 0x74, 0x00];
/// What is lost.
pub const BAD: Ink = [0xD9, 0x30, 0x25];
/// The scale, nine steps from little to much.
pub const SCALE: [Ink; 9] = [
    [0xBF, 0xE6, 0xE4],
    [0x9A, 0xD5, 0xD9],
    [0x74, 0xC1, 0xCD],
    [0x54, 0xAB, 0xC3],
    [0x35, 0x92, 0xB5],
    [0x20, 0x78, 0xA4],
    [0x19, 0x5E, 0x90],
    [0x19, 0x45, 0x78],
    [0x18, 0x2D, 0x5D],
];
/// The step that means "held" where no quantity is meant.
pub const HELD: Ink = SCALE[5];

/// The step of the scale nearest to a share from 0 to 1.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 8")]
pub fn step(share: f32) -> Ink {
    SCALE[(share.clamp(0.0, 1.0) * 8.0).round() as usize]
}
