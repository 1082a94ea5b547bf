//! A Rust file as the rules see it: its text, and the same with comments and literals blanked.

use super::blank;

/// One file.
pub(super) struct Source {
    /// From the root of the checkout, with forward slashes.
    pub(super) path: String,
    /// As it stands there.
    pub(super) text: String,
    code: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned(), code: blank::blank(text) }
    }

    /// Number, text and code of each line.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str, &str)> {
        let lines = self.text.lines().zip(self.code.lines());
        lines.enumerate().map(|(index, (text, code))| (index + 1, text, code))
    }

    /// Whether the whole file is tests.
    pub(super) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// Lines before the test module; a test-only `mod tests;` or item ends nothing.
    pub(super) fn lines_without_tests(&self) -> usize {
        let lines: Vec<&str> = self.code.lines().collect();
        let opens_tests = |pair: &[&str]| {
            pair[0].trim() == "#[cfg(test)]"
                && pair[1].trim_start().starts_with("mod ")
                && pair[1].trim_end().ends_with('{')
        };
        lines.windows(2).position(opens_tests).unwrap_or(lines.len())
    }
}

/// Whether the words stand in the code, not merely as a part of longer ones.
pub(super) fn has_word(code: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        let starts = !word.starts_with(is_part) || !before.is_some_and(is_part);
        let ends = !word.ends_with(is_part) || !after.is_some_and(is_part);
        starts && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_count_up_to_the_test_module() {
        let text = "//! A.\nfn a() {}\n#[cfg(test)]\nmod tests {\n}\n";
        assert_eq!(Source::new("a.rs", text).lines_without_tests(), 2);
    }

    #[test]
    fn a_test_only_item_does_not_end_the_count() {
        let text = "//! A.\n#[cfg(test)]\nmod tests;\nfn a() {}\n";
        assert_eq!(Source::new("a.rs", text).lines_without_tests(), 4);
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("use tokio::spawn;", "tokio"));
        assert!(has_word("now: Instant)", "Instant"));
        assert!(has_word("call().await?", ".await"));
        assert!(!has_word("Instantiate", "Instant"));
        assert!(!has_word("my_tokio", "tokio"));
    }
}
