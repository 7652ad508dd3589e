//! Open Inference Protocol v2 (`open-inference/open-inference-protocol`), over REST and over gRPC: whether a server is ready,
//! what its model takes, by its metadata, and requests whose tensors are filled as that and a person's shapes say.

mod channel;
mod fill;
mod metadata;
pub(crate) mod proto;
mod settle;
mod status;
mod tensor;

pub(crate) use channel::Channel;
pub(crate) use fill::Fill;
pub use metadata::{of_grpc, of_rest};
pub(crate) use proto::READY;
pub(crate) use settle::says_ready;
pub use settle::settle;
pub use tensor::{Datatype, Model, Shape, Shapes, Tensor};
