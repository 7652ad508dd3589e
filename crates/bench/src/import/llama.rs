//! llama-bench's `-o json` and `-o jsonl`: a test an item, of a prompt (`pp512`), of an answer (`tg128`), or of both.

use super::{
    Read,
    field::{Field, Wrong},
};

pub fn read(root: Field<'_>) -> Result<Vec<Read>, Wrong> {
    root.items()?.into_iter().map(read_one).collect()
}

pub fn read_one(test: Field<'_>) -> Result<Read, Wrong> {
    let count = |name: &str| test.get(name).map_or(Ok(0), |value| value.count());
    let (prompt, answer, depth) = (count("n_prompt")?, count("n_gen")?, count("n_depth")?);
    let rate = test.need("avg_ts")?.number()?;
    let mut read = Read::default();
    let name = match (prompt, answer) {
        (0, 0) => return Err(test.wrong("tests neither a prompt nor an answer")),
        (prompt, 0) => format!("pp{prompt}"),
        (0, answer) => {
            // One answer at a time: what is said a second is what one user gets.
            read.figures.insert("tokens-out".into(), rate);
            format!("tg{answer}")
        }
        (prompt, answer) => format!("pp{prompt}+tg{answer}"),
    };
    let name = if depth > 0 { format!("{name} @ d{depth}") } else { name };
    read.others.insert(format!("{name} tokens/s"), rate);
    if let Some(deviation) = test.get("stddev_ts") {
        read.others.insert(format!("{name} tokens/s, standard deviation"), deviation.number()?);
    }
    let text = |name: &str| test.get(name).and_then(|value| value.text());
    // Of a path its last part: the rest is somebody's home.
    let file = text("model_filename").map(|path| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned());
    read.model = text("model_type").or(file);
    let threads = test.get("n_threads").and_then(|threads| threads.number().ok());
    read.load = Some(threads.map_or_else(|| name.clone(), |threads| format!("{name}, {threads} threads")));
    Ok(read)
}
