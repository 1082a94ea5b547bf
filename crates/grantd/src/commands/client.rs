//! `grantd client`: creates, shows, lists, revokes, deletes and restores clients.

use anyhow::{Context, Result, bail};
use grantd_core::{ClientState, Secret, SecretHasher};
use grantd_issuer::{
    ClientFilter, Clock, Created, NewClient, NewSecret, Registration, Rotation, ToJson,
    client_change::{ClientEdit, Finish},
    clock::SystemClock,
    moment,
};
use serde_json::json;

use super::{joined, operator, registrar};
use crate::{
    cli::{Client, ClientCreate, ClientList, ClientUpdate, FinishRotation, Rotate},
    output::{Listing, Output, Reader, warn},
    settings::Settings,
};

/// How many clients are asked for at a time.
const PAGE: u32 = 500;
/// Characters from which on a secret is beyond guessing, if it is random at all. The admin API asks for as many.
const STRONG: usize = 22;

pub(super) async fn run(command: Client, settings: &Settings, output: Output) -> Result<()> {
    match command {
        Client::Create(options) => create(*options, settings, output).await,
        Client::List(options) => list(options, settings, output).await,
        Client::Show(client) => {
            let client = registrar(settings).await?.client(&client.id).await?;
            output.answer(&client.to_json(), || lines(&client))
        }
        Client::Update(options) => update(*options, settings, output).await,
        Client::Rotate(options) => rotate(options, settings, output).await,
        Client::FinishRotation(options) => finish_rotation(options, settings, output).await,
        Client::RevokeSecret { id, credential } => {
            let registrar = registrar(settings).await?;
            let client = registrar.revoke_secret(&operator(), &id, credential).await?;
            output.answer(&client.to_json(), || lines(&client))
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
    let expires_at = options.secret_ttl.map(|ttl| SystemClock.now().after(ttl));
    let imported = if options.secret_stdin { Some(read_secret()?) } else { None };
    let is_imported = imported.is_some();
    if imported.as_ref().is_some_and(|secret| secret.reveal().chars().count() < STRONG) {
        if !options.weak_secret {
            bail!(
                "the secret is short enough to be guessed: bring in one of at least {STRONG} characters, or let grantd \
                 make one; --weak-secret takes it as it is, for a client that cannot be changed at once"
            );
        }
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
        owner: options.owner,
        permissions: options.permissions,
        roles: options.roles,
        default_scope: options.default_scope,
        serves: options.serves,
        access_token_ttl: options.access_token_ttl,
        format: options.format,
        signing_alg: options.signing_alg,
        pkce: options.pkce,
        refresh_retry: options.refresh_retry,
        secret: NewSecret { imported, expires_at },
    };
    let created = registrar(settings).await?.create_client(&operator(), new, &hasher).await?;
    let shown = if is_imported { Shown::No } else { Shown::Once };
    answer_created(&created, shown, output)
}

/// Whether a secret is printed: one that was brought in is known already.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Once,
    No,
}

fn answer_created(created: &Created, shown: Shown, output: Output) -> Result<()> {
    let Created { client, secret } = created;
    let mut document = client.to_json();
    if let Some((id, _)) = secret {
        document["credential_id"] = json!(id.to_string());
    }
    let secret = secret.as_ref().filter(|_| shown == Shown::Once);
    if let Some((_, secret)) = secret {
        document["client_secret"] = json!(secret.reveal());
    }
    output.answer(&document, || {
        let secret = secret.map_or(String::new(), |(_, secret)| {
            let secret = secret.reveal();
            format!("client_secret  {secret}\n\nStore the secret now: it is not shown again.\n")
        });
        format!("{}{secret}", lines(client))
    })
}

async fn update(options: ClientUpdate, settings: &Settings, output: Output) -> Result<()> {
    let some = |given: bool| given.then_some(());
    let edit = ClientEdit {
        name: options.name,
        description: options.description,
        grants: some(!options.grants.is_empty()).map(|()| options.grants.into_iter().collect()),
        redirect_uris: Some(options.redirect_uris).filter(|uris| !uris.is_empty()),
        owner: options.owner.unwrap_or_default(),
        add_permissions: options.add_permissions,
        remove_permissions: options.remove_permissions,
        add_roles: options.add_roles,
        remove_roles: options.remove_roles,
        default_scope: Some(options.default_scope).filter(|scope| !scope.is_empty()),
        serves: Some(options.serves).filter(|apis| !apis.is_empty()),
        format: options.format.unwrap_or_default(),
        access_token_ttl: options.access_token_ttl.unwrap_or_default(),
        signing_alg: options.signing_alg.unwrap_or_default(),
        pkce: options.pkce,
        refresh_retry: options.refresh_retry.unwrap_or_default(),
    };
    let client =
        registrar(settings).await?.edit_client(&operator(), &options.id, edit, None).await?;
    output.answer(&client.to_json(), || lines(&client))
}

async fn rotate(options: Rotate, settings: &Settings, output: Output) -> Result<()> {
    let hasher = settings.secret_key()?.secret_hasher();
    let registrar = registrar(settings).await?;
    let rotation = Rotation { overlap: options.overlap, version: None };
    let created = registrar.rotate(&operator(), &options.id, rotation, &hasher).await?;
    answer_created(&created, Shown::Once, output)
}

async fn finish_rotation(
    options: FinishRotation,
    settings: &Settings,
    output: Output,
) -> Result<()> {
    let finish = if options.force { Finish::Anyway } else { Finish::IfUnused };
    let client =
        registrar(settings).await?.finish_rotation(&operator(), &options.id, finish).await?;
    output.answer(&client.to_json(), || lines(&client))
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

async fn list(options: ClientList, settings: &Settings, output: Output) -> Result<()> {
    let registrar = registrar(settings).await?;
    let filter = ClientFilter {
        owner_kind: options.owner.as_ref().map(|owner| owner.kind.clone()),
        owner_id: options.owner.map(|owner| owner.id),
        state: options.state,
        search: options.search,
    };
    let everything = filter == ClientFilter::default();
    let mut listing = Listing::new(output, "clients");
    let mut last = None;
    loop {
        let page = registrar.clients(&filter, last.as_ref(), PAGE).await?;
        let first = last.is_none();
        last = page.last().map(|client| client.id.clone());
        let none = || {
            if everything {
                "no clients yet: create one with `grantd client create --name NAME --permission PERMISSION`\n"
            } else {
                "no such client\n"
            }
        };
        let text = || if first && page.is_empty() { none().to_owned() } else { table(&page) };
        let reader = listing.page(&page, text)?;
        if page.len() < PAGE as usize || reader == Reader::Gone {
            return listing.end();
        }
    }
}

fn table(clients: &[Registration]) -> String {
    let width = clients.iter().map(|client| client.id.as_str().len()).max().unwrap_or_default();
    let line = |client: &Registration| {
        format!("{:width$}  {:8}  {}\n", client.id.as_str(), client.state.as_str(), client.name)
    };
    clients.iter().map(line).collect()
}

async fn set_state(
    id: &str,
    state: ClientState,
    settings: &Settings,
    output: Output,
) -> Result<()> {
    let registrar = registrar(settings).await?;
    let client = registrar.set_client_state(&operator(), id, state).await?;
    output.answer(&client.to_json(), || format!("client {id} is {}\n", state.as_str()))
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
    if !client.serves.is_empty() {
        lines.push(("serves", client.serves.join(" ")));
    }
    if let Some(owner) = &client.owner {
        lines.push(("owner", owner.to_string()));
    }
    if !client.redirect_uris.is_empty() {
        lines.push(("redirect_uris", client.redirect_uris.join(" ")));
    }
    if let Some(ttl) = client.access_token_ttl {
        lines.push(("token lives", ttl.to_string()));
    }
    for credential in &client.credentials {
        let ends =
            credential.expires_at.map_or_else(String::new, |end| format!(", ends {}", moment(end)));
        let used = credential.last_used.as_ref().map_or_else(
            || ", not used yet".to_owned(),
            |last| format!(", last used {} from {}", moment(last.at), last.address),
        );
        let made = moment(credential.created_at);
        lines.push(("secret", format!("{} of {made}{ends}{used}", credential.id)));
    }
    lines.into_iter().map(|(name, value)| format!("{name:13}  {value}\n")).collect()
}
