//! Loads of `pilothouse bench` beyond so many at a time: traces of others, ramps, people who think, hang up and go on with what
//! was said, several models, stated caches; and what a million tokens cost. Against a scripted server that keeps what it was asked.

use crate::bench_desk::{Desk, kept};
use acceptance::truth::{Script, Times};
use acceptance::{Context, Result, Said, Truth};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

struct Stand {
    truth: Truth,
    desk: Desk,
}

impl Stand {
    async fn new(script: Script) -> Result<Self> {
        Ok(Self { truth: Truth::start(script).await?, desk: Desk::new()? })
    }

    fn file(&self, name: &str, text: &str) -> Result<PathBuf> {
        let file = self.desk.file(name);
        std::fs::write(&file, text).could_not("write a file")?;
        Ok(file)
    }

    async fn run(&self, name: &str, more: &str) -> Result<(Said, Value)> {
        let url = self.truth.url();
        let own = ["run", &url, "--model", "chat", "--warm-up", "none"];
        let words: Vec<&str> = own.into_iter().chain(more.split_whitespace()).collect();
        kept(self.desk.bench(name, &words).await?)
    }

    /// What was asked, by the number of the request; what was sent before the load has none.
    fn asked(&self) -> Result<BTreeMap<u64, Value>> {
        let numbered = self.truth.log().into_iter().filter_map(|logged| {
            let number = logged.id.rsplit('-').next()?.parse().ok()?;
            Some((number, serde_json::from_str(&logged.body).ok()?))
        });
        Ok(numbered.collect())
    }
}

fn content(body: &Value) -> Vec<&str> {
    body["messages"][0]["content"].as_str().unwrap_or_default().split(' ').collect()
}

fn counts(document: &Value) -> [u64; 4] {
    ["answered", "failed", "unfinished", "cancelled"]
        .map(|name| document["measures"]["requests"][name].as_u64().unwrap_or(0))
}

#[tokio::test]
async fn traces_of_mooncake_and_of_burstgpt_are_replayed_with_what_their_blocks_have_in_common() -> Result<()> {
    let stand = Stand::new(Script::quick()).await?;
    let mooncake = "{\"timestamp\": 0, \"input_length\": 655, \"output_length\": 3, \"hash_ids\": [46, 47]}\n\
        {\"timestamp\": 300, \"input_length\": 672, \"output_length\": 2, \"hash_ids\": [46, 48]}\n\
        {\"timestamp\": 600, \"input_length\": 20, \"output_length\": 4, \"hash_ids\": [9]}\n";
    let trace = stand.file("mooncake.jsonl", mooncake)?;
    let (said, document) = stand.run("run", &format!("--trace {} --speed 3", trace.display())).await?;
    assert_eq!((said.code, counts(&document)), (0, [3, 0, 0, 0]), "{document}");
    let intended: Vec<u64> = stand.desk.requests("run")?.iter().filter_map(|of| of["intended_us"].as_u64()).collect();
    assert_eq!(intended, [0, 100_000, 200_000]);
    let asked = stand.asked()?;
    let prompts: Vec<Vec<&str>> = asked.values().map(content).collect();
    assert_eq!(prompts.iter().map(Vec::len).collect::<Vec<_>>(), [655, 672, 20]);
    assert_eq!(prompts[0][..512], prompts[1][..512]);
    assert_ne!(prompts[0][512..], prompts[1][512..655]);
    assert_eq!(asked[&1]["max_tokens"].as_u64(), Some(2));
    // What was read is known by what was in it.
    let digest = document["repeat"]["files"][0]["sha256"].as_str().unwrap_or_default();
    assert!(digest.len() == 64 && said.out.contains(digest), "{}", said.out);
    assert_eq!(document["repeat"]["engine"].as_str(), Some("truth 1"));

    let stand = Stand::new(Script::quick()).await?;
    let burst = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,12,3,15,Conversation log\n\
        6,GPT-4,30,0,30,API log\n7,GPT-4,9,2,11,API log\n";
    let trace = stand.file("burst.csv", burst)?;
    let (said, document) = stand.run("run", &format!("--trace {} --speed 10", trace.display())).await?;
    assert_eq!((said.code, counts(&document)), (0, [2, 0, 0, 0]), "{document}");
    let intended: Vec<u64> = stand.desk.requests("run")?.iter().filter_map(|of| of["intended_us"].as_u64()).collect();
    assert_eq!(intended, [0, 200_000]);
    Ok(())
}

