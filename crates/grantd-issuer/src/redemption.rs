//! Codes and refresh tokens become access tokens: the grants that rest on what a user allowed.

use grantd_core::{
    ApprovalId, Approved, Authenticated, AuthorizationCode, Authorized, CodeProof, Fact, Family,
    Grant, GrantType, Issued, RefreshToken, Refusal, Timestamp, TokenRequest, admit, authorize,
};

use crate::{
    approvals::{Approvals, Presented, Redeem, Rotate},
    entropy::draw,
    fault::Fault,
    issuer::Issuer,
};

/// A token, or why there is none.
type Verdict = Result<Issued, Refusal>;

impl Issuer {
    /// A token on a user's behalf. What is presented is used up before anything is answered.
    pub(crate) async fn on_behalf(
        &self,
        client: &Authenticated,
        request: &TokenRequest<'_>,
        now: Timestamp,
    ) -> Result<Verdict, Fault> {
        // Who may not use the grant spends nobody's code.
        if let Err(refusal) = admit(client.client(), request.grant.grant_type(), &self.policy) {
            return Ok(Err(refusal));
        }
        match &request.grant {
            Grant::ClientCredentials => self.decide(client, request, now),
            Grant::AuthorizationCode(proof) => self.redeem(client, request, proof, now).await,
            Grant::RefreshToken(text) => self.go_on(client, request, text, now).await,
        }
    }

    /// RFC 6749 section 4.1.3. A code that was found is spent, whatever is decided: who shows one to
    /// the wrong client or with the wrong verifier gets no second try.
    async fn redeem(
        &self,
        client: &Authenticated,
        request: &TokenRequest<'_>,
        proof: &CodeProof<'_>,
        now: Timestamp,
    ) -> Result<Verdict, Fault> {
        let approvals = self.approvals()?;
        let found = if AuthorizationCode::has_look(&proof.code) {
            approvals.approval_of_code(&self.codes.hash(&proof.code)).await?
        } else {
            None
        };
        let fact = Fact::Code(found.as_ref());
        let decided = authorize(client, request, fact, &self.policy, now);
        let Some(Approved { approval, .. }) = &found else {
            return Ok(Err(decided.err().unwrap_or(Refusal::CodeUnknown)));
        };
        let (family, ends_at) = match &decided {
            Ok(authorized) if self.goes_on(client) => (
                Some(Family::new(draw(self.entropy()))),
                self.end(authorized, approval.given_at, now),
            ),
            Ok(authorized) => (None, now.after(authorized.ttl)),
            Err(_) => (None, approval.ends_at),
        };
        let minted = decided.map(|authorized| self.mint(authorized, now));
        let kept = family.map(|family| self.refresh_tokens.hash(family));
        let redeem = Redeem { at: now, family: kept, ends_at };
        let presented = approvals.redeem(approval.id, &redeem).await?;
        let issued = match (minted, presented) {
            (_, Presented::Again) => return Ok(Err(Refusal::CodeReused)),
            (_, Presented::Gone) => return Ok(Err(Refusal::CodeUnknown)),
            (Err(refusal), Presented::Good(_)) => return Ok(Err(refusal)),
            (Ok(issued), Presented::Good(_)) => issued?,
        };
        let first = family.map(|family| RefreshToken { family, number: 1 });
        let refresh_token = first.map(|first| self.refresh_tokens.write(&first));
        Ok(Ok(Issued { refresh_token, ..issued }))
    }

    /// RFC 6749 section 6, with rotation and detection of reuse (RFC 9700 section 4.14.2).
    async fn go_on(
        &self,
        client: &Authenticated,
        request: &TokenRequest<'_>,
        text: &str,
        now: Timestamp,
    ) -> Result<Verdict, Fault> {
        let approvals = self.approvals()?;
        let presented = self.refresh_tokens.read(text);
        let found = match &presented {
            Some(token) => {
                let candidates = self.refresh_tokens.candidates(token.family);
                approvals.approval_of_family(&candidates).await?
            }
            None => None,
        };
        let both = found.as_ref().zip(presented.map(|token| token.number));
        let decided = authorize(client, request, Fact::Refresh(both), &self.policy, now);
        let (Some(Approved { approval, .. }), Some(token)) = (&found, presented) else {
            return Ok(Err(decided.err().unwrap_or(Refusal::RefreshTokenUnknown)));
        };
        let authorized = match decided {
            Ok(authorized) => authorized,
            Err(refusal) => {
                if refusal == Refusal::RefreshTokenReused {
                    approvals.end_approval(approval.id, now).await?;
                }
                return Ok(Err(refusal));
            }
        };
        let ends_at = self.end(&authorized, approval.given_at, now);
        let issued = self.mint(authorized, now)?;
        let retry = client.client().refresh_retry();
        let rotate = Rotate { number: token.number, retry, at: now, ends_at };
        match approvals.rotate(approval.id, &rotate).await? {
            Presented::Good(number) => {
                let next = RefreshToken { number, ..token };
                Ok(Ok(Issued { refresh_token: Some(self.refresh_tokens.write(&next)), ..issued }))
            }
            Presented::Again => Ok(Err(Refusal::RefreshTokenReused)),
            Presented::Gone => Ok(Err(Refusal::RefreshTokenUnknown)),
        }
    }

    /// A client's own token: one signature, and nothing is recorded.
    pub(crate) fn decide(
        &self,
        client: &Authenticated,
        request: &TokenRequest<'_>,
        now: Timestamp,
    ) -> Result<Verdict, Fault> {
        match authorize(client, request, Fact::Nothing, &self.policy, now) {
            Ok(authorized) => self.mint(authorized, now).map(Ok),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Whether a client's approvals go on with refresh tokens.
    fn goes_on(&self, client: &Authenticated) -> bool {
        admit(client.client(), GrantType::RefreshToken, &self.policy).is_ok()
    }

    /// When an approval that was just used ends by itself: after its longest time, or earlier where
    /// nobody refreshes; and not before its newest token, so that it can still be ended with it.
    fn end(&self, authorized: &Authorized<'_>, given_at: Timestamp, now: Timestamp) -> Timestamp {
        let longest = given_at.after(self.policy.refresh_ttl);
        let unused = now.after(self.policy.refresh_idle);
        longest.min(unused).max(now.after(authorized.ttl))
    }

    /// The approval that a refresh token of this client's rests on, for its revocation (RFC 7009
    /// section 2.1).
    pub(crate) async fn approval_of(
        &self,
        client: &Authenticated,
        text: &str,
    ) -> Result<Option<Result<ApprovalId, Refusal>>, Fault> {
        let (Some(approvals), Some(token)) =
            (self.approvals.as_deref(), self.refresh_tokens.read(text))
        else {
            return Ok(None);
        };
        let candidates = self.refresh_tokens.candidates(token.family);
        let found = approvals.approval_of_family(&candidates).await?;
        Ok(found.map(|Approved { approval, .. }| {
            let own = approval.client == client.client().id;
            if own { Ok(approval.id) } else { Err(Refusal::TokenForeign) }
        }))
    }

    pub(crate) fn approvals(&self) -> Result<&dyn Approvals, Fault> {
        self.approvals.as_deref().ok_or(Fault::EndpointOff)
    }
}
