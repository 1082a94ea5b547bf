//! `grantd api`: creates, lists and shows APIs.

use anyhow::{Context, Result};
use grantd_core::Api;
use grantd_issuer::{Registrar, ToJson};
use serde_json::json;

use super::{issuer, operator, registrar};
use crate::{cli::Api as ApiCommand, output::Output, settings::Settings};

pub(super) async fn run(command: ApiCommand, settings: &Settings, output: Output) -> Result<()> {
    let registrar = registrar(settings).await?;
    match command {
        ApiCommand::Create(options) => {
            let api = Api {
                name: options.name,
                audience: Some(options.audience),
                format: options.format,
                signing_alg: options.signing_alg,
                access_token_ttl: options.access_token_ttl,
            };
            let registrar = registrar.issuer(&issuer(settings)?);
            registrar.create_api(&operator(), &api).await?;
            output.answer(&api.to_json(), || format!("API {} created\n", api.name))
        }
        ApiCommand::List => {
            let apis = registrar.apis().await?;
            let document = json!({ "apis": apis.iter().map(ToJson::to_json).collect::<Vec<_>>() });
            output.answer(&document, || apis.iter().map(line).collect())
        }
        ApiCommand::Show { name } => {
            let api = find(&registrar, &name).await?;
            output.answer(&api.to_json(), || line(&api))
        }
        ApiCommand::Update(options) => {
            let known = find(&registrar, &options.name).await?;
            let mut api = known.clone();
            api.format = options.format.unwrap_or_default().over(api.format);
            api.signing_alg = options.signing_alg.unwrap_or_default().over(api.signing_alg);
            api.access_token_ttl =
                options.access_token_ttl.unwrap_or_default().over(api.access_token_ttl);
            registrar.change_api(&operator(), Some(&known), &api).await?;
            output.answer(&api.to_json(), || line(&api))
        }
    }
}

async fn find(registrar: &Registrar, name: &str) -> Result<Api> {
    let found = registrar.api(name).await?;
    found.with_context(|| format!("there is no API `{name}`: see `grantd api list`"))
}

fn line(api: &Api) -> String {
    format!("{:20}  {}\n", api.name, api.audience.as_deref().unwrap_or("(the issuer)"))
}
