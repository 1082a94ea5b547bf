//! grantd-core decides and does nothing else: no world outside, no clock, nothing to wait for.

use super::{
    Violation,
    source::{Source, has_word},
};

const PURE: &str = "crates/grantd-core/src/";

/// A word of the world, and what to do instead.
const WORLD: &[(&str, &str)] = &[
    ("async fn", "decide in a plain function; grantd-issuer waits"),
    (".await", "decide in a plain function; grantd-issuer waits"),
    ("tokio", "decide in a plain function; grantd-issuer waits"),
    ("std::env", "take the value as an argument"),
    ("env::var", "take the value as an argument"),
    ("std::fs", "take the content as an argument"),
    ("fs::read", "take the content as an argument"),
    ("std::net", "take the answer as an argument (addresses are in core::net)"),
    ("SystemTime", "take the time as an argument"),
    ("Instant", "take the time as an argument"),
];

/// One violation a line at most: the first word says enough.
pub(super) fn inspect(source: &Source) -> Vec<Violation> {
    if !source.path.starts_with(PURE) {
        return Vec::new();
    }
    let lines = source.lines();
    let found = lines.filter_map(|(number, _, code)| {
        let (word, advice) = WORLD.iter().find(|(word, _)| has_word(code, word))?;
        let advice = format!("`{word}` in grantd-core: {advice}");
        Some(Violation::new(&source.path, number, "pure core", advice))
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        inspect(&Source::new(path, text)).into_iter().map(|v| v.line).collect()
    }

    #[test]
    fn the_core_does_not_touch_the_world() {
        let path = "crates/grantd-core/src/mint.rs";
        assert_eq!(lines(path, "pub async fn a() {}\nx.await;\n"), [1, 2]);
        assert_eq!(
            lines(path, "use std::env;\nuse std::fs;\nuse std::net::TcpStream;\n"),
            [1, 2, 3]
        );
        assert_eq!(lines(path, "now: SystemTime\nnow: Instant\nuse tokio::x;\n"), [1, 2, 3]);
        assert_eq!(lines(path, "// tokio\n/// SystemTime\nlet a = \".await\";\n"), []);
        assert_eq!(lines(path, "use core::net::IpAddr;\nenv!(\"A\");\n"), []);
    }

    #[test]
    fn the_other_crates_may() {
        assert_eq!(lines("crates/grantd/src/main.rs", "async fn a() {}\n"), []);
    }
}
