//! A request to the authorization endpoint (RFC 6749 section 4.1.1): read in two steps, for until
//! client and redirect URI are known to belong together nobody may be sent anywhere.

use std::{borrow::Cow, sync::Arc};

use crate::{
    authorize::{Asked, Policy, asked},
    client::{Client, ClientKind, ClientState, Pkce},
    code_challenge::CodeChallenge,
    duration::Ttl,
    grant_type::GrantType,
    params::Params,
    redirect_uri::RedirectUri,
    refusal::Refusal,
    time::Timestamp,
    token_request::Ask,
};

/// The parameters of a request, each at most once; nothing of them is believed yet.
pub struct AuthorizationQuery<'a>(Params<'a>);

/// A request whose answer, good or bad, may be sent to its client.
#[derive(Clone, Debug)]
pub struct Addressed {
    /// The client.
    pub client: Arc<Client>,
    /// Where the answer goes.
    pub redirect_uri: RedirectUri,
    /// Whether the request named it: then whoever redeems the code names it, too.
    pub redirect_uri_named: bool,
    /// What the client recognises its request by, returned as it came (RFC 6749 section 4.1.1).
    pub state: Option<String>,
}

impl Addressed {
    /// The address that takes the answer to the client: these parameters, `state`, and `iss` (RFC
    /// 9207 section 2), which tells a client of several servers who answers.
    pub fn answer(&self, parameters: &[(&str, &str)], issuer: &str) -> String {
        let state = self.state.as_deref().map(|state| ("state", state));
        let all: Vec<_> =
            parameters.iter().copied().chain(state).chain([("iss", issuer)]).collect();
        self.redirect_uri.with(&all)
    }

    /// The address that takes a refusal to the client (RFC 6749 section 4.1.2.1).
    pub fn refusal(&self, refusal: Refusal, issuer: &str) -> String {
        let code = refusal.code();
        self.answer(&[("error", code.as_str()), ("error_description", code.description())], issuer)
    }
}

/// What a well-formed request asks for.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// Whose request it is, and where its answer goes.
    pub addressed: Addressed,
    /// What the code asks of who redeems it; none only where the client's policy allows it.
    pub challenge: Option<CodeChallenge>,
    /// What is asked for: permissions of the client in one API.
    pub asked: Asked,
    /// What the user must be made to do (OpenID Connect Core section 3.1.2.1).
    pub prompt: Prompt,
    /// The most seconds that the user may have been signed in for.
    pub max_age: Option<u32>,
    /// Where they were made to sign in for this very request: they must have done so since.
    pub login_after: Option<Timestamp>,
}

/// What the user must be made to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Nothing may be shown at all.
    pub none: bool,
    /// They sign in anew.
    pub login: bool,
    /// They are asked even where they consented before.
    pub consent: bool,
}

impl<'a> AuthorizationQuery<'a> {
    /// Reads the query of an address. A parameter that is there twice leaves nobody to tell (RFC 6749
    /// section 3.1).
    pub fn parse(query: &'a str) -> Result<Self, Refusal> {
        Params::parse_form(query.as_bytes()).map(Self)
    }

    /// The client's id as it was sent.
    pub fn client_id(&self) -> Result<&str, Refusal> {
        self.0.find("client_id").ok_or(Refusal::ClientNotNamed)
    }

    /// Decides whether client and redirect URI belong together (RFC 6749 sections 3.1.2.3 and
    /// 4.1.2.1). What is refused here is shown to the user, and never sent anywhere.
    pub fn address(&mut self, client: Option<Arc<Client>>) -> Result<Addressed, Refusal> {
        let client = client.ok_or(Refusal::ClientUnknown)?;
        match client.state {
            ClientState::Active => {}
            ClientState::Revoked => return Err(Refusal::ClientRevoked),
            ClientState::Deleted => return Err(Refusal::ClientDeleted),
        }
        let named = self.0.take("redirect_uri");
        let registered = &client.code().redirect_uris;
        let redirect_uri = match named.as_deref() {
            Some(asked) => RedirectUri::find(registered, asked).ok_or(Refusal::RedirectUriUnknown),
            None => RedirectUri::only(registered).ok_or(Refusal::RedirectUriMissing),
        }?;
        let state = self.0.take("state").map(Cow::into_owned);
        Ok(Addressed { client, redirect_uri, redirect_uri_named: named.is_some(), state })
    }

    /// Reads the rest, whose refusals the client is told.
    pub fn request(
        mut self,
        addressed: Addressed,
        policy: &Policy,
    ) -> Result<AuthorizationRequest, Refusal> {
        let client = &addressed.client;
        match self.0.take("response_type").as_deref() {
            Some("code") => {}
            Some(_) => return Err(Refusal::ResponseTypeUnsupported),
            None => return Err(Refusal::ResponseTypeMissing),
        }
        if !policy.offers(GrantType::AuthorizationCode)
            || !client.grants.contains(GrantType::AuthorizationCode)
        {
            return Err(Refusal::GrantTypeNotAllowed);
        }
        if self.0.find("request").or(self.0.find("request_uri")).is_some() {
            return Err(Refusal::RequestObjectUnsupported);
        }
        let mode = self.0.take("response_mode");
        if mode.is_some_and(|mode| mode != "query") {
            return Err(Refusal::ResponseModeUnsupported);
        }
        let challenge = self.challenge(client)?;
        let prompt = Prompt::parse(self.0.take("prompt").as_deref().unwrap_or_default())?;
        let max_age = self.0.take("max_age").map(|text| seconds(&text)).transpose()?;
        let ask = Ask { scope: self.0.take("scope"), resource: self.0.take("resource") };
        let asked = asked(client, &ask, &policy.issuer)?;
        Ok(AuthorizationRequest { addressed, challenge, asked, prompt, max_age, login_after: None })
    }

    /// RFC 7636 section 4.3; `plain`, the default of that section, is refused with it (RFC 9700
    /// section 2.1.1).
    fn challenge(&mut self, client: &Client) -> Result<Option<CodeChallenge>, Refusal> {
        let (challenge, method) =
            (self.0.take("code_challenge"), self.0.take("code_challenge_method"));
        let Some(challenge) = challenge else {
            let optional = client.kind == ClientKind::Confidential
                && client.code().pkce == Pkce::Optional
                && method.is_none();
            return if optional { Ok(None) } else { Err(Refusal::ChallengeMissing) };
        };
        if method.as_deref() != Some(CodeChallenge::METHOD) {
            return Err(Refusal::ChallengeMethodUnsupported);
        }
        CodeChallenge::parse(&challenge).map(Some).ok_or(Refusal::ChallengeMalformed)
    }
}

impl Prompt {
    /// Reads the words of `prompt`. Choosing an account is signing in anew.
    fn parse(text: &str) -> Result<Self, Refusal> {
        let mut prompt = Self::default();
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            match word {
                "none" => prompt.none = true,
                "login" | "select_account" => prompt.login = true,
                "consent" => prompt.consent = true,
                _ => return Err(Refusal::PromptUnsupported),
            }
        }
        let contradicts = prompt.none && (prompt.login || prompt.consent);
        if contradicts { Err(Refusal::PromptUnsupported) } else { Ok(prompt) }
    }
}

fn seconds(text: &str) -> Result<u32, Refusal> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let read = if digits { text.parse().ok() } else { None };
    read.filter(|seconds| *seconds <= Ttl::MAX.seconds()).ok_or(Refusal::MaxAgeMalformed)
}

impl std::fmt::Debug for AuthorizationQuery<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthorizationQuery(…)")
    }
}
