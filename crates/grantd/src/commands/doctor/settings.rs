//! What can be said of settings, keys and files without a database.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use anyhow::Result;

use super::Finding;
use crate::settings::Settings;

/// What an env file of this directory is called.
const ENV_FILE: &str = ".env";

/// Everything but the database.
pub(super) fn look(settings: &Settings) -> Vec<Finding> {
    let mut findings = vec![
        Finding::of("settings", times(settings)),
        Finding::of("issuer", issuer(settings)),
        Finding::of("signing keys", keys(settings)),
        server_key(settings),
    ];
    findings.extend(proxies(settings));
    findings.extend(private("env file", Path::new(ENV_FILE)));
    if let Some(file) = settings.private_key_file() {
        findings.extend(private("key file", Path::new(file)));
    }
    findings
}

/// Those that no other check reads.
fn times(settings: &Settings) -> Result<String> {
    settings.log_is_json()?;
    let ttl = settings.access_token_ttl()?;
    settings.client_credentials_ttl()?;
    settings.refresh_token_ttl()?;
    settings.refresh_token_idle()?;
    settings.max_staleness()?;
    settings.client_rate()?;
    settings.drain()?;
    Ok(format!("can all be read; access tokens live {} seconds", ttl.seconds()))
}

fn issuer(settings: &Settings) -> Result<String> {
    let listening = settings.listen()?;
    let issuer = settings.issuer(listening)?;
    settings.check_transport(&issuer, listening)?;
    Ok(format!("{issuer}, served on {listening}"))
}

/// Weak keys and keys that are there twice are refused when they are read.
fn keys(settings: &Settings) -> Result<String> {
    let ring = settings.key_ring()?;
    let keys = ring
        .duties()
        .map(|(key, duty)| format!("{} {} {}", key.algorithm().as_str(), key.kid(), duty.as_str()));
    let keys: Vec<_> = keys.collect();
    Ok(format!("{}: {}", keys.len(), keys.join("; ")))
}

fn server_key(settings: &Settings) -> Finding {
    const CHECK: &str = "server key";
    let read = settings.secret_key().and_then(|_| settings.previous_secret_key());
    match read {
        Ok(None) => Finding::fine(CHECK, "GRANTD_SECRET_KEY is there"),
        Ok(Some(_)) => Finding::warning(
            CHECK,
            "GRANTD_SECRET_KEY_PREVIOUS is set: take it away once every client has a secret of the new key",
        ),
        Err(error) => Finding::error(CHECK, format!("{error:#}")),
    }
}

fn proxies(settings: &Settings) -> Option<Finding> {
    const CHECK: &str = "proxies";
    let issuer = settings.listen().and_then(|listening| settings.issuer(listening));
    match settings.trusted_proxies() {
        Err(error) => Some(Finding::error(CHECK, format!("{error:#}"))),
        Ok(proxies) if !proxies.is_empty() => {
            Some(Finding::fine(CHECK, "some may say where requests come from"))
        }
        Ok(_) if issuer.is_ok_and(|issuer| issuer.starts_with("https:")) => Some(Finding::warning(
            CHECK,
            "none is trusted: set GRANTD_TRUSTED_PROXIES, or everybody has the address of the proxy in front",
        )),
        Ok(_) => None,
    }
}

/// Whether a file with secrets is for its owner alone; nothing where there is none.
pub(super) fn private(check: &'static str, path: &Path) -> Option<Finding> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let shown = path.display();
    Some(match mode {
        _ if mode & 0o007 != 0 => Finding::error(
            check,
            format!(
                "{shown} is open to everybody on this machine (mode {mode:03o}): chmod 600 {shown}"
            ),
        ),
        _ if mode & 0o070 != 0 => Finding::warning(
            check,
            format!(
                "{shown} is open to its group (mode {mode:03o}): chmod 600 {shown}, unless that is meant"
            ),
        ),
        _ => Finding::fine(check, format!("{shown} is for its owner alone (mode {mode:03o})")),
    })
}
