//! The authorization endpoint without its pages (RFC 6749 section 3.1): what a request asks, what comes
//! next, and the code at its end. The host shows login and consent.

use aws_lc_rs::digest::{SHA256, digest};
use grantd_core::{
    Addressed, Approval, ApprovalId, AuthorizationCode, AuthorizationQuery, AuthorizationRequest,
    CodeTerms, GrantType, Refusal, Refused, ResourceOwner, SecretHash, SessionId, Step, Ttl,
    Visitor, givable, next_step, raw::Authorization,
};
use zeroize::Zeroizing;

use crate::{
    admin::{Admin, Stamp},
    entropy::draw,
    fault::Fault,
    issuer::Issuer,
    registration_json::hexadecimal,
    session::SignedIn,
};

/// How long a code lives, in seconds (RFC 6749 section 4.1.2 recommends less than ten minutes).
const CODE_SECONDS: i64 = 60;

/// Why a request gets no code.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizationError {
    /// Client and redirect URI do not belong together, so the user is told, and nobody else
    /// (RFC 6749 section 4.1.2.1).
    #[error("refused: {}", .0.refusal.name())]
    Shown(Refused),
    /// The client is told, at this address.
    #[error("refused: {}", .0.refused.refusal.name())]
    Sent(Answer),
    /// The server could not.
    #[error(transparent)]
    Faulted(#[from] Fault),
}

/// An address that takes a refusal to the client.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Where.
    pub location: String,
    /// What.
    pub refused: Refused,
}

/// What the host does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Show the login page, and come back.
    SignIn,
    /// Ask the user about these permissions, blank-separated.
    Ask(String),
    /// Send the browser here, with the code.
    Go(String),
}

impl Issuer {
    /// Reads an authorization request, the query of its address, and checks all of it that does not
    /// need the user (RFC 6749 section 4.1.1).
    pub async fn authorization(
        &self,
        query: &str,
    ) -> Result<AuthorizationRequest, AuthorizationError> {
        self.approvals()?;
        let shown = |refusal, client| {
            AuthorizationError::Shown(Refused::new(refusal, Authorization::Absent, client))
        };
        let mut query = AuthorizationQuery::parse(query).map_err(|why| shown(why, None))?;
        let id = query.client_id().map_err(|why| shown(why, None))?;
        let client = self.clients.client(id).await.map_err(Fault::from)?;
        let known = client.as_ref().map(|client| client.id.clone());
        let addressed = query.address(client).map_err(|why| shown(why, known.as_ref()))?;
        let back = addressed.clone();
        query
            .request(addressed, &self.policy)
            .map_err(|refusal| AuthorizationError::Sent(self.refuse(&back, refusal)))
    }

    /// The answer that tells a client no.
    pub fn refuse(&self, addressed: &Addressed, refusal: Refusal) -> Answer {
        let client = Some(&addressed.client.id);
        let refused = Refused::new(refusal, Authorization::Absent, client);
        Answer { location: addressed.refusal(refusal, self.identifier()), refused }
    }

    /// What comes next for whoever is signed in; a client that was consented to before gets its code.
    pub async fn next(
        &self,
        request: &AuthorizationRequest,
        who: Option<&SignedIn>,
    ) -> Result<Next, AuthorizationError> {
        let now = self.clock.now();
        let visitor = match who {
            Some(who) => Some(self.visitor(request, who).await?),
            None => None,
        };
        let step = next_step(request, visitor.as_ref(), now);
        let step =
            step.map_err(|why| AuthorizationError::Sent(self.refuse(&request.addressed, why)));
        match (step?, who) {
            (Step::SignIn, _) | (Step::Approve(_), None) => Ok(Next::SignIn),
            (Step::Ask(scope), _) => Ok(Next::Ask(scope)),
            (Step::Approve(scope), Some(who)) => {
                Ok(Next::Go(self.give(request, who, scope, None).await?))
            }
        }
    }

