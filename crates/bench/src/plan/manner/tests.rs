//! How those behave who send: drawn as it is meant, the same again, and refused by its field.

use super::*;
use crate::plan::tests::plan;

fn share_in(moments: &[f64], from: f64, to: f64) -> usize {
    moments.iter().filter(|at| (from..to).contains(*at)).count()
}

#[test]
fn a_rate_rises_evenly_or_by_steps_and_stays() {
    let even = Ramp { from: 10.0, seconds: 20.0, steps: None };
    let moments: Vec<f64> = (0..2_000).map(|n| even.moment(f64::from(n), 50.0)).collect();
    assert!(moments.is_sorted());
    // The mean of 10 and 20 over the first five seconds, and 50 a second once it is there.
    assert!((74..=76).contains(&share_in(&moments, 0.0, 5.0)), "{}", share_in(&moments, 0.0, 5.0));
    assert!((599..=601).contains(&share_in(&moments, 0.0, 20.0)));
    assert!((499..=501).contains(&share_in(&moments, 20.0, 30.0)));
    let steps = Ramp { steps: Some(5), ..even };
    let moments: Vec<f64> = (0..2_000).map(|n| steps.moment(f64::from(n), 50.0)).collect();
    for (step, want) in (0_u32..5).zip([40, 80, 120, 160, 200_usize]) {
        let seen = share_in(&moments, f64::from(step) * 4.0, f64::from(step + 1) * 4.0);
        assert!(seen.abs_diff(want) <= 1, "{step}: {seen}");
    }
    let down = Ramp { from: 50.0, seconds: 20.0, steps: None };
    let moments: Vec<f64> = (0..700).map(|n| down.moment(f64::from(n), 10.0)).collect();
    assert!((599..=601).contains(&share_in(&moments, 0.0, 20.0)) && moments.is_sorted());
}

#[test]
fn people_come_one_after_the_other_and_leave_so() {
    let up = Ramp { from: 1.0, seconds: 30.0, steps: None };
    assert_eq!(up.people(4), [(0.0, None), (10.0, None), (20.0, None), (30.0, None)]);
    let down = Ramp { from: 4.0, seconds: 30.0, steps: None };
    assert_eq!(down.people(1), [(0.0, None), (0.0, Some(30.0)), (0.0, Some(20.0)), (0.0, Some(10.0))]);
    let steps = Ramp { from: 2.0, seconds: 30.0, steps: Some(3) };
    let begins: Vec<f64> = steps.people(6).iter().map(|(begins, _)| *begins).collect();
    assert_eq!(begins, [0.0, 0.0, 10.0, 10.0, 20.0, 20.0]);
}

#[test]
#[allow(clippy::cast_precision_loss)]
fn what_is_drawn_has_its_share_and_is_the_same_again() {
    let manner = Manner {
        think: Some("exp:2s".parse().unwrap()),
        cancel: Some(Cancel { share: 0.25, after: "1s".parse().unwrap() }),
        mix: ["base", "sql=3"].map(|of| of.parse().unwrap()).into(),
        ..Manner::default()
    };
    let many = 20_000_u64;
    let mean = (0..many).map(|n| manner.thinks(7, n).as_secs_f64()).sum::<f64>() / many as f64;
    let gone = (0..many).filter(|n| manner.hangs_up(7, *n) == Some(Duration::from_secs(1))).count() as f64;
    let sql = (0..many).filter(|n| manner.model(7, *n) == Some(1)).count() as f64;
    assert!((mean - 2.0).abs() < 0.06, "{mean}");
    assert!((gone / many as f64 - 0.25).abs() < 0.02, "{gone}");
    assert!((sql / many as f64 - 0.75).abs() < 0.02, "{sql}");
    assert_eq!(manner.thinks(7, 3), manner.thinks(7, 3));
    assert_ne!(manner.thinks(7, 3), manner.thinks(8, 3));
    assert_eq!(Manner::default().hangs_up(7, 3), None);
    assert_eq!(Manner::default().model(7, 3), None);
}

#[test]
fn what_is_written_reads_back() {
    for text in ["2000ms", "exp:2000ms", "1500us"] {
        assert_eq!(text.parse::<Pause>().unwrap().to_string(), text);
    }
    assert_eq!("org/a=b=2".parse(), Ok(Weighted { model: "org/a=b".into(), weight: 2.0 }));
    for bad in ["", "2", "exp:", "-1s"] {
        assert!(bad.parse::<Pause>().is_err(), "{bad}");
    }
    let manner = Manner {
        ramp: Some(Ramp { from: 2.0, seconds: 5.0, steps: Some(4) }),
        turns: Some(3),
        cache: Cache::Cold,
        mix: vec!["a=2".parse().unwrap()],
        ..Manner::default()
    };
    let plan = Plan { manner, ..plan() };
    plan.check().unwrap();
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan, "{text}");
}

#[test]
fn what_cannot_be_behaved_names_its_field() {
    type Change = Box<dyn Fn(&mut Plan)>;
    let open = || Load::Open { rate: 5.0, arrivals: crate::arrivals::Arrivals::Poisson, max_concurrency: None };
    let ramp = |from, steps| Some(Ramp { from, seconds: 1.0, steps });
    let wrong: Vec<(&str, Change)> = vec![
        ("ramp-from cannot be 0.", Box::new(move |of| of.manner.ramp = ramp(0.0, None))),
        ("ramp-steps cannot be 1.", Box::new(move |of| of.manner.ramp = ramp(1.0, Some(1)))),
        (
            "think cannot be 1000ms.",
            Box::new(move |of| {
                of.load = open();
                of.manner.think = Some(Pause::Constant(1_000_000));
            }),
        ),
        (
            "cancel cannot be 150 %.",
            Box::new(|of| {
                of.manner.cancel = Some(Cancel { share: 1.5, after: Pause::Constant(1) });
            }),
        ),
        ("turns cannot be 1.", Box::new(|of| of.manner.turns = Some(1))),
        (
            "turns cannot be 3.",
            Box::new(move |of| {
                of.load = open();
                of.manner.turns = Some(3);
            }),
        ),
        (
            "turns cannot be 4.",
            Box::new(|of| {
                of.target.api = Api::Completions;
                of.manner.turns = Some(4);
            }),
        ),
        ("mix cannot be a=0.", Box::new(|of| of.manner.mix = vec!["a=0".parse().unwrap()])),
        ("cache cannot be shared.", Box::new(|of| of.manner.cache = Cache::Shared)),
        (
            "cache cannot be cold.",
            Box::new(|of| {
                of.prompts = Prompts::File("a".into());
                of.manner.cache = Cache::Cold;
            }),
        ),
        (
            "cache cannot be warm.",
            Box::new(|of| {
                of.manner.cache = Cache::Warm;
                (of.until.requests, of.until.seconds) = (None, Some(1.0));
            }),
        ),
    ];
    for (want, change) in wrong {
        let mut plan = plan();
        change(&mut plan);
        assert_eq!(plan.check().unwrap_err().what, want);
    }
}
