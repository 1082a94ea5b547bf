//! Migrations are numbered without a gap, are the same for every database engine, and only add.

use super::{Violation, additions};
use crate::{failure::Outcome, tree};

const FOLDER: &str = "crates/grantd-store/migrations";
const RULE: &str = "migrations";

/// An engine and the names of its migrations.
type Engine = (String, Vec<String>);

/// Every engine's folder.
pub(super) fn inspect() -> Outcome<Vec<Violation>> {
    let mut engines = Vec::new();
    for engine in tree::folders(FOLDER)? {
        let names = tree::list(&format!("{FOLDER}/{engine}"))?;
        engines.push((engine, names));
    }
    let mut violations = compare(&engines);
    for (engine, names) in &engines {
        for name in names {
            let path = format!("{FOLDER}/{engine}/{name}");
            let found = additions::inspect(&tree::read(&path)?);
            violations.extend(
                found.into_iter().map(|(line, advice)| Violation::new(&path, line, RULE, advice)),
            );
        }
    }
    Ok(violations)
}

fn compare(engines: &[Engine]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (engine, names) in engines {
        for (index, name) in names.iter().enumerate() {
            if !is_numbered(name, index + 1) {
                let path = format!("{FOLDER}/{engine}/{name}");
                let advice = format!("name it {:04}_what_it_does.sql: no gaps", index + 1);
                violations.push(Violation::new(&path, 1, RULE, advice));
            }
        }
        for (other, their_names) in engines {
            for name in their_names.iter().filter(|name| !names.contains(name)) {
                let path = format!("{FOLDER}/{other}/{name}");
                let advice = format!("{engine} has no migration of this name: write it too");
                violations.push(Violation::new(&path, 1, RULE, advice));
            }
        }
    }
    violations
}

fn is_numbered(name: &str, number: usize) -> bool {
    let what =
        name.strip_prefix(&format!("{number:04}_")).and_then(|rest| rest.strip_suffix(".sql"));
    what.is_some_and(|what| !what.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(engines: &[(&str, &[&str])]) -> Vec<String> {
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let engines: Vec<Engine> =
            engines.iter().map(|(engine, names)| ((*engine).to_owned(), owned(names))).collect();
        compare(&engines).into_iter().map(|v| v.path.replace(FOLDER, "")).collect()
    }

    #[test]
    fn numbers_have_no_gap() {
        assert!(broken(&[("sqlite", &["0001_clients.sql", "0002_roles.sql"])]).is_empty());
        assert_eq!(
            broken(&[("sqlite", &["0001_clients.sql", "0003_roles.sql"])]),
            ["/sqlite/0003_roles.sql"]
        );
        assert_eq!(broken(&[("sqlite", &["clients.sql"])]), ["/sqlite/clients.sql"]);
    }

    #[test]
    fn engines_have_the_same_migrations() {
        let one: (&str, &[&str]) = ("sqlite", &["0001_clients.sql"]);
        assert!(broken(&[one, ("postgres", &["0001_clients.sql"])]).is_empty());
        assert_eq!(
            broken(&[one, ("postgres", &["0001_apps.sql"])]),
            ["/postgres/0001_apps.sql", "/sqlite/0001_clients.sql"]
        );
    }
}
