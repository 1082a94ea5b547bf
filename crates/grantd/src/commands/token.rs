//! `grantd token`: looks into an access token, without believing it before its time.

use std::{io::Read, net::SocketAddr};

use anyhow::{Context, Result, bail};
use grantd_core::{Objection, PresentedToken, Secret, TokenFlaw, TokenSealer, TokenWords};
use grantd_issuer::{Clock, clock::SystemClock, moment};
use serde_json::{Value, json};

use crate::{
    cli::Token,
    output::{Output, printable},
    settings::Settings,
};

/// More than any token that is read, so that one which is too long is told from one that is cut.
const LIMIT: u64 = 64 * 1024;

pub(super) async fn run(command: Token, settings: &Settings, output: Output) -> Result<()> {
    let Token::Inspect { token } = command;
    let text = if token == "-" { read()? } else { Secret::new(token.trim().to_owned()) };
    let verdict = inspect(text.reveal(), settings).await?;
    output.answer(&verdict.to_json(), || verdict.lines())
}

/// Standard input without the line's end.
fn read() -> Result<Secret> {
    let mut text = String::new();
    let length = std::io::stdin().lock().take(LIMIT).read_to_string(&mut text);
    length.context("no token can be read from standard input")?;
    let text = Secret::new(text);
    Ok(Secret::new(text.reveal().trim().to_owned()))
}

async fn inspect(text: &str, settings: &Settings) -> Result<Verdict> {
    let (keys, server_key) = (settings.key_ring()?, settings.secret_key()?);
    let sealer = TokenSealer::new(&server_key, settings.previous_secret_key()?.as_slice());
    let listening: SocketAddr = settings.listen()?;
    let issuer = settings.issuer(listening)?;
    let format = if text.starts_with(TokenSealer::PREFIX) { "opaque" } else { "jwt" };
    let words = TokenWords::unverified(text, &sealer);
    let finding = match PresentedToken::examine(text, &issuer, keys.verifying(), &sealer) {
        Err(flaw) => Finding::Flawed(flaw),
        Ok(token) => {
            let database = settings.database()?;
            let Some(store) = database.open_unchanged().await? else {
                bail!(
                    "there is no database {database}: set GRANTD_DATABASE_URL as the server has it"
                );
            };
            let standing = store.standing(&token.names()).await?;
            let objections = standing.objections(&token, SystemClock.now()).collect();
            Finding::Ours(Box::new(token), objections)
        }
    };
    Ok(Verdict { format, words, finding })
}

/// What was found of a token. The token itself is no part of it.
struct Verdict {
    format: &'static str,
    words: TokenWords,
    finding: Finding,
}

enum Finding {
    /// Not made by this server, as far as it can tell.
    Flawed(TokenFlaw),
    /// Made by this server; what stands against it.
    Ours(Box<PresentedToken>, Vec<Objection>),
}

impl Verdict {
    /// Name and sentence of all that stands against it, the weightiest first.
    fn against(&self) -> Vec<(&'static str, String)> {
        match &self.finding {
            Finding::Flawed(flaw) => vec![(flaw.name(), flaw.to_string())],
            Finding::Ours(_, objections) => {
                objections.iter().map(|one| (one.name(), one.to_string())).collect()
            }
        }
    }

    fn to_json(&self) -> Value {
        let against = self.against();
        let told = against.iter().map(|(name, says)| json!({ "reason": name, "says": says }));
        json!({
            "active": against.is_empty(),
            "reason": against.first().map(|(name, _)| name),
            "against": told.collect::<Vec<_>>(),
            "verified": matches!(self.finding, Finding::Ours(..)),
            "format": self.format,
            "header": self.words.header,
            "claims": self.words.claims,
        })
    }

    fn lines(&self) -> String {
        let against = self.against();
        let mut lines =
            vec![format!("active    {}", if against.is_empty() { "yes" } else { "no" })];
        lines.extend(against.iter().map(|(name, says)| format!("against   {name}: {says}")));
        lines.push(match (&self.finding, self.format) {
            (Finding::Flawed(_), _) => {
                "verified  no: what follows is only what the token says of itself".to_owned()
            }
            (Finding::Ours(..), "opaque") => "verified  yes, sealed by this server".to_owned(),
            (Finding::Ours(..), _) => "verified  yes, signed by a key of this server".to_owned(),
        });
        if let Finding::Ours(token, _) = &self.finding {
            lines.push(format!("issued    {}", moment(token.issued_at)));
            lines.push(format!("expires   {}", moment(token.expires_at)));
        }
        for (title, words) in [("header", &self.words.header), ("claims", &self.words.claims)] {
            let json = words.as_ref().map(|words| format!("{words:#}"));
            let json = json.iter().flat_map(|json| json.lines().enumerate());
            lines.extend(
                json.map(|(at, line)| format!("{:8}  {line}", if at == 0 { title } else { "" })),
            );
        }
        lines.iter().map(|line| printable(line) + "\n").collect()
    }
}
