//! `grantd demo`: everything at once on a temporary database, with curl lines that work as they are.

mod app;
mod furniture;
mod schools;

use std::sync::Arc;

use anyhow::{Context, Result};
use grantd_core::{Algorithm, GrantType, SigningKey};
use grantd_issuer::{Approvals, Clients, Issuer, KeyRing, Tokens};
use grantd_store::Sqlite;
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    cli::DemoFlags, commands::fresh_secret_key, output::Output, serve, settings::check_transport,
};
use furniture::{ADMIN, Furnished, TEACHER, furnish};

/// Runs until it is stopped; the database goes with it.
pub(crate) async fn run(flags: DemoFlags, output: Output) -> Result<()> {
    let folder = tempfile::tempdir().context("there is no temporary folder")?;
    let store = Arc::new(Sqlite::open(&folder.path().join("demo.db"))?);
    let secret_key = fresh_secret_key();
    let keys = KeyRing::new(
        vec![SigningKey::generate(Algorithm::Rs256)?, SigningKey::generate(Algorithm::Es256)?],
        &[],
    )?;
    let signals = serve::Signals::listen()?;
    let listener = TcpListener::bind(&flags.listen).await.with_context(|| {
        format!(
            "cannot listen on {}: choose another address, like --listen 127.0.0.1:8081",
            flags.listen
        )
    })?;
    let listening = listener.local_addr().context("the listening address is unknown")?;
    let base = format!("http://{listening}");
    check_transport(&base, listening, false)?;
    let made = furnish(&store, &secret_key.secret_hasher(), &base).await?;
    let issuer = Issuer::builder(&base, keys, secret_key)
        .enable(GrantType::ClientCredentials, None)
        .enable(GrantType::AuthorizationCode, None)
        .enable(GrantType::RefreshToken, None)
        .approvals(Arc::clone(&store) as Arc<dyn Approvals>)
        .tokens(Arc::clone(&store) as Arc<dyn Tokens>)
        .build(Arc::clone(&store) as Arc<dyn Clients>);
    let issuer = Arc::new(issuer);
    let recorder = serve::Recorder::start(Arc::clone(&issuer), Arc::clone(&store) as Arc<_>);
    let guard = serve::own_guard(&issuer);
    let mut routes = serve::routes(issuer, store as Arc<_>);
    routes.router = routes.router.merge(schools::routes(&guard));
    routes.router = routes.router.merge(app::routes(&base, &made.app.id));

    announce(&base, &made, output)?;
    let served = serve::serve(listener, routes, signals, serve::Drain::AT_ONCE).await;
    recorder.stop().await?;
    served
}

/// Says what there is, and what to try.
fn announce(base: &str, made: &Furnished, output: Output) -> Result<()> {
    let Furnished { machine, app, password } = made;
    let steps = steps(base, &machine.id, machine.secret.reveal());
    let address = app::address(base, &app.id);
    let document = json!({
        "issuer": base,
        "client_id": machine.id,
        "client_secret": machine.secret.reveal(),
        "console": format!("{base}/developer"),
        "login": { "name": ADMIN, "password": password.reveal() },
        "commands": steps.iter().map(|(_, command)| command).collect::<Vec<_>>(),
        "app": {
            "client_id": app.id,
            "client_secret": app.secret.reveal(),
            "address": address,
            "login": { "name": TEACHER, "password": password.reveal() },
        },
    });
    output.answer(&document, || {
        let line = |(title, command): &(&str, String)| format!("# {title}\n{command}\n\n");
        let lines: String = steps.iter().map(line).collect();
        let (password, secret) = (password.reveal(), app.secret.reveal());
        format!(
            "grantd is running at {base} on a temporary database. \
             Paste these lines into another terminal:\n\n{lines}\
             # An app that acts for people has a secret, too\nAPP_SECRET={secret}\n\n\
             It sends people here. Sign in as {TEACHER} with the password {password}, and go on from the page\n\
             that you come to:\n{address}\n\n\
             The console is at {base}/developer: sign in as {ADMIN} with the password {password}\n\n\
             Stop it with Ctrl-C; everything it made goes with it.\n",
        )
    })
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