#[tokio::test]
async fn a_conversation_of_sharegpt_goes_on_with_what_the_server_said() -> Result<()> {
    let stand = Stand::new(Script::quick()).await?;
    let share = r#"[{"id": "a", "conversations": [
        {"from": "human", "value": "what is it"}, {"from": "gpt", "value": "never sent"}, {"from": "human", "value": "and why"}]},
        {"id": "b", "conversations": [{"from": "human", "value": "go on please"}]}]"#;
    let file = stand.file("share.json", share)?;
    let more = format!("--prompts {} --turns 3 --concurrency 1 --requests 6 --output-tokens 3", file.display());
    let (said, document) = stand.run("run", &more).await?;
    assert_eq!((said.code, counts(&document)), (0, [6, 0, 0, 0]), "{document}");
    assert!(said.out.contains("conversations of 3 turns"), "{}", said.out);
    let asked: Vec<Value> = stand.asked()?.into_values().collect();
    let said_by = |body: &Value, at: usize| {
        let message = &body["messages"][at];
        (
            message["role"].as_str().unwrap_or_default().to_owned(),
            message["content"].as_str().unwrap_or_default().to_owned(),
        )
    };
    // Two turns, one turn, and again.
    let lengths: Vec<usize> = asked.iter().map(|body| body["messages"].as_array().map_or(0, Vec::len)).collect();
    assert_eq!(lengths, [1, 3, 1, 1, 3, 1]);
    let ((role, answer), (_, last)) = (said_by(&asked[1], 1), said_by(&asked[1], 2));
    assert!(role == "assistant" && !answer.is_empty() && answer != "never sent", "{}", asked[1]);
    assert_eq!((said_by(&asked[1], 0).1.as_str(), last.as_str()), ("what is it", "and why"));
    assert_eq!(said_by(&asked[2], 0).1, "go on please");
    Ok(())
}

#[tokio::test]
async fn who_hangs_up_is_neither_failed_nor_good_and_who_thinks_waits() -> Result<()> {
    let slow = Times::Fixed(Duration::from_millis(400));
    let stand = Stand::new(Script { ttft: slow, ..Script::quick() }).await?;
    let (said, document) = stand
        .run("run", "--concurrency 8 --requests 80 --output-tokens 2 --cancel 30 --cancel-after 50ms --slo e2e=60s")
        .await?;
    let [answered, failed, unfinished, cancelled] = counts(&document);
    assert_eq!((said.code, failed, unfinished, answered + cancelled), (0, 0, 0, 80), "{document}");
    assert!((12..=38).contains(&cancelled), "{cancelled}");
    let good = &document["measures"]["goodput"];
    assert_eq!((good["good"].as_u64(), good["of"].as_u64()), (Some(answered), Some(answered)));
    assert!(said.out.contains(&format!("{cancelled} given up by who asked")), "{}", said.out);

    // Each of both thinks for 150 ms between an answer and the next request.
    let stand = Stand::new(Script::quick()).await?;
    let (_, document) = stand.run("run", "--concurrency 2 --requests 8 --output-tokens 1 --think 150ms").await?;
    assert_eq!(counts(&document)[0], 8, "{document}");
    let mut requests = stand.desk.requests("run")?;
    requests.sort_by_key(|of| of["intended_us"].as_u64());
    let at = |n: usize| requests[n]["intended_us"].as_u64().unwrap_or(0);
    assert!(at(7) >= 3 * 150_000, "{requests:?}");
    Ok(())
}

