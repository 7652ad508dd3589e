//! All GPUs of the driver, asked at once. Blocks, but not for ever: it runs where blocking is allowed.

use crate::{
    driver::Driver,
    gpu::{Gpu, Seen},
};
use pilothouse_connect::Clock;
use std::time::Duration;

/// How long GPUs may take to answer. They are asked at the same time, so that one that hangs takes nothing from others.
const LIMIT: Duration = Duration::from_millis(1_500);

/// The threads of all GPUs.
#[derive(Debug)]
pub struct Panel {
    /// Version of the driver.
    pub version: Option<String>,
    gpus: Vec<Result<Gpu, String>>,
}

impl Panel {
    /// Starts a thread for each GPU.
    pub fn start(driver: &Driver, clock: &Clock) -> Self {
        let start = |index| {
            Gpu::start(driver.nvml.clone(), index, clock.clone()).map_err(|error| format!("it gets no thread: {error}"))
        };
        Self { version: driver.version.clone(), gpus: (0..driver.gpus).map(start).collect() }
    }

    /// Asks all GPUs once; one answer a GPU, in the order of their numbers.
    pub fn round(&mut self) -> Vec<Seen> {
        self.gpus.iter_mut().flatten().for_each(Gpu::ask);
        let mut limit = LIMIT;
        let mut seen = Vec::with_capacity(self.gpus.len());
        for gpu in &mut self.gpus {
            let one = match gpu {
                // One that owes an answer from an earlier round is not waited for: that would be no time for others.
                Ok(gpu) if gpu.owes() => gpu.answer(Duration::ZERO),
                Ok(gpu) => {
                    let one = gpu.answer(limit);
                    if one == Seen::Silent {
                        // The others have had as long.
                        limit = Duration::ZERO;
                    }
                    one
                }
                Err(why) => Seen::Failed(why.clone()),
            };
            seen.push(one);
        }
        seen
    }
}
