//! Conditions of analyses against values: as much of the language (expr-lang) as people write there. What is not
//! understood is "cannot tell", never a guess.

mod parse;

use parse::read;
use pilothouse_wire::{SmolStr, view::delivery::Compared};

/// The longest list in a value that is read.
const MOST_VALUES: usize = 10_000;

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A number; may be NaN.
    Number(f64),
    /// A list of numbers: one a series.
    List(Vec<f64>),
    /// Yes or no.
    Bool(bool),
    /// Nothing.
    Nil,
}

impl Value {
    /// Reads a value as it is kept: `0.97`, `[0.97,NaN]`, `true`. `None` for another form.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
            if inner.trim().is_empty() {
                return Some(Self::List(Vec::new()));
            }
            let all: Option<Vec<f64>> = inner.split(',').take(MOST_VALUES).map(|one| number(one.trim())).collect();
            return all.map(Self::List);
        }
        match text {
            "true" => Some(Self::Bool(true)),
            "false" => Some(Self::Bool(false)),
            "" | "null" | "<nil>" => Some(Self::Nil),
            other => number(other).map(Self::Number),
        }
    }

    /// Does it say anything? No series, or none but NaN, is no data.
    #[must_use]
    pub fn has_data(&self) -> bool {
        match self {
            Self::Number(n) => !n.is_nan(),
            Self::List(all) => all.iter().any(|n| !n.is_nan()),
            Self::Bool(_) => true,
            Self::Nil => false,
        }
    }
}

fn number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "+Inf" | "Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        // Rust reads words such as "infinity" too, which nobody writes here.
        other if other.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte)) => other.parse().ok(),
        _ => None,
    }
}

/// Does a condition hold for a value? `None` where that cannot be told.
#[must_use]
pub fn holds(condition: &str, value: &Value) -> Option<bool> {
    match read(condition)?.eval(value)? {
        Value::Bool(holds) => Some(holds),
        _ => None,
    }
}

/// The first comparison of a condition that holds a value against a number.
#[must_use]
pub fn compared(condition: &str, value: &Value, of_failure: bool) -> Option<Compared> {
    let (left, op, right) = read(condition)?.comparison(value)?;
    let holds = op.apply(left, right);
    Some(Compared { value: left, sign: SmolStr::new_static(op.sign()), limit: right, holds, of_failure })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Less,
    AtMost,
    More,
    AtLeast,
    Is,
    IsNot,
}

