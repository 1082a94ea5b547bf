//! The plan of `grantd apply`: from what there is and what a file says to the changes between.

mod change;
mod references;

pub(crate) use change::{Change, Done, Step};

use std::collections::BTreeSet;

use grantd_core::{Api, ClientState};
use grantd_issuer::{PermissionEntry, Registration, RoleEntry, client_change::ClientEdit};

use crate::declaration::{Declaration, DeclaredClient, Problem, Stated};

/// What the server has.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) apis: Vec<Api>,
    pub(crate) permissions: Vec<PermissionEntry>,
    pub(crate) roles: Vec<RoleEntry>,
    /// Those clients that the file names, in whatever state.
    pub(crate) clients: Vec<Registration>,
}

/// What is to be done, each change one transaction and one line of the audit log.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) changes: Vec<Change>,
    /// What an operator should know although it stops nothing.
    pub(crate) warnings: Vec<String>,
}

/// Decides what to change, or says all that stands against it. Pure: nothing is asked or done.
///
/// What is referred to comes first: APIs, permissions, roles, clients. A role that loses something
/// loses it last, when every client that gets it in another way has it: so nobody is without it
/// meanwhile, even where the work breaks off in between.
pub(crate) fn plan(state: &State, file: &Declaration) -> Result<Plan, Vec<Problem>> {
    let mut problems = references::check(state, file);
    let mut plan = Plan::default();
    for stated in &file.apis {
        plan.api(state, &stated.what);
    }
    for stated in &file.permissions {
        plan.permission(state, &stated.what);
    }
    let mut narrowed = Vec::new();
    for stated in &file.roles {
        narrowed.extend(plan.role(state, &stated.what));
    }
    for stated in &file.clients {
        problems.extend(plan.client(state, stated).err());
    }
    plan.changes.extend(narrowed);
    if problems.is_empty() {
        Ok(plan)
    } else {
        problems.sort();
        Err(problems)
    }
}

impl Plan {
    /// A different audience is a problem that [`references::check`] has found.
    fn api(&mut self, state: &State, wanted: &Api) {
        match state.apis.iter().find(|api| api.name == wanted.name) {
            None => {
                let step = Step::CreateApi(wanted.clone());
                self.changes.push(Change::new("api", &wanted.name, step));
            }
            Some(known) => {
                let step = Step::ChangeApi { from: known.clone(), to: wanted.clone() };
                self.changes.extend(Change::between("api", &wanted.name, (known, wanted), step));
            }
        }
    }

    fn permission(&mut self, state: &State, wanted: &PermissionEntry) {
        let name = &wanted.name;
        match state.permissions.iter().find(|entry| entry.name == *name) {
            None => {
                let step = Step::CreatePermission(wanted.clone());
                self.changes.push(Change::new("permission", name, step));
            }
            Some(known) => {
                let step = Step::DescribePermission(wanted.clone());
                self.changes.extend(Change::between("permission", name, (known, wanted), step));
            }
        }
    }

    /// Plans what a role gains, and gives back what it loses, for the end.
    fn role(&mut self, state: &State, wanted: &RoleEntry) -> Option<Change> {
        let name = &wanted.name;
        let Some(known) = state.roles.iter().find(|role| role.name == *name) else {
            self.changes.push(Change::new("role", name, Step::CreateRole(wanted.clone())));
            return None;
        };
        let change = |from: &RoleEntry, to: &RoleEntry| {
            let step = Step::ChangeRole { from: from.clone(), to: to.clone() };
            Change::between("role", name, (from, to), step)
        };
        let both: BTreeSet<_> = known.permissions.iter().chain(&wanted.permissions).collect();
        if both.len() == known.permissions.len() {
            let narrows = known.narrowed_to(Some(wanted));
            let only = change(known, wanted);
            return if narrows {
                only
            } else {
                self.changes.extend(only);
                None
            };
        }
        let wide = RoleEntry { permissions: both.into_iter().cloned().collect(), ..wanted.clone() };
        self.changes.extend(change(known, &wide));
        change(&wide, wanted)
    }

    fn client(&mut self, state: &State, stated: &Stated<DeclaredClient>) -> Result<(), Problem> {
        let DeclaredClient { new, wanted } = &stated.what;
        let id = &wanted.id;
        let Some(known) = state.clients.iter().find(|client| client.id == *id) else {
            let step = Step::CreateClient(Box::new(new.clone()));
            self.changes.push(Change::new("client", id, step));
            return Ok(());
        };
        if known.kind != wanted.kind {
            return Err(Problem::at(
                stated.line,
                format!(
                    "client `{id}` is {}, and a client's kind stays: declare a new client with another client_id",
                    known.kind.as_str()
                ),
            ));
        }
        match known.state {
            ClientState::Active => {}
            ClientState::Revoked => self.warnings.push(format!(
                "client `{id}` is revoked and stays so: bring it back with `grantd client restore {id}`"
            )),
            ClientState::Deleted => {
                return Err(Problem::at(
                    stated.line,
                    format!(
                        "client `{id}` is deleted: bring it back with `grantd client restore {id}`, or take it out of the file"
                    ),
                ));
            }
        }
        let edit = Box::new(ClientEdit::between(known, wanted));
        let step = Step::EditClient { id: id.clone(), version: known.version, edit };
        self.changes.extend(Change::between("client", id, (known, wanted), step));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
