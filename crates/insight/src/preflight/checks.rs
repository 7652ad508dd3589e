//! Checks that need no sum: the format against the GPU, parts against heads and blocks, a replica against a node.

use super::{
    Check, Engine, Gpu, ModelConfig, Topic, Verdict,
    config::Attention,
    flags::Flags,
    formats::{Format, Takes},
    quantised::Quantised,
    spread::Spread,
};

/// What cannot be read of the arguments, and decides.
pub(super) fn arguments(flags: &Flags) -> Option<Check> {
    let what = flags.unreadable.iter().chain(&flags.overrides).map(String::as_str).collect::<Vec<_>>();
    (!what.is_empty()).then(|| {
        let why = format!("{} decides, and what it comes to is not in the arguments.", what.join(", "));
        Check::new(Topic::Arguments, Verdict::CannotTell, why)
    })
}

/// The format of the weights against the GPU.
pub(super) fn quantisation(config: &ModelConfig, flags: &Flags, gpu: &Result<Gpu, String>) -> Check {
    let check = |verdict, why: String| Check::new(Topic::Quantisation, verdict, why);
    let at_loading;
    let (name, said) = match (&config.quantised, flags.quantisation.as_deref()) {
        (Some(it), asked) => {
            if let Some(asked) = asked.filter(|asked| !agree(&it.method, asked)) {
                let why = format!("The checkpoint is quantised by {}, and --quantization asks for {asked}.", it.method);
                return check(Verdict::CannotTell, why);
            }
            (it.format, it.method.clone())
        }
        (None, Some(asked)) => {
            at_loading = Quantised::while_loading(asked);
            match &at_loading {
                Some(it) => (it.format, format!("{asked} while it is loaded")),
                None => {
                    let why = format!("--quantization {asked} takes a checkpoint that says so, and this one does not.");
                    return check(Verdict::DoesNot, why);
                }
            }
        }
        (None, None) => return plain(config, flags, gpu),
    };
    let Some(format) = name.and_then(Format::named) else {
        return check(Verdict::CannotTell, format!("The format of {said} is not known."));
    };
    on(*format, &said, flags.engine, gpu)
}

/// Of weights that are not quantised.
fn plain(config: &ModelConfig, flags: &Flags, gpu: &Result<Gpu, String>) -> Check {
    let check = |verdict, why: &str| Check::new(Topic::Quantisation, verdict, why);
    let asked = flags.dtype.as_deref().filter(|dtype| *dtype != "auto");
    let Some(dtype) = asked.or(config.dtype.as_deref()) else {
        return check(Verdict::CannotTell, "Neither --dtype nor torch_dtype says in which format it computes.");
    };
    if dtype != "bfloat16" {
        return check(Verdict::Fits, &format!("{dtype}: every GPU computes in it."));
    }
    let Some(format) = Format::named("bf16") else {
        return check(Verdict::CannotTell, "bfloat16 is not in the table.");
    };
    let on = on(*format, dtype, flags.engine, gpu);
    if on.verdict == Verdict::DoesNot && asked.is_none() {
        let why = "The GPU does not compute in bfloat16: newer engines take float16 by themselves, older ones refuse.";
        return check(Verdict::CannotTell, why);
    }
    on
}

fn on(format: Format, said: &str, engine: Engine, gpu: &Result<Gpu, String>) -> Check {
    let check = |verdict, why: String| Check::new(Topic::Quantisation, verdict, why);
    let gpu = match gpu {
        Ok(gpu) => gpu,
        Err(why) => return check(Verdict::CannotTell, format!("{said}: {why}.")),
    };
    let Some(capability) = gpu.capability else {
        return check(Verdict::CannotTell, format!("{said}: the compute capability of {} is not known.", gpu.name));
    };
    let of = format!("{} (compute capability {}.{})", gpu.name, capability.0, capability.1);
    match format.on(capability) {
        Takes::Natively => check(Verdict::Fits, format!("{said}: {of} computes in it ({}).", format.source)),
        Takes::AsWeights if engine == Engine::Vllm => {
            check(Verdict::Fits, format!("{said}: {of} keeps weights so and computes in 16 bits ({}).", format.source))
        }
        Takes::Not if engine == Engine::Vllm => {
            check(Verdict::DoesNot, format!("{said}: {of} does not take it ({}).", format.source))
        }
        Takes::AsWeights | Takes::Not => check(
            Verdict::CannotTell,
            format!("{said}: {of} does not compute in it; what {} does then is not known.", engine.name()),
        ),
    }
}