impl Op {
    fn sign(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::More => ">",
            Self::AtLeast => ">=",
            Self::Is => "==",
            Self::IsNot => "!=",
        }
    }

    #[allow(clippy::float_cmp, reason = "as the controller compares")]
    fn apply(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::AtMost => left <= right,
            Self::More => left > right,
            Self::AtLeast => left >= right,
            Self::Is => left == right,
            Self::IsNot => left != right,
        }
    }

    /// With its sides changed.
    fn turned(self) -> Self {
        match self {
            Self::Less => Self::More,
            Self::AtMost => Self::AtLeast,
            Self::More => Self::Less,
            Self::AtLeast => Self::AtMost,
            other => other,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Expr {
    Number(f64),
    Bool(bool),
    Nil,
    Result,
    At(usize),
    Len,
    Call(Function, Vec<Expr>),
    Not(Box<Expr>),
    All(Vec<Expr>),
    Any(Vec<Expr>),
    Compare(Box<Expr>, Op, Box<Expr>),
    Sum(Box<Expr>, char, Box<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    IsNaN,
    IsInf,
    IsNil,
    AsNumber,
    Default,
}

impl Expr {
    fn eval(&self, value: &Value) -> Option<Value> {
        match self {
            Self::Number(n) => Some(Value::Number(*n)),
            Self::Bool(is) => Some(Value::Bool(*is)),
            Self::Nil => Some(Value::Nil),
            Self::Result => Some(value.clone()),
            Self::At(place) => match value {
                Value::List(all) => all.get(*place).copied().map(Value::Number),
                _ => None,
            },
            #[allow(clippy::cast_precision_loss, reason = "a few values")]
            Self::Len => match value {
                Value::List(all) => Some(Value::Number(all.len() as f64)),
                _ => None,
            },
            Self::Call(function, of) => Self::call(*function, of, value),
            Self::Not(of) => Some(Value::Bool(!of.truth(value)?)),
            // As in Go: what stands behind the answer is not looked at.
            Self::All(of) => {
                for one in of {
                    if !one.truth(value)? {
                        return Some(Value::Bool(false));
                    }
                }
                Some(Value::Bool(true))
            }
            Self::Any(of) => {
                for one in of {
                    if one.truth(value)? {
                        return Some(Value::Bool(true));
                    }
                }
                Some(Value::Bool(false))
            }
            Self::Compare(left, op, right) => match (left.eval(value)?, right.eval(value)?) {
                (Value::Number(left), Value::Number(right)) => Some(Value::Bool(op.apply(left, right))),
                (left, right) if *op == Op::Is => Some(Value::Bool(left == right)),
                (left, right) if *op == Op::IsNot => Some(Value::Bool(left != right)),
                _ => None,
            },
            Self::Sum(left, op, right) => {
                let (left, right) = (left.number(value)?, right.number(value)?);
                Some(Value::Number(match op {
                    '+' => left + right,
                    '-' => left - right,
                    '*' => left * right,
                    _ => left / right,
                }))
            }
        }
    }

    fn call(function: Function, of: &[Self], value: &Value) -> Option<Value> {
        let first = of.first()?.eval(value);
        match function {
            Function::IsNaN => match first? {
                Value::Number(n) => Some(Value::Bool(n.is_nan())),
                _ => None,
            },
            Function::IsInf => match first? {
                Value::Number(n) => Some(Value::Bool(n.is_infinite())),
                _ => None,
            },
            Function::IsNil => Some(Value::Bool(first? == Value::Nil)),
            Function::AsNumber => match first? {
                Value::Number(n) => Some(Value::Number(n)),
                _ => None,
            },
            Function::Default => match first {
                Some(Value::Nil) | None => of.get(1)?.eval(value),
                some => some,
            },
        }
    }

    fn truth(&self, value: &Value) -> Option<bool> {
        if let Value::Bool(is) = self.eval(value)? { Some(is) } else { None }
    }

    fn number(&self, value: &Value) -> Option<f64> {
        if let Value::Number(n) = self.eval(value)? { Some(n) } else { None }
    }

    /// The first comparison of what was measured with a number. How many series there are is no measurement.
    fn comparison(&self, value: &Value) -> Option<(f64, Op, f64)> {
        match self {
            Self::Compare(left, op, right) => {
                let (measured, limit, op) = match (left.is_measured(), right.is_measured()) {
                    (true, false) => (left, right, *op),
                    (false, true) => (right, left, op.turned()),
                    _ => return None,
                };
                Some((measured.number(value)?, op, limit.number(value)?))
            }
            Self::Not(of) => of.comparison(value),
            Self::All(of) | Self::Any(of) => of.iter().find_map(|one| one.comparison(value)),
            _ => None,
        }
    }

    fn is_measured(&self) -> bool {
        match self {
            Self::Result | Self::At(_) => true,
            Self::Call(Function::AsNumber | Function::Default, of) => of.iter().any(Self::is_measured),
            Self::Sum(left, _, right) => left.is_measured() || right.is_measured(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(condition: &str, value: &str, want: Option<bool>) {
        let value = Value::read(value).unwrap();
        assert_eq!(holds(condition, &value), want, "{condition} of {value:?}");
    }

    #[test]
    fn conditions_as_people_write_them_hold_or_do_not() {
        check("result[0] <= 0.8", "[0.97]", Some(false));
        check("result[0] <= 0.8", "[0.5]", Some(true));
        check("result >= 0.95", "0.97", Some(true));
        check("len(result) == 0 || result[0] < 5", "[]", Some(true));
        check("len(result) > 0 && result[0] < 5", "[]", Some(false));
        check("isNaN(result[0]) || result[0] > 1e-3", "[NaN]", Some(true));
        check("default(result[0], 0) < 0.05", "[]", Some(true));
        check("result[0] < 5 and not (result[1] > 2)", "[1,3]", Some(false));
        check("result == true", "true", Some(true));
        check("asFloat(result) * 100 < 5", "0.04", Some(true));
        check("!isInf(result)", "+Inf", Some(false));
        check("-1 < result", "0", Some(true));
    }

    #[test]
    fn what_is_not_understood_cannot_be_told() {
        check("result.ok == true", "0", None);
        check("all(result, # < 5)", "[1]", None);
        check("result[0] < 5", "[]", None);
        check("result[0] < \"5\"", "[1]", None);
        check("result +", "1", None);
        check("", "1", None);
        check("result", "1", None);
        check(&"(".repeat(4_000), "1", None);
        assert_eq!(Value::read("{\"a\":1}"), None);
        assert_eq!(Value::read("infinity"), None);
    }

    #[test]
    fn no_series_and_nothing_but_nan_is_no_data() {
        for (text, has) in
            [("[]", false), ("[NaN]", false), ("[NaN,1]", true), ("NaN", false), ("0", true), ("", false)]
        {
            assert_eq!(Value::read(text).map(|value| value.has_data()), Some(has), "{text}");
        }
    }

    #[test]
    fn a_comparison_says_the_value_and_its_limit() {
        let of = |condition: &str, value: &str| {
            let compared = compared(condition, &Value::read(value).unwrap(), false)?;
            Some(format!("{} {} {}: {}", compared.value, compared.sign, compared.limit, compared.holds))
        };
        assert_eq!(of("result[0] <= 800", "[1142]").as_deref(), Some("1142 <= 800: false"));
        assert_eq!(of("len(result) > 0 && 0.95 <= result[0]", "[0.97]").as_deref(), Some("0.97 >= 0.95: true"));
        assert_eq!(of("len(result) == 0", "[]"), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(condition in r#"[a-zA-Z0-9 .\[\]()<>=!&|,+*/_é-]{0,60}"#, value in r"[\[\]0-9,.eNan+-]{0,30}") {
            if let Some(value) = Value::read(&value) {
                let _ = (holds(&condition, &value), compared(&condition, &value, false));
            }
        }

        #[test]
        fn a_plain_comparison_agrees_with_arithmetic(value in -1e6_f64..1e6, limit in -1e6_f64..1e6) {
            prop_assert_eq!(holds(&format!("result[0] < {limit}"), &Value::List(vec![value])), Some(value < limit));
        }
    }
}
