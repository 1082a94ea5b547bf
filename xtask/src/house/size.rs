//! How long a file may be: a reader's screenful is the usual, four hundred lines the end.

use std::fmt;

use super::{Violation, source::Source};

const RULE: &str = "file length";
const CAP: usize = 400;
const TEST_CAP: usize = 600;
const MEDIAN_TARGET: usize = 100;
const P90_LIMIT: usize = 250;

/// One file against its cap.
pub(super) fn inspect(source: &Source) -> Option<Violation> {
    let (lines, cap) = if source.is_test() {
        (source.text.lines().count(), TEST_CAP)
    } else {
        (source.lines_without_tests(), CAP)
    };
    let advice = || format!("{lines} lines, {cap} allowed: split it by meaning");
    (lines > cap).then(|| Violation::new(&source.path, cap + 1, RULE, advice()))
}

/// The lengths of all files that are not tests.
pub(super) struct Spread {
    lengths: Vec<usize>,
}

impl Spread {
    pub(super) fn of(sources: &[Source]) -> Self {
        let code = sources.iter().filter(|source| !source.is_test());
        let mut lengths: Vec<usize> = code.map(Source::lines_without_tests).collect();
        lengths.sort_unstable();
        Self { lengths }
    }

    /// Long files must stay the exception.
    pub(super) fn inspect(&self) -> Option<Violation> {
        let p90 = self.percentile(90);
        let advice = || format!("p90 is {p90} lines, {P90_LIMIT} allowed: split the longest files");
        (p90 > P90_LIMIT).then(|| Violation::new("crates", 1, RULE, advice()))
    }

    fn percentile(&self, percent: usize) -> usize {
        let rank = (self.lengths.len() * percent).div_ceil(100).max(1);
        self.lengths.get(rank - 1).copied().unwrap_or(0)
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (median, p90) = (self.percentile(50), self.percentile(90));
        write!(f, "lines median {median} (target {MEDIAN_TARGET}) p90 {p90} (limit {P90_LIMIT})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, lines: usize) -> Source {
        Source::new(path, &"x\n".repeat(lines))
    }

    #[test]
    fn a_file_ends_at_its_cap() {
        assert!(inspect(&source("crates/a/src/a.rs", 400)).is_none());
        assert!(inspect(&source("crates/a/src/a.rs", 401)).is_some());
    }

    #[test]
    fn tests_may_be_longer() {
        assert!(inspect(&source("crates/a/tests/a.rs", 600)).is_none());
        assert!(inspect(&source("crates/a/tests/a.rs", 601)).is_some());
        assert!(inspect(&source("crates/a/src/b/tests.rs", 500)).is_none());
    }

    #[test]
    fn one_file_in_ten_may_be_long() {
        let mut sources: Vec<Source> = (0..9).map(|_| source("crates/a/src/a.rs", 90)).collect();
        sources.push(source("crates/a/src/b.rs", 390));
        sources.push(source("crates/a/tests/c.rs", 590));
        assert!(Spread::of(&sources).inspect().is_none());
        sources.push(source("crates/a/src/d.rs", 390));
        assert!(Spread::of(&sources).inspect().is_some());
    }
}
