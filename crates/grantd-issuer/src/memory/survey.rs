//! A survey of what is in memory.

use std::{cmp::Reverse, collections::BTreeMap};

use async_trait::async_trait;
use grantd_core::{ClientState, Timestamp};

use super::Memory;
use crate::{
    fault::StorageFault,
    survey::{RefusedClient, Survey, Surveys, WatchedSecret},
    usage::{Hour, Outcome},
};

#[async_trait]
impl Surveys for Memory {
    async fn survey(&self, now: Timestamp, limit: u32) -> Result<Survey, StorageFault> {
        let tables = self.tables();
        let mut survey = Survey::default();
        for state in ClientState::ALL {
            let clients = tables.clients.values();
            let count = clients.filter(|record| record.client.state == state).count();
            survey.clients.push((state, count as u64));
        }
        let active = tables.clients.values().map(|record| &record.client);
        for client in active.filter(|client| client.state == ClientState::Active) {
            for known in &client.credentials {
                let watched = WatchedSecret {
                    client: client.id.clone(),
                    name: client.name.clone(),
                    credential: known.id,
                    created_at: known.created_at,
                    expires_at: known.expires_at,
                    last_used: known.last_used.clone(),
                };
                let used = known.last_used.as_ref().map_or(known.created_at, |last| last.at);
                if known.expires_at.is_some_and(|end| now < end && end <= Survey::soon(now)) {
                    survey.ending.push(watched.clone());
                }
                if known.expires_at.is_none_or(|end| now < end) && used < Survey::long_ago(now) {
                    survey.idle.push(watched);
                }
            }
        }
        survey.ending.sort_by_key(|watched| (watched.expires_at, watched.credential));
        survey.idle.sort_by_key(|watched| {
            let used = watched.last_used.as_ref().map_or(watched.created_at, |last| last.at);
            (used, watched.credential)
        });
        let mut refused = BTreeMap::<_, u64>::new();
        for counted in tables.usage.values() {
            if counted.key.hour >= Hour::of(Survey::yesterday(now))
                && counted.key.outcome != Outcome::ISSUED
                && tables.clients.contains_key(&counted.key.client)
            {
                let key = (counted.key.client.clone(), counted.key.outcome.clone());
                *refused.entry(key).or_default() += counted.count;
            }
        }
        survey.refused = refused
            .into_iter()
            .map(|((client, outcome), count)| {
                let name = tables.clients[&client].client.name.clone();
                RefusedClient { client, name, outcome, count }
            })
            .collect();
        survey.refused.sort_by_key(|refused| Reverse(refused.count));
        survey.ending.truncate(limit as usize);
        survey.idle.truncate(limit as usize);
        survey.refused.truncate(limit as usize);
        Ok(survey)
    }
}
