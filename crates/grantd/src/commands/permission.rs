//! `grantd permission`: creates and lists permissions.

use anyhow::Result;
use grantd_issuer::PermissionEntry;
use serde_json::{Value, json};

use super::registrar;
use crate::{cli::PermissionCommand, output::Output, settings::Settings};

pub(super) async fn run(
    command: PermissionCommand,
    settings: &Settings,
    output: Output,
) -> Result<()> {
    let registrar = registrar(settings)?;
    match command {
        PermissionCommand::Create(options) => {
            let entry = PermissionEntry {
                name: options.name,
                api: options.api,
                description: options.description,
            };
            registrar.create_permission(&entry).await?;
            output.answer(&describe(&entry), || format!("permission {} created\n", entry.name))
        }
        PermissionCommand::List => {
            let entries = registrar.permissions().await?;
            let document =
                json!({ "permissions": entries.iter().map(describe).collect::<Vec<_>>() });
            let line = |entry: &PermissionEntry| {
                format!("{:30}  {:12}  {}\n", entry.name.as_str(), entry.api, entry.description)
            };
            output.answer(&document, || entries.iter().map(line).collect())
        }
    }
}

fn describe(entry: &PermissionEntry) -> Value {
    json!({ "name": entry.name.as_str(), "api": entry.api, "description": entry.description })
}
