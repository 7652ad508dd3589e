//! Does it fit: asked for by a press, since the registry and a cluster are asked. GPU, engine and arguments are those of the
//! service that serves the model now, until a person says others.

use super::sums::Sums;
use crate::{
    link::use_link,
    parts::{button::Button, loading::Outline, problem::ProblemRows, show::Show},
    state::use_state,
    once::{CollectAny, effect},
};
use leptos::{html::Input, prelude::*};
use pilothouse_wire::{
    Answer, Ask, ObjectRef, Problem, SmolStr,
    preflight::{Engine, ModelSubject, Preflight, PreflightQuery},
    shell,
    units::visible,
};

/// How far the question is.
#[derive(Clone, PartialEq)]
enum Stage {
    NotAsked,
    Asked,
    Said(Box<Preflight>),
    Failed(Problem),
}

/// What a person says; what is empty is taken of the service.
#[derive(Clone, Copy)]
struct Wanted {
    service: RwSignal<Option<ObjectRef>>,
    gpu: RwSignal<String>,
    engine: RwSignal<Option<Engine>>,
    arguments: RwSignal<Option<Vec<String>>>,
}

/// The question and its answer. What is read from servers is of now: in the past it is not asked.
#[component]
pub fn Fits(of: ModelSubject) -> impl IntoView {
    let (link, state) = (use_link(), use_state());
    let stage = RwSignal::new(Stage::NotAsked);
    let wanted = Wanted {
        service: RwSignal::new(None),
        gpu: RwSignal::default(),
        engine: RwSignal::new(None),
        arguments: RwSignal::new(None),
    };
    let of = StoredValue::new(of);
    let asked = RwSignal::new(0_u32);
    effect(move || {
        if asked.get() == 0 {
            return;
        }
        stage.set(Stage::Asked);
        let query = untrack(|| PreflightQuery {
            of: of.get_value(),
            service: wanted.service.get(),
            gpu: Some(wanted.gpu.get().trim().to_owned()).filter(|gpu| !gpu.is_empty()),
            gpus_a_node: None,
            arguments: wanted.arguments.get(),
            engine: wanted.engine.get(),
        });
        link.ask_then(Ask::Preflight(Box::new(query)), move |answer| {
            stage.set(match answer {
                Ok(Answer::Preflight(said)) => Stage::Said(said),
                Ok(_) => Stage::Failed(Problem::other_answer()),
                Err(problem) => Stage::Failed(problem),
            });
        });
    });
    let ask = move || asked.update(|asked| *asked += 1);
    let again = Memo::new(move |_| stage.with(|stage| matches!(stage, Stage::Said(_) | Stage::Failed(_))));
    view! {
        <Show when=move || !state.is_past()>
            <div class="section fits" aria-label="Does it fit?" data-test="fits">
                <h3>
                    "Does it fit?"
                    <Button
                        label=move || if again.get() { "Reckon again" } else { "Reckon" }.to_owned()
                        on_press=ask
                        blocked=Signal::derive(move || (stage.get() == Stage::Asked).then(|| "it is being reckoned".to_owned()))
                        test="fits-ask"
                    />
                </h3>
                {move || match stage.get() {
                    Stage::NotAsked => view! {
                        <p class="soft">
                            "By sums from its configuration, read without its weights, and from the GPU, engine and arguments of the \
                             service that serves it now, or others that you say."
                        </p>
                    }
                    .into_any(),
                    Stage::Asked => view! { <p aria-busy="true"><Outline width=220 /></p> }.into_any(),
                    Stage::Failed(problem) => view! { <ProblemRows problem=problem /> }.into_any(),
                    Stage::Said(said) => view! { <Said said=*said wanted=wanted ask=Callback::new(move |()| ask()) /> }.into_any(),
                }}
            </div>
        </Show>
    }
}

#[component]
fn Said(said: Preflight, wanted: Wanted, ask: Callback<()>) -> impl IntoView {
    let Preflight { report, config, service, others, missing, arguments, engine_assumed, gpu, gpus_a_node, products } = said;
    let engine = report.candidate.engine;
    let taken = match &service {
        Some(service) => format!("GPU, engine and arguments as {service} has them, as far as none were said."),
        None => "No service that is read serves it: say GPU, engine and arguments.".to_owned(),
    };
    let a_node = gpus_a_node.map(|gpus| format!(" Nodes have {gpus} of these GPUs.")).unwrap_or_default();
    let rests = format!("Its configuration is {config}. {taken}{a_node}");
    view! {
        <Sums report=report gpu=gpu.clone() assumed=engine_assumed />
        {missing.map(|problem| view! { <ProblemRows problem=problem /> })}
        <Form wanted=wanted gpu=gpu products=products engine=engine arguments=arguments ask=ask />
        <Others service=service others=others wanted=wanted ask=ask />
        <p class="small faint" dir="auto" data-test="fits-rests">{visible(&rests)}</p>
    }
}

