//! `grantd audit`: who changed what and when, and whether the log still says so.

use anyhow::Result;
use grantd_issuer::{
    ToJson,
    audit::{AuditEvent, AuditQuery, Chain},
    hexadecimal, moment,
};
use serde_json::{Value, json};

use super::registrar;
use crate::{cli::Audit, output::Output, settings::Settings};

pub(super) async fn run(command: Audit, settings: &Settings, output: Output) -> Result<()> {
    let registrar = registrar(settings).await?;
    match command {
        Audit::List { after, limit, object } => {
            let query = AuditQuery { object, after: Some(after), limit, ..AuditQuery::default() };
            let events = registrar.audit(&query).await?;
            let document =
                json!({ "events": events.iter().map(ToJson::to_json).collect::<Vec<_>>() });
            output.answer(&document, || events.iter().map(line).collect())
        }
        Audit::Verify => {
            let chain = registrar.verify_audit().await?;
            output.answer(&document(&chain), || sentence(&chain) + "\n")
        }
    }
}

/// What a log that was followed to its end is, so that it can be compared with what is written elsewhere.
pub(super) fn document(chain: &Chain) -> Value {
    json!({ "events": chain.length(), "hash": hexadecimal(chain.hash()) })
}

/// The same for people.
pub(super) fn sentence(chain: &Chain) -> String {
    let (length, hash) = (chain.length(), hexadecimal(chain.hash()));
    format!("{length} audit events, unaltered; the last one's hash is {hash}")
}

fn line(event: &AuditEvent) -> String {
    let (at, from) = (moment(event.at), event.address.as_deref().unwrap_or("-"));
    format!(
        "{:6}  {at}  {:20}  {from:15}  {:24}  {}\n",
        event.seq, event.actor, event.action, event.object
    )
}
