//! The refresh token grant (RFC 6749 section 6): the approval goes on, and never widens.

use super::{Authorized, Policy, on_behalf};
use crate::{
    approval::Approved, authenticate::Authenticated, refusal::Refusal, time::Timestamp,
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
    // The bounds of this moment hold, for approvals of before too.
    let longest = approval.given_at.after(policy.refresh_ttl);
    if now >= longest || now >= state.rotated_at.after(policy.refresh_idle) {
        return Err(Refusal::RefreshTokenExpired);
    }
    on_behalf(client, approved, (ask.scope.as_deref(), ask.resource.as_deref()), policy)
}
