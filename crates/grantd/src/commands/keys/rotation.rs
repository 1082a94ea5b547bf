//! `grantd keys add|sign-with|retire`: a signing key changed without a gap, one step at a time.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use grantd_core::{Algorithm, Secret, SigningKey, Ttl};
use grantd_issuer::{Clock, KeyRing, clock::SystemClock, moment};
use serde_json::json;

use crate::{
    cli::{KeysAdd, KeysRetire, KeysSignWith},
    env_file::EnvFile,
    key_text::{KeyText, Since},
    output::{Output, warn},
    settings::Settings,
};

use super::{describe, lines};

const PRIVATE: &str = "GRANTD_PRIVATE_KEY";
const PUBLIC: &str = "GRANTD_PUBLIC_KEY";

/// How long verifiers are given to fetch the key set: most libraries keep it for less.
const CACHED: Ttl = Ttl::DEFAULT;

/// The keys of an env file, to be changed and written back.
struct Keys {
    file: EnvFile,
    path: String,
    private: KeyText,
    public: KeyText,
    passphrase: Option<Secret>,
}

impl Keys {
    fn open(path: &std::path::Path, settings: &Settings) -> Result<Self> {
        let file = EnvFile::read(path)?;
        let path = path.display().to_string();
        if !file.has(PRIVATE) {
            bail!(
                "{path} has no {PRIVATE}: run `grantd keys generate`, or change the keys where they are kept, in the \
                 same order: publish first, sign later, retire last"
            );
        }
        let passphrase = settings.passphrase();
        let read = |name: &str| {
            let text = file.value(name).unwrap_or_default();
            KeyText::parse(&text, passphrase.as_ref()).with_context(|| format!("{path}: {name}"))
        };
        let (private, public) = (read(PRIVATE)?, read(PUBLIC)?);
        let keys = Self { file, path, private, public, passphrase };
        if settings.key_ring().is_ok_and(|ring| !keys.are(&ring)) {
            warn(&format!(
                "the settings in force here have other signing keys than {}: what the process environment says outranks \
                 the file, and a node that is started so does not see this change",
                keys.path
            ));
        }
        Ok(keys)
    }

    /// Whether these are the keys of that ring, whatever each of them does.
    fn are(&self, ring: &KeyRing) -> bool {
        let here: BTreeSet<_> = self.private.kids().chain(self.public.kids()).collect();
        here == ring.duties().map(|(key, _)| key.kid()).collect()
    }

    /// The algorithm of this key, and whether it signs.
    fn duty(&self, kid: &str) -> Result<(Algorithm, bool)> {
        let known = self.private.find(kid).or(self.public.find(kid));
        let known = known
            .with_context(|| format!("{} has no key {kid}: see `grantd keys list`", self.path))?;
        let signer = self.private.first_of(known.key.algorithm());
        Ok((known.key.algorithm(), signer.is_some_and(|signer| signer.key.kid() == kid)))
    }

    /// Takes the private half out; the public one stays published.
    fn keep_public(&mut self, kid: &str) -> Result<()> {
        let Some(block) = self.private.find(kid) else {
            bail!("of {kid} only the public half is left: without --keep-public it goes as well");
        };
        let replaced = block.since(Since::Replaced).map(moment);
        if self.public.find(kid).is_none() {
            let text = block.key.to_pem().context("the key has no public half as PEM")?;
            self.public.append(KeyText::parse(&text, None)?);
        }
        if let Some(replaced) = replaced {
            self.public.note(kid, Since::Replaced, &replaced);
        }
        self.private.remove(kid);
        Ok(())
    }

    /// Writes the file if its keys make a ring, and says what is next.
    fn write(mut self, output: Output, next: &str) -> Result<()> {
        let (private, public) = (self.private.text(), self.public.text());
        let secret = Secret::new(private.as_str().to_owned());
        let ring = KeyRing::from_pem(&secret, Some(&public), self.passphrase.as_ref())?;
        self.file.set(PRIVATE, &private);
        self.file.set(PUBLIC, &public);
        self.file.write()?;
        let document = json!({ "env_file": self.path, "keys": describe(&ring), "next": next });
        output.answer(&document, || {
            format!("{}written to {}\nNext: {next}\n", lines(&ring), self.path)
        })
    }
}