#[tokio::test]
async fn people_of_a_ramp_come_one_after_the_other() -> Result<()> {
    let stand = Stand::new(Script { ttft: Times::Fixed(Duration::from_millis(100)), ..Script::quick() }).await?;
    let more = "--concurrency 4 --seconds 2 --output-tokens 1 --ramp-from 1 --ramp-seconds 1.2";
    let (said, document) = stand.run("run", more).await?;
    assert!(said.out.contains("from 1 within 1.2 s, evenly"), "{}", said.out);
    let requests = stand.desk.requests("run")?;
    let begun = |from: u64, to: u64| {
        requests.iter().filter(|of| (from..to).contains(&of["intended_us"].as_u64().unwrap_or(0))).count()
    };
    // One at a time takes 100 ms, whatever the machine does: three in the first 300 ms at most, and more later.
    assert!(begun(0, 300_000) <= 4 && begun(0, 300_000) >= 1, "{document}");
    assert!(begun(1_300_000, 2_000_000) > begun(0, 700_000), "{document}");
    Ok(())
}

#[tokio::test]
async fn several_models_are_asked_by_their_weights_and_told_apart() -> Result<()> {
    let stand = Stand::new(Script::quick()).await?;
    let more = "--concurrency 4 --requests 120 --output-tokens 2 --mix base --mix sql-lora=3";
    let (said, document) = stand.run("run", more).await?;
    let asked = stand.asked()?;
    let of = |model: &str| asked.values().filter(|body| body["model"] == model).count() as u64;
    assert_eq!(of("base") + of("sql-lora"), 120, "{document}");
    assert!((60..=115).contains(&of("sql-lora")), "{}", of("sql-lora"));
    let told: Vec<(Option<&str>, Option<u64>)> = document["mix"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|of| (of["model"].as_str(), of["answered"].as_u64()))
        .collect();
    assert_eq!(told, [(Some("base"), Some(of("base"))), (Some("sql-lora"), Some(of("sql-lora")))]);
    assert!(said.out.contains("sql-lora=3"), "{}", said.out);
    Ok(())
}

