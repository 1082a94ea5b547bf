//! The form of a role: what was said in it, and the page that shows it.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::response::Response;
use grantd_core::Permission;
use grantd_issuer::{PermissionEntry, RoleEntry, RoleView};

use super::{complaint::Complaint, form::Fields, frame::Frame, page::page};
use crate::serve::{MANAGE, fingerprint::fingerprint};

/// A role as it was typed.
#[derive(Default)]
pub(super) struct RoleForm {
    /// Whether there is such a role already; its name stays.
    known: bool,
    name: String,
    description: String,
    pub(super) ticked: BTreeSet<String>,
    /// What the sender saw of the role.
    pub(super) seen: String,
    /// The permissions that the sender confirmed to take away.
    confirmed: String,
    /// Those that would be taken away, to be confirmed.
    pub(super) lost: Vec<String>,
    /// What the role is now, where that was not what the sender saw.
    pub(super) now: Option<RoleView>,
    pub(super) problem: Complaint,
    pub(super) choices: Vec<(String, Vec<Choice>)>,
}

/// A box to tick.
pub(super) struct Choice {
    name: String,
    description: String,
    ticked: bool,
}

#[derive(Template)]
#[template(path = "role.html")]
struct Page {
    frame: Frame,
    form: RoleForm,
}

impl RoleForm {
    /// What was sent.
    pub(super) fn of(fields: &Fields) -> Self {
        Self {
            name: fields.text("name").to_owned(),
            description: fields.text("description").to_owned(),
            ticked: fields.all("permission").map(str::to_owned).collect(),
            seen: fields.text("seen").to_owned(),
            confirmed: fields.text("confirmed").to_owned(),
            ..Self::default()
        }
    }

    /// A role as it is.
    pub(super) fn showing(role: &RoleEntry) -> Self {
        let ticked = role.permissions.iter().map(ToString::to_string).collect();
        let seen = fingerprint(&RoleView::from(role));
        let description = role.description.clone();
        Self { description, ticked, seen, ..Self::default() }.at(role)
    }

    /// The form of a role that is there.
    pub(super) fn at(self, role: &RoleEntry) -> Self {
        Self { known: true, name: role.name.to_string(), ..self }
    }

    /// From now on its sender knows the role as it is.
    pub(super) fn see(&mut self, role: &RoleEntry) {
        let now = RoleView::from(role);
        self.seen = fingerprint(&now);
        self.now = Some(now);
    }

    /// The role that is meant.
    pub(super) fn role(&self) -> Result<RoleEntry, Complaint> {
        let name = self.name.parse().map_err(|_| Complaint::at("name", NAME_RULE))?;
        let permissions: Result<Vec<Permission>, _> =
            self.ticked.iter().map(|name| name.parse()).collect();
        let permissions = permissions
            .map_err(|_| Complaint::at("permission", "Tick permissions of the list."))?;
        Ok(RoleEntry::new(name, self.description.clone(), permissions))
    }

    /// What is still to be confirmed: exactly what this change takes away.
    pub(super) fn unconfirmed(&mut self, known: &RoleEntry, role: &RoleEntry) -> Option<Complaint> {
        let lost = known.permissions.iter().filter(|name| !role.permissions.contains(name));
        self.lost = lost.map(ToString::to_string).collect();
        let ask = !self.lost.is_empty() && self.confirmed != self.lost.join(" ");
        ask.then(|| Complaint::at("confirmed", "Tick this box, then save again."))
    }

    /// The page of it.
    pub(super) fn page(self, frame: Frame) -> Response {
        page(self.problem.status(), &Page { frame, form: self })
    }

    fn locks_out(&self) -> bool {
        self.lost.iter().any(|name| name == MANAGE)
    }
}

/// What a role or permission may be called.
pub(super) const NAME_RULE: &str = "Write 1 to 100 letters, digits and signs, without blank, quote and backslash, like invoices.read.";

/// The permissions to choose from, by API.
pub(super) fn choices(
    all: Vec<PermissionEntry>,
    ticked: &BTreeSet<String>,
) -> Vec<(String, Vec<Choice>)> {
    let mut by_api: BTreeMap<String, Vec<Choice>> = BTreeMap::new();
    for PermissionEntry { name, api, description } in all {
        let name = name.to_string();
        let ticked = ticked.contains(&name);
        by_api.entry(api).or_default().push(Choice { name, description, ticked });
    }
    by_api.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(permissions: &[&str]) -> RoleEntry {
        RoleEntry {
            name: "r".parse().unwrap(),
            description: "What".to_owned(),
            permissions: permissions.iter().map(|name| name.parse().unwrap()).collect(),
        }
    }

    #[test]
    fn what_is_taken_away_is_confirmed_by_its_names() {
        let (known, less) = (role(&["a", "b", "c"]), role(&["c"]));
        let mut form = RoleForm::of(&Fields::parse(b"permission=c")).at(&known);
        assert!(form.unconfirmed(&known, &less).unwrap().is("confirmed"));
        assert_eq!(form.lost, ["a", "b"]);
        let mut form = RoleForm::of(&Fields::parse(b"permission=c&confirmed=a")).at(&known);
        assert!(form.unconfirmed(&known, &less).is_some(), "b was not confirmed");
        let mut form = RoleForm::of(&Fields::parse(b"permission=c&confirmed=a+b")).at(&known);
        assert!(form.unconfirmed(&known, &less).is_none());
    }

    #[test]
    fn more_rights_need_no_confirmation() {
        let mut form = RoleForm::default();
        assert!(form.unconfirmed(&role(&["a"]), &role(&["a", "b"])).is_none());
    }

    #[test]
    fn a_role_shown_and_sent_back_is_the_same() {
        let known = role(&["a", "b"]);
        assert_eq!(RoleForm::showing(&known).role().unwrap(), known);
    }

    #[test]
    fn a_name_of_the_wrong_kind_is_told_at_its_field() {
        let form = RoleForm::of(&Fields::parse(b"name=two+words"));
        assert!(form.role().unwrap_err().is("name"));
    }
}
