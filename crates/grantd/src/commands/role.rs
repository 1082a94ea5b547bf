//! `grantd role`: creates, lists and shows roles.

use anyhow::{Context, Result};
use grantd_core::RoleName;
use grantd_issuer::{Registrar, RoleEntry, ToJson};
use serde_json::json;

use super::{joined, operator, registrar};
use crate::{cli::Role, output::Output, settings::Settings};

pub(super) async fn run(command: Role, settings: &Settings, output: Output) -> Result<()> {
    let registrar = registrar(settings).await?;
    match command {
        Role::Create(options) => {
            let role = RoleEntry::new(options.name, options.description, options.permissions);
            registrar.create_role(&operator(), &role).await?;
            output.answer(&role.to_json(), || format!("role {} created\n", role.name))
        }
        Role::List => {
            let roles = registrar.roles().await?;
            let document =
                json!({ "roles": roles.iter().map(ToJson::to_json).collect::<Vec<_>>() });
            output.answer(&document, || roles.iter().map(line).collect())
        }
        Role::Show { name } => {
            let role = find(&registrar, &name).await?;
            output.answer(&role.to_json(), || line(&role))
        }
        Role::Update(options) => {
            let known = find(&registrar, &options.name).await?;
            let mut permissions = [&known.permissions[..], &options.add_permissions].concat();
            permissions.retain(|name| !options.remove_permissions.contains(name));
            let description = options.description.unwrap_or_else(|| known.description.clone());
            let role = RoleEntry::new(known.name.clone(), description, permissions);
            registrar.change_role(&operator(), &options.name, Some(&known), Some(&role)).await?;
            output.answer(&role.to_json(), || line(&role))
        }
        Role::Delete { name } => {
            registrar.change_role(&operator(), &name, None, None).await?;
            let document = json!({ "deleted": name.as_str() });
            output.answer(&document, || format!("role {name} deleted\n"))
        }
    }
}

async fn find(registrar: &Registrar, name: &RoleName) -> Result<RoleEntry> {
    let found = registrar.role(name.as_str()).await?;
    found.with_context(|| format!("there is no role `{name}`: see `grantd role list`"))
}

fn line(role: &RoleEntry) -> String {
    format!("{:20}  {}\n", role.name.as_str(), joined(&role.permissions))
}
