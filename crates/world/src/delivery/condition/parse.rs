//! A condition as a tree. Nothing is guessed: what is not known here makes it none.

use super::{Expr, Function, Op};

/// How deep a condition may nest.
const DEEPEST: u32 = 32;

/// Reads a condition; `None` where any of it is not understood.
pub(super) fn read(text: &str) -> Option<Expr> {
    let mut parser = Parser { rest: text, depth: 0 };
    let expr = parser.any()?;
    parser.rest.trim_start().is_empty().then_some(expr)
}

/// Reads a condition from left to right.
struct Parser<'a> {
    rest: &'a str,
    depth: u32,
}

impl Parser<'_> {
    /// Takes this sign, if it is next.
    fn take(&mut self, sign: &str) -> bool {
        match self.rest.trim_start().strip_prefix(sign) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes this word, if it is next.
    fn word(&mut self, word: &str) -> bool {
        let next = self.rest.trim_start();
        let is_it = next.strip_prefix(word).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()));
        is_it && self.take(word)
    }

    fn any(&mut self) -> Option<Expr> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let mut all = vec![self.all()?];
        while self.take("||") || self.word("or") {
            all.push(self.all()?);
        }
        self.depth -= 1;
        Some(if all.len() == 1 { all.remove(0) } else { Expr::Any(all) })
    }

    fn all(&mut self) -> Option<Expr> {
        let mut all = vec![self.not()?];
        while self.take("&&") || self.word("and") {
            all.push(self.not()?);
        }
        Some(if all.len() == 1 { all.remove(0) } else { Expr::All(all) })
    }

    fn not(&mut self) -> Option<Expr> {
        let mut turned = false;
        loop {
            let next = self.rest.trim_start();
            if (next.starts_with('!') && !next.starts_with("!=") && self.take("!")) || self.word("not") {
                turned = !turned;
            } else {
                break;
            }
        }
        let of = self.comparison()?;
        Some(if turned { Expr::Not(Box::new(of)) } else { of })
    }

    fn comparison(&mut self) -> Option<Expr> {
        let left = self.sum()?;
        let ops = [
            ("<=", Op::AtMost),
            (">=", Op::AtLeast),
            ("==", Op::Is),
            ("!=", Op::IsNot),
            ("<", Op::Less),
            (">", Op::More),
        ];
        let Some((_, op)) = ops.into_iter().find(|(sign, _)| self.take(sign)) else { return Some(left) };
        Some(Expr::Compare(Box::new(left), op, Box::new(self.sum()?)))
    }

    fn sum(&mut self) -> Option<Expr> {
        let mut left = self.product()?;
        while let Some(op) = ['+', '-'].into_iter().find(|op| self.take(op.encode_utf8(&mut [0; 4]))) {
            left = Expr::Sum(Box::new(left), op, Box::new(self.product()?));
        }
        Some(left)
    }

    fn product(&mut self) -> Option<Expr> {
        let mut left = self.unit()?;
        while let Some(op) = ['*', '/'].into_iter().find(|op| self.take(op.encode_utf8(&mut [0; 4]))) {
            left = Expr::Sum(Box::new(left), op, Box::new(self.unit()?));
        }
        Some(left)
    }

    fn unit(&mut self) -> Option<Expr> {
        if self.take("(") {
            let inner = self.any()?;
            return self.take(")").then_some(inner);
        }
        let next = self.rest.trim_start();
        if next.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == '-') {
            return self.literal();
        }
        let end = next.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(next.len());
        let name = next.get(..end)?;
        self.rest = next.get(end..)?;
        match name {
            "true" => Some(Expr::Bool(true)),
            "false" => Some(Expr::Bool(false)),
            "nil" => Some(Expr::Nil),
            "result" => self.result(),
            "len" => {
                let of = self.arguments()?;
                (of == [Expr::Result]).then_some(Expr::Len)
            }
            "isNaN" => self.calls(Function::IsNaN, 1),
            "isInf" => self.calls(Function::IsInf, 1),
            "isNil" => self.calls(Function::IsNil, 1),
            "asFloat" | "float" => self.calls(Function::AsNumber, 1),
            "default" => self.calls(Function::Default, 2),
            _ => None,
        }
    }

    fn literal(&mut self) -> Option<Expr> {
        let next = self.rest.trim_start();
        let unsigned = next.strip_prefix('-').unwrap_or(next);
        let sign = next.len() - unsigned.len();
        let mut end = 0;
        for (at, c) in unsigned.char_indices() {
            let in_exponent = at > 0 && matches!(unsigned.as_bytes().get(at - 1), Some(b'e' | b'E'));
            if c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '_') || (matches!(c, '+' | '-') && in_exponent) {
                end = at + c.len_utf8();
            } else {
                break;
            }
        }
        let text = next.get(..sign + end)?;
        self.rest = next.get(sign + end..)?;
        text.replace('_', "").parse().ok().map(Expr::Number)
    }

    fn result(&mut self) -> Option<Expr> {
        if !self.take("[") {
            // A field of an object: those are not read.
            return (!self.rest.starts_with('.')).then_some(Expr::Result);
        }
        let Expr::Number(place) = self.literal()? else { return None };
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
        let place = ((0.0..1e6).contains(&place) && place.fract() == 0.0).then_some(place as usize)?;
        self.take("]").then_some(Expr::At(place))
    }

    fn calls(&mut self, function: Function, arguments: usize) -> Option<Expr> {
        let of = self.arguments()?;
        (of.len() == arguments).then_some(Expr::Call(function, of))
    }

    fn arguments(&mut self) -> Option<Vec<Expr>> {
        if !self.take("(") {
            return None;
        }
        let mut all = vec![self.any()?];
        while self.take(",") {
            all.push(self.any()?);
        }
        self.take(")").then_some(all)
    }
}
