//! `grantd demo`: everything at once on a temporary database, with curl lines that work as they are.

mod schools;

/// Who may enter the demo's console.
const ADMIN: &str = "admin";

use std::sync::Arc;

use anyhow::{Context, Result};
use grantd_core::{Algorithm, GrantType, Secret, SigningKey};
use grantd_issuer::{
    Admin, Clients, Entropy, Issuer, KeyRing, NewClient, NewUser, Password, PermissionEntry,
    Registrar, Tokens, accounts::hash_password, entropy::SystemEntropy, hexadecimal,
};
use grantd_store::Sqlite;
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    cli::DemoFlags,
    commands::fresh_secret_key,
    output::Output,
    serve::{self, MANAGE},
    settings::check_transport,
};

/// Runs until it is stopped; the database goes with it.
pub(crate) async fn run(flags: DemoFlags, output: Output) -> Result<()> {
    let folder = tempfile::tempdir().context("there is no temporary folder")?;
    let store = Arc::new(Sqlite::open(&folder.path().join("demo.db"))?);
    let secret_key = fresh_secret_key();
    let Furnished { client_id, secret, password } =
        furnish(&store, &secret_key.secret_hasher()).await?;

    let keys = KeyRing::new(
        vec![SigningKey::generate(Algorithm::Rs256)?, SigningKey::generate(Algorithm::Es256)?],
        &[],
    )?;
    let listener = TcpListener::bind(&flags.listen).await.with_context(|| {
        format!(
            "cannot listen on {}: choose another address, like --listen 127.0.0.1:8081",
            flags.listen
        )
    })?;
    let listening = listener.local_addr().context("the listening address is unknown")?;
    let base = format!("http://{listening}");
    check_transport(&base, listening, false)?;
    let issuer = Issuer::builder(&base, keys, secret_key)
        .enable(GrantType::ClientCredentials, None)
        .tokens(Arc::clone(&store) as Arc<dyn Tokens>)
        .build(Arc::clone(&store) as Arc<dyn Clients>);
    let issuer = Arc::new(issuer);
    let recorder = serve::Recorder::start(Arc::clone(&issuer), Arc::clone(&store) as Arc<_>);
    let guard = serve::own_guard(&issuer);
    let mut routes = serve::routes(issuer, store as Arc<_>);
    routes.router = routes.router.merge(schools::routes(&guard));

    let steps = steps(&base, &client_id, secret.reveal());
    let document = json!({
        "issuer": base,
        "client_id": client_id,
        "client_secret": secret.reveal(),
        "console": format!("{base}/developer"),
        "login": { "name": ADMIN, "password": password.reveal() },
        "commands": steps.iter().map(|(_, command)| command).collect::<Vec<_>>(),
    });
    output.answer(&document, || {
        let line = |(title, command): &(&str, String)| format!("# {title}\n{command}\n\n");
        let lines: String = steps.iter().map(line).collect();
        format!(
            "grantd is running at {base} on a temporary database. \
             Paste these lines into another terminal:\n\n{lines}\
             The console is at {base}/developer: sign in as {ADMIN} with the password {}\n\n\
             Stop it with Ctrl-C; everything it made goes with it.\n",
            password.reveal()
        )
    })?;
    let served = serve::serve(listener, routes).await;
    recorder.stop().await?;
    served
}

/// What the demo tells of what it made.
struct Furnished {
    client_id: String,
    secret: Secret,
    password: Secret,
}

/// Permissions, a client that has one of them, and somebody who may enter the console.
async fn furnish(store: &Arc<Sqlite>, hasher: &grantd_core::SecretHasher) -> Result<Furnished> {
    let registrar = Registrar::new(Arc::clone(store) as Arc<_>);
    let admin = Admin::program("demo");
    for (name, description) in [
        ("view_schools", "See the list of schools"),
        ("invoices.read", "Read invoices"),
        (MANAGE, "Manage this server: apps, roles, permissions, APIs and users"),
    ] {
        let api = grantd_core::Api::DEFAULT.to_owned();
        let entry =
            PermissionEntry { name: name.parse()?, api, description: description.to_owned() };
        registrar.create_permission(&admin, &entry).await?;
    }
    let new = NewClient {
        name: "Schoolsoft Integration".to_owned(),
        permissions: vec!["view_schools".parse()?],
        ..NewClient::default()
    };
    let created = registrar.create_client(&admin, new, hasher).await?;
    let (_, secret) = created.secret.context("a confidential client has a secret")?;
    let mut entropy = [0; 9];
    SystemEntropy.fill(&mut entropy);
    let password = Secret::new(hexadecimal(&entropy));
    let chosen = Password::choose(password.clone())?;
    let admin_user = NewUser {
        name: ADMIN.parse()?,
        password: Some(hash_password(&chosen)?),
        permissions: vec![MANAGE.parse()?],
        roles: Vec::new(),
    };
    registrar.create_user(&admin, admin_user).await?;
    Ok(Furnished { client_id: created.client.id.to_string(), secret, password })
}

/// What to try, in order: a title and a line to paste.
fn steps(base: &str, id: &str, secret: &str) -> [(&'static str, String); 6] {
    let ask =
        format!("-d grant_type=client_credentials -d client_id={id} -d client_secret={secret}");
    let json = format!(
        r#"{{"grant_type":"client_credentials","client_id":"{id}","client_secret":"{secret}","scope":""}}"#
    );
    let keep = r#"sed 's/.*"access_token":"\([^"]*\)".*/\1/'"#;
    [
        (
            "The client trades its secret for a token",
            format!("curl -X POST {base}/oauth/token {ask}"),
        ),
        (
            "The same with a JSON body; the token is kept for the next lines",
            format!(
                "TOKEN=$(curl -s -X POST {base}/oauth/token -H 'Content-Type: application/json' -d '{json}' | {keep})"
            ),
        ),
        (
            "The API accepts the token",
            format!("curl {base}/api/v1/schools -H \"Authorization: Bearer $TOKEN\""),
        ),
        ("Without a token it answers 401", format!("curl -i {base}/api/v1/schools")),
        (
            "A permission that the client does not have is a 403",
            format!("curl -i {base}/api/v1/invoices -H \"Authorization: Bearer $TOKEN\""),
        ),
        (
            "Asking for that permission is refused as a whole",
            format!("curl -X POST {base}/oauth/token {ask} -d 'scope=view_schools invoices.read'"),
        ),
    ]
}
