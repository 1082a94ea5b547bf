//! Codes and refresh tokens become access tokens: the grants that rest on what a user allowed.

use grantd_core::{
    Approval, ApprovalId, Approved, Authenticated, AuthorizationCode, Authorized, CodeProof, Fact,
    Family, Grant, GrantType, Issued, RefreshToken, Refusal, Timestamp, TokenRequest, admit,
    authorize,
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

    /// RFC 6749 section 4.1.3. A code that was found is used up, whatever is decided: who shows one with
    /// the wrong verifier gets no second try.
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
        let authorized = match decided {
            Ok(authorized) => authorized,
            Err(refusal) => {
                self.refuse_code(approval, refusal, now).await?;
                return Ok(Err(refusal));
            }
        };
        let family = self.goes_on(client).then(|| Family::new(draw(self.entropy())));
        let kept = family.map(|family| self.refresh_tokens.hash(family));
        let ends_at = match kept {
            Some(_) => self.kept_until(&authorized, approval, now),
            None => now.after(authorized.ttl),
        };
        let issued = self.mint(authorized, now)?;
        let redeem = Redeem { at: now, family: kept, ends_at };
        match approvals.redeem(approval.id, &redeem).await? {
            Presented::Again => return Ok(Err(Refusal::CodeReused)),
            Presented::Gone => return Ok(Err(Refusal::CodeUnknown)),
            Presented::Good(_) => {}
        }
        let first = family.map(|family| RefreshToken { family, number: 1 });
        let refresh_token = first.map(|first| self.refresh_tokens.write(&first));
        Ok(Ok(Issued { refresh_token, ..issued }))
    }

    /// A code is shown once: where nothing came of it, it is forgotten; where its own client shows it
    /// again, all that came of it dies. A spent one in anybody else's hands is no weapon.
    async fn refuse_code(
        &self,
        approval: &Approval,
        refusal: Refusal,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let approvals = self.approvals()?;
        if refusal == Refusal::CodeReused {
            let again = Redeem { at: now, family: None, ends_at: approval.ends_at };
            approvals.redeem(approval.id, &again).await?;
        } else if !approval.code.spent {
            approvals.discard(approval.id).await?;
        }
        Ok(())
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
        let retry = client.client().refresh_retry();
        let family = self.refresh_tokens.hash(token.family);
        let rotate = |ends_at| Rotate { number: token.number, retry, at: now, ends_at, family };
        let authorized = match decided {
            Ok(authorized) => authorized,
            Err(refusal) => {
                if refusal == Refusal::RefreshTokenReused {
                    approvals.rotate(approval.id, &rotate(approval.ends_at)).await?;
                }
                return Ok(Err(refusal));
            }
        };
        let rotate = rotate(self.kept_until(&authorized, approval, now));
        let issued = self.mint(authorized, now)?;
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

    /// Until when an approval that was just used is kept: as long as it goes on, and as its newest token
    /// lives, so that it can be ended with it.
    fn kept_until(
        &self,
        authorized: &Authorized<'_>,
        approval: &Approval,
        now: Timestamp,
    ) -> Timestamp {
        let longest = approval.given_at.after(self.policy.refresh_ttl);
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
