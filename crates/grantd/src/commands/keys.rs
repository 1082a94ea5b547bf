//! `grantd keys`: makes signing keys, shows their public half, changes them.

mod rotation;

use anyhow::{Result, bail};
use grantd_core::{Algorithm, SecretKey, SigningKey};
use grantd_issuer::{Entropy, KeyDuty, KeyRing, entropy::SystemEntropy};
use serde_json::json;
use zeroize::Zeroizing;

use super::{operator, registrar};
use crate::{
    cli::{Keys, KeysGenerate, KeysRevoke},
    env_file::EnvFile,
    output::Output,
    settings::Settings,
};

pub(super) async fn run(command: Keys, settings: &Settings, output: Output) -> Result<()> {
    match command {
        Keys::Generate(options) => generate(&options, output),
        Keys::List => list(settings, output),
        Keys::Add(options) => rotation::add(&options, settings, output),
        Keys::SignWith(options) => rotation::sign_with(&options, settings, output),
        Keys::Revoke(options) => revoke(&options, settings, output).await,
        Keys::Retire(options) => rotation::retire(&options, settings, output),
    }
}

fn generate(options: &KeysGenerate, output: Output) -> Result<()> {
    let path = options.env_file.display().to_string();
    let mut file = EnvFile::read(&options.env_file)?;
    if !options.force && (file.has("GRANTD_PRIVATE_KEY") || file.has("GRANTD_PUBLIC_KEY")) {
        bail!(
            "{path} has signing keys already: they stay; --force replaces them, and tokens they signed are refused"
        );
    }
    let algorithms: &[Algorithm] =
        if options.alg.is_empty() { &[Algorithm::Rs256, Algorithm::Es256] } else { &options.alg };
    let keys =
        algorithms.iter().map(|alg| SigningKey::generate(*alg)).collect::<Result<Vec<_>, _>>()?;
    let (mut private, mut public) = (Zeroizing::new(String::new()), String::new());
    for key in &keys {
        private.push_str(key.to_pem()?.reveal());
        public.push_str(&key.public().to_pem().unwrap_or_default());
    }
    file.set("GRANTD_PRIVATE_KEY", &private);
    file.set("GRANTD_PUBLIC_KEY", &public);
    // Replacing this one would void every client secret, so not even --force does.
    let server_key_made = !file.has("GRANTD_SECRET_KEY");
    if server_key_made {
        file.set("GRANTD_SECRET_KEY", fresh_secret_key().to_text().reveal());
    }
    file.write()?;
    let ring = KeyRing::new(keys, &[])?;
    let document = json!({
        "env_file": path,
        "keys": describe(&ring),
        "secret_key": if server_key_made { "created" } else { "kept" },
    });
    output.answer(&document, || {
        let kept = if server_key_made { "" } else { "; GRANTD_SECRET_KEY was there and stays" };
        format!("{}written to {path} (mode 0600){kept}\n", lines(&ring))
    })
}

fn list(settings: &Settings, output: Output) -> Result<()> {
    let ring = settings.key_ring()?;
    output.answer(&json!({ "keys": describe(&ring) }), || lines(&ring))
}

async fn revoke(options: &KeysRevoke, settings: &Settings, output: Output) -> Result<()> {
    let kid = &*options.kid;
    // Where the keys are not at hand, whoever is sure can say so.
    let ring = settings.key_ring().ok();
    let duty = ring.iter().flat_map(KeyRing::duties).find(|(key, _)| key.kid() == kid);
    match duty {
        _ if options.force => {}
        None => bail!("{kid} is none of the keys here: see `grantd keys list`, or add --force"),
        Some((key, KeyDuty::SignsByDefault | KeyDuty::SignsWhenAsked)) => bail!(
            "{kid} still signs, and what it signs from now on would be refused: let another one first, with `grantd \
             keys add --alg {}`, `grantd keys sign-with NEW --force` and a restart of the nodes; or add --force",
            key.algorithm()
        ),
        Some((_, KeyDuty::VerifiesOnly)) => {}
    }
    registrar(settings).await?.revoke_key(&operator(), kid).await?;
    let next = format!("`grantd keys retire {kid} --force`, and restart the nodes");
    output.answer(&json!({ "revoked": kid, "next": next }), || {
        format!(
            "{kid} is revoked: guards that read the feed and introspection refuse what it signed; other verifiers \
             do when they fetch the key set without it.\nNext: {next}\n"
        )
    })
}

pub(crate) fn fresh_secret_key() -> SecretKey {
    let mut bytes = Zeroizing::new([0; 32]);
    SystemEntropy.fill(bytes.as_mut_slice());
    SecretKey::from_bytes(*bytes)
}

fn describe(ring: &KeyRing) -> Vec<serde_json::Value> {
    rows(ring).map(|(alg, kid, role)| json!({ "kid": kid, "alg": alg, "role": role })).collect()
}

fn lines(ring: &KeyRing) -> String {
    rows(ring).map(|(alg, kid, role)| format!("{alg:6} {kid}  {role}\n")).collect()
}

/// Algorithm, key id, and what the key does.
fn rows(ring: &KeyRing) -> impl Iterator<Item = (&str, &str, &'static str)> {
    ring.duties().map(|(key, duty)| (key.algorithm().as_str(), key.kid(), duty.as_str()))
}
