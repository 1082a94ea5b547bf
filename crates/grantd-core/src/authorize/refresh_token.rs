//! The refresh token grant (RFC 6749 section 6): the approval goes on, and never widens.

use super::{Authorized, Policy, on_behalf};
use crate::{
    approval::{Approval, Approved, RefreshState},
    authenticate::Authenticated,
    refusal::Refusal,
    time::Timestamp,
    token_request::Ask,
};

pub(super) fn authorize<'a>(
    client: &'a Authenticated,
    ask: &Ask<'_>,
    presented: Option<(&Approved, u32)>,
    policy: &'a Policy,
    now: Timestamp,
) -> Result<Authorized<'a>, Refusal> {
    let (approved, number) = presented.ok_or(Refusal::RefreshTokenUnknown)?;
    let approval = &approved.approval;
    if approval.client != client.client().id {
        return Err(Refusal::RefreshTokenForeign);
    }
    let state = approval.refresh.ok_or(Refusal::RefreshTokenUnknown)?;
    if !state.accepts(number, client.client().refresh_retry(), now) {
        return Err(Refusal::RefreshTokenReused);
    }
    if now >= end(approval, state, policy) {
        return Err(Refusal::RefreshTokenExpired);
    }
    on_behalf(client, approved, (ask.scope.as_deref(), ask.resource.as_deref()), policy)
}

/// When refresh tokens of an approval end (RFC 9700 section 4.14.2). The approval itself may stay for
/// longer, until its newest access token has ended: that must not carry them on.
fn end(approval: &Approval, state: RefreshState, policy: &Policy) -> Timestamp {
    let longest = approval.given_at.after(policy.refresh_ttl);
    let unused = state.rotated_at.after(policy.refresh_idle);
    longest.min(unused).min(approval.ends_at)
}
