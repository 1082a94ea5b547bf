//! `grantd permission`: creates, describes, deletes and lists permissions.

use anyhow::Result;
use grantd_issuer::{PermissionEntry, ToJson};
use serde_json::{Value, json};

use super::{operator, registrar};
use crate::{cli::PermissionCommand, output::Output, settings::Settings};

pub(super) async fn run(
    command: PermissionCommand,
    settings: &Settings,
    output: Output,
) -> Result<()> {
    let registrar = registrar(settings).await?;
    match command {
        PermissionCommand::Create(options) => {
            let entry = PermissionEntry {
                name: options.name,
                api: options.api,
                description: options.description,
            };
            registrar.create_permission(&operator(), &entry).await?;
            output.answer(&entry.to_json(), || format!("permission {} created\n", entry.name))
        }
        PermissionCommand::Update { name, description } => {
            registrar.change_permission(&operator(), None, &name, &description).await?;
            let entry = registrar.permission(name.as_str()).await?;
            output.answer(&entry.as_ref().map_or(Value::Null, ToJson::to_json), || {
                format!("permission {name} changed\n")
            })
        }
        PermissionCommand::Delete { name } => {
            registrar.delete_permission(&operator(), &name).await?;
            let document = json!({ "deleted": name.as_str() });
            output.answer(&document, || format!("permission {name} deleted\n"))
        }
        PermissionCommand::List => {
            let entries = registrar.permissions().await?;
            let document =
                json!({ "permissions": entries.iter().map(ToJson::to_json).collect::<Vec<_>>() });
            let line = |entry: &PermissionEntry| {
                format!("{:30}  {:12}  {}\n", entry.name.as_str(), entry.api, entry.description)
            };
            output.answer(&document, || entries.iter().map(line).collect())
        }
    }
}
