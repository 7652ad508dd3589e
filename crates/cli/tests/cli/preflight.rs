//! A preflight in the terminal: its sums, and the exit code by which a program reads whether a candidate fits.

use super::{Home, Ran};
use serde_json::Value;

/// A model of 8 billion weights, and a folder of one whose cache is four times as large.
fn models(home: &Home) {
    let config = |keys: u8| {
        format!(
            r#"{{ "model_type": "llama", "torch_dtype": "bfloat16", "hidden_size": 4096, "intermediate_size": 14336,
            "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": {keys}, "vocab_size": 128256,
            "max_position_embeddings": 131072, "tie_word_embeddings": false }}"#
        )
    };
    let write = |name: &str, text: String| {
        let file = home.path().join(name);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    };
    write("llama.json", config(8));
    write("new/config.json", config(32));
    write("new/model.safetensors.index.json", r#"{ "metadata": { "total_size": 18072207360 } }"#.into());
    write("new/tokenizer_config.json", r#"{ "chat_template": "{{ messages }}" }"#.into());
    write("broken.json", r#"{ "hidden_size": "#.into());
}

impl Home {
    /// Typed in the home, so that files have short names.
    fn run_inside(&self, typed: &str) -> Ran {
        Ran::of(self.command(typed).current_dir(self.path()))
    }
}

#[test]
fn a_preflight_shows_its_sums_and_says_by_its_exit_code_whether_it_fits() {
    let home = Home::new();
    models(&home);
    let h100 = "--gpu NVIDIA-H100-80GB-HBM3 --gpus-a-node 8";
    for (code, of, typed) in [
        (0, "fits", format!("--config llama.json {h100} --free 2 -- vllm serve -tp 2 --max-model-len 8192")),
        (5, "does_not", format!("--config new {h100} --was llama.json -- vllm serve --max-num-seqs 64")),
        (
            6,
            "cannot_tell",
            "--config llama.json --gpu NVIDIA-L4 --engine sglang -- --mem-fraction-static $SHARE".into(),
        ),
        (6, "no_gpu", "--config llama.json".into()),
        (1, "broken", "--config broken.json --gpu NVIDIA-L4".into()),
    ] {
        let ran = home.run_inside(&format!("preflight {typed}"));
        assert_eq!(ran.code, code, "{}", ran.all());
        insta::assert_snapshot!(format!("preflight_{of}"), ran.all());
    }
    let json =
        home.run_inside(&format!("preflight --config llama.json {h100} --json --was new --was-args=-tp=2")).json();
    assert_eq!((&json["verdict"], &json["engine_assumed"]), (&Value::from("fits"), &Value::from(true)));
    assert_eq!((&json["candidate"]["gpus"], &json["was"]["gpus"]), (&Value::from(1), &Value::from(2)));
    assert_eq!(json["candidate"]["token"]["low"], 2 * 8 * 128 * 2 * 32);
}

#[test]
fn a_preflight_of_a_service_takes_arguments_and_gpu_from_its_cluster() {
    let home = Home::new();
    models(&home);
    let of = "preflight iad-prod/serving/chat-70b --demo --config llama.json";
    let ran = home.run_inside(&format!("{of} --was new"));
    assert_eq!(ran.code, 0, "{}", ran.all());
    let said = "It fits: vLLM on 8 GPUs, NVIDIA-H100-80GB-HBM3.";
    assert!(ran.stdout.starts_with(said) && ran.stdout.contains("sequences of 32,768 tokens at once"), "{}", ran.all());
    assert!(
        ran.stdout.contains("It takes 8 of the 8 GPUs of a node.") && ran.stdout.contains("One more replica takes 8")
    );
    // What is typed is of the candidate, and what runs is of the version before.
    let typed = home.run_inside(&format!("{of} --was new --json -- vllm serve -tp 2")).json();
    assert_eq!((&typed["candidate"]["gpus"], &typed["was"]["gpus"]), (&Value::from(2), &Value::from(8)));
    let several = home.run_inside("preflight serving/chat-70b --demo --config llama.json");
    assert_eq!((several.code, several.stderr.contains("2 services are called serving/chat-70b.")), (1, true));
    let none = home.run_inside("preflight gateway --demo --config llama.json");
    assert_eq!((none.code, none.stderr.contains("No service gateway holds a GPU.")), (1, true), "{}", none.all());
}
