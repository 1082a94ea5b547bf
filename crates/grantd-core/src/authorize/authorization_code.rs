//! The authorization code grant (RFC 6749 section 4.1.3): the client gets what a user allowed it.

use super::{Authorized, Policy, on_behalf};
use crate::{
    approval::{Approved, CodeTerms},
    authenticate::Authenticated,
    code_challenge::CodeVerifier,
    refusal::Refusal,
    time::Timestamp,
    token_request::{Ask, CodeProof},
};

/// `scope` is not looked at here: what the user allowed is what there is.
pub(super) fn authorize<'a>(
    client: &'a Authenticated,
    (proof, ask): (&CodeProof<'_>, &Ask<'_>),
    approved: Option<&Approved>,
    policy: &'a Policy,
    now: Timestamp,
) -> Result<Authorized<'a>, Refusal> {
    let approved = approved.ok_or(Refusal::CodeUnknown)?;
    let approval = &approved.approval;
    if approval.client != client.client().id {
        return Err(Refusal::CodeForeign);
    }
    if approval.code.spent {
        return Err(Refusal::CodeReused);
    }
    if now >= approval.code.ends_at {
        return Err(Refusal::CodeExpired);
    }
    check_redirect_uri(&approval.code, proof)?;
    check_verifier(&approval.code, proof)?;
    on_behalf(client, approved, (None, ask.resource.as_deref()), policy)
}

/// RFC 6749 section 4.1.3; with PKCE it may be left out (OAuth 2.1 section 10.2), but not be another.
fn check_redirect_uri(code: &CodeTerms, proof: &CodeProof<'_>) -> Result<(), Refusal> {
    let same = match (code.redirect_uri.as_deref(), proof.redirect_uri.as_deref()) {
        (Some(asked), Some(sent)) => asked == sent,
        (Some(_), None) => code.challenge.is_some(),
        // The request named none, so there was one to go to: a client that names it is not wrong.
        (None, _) => true,
    };
    if same { Ok(()) } else { Err(Refusal::RedirectUriDiffers) }
}

/// RFC 7636 section 4.6, and RFC 9700 section 2.1.1: a verifier without a challenge is a downgrade.
fn check_verifier(code: &CodeTerms, proof: &CodeProof<'_>) -> Result<(), Refusal> {
    let (challenge, sent) = match (&code.challenge, proof.verifier.as_deref()) {
        (None, None) => return Ok(()),
        (None, Some(_)) => return Err(Refusal::VerifierUnexpected),
        (Some(_), None) => return Err(Refusal::VerifierMissing),
        (Some(challenge), Some(sent)) => (challenge, sent),
    };
    let verifier = CodeVerifier::parse(sent).ok_or(Refusal::VerifierMalformed)?;
    if challenge.is_of(&verifier) { Ok(()) } else { Err(Refusal::VerifierWrong) }
}
