//! What servers of models answer: metadata over REST and gRPC, and answers that come whole. What a model takes can be filled and
//! is kept as it is; an answer is one, or it is said why it is none.
#![no_main]

use libfuzzer_sys::Corpus;
use pilothouse_bench::{
    oip::{self, Model, Shapes},
    whole::Whole,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| -> Corpus {
    let models = [oip::of_rest(bytes, &Shapes::default()), oip::of_grpc(bytes, &Shapes::default())];
    let models: Vec<Model> = models.into_iter().flatten().collect();
    for model in &models {
        assert!(!model.inputs.is_empty() && model.inputs.iter().all(|input| input.shape.elements().is_some()));
        let kept = serde_json::to_vec(model).expect("it can be written");
        assert_eq!(serde_json::from_slice::<Model>(&kept).expect("it was written"), *model);
    }
    let ways = [Whole::Embeddings, Whole::Tensors, Whole::Message, Whole::Anything(Some("/outputs/0".into()))];
    let read = ways.map(|whole| whole.read(bytes)).into_iter().filter(Result::is_ok).count();
    if models.is_empty() && read == 0 { Corpus::Reject } else { Corpus::Keep }
});
