//! Another image for a container: which containers there are is read from the server, and the image that each has stands in
//! the field.

use crate::{
    keys::Command,
    link::use_link,
    once::CollectAny,
    parts::{
        button::{Button, Weight},
        form::{dialog::Titled, line::Line},
        problem::ProblemRows,
    },
};
use leptos::prelude::*;
use pilothouse_wire::{Answer, Ask, ObjectRef, Problem, SmolStr, plan::Deed, units::visible};

/// The longest name of an image that can be typed.
const LONGEST: u16 = 1_024;

/// Containers and their images.
type Containers = Vec<(SmolStr, SmolStr)>;

/// The question in a dialog.
#[component]
pub(super) fn ImageQuestion(object: ObjectRef, on_deed: Callback<Deed>, on_close: Callback<()>) -> impl IntoView {
    let link = use_link();
    let read = RwSignal::new(None::<Result<Containers, Problem>>);
    let (chosen, text) = (RwSignal::new(SmolStr::default()), RwSignal::new(String::new()));
    let choose = move |name: SmolStr| {
        let image = read.with_untracked(|read| image_of(read.as_ref()?.as_ref().ok()?, &name));
        chosen.set(name);
        text.set(image.unwrap_or_default().to_string());
    };
    let object = StoredValue::new(object);
    let ask = move || {
        read.set(None);
        link.ask_then(Ask::Containers(object.get_value()), move |answer| {
            let containers = match answer {
                Ok(Answer::Containers(containers)) => Ok(containers),
                Ok(_) => Err(Problem::other_answer()),
                Err(problem) => Err(problem),
            };
            let first = containers.as_ref().ok().and_then(|all| all.first()).map(|(name, _)| name.clone());
            if read.try_set(Some(containers)).is_none() {
                choose(first.unwrap_or_default());
            }
        });
    };
    ask();
    let deed = move || match read.get() {
        None => Err("its containers are being read".to_owned()),
        Some(Err(_)) => Err("its containers could not be read".to_owned()),
        Some(Ok(all)) => meant(&all, &chosen.get(), &text.get()).map_err(str::to_owned),
    };
    let blocked = Signal::derive(move || deed().err());
    let plan = move || {
        if let Ok(deed) = untrack(deed) {
            on_deed.run(deed);
        }
    };
    let title = format!("Which image for {}?", visible(&object.with_value(ObjectRef::name)));
    view! {
        <Titled label="Image" title=title on_close=on_close test="set-image">
            <div class="dialog-body stack">
                {move || match read.get() {
                    Some(Err(problem)) => view! {
                        <ProblemRows problem=problem />
                        <div class="buttons"><Button label="Read them again" on_press=ask test="set-image-again" /></div>
                    }
                    .into_any(),
                    other => choice(other.and_then(Result::ok), chosen, choose).into_any(),
                }}
                <Line id="set-image-to" label="Image" text=text most=LONGEST on_enter=plan />
            </div>
            <footer class="dialog-foot">
                <Button label="Cancel" on_press=move || on_close.run(()) command=Command::Close />
                <Button label="Plan it" on_press=plan weight=Weight::Primary blocked=blocked test="set-image-plan" />
            </footer>
        </Titled>
    }
}

/// The containers to choose from; none while they are being read.
fn choice(
    all: Option<Containers>,
    chosen: RwSignal<SmolStr>,
    choose: impl Fn(SmolStr) + Copy + 'static,
) -> impl IntoView {
    let is_read = all.is_some();
    let options = all.unwrap_or_default().into_iter().map(|(name, _)| {
        view! { <option value=name.to_string()>{visible(&name)}</option> }
    });
    view! {
        <div class="form-field">
            <label for="set-image-container">"Container"</label>
            <select
                id="set-image-container" class="field" data-test="set-image-container" disabled=!is_read
                aria-busy=(!is_read).then_some("true")
                prop:value=move || chosen.get().to_string()
                on:change:target=move |event| choose(event.target().value().into())
            >
                {options.collect_any()}
            </select>
        </div>
    }
}

fn image_of(all: &Containers, container: &str) -> Option<SmolStr> {
    all.iter().find(|(name, _)| name == container).map(|(_, image)| image.clone())
}

/// What is meant by this image for this container.
fn meant(all: &Containers, container: &SmolStr, image: &str) -> Result<Deed, &'static str> {
    let Some(now) = image_of(all, container) else { return Err("choose a container") };
    let image = image.trim();
    if image.is_empty() || image.chars().any(|sign| sign.is_whitespace() || sign.is_control()) {
        return Err("give an image, such as registry/name:tag");
    }
    if now == image {
        return Err("it has this image: give another one");
    }
    Ok(Deed::SetImage { container: container.clone(), image: image.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_image_is_meant_for_a_container_that_there_is() {
        let all: Containers = vec![("proxy".into(), "envoy:1".into()), ("engine".into(), "vllm:2".into())];
        let of = |container: &str, image: &str| meant(&all, &container.into(), image);
        assert_eq!(of("engine", " vllm:3 "), Ok(Deed::SetImage { container: "engine".into(), image: "vllm:3".into() }));
        assert!(of("engine", "vllm:2").unwrap_err().contains("another one"));
        for none in ["", "  ", "vllm 3", "vllm\u{7}"] {
            assert!(of("engine", none).unwrap_err().contains("registry/name:tag"), "{none:?}");
        }
        assert!(of("sidecar", "vllm:3").unwrap_err().contains("container"));
        assert!(meant(&Vec::new(), &SmolStr::default(), "a").is_err());
    }
}
