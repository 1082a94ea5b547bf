//! What a file must begin with, and the words that its code must not use.

use super::{
    Violation,
    source::{Source, has_word},
};

const EMPTY_NAMES: [&str; 7] = ["Manager", "Helper", "Util", "Service", "Base", "Info", "Data"];
const EMPTY_VERBS: [&str; 3] = ["get_", "process_", "do_"];
const ESCAPE: &str = "// house: foreign name";

/// Everything that a file's words can break.
pub(super) fn inspect(source: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    if !source.text.starts_with("//! ") {
        let advice = "begin the file with `//!` and one sentence that says what it is for";
        violations.push(Violation::new(&source.path, 1, "first line", advice));
    }
    let names_count = source.path.starts_with("crates/") && source.path.contains("/src/");
    let mut escaped_before = false;
    for (number, text, code) in source.lines() {
        if has_allow(code) {
            let advice = "write #[expect(lint, reason = \"…\")], or do without";
            violations.push(Violation::new(&source.path, number, "allow", advice));
        }
        // On the line or the one above: rustfmt moves a comment that makes a line too long.
        let escaped = text.contains(ESCAPE);
        if names_count && !escaped && !escaped_before {
            violations.extend(empty_names(code).map(|name| {
                let advice = format!("`{name}` says nothing: name the thing, or what is done");
                Violation::new(&source.path, number, "empty name", advice)
            }));
        }
        escaped_before = escaped;
    }
    violations
}

fn has_allow(code: &str) -> bool {
    let attribute = code.contains("#[") || code.contains("#![");
    attribute && has_word(code, "allow") && code.contains("allow(")
}

fn empty_names(code: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let words: Vec<&str> =
        code.split(move |c| !is_part(c)).filter(|word| !word.is_empty()).collect();
    let defined = words.clone().into_iter().zip(words.into_iter().skip(1));
    defined.filter_map(|(keyword, name)| {
        let empty = match keyword {
            "struct" | "enum" | "trait" => EMPTY_NAMES.iter().any(|word| name.ends_with(word)),
            "fn" => EMPTY_VERBS.iter().any(|word| name.starts_with(word)),
            _ => false,
        };
        empty.then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<(usize, &'static str)> {
        inspect(&Source::new(path, text)).into_iter().map(|v| (v.line, v.rule)).collect()
    }

    fn rules_of_code(code: &str) -> Vec<(usize, &'static str)> {
        rules("crates/a/src/a.rs", &format!("//! A.\n{code}\n"))
    }

    #[test]
    fn a_file_says_what_it_is_for() {
        assert_eq!(rules("xtask/src/a.rs", "fn a() {}\n"), [(1, "first line")]);
        assert_eq!(rules("xtask/src/a.rs", "//!\n"), [(1, "first line")]);
        assert_eq!(rules("xtask/src/a.rs", "//! A.\n"), []);
    }

    #[test]
    fn allow_is_not_allowed() {
        assert_eq!(rules_of_code("#[allow(dead_code)]"), [(2, "allow")]);
        assert_eq!(rules_of_code("#![allow(dead_code)]"), [(2, "allow")]);
        assert_eq!(rules_of_code("#[cfg_attr(test, allow(dead_code))]"), [(2, "allow")]);
        assert_eq!(rules_of_code("#[expect(dead_code)] // not #[allow(x)]"), []);
        assert_eq!(rules_of_code("fn allow() { self.allow(1) }"), []);
    }

    #[test]
    fn names_say_something() {
        for code in ["pub struct KeyManager;", "enum Data {}", "pub(crate) trait AppService: X {"] {
            assert_eq!(rules_of_code(code), [(2, "empty name")], "{code}");
        }
        for code in ["pub async fn get_client()", "fn do_it()", "const fn process_all()"] {
            assert_eq!(rules_of_code(code), [(2, "empty name")], "{code}");
        }
        for code in ["struct Metadata;", "struct Database;", "fn getter()", "x.get_mut()"] {
            assert_eq!(rules_of_code(code), [], "{code}");
        }
    }

    #[test]
    fn a_foreign_name_may_be_forced() {
        assert_eq!(rules_of_code("fn get_ref() {} // house: foreign name"), []);
        assert_eq!(rules_of_code("// house: foreign name\nfn get_ref() {}"), []);
        assert_eq!(rules("xtask/src/a.rs", "//! A.\nstruct Base;\n"), []);
    }
}
