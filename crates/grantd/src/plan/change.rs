//! One change of a plan: the command that makes it, and what it looks like to people and programs.

use std::fmt;

use grantd_core::{Api, ClientId};
use grantd_issuer::{NewClient, PermissionEntry, RoleEntry, ToJson, client_change::ClientEdit};
use serde_json::{Map, Value, json};

/// What an object has that no file says: it is no part of a difference.
const OF_THE_SERVER: [&str; 7] =
    ["state", "kind", "generation", "version", "created_at", "updated_at", "credentials"];

/// A command of the registrar with what it is told. What exists is changed only as it was seen.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    CreateApi(Api),
    ChangeApi { from: Api, to: Api },
    CreatePermission(PermissionEntry),
    DescribePermission(PermissionEntry),
    CreateRole(RoleEntry),
    ChangeRole { from: RoleEntry, to: RoleEntry },
    CreateClient(Box<NewClient>),
    EditClient { id: ClientId, version: u64, edit: Box<ClientEdit> },
}

/// A step with what it changes.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) step: Step,
    kind: &'static str,
    name: String,
    /// Of what exists: which members change, from what to what. Empty: it is new.
    members: Vec<Member>,
}

#[derive(Clone, Debug)]
struct Member {
    name: String,
    from: Value,
    to: Value,
}

impl Change {
    /// Something new.
    pub(crate) fn new(kind: &'static str, name: &impl ToString, step: Step) -> Self {
        Self { step, kind, name: name.to_string(), members: Vec::new() }
    }

    /// Something that exists and is to be different; `None`: it is the same.
    pub(crate) fn between<T: ToJson>(
        kind: &'static str,
        name: &impl ToString,
        (from, to): (&T, &T),
        step: Step,
    ) -> Option<Self> {
        let members = difference(from.to_json(), &to.to_json());
        let change = Self { members, ..Self::new(kind, name, step) };
        (!change.members.is_empty()).then_some(change)
    }

    /// The name or id of what it is about.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The API that it creates.
    pub(crate) fn new_api(&self) -> Option<&Api> {
        match &self.step {
            Step::CreateApi(api) => Some(api),
            _ => None,
        }
    }

    /// Whether it needs the key that secrets are hashed with.
    pub(crate) fn makes_a_client(&self) -> bool {
        matches!(self.step, Step::CreateClient(_))
    }

    /// For programs; `done` says whether it was carried out.
    pub(crate) fn to_json(&self, done: Done) -> Value {
        let members = self.members.iter();
        let members: Map<_, _> = members
            .map(|member| (member.name.clone(), json!({ "from": member.from, "to": member.to })))
            .collect();
        let action = if members.is_empty() { "create" } else { "update" };
        json!({
            "action": action, "kind": self.kind, "name": self.name,
            "members": members, "done": done == Done::Yes,
        })
    }
}

/// Whether a change was carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Done {
    Yes,
    No,
}

/// `+ client nightly-export`, `~ role auditor: permissions +a -b`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.members.is_empty() { '+' } else { '~' };
        write!(f, "{sign} {} {}", self.kind, self.name)?;
        for (at, member) in self.members.iter().enumerate() {
            write!(f, "{} {member}", if at == 0 { ":" } else { "," })?;
        }
        Ok(())
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(from), Some(to)) = (list(&self.from), list(&self.to)) else {
            return write!(f, "{} {} -> {}", self.name, shown(&self.from), shown(&self.to));
        };
        write!(f, "{}", self.name)?;
        let gained = to.iter().filter(|one| !from.contains(one)).map(|one| ('+', one));
        let lost = from.iter().filter(|one| !to.contains(one)).map(|one| ('-', one));
        let mut told = false;
        for (sign, one) in gained.chain(lost) {
            write!(f, " {sign}{}", one.as_str().unwrap_or_default())?;
            told = true;
        }
        if told { Ok(()) } else { f.write_str(" in another order") }
    }
}

/// A list of names; none at all where nothing is said.
fn list(value: &Value) -> Option<&[Value]> {
    value.as_array().map(Vec::as_slice)
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(default)".to_owned(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn difference(from: Value, to: &Value) -> Vec<Member> {
    let Value::Object(from) = from else { return Vec::new() };
    let said = from.into_iter().filter(|(name, _)| !OF_THE_SERVER.contains(&name.as_str()));
    let members = said.map(|(name, from)| Member { to: to[&name].clone(), name, from });
    let mut members: Vec<_> = members.filter(|member| member.from != member.to).collect();
    // A map of JSON may keep the order of its making, if another crate of the build asks for that.
    members.sort_by(|one, other| one.name.cmp(&other.name));
    members
}
