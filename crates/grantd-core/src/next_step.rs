//! What becomes of a request to the authorization endpoint: sign in, ask, or go on.

use crate::{
    approval::ResourceOwner, authorization_request::AuthorizationRequest, client::ClientKind,
    permission::scope_names, refusal::Refusal, time::Timestamp,
};

/// Who is signed in where an authorization request arrives.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Who, with their rights of this moment.
    pub owner: ResourceOwner,
    /// When they proved it.
    pub signed_in_at: Timestamp,
    /// The names of the permissions that they consented this client to have; `None`: it was never
    /// asked for.
    pub consented: Option<Vec<String>>,
}

/// What comes next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Somebody has to sign in first.
    SignIn,
    /// The user has to be asked about these permissions, blank-separated.
    Ask(String),
    /// They were asked before: the client gets its code for these.
    Approve(String),
}

/// Decides what comes next. Of what is asked for, the user gives what they have themselves: a client
/// never may more than its user, and is told by the token's `scope` (RFC 6749 section 3.3).
pub fn next_step(
    request: &AuthorizationRequest,
    visitor: Option<&Visitor>,
    now: Timestamp,
) -> Result<Step, Refusal> {
    let prompt = request.prompt;
    let fresh = |visitor: &&Visitor| {
        if let Some(since) = request.login_after {
            return visitor.signed_in_at >= since;
        }
        let age = now.micros().saturating_sub(visitor.signed_in_at.micros());
        let bound = request.max_age.map(|seconds| i64::from(seconds) * 1_000_000);
        !prompt.login && bound.is_none_or(|bound| age <= bound)
    };
    let Some(visitor) = visitor.filter(fresh) else {
        return if prompt.none { Err(Refusal::LoginRequired) } else { Ok(Step::SignIn) };
    };
    let names: Vec<_> = request.asked.names().filter(|name| visitor.owner.can(name)).collect();
    let scope = names.join(" ");
    if scope.is_empty() && !request.asked.scope.is_empty() {
        return Err(Refusal::UserLacksScope);
    }
    if prompt.consent || !covers(request, visitor, &scope) {
        return if prompt.none { Err(Refusal::ConsentRequired) } else { Ok(Step::Ask(scope)) };
    }
    Ok(Step::Approve(scope))
}

/// Whether the user need not be asked again. Who is behind a public client's id is not known, so its
/// users are asked each time (RFC 6749 section 10.2).
fn covers(request: &AuthorizationRequest, visitor: &Visitor, scope: &str) -> bool {
    let known = request.addressed.client.kind == ClientKind::Confidential;
    let mut names = scope_names(scope);
    visitor.consented.as_ref().is_some_and(|consented| {
        known && names.all(|name| consented.iter().any(|known| known == name))
    })
}
