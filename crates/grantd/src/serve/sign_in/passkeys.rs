//! Passkeys: adding one, and signing in with one.

use std::net::IpAddr;

use grantd_core::Secret;
use grantd_issuer::{
    SignedIn, StorageFault,
    accounts::{Opened, Origin},
    hexadecimal,
    passkey::{Answered, PasskeyUse},
};
use serde::Serialize;
use serde_json::Value;
use webauthn_rs::prelude::{PublicKeyCredential, RegisterPublicKeyCredential, WebauthnError};

use super::{Caller, Refused, SignIn, question::Purpose, relying_party::Flaw};

/// What a browser is asked, and what it brings back with the answer.
#[derive(Serialize)]
pub(in crate::serve) struct Asked {
    /// For `navigator.credentials`, in the JSON of WebAuthn section 5.1.
    options: Value,
    /// What the server recognises its question by.
    question: String,
}

/// A passkey that a browser made: its id, what checks it, and the answer that counts once.
pub(in crate::serve) struct Made {
    pub(in crate::serve) credential: Vec<u8>,
    pub(in crate::serve) key: String,
    pub(in crate::serve) answered: Answered,
}

impl SignIn {
    /// Whether there are passkeys here at all: not where the issuer's host is an address.
    pub(in crate::serve) fn has_passkeys(&self) -> bool {
        self.party.is_some()
    }

    /// Asks for a new passkey of somebody who is signed in and knows their password. `None`: there are
    /// no passkeys here.
    pub(in crate::serve) async fn ask_to_add(
        &self,
        who: &SignedIn,
        password: Secret,
        address: IpAddr,
    ) -> Result<Result<Option<Asked>, Refused>, StorageFault> {
        let Some(party) = &self.party else { return Ok(Ok(None)) };
        if let Err(refused) = self.confirm(who, password, address).await? {
            return Ok(Err(refused));
        }
        let known = self.accounts.passkeys(who.user.id).await?;
        let purpose = Purpose::Add(who.session.id);
        let asked = party.ask_to_add(&who.user, &known).and_then(|(options, state)| {
            Some(Asked { options, question: self.questions.ask(purpose, &state)? })
        });
        Ok(Ok(asked))
    }

    /// Checks the answer to that, in the same session.
    pub(in crate::serve) fn check_added(
        &self,
        who: &SignedIn,
        question: &str,
        answer: &RegisterPublicKeyCredential,
    ) -> Result<Made, Refused> {
        let Some(party) = &self.party else { return Err(Refused::Wrong(None)) };
        let read = self.questions.read(Purpose::Add(who.session.id), question);
        let (state, answered) = read.ok_or(Refused::Stale)?;
        match party.check_added(answer, &state) {
            Ok((credential, key)) => Ok(Made { credential, key, answered }),
            Err(flaw) => {
                tracing::info!(user = %who.user.id, %flaw, "a new passkey was refused");
                Err(Refused::Wrong(Some(who.user.id)))
            }
        }
    }

    /// Asks for a signature of whoever it is. `None`: there are no passkeys here.
    pub(in crate::serve) fn ask_to_sign_in(&self) -> Option<Asked> {
        let (options, state) = self.party.as_ref()?.ask_to_sign_in()?;
        Some(Asked { options, question: self.questions.ask(Purpose::SignIn, &state)? })
    }

    /// Signs in who answered it. Failures are throttled like those of passwords: by passkey and
    /// address, and with all other attempts from that address.
    pub(in crate::serve) async fn attempt_by_passkey(
        &self,
        question: &str,
        answer: &PublicKeyCredential,
        from: Caller,
    ) -> Result<Result<Opened, Refused>, StorageFault> {
        let Some(party) = &self.party else { return Ok(Err(Refused::Wrong(None))) };
        let Some((state, answered)) = self.questions.read(Purpose::SignIn, question) else {
            return Ok(Err(Refused::Stale));
        };
        let credential = answer.get_credential_id();
        // No user's name begins so: guesses at passkeys keep nobody from their password.
        let name = format!("\0{}", hexadecimal(credential));
        let trial = match self.throttle.begin(&name, from.address) {
            Ok(trial) => trial,
            Err(wait) => return Ok(Err(Refused::TooMany(wait))),
        };
        let Some((record, user)) = self.accounts.passkey(credential).await? else {
            return Ok(Err(Refused::Wrong(None)));
        };
        if !party.is_of(answer, &user) {
            return Ok(Err(Refused::Wrong(Some(user.id))));
        }
        let next = match party.check_signed_in(answer, state, &record.key) {
            Ok(next) => next,
            Err(flaw) => {
                tell(&flaw, &user.id);
                return Ok(Err(Refused::Wrong(Some(user.id))));
            }
        };
        let key = (record.key, next);
        let used = PasskeyUse { passkey: record.passkey.id, key, version: user.version, answered };
        let origin = Origin { address: from.address.to_string(), agent: from.agent };
        let opened = self.accounts.open_by_passkey(user, &used, &origin).await?;
        if opened.is_some() {
            self.throttle.succeeded(&trial);
        }
        Ok(opened.ok_or(Refused::Stale))
    }
}

/// To the log: a counter that went back is for the operator to see.
fn tell(flaw: &Flaw, user: &grantd_core::UserId) {
    if matches!(flaw, Flaw::Check(WebauthnError::CredentialPossibleCompromise)) {
        tracing::warn!(%user, "a passkey's counter went back: it may have been copied; refused");
    } else {
        tracing::info!(%user, %flaw, "a passkey's answer was refused");
    }
}
