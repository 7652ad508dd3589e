//! What is to be filled in.

use pilothouse_wire::form::{Field, Input, KindForm};

/// What a form of it calls itself.
pub const KIND: &str = "bench";
/// Tokens of a prompt where nobody says.
pub(super) const INPUT: &str = "256";

/// What is to be filled in.
#[must_use]
pub fn form() -> KindForm {
    let field = |key: &str, label: &str, help: &str, example: &str, required| Field {
        key: key.into(),
        label: label.into(),
        help: help.into(),
        input: Input::Text { example: example.into() },
        required,
    };
    let choice = |key: &str, label: &str, help: &str, of: &[&str]| Field {
        key: key.into(),
        label: label.into(),
        help: help.into(),
        input: Input::Choice(of.iter().map(|one| (*one).to_owned()).collect()),
        required: true,
    };
    let fields = vec![
        field(
            "url",
            "Target's address",
            "Where it is asked, with or without /v1. Through an API server: service:NAMESPACE/NAME:PORT@CONNECTION.",
            "http://127.0.0.1:8000",
            true,
        ),
        field("model", "Target's model", "As the server calls it.", "chat", true),
        choice(
            "api",
            "Speaks",
            "What the server speaks: OpenAI's interfaces, or the Open Inference Protocol v2 over REST and over gRPC, whose tensors \
             follow from the model's metadata.",
            &["chat", "completions", "embeddings", "infer", "infer-grpc"],
        ),
        field(
            "shape",
            "Shapes",
            "Of infer and infer-grpc, where the metadata leaves the shape of an input open: INPUT=SIZES, several with a blank \
             between.",
            "image=8x3x224x224",
            false,
        ),
        field(
            "key_file",
            "Key file",
            "The file that an API key is in. The key is never kept.",
            "/run/secrets/key",
            false,
        ),
        field(
            "serve",
            "Target's command",
            "Started on this machine, waited for until it is ready, and stopped with all its children.",
            "vllm serve org/model --port 8000",
            false,
        ),
        field(
            "against",
            "Candidate's address",
            "A second target: the two are compared in blocks.",
            "http://127.0.0.1:8001",
            false,
        ),
        field(
            "version",
            "Candidate's version",
            "MODEL/NUMBER of a registry: the candidate is called after it.",
            "chat/2",
            false,
        ),
        field("against_model", "Candidate's model", "If it has another name there.", "chat", false),
        field(
            "against_serve",
            "Candidate's command",
            "Likewise; both serve at the same time, on the same device.",
            "vllm serve org/candidate --port 8001",
            false,
        ),
        field(
            "embed",
            "Embeddings' address",
            "Of a comparison: a server that tells how near answers are in meaning. What the targets say is sent to it.",
            "http://127.0.0.1:8002",
            false,
        ),
        field("embed_model", "Embeddings' model", "As that server calls it.", "bge-small", false),
        field(
            "embed_key_file",
            "Embeddings' key",
            "The file that its API key is in; that of the targets is not sent to it.",
            "/run/secrets/embed",
            false,
        ),
        field(
            "concurrency",
            "Concurrency",
            "Closed loop: so many at a time. It hides the server's queues.",
            "8",
            false,
        ),
        field("rate", "Rate", "Open loop: so many a second, whether the server keeps up or not.", "2.5", false),
        choice(
            "arrivals",
            "Arrivals",
            "How times between requests of an open loop are spread.",
            &["poisson", "constant"],
        ),
        field(
            "find",
            "Find the limit",
            "The highest load of LOW..HIGH that keeps the limits; or a sweep, each place once: 1,2,4,8.",
            "1..64",
            false,
        ),
        choice("find_over", "Find it over", "What is varied. A sweep is over concurrency.", &["rate", "concurrency"]),
        field(
            "requests",
            "Requests",
            "It ends after so many; of a comparison each block, of a search each probe.",
            "200",
            false,
        ),
        field("seconds", "Seconds", "Or once so many have passed; likewise.", "60", false),
        field("input", "Prompt tokens", "512, 256..1024, or 512~128: mean and deviation.", INPUT, false),
        field(
            "output",
            "Answer tokens",
            "The most of an answer, likewise; else what the server does by itself.",
            "128",
            false,
        ),
        field(
            "trace",
            "Trace",
            "Replay in the place of both: a file of Azure 2023 or BurstGPT (CSV), or of Mooncake (lines of JSON).",
            "/data/trace.jsonl",
            false,
        ),
        field("speed", "Speed", "So many times quicker than the trace.", "1", false),
        field("ramp_from", "Ramp from", "Begin at so many a second, or at a time, and come to the load.", "2", false),
        field("ramp_seconds", "Ramp seconds", "Within so many seconds.", "60", false),
        field("ramp_steps", "Ramp steps", "In so many equal steps; else evenly.", "6", false),
        field(
            "think",
            "Think time",
            "Of a closed loop, between an answer and the next request: 2s, or exp:2s by its mean.",
            "exp:2s",
            false,
        ),
        field(
            "turns",
            "Turns",
            "Conversations of so many turns; the server's answers go back with the next.",
            "4",
            false,
        ),
        field("cancel", "Cancel percent", "So many are given up by who asked: neither failed nor good.", "5", false),
        field("cancel_after", "Cancel after", "So long after they were sent: 500ms, or exp:2s.", "exp:2s", false),
        field(
            "mix",
            "Mix of models",
            "NAME=WEIGHT with a blank between, in the place of the model.",
            "base=1 sql=3",
            false,
        ),
        choice(
            "cache",
            "Cache",
            "What the server's cache of prefixes is to hold: cold (words no run sent), warm (each prompt sent once before), \
             shared (what all begin with sent once before).",
            &["unstated", "cold", "warm", "shared"],
        ),
        field(
            "prompts",
            "Prompts' file",
            "In the place of made ones: lines of JSON; .txt a prompt a line; .json conversations of ShareGPT.",
            "/data/prompts.jsonl",
            false,
        ),
        field(
            "shared_prefix",
            "Shared prefix",
            "So many tokens at the begin of made prompts are the same in all.",
            "64",
            false,
        ),
        field(
            "gpu_hour",
            "$ a GPU-hour",
            "What a GPU costs an hour: a million tokens cost what follows from it. Without it there is no price.",
            "2.50",
            false,
        ),
        field("gpus", "GPUs", "So many serve it; else those on which something ran, where they are read.", "8", false),
        field("limits", "Limits", "What an answer has to keep to be a good one.", "ttft=500ms,tpot=50ms", false),
        field("pairs", "Pairs", "The most pairs of blocks of a comparison: 6, 8, 12, 16, 24.", "24", false),
        field(
            "on",
            "Workers in",
            "CONNECTION/NAMESPACE: the load is sent by workers there, pods of a Job that is planned and confirmed first.",
            "prod/bench",
            false,
        ),
        field("workers", "How many workers", "They deal out the load of one machine.", "4", false),
        field(
            "image",
            "Workers' image",
            "Of this version of Pilothouse; as deploy/Containerfile calls it where nothing is given.",
            "registry.example/pilothouse-recorder:1",
            false,
        ),
        field(
            "key_secret",
            "Workers' key",
            "NAME/KEY: the Secret of their namespace that the API key is in.",
            "keys/chat",
            false,
        ),
    ];
    KindForm {
        id: KIND.into(),
        name: "Benchmark".into(),
        summary: "Sends load from this machine, or from workers in a cluster, and keeps what comes of it.".into(),
        fields,
        permissions: vec![],
    }
}

/// What a field is called.
pub(super) fn label(key: &str) -> String {
    form().fields.into_iter().find(|field| field.key == key).map_or_else(|| key.to_owned(), |field| field.label)
}
