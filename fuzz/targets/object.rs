//! An object that a person looks at: secrets are taken out once and for all, and its YAML reads back as the object.
#![no_main]

use pilothouse_connect_kube::fuzzing;
use serde_json::Value;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(mut object) = serde_json::from_slice::<Value>(bytes) else { return };
    fuzzing::scrub(&mut object);
    let once = object.clone();
    fuzzing::scrub(&mut object);
    assert_eq!(object, once, "what is left had still something to take out");
    let printed = fuzzing::yaml(&object).expect("any object can be printed");
    let again: Value = serde_saphyr::from_str(&printed).unwrap_or_else(|error| panic!("{error}\n{printed}"));
    assert!(same(&again, &object), "{printed}");
});

/// Equal, but for how a number is kept.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}
