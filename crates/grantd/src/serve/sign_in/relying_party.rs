//! This server as browsers and passkeys know it (WebAuthn's relying party), on the crate webauthn-rs.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use grantd_issuer::{PasskeyRecord, User};
use serde_json::{Value, json};
use url::Url;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Webauthn, WebauthnBuilder, WebauthnError,
};

/// The longest id of a credential, in bytes (WebAuthn section 4).
const LONGEST_ID: usize = 1023;
/// The longest text of a passkey that is kept: a public key and what stands around it.
const LONGEST_KEY: usize = 16 * 1024;

/// Why an answer does not hold.
#[derive(Debug, thiserror::Error)]
pub(super) enum Flaw {
    /// The library says so.
    #[error(transparent)]
    Check(#[from] WebauthnError),
    /// The id or the key is longer than any honest one.
    #[error("the passkey is too large to be kept")]
    TooLarge,
    /// What storage keeps of the passkey cannot be read.
    #[error("the kept passkey cannot be read: {0}")]
    Kept(#[from] serde_json::Error),
}

/// Asks questions and checks answers. Its id is the issuer's host, its origin the issuer's.
pub(in crate::serve) struct RelyingParty(Webauthn);

impl RelyingParty {
    /// That of a server with this issuer identifier. `None`: browsers know passkeys only of a host
    /// with a name, over https or on `localhost` (WebAuthn section 5.1.3, effective domain).
    pub(super) fn of(issuer: &str) -> Option<Self> {
        let url = Url::parse(issuer).ok()?;
        let host = url.domain()?;
        let local = host == "localhost" || host.ends_with(".localhost");
        if url.scheme() != "https" && !local {
            return None;
        }
        let origin = Url::parse(&url.origin().ascii_serialization()).ok()?;
        let timeout = std::time::Duration::from_secs(super::question::PATIENCE.unsigned_abs());
        let party = WebauthnBuilder::new(host, &origin).ok()?.rp_name(host).timeout(timeout);
        party.build().ok().map(Self)
    }

    /// Asks for a new passkey of a user's, not one of those that are known. User verification is
    /// required; and the passkey must be found without a name (a discoverable credential), which the
    /// library does not ask for by itself.
    pub(super) fn ask_to_add(
        &self,
        user: &User,
        known: &[PasskeyRecord],
    ) -> Option<(Value, PasskeyRegistration)> {
        let name = user.name.as_str();
        let asked = self.0.start_passkey_registration(user.id.uuid(), name, name, None);
        let (options, state) = asked.ok()?;
        let mut options = serde_json::to_value(options).ok()?.get_mut("publicKey")?.take();
        let selection = &mut options["authenticatorSelection"];
        selection["residentKey"] = json!("required");
        selection["requireResidentKey"] = json!(true);
        // Here and not in the state, which would grow with it; storage refuses the same one twice.
        let known = known.iter().map(|record| {
            let id = BASE64_URL_SAFE_NO_PAD.encode(&record.credential);
            json!({ "type": "public-key", "id": id })
        });
        options["excludeCredentials"] = known.collect();
        Some((options, state))
    }

    /// The new passkey: its id, and what is kept to check its signatures by.
    pub(super) fn check_added(
        &self,
        answer: &RegisterPublicKeyCredential,
        state: &PasskeyRegistration,
    ) -> Result<(Vec<u8>, String), Flaw> {
        let passkey = self.0.finish_passkey_registration(answer, state)?;
        let (id, key) = (passkey.cred_id().clone(), serde_json::to_string(&passkey)?);
        if id.len() > LONGEST_ID || key.len() > LONGEST_KEY {
            return Err(Flaw::TooLarge);
        }
        Ok((id, key))
    }

    /// Asks for a signature of whatever passkey somebody has here.
    pub(super) fn ask_to_sign_in(&self) -> Option<(Value, DiscoverableAuthentication)> {
        let (options, state) = self.0.start_discoverable_authentication().ok()?;
        let options = serde_json::to_value(options).ok()?.get_mut("publicKey")?.take();
        Some((options, state))
    }

    /// Which credential an answer is of, if it says that it is this user's (WebAuthn section 7.2,
    /// step 6: nobody was known before).
    pub(super) fn is_of(&self, answer: &PublicKeyCredential, user: &User) -> bool {
        let named = self.0.identify_discoverable_authentication(answer);
        named.is_ok_and(|(id, _)| id == user.id.uuid())
    }

    /// Checks a signature, and says what the next one is to be checked by. A counter that went back is
    /// refused: the passkey may have been copied (WebAuthn section 7.2, step 22).
    pub(super) fn check_signed_in(
        &self,
        answer: &PublicKeyCredential,
        state: DiscoverableAuthentication,
        key: &str,
    ) -> Result<String, Flaw> {
        let mut passkey: Passkey = serde_json::from_str(key)?;
        let checked = self.0.finish_discoverable_authentication_v2(answer, state, &passkey)?;
        match passkey.update_credential(&checked) {
            Some(true) => Ok(serde_json::to_string(&passkey)?),
            _ => Ok(key.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_need_a_host_with_a_name_and_https_or_localhost() {
        for (issuer, there) in [
            ("https://auth.example", true),
            ("https://auth.example:8443/path", true),
            ("http://localhost:8080", true),
            ("http://a.localhost", true),
            ("http://auth.example", false),
            ("http://127.0.0.1:8080", false),
            ("https://127.0.0.1", false),
            ("https://[::1]", false),
            ("http://localhost.example", false),
            ("nothing", false),
        ] {
            assert_eq!(RelyingParty::of(issuer).is_some(), there, "{issuer}");
        }
    }

    #[test]
    fn what_is_asked_requires_a_verified_user_and_no_name() {
        let party = RelyingParty::of("https://auth.example:8443/path").unwrap();
        let (options, _) = party.ask_to_sign_in().unwrap();
        assert_eq!(options["rpId"], "auth.example");
        assert_eq!(options["userVerification"], "required");
        assert_eq!(options["allowCredentials"], json!([]));
        assert!(options["challenge"].as_str().is_some_and(|challenge| challenge.len() >= 43));
    }
}
