//! How a model out of a file is computed: what may be an arm of a comparison.

use pilothouse_wire::{Code, Problem};
use serde::{Deserialize, Serialize};

/// Options of a model; what is left out is as the program has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// Tokens that one request has room for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<u32>,
    /// The most tokens of a step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<u32>,
    /// Of those so many at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ubatch: Option<u32>,
    /// Threads that compute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<u32>,
    /// Requests that are answered at a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parallel: Option<u32>,
    /// Layers that are computed by GPUs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_layers: Option<u32>,
    /// What drawing tokens begins with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
}

/// What they are called, on the command line of the program and behind a file.
const NAMES: [&str; 7] = ["context", "batch", "ubatch", "threads", "parallel", "gpu-layers", "seed"];

impl Options {
    /// These, with what stands behind a file: `threads=4&batch=512`.
    ///
    /// # Errors
    /// Which of them is none.
    pub fn and(mut self, typed: &str) -> Result<Self, Problem> {
        for part in typed.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let Some(place) = self.place(name) else {
                return Err(Problem::new(Code::BadInput, format!("{part} is no option of a model."))
                    .why("Behind the name of a file stand options, like model.gguf?threads=4&batch=512.")
                    .next(format!("There are {}.", NAMES.join(", "))));
            };
            let number = value.parse().map_err(|_| {
                Problem::new(Code::BadInput, format!("{name} cannot be \"{value}\"."))
                    .why("It is a whole number.")
                    .next(format!("Write {name}=N."))
            })?;
            *place = Some(number);
        }
        Ok(self)
    }

    fn place(&mut self, name: &str) -> Option<&mut Option<u32>> {
        match name {
            "context" => Some(&mut self.context),
            "batch" => Some(&mut self.batch),
            "ubatch" => Some(&mut self.ubatch),
            "threads" => Some(&mut self.threads),
            "parallel" => Some(&mut self.parallel),
            "gpu-layers" => Some(&mut self.gpu_layers),
            "seed" => Some(&mut self.seed),
            _ => None,
        }
    }

    /// As they are said to the program.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        let mut own = self.clone();
        let word = |name: &&str| {
            own.place(name).and_then(|value| *value).map(|value| [format!("--{name}"), value.to_string()])
        };
        NAMES.iter().filter_map(word).flatten().collect()
    }

    /// Can they be used?
    ///
    /// # Errors
    /// Which of them cannot.
    pub fn check(&self) -> Result<(), Problem> {
        let none = NAMES.iter().filter(|name| !matches!(**name, "gpu-layers" | "seed"));
        let mut own = self.clone();
        match none.copied().find(|name| own.place(name).is_some_and(|value| *value == Some(0))) {
            Some(name) => Err(Problem::new(Code::BadInput, format!("{name} cannot be 0."))
                .why("Nothing would be computed.")
                .next("Give 1 or more.")),
            None => Ok(()),
        }
    }

    /// Tokens that one request has room for, as the program has them where nothing is said.
    #[must_use]
    pub fn context(&self) -> u32 {
        self.context.unwrap_or(4_096)
    }

    /// Requests that are answered at a time, likewise.
    #[must_use]
    pub fn parallel(&self) -> u32 {
        self.parallel.unwrap_or(1)
    }

    /// Tokens that are computed at once, likewise.
    #[must_use]
    pub fn ubatch(&self) -> u32 {
        self.ubatch.unwrap_or(512).min(self.batch.unwrap_or(2_048))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_file_goes_before_what_is_said_for_all() {
        let all = Options { threads: Some(2), context: Some(512), ..Options::default() };
        let own = all.and("threads=4&gpu-layers=9").unwrap();
        assert_eq!(own.words(), ["--context", "512", "--threads", "4", "--gpu-layers", "9"]);
        assert_eq!((own.parallel(), own.ubatch(), Options::default().words().len()), (1, 512, 0));
    }

    #[test]
    fn what_is_no_option_is_said() {
        for (typed, want) in [
            ("thread=4", "thread=4 is no option of a model."),
            ("threads=four", "threads cannot be \"four\"."),
            ("threads", "threads cannot be \"\"."),
            ("threads=-1", "threads cannot be \"-1\"."),
        ] {
            assert_eq!(Options::default().and(typed).unwrap_err().what, want);
        }
        let none = Options::default().and("batch=0").unwrap();
        assert_eq!(none.check().unwrap_err().what, "batch cannot be 0.");
        assert_eq!(Options::default().and("seed=0&gpu-layers=0").unwrap().check(), Ok(()));
    }
}
