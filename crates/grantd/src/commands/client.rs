//! `grantd client`: creates, shows, lists, revokes, deletes and restores clients.

use anyhow::{Context, Result, bail};
use grantd_core::{
    Algorithm, ClientState, GrantType, Permission, Secret, SecretHasher, Timestamp, Ttl,
};
use grantd_issuer::{
    Clock, Created, NewClient, NewSecret, Owner, Registration, clock::SystemClock,
};
use serde_json::{Value, json};

use super::{joined, moment, registrar};
use crate::{
    cli::{Client, ClientCreate},
    output::{Output, warn},
    settings::Settings,
};

/// How many clients are asked for at a time.
const PAGE: u32 = 500;
/// Characters from which on a secret is beyond guessing, if it is random at all.
const STRONG: usize = 22;

pub(super) async fn run(command: Client, settings: &Settings, output: Output) -> Result<()> {
    match command {
        Client::Create(options) => create(*options, settings, output).await,
        Client::List => list(settings, output).await,
        Client::Show(client) => {
            let client = registrar(settings)?.client(&client.id).await?;
            output.answer(&describe(&client), || lines(&client))
        }
        Client::Revoke(client) => {
            set_state(&client.id, ClientState::Revoked, settings, output).await
        }
        Client::Delete(client) => {
            set_state(&client.id, ClientState::Deleted, settings, output).await
        }
        Client::Restore(client) => {
            set_state(&client.id, ClientState::Active, settings, output).await
        }
    }
}

async fn create(options: ClientCreate, settings: &Settings, output: Output) -> Result<()> {
    let hasher = settings.secret_key()?.secret_hasher();
    let expires_at = options.secret_ttl.map(|ttl| {
        Timestamp::from_micros(SystemClock.now().micros() + i64::from(ttl.seconds()) * 1_000_000)
    });
    let imported = if options.secret_stdin { Some(read_secret()?) } else { None };
    let is_imported = imported.is_some();
    if imported.as_ref().is_some_and(|secret| secret.reveal().len() < STRONG) {
        warn(
            "the imported secret is short enough to be guessed: replace it with a generated one soon",
        );
    }
    let new = NewClient {
        id: options.id,
        name: options.name,
        description: options.description,
        public: options.public,
        grants: options.grants,
        redirect_uris: options.redirect_uris,
        owner: options.owner.map(|(kind, id)| Owner { kind, id }),
        permissions: options.permissions,
        roles: options.roles,
        default_scope: options.default_scope,
        access_token_ttl: options.access_token_ttl,
        signing_alg: options.signing_alg,
        secret: NewSecret { imported, expires_at },
    };
    let Created { client, secret } = registrar(settings)?.create_client(new, &hasher).await?;
    let mut document = describe(&client);
    if let Some((id, secret)) = &secret {
        document["credential_id"] = json!(id.to_string());
        if !is_imported {
            document["client_secret"] = json!(secret.reveal());
        }
    }
    output.answer(&document, || {
        let shown = secret.as_ref().filter(|_| !is_imported);
        let secret = shown.map_or(String::new(), |(_, secret)| {
            format!(
                "client_secret  {}\n\nStore the secret now: it is not shown again.\n",
                secret.reveal()
            )
        });
        format!("{}{secret}", lines(&client))
    })
}

/// The first line of standard input, without its end.
fn read_secret() -> Result<Secret> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("standard input cannot be read")?;
    let secret = line
        .strip_suffix('\n')
        .map_or(line.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    if secret.is_empty() || secret.len() > SecretHasher::MAX_SECRET {
        bail!("a secret has 1 to {} bytes: pipe it in as one line", SecretHasher::MAX_SECRET);
    }
    Ok(Secret::new(secret.to_owned()))
}

async fn list(settings: &Settings, output: Output) -> Result<()> {
    let registrar = registrar(settings)?;
    let mut clients = Vec::new();
    loop {
        let page =
            registrar.clients(clients.last().map(|last: &Registration| &last.id), PAGE).await?;
        if page.is_empty() {
            break;
        }
        clients.extend(page);
    }
    let document = json!({ "clients": clients.iter().map(describe).collect::<Vec<_>>() });
    output.answer(&document, || {
        if clients.is_empty() {
            return "no clients yet: create one with `grantd client create --name NAME --permission PERMISSION`\n".to_owned();
        }
        let width = clients.iter().map(|client| client.id.as_str().len()).max().unwrap_or_default();
        let line = |client: &Registration| {
            format!("{:width$}  {:8}  {}\n", client.id.as_str(), client.state.as_str(), client.name)
        };
        clients.iter().map(line).collect()
    })
}

async fn set_state(
    id: &str,
    state: ClientState,
    settings: &Settings,
    output: Output,
) -> Result<()> {
    let registrar = registrar(settings)?;
    registrar.set_client_state(id, state).await?;
    let client = registrar.client(id).await?;
    output.answer(&describe(&client), || format!("client {id} is {}\n", state.as_str()))
}

fn describe(client: &Registration) -> Value {
    let scope = |names: &Vec<Permission>| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    json!({
        "client_id": client.id.as_str(),
        "name": client.name,
        "description": client.description,
        "kind": client.kind.as_str(),
        "state": client.state.as_str(),
        "grants": client.grants.iter().map(GrantType::as_str).collect::<Vec<_>>(),
        "redirect_uris": client.redirect_uris,
        "owner": client.owner.as_ref().map(|owner| format!("{}:{}", owner.kind, owner.id)),
        "permissions": scope(&client.permissions),
        "roles": client.roles.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "default_scope": client.default_scope.as_ref().map(scope),
        "access_token_ttl": client.access_token_ttl.map(Ttl::seconds),
        "signing_alg": client.signing_alg.map(Algorithm::as_str),
        "generation": client.generation,
        "created_at": moment(client.created_at),
        "updated_at": moment(client.updated_at),
        "credentials": client.credentials.iter().map(|credential| json!({
            "credential_id": credential.id.to_string(),
            "created_at": moment(credential.created_at),
            "expires_at": credential.expires_at.map(moment),
        })).collect::<Vec<_>>(),
    })
}

fn lines(client: &Registration) -> String {
    let grants: Vec<_> = client.grants.iter().collect();
    let mut lines = vec![
        ("client_id", client.id.to_string()),
        ("name", client.name.clone()),
        ("state", format!("{}, {}", client.state.as_str(), client.kind.as_str())),
        ("grants", joined(&grants)),
        ("permissions", joined(&client.permissions)),
        ("roles", joined(&client.roles)),
        ("created", moment(client.created_at)),
    ];
    if let Some(owner) = &client.owner {
        lines.push(("owner", format!("{}:{}", owner.kind, owner.id)));
    }
    if !client.redirect_uris.is_empty() {
        lines.push(("redirect_uris", client.redirect_uris.join(" ")));
    }
    if let Some(ttl) = client.access_token_ttl {
        lines.push(("token lives", ttl.to_string()));
    }
    lines.into_iter().map(|(name, value)| format!("{name:13}  {value}\n")).collect()
}
