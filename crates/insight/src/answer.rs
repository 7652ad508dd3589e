//! What a rule answers: yes, no, or that it cannot tell. The third is not a kind of "no".

/// The answer of a rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer<T> {
    /// It is so, and this is what there is to say of it.
    Yes(T),
    /// It is not so, and that was measured.
    No,
    /// Nobody measured what the rule needs; why, in words.
    CannotTell(&'static str),
}

impl<T> Answer<T> {
    /// What there is to say, if it is so.
    pub(crate) fn yes(self) -> Option<T> {
        if let Self::Yes(said) = self { Some(said) } else { None }
    }

    /// Is it so?
    pub(crate) fn is_yes(&self) -> bool {
        matches!(self, Self::Yes(_))
    }

    /// The same answer with something else said.
    pub(crate) fn map<U>(self, say: impl FnOnce(T) -> U) -> Answer<U> {
        match self {
            Self::Yes(said) => Answer::Yes(say(said)),
            Self::No => Answer::No,
            Self::CannotTell(why) => Answer::CannotTell(why),
        }
    }

    /// Of a measured value: is it as the rule looks for?
    pub(crate) fn of(measured: Option<T>, is_so: impl FnOnce(&T) -> bool, why_not: &'static str) -> Self {
        match measured {
            Some(value) if is_so(&value) => Self::Yes(value),
            Some(_) => Self::No,
            None => Self::CannotTell(why_not),
        }
    }
}