/// First: a key that is published and signs nothing yet.
pub(super) fn add(options: &KeysAdd, settings: &Settings, output: Output) -> Result<()> {
    let mut keys = Keys::open(&options.env_file, settings)?;
    if keys.private.is_protected() && !options.force {
        bail!(
            "{} has keys that a passphrase protects, and the new one would stand beside them in clear: make it with \
             `openssl genpkey -aes-256-cbc`, under the same passphrase, and put it behind the others; or add --force",
            keys.path
        );
    }
    let key = SigningKey::generate(options.alg)?;
    let kid = key.public().kid().to_owned();
    let is_first = keys.private.first_of(options.alg).is_none();
    keys.private.append(KeyText::parse(key.to_pem()?.reveal(), None)?);
    keys.public.append(KeyText::parse(&key.public().to_pem().unwrap_or_default(), None)?);
    keys.private.note(&kid, Since::Added, &moment(SystemClock.now()));
    let next = if is_first {
        format!(
            "there was no {} key, so this one signs whatever asks for it: restart the nodes before a client or API \
             does, and let verifiers fetch the key set (an hour)",
            options.alg
        )
    } else {
        format!(
            "restart the nodes, one after the other; an hour later, when every verifier has fetched the key set, \
             `grantd keys sign-with {kid}`"
        )
    };
    keys.write(output, &next)
}

/// Then: it signs, and the one before only verifies.
pub(super) fn sign_with(options: &KeysSignWith, settings: &Settings, output: Output) -> Result<()> {
    let mut keys = Keys::open(&options.env_file, settings)?;
    let (kid, now) = (&*options.kid, SystemClock.now());
    let (algorithm, signs) = keys.duty(kid)?;
    if signs {
        bail!("{kid} is what signs by {algorithm} already");
    }
    let Some(key) = keys.private.find(kid) else {
        bail!("of {kid} only the public half is left, which cannot sign");
    };
    let ready = key.since(Since::Added).map(|added| added.after(CACHED));
    if let Some(ready) = ready.filter(|ready| now < *ready && !options.force) {
        bail!(
            "{kid} is too new: a verifier that keeps the key set for an hour may not know it before {}, an hour after \
             it was added (later, if the nodes were restarted later); until then its tokens may be refused. Wait, or \
             add --force",
            moment(ready)
        );
    }
    let replaced = keys.private.first_of(algorithm).map(|signer| signer.key.kid().to_owned());
    let replaced = replaced.unwrap_or_default();
    keys.private.move_first(kid);
    keys.private.note(&replaced, Since::Replaced, &moment(now));
    let ttl = lasting(settings)?;
    let next = format!(
        "restart the nodes, one after the other; when the last token that {replaced} signed has ended ({ttl} after the \
         last restart, or longer where a client or API has longer ones), `grantd keys retire {replaced}`"
    );
    keys.write(output, &next)
}

/// Last: it is gone, and what it signed is refused.
pub(super) fn retire(options: &KeysRetire, settings: &Settings, output: Output) -> Result<()> {
    let mut keys = Keys::open(&options.env_file, settings)?;
    let (kid, now) = (&*options.kid, SystemClock.now());
    let (algorithm, signs) = keys.duty(kid)?;
    if signs {
        bail!(
            "{kid} is what signs by {algorithm}: let another one first, with `grantd keys add --alg {algorithm}` and \
             `grantd keys sign-with`"
        );
    }
    if options.keep_public {
        keys.keep_public(kid)?;
        let next = format!(
            "restart the nodes; what {kid} signed still verifies, until `grantd keys retire {kid}`"
        );
        return keys.write(output, &next);
    }
    let noted = keys.private.find(kid).or(keys.public.find(kid));
    let replaced = noted.and_then(|key| key.since(Since::Replaced));
    let gone = replaced.zip(lasting(settings)?.into()).map(|(at, ttl)| at.after(ttl));
    if let Some(gone) = gone.filter(|gone| now < *gone && !options.force) {
        bail!(
            "tokens that {kid} signed may live until {}: wait, or add --force, and they are refused as soon as the \
             nodes are restarted",
            moment(gone)
        );
    }
    keys.private.remove(kid);
    keys.public.remove(kid);
    keys.write(output, "restart the nodes, one after the other")
}

/// What a token lives at most by the settings of the server.
fn lasting(settings: &Settings) -> Result<Ttl> {
    let of_grant = settings.client_credentials_ttl()?;
    Ok(of_grant.into_iter().fold(settings.access_token_ttl()?, Ttl::max))
}
