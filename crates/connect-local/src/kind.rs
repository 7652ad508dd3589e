//! What the connection to this machine is and asks for, as data.

use crate::connector;
use pilothouse_connect::{FieldSpec, InputSpec, Kind};

/// Key of the field that names the library.
pub const LIBRARY: &str = "library";

/// This machine.
pub const KIND: Kind = Kind {
    id: "local",
    name: "This machine",
    summary: "The NVIDIA GPUs of this machine, as its driver measures them every two seconds; no server is needed.",
    fields: &[FieldSpec {
        key: LIBRARY,
        label: "Library",
        help: "The driver's library NVML, where it is not on the loader's path. Empty: libnvidia-ml.so.1.",
        input: InputSpec::Text("/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1"),
        required: false,
    }],
    permissions: &["open /dev/nvidiactl and /dev/nvidia*, as nvidia-smi does"],
    demo: false,
    nodes: true,
    open: connector::open,
    discover: None,
    inside: None,
};
