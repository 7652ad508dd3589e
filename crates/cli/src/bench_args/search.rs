//! What may be typed behind `bench search`.

use super::{LoadArgs, Local, LocalArgs, ServeArgs, WayArgs};
use crate::exit::Failed;
use clap::Args;
use pilothouse_bench::{
    beside::Given,
    plan::Target,
    search::{Arm, Scale, Wanted},
    slo,
};
use std::path::PathBuf;

/// Of a search.
#[derive(Args, Debug)]
pub struct SearchArgs {
    /// The server: http://HOST:PORT, with or without /v1, or the whole address that is posted to; or
    /// service:NAMESPACE/NAME:PORT@CONNECTION (or pod:…), through the API server of that connection
    #[arg(value_name = "ADDRESS")]
    pub address: Option<String>,
    /// The model, as the server calls it; or without an address a file, which is loaded and served to be measured: a .gguf or a
    /// .onnx, with options behind it where that is wanted (model.gguf?threads=4&batch=512). With --sweep also several files
    #[arg(long, value_name = "NAME|FILE", required = true)]
    pub model: Vec<String>,
    /// The way to it.
    #[command(flatten)]
    pub way: WayArgs,
    /// What is started to be measured.
    #[command(flatten)]
    pub serve: ServeArgs,
    /// The load of a probe.
    #[command(flatten)]
    pub load: LoadArgs,
    /// Search over requests a second, from LOW to HIGH, by --arrivals
    #[arg(long, value_name = "LOW..HIGH", value_parser = range, conflicts_with_all = ["rate", "concurrency", "trace"])]
    pub rates: Option<(f64, f64)>,
    /// Search over requests at a time
    #[arg(long, value_name = "LOW..HIGH", value_parser = range, conflicts_with_all = ["rate", "concurrency", "trace", "rates"])]
    pub concurrencies: Option<(f64, f64)>,
    /// Sweep over so many at a time, each once: 1,2,4,8
    #[arg(long, value_name = "N,N…", value_delimiter = ',', conflicts_with_all = ["rate", "concurrency", "trace", "rates", "concurrencies"])]
    pub sweep: Vec<u32>,
    /// The share of requests that has to keep the limits, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 95.0)]
    pub good: f64,
    /// How sure each place is to be, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 95.0)]
    pub sure: f64,
    /// End once what does not keep them is no more than so many percent above what does
    #[arg(long, value_name = "PERCENT", default_value_t = 10.0)]
    pub within: f64,
    /// A client that is later than this once in a hundred times was the limit, and the search ends there [default: 5ms]
    #[arg(long, value_name = "TIME", value_parser = slo::micros)]
    pub most_late: Option<u64>,
    /// Keep the search in this file, and its probes beside it [default: in the data of this account]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// As JSON, with everything that is kept of it
    #[arg(long)]
    pub json: bool,
    /// Of a model out of a file.
    #[command(flatten)]
    pub local: LocalArgs,
}

