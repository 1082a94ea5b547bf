//! Approvals and consents in memory.

use async_trait::async_trait;
use grantd_core::{
    Approval, ApprovalId, Approved, ClientId, RefreshState, ResourceOwner, SecretHash, Timestamp,
    UserId,
};

use super::{Memory, tables::Tables};
use crate::{
    admin::Stamp,
    approvals::{Approvals, Consent, MOST_APPROVALS, Presented, Redeem, Rotate},
    audit::Deed,
    change_log::Changed,
    fault::StorageFault,
};

/// An approval with what its code and its refresh tokens are known by.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    approval: Approval,
    code: SecretHash,
    family: Option<SecretHash>,
}

#[async_trait]
impl Approvals for Memory {
    async fn approve(
        &self,
        approval: &Approval,
        code: &SecretHash,
        asked: Option<&Stamp>,
    ) -> Result<(), StorageFault> {
        let mut tables = self.tables();
        let kept = Kept { approval: approval.clone(), code: *code, family: None };
        tables.approvals.insert(approval.id, kept);
        let same = |kept: &&Kept| {
            (kept.approval.user, &kept.approval.client) == (approval.user, &approval.client)
        };
        let own: Vec<_> =
            tables.approvals.values().filter(same).map(|kept| kept.approval.id).collect();
        let spare = own.len().saturating_sub(MOST_APPROVALS as usize);
        for oldest in &own[..spare] {
            tables.end_approval(*oldest, approval.given_at);
        }
        if let Some(stamp) = asked {
            tables.remember(approval, stamp);
        }
        Ok(())
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
            tables.end_approval(id, redeem.at);
            return Ok(Presented::Again);
        }
        kept.approval.code.spent = true;
        kept.approval.ends_at = redeem.ends_at;
        kept.family = redeem.family;
        kept.approval.refresh =
            redeem.family.map(|_| RefreshState { number: 1, rotated_at: redeem.at });
        let number = kept.approval.refresh.map_or(0, |state| state.number);
        tables.used(id, redeem.at);
        Ok(Presented::Good(number))
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
        let found = tables.approvals.get_mut(&id).map(|kept| &mut kept.approval);
        let Some((approval, state)) = found.and_then(|one| one.refresh.map(|state| (one, state)))
        else {
            return Ok(Presented::Gone);
        };
        if !state.accepts(rotate.number, rotate.retry, rotate.at) {
            tables.end_approval(id, rotate.at);
            return Ok(Presented::Again);
        }
        if state.number == rotate.number {
            let number = state.number.saturating_add(1);
            approval.refresh = Some(RefreshState { number, rotated_at: rotate.at });
            approval.ends_at = rotate.ends_at;
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
        let Some(before) = tables.consents.remove(&(user, client.clone())) else {
            return Ok(false);
        };
        let given = |approval: &Approval| approval.user == user && approval.client == *client;
        tables.end_approvals(given, stamp.at);
        let deed = Deed::on("consent.withdraw", "client", client, (Some(&before), None));
        tables.record(&deed, &[], stamp);
        Ok(true)
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

    fn end_approval(&mut self, id: ApprovalId, now: Timestamp) {
        if self.approvals.remove(&id).is_some() {
            self.log(&[Changed::Approval(id)], now);
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
