//! What each crate may depend on, and that every dependency has its reason written down.

use super::Violation;
use crate::{failure::Outcome, tree};

/// A crate, what it must never depend on, and whether its tests and examples may.
const BANS: &[(&str, &[&str], Tests)] = &[
    (
        "grantd-core",
        &["tokio", "axum", "http", "hyper", "rusqlite", "tokio-postgres", "reqwest"],
        Tests::Banned,
    ),
    ("grantd-issuer", &["axum", "rusqlite", "tokio-postgres", "clap", "dotenvy"], Tests::Free),
    ("grantd-store", &["axum", "hyper"], Tests::Banned),
    ("grantd-guard", &["grantd-issuer", "grantd-store", "rusqlite"], Tests::Banned),
];

#[derive(Clone, Copy, PartialEq)]
enum Tests {
    Free,
    Banned,
}

/// All manifests of the workspace.
pub(super) fn inspect() -> Outcome<Vec<Violation>> {
    let mut violations = Vec::new();
    for (name, banned, tests) in BANS {
        let path = format!("crates/{name}/Cargo.toml");
        violations.extend(bans(&path, &tree::read(&path)?, banned, *tests));
    }
    let reasons = tree::read("docs/dependencies.md").unwrap_or_default();
    violations.extend(reasons_missing(&tree::read("Cargo.toml")?, &reasons));
    Ok(violations)
}

fn bans(path: &str, manifest: &str, banned: &[&str], tests: Tests) -> Vec<Violation> {
    let entries = entries(manifest).into_iter().filter(|entry| {
        let for_tests = entry.section.ends_with("dev-dependencies");
        banned.contains(&entry.name) && (tests == Tests::Banned || !for_tests)
    });
    let broken = entries.map(|Entry { name, line, .. }| {
        let advice = format!("`{name}` has no place in this crate: see ARCHITECTURE.md");
        Violation::new(path, line, "banned dependency", advice)
    });
    broken.collect()
}

fn reasons_missing(manifest: &str, reasons: &str) -> Vec<Violation> {
    let entries = entries(manifest).into_iter().filter(|entry| {
        let ours = entry.name.starts_with("grantd-");
        entry.section == "workspace.dependencies"
            && !ours
            && !reasons.contains(&format!("`{}`", entry.name))
    });
    let broken = entries.map(|Entry { name, line, .. }| {
        let advice = format!("name `{name}` and its reason in docs/dependencies.md");
        Violation::new("Cargo.toml", line, "unexplained dependency", advice)
    });
    broken.collect()
}

#[derive(Debug, PartialEq)]
struct Entry<'a> {
    section: &'a str,
    name: &'a str,
    line: usize,
}

/// The dependencies of a manifest, under the name of the package where it is renamed. As much of
/// TOML as a manifest uses for them: a table with a line each, or a table of its own.
fn entries(manifest: &str) -> Vec<Entry<'_>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut section = "";
    let mut own_table = false;
    for (index, text) in manifest.lines().enumerate() {
        let line = index + 1;
        if let Some(header) = text.trim().strip_prefix('[') {
            let header = header.split(']').next().unwrap_or_default();
            let split = header.rsplit_once("dependencies.");
            own_table = split.is_some();
            section = split.map_or(header, |(before, _)| &header[..before.len() + 12]);
            entries.extend(split.map(|(_, name)| Entry { section, name, line }));
        } else if section.ends_with("dependencies") {
            let package = value_of(text, "package");
            match entries.last_mut().filter(|_| own_table) {
                Some(entry) => entry.name = package.unwrap_or(entry.name),
                None => entries.extend(key_of(text).map(|key| {
                    let name = package.unwrap_or(key);
                    Entry { section, name, line }
                })),
            }
        }
    }
    entries
}

fn key_of(line: &str) -> Option<&str> {
    let key = line.split_once('=')?.0.split('.').next()?.trim().trim_matches('"');
    let is_name = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || "-_".contains(c));
    is_name.then_some(key)
}

fn value_of<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let after = line.split_once(key)?.1.trim_start().strip_prefix('=')?;
    after.trim_start().strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "\
[package]
name = \"a\"
[dependencies]
serde.workspace = true
axum = { workspace = true, features = [
    \"json\",
] }
net = { package = \"hyper\", version = \"1\" }
[dev-dependencies]
tokio = \"1\"
[target.'cfg(unix)'.dependencies.rusqlite]
version = \"0.41\"
features = [\"bundled\"]
[lints]
workspace = true
";

    #[test]
    fn every_way_to_name_a_dependency_is_seen() {
        let found: Vec<_> = entries(MANIFEST).into_iter().map(|e| (e.name, e.line)).collect();
        assert_eq!(
            found,
            [("serde", 4), ("axum", 5), ("hyper", 8), ("tokio", 10), ("rusqlite", 11)]
        );
    }

    #[test]
    fn a_ban_holds_and_tests_may_be_free_of_it() {
        let lines = |banned: &[&str], tests| -> Vec<usize> {
            bans("a", MANIFEST, banned, tests).into_iter().map(|v| v.line).collect()
        };
        assert_eq!(lines(&["axum", "tokio"], Tests::Banned), [5, 10]);
        assert_eq!(lines(&["axum", "tokio"], Tests::Free), [5]);
        assert_eq!(lines(&["clap"], Tests::Banned), []);
    }

    #[test]
    fn a_dependency_has_its_reason() {
        let manifest =
            "[workspace.dependencies]\ngrantd-core = { path = \"c\" }\nurl = \"2\"\nuuid = \"1\"\n";
        let broken = reasons_missing(manifest, "| `url` | reads addresses |");
        assert_eq!(broken.len(), 1);
        assert_eq!(broken[0].line, 4);
    }
}