impl SearchArgs {
    /// What is searched for, and the models out of files that are to be served for it.
    ///
    /// # Errors
    /// If it is not said over what, or the file is none of a model.
    pub fn wanted(&self) -> Result<(Wanted, Vec<Local>), Failed> {
        let sweep: Option<Vec<f64>> =
            (!self.sweep.is_empty()).then(|| self.sweep.iter().map(|at| f64::from(*at)).collect());
        let swept = sweep.as_ref().map(|places| {
            let ends = places.iter().fold((f64::INFINITY, 0.0_f64), |ends, at| (ends.0.min(*at), ends.1.max(*at)));
            (Scale::Concurrency, ends)
        });
        let over = swept
            .or(self.rates.map(|range| (Scale::Rate, range)))
            .or(self.concurrencies.map(|range| (Scale::Concurrency, range)));
        let Some((scale, range)) = over else {
            return Err(Failed::Usage("It is not said over what: give --rates, --concurrencies or --sweep.".into()));
        };
        let mut load = self.load.clone();
        match scale {
            Scale::Rate => load.rate = Some(range.0),
            Scale::Concurrency => load.concurrency = Some(1),
        }
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "what is no number of requests is refused later"
        )]
        let at_a_time = (scale == Scale::Concurrency).then_some(range.1 as u32).or(load.max_concurrency);
        let of =
            |model: &String| self.local.or_server(self.address.as_deref(), model, &self.way, (at_a_time, load.seed));
        let all: Vec<_> = self.model.iter().map(of).collect::<Result<_, _>>()?;
        if all.len() > 1 && (sweep.is_none() || all.iter().any(|(_, local)| local.is_none())) {
            return Err(Failed::Usage("Several models are swept over as files: give --sweep, and no address.".into()));
        }
        let arms = match &all[..] {
            [_] => Vec::new(),
            several => several.iter().zip(&self.model).map(|((target, _), typed)| arm(target, typed)).collect(),
        };
        let Some((target, _)) = all.first().cloned() else {
            return Err(Failed::Usage("No model is said: give --model.".into()));
        };
        let locals = all.into_iter().filter_map(|(_, local)| local).collect();
        let wanted = Wanted {
            plan: load.plan(target)?,
            given: Given::default(),
            scale,
            range,
            sweep,
            arms,
            good: self.good / 100.0,
            sure: self.sure / 100.0,
            within: 1.0 + self.within / 100.0,
            most_late_us: self.most_late,
            gpus: self.serve.gpus,
        };
        Ok((wanted, locals))
    }
}

/// One of several, called as it was typed but for its folder.
fn arm(target: &Target, typed: &str) -> Arm {
    let name = typed.rsplit_once(['/', '\\']).map_or(typed, |(_, name)| name).to_owned();
    Arm { name, target: target.clone(), given: Given::default() }
}

fn range(text: &str) -> Result<(f64, f64), String> {
    let number = |text: &str| text.trim().parse::<f64>().map_err(|_| format!("\"{text}\" is no number"));
    let (low, high) = text.split_once("..").ok_or("write it like 1..100")?;
    Ok((number(low)?, number(high)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        args::{Arguments, Verb},
        bench_args::{BenchArgs, BenchVerb},
    };
    use clap::Parser;
    use pilothouse_bench::plan::Load;

    fn typed(words: &str) -> Result<SearchArgs, clap::Error> {
        let words = ["pilothouse", "bench", "search", "http://h", "--model", "m"].into_iter().chain(words.split(' '));
        match Arguments::try_parse_from(words)?.verb {
            Verb::Bench(BenchArgs { verb: BenchVerb::Search(of) }) => Ok(*of),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_typed_is_what_is_searched() {
        let rates =
            typed("--rates 1..64 --requests 200 --slo ttft=1s --arrivals constant").unwrap().wanted().unwrap().0;
        assert_eq!((rates.scale, rates.range), (Scale::Rate, (1.0, 64.0)));
        assert!(matches!(rates.plan.load, Load::Open { .. }) && (rates.within - 1.1).abs() < 1e-9);
        let sweep = typed("--sweep 4,1,8 --requests 50 --gpus 2").unwrap().wanted().unwrap().0;
        assert_eq!((sweep.sweep, sweep.range, sweep.gpus), (Some(vec![4.0, 1.0, 8.0]), (1.0, 8.0), Some(2)));
        assert!(typed("--rates 1..9 --rate 4 --requests 9").is_err());
        assert!(typed("--rates 9 --requests 9").is_err());
        assert!(matches!(typed("--requests 9").unwrap().wanted(), Err(Failed::Usage(_))));
        let several = typed("--model n --sweep 1,2 --requests 9").unwrap().wanted();
        assert!(matches!(several, Err(Failed::Usage(said)) if said.contains("swept over as files")));
    }
}
