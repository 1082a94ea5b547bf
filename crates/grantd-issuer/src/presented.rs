//! The endpoints that a token is presented to: [`Issuer::introspect`] and [`Issuer::revoke`].

use grantd_core::{
    Authenticated, ClientId, Introspection, Presentation, PresentedToken, Raw, Refusal, Revocation,
    Timestamp, admit_introspection, introspect, revoke,
};

use crate::{
    fault::{Fault, TokenError},
    issuer::{Issuer, refused},
};

/// What a client has ended of its own, for the host's log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// Whose it was.
    pub client: ClientId,
    /// Its kind and id, e.g. `token:0190…`.
    pub what: String,
}

impl Issuer {
    /// What a token says, if it is this server's and alive at this moment, whatever it is for: for
    /// the host itself, which guards its own API with it and looks at the audience. Storage is asked
    /// each time.
    pub async fn live_token(&self, token: &str) -> Result<Option<PresentedToken>, Fault> {
        let tokens = self.tokens()?;
        let Some(token) = self.read(token) else { return Ok(None) };
        let standing = tokens.standing(&token.names()).await?;
        Ok(standing.holds(&token, self.clock().now()).then_some(token))
    }

    /// What the caller may know of a token (RFC 7662 section 2). Storage is asked each time: the
    /// answer is true at this moment, whatever is cached.
    pub async fn introspect(&self, raw: &Raw<'_>) -> Result<Introspection, TokenError> {
        let (tokens, now) = (self.tokens()?, self.clock().now());
        let request = Presentation::parse(raw).map_err(|why| refused(why, raw, None))?;
        let caller = self.prove(&request, raw, now).await?;
        admit_introspection(&caller).map_err(|why| refuse(why, raw, &caller))?;
        let Some(token) = self.read(&request.token) else { return Ok(Introspection::Inactive) };
        let standing = tokens.standing(&token.names()).await?;
        Ok(introspect(&caller, token, &standing, self.identifier(), now))
    }

    /// Ends a token of the caller's own (RFC 7009 section 2), a refresh token with all that its
    /// approval produced. When this returns, it is dead on disk, or was none that could be killed
    /// (`None`). Who asked comes with it.
    pub async fn revoke(&self, raw: &Raw<'_>) -> Result<(ClientId, Option<Revoked>), TokenError> {
        let (tokens, now) = (self.tokens()?, self.clock().now());
        let request = Presentation::parse(raw).map_err(|why| refused(why, raw, None))?;
        let caller = self.prove(&request, raw, now).await?;
        let client = caller.client().id.clone();
        let revoked = |what| Some(Revoked { client: client.clone(), what });
        if let Some(approval) = self.approval_of(&caller, &request.token).await? {
            let approval = approval.map_err(|why| refuse(why, raw, &caller))?;
            self.approvals()?.end_approval(approval, now).await?;
            return Ok((client.clone(), revoked(format!("grant:{approval}"))));
        }
        let Some(token) = self.read(&request.token) else { return Ok((client, None)) };
        let standing = tokens.standing(&token.names()).await?;
        match revoke(&caller, &token, &standing, now).map_err(|why| refuse(why, raw, &caller))? {
            Revocation::Kill => {
                tokens.revoke_token(token.id, token.expires_at, now).await?;
                Ok((client.clone(), revoked(format!("token:{}", token.id))))
            }
            Revocation::Nothing => Ok((client, None)),
        }
    }

    async fn prove(
        &self,
        request: &Presentation<'_>,
        raw: &Raw<'_>,
        now: Timestamp,
    ) -> Result<Authenticated, TokenError> {
        let known = self.clients.find(&request.credentials).await?;
        self.admit(raw, &request.credentials, known.as_deref(), now)
    }
}

fn refuse(why: Refusal, raw: &Raw<'_>, caller: &Authenticated) -> TokenError {
    refused(why, raw, Some(caller.client()))
}