    /// The address with the code, once the user has said yes to `shown`; of that they give what they
    /// still may.
    pub async fn approve(
        &self,
        request: &AuthorizationRequest,
        who: &SignedIn,
        shown: &str,
        by: &Admin,
    ) -> Result<String, AuthorizationError> {
        let may = givable(request, &owner(who));
        let seen = |name: &&str| shown.split(' ').any(|known| known == *name);
        let scope: Vec<_> = may.split(' ').filter(seen).filter(|name| !name.is_empty()).collect();
        if scope.is_empty() && !request.asked.scope.is_empty() {
            let refused = self.refuse(&request.addressed, Refusal::UserLacksScope);
            return Err(AuthorizationError::Sent(refused));
        }
        let stamp = Stamp::of(by, self.clock.now());
        Ok(self.give(request, who, scope.join(" "), Some(&stamp)).await?)
    }

    /// What a consent form brings back, so that it is known to be one that this server made for this
    /// session, this request and these permissions (RFC 6749 section 10.12).
    pub fn seal_question(&self, session: SessionId, query: &str, scope: &str) -> String {
        hexadecimal(self.question(session, query, scope).as_bytes())
    }

    /// Whether a consent form brings back the seal of its question; in constant time.
    pub fn has_seal(&self, seal: &str, session: SessionId, query: &str, scope: &str) -> bool {
        let expected = self.session_hasher().hash(&self.seal_question(session, query, scope));
        expected.matches(&self.session_hasher().hash(seal))
    }

    fn question(&self, session: SessionId, query: &str, scope: &str) -> SecretHash {
        // Of any length, and neither can be taken for a part of the other.
        let digest = |text: &str| hexadecimal(digest(&SHA256, text.as_bytes()).as_ref());
        let text = format!("consent {session} {} {}", digest(query), digest(scope));
        self.session_hasher().hash(&text)
    }

    async fn visitor(
        &self,
        request: &AuthorizationRequest,
        who: &SignedIn,
    ) -> Result<Visitor, Fault> {
        let client = &request.addressed.client.id;
        let consent = self.approvals()?.consent(who.user.id, client).await?;
        let names = |permissions: Vec<grantd_core::Permission>| {
            permissions.iter().map(ToString::to_string).collect()
        };
        Ok(Visitor {
            owner: owner(who),
            signed_in_at: who.session.created_at,
            consented: consent.map(|consent| names(consent.permissions)),
        })
    }

    async fn give(
        &self,
        request: &AuthorizationRequest,
        who: &SignedIn,
        scope: String,
        asked: Option<&Stamp>,
    ) -> Result<String, Fault> {
        let now = self.clock.now();
        let code = AuthorizationCode::mint(&Zeroizing::new(draw(self.entropy())));
        let addressed = &request.addressed;
        let named = addressed.redirect_uri_named;
        let ends_at = Ttl::from_seconds(CODE_SECONDS).map_or(now, |ttl| now.after(ttl));
        let client = &addressed.client;
        let api = client.apis.iter().find(|known| known.api.name == request.asked.api);
        let ttl = api.map_or(Ttl::MAX, |known| {
            self.policy.ttl(client, &known.api, GrantType::AuthorizationCode)
        });
        let approval = Approval {
            id: ApprovalId::mint(now, draw(self.entropy())),
            client: client.id.clone(),
            user: who.user.id,
            api: request.asked.api.clone(),
            scope,
            given_at: now,
            code: CodeTerms {
                redirect_uri: named.then(|| addressed.redirect_uri.as_str().to_owned()),
                challenge: request.challenge,
                ends_at,
                spent: false,
            },
            refresh: None,
            // One that comes too late must still be told from one that never was.
            ends_at: ends_at.after(ttl),
        };
        let hash = self.codes.hash(code.reveal());
        self.approvals()?.approve(&approval, &hash, asked).await?;
        Ok(addressed.answer(&[("code", code.reveal())], self.identifier()))
    }
}

fn owner(who: &SignedIn) -> ResourceOwner {
    ResourceOwner {
        id: who.user.id,
        state: who.user.state,
        generation: who.user.generation,
        permissions: who.permissions.clone(),
    }
}
