//! A system whose notifications this build does not know: notices are listed, and not shown.

use pilothouse_wire::{Code, Problem, notice::Notice};
use tauri::AppHandle;

pub struct Desktop;

impl Desktop {
    pub fn new(_: AppHandle) -> Self {
        Self
    }

    /// Shows no notice.
    ///
    /// # Errors
    /// Always: nothing is shown here.
    pub async fn show(&mut self, _: &Notice) -> Result<(), Problem> {
        Err(Problem::new(Code::NotOffered, "Notices are not shown on this system.").next("They are listed here."))
    }
}
