//! The contract of a connector: what it is and asks for, how it is opened, probed and watched.
//!
//! A connector turns what a server says into facts. It neither reads the world nor knows who looks at it.

mod backoff;
#[cfg(feature = "transport")]
mod cause;
mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg(feature = "transport")]
mod ground;
mod kind;
mod lost;
mod model_files;
mod past;
mod redact;
mod relay;
mod service;
mod signature;
mod sink;

pub use backoff::Backoff;
#[cfg(feature = "transport")]
pub use cause::{Cause, Insecure};
pub use clock::Clock;
#[cfg(feature = "transport")]
pub use ground::{Badge, Behind, Entrance, Ground, PodIs, WorkerPod};
pub use jiff::tz::TimeZone;
pub use kind::{Connector, Discovery, FieldSpec, InputSpec, Kind, NotSent, Opening, Seen};
pub use lost::lost;
pub use model_files::{LARGEST_CONFIG, ModelFiles, TEMPLATE, TOKENIZERS, VersionFiles};
pub use past::{KeptLane, LanesQuery, PastQuery};
pub use redact::{
    GONE, is_shown, looks_secret, names_a_secret, redact_arguments, redact_deed, redact_named, redact_sign_in,
    redact_url, redact_variable, redact_words,
};
pub use relay::{FindRelay, NoRelay, Question, Relay, RelayAnswer, RelayFailure, Relays, is_claimed};
pub use service::Service;
pub use signature::{Inside, Offer, Signature};
pub use sink::{Closed, Sink};
