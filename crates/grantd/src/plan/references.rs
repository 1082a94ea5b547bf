//! Whether everything that a file names exists, once, and stays what it was.

use std::collections::{BTreeMap, BTreeSet};

use grantd_core::{Permission, RoleName};
use grantd_issuer::{Registration, RoleEntry};

use super::State;
use crate::declaration::{Declaration, Problem, Stated};

/// All that stands against a file, beyond what is wrong with a single entry by itself.
pub(super) fn check(state: &State, file: &Declaration) -> Vec<Problem> {
    let mut problems = repeated("API", &file.apis, |api| &api.name);
    problems.extend(repeated("permission", &file.permissions, |entry| &entry.name));
    problems.extend(repeated("role", &file.roles, |role| &role.name));
    problems.extend(repeated("client", &file.clients, |client| &client.wanted.id));
    audiences(state, file, &mut problems);
    let known = Known::of(state, file);
    for Stated { line, what } in &file.permissions {
        let before = state.permissions.iter().find(|entry| entry.name == what.name);
        if let Some(before) = before.filter(|before| before.api != what.api) {
            let (name, api) = (&what.name, &before.api);
            problems.push(Problem::at(
                *line,
                format!(
                    "permission `{name}` belongs to API `{api}`, and that stays: write api = \"{api}\", or \
                     declare a permission of another name"
                ),
            ));
        }
        known.api(&what.api, *line, &mut problems);
    }
    for Stated { line, what } in &file.roles {
        let of = format!("role `{}`", what.name);
        known.permissions(&of, &what.permissions, *line, &mut problems);
    }
    for Stated { line, what } in &file.clients {
        known.client(&what.wanted, *line, &mut problems);
    }
    problems
}

fn repeated<T, N: Ord + std::fmt::Display>(
    kind: &str,
    entries: &[Stated<T>],
    name: impl Fn(&T) -> &N,
) -> Vec<Problem> {
    let mut first = BTreeMap::new();
    let mut problems = Vec::new();
    for Stated { line, what } in entries {
        let name = name(what);
        if let Some(first) = first.insert(name, *line) {
            let text = format!("{kind} `{name}` is there twice, before on line {first}: keep one");
            problems.push(Problem::at(*line, text));
        }
    }
    problems
}

/// An audience stays with its API, since tokens and verifiers out there name it.
fn audiences(state: &State, file: &Declaration, problems: &mut Vec<Problem>) {
    for (at, Stated { line, what }) in file.apis.iter().enumerate() {
        let (name, audience) = (&what.name, what.audience.as_deref());
        let Some(audience) = audience else { continue };
        let before = state.apis.iter().find(|api| api.name == *name);
        let before = before.map(|api| api.audience.as_deref().unwrap_or_default());
        if let Some(before) = before.filter(|before| *before != audience) {
            problems.push(Problem::at(
                *line,
                format!(
                    "API `{name}` has the audience {before}, and that stays: write it so, or declare an API \
                     of another name"
                ),
            ));
        }
        let in_file = file.apis.iter().take(at).map(|stated| &stated.what);
        let mut others = state.apis.iter().chain(in_file).filter(|api| api.name != *name);
        if let Some(other) = others.find(|api| api.audience.as_deref() == Some(audience)) {
            let other = &other.name;
            let text = format!("API `{other}` has the audience {audience}: give `{name}` another");
            problems.push(Problem::at(*line, text));
        }
    }
}

/// What there will be: what is there, and what the file adds.
struct Known<'a> {
    apis: BTreeSet<&'a str>,
    permissions: BTreeSet<&'a Permission>,
    roles: BTreeMap<&'a RoleName, &'a RoleEntry>,
}

impl<'a> Known<'a> {
    fn of(state: &'a State, file: &'a Declaration) -> Self {
        let apis = state.apis.iter().chain(file.apis.iter().map(|stated| &stated.what));
        let permissions =
            state.permissions.iter().chain(file.permissions.iter().map(|stated| &stated.what));
        // The file's roles come last, so that they are what counts.
        let roles = state.roles.iter().chain(file.roles.iter().map(|stated| &stated.what));
        Self {
            apis: apis.map(|api| api.name.as_str()).collect(),
            permissions: permissions.map(|entry| &entry.name).collect(),
            roles: roles.map(|role| (&role.name, role)).collect(),
        }
    }

    fn api(&self, name: &str, line: usize, problems: &mut Vec<Problem>) {
        if !self.apis.contains(name) {
            let text = format!(
                "API `{name}` does not exist: add [[api]] name = \"{name}\", or `grantd api create {name} --audience URI`"
            );
            problems.push(Problem::at(line, text));
        }
    }

    fn permissions(
        &self,
        of: &str,
        names: &[Permission],
        line: usize,
        problems: &mut Vec<Problem>,
    ) {
        for name in names.iter().filter(|name| !self.permissions.contains(name)) {
            let text = format!(
                "{of}: permission `{name}` does not exist: add [[permission]] name = \"{name}\", or \
                 `grantd permission create {name}`"
            );
            problems.push(Problem::at(line, text));
        }
    }

    fn client(&self, client: &Registration, line: usize, problems: &mut Vec<Problem>) {
        let of = format!("client `{}`", client.id);
        self.permissions(&of, &client.permissions, line, problems);
        for name in client.roles.iter().filter(|name| !self.roles.contains_key(name)) {
            let text = format!(
                "{of}: role `{name}` does not exist: add [[role]] name = \"{name}\", or `grantd role create {name}`"
            );
            problems.push(Problem::at(line, text));
        }
        for name in &client.serves {
            self.api(name, line, problems);
        }
        let of_roles = client.roles.iter().filter_map(|name| self.roles.get(name));
        let of_roles = of_roles.flat_map(|role| &role.permissions);
        let effective: BTreeSet<_> = client.permissions.iter().chain(of_roles).collect();
        let default = client.default_scope.iter().flatten();
        for name in default.filter(|name| !effective.contains(name)) {
            let text = format!(
                "{of}: default_scope has `{name}`, which is not among the client's permissions: add it there or \
                 in a role of the client"
            );
            problems.push(Problem::at(line, text));
        }
    }
}
