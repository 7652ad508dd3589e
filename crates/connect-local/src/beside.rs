//! The GPUs of this machine for whoever measures something beside them: read when they are asked, and no facts made of it.

use crate::{
    driver::{Failure, Loader},
    gpu::Seen,
    panel::Panel,
};
use pilothouse_connect::Clock;
use pilothouse_wire::{Metric, SmolStr};
use std::collections::BTreeMap;

/// The GPUs of the driver.
#[derive(Debug)]
pub struct Gpus(Panel);

/// One GPU as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Now {
    /// Its identity.
    pub uuid: SmolStr,
    /// Its number, as `nvidia-smi` shows it.
    pub index: u32,
    /// What it is.
    pub product: Option<SmolStr>,
    /// What is measured, each in the unit of its metric; what is not there is left out.
    pub values: BTreeMap<Metric, f64>,
    /// The most power that it may take now, in watts.
    pub power_cap: Option<f64>,
    /// The numbers of the processes that compute on it, as the driver counts them; none where it does not tell.
    pub computing: Option<Vec<u32>>,
}

impl Gpus {
    /// Loads the driver's library: the one that is named, or the usual one. Blocks while it wakes its GPUs.
    ///
    /// # Errors
    /// Why there is no driver to ask, in words.
    pub fn open(library: Option<&str>) -> Result<Self, String> {
        let mut loader = Loader::new(library);
        let driver = loader.load().map_err(|failure| match failure {
            Failure::Said(error) => format!("the driver's library {} cannot be used: {error}", loader.shown()),
            Failure::Hangs(after) => format!("the driver's library hangs for {} s", after.as_secs()),
            Failure::NoThread(why) => format!("this system gives no thread: {why}"),
        })?;
        match driver.gpus {
            0 => Err("the driver has no GPU".to_owned()),
            _ => Ok(Self(Panel::start(&driver, &Clock::system()))),
        }
    }

    /// The version of the driver, where it tells.
    #[must_use]
    pub fn driver(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// Asks all of them once; those that gave an answer. Blocks for a second and a half at most, where one is silent.
    pub fn read(&mut self) -> Vec<Now> {
        let measured = self.0.round().into_iter().filter_map(|seen| match seen {
            Seen::Measured(measured) => Some(*measured),
            Seen::Lost | Seen::Silent | Seen::Failed(_) => None,
        });
        let now = measured.map(|measured| Now {
            uuid: measured.identity.uuid,
            index: measured.identity.index,
            product: measured.identity.product,
            values: measured
                .read
                .values
                .into_iter()
                .filter_map(|(metric, value)| Some((metric, value.ok()?)))
                .collect(),
            power_cap: measured.read.power_cap,
            computing: measured.computing,
        });
        now.collect()
    }
}

#[cfg(all(test, feature = "conformance"))]
mod tests {
    use super::*;

    #[test]
    fn each_gpu_is_told_with_its_cap_and_one_that_is_lost_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let library = crate::stub::build(folder.path(), &[]).unwrap();
        let conf = folder.path().join("libnvml-mock.so.conf");
        std::fs::write(&conf, "util 40\ncap 650000\nsm-clock 1410\nheat@1 71\npid@1 4711\nprocesses@1 2\n").unwrap();
        let mut gpus = Gpus::open(Some(&library.display().to_string())).unwrap();
        assert!(gpus.driver().is_some_and(|version| version.starts_with(|c: char| c.is_ascii_digit())));
        let now = gpus.read();
        let told: Vec<_> =
            now.iter().map(|gpu| (gpu.index, gpu.power_cap, gpu.values.get(&Metric::SmClock).copied())).collect();
        assert_eq!(told, [(0, Some(650.0), Some(1_410.0)), (1, Some(650.0), Some(1_410.0))]);
        assert_eq!(now[1].values.get(&Metric::Temperature), Some(&71.0));
        assert_eq!([&now[0].computing, &now[1].computing], [&Some(vec![]), &Some(vec![4_711, 1])]);
        std::fs::write(&conf, "every@1 15\n").unwrap();
        assert_eq!(gpus.read().iter().map(|gpu| gpu.index).collect::<Vec<_>>(), [0]);
        assert!(Gpus::open(Some("/no/such/library.so")).unwrap_err().contains("cannot be used"));
    }
}
