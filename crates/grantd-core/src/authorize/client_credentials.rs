//! The client credentials grant (RFC 6749 section 4.4): the client speaks for itself alone.

use super::{Authorized, Policy, choose_api, grant, grant_scope};
use crate::{
    authenticate::Authenticated, client::ClientKind, grant_type::GrantType, refusal::Refusal,
    token_request::Ask,
};

pub(super) fn authorize<'a>(
    authenticated: &'a Authenticated,
    ask: &Ask<'_>,
    policy: &'a Policy,
) -> Result<Authorized<'a>, Refusal> {
    let client = authenticated.client();
    // Whatever storage says of its grants: who cannot prove itself cannot speak for itself.
    if client.kind == ClientKind::Public {
        return Err(Refusal::GrantTypeNotAllowed);
    }
    let chosen = choose_api(client, ask, &policy.issuer)?;
    let scope = grant_scope(client, chosen, ask.scope.as_ref())?;
    Ok(grant(authenticated, chosen, scope, GrantType::ClientCredentials, policy))
}
