//! Approvals and consents in memory.

use async_trait::async_trait;
use grantd_core::{
    Approval, ApprovalId, Approved, ClientId, ClientState, Permission, RefreshState, ResourceOwner,
    SecretHash, Timestamp, UserId, UserState,
};

use super::{Memory, tables::Tables};
use crate::{
    admin::Stamp,
    approvals::{
        Approvals, Consent, MOST_APPROVALS, MOST_CODES, NewApproval, Presented, Redeem, Rotate,
    },
    audit::Deed,
    change_log::Changed,
    fault::StorageFault,
};

/// Which approvals are meant: those whose code is spent, or waits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Codes {
    Open,
    Spent,
}

/// An approval with what its code and its refresh tokens are known by.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    approval: Approval,
    code: SecretHash,
    family: Option<SecretHash>,
}

#[async_trait]
impl Approvals for Memory {
    async fn approve(&self, new: &NewApproval) -> Result<bool, StorageFault> {
        let mut tables = self.tables();
        let NewApproval { approval, code, asked, .. } = new;
        let key = (approval.user, approval.client.clone());
        let consented = tables.consents.get(&key).is_some_and(|it| it.covers(&approval.scope));
        if !tables.stands(new) || (asked.is_none() && !consented) {
            return Ok(false);
        }
        let kept = Kept { approval: approval.clone(), code: *code, family: None };
        tables.approvals.insert(approval.id, kept);
        for id in tables.spare(&key, Codes::Open, MOST_CODES) {
            tables.approvals.remove(&id);
        }
        if let Some(stamp) = asked {
            tables.remember(approval, stamp);
        }
        Ok(true)
    }

    async fn approval_of_code(&self, code: &SecretHash) -> Result<Option<Approved>, StorageFault> {
        let tables = self.tables();
        let found = tables.approvals.values().find(|kept| kept.code.matches(code));
        Ok(found.and_then(|kept| tables.approved(&kept.approval)))
    }

    async fn redeem(&self, id: ApprovalId, redeem: &Redeem) -> Result<Presented, StorageFault> {
        let mut tables = self.tables();
        let Some(kept) = tables.approvals.get_mut(&id) else { return Ok(Presented::Gone) };
        if kept.approval.code.spent {
            tables.end_reused(id, redeem.at);
            return Ok(Presented::Again);
        }
        kept.approval.code.spent = true;
        kept.approval.ends_at = kept.approval.ends_at.max(redeem.ends_at);
        kept.family = redeem.family;
        kept.approval.refresh =
            redeem.family.map(|_| RefreshState { number: 1, rotated_at: redeem.at });
        let number = kept.approval.refresh.map_or(0, |state| state.number);
        let key = (kept.approval.user, kept.approval.client.clone());
        for oldest in tables.spare(&key, Codes::Spent, MOST_APPROVALS) {
            tables.end_approval(oldest, redeem.at);
        }
        tables.used(id, redeem.at);
        Ok(Presented::Good(number))
    }

    async fn discard(&self, id: ApprovalId) -> Result<(), StorageFault> {
        self.tables().approvals.retain(|known, kept| *known != id || kept.approval.code.spent);
        Ok(())
    }

    async fn approval_of_family(
        &self,
        family: &[Option<SecretHash>; 2],
    ) -> Result<Option<Approved>, StorageFault> {
        let tables = self.tables();
        let is = |known: SecretHash| family.iter().flatten().any(|hash| known.matches(hash));
        let found = tables.approvals.values().find(|kept| kept.family.is_some_and(is));
        Ok(found.and_then(|kept| tables.approved(&kept.approval)))
    }

    async fn rotate(&self, id: ApprovalId, rotate: &Rotate) -> Result<Presented, StorageFault> {
        let mut tables = self.tables();
        let Some(kept) = tables.approvals.get_mut(&id) else { return Ok(Presented::Gone) };
        let Some(state) = kept.approval.refresh else { return Ok(Presented::Gone) };
        if !state.accepts(rotate.number, rotate.retry, rotate.at) {
            tables.end_reused(id, rotate.at);
            return Ok(Presented::Again);
        }
        kept.approval.ends_at = kept.approval.ends_at.max(rotate.ends_at);
        if state.number == rotate.number {
            let number = state.number.saturating_add(1);
            kept.approval.refresh = Some(RefreshState { number, rotated_at: rotate.at });
            kept.family = Some(rotate.family);
            tables.used(id, rotate.at);
        }
        Ok(Presented::Good(rotate.number.saturating_add(1)))
    }

    async fn end_approval(&self, id: ApprovalId, now: Timestamp) -> Result<(), StorageFault> {
        self.tables().end_approval(id, now);
        Ok(())
    }

    async fn consent(
        &self,
        user: UserId,
        client: &ClientId,
    ) -> Result<Option<Consent>, StorageFault> {
        Ok(self.tables().consents.get(&(user, client.clone())).cloned())
    }

