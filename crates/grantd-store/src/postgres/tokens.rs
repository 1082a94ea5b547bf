//! What stands against a token, and the killing of a single one.

use async_trait::async_trait;
use grantd_core::{ClientState, Standing, Timestamp, TokenId, TokenNames};
use grantd_issuer::{StorageFault, Tokens, change_log::Changed};

use super::{
    Postgres,
    link::Ask,
    parameters::{wanted, with},
    record::log,
    rows::{named, user_state, value},
    statements as sql,
};

#[async_trait]
impl Tokens for Postgres {
    async fn standing(&self, token: &TokenNames) -> Result<Standing, StorageFault> {
        let row = with![
            wanted(&token.client),
            token.credential.map(|id| id.to_string()),
            token.token.to_string(),
            token.on_behalf.map(|(user, _)| user.to_string()),
            token.on_behalf.map(|(_, approval)| approval.to_string()),
            token.key,
        ];
        let row = self.link.row(sql::STANDING, row).await?;
        let row = row.ok_or_else(|| StorageFault::plain("PostgreSQL: no row"))?;
        let of_client: Option<i64> = value(&row, "client_generation")?;
        let client =
            of_client.map(|_| named(&row, "client_state", &ClientState::ALL, ClientState::as_str));
        let of_user: Option<i64> = value(&row, "user_generation")?;
        let user = of_user.map(|_| user_state(&row, "user_state"));
        Ok(Standing {
            client: client.transpose()?.zip(of_client.map(i64::unsigned_abs)),
            credential_dead: value(&row, "credential_dead")?,
            token_dead: value(&row, "token_dead")?,
            key_dead: value(&row, "key_dead")?,
            user: user.transpose()?.zip(of_user.map(i64::unsigned_abs)),
            approval_dead: value(&row, "approval_dead")?,
        })
    }

    async fn revoke_token(
        &self,
        id: TokenId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StorageFault> {
        let work = self.link.alone().await?;
        let done = log(&work, &[Changed::Token(id, until)], now).await;
        work.end(done).await
    }
}
