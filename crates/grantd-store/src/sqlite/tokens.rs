//! What stands against a token, and the killing of a single one.

use async_trait::async_trait;
use grantd_core::{Standing, Timestamp, TokenId, TokenNames};
use grantd_issuer::{StorageFault, Tokens, change_log::Changed};
use rusqlite::{Connection, params};

use super::{Sqlite, record::log, rows, statements as sql};

#[async_trait]
impl Tokens for Sqlite {
    async fn standing(&self, token: &TokenNames) -> Result<Standing, StorageFault> {
        let client = token.client.clone();
        let credential = token.credential.map(|id| id.to_string());
        let id = token.token.to_string();
        let owner = token.on_behalf.map(|(user, _)| user.to_string());
        let approval = token.on_behalf.map(|(_, approval)| approval.to_string());
        let key = token.key.clone();
        let question = move |open: &Connection| {
            open.prepare_cached(sql::STANDING)?.query_row(
                params![client, credential, id, owner, approval, key],
                |row| {
                    let generation: Option<i64> = row.get(1)?;
                    let state = generation.map(|_| rows::state(row, 0)).transpose()?;
                    let user_generation: Option<i64> = row.get(5)?;
                    let user = user_generation.map(|_| rows::user_state(row, 4)).transpose()?;
                    Ok(Standing {
                        client: state.zip(generation.map(i64::unsigned_abs)),
                        credential_dead: row.get(2)?,
                        token_dead: row.get(3)?,
                        key_dead: row.get(7)?,
                        user: user.zip(user_generation.map(i64::unsigned_abs)),
                        approval_dead: row.get(6)?,
                    })
                },
            )
        };
        self.reader().read(question).await
    }

    async fn revoke_token(
        &self,
        id: TokenId,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), StorageFault> {
        self.write_plain(move |open| log(open, &[Changed::Token(id, until)], now)).await
    }
}
