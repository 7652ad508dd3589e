//! `pilothouse bench compare --embed`: how near answers are in meaning, by a scripted server of embeddings whose vectors count
//! letters; said where it is told, and said where it is not.

use crate::bench_desk::{Desk, kept};
use acceptance::truth::{Fault, Script};
use acceptance::{Failure, Result, Said, Truth};
use serde_json::Value;

const LOAD: &str = "--model chat --concurrency 4 --requests 20 --input-tokens 4 --output-tokens 3 --warm-up none --most-late 2s \
                    --pairs 6 --margin 50 --metric e2e-p50 --answers 3";

struct Stand {
    arms: [Truth; 2],
    desk: Desk,
}

impl Stand {
    /// Two servers that say these words, over and over.
    async fn new(words: [&str; 2]) -> Result<Self> {
        let saying = |word: &str| Truth::start(Script { word: word.to_owned(), ..Script::quick() });
        Ok(Self { arms: [saying(words[0]).await?, saying(words[1]).await?], desk: Desk::new()? })
    }

    async fn compare(&self, more: &str) -> Result<(Said, Value)> {
        let [now, next] = [("now", 0), ("next", 1)].map(|(name, at)| format!("{name}={}", self.arms[at].url()));
        let own = ["compare", &now, &next];
        let words: Vec<&str> = own.into_iter().chain(LOAD.split_whitespace()).chain(more.split_whitespace()).collect();
        kept(self.desk.bench("cmp", &words).await?)
    }
}

fn near(document: &Value, arm: usize) -> Option<f64> {
    document["answers"]["arms"][arm]["similarity"].as_f64()
}

#[tokio::test]
async fn answers_in_other_words_are_told_to_be_near_in_meaning() -> Result<()> {
    // The same letters in another order: no word is shared.
    let stand = Stand::new([" stale", " least"]).await?;
    let embeddings = Truth::start(Script::quick()).await?;
    let (said, document) = stand.compare(&format!("--embed {} --embed-model letters", embeddings.url())).await?;
    assert_eq!(said.code, 0, "{said:?}");
    let own = &document["answers"]["arms"][1];
    assert_eq!((own["exact"].as_f64(), own["overlap"].as_f64()), (Some(0.0), Some(0.0)), "{own}");
    assert!(near(&document, 0) > Some(0.999) && near(&document, 1) > Some(0.999), "{}", document["answers"]);
    assert_eq!(own["similarities"].as_array().map(Vec::len), Some(3));
    for want in [
        "next: 0 % of 3 the same to the letter, words overlap by 0 %, 1.000 near in meaning",
        &format!("near in meaning: by letters at {}/v1/embeddings", embeddings.url()),
        "the cosine of the vectors of both answers",
    ] {
        assert!(said.out.contains(want), "{want}: {}", said.out);
    }
    // One request an arm, with all that it said; the load is not embedded, and vectors are not kept.
    let log = embeddings.log();
    let asked: Vec<Value> = log.iter().filter_map(|logged| serde_json::from_str(&logged.body).ok()).collect();
    assert_eq!((asked.len(), asked[0]["input"].as_array().map(Vec::len)), (3, Some(3)), "{asked:?}");
    assert_eq!((asked[0]["model"].as_str(), asked[0]["encoding_format"].as_str()), (Some("letters"), Some("float")));
    assert!(!document.to_string().contains("stale stale"), "a text is kept");
    Ok(())
}

#[tokio::test]
async fn other_answers_are_told_to_be_far_in_meaning() -> Result<()> {
    let stand = Stand::new([" abc", " axyz"]).await?;
    let embeddings = Truth::start(Script::quick()).await?;
    let (said, document) = stand.compare(&format!("--embed {} --embed-model letters", embeddings.url())).await?;
    // One letter of three and of four is shared: 1 / √12.
    let far = near(&document, 1).ok_or_else(|| Failure::new(format!("nothing is told: {said:?}")))?;
    assert!((far - 1.0 / 12.0_f64.sqrt()).abs() < 1e-9, "{far}");
    assert!(said.out.contains("0.289 near in meaning"), "{}", said.out);
    Ok(())
}

#[tokio::test]
async fn where_nobody_is_named_or_the_server_fails_it_is_said_and_the_rest_stands() -> Result<()> {
    let stand = Stand::new([" the", " the"]).await?;
    let (said, document) = stand.compare("").await?;
    assert_eq!((said.code, near(&document, 1)), (0, None), "{said:?}");
    assert!(said.out.contains("near in meaning: not told, no server of embeddings is named (--embed)"), "{}", said.out);
    assert!(document["answers"]["meaning"].is_null());

    let failing = Truth::start(Script::quick().failing(|_| Fault::Status(500))).await?;
    let stand = Stand::new([" the", " the"]).await?;
    let (said, document) = stand.compare(&format!("--embed {} --embed-model e", failing.url())).await?;
    let answers = &document["answers"];
    assert_eq!((said.code, near(&document, 1), answers["arms"][1]["exact"].as_f64()), (0, None, Some(1.0)), "{said:?}");
    let failed = answers["meaning"]["failed"].as_str().unwrap_or_default();
    assert!(failed.contains("5xx, the server failed") && said.out.contains(failed), "{failed}: {}", said.out);
    assert!(said.out.contains("the same to the letter, words overlap by 100 %, — near in meaning"), "{}", said.out);
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_embedded_names_the_field() -> Result<()> {
    let stand = Stand::new([" the", " the"]).await?;
    let urls = stand.arms.each_ref().map(Truth::url);
    for (more, code, want) in [
        ("--embed http://h", 2, "--embed-model"),
        ("--embed-model e", 2, "--embed"),
        ("--embed ftp://h --embed-model e", 1, "embed: address cannot be ftp://h"),
        ("--embed http://u:p@h --embed-model e", 1, "has a secret in it"),
        ("--embed http://h --embed-model e --embed-key-env PILOTHOUSE_NO_SUCH_VARIABLE", 1, "There is no key in"),
    ] {
        let own = ["bench", "compare", &urls[0], &urls[1]];
        let words: Vec<&str> = own.into_iter().chain(LOAD.split_whitespace()).chain(more.split_whitespace()).collect();
        let said = stand.desk.terminal.call(&words).await?;
        assert!(said.code == code && said.err.contains(want), "{more}: {said:?}");
    }
    assert_eq!(stand.arms[0].count(), 0);
    Ok(())
}
