//! `grantd role`: creates, lists and shows roles.

use anyhow::{Context, Result};
use grantd_issuer::RoleEntry;
use serde_json::{Value, json};

use super::{joined, registrar};
use crate::{cli::Role, output::Output, settings::Settings};

pub(super) async fn run(command: Role, settings: &Settings, output: Output) -> Result<()> {
    let registrar = registrar(settings)?;
    match command {
        Role::Create(options) => {
            let mut permissions = options.permissions;
            permissions.sort();
            permissions.dedup();
            let role =
                RoleEntry { name: options.name, description: options.description, permissions };
            registrar.create_role(&role).await?;
            output.answer(&describe(&role), || format!("role {} created\n", role.name))
        }
        Role::List => {
            let roles = registrar.roles().await?;
            let document = json!({ "roles": roles.iter().map(describe).collect::<Vec<_>>() });
            output.answer(&document, || roles.iter().map(line).collect())
        }
        Role::Show { name } => {
            let roles = registrar.roles().await?;
            let found = roles.iter().find(|role| role.name == name);
            let role = found
                .with_context(|| format!("there is no role `{name}`: see `grantd role list`"))?;
            output.answer(&describe(role), || line(role))
        }
    }
}

fn line(role: &RoleEntry) -> String {
    format!("{:20}  {}\n", role.name.as_str(), joined(&role.permissions))
}

fn describe(role: &RoleEntry) -> Value {
    json!({
        "name": role.name.as_str(),
        "description": role.description,
        "permissions": role.permissions.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}