/// Do a method of a checkpoint and one that is asked for go together?
fn agree(method: &str, asked: &str) -> bool {
    let stem = |name: &str| name.to_lowercase().replace("_marlin", "").replace('-', "_");
    let (method, asked) = (stem(method), stem(asked));
    method == asked || method.contains(&asked) || asked.contains(&method)
}

/// Parts of a layer against heads and blocks of scales.
pub(super) fn parallelism(config: &ModelConfig, spread: Spread) -> Check {
    let check = |verdict, why: String| Check::new(Topic::Parallelism, verdict, why);
    let parts = spread.attention;
    let Some(heads) = config.heads else {
        if parts == 1 {
            return check(Verdict::Fits, "Layers are not parted.".into());
        }
        return check(Verdict::CannotTell, "The configuration has no num_attention_heads.".into());
    };
    if !heads.is_multiple_of(parts) {
        return check(Verdict::DoesNot, format!("{heads} attention heads cannot be parted among {parts} GPUs."));
    }
    if let Attention::Heads { keys: Some(keys), .. } = config.attention
        && !keys.is_multiple_of(parts)
        && !parts.is_multiple_of(keys)
    {
        return check(
            Verdict::DoesNot,
            format!("{keys} heads of keys and values cannot be parted among {parts} GPUs, nor copied evenly."),
        );
    }
    let layers = config.layers.filter(|layers| *layers < spread.stages);
    if let Some(layers) = layers {
        return check(Verdict::DoesNot, format!("{layers} layers cannot be parted into {} stages.", spread.stages));
    }
    if let Some(broken) = broken_block(config, spread) {
        return check(Verdict::DoesNot, broken);
    }
    let stages = if spread.stages > 1 { format!(", and layers in {} stages", spread.stages) } else { String::new() };
    check(Verdict::Fits, format!("{heads} attention heads are parted among {parts}{stages}."))
}

/// A part of a matrix that is no multiple of the blocks in which it is scaled. Source: vLLM, quantization/fp8.py, awq.py
/// and gptq.py, and vllm-project/recipes of Qwen3-Coder and MiniMax-M2.
fn broken_block(config: &ModelConfig, spread: Spread) -> Option<String> {
    let it = config.quantised.as_ref()?;
    // Groups along a row of experts are another matter: engines have more than one way with them.
    let block = it.block.or_else(|| it.group.filter(|_| config.experts.is_none()))?;
    let broken = |width: u64, parts: u64, of: &str| {
        let breaks = parts > 1 && !(width.is_multiple_of(parts) && (width / parts).is_multiple_of(block));
        breaks.then(|| {
            format!(
                "{of} {width} among {parts} GPUs is {}, no multiple of the {block} in which weights are scaled.",
                width / parts
            )
        })
    };
    match config.experts {
        Some(experts) if !spread.whole_experts => broken(experts.size?, spread.experts, "The width of experts"),
        Some(_) => None,
        None => broken(config.intermediate?, spread.tensor, "intermediate_size"),
    }
}

/// GPUs of a replica against GPUs of a node.
pub(super) fn node(flags: &Flags, spread: Spread, gpus_a_node: Option<u64>) -> Check {
    let check = |verdict, why: String| Check::new(Topic::Node, verdict, why);
    let gpus = spread.gpus();
    match gpus_a_node {
        None if gpus == 1 => check(Verdict::Fits, "It takes one GPU.".into()),
        None => check(Verdict::CannotTell, format!("It takes {gpus} GPUs, and nobody says how many a node has.")),
        Some(there) if gpus <= there => check(Verdict::Fits, format!("It takes {gpus} of the {there} GPUs of a node.")),
        Some(there) if flags.nodes => {
            check(Verdict::Fits, format!("It takes {gpus} GPUs, {there} a node, and is started on several nodes."))
        }
        Some(there) => check(
            Verdict::CannotTell,
            format!(
                "It takes {gpus} GPUs, a node has {there}, and no argument says that it is started on several nodes."
            ),
        ),
    }
}
