//! What may wait until the page has drawn.

use leptos::prelude::{request_animation_frame, set_timeout};
use std::{cell::Cell, rc::Rc, time::Duration};

/// In a page that is not in sight no frame is drawn: then it is done after this long.
const AT_LATEST: Duration = Duration::from_millis(100);

/// Does some work once the browser has drawn its next frame.
pub fn after_drawing(work: impl FnOnce() + 'static) {
    let work = Rc::new(Cell::new(Some(work)));
    let run = move || {
        if let Some(work) = work.take() {
            work();
        }
    };
    let late = run.clone();
    // In the frame the page is not drawn yet; a time-out comes behind it.
    request_animation_frame(move || set_timeout(run, Duration::ZERO));
    set_timeout(late, AT_LATEST);
}
