//! The parts that screens are made of: each draws what it is given and knows nothing of the engine.

pub mod age;
pub mod button;
pub mod dialog;
pub mod drawing;
pub mod empty;
pub mod form;
pub mod icon;
pub mod key;
pub mod loading;
pub mod map;
pub mod mark;
pub mod problem;
pub mod show;
pub mod size;
pub mod table;
