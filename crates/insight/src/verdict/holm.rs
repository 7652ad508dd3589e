//! Several questions at once: Holm's steps, so that the chance of any false answer stays what is allowed for one.
//!
//! S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statist. 6 (1979). Over planned looks an
//! answer that was given stays given, and what is left shares the whole error: W. Maurer and F. Bretz, "Multiple testing in
//! group sequential trials using graphical approaches", Stat. Biopharm. Res. 5 (2013); A. C. Tamhane, D. Xi and J. Gou,
//! "Group sequential Holm and Hochberg procedures", Stat. Med. 40 (2021).

/// Rejects what can be rejected: the smallest p-value first, at the level for as many as are not rejected yet.
///
/// What was rejected before stays so. A question without a p-value is not asked any more and counts as not rejected.
pub(super) fn step_down(p_values: &[Option<f64>], rejected: &mut [bool], level: impl Fn(usize) -> f64) {
    loop {
        let left = rejected.iter().filter(|is| !**is).count();
        let open = p_values.iter().enumerate().filter(|(at, _)| !rejected[*at]);
        let smallest = open.filter_map(|(at, p)| Some((at, (*p)?))).min_by(|a, b| a.1.total_cmp(&b.1));
        match smallest {
            Some((at, p)) if p <= level(left) => rejected[at] = true,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn holm(p_values: &[f64], alpha: f64) -> Vec<bool> {
        let mut rejected = vec![false; p_values.len()];
        let asked: Vec<Option<f64>> = p_values.iter().copied().map(Some).collect();
        step_down(&asked, &mut rejected, |left| alpha / left as f64);
        rejected
    }

    /// The example that textbooks give: 0.005 under 0.05/4 and 0.01 under 0.05/3; 0.03 is over 0.05/2, and so 0.04 is not
    /// asked, though it is under 0.05.
    #[test]
    fn the_textbook_example() {
        assert_eq!(holm(&[0.01, 0.04, 0.03, 0.005], 0.05), [true, false, false, true]);
    }

    /// Bonferroni would ask each for 0.05/3 and find the first alone.
    #[test]
    fn it_finds_more_than_bonferroni() {
        assert_eq!(holm(&[0.015, 0.02, 0.045], 0.05), [true, true, true]);
    }

    #[test]
    fn what_was_rejected_stays_and_gives_its_share_to_the_others() {
        let mut rejected = [true, false, false];
        step_down(&[Some(0.9), Some(0.02), None], &mut rejected, |left| 0.05 / left as f64);
        assert_eq!(rejected, [true, true, false]);
        let mut rejected = [true, false, false];
        step_down(&[Some(0.9), Some(0.03), None], &mut rejected, |left| 0.05 / left as f64);
        assert_eq!(rejected, [true, false, false], "what is not asked any more still counts");
    }

    proptest! {
        #[test]
        fn between_bonferroni_and_no_care(p_values in prop::collection::vec(0.0..0.2f64, 1..8)) {
            let many = p_values.len() as f64;
            for (p, is) in p_values.iter().zip(holm(&p_values, 0.05)) {
                prop_assert!(is || *p > 0.05 / many);
                prop_assert!(!is || *p <= 0.05);
            }
        }

        #[test]
        fn the_order_of_questions_does_not_matter(mut p_values in prop::collection::vec(0.0..0.2f64, 1..8)) {
            let mut there = holm(&p_values, 0.05);
            p_values.reverse();
            there.reverse();
            prop_assert_eq!(there, holm(&p_values, 0.05));
        }
    }
}
