//! What users allowed clients: approvals and consents, read anew each time.

use async_trait::async_trait;
use grantd_core::{ApprovalId, Approved, ClientId, ResourceOwner, SecretHash, Timestamp, UserId};
use grantd_issuer::{
    Approvals, Consent, NewApproval, Presented, Redeem, Rotate, Stamp, StorageFault,
};
use rusqlite::{Connection, OptionalExtension, Params, params};

use super::{
    Sqlite, approval_writes as writes, clients::names, record::execute, rows, statements as sql,
    users,
};

#[async_trait]
impl Approvals for Sqlite {
    async fn approve(&self, new: &NewApproval) -> Result<bool, StorageFault> {
        let new = new.clone();
        self.write_plain(move |open| writes::approve(open, &new)).await
    }

    async fn discard(&self, id: ApprovalId) -> Result<(), StorageFault> {
        let row = [id.to_string()];
        self.write_plain(move |open| execute(open, sql::DISCARD_CODE, row).map(drop)).await
    }

    async fn approval_of_code(&self, code: &SecretHash) -> Result<Option<Approved>, StorageFault> {
        let code = *code;
        let found =
            move |open: &Connection| approved(open, sql::APPROVAL_OF_CODE, [code.as_bytes()]);
        self.reader().read(found).await
    }

    async fn redeem(&self, id: ApprovalId, redeem: &Redeem) -> Result<Presented, StorageFault> {
        let redeem = *redeem;
        self.write_plain(move |open| writes::redeem(open, id, &redeem)).await
    }

    async fn approval_of_family(
        &self,
        family: &[Option<SecretHash>; 2],
    ) -> Result<Option<Approved>, StorageFault> {
        let family = family.map(|hash| hash.map(|hash| *hash.as_bytes()));
        let found = move |open: &Connection| approved(open, sql::APPROVAL_OF_FAMILY, family);
        self.reader().read(found).await
    }

    async fn rotate(&self, id: ApprovalId, rotate: &Rotate) -> Result<Presented, StorageFault> {
        let rotate = *rotate;
        self.write_plain(move |open| writes::rotate(open, id, &rotate)).await
    }

    async fn end_approval(&self, id: ApprovalId, now: Timestamp) -> Result<(), StorageFault> {
        let row = [id.to_string()];
        self.write_plain(move |open| writes::end(open, sql::END_APPROVAL, row, now).map(drop)).await
    }

    async fn consent(
        &self,
        user: UserId,
        client: &ClientId,
    ) -> Result<Option<Consent>, StorageFault> {
        let client = client.clone();
        self.reader().read(move |open| consent(open, user, &client)).await
    }

    async fn consents(&self, user: UserId) -> Result<Vec<Consent>, StorageFault> {
        let own = move |open: &Connection| {
            let row = params![user.to_string(), Consent::MOST];
            open.prepare_cached(sql::CONSENTS)?.query_map(row, rows::consent)?.collect()
        };
        self.reader().read(own).await
    }

    async fn disconnect(
        &self,
        user: UserId,
        client: &ClientId,
        stamp: &Stamp,
    ) -> Result<bool, StorageFault> {
        let (client, stamp) = (client.clone(), stamp.clone());
        self.write_plain(move |open| writes::disconnect(open, user, &client, &stamp)).await
    }

    async fn forget_approvals(&self, now: Timestamp) -> Result<(), StorageFault> {
        let row = [now.micros()];
        self.write_plain(move |open| execute(open, sql::FORGET_APPROVALS, row).map(drop)).await
    }
}

pub(super) fn consent(
    connection: &Connection,
    user: UserId,
    client: &ClientId,
) -> rusqlite::Result<Option<Consent>> {
    let row = [user.to_string(), client.to_string()];
    connection.prepare_cached(sql::CONSENT)?.query_row(row, rows::consent).optional()
}

/// An approval with its user and the user's rights, of one moment.
fn approved(
    connection: &Connection,
    statement: &str,
    of: impl Params,
) -> rusqlite::Result<Option<Approved>> {
    let snapshot = connection.unchecked_transaction()?;
    let approval = snapshot.prepare_cached(statement)?.query_row(of, rows::approval).optional()?;
    let Some(approval) = approval else { return Ok(None) };
    let id = approval.user.to_string();
    let Some(user) = users::load(&snapshot, sql::USER, [&id])?.map(|record| record.user) else {
        return Ok(None);
    };
    let permissions = names(&snapshot, sql::USER_RIGHTS, &id)?;
    let owner =
        ResourceOwner { id: user.id, state: user.state, generation: user.generation, permissions };
    Ok(Some(Approved { approval, owner }))
}
