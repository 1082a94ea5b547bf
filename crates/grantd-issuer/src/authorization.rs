//! The authorization endpoint without its pages (RFC 6749 section 3.1): what a request asks, what comes
//! next, and the code at its end. The host shows login and consent.

use aws_lc_rs::digest::{SHA256, digest};
use grantd_core::{
    Addressed, Approval, ApprovalId, AuthorizationCode, AuthorizationQuery, AuthorizationRequest,
    CodeTerms, Refusal, Refused, ResourceOwner, SessionId, Step, Timestamp, Ttl, Visitor,
    next_step, raw::Authorization, scope_names,
};
use zeroize::Zeroizing;

use crate::{
    admin::{Admin, Stamp},
    approvals::NewApproval,
    entropy::draw,
    fault::Fault,
    issuer::Issuer,
    registration_json::hexadecimal,
    session::SignedIn,
};

/// What stands before this server's word in a request that somebody had to sign in for.
const LOGIN_AFTER: &str = "&signed_in_after=";
/// How long a consent form may be sent: ten minutes.
const QUESTION_MICROS: i64 = 600 * 1_000_000;
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
    /// Client, user or consent changed while it was decided: the user begins again.
    #[error("something changed meanwhile")]
    Changed,
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
        let (query, login_after) = self.login_after(query);
        let shown = |refusal, client| {
            AuthorizationError::Shown(Refused::new(refusal, Authorization::Absent, client))
        };
        let mut query = AuthorizationQuery::parse(query).map_err(|why| shown(why, None))?;
        let id = query.client_id().map_err(|why| shown(why, None))?;
        let client = self.clients.client(id).await?;
        let known = client.as_ref().map(|client| client.id.clone());
        let addressed = query.address(client).map_err(|why| shown(why, known.as_ref()))?;
        let back = addressed.clone();
        let request = query
            .request(addressed, &self.policy)
            .map_err(|refusal| AuthorizationError::Sent(self.refuse(&back, refusal)))?;
        Ok(AuthorizationRequest { login_after, ..request })
    }

    /// The request with a word of this server's behind it: that whoever goes on with it must have
    /// signed in from now on. It takes the place of `prompt=login` and `max_age`.
    pub fn ask_for_login(&self, query: &str) -> String {
        let (query, _) = self.login_after(query);
        let at = self.clock().now().micros();
        let seal = self.seal(&format!("login {at} {}", digest_text(query)));
        format!("{query}{LOGIN_AFTER}{at}.{seal}")
    }

    /// The request itself, and since when somebody must have signed in where this server said so.
    fn login_after<'q>(&self, query: &'q str) -> (&'q str, Option<Timestamp>) {
        let Some((query, word)) = query.rsplit_once(LOGIN_AFTER) else { return (query, None) };
        let sealed = word.split_once('.').and_then(|(at, seal)| {
            let at: i64 = at.parse().ok()?;
            let text = format!("login {at} {}", digest_text(query));
            self.is_seal(seal, &text).then_some(Timestamp::from_micros(at))
        });
        (query, sealed)
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
        match (self.step(request, who).await?, who) {
            (Step::SignIn, _) | (Step::Approve(_), None) => Ok(Next::SignIn),
            (Step::Ask(scope), _) => Ok(Next::Ask(scope)),
            (Step::Approve(scope), Some(who)) => {
                Ok(Next::Go(self.give(request, who, scope, None).await?))
            }
        }
    }

    /// The address with the code, once the user has said yes to `shown`; of that they give what they
    /// still may. Who must sign in anew meanwhile does so first.
    pub async fn approve(
        &self,
        request: &AuthorizationRequest,
        who: &SignedIn,
        shown: &str,
        by: &Admin,
    ) -> Result<Next, AuthorizationError> {
        let may = match self.step(request, Some(who)).await? {
            Step::SignIn => return Ok(Next::SignIn),
            Step::Ask(scope) | Step::Approve(scope) => scope,
        };
        let seen = |name: &&str| scope_names(shown).any(|known| known == *name);
        let scope: Vec<_> = scope_names(&may).filter(seen).collect();
        if scope.is_empty() && !request.asked.scope.is_empty() {
            let refused = self.refuse(&request.addressed, Refusal::UserLacksScope);
            return Err(AuthorizationError::Sent(refused));
        }
        let stamp = Stamp::of(by, self.clock().now());
        Ok(Next::Go(self.give(request, who, scope.join(" "), Some(stamp)).await?))
    }

    async fn step(
        &self,
        request: &AuthorizationRequest,
        who: Option<&SignedIn>,
    ) -> Result<Step, AuthorizationError> {
        let visitor = match who {
            Some(who) => Some(self.visitor(request, who).await?),
            None => None,
        };
        next_step(request, visitor.as_ref(), self.clock().now())
            .map_err(|why| AuthorizationError::Sent(self.refuse(&request.addressed, why)))
    }

    /// What a consent form brings back, so that it is known to be one that this server made for this
    /// session, this request and these permissions (RFC 6749 section 10.12), a while ago and not longer.
    pub fn seal_question(&self, session: SessionId, query: &str, scope: &str) -> String {
        let at = self.clock().now().micros();
        format!("{at}.{}", self.seal(&question(session, query, scope, at)))
    }

    /// Whether a consent form brings back the seal of its question; in constant time.
    pub fn has_seal(&self, seal: &str, session: SessionId, query: &str, scope: &str) -> bool {
        let Some((at, seal)) = seal.split_once('.') else { return false };
        let Ok(at) = at.parse::<i64>() else { return false };
        let age = self.clock().now().micros().saturating_sub(at);
        self.is_seal(seal, &question(session, query, scope, at)) && age < QUESTION_MICROS
    }

    fn seal(&self, text: &str) -> String {
        hexadecimal(self.session_hasher().hash(text).as_bytes())
    }

    fn is_seal(&self, seal: &str, text: &str) -> bool {
        let hasher = self.session_hasher();
        hasher.hash(&self.seal(text)).matches(&hasher.hash(seal))
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
        asked: Option<Stamp>,
    ) -> Result<String, AuthorizationError> {
        let now = self.clock().now();
        let code = AuthorizationCode::mint(&Zeroizing::new(draw(self.entropy())));
        let (addressed, later) = (&request.addressed, |seconds| {
            Ttl::from_seconds(seconds).map_or(now, |ttl| now.after(ttl))
        });
        let named = addressed.redirect_uri_named;
        let approval = Approval {
            id: ApprovalId::mint(now, draw(self.entropy())),
            client: addressed.client.id.clone(),
            user: who.user.id,
            api: request.asked.api.clone(),
            scope,
            given_at: now,
            code: CodeTerms {
                redirect_uri: named.then(|| addressed.redirect_uri.as_str().to_owned()),
                challenge: request.challenge,
                ends_at: later(CODE_SECONDS),
                spent: false,
            },
            refresh: None,
            // One that comes too late must still be told from one that never was.
            ends_at: later(5 * CODE_SECONDS),
        };
        let new = NewApproval {
            approval,
            code: self.codes.hash(code.reveal()),
            client_generation: addressed.client.generation,
            user_generation: who.user.generation,
            asked,
        };
        let kept = self.approvals()?.approve(&new).await.map_err(Fault::from)?;
        if !kept {
            return Err(AuthorizationError::Changed);
        }
        Ok(addressed.answer(&[("code", code.reveal())], self.identifier()))
    }
}

/// The text under a consent form's seal.
fn question(session: SessionId, query: &str, scope: &str, at: i64) -> String {
    format!("consent {session} {at} {} {}", digest_text(query), digest_text(scope))
}

/// Of any length, and none can be taken for a part of another.
fn digest_text(text: &str) -> String {
    hexadecimal(digest(&SHA256, text.as_bytes()).as_ref())
}

fn owner(who: &SignedIn) -> ResourceOwner {
    ResourceOwner {
        id: who.user.id,
        state: who.user.state,
        generation: who.user.generation,
        permissions: who.permissions.clone(),
    }
}
