//! What one writer has made, and what each of its changes makes of that.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// All that one writer changes; nobody else touches it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct World {
    pub(super) clients: BTreeMap<String, State>,
    /// What its role is made of, which all of its clients have.
    pub(super) role: BTreeSet<String>,
    pub(super) permissions: BTreeSet<String>,
}

/// A client, as far as changes reach.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    pub(super) name: String,
    pub(super) description: String,
    pub(super) standing: String,
    pub(super) permissions: BTreeSet<String>,
    pub(super) generation: u64,
    pub(super) version: u64,
    pub(super) secrets: usize,
    pub(super) endless_secrets: usize,
}

/// A change.
#[derive(Clone, Debug)]
pub(super) enum Wish {
    Create { id: String },
    Rewrite { id: String, text: String, permissions: BTreeSet<String> },
    Rotate { id: String },
    State { id: String, state: &'static str },
    Role(BTreeSet<String>),
    NewPermission(String),
    NoPermission(String),
}

pub(super) fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

/// A member that is a list of names.
pub(super) fn listed(view: &Value, member: &str) -> BTreeSet<String> {
    let names = view[member].as_array().unwrap().iter();
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

impl State {
    /// As the admin API shows it.
    pub(super) fn of(view: &Value) -> Self {
        let text = |member: &str| view[member].as_str().unwrap().to_owned();
        let secrets = view["credentials"].as_array().unwrap();
        Self {
            name: text("name"),
            description: text("description"),
            standing: text("state"),
            permissions: listed(view, "permissions"),
            generation: view["generation"].as_u64().unwrap(),
            version: view["version"].as_u64().unwrap(),
            secrets: secrets.len(),
            endless_secrets: secrets.iter().filter(|one| one["expires_at"].is_null()).count(),
        }
    }

    fn new(id: &str) -> Self {
        Self {
            name: id.to_owned(),
            description: id.to_owned(),
            standing: "active".to_owned(),
            permissions: names(&["a", "b"]),
            generation: 1,
            version: 1,
            secrets: 1,
            endless_secrets: 1,
        }
    }

    fn changed(&mut self, kills: bool) {
        self.version += 1;
        self.generation += u64::from(kills);
    }
}

impl World {
    pub(super) fn new() -> Self {
        Self { role: names(&["a", "b"]), ..Self::default() }
    }

    /// What the change makes of it, whole.
    pub(super) fn after(&self, wish: &Wish) -> Self {
        let mut world = self.clone();
        match wish {
            Wish::Create { id } => drop(world.clients.insert(id.clone(), State::new(id))),
            Wish::Rewrite { id, text, permissions } => {
                let client = world.clients.get_mut(id).unwrap();
                let lost = !client.permissions.is_subset(&(permissions | &self.role));
                client.name.clone_from(text);
                client.description.clone_from(text);
                client.permissions.clone_from(permissions);
                client.changed(lost);
            }
            Wish::Rotate { id } => {
                let client = world.clients.get_mut(id).unwrap();
                client.secrets += 1;
                client.endless_secrets = 1;
                client.changed(false);
            }
            Wish::State { id, state } => {
                let client = world.clients.get_mut(id).unwrap();
                (*state).clone_into(&mut client.standing);
                client.changed(true);
            }
            Wish::Role(permissions) => {
                if !self.role.is_subset(permissions) {
                    world.clients.values_mut().for_each(|client| client.changed(true));
                }
                world.role.clone_from(permissions);
            }
            Wish::NewPermission(name) => drop(world.permissions.insert(name.clone())),
            Wish::NoPermission(name) => {
                world.permissions.remove(name);
                for client in world.clients.values_mut() {
                    if client.permissions.remove(name) {
                        client.changed(true);
                    }
                }
            }
        }
        world
    }
}

impl Wish {
    /// What the audit log says it is done to.
    pub(super) fn object(&self, role: &str) -> String {
        match self {
            Self::Create { id }
            | Self::Rewrite { id, .. }
            | Self::Rotate { id }
            | Self::State { id, .. } => format!("client:{id}"),
            Self::Role(_) => format!("role:{role}"),
            Self::NewPermission(name) | Self::NoPermission(name) => format!("permission:{name}"),
        }
    }
}