#[tokio::test]
async fn a_cache_is_stated_and_what_was_done_for_it_is_kept() -> Result<()> {
    let load = "--concurrency 2 --requests 10 --input-tokens 30 --output-tokens 4";
    let mut words = Vec::new();
    for name in ["one", "two"] {
        let stand = Stand::new(Script::quick()).await?;
        let (said, document) = stand.run(name, &format!("{load} --cache cold")).await?;
        assert!(said.out.contains("cold: words of prompts are drawn from the run's own name"), "{}", said.out);
        assert_eq!((stand.truth.count(), document["plan"]["manner"]["cache"].as_str()), (10, Some("cold")));
        words.extend(stand.asked()?.into_values().map(|body| content(&body).join(" ")));
    }
    // No prompt of one run begins as one of the other: the seed is the same, their names are not.
    let begins: BTreeSet<String> =
        words.iter().map(|text| text.split(' ').take(12).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(begins.len(), 20);

    let stand = Stand::new(Script::quick()).await?;
    let (said, document) = stand.run("warm", &format!("{load} --cache warm")).await?;
    assert_eq!((stand.truth.count(), counts(&document)[0]), (20, 10), "{document}");
    assert_eq!(document["prepared"]["answered"].as_u64(), Some(10));
    assert!(said.out.contains("10 requests were sent before the load"), "{}", said.out);
    let before: BTreeSet<String> = stand
        .truth
        .log()
        .iter()
        .filter(|logged| logged.id == "before")
        .filter_map(|logged| serde_json::from_str::<Value>(&logged.body).ok())
        .inspect(|body| assert_eq!(body["max_tokens"].as_u64(), Some(1)))
        .map(|body| content(&body).join(" "))
        .collect();
    let measured: BTreeSet<String> = stand.asked()?.values().map(|body| content(body).join(" ")).collect();
    assert_eq!(before, measured);

    let stand = Stand::new(Script::quick()).await?;
    let (_, document) = stand.run("shared", &format!("{load} --shared-prefix 20 --cache shared")).await?;
    assert_eq!((stand.truth.count(), document["prepared"]["answered"].as_u64()), (11, Some(1)), "{document}");
    let refused = stand.run("bad", &format!("{load} --cache shared")).await;
    assert!(format!("{refused:?}").contains("cache cannot be shared"), "{refused:?}");
    Ok(())
}

#[tokio::test]
async fn a_price_is_told_where_it_is_said_and_is_compared_and_drawn() -> Result<()> {
    let gap = Times::Fixed(Duration::from_millis(1));
    let stand = Stand::new(Script { gap, ..Script::quick() }).await?;
    let load = "--concurrency 2 --requests 40 --output-tokens 8 --slo e2e=60s";
    let (said, document) = stand.run("free", load).await?;
    assert!(said.out.contains("no price: nobody said what a GPU costs an hour"), "{}", said.out);
    assert!(document["measures"]["worth"].is_null(), "{document}");
    let (said, document) = stand.run("paid", &format!("{load} --gpu-hour 3.60 --gpus 2")).await?;
    let rate = document["measures"]["rates"]["output_tokens_per_s"].as_f64().unwrap_or(f64::NAN);
    let cost = format!("${:.2} a million tokens", 2_000.0 / rate);
    let cost = if 2_000.0 / rate < 0.1 { format!("${:.4} a million tokens", 2_000.0 / rate) } else { cost };
    assert!(said.out.contains(&cost) && said.out.contains("$3.60 an hour × 2 GPUs, as given"), "{cost}: {}", said.out);
    assert!(said.out.contains("tokens/s out of each of 2, as given"), "{}", said.out);
    // The same drawn, as a file of its own and in a page.
    let paid = stand.desk.file("paid.json").display().to_string();
    let svg = stand.desk.terminal.good(&["bench", "report", &paid, "--svg"]).await?;
    assert!(svg.starts_with("<svg ") && svg.contains("</svg>"), "{svg}");
    let html = stand.desk.terminal.good(&["bench", "report", &paid]).await?;
    assert!(html.contains("<h2>Time to first token</h2>") && html.contains("<svg "), "{html}");

    let (url, more) = (stand.truth.url(), format!("{load} --gpu-hour 3.60 --gpus 2 --warm-up none"));
    let own = ["search", &url, "--model", "chat", "--sweep", "1,4", "--most-late", "9s"];
    let more = more.replace("--concurrency 2 ", "");
    let words: Vec<&str> = own.into_iter().chain(more.split_whitespace()).collect();
    let (said, document) = kept(stand.desk.bench("sweep", &words).await?)?;
    let paid = |at: usize| document["points"][at]["paid"][0].as_f64();
    assert!(paid(0) > Some(0.0) && paid(1) > Some(0.0), "{document}");
    assert!(said.out.contains("$/GOOD MTOK"), "{}", said.out);
    let file = stand.desk.file("sweep.json").display().to_string();
    let svg = stand.desk.terminal.good(&["bench", "report", &file, "--svg"]).await?;
    assert!(svg.contains("tokens/s a GPU") && svg.contains("on the front"), "{svg}");

    let compare =
        ["compare", &url, &url, "--model", "chat", "--metric", "cost,tokens-gpu", "--pairs", "6", "--answers", "0"];
    let load =
        ["--concurrency", "2", "--requests", "20", "--output-tokens", "4", "--most-late", "9s", "--warm-up", "none"];
    let words = [&compare[..], &load[..]].concat();
    let (said, document) = stand.desk.bench("cmp", &words).await?;
    assert!(document.is_none() && said.err.contains("metric cannot be cost."), "{said:?}");
    let words = [&compare[..], &load[..], &["--gpu-hour", "3.60", "--gpus", "2", "--margin", "50"]].concat();
    let (said, document) = kept(stand.desk.bench("cmp", &words).await?)?;
    let values = &document["blocks"][0]["values"];
    assert!(values[0].as_f64() > Some(0.0) && values[1].as_f64() > Some(0.0), "{values}");
    assert!(said.out.contains("$ a million tokens"), "{}", said.out);
    Ok(())
}
