//! What a resource server pays for a token: its signature checked anew, and remembered.

use std::hint::black_box;

use anyhow::{Context, Result, ensure};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use grantd_guard::{Guard, JwkSet};
use serde_json::Value;

use crate::{
    http::{Connection, page_request, token_request},
    measured::{Verdict, own_cpu_seconds, quantile, thousands},
    server::{Place, Server},
};

/// How many tokens of one client take turns.
const TOKENS: usize = 200;
/// How often a token is verified, for one figure of a round.
const ANEW: usize = 20_000;
const REMEMBERED: usize = 400_000;
const ROUNDS: usize = 7;

/// Tokens of the real server at guards with its keys, beside the bare check of their signatures.
pub(crate) async fn measure(binary: &str) -> Result<()> {
    let place = Place::new(binary)?;
    place.grantd("permission create invoices.read --json")?;
    let server = place.serve()?;
    let mut connection = Connection::open(&server.address).await?;
    let keys = connection.ask(&page_request("/.well-known/jwks.json", "")).await?.body.to_vec();
    let keys: JwkSet = serde_json::from_slice(&keys)?;
    let mut verdict = Verdict::default();
    println!("{:<8}{:>16}{:>16}{:>16}", "", "bare signature", "guard, anew", "remembered");
    for alg in ["RS256", "ES256", "EdDSA"] {
        let tokens = tokens(&place, &server, alg).await?;
        one(alg, &tokens, &keys, &server, &mut verdict).await?;
    }
    verdict.end()
}

async fn one(
    alg: &str,
    tokens: &[String],
    keys: &JwkSet,
    server: &Server,
    verdict: &mut Verdict,
) -> Result<()> {
    let issuer = format!("http://{}", server.address);
    let forgetful = Guard::with_keys(&*issuer, keys.clone()).remembered_tokens(0).build_now()?;
    let guard = Guard::with_keys(&*issuer, keys.clone()).build_now()?;
    let (mut bare, mut anew, mut remembered, mut ratios) = (vec![], vec![], vec![], vec![]);
    for _ in 0..ROUNDS {
        let least = signatures(tokens, keys)?;
        let most = verify(&forgetful, tokens, ANEW).await?;
        ratios.push(most / least);
        bare.push(least);
        anew.push(most);
        remembered.push(verify(&guard, tokens, REMEMBERED).await?);
    }
    let [bare, anew, remembered] =
        [&mut bare, &mut anew, &mut remembered].map(|times| quantile(times, 0.5));
    println!("{alg:<8}{bare:>13.2} us{anew:>13.2} us{remembered:>13.2} us");
    verdict.limit(&format!("{alg}: anew over bare"), (quantile(&mut ratios, 0.5), "x"), 1.15);
    verdict.limit(&format!("{alg}: remembered"), (remembered, "us"), 2.0);
    Ok(())
}

/// Microseconds of processor time for the bare check of one signature, by a key that was parsed once.
fn signatures(tokens: &[String], keys: &JwkSet) -> Result<f64> {
    let first = tokens.first().context("a token")?;
    let header = first.split('.').next().context("a header")?;
    let header: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header)?)?;
    let key = keys.keys.iter().find(|key| key.kid.as_deref() == header["kid"].as_str());
    let key = key.context("the key of the token")?.to_public_key()?;
    let signed: Vec<_> = tokens
        .iter()
        .map(|token| {
            let (input, signature) = token.rsplit_once('.').context("a signature")?;
            Ok((input, BASE64_URL_SAFE_NO_PAD.decode(signature)?))
        })
        .collect::<Result<_>>()?;
    let before = own_cpu_seconds();
    for (input, signature) in signed.iter().cycle().take(ANEW) {
        ensure!(key.verify(black_box(input.as_bytes()), signature), "a signature is wrong");
    }
    Ok(each(before, ANEW))
}

/// Microseconds of processor time for one token at the guard.
async fn verify(guard: &Guard, tokens: &[String], times: usize) -> Result<f64> {
    let before = own_cpu_seconds();
    for token in tokens.iter().cycle().take(times) {
        let principal = guard.verify(black_box(token)).await?;
        ensure!(principal.can("invoices.read"), "the permission is missing");
    }
    Ok(each(before, times))
}

fn each(before: f64, times: usize) -> f64 {
    (own_cpu_seconds() - before) * 1000.0 / thousands(times)
}

async fn tokens(place: &Place, server: &Server, alg: &str) -> Result<Vec<String>> {
    let made = place.grantd(&format!(
        "client create --name guarded-{alg} --permission invoices.read --signing-alg {alg} --json"
    ))?;
    let made: Value = serde_json::from_str(&made)?;
    let told = |name: &str| made[name].as_str().with_context(|| format!("no {name}"));
    let request = token_request(told("client_id")?, told("client_secret")?);
    let mut connection = Connection::open(&server.address).await?;
    let mut tokens = Vec::with_capacity(TOKENS);
    for _ in 0..TOKENS {
        let answer: Value = serde_json::from_slice(connection.ask(&request).await?.body)?;
        tokens.push(answer["access_token"].as_str().context("no token")?.to_owned());
    }
    Ok(tokens)
}