/// The GPU, the engine and its arguments, to be said otherwise.
#[component]
fn Form(
    wanted: Wanted,
    gpu: Option<String>,
    products: Vec<SmolStr>,
    engine: Engine,
    arguments: Vec<String>,
    ask: Callback<()>,
) -> impl IntoView {
    let product = gpu.unwrap_or_default();
    let text = shell::join(arguments.iter().map(String::as_str));
    let (gpu_at, text_at): (NodeRef<Input>, NodeRef<Input>) = (NodeRef::new(), NodeRef::new());
    let (old_product, old_text) = (product.clone(), in_field(&text));
    let wrong: RwSignal<Option<Problem>> = RwSignal::new(None);
    // What was left as it was is taken of the service again.
    let read = move || {
        if let (Some(gpu), Some(text)) = (gpu_at.get_untracked(), text_at.get_untracked()) {
            if text.value() != old_text {
                match shell::split(&text.value()) {
                    Ok(arguments) => wanted.arguments.set(Some(arguments)),
                    // It stays where it can be put right.
                    Err(problem) => return wrong.set(Some(problem)),
                }
            }
            if gpu.value() != old_product {
                wanted.gpu.set(gpu.value());
            }
        }
        ask.run(());
    };
    let (on_gpu, on_text) = (read.clone(), read.clone());
    let choose = move |event: leptos::ev::Event| {
        let name = event_target_value(&event);
        wanted.engine.set(ENGINES.into_iter().find(|engine| engine.name() == name));
    };
    let option = move |of: Engine| view! { <option value=of.name() selected=of == engine>{of.name()}</option> };
    let datalist = products.into_iter().map(|product| view! { <option value=product.to_string()></option> }).collect_any();
    view! {
        <div class="fits-form">
            <label>
                <span class="faint small">"GPU"</span>
                <input
                    class="field" type="text" list="fits-products" spellcheck="false" data-test="fits-gpu" value=product
                    node_ref=gpu_at
                    on:keydown=move |event| if event.key() == "Enter" && !event.is_composing() { on_gpu() }
                />
                <datalist id="fits-products">{datalist}</datalist>
            </label>
            <label>
                <span class="faint small">"Engine"</span>
                <select class="field" data-test="fits-engine" on:change=choose>{ENGINES.map(option).into_iter().collect_any()}</select>
            </label>
            <label class="fits-arguments">
                <span class="faint small">"Arguments"</span>
                <input
                    class="field mono" type="text" spellcheck="false" data-test="fits-arguments" value=text
                    node_ref=text_at
                    on:keydown=move |event| if event.key() == "Enter" && !event.is_composing() { on_text() }
                />
            </label>
            <Button label="Reckon with these" on_press=read test="fits-again" />
        </div>
        {move || wrong.get().map(|problem| view! { <ProblemRows problem=problem /> })}
    }
}

/// Other services that serve the model: a press takes theirs.
#[component]
fn Others(service: Option<ObjectRef>, others: Vec<ObjectRef>, wanted: Wanted, ask: Callback<()>) -> impl IntoView {
    let is_chosen = wanted.service.get_untracked().is_some();
    let all: Vec<ObjectRef> = if is_chosen { service.into_iter().chain(others).collect() } else { others };
    let one = move |object: ObjectRef| {
        let name = visible(&format!("{} in {}", object.name(), object.connection()));
        let take = move |_| {
            wanted.service.set(Some(object.clone()));
            wanted.gpu.set(String::new());
            wanted.arguments.set(None);
            wanted.engine.set(None);
            ask.run(());
        };
        view! { <button type="button" class="link" dir="auto" data-test="fits-other" on:click=take>{name}</button> }
    };
    (!all.is_empty()).then(|| view! { <p class="fits-others">"As it is served by "{all.into_iter().map(one).collect_any()}</p> })
}

const ENGINES: [Engine; 3] = [Engine::Vllm, Engine::Sglang, Engine::Tgi];

/// A line as a field of one line has it: without breaks.
fn in_field(line: &str) -> String {
    line.replace(['\n', '\r'], "")
}
