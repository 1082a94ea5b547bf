//! `grantd api`: creates, lists and shows APIs.

use anyhow::{Context, Result};
use grantd_core::{Algorithm, Api, Ttl};
use serde_json::{Value, json};

use super::registrar;
use crate::{cli::Api as ApiCommand, output::Output, settings::Settings};

pub(super) async fn run(command: ApiCommand, settings: &Settings, output: Output) -> Result<()> {
    let registrar = registrar(settings)?;
    match command {
        ApiCommand::Create(options) => {
            let api = Api {
                name: options.name,
                audience: Some(options.audience),
                signing_alg: options.signing_alg,
                access_token_ttl: options.access_token_ttl,
            };
            registrar.create_api(&api).await?;
            output.answer(&describe(&api), || format!("API {} created\n", api.name))
        }
        ApiCommand::List => {
            let apis = registrar.apis().await?;
            let document = json!({ "apis": apis.iter().map(describe).collect::<Vec<_>>() });
            output.answer(&document, || apis.iter().map(line).collect())
        }
        ApiCommand::Show { name } => {
            let apis = registrar.apis().await?;
            let found = apis.iter().find(|api| api.name == name);
            let api = found
                .with_context(|| format!("there is no API `{name}`: see `grantd api list`"))?;
            output.answer(&describe(api), || line(api))
        }
    }
}

fn line(api: &Api) -> String {
    format!("{:20}  {}\n", api.name, api.audience.as_deref().unwrap_or("(the issuer)"))
}

fn describe(api: &Api) -> Value {
    json!({
        "name": api.name,
        "audience": api.audience,
        "signing_alg": api.signing_alg.map(Algorithm::as_str),
        "access_token_ttl": api.access_token_ttl.map(Ttl::seconds),
    })
}
