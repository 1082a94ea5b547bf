//! ARCHITECTURE.md names the crates that there are, and no others.

use super::Violation;
use crate::{failure::Outcome, tree};

const MAP: &str = "ARCHITECTURE.md";
const RULE: &str = "crate list";

/// The map against the folders.
pub(super) fn inspect() -> Outcome<Vec<Violation>> {
    let mut crates = tree::folders("crates")?;
    crates.push("xtask".to_owned());
    Ok(compare(&tree::read(MAP).unwrap_or_default(), &crates))
}

fn compare(map: &str, crates: &[String]) -> Vec<Violation> {
    let unmapped = crates.iter().filter(|name| !map.contains(&format!("`{name}`")));
    let unmapped = unmapped.map(|name| {
        Violation::new(MAP, 1, RULE, format!("`{name}` is not mentioned: say what it is"))
    });
    let rows = map.lines().enumerate().filter_map(|(index, line)| Some((index + 1, named(line)?)));
    let gone = rows.filter(|(_, name)| !crates.iter().any(|known| known == name));
    let gone = gone.map(|(line, name)| {
        Violation::new(MAP, line, RULE, format!("there is no crate `{name}`: correct the row"))
    });
    unmapped.chain(gone).collect()
}

/// The crate that a row of the crate table is about.
fn named(line: &str) -> Option<&str> {
    let name = line.strip_prefix('|')?.trim_start().strip_prefix('`')?.split('`').next()?;
    let is_crate = name.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    (is_crate && name.starts_with("grantd")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(map: &str) -> Vec<usize> {
        let crates = ["grantd".to_owned(), "grantd-core".to_owned()];
        compare(map, &crates).into_iter().map(|v| v.line).collect()
    }

    #[test]
    fn a_true_map_is_left_alone() {
        assert_eq!(lines("| `grantd` | a |\n| `grantd-core` | b |\n| `grantd serve` | c |\n"), []);
    }

    #[test]
    fn an_unmentioned_crate_is_found() {
        assert_eq!(lines("| `grantd` | a |\n"), [1]);
    }

    #[test]
    fn a_crate_that_is_gone_is_found() {
        assert_eq!(lines("`grantd`\n`grantd-core`\n| `grantd-old` | c |\n"), [3]);
    }
}
