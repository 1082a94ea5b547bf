//! A device with passkeys, which Chromium plays (WebAuthn section 11, by its DevTools Protocol).

use serde_json::{Value, json};

use crate::Browser;

/// Who is before a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Person {
    /// The one whose finger it knows.
    Owner,
    /// Another one.
    Stranger,
}

/// A device of one browser's.
#[derive(Debug)]
pub struct Device(String);

impl Browser {
    /// Plugs a device in that keeps passkeys, verifies its owner, and answers whatever is asked at once.
    pub async fn device(&self) -> Device {
        self.tell("WebAuthn.enable", json!({})).await;
        let options = json!({
            "protocol": "ctap2", "ctap2Version": "ctap2_1", "transport": "internal",
            "hasResidentKey": true, "hasUserVerification": true, "isUserVerified": true,
            "automaticPresenceSimulation": true,
        });
        let made = self.tell("WebAuthn.addVirtualAuthenticator", json!({ "options": options }));
        Device(made.await["authenticatorId"].as_str().unwrap().to_owned())
    }

    /// From now on the browser has no list to offer passkeys in: the device would take it at once,
    /// before anybody presses a button.
    pub async fn has_no_list(&self) {
        let source = "if (window.PublicKeyCredential) \
                      PublicKeyCredential.isConditionalMediationAvailable = async () => false";
        let words = json!({ "source": source });
        self.tell("Page.addScriptToEvaluateOnNewDocument", words).await;
    }

    /// From now on this person is before the device.
    pub async fn sees(&self, device: &Device, person: Person) {
        let verified = person == Person::Owner;
        let words = json!({ "authenticatorId": device.0, "isUserVerified": verified });
        self.tell("WebAuthn.setUserVerified", words).await;
    }

    /// The passkeys on the device, private keys and all.
    pub async fn passkeys(&self, device: &Device) -> Vec<Value> {
        let words = json!({ "authenticatorId": device.0 });
        let said = self.tell("WebAuthn.getCredentials", words).await;
        said["credentials"].as_array().cloned().unwrap_or_default()
    }

    /// Puts this passkey there in place of all others.
    pub async fn replace(&self, device: &Device, passkey: &Value) {
        self.tell("WebAuthn.clearCredentials", json!({ "authenticatorId": device.0 })).await;
        let words = json!({ "authenticatorId": device.0, "credential": passkey });
        self.tell("WebAuthn.addCredential", words).await;
    }
}
