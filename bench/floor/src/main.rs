//! The yardstick of `cargo xtask bench`: what a freshly signed token answer costs at least, or a fixed
//! answer as long as one with an opaque token.

#![expect(clippy::print_stderr, reason = "a command says on stderr why it stops")]

mod signer;

use std::{process::ExitCode, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderName, HeaderValue, header},
    routing::post,
};

use signer::Signer;

const USAGE: &str = "usage: floor --listen 127.0.0.1:PORT --alg RS256|PS256|ES256|EdDSA|opaque";

#[tokio::main]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), String> {
    let options = Options::parse(std::env::args().skip(1))?;
    let signer = Arc::new(Signer::generate(&options.alg)?);
    let app = Router::new().route("/oauth/token", post(token)).with_state(signer);
    let listener = tokio::net::TcpListener::bind(&options.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", options.listen))?;
    axum::serve(listener, app).await.map_err(|error| error.to_string())
}

type Headers = [(HeaderName, HeaderValue); 3];

/// The request's body stays unread: whatever reading and judging it costs is the server's own.
async fn token(State(signer): State<Arc<Signer>>) -> Result<(Headers, String), String> {
    let mut body = String::with_capacity(1280);
    body.push_str(r#"{"access_token":""#);
    signer.sign_into(&mut body)?;
    body.push_str(r#"","token_type":"Bearer","expires_in":3600,"#);
    body.push_str(
        r#""scope":"invoices.read view_schools","scopes":["invoices.read","view_schools"]}"#,
    );
    Ok((
        [
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::PRAGMA, HeaderValue::from_static("no-cache")),
        ],
        body,
    ))
}

struct Options {
    listen: String,
    alg: String,
}

impl Options {
    fn parse(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut listen, mut alg) = (None, None);
        while let Some(name) = args.next() {
            let value = args.next().ok_or(USAGE)?;
            match name.as_str() {
                "--listen" => listen = Some(value),
                "--alg" => alg = Some(value),
                _ => return Err(USAGE.to_owned()),
            }
        }
        Ok(Self { listen: listen.ok_or(USAGE)?, alg: alg.ok_or(USAGE)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_algorithm_answers_a_token_of_three_parts() {
        for alg in ["RS256", "PS256", "ES256", "EdDSA"] {
            let signer = Arc::new(Signer::generate(alg).unwrap());
            let (_, body) = token(State(signer)).await.unwrap();
            let value = body.split('"').nth(3).unwrap();
            assert_eq!(value.split('.').count(), 3, "{alg}: {body}");
        }
    }

    #[test]
    fn both_options_are_needed() {
        let parse = |line: &str| Options::parse(line.split(' ').map(str::to_owned));
        assert!(parse("--listen 127.0.0.1:1 --alg ES256").is_ok());
        assert!(parse("--listen 127.0.0.1:1").is_err());
        assert!(parse("--alg").is_err());
    }
}
