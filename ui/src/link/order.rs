//! Puts the messages of a desktop channel back into the order in which they were sent.

use std::collections::BTreeMap;

/// Messages that came before their turn, and whose turn it is.
#[derive(Debug)]
pub struct InOrder<T> {
    next: u64,
    early: BTreeMap<u64, T>,
}

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        Self { next: 0, early: BTreeMap::new() }
    }
}

impl<T> InOrder<T> {
    /// Takes in message number `index` and answers all whose turn has come, in order.
    pub fn take(&mut self, index: u64, message: T) -> Vec<T> {
        // A number below `next` would be a repeat: the webview evaluates each message once, so there is none.
        if index >= self.next {
            self.early.insert(index, message);
        }
        let mut due = Vec::new();
        while let Some(message) = self.early.remove(&self.next) {
            due.push(message);
            self.next += 1;
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_that_overtook_others_wait_for_their_turn() {
        let mut order = InOrder::default();
        assert_eq!(order.take(0, 'a'), ['a']);
        assert!(order.take(2, 'c').is_empty());
        assert!(order.take(3, 'd').is_empty());
        assert_eq!(order.take(1, 'b'), ['b', 'c', 'd']);
        assert_eq!(order.take(4, 'e'), ['e']);
    }

    #[test]
    fn a_repeat_is_left_out() {
        let mut order = InOrder::default();
        order.take(0, 'a');
        assert!(order.take(0, 'a').is_empty());
    }
}
