//! Files that are called models: whatever is in them they are read or refused, what is read fits into the file, and what they
//! take of memory can be said.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_bench::local::{Format, Free, Model, Needs, Options, gguf, onnx};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    let length = bytes.len() as u64;
    if let Ok(head) = onnx::read(bytes, length) {
        assert!(head.graph <= length && head.ir_version > 0, "{head:?}");
    }
    match gguf::read(bytes, length) {
        Ok(header) => {
            assert!(header.weights <= length && header.kv_heads.len() <= 4_096, "{header:?}");
            let model = Model { file: "f.gguf".into(), format: Format::Gguf, bytes: length, header: Some(header) };
            let needs = Needs::of(&model, &Options { parallel: Some(3), ..Options::default() });
            assert!(needs.low() <= needs.high(), "{needs:?}");
            assert!(needs.check(&model, Free { memory: needs.low(), gpus: None }).is_ok(), "{needs:?}");
        }
        Err(wrong) => assert!(!wrong.to_string().is_empty()),
    }
    Corpus::Keep
});
