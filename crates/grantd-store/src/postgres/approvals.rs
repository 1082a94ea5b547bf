//! What users allowed clients: approvals and consents, read anew each time.

use async_trait::async_trait;
use grantd_core::{ApprovalId, Approved, ClientId, SecretHash, Timestamp, UserId};
use grantd_issuer::{
    Approvals, Consent, NewApproval, Presented, Redeem, Rotate, Stamp, StorageFault,
};

use super::{
    Postgres, approval_writes as writes, link::Ask, parameters::with, rows, statements as sql,
};

#[async_trait]
impl Approvals for Postgres {
    async fn approve(&self, new: &NewApproval) -> Result<bool, StorageFault> {
        let work = self.link.alone().await?;
        let done = writes::approve(&work, new).await;
        work.end(done).await
    }

    async fn discard(&self, id: ApprovalId) -> Result<(), StorageFault> {
        self.link.execute(sql::DISCARD_CODE, with![id.to_string()]).await.map(drop)
    }

    async fn approval_of_code(&self, code: &SecretHash) -> Result<Option<Approved>, StorageFault> {
        let row = with![&code.as_bytes()[..], None::<&[u8]>, None::<&[u8]>];
        self.link.row(sql::APPROVED, row).await?.as_ref().map(rows::approved).transpose()
    }

    async fn redeem(&self, id: ApprovalId, redeem: &Redeem) -> Result<Presented, StorageFault> {
        // Who is first needs nobody else to wait: one statement, and no log.
        let spent = writes::spend(&self.link, id, redeem).await?;
        let good = Presented::Good(u32::from(redeem.family.is_some()));
        if spent.as_ref().is_some_and(|spent| !spent.is_one_more) {
            return Ok(good);
        }
        let work = self.link.alone().await?;
        let done = match &spent {
            Some(spent) => writes::end_oldest(&work, spent, redeem.at).await.map(|()| good),
            None => writes::end_reused(&work, id, redeem.at).await,
        };
        work.end(done).await
    }

    async fn approval_of_family(
        &self,
        family: &[Option<SecretHash>; 2],
    ) -> Result<Option<Approved>, StorageFault> {
        let hash = |at: usize| family[at].as_ref().map(|hash| &hash.as_bytes()[..]);
        let row = with![None::<&[u8]>, hash(0), hash(1)];
        self.link.row(sql::APPROVED, row).await?.as_ref().map(rows::approved).transpose()
    }

    async fn rotate(&self, id: ApprovalId, rotate: &Rotate) -> Result<Presented, StorageFault> {
        // Who presents the one that works needs nobody else to wait.
        let work = self.link.beside_others().await?;
        let done = writes::go_on(&work, id, rotate).await;
        if let Some(good) = work.end(done).await? {
            return Ok(good);
        }
        // Looked at again, since it may have been rotated meanwhile.
        let work = self.link.alone().await?;
        let done = writes::rotate(&work, id, rotate).await;
        work.end(done).await
    }

    async fn end_approval(&self, id: ApprovalId, now: Timestamp) -> Result<(), StorageFault> {
        let work = self.link.alone().await?;
        let done = writes::end(&work, sql::END_APPROVAL, with![id.to_string()], now).await;
        work.end(done.map(drop)).await
    }

    async fn consent(
        &self,
        user: UserId,
        client: &ClientId,
    ) -> Result<Option<Consent>, StorageFault> {
        consent(&self.link, user, client).await
    }

    async fn consents(&self, user: UserId) -> Result<Vec<Consent>, StorageFault> {
        let row = with![user.to_string(), i64::from(Consent::MOST)];
        self.link.rows(sql::CONSENTS, row).await?.iter().map(rows::consent).collect()
    }

    async fn disconnect(
        &self,
        user: UserId,
        client: &ClientId,
        stamp: &Stamp,
    ) -> Result<bool, StorageFault> {
        let work = self.link.alone().await?;
        let done = writes::disconnect(&work, user, client, stamp).await;
        work.end(done).await
    }

    async fn forget_approvals(&self, now: Timestamp) -> Result<(), StorageFault> {
        let work = self.link.alone().await?;
        let done = work.execute(sql::FORGET_APPROVALS, with![now.micros()]).await.map(drop);
        work.end(done).await
    }
}

pub(super) async fn consent(
    ask: &impl Ask,
    user: UserId,
    client: &ClientId,
) -> Result<Option<Consent>, StorageFault> {
    let row = ask.row(sql::CONSENT, with![user.to_string(), client.as_str()]).await?;
    row.as_ref().map(rows::consent).transpose()
}