    async fn consents(&self, user: UserId) -> Result<Vec<Consent>, StorageFault> {
        let tables = self.tables();
        let mut own: Vec<_> =
            tables.consents.values().filter(|consent| consent.user == user).cloned().collect();
        own.sort_by(|a, b| (b.used_at, &a.client).cmp(&(a.used_at, &b.client)));
        own.truncate(Consent::MOST as usize);
        Ok(own)
    }

    async fn disconnect(
        &self,
        user: UserId,
        client: &ClientId,
        stamp: &Stamp,
    ) -> Result<bool, StorageFault> {
        let mut tables = self.tables();
        let known = tables.approvals.len();
        let given = |approval: &Approval| approval.user == user && approval.client == *client;
        tables.end_approvals(given, stamp.at);
        let ended = tables.approvals.len() < known;
        let before = tables.consents.remove(&(user, client.clone()));
        if let Some(before) = &before {
            let deed = Deed::on("consent.withdraw", "client", client, (Some(before), None));
            tables.record(&deed, &[], stamp);
        }
        Ok(ended || before.is_some())
    }

    async fn forget_approvals(&self, now: Timestamp) -> Result<(), StorageFault> {
        self.tables().approvals.retain(|_, kept| now < kept.approval.ends_at);
        Ok(())
    }
}

impl Tables {
    /// Ends those that are meant, and says so to the change log.
    pub(super) fn end_approvals(&mut self, meant: impl Fn(&Approval) -> bool, now: Timestamp) {
        let all = self.approvals.values().map(|kept| &kept.approval);
        let ended: Vec<_> = all.filter(|approval| meant(approval)).map(|one| one.id).collect();
        for id in ended {
            self.end_approval(id, now);
        }
    }

    /// No token came of one whose code is not spent, so there is nothing to tell.
    fn end_approval(&mut self, id: ApprovalId, now: Timestamp) {
        if self.approvals.remove(&id).is_some_and(|kept| kept.approval.code.spent) {
            self.log(&[Changed::Approval(id)], now);
        }
    }

    fn end_reused(&mut self, id: ApprovalId, at: Timestamp) {
        let Some(kept) = self.approvals.remove(&id) else { return };
        let Approval { user, client, .. } = kept.approval;
        let stamp = Stamp::of_client(&client, at);
        self.record(&Deed::reused(id, user, &client), &[Changed::Approval(id)], &stamp);
    }

    /// Whether client and user are active, and as they were.
    fn stands(&self, new: &NewApproval) -> bool {
        let client = self.clients.get(&new.approval.client).map(|record| &record.client);
        let user = self.users.get(&new.approval.user).map(|record| &record.user);
        client.is_some_and(|client| {
            client.state == ClientState::Active && client.generation == new.client_generation
        }) && user.is_some_and(|user| {
            user.state == UserState::Active && user.generation == new.user_generation
        })
    }

    /// The oldest approvals of a user and client over a bound, of those that are meant.
    fn spare(&self, of: &(UserId, ClientId), codes: Codes, most: u32) -> Vec<ApprovalId> {
        let all = self.approvals.values().map(|kept| &kept.approval);
        let own = all.filter(|it| (it.user, &it.client) == (of.0, &of.1));
        let meant: Vec<_> =
            own.filter(|it| it.code.spent == (codes == Codes::Spent)).map(|it| it.id).collect();
        let spare = meant.len().saturating_sub(most as usize);
        meant[..spare].to_vec()
    }

    /// A permission that is gone is in no consent and in no approval; one that had nothing else ends.
    pub(super) fn forget_permission(&mut self, name: &Permission, now: Timestamp) {
        for consent in self.consents.values_mut() {
            consent.permissions.retain(|known| known != name);
        }
        self.end_approvals(|approval| approval.scope == name.as_str(), now);
        for approval in self.approvals.values_mut().map(|kept| &mut kept.approval) {
            let left = approval.scope.split(' ').filter(|known| *known != name.as_str());
            approval.scope = left.collect::<Vec<_>>().join(" ");
        }
    }

    fn approved(&self, approval: &Approval) -> Option<Approved> {
        let user = &self.users.get(&approval.user)?.user;
        let catalog = self.catalog();
        let rights = catalog.rights(&user.permissions, &user.roles);
        let owner = ResourceOwner {
            id: user.id,
            state: user.state,
            generation: user.generation,
            permissions: rights.into_iter().cloned().collect(),
        };
        Some(Approved { approval: approval.clone(), owner })
    }

    fn remember(&mut self, approval: &Approval, stamp: &Stamp) {
        let key = (approval.user, approval.client.clone());
        let before = self.consents.get(&key).cloned();
        let after = Consent::after(before.as_ref(), approval, stamp.at);
        if before.as_ref() == Some(&after) {
            return;
        }
        let deed =
            Deed::on("consent.give", "client", &after.client, (before.as_ref(), Some(&after)));
        self.consents.insert(key, after);
        self.record(&deed, &[], stamp);
    }

    fn used(&mut self, id: ApprovalId, at: Timestamp) {
        let Some(kept) = self.approvals.get(&id) else { return };
        let key = (kept.approval.user, kept.approval.client.clone());
        if let Some(consent) = self.consents.get_mut(&key) {
            consent.used_at = Some(at);
        }
    }
}
