//! The few options that the commands take, by hand.

use std::str::FromStr;

use crate::failure::{Failure, Outcome};

/// The words after a command that have not been understood yet.
pub(crate) struct Options {
    words: Vec<String>,
}

impl Options {
    pub(crate) fn of(words: &[String]) -> Self {
        Self { words: words.to_vec() }
    }

    /// Whether the flag is there.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let before = self.words.len();
        self.words.retain(|word| word != name);
        self.words.len() < before
    }

    /// Every value given under the name.
    pub(crate) fn values<T: FromStr>(&mut self, name: &str) -> Outcome<Vec<T>> {
        let mut values = Vec::new();
        while let Some(at) = self.words.iter().position(|word| word == name) {
            let value = self.words.get(at + 1).and_then(|word| word.parse().ok());
            values.push(value.ok_or_else(|| Failure::usage(format!("{name} needs a value")))?);
            self.words.drain(at..=at + 1);
        }
        Ok(values)
    }

    /// The last value given under the name, or the usual one.
    pub(crate) fn value<T: FromStr>(&mut self, name: &str, usual: T) -> Outcome<T> {
        Ok(self.values(name)?.pop().unwrap_or(usual))
    }

    /// The words that are no options.
    pub(crate) fn rest(self) -> Outcome<Vec<String>> {
        match self.words.iter().find(|word| word.starts_with('-')) {
            Some(word) => Err(Failure::usage(format!("there is no option {word} here"))),
            None => Ok(self.words),
        }
    }

    /// For commands that take nothing else.
    pub(crate) fn end(self) -> Outcome {
        match self.rest()?.first() {
            Some(word) => Err(Failure::usage(format!("{word} means nothing here"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Options {
        Options { words: line.split(' ').map(str::to_owned).collect() }
    }

    #[test]
    fn options_may_stand_anywhere_and_the_rest_remains() {
        let mut options = options("form --seconds 5 json --strict");
        assert!(options.flag("--strict"));
        assert_eq!(options.value("--seconds", 60).unwrap(), 5);
        assert_eq!(options.value("--rounds", 3).unwrap(), 3);
        assert_eq!(options.rest().unwrap(), ["form", "json"]);
    }

    #[test]
    fn wrong_usage_is_told_as_such() {
        assert!(options("--seconds").value("--seconds", 1).is_err());
        assert!(options("--seconds soon").value("--seconds", 1).is_err());
        assert!(options("--unknown").rest().is_err());
        assert!(options("word").end().is_err());
    }
}
