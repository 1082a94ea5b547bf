//! The clause about surveys: what is worth a look, and nothing else.

use std::sync::Arc;

use grantd_core::{ClientState, Timestamp};

use super::{admin, create, name};
use crate::{
    Hour, LastUse, NewClient, NewSecret, Outcome, Registrar, Registry, Survey, UsageCount, UsageKey,
};

const DAY: i64 = 86_400;

/// Ends that are soon, secrets that nobody uses, refusals of a day; of active clients alone.
pub async fn a_survey_tells_what_is_worth_a_look(registry: Arc<dyn Registry>) {
    // Clients are made by the machine's clock, so the survey is taken of a later day.
    let made =
        create(&registry, NewClient { name: "Made".to_owned(), ..NewClient::default() }).await;
    let start = made.client.created_at.seconds();
    let at = |days: i64| Timestamp::from_seconds(start + days * DAY);
    let secret = |ends: Option<i64>| NewSecret { imported: None, expires_at: ends.map(at) };
    for (id, ends) in [
        ("ends", Some(110)),
        ("ended", Some(50)),
        ("later", Some(200)),
        ("used", None),
        ("gone", Some(110)),
    ] {
        let new = NewClient {
            id: Some(name(id)),
            name: id.to_uppercase(),
            secret: secret(ends),
            ..NewClient::default()
        };
        let created = create(&registry, new).await;
        let used = LastUse { at: at(99), address: "192.0.2.1".to_owned() };
        if id != "ended" && id != "later" {
            let credential = created.secret.expect("a secret").0;
            registry.record_use(&[(credential, used)]).await.expect("recorded");
        }
    }
    let registrar = Registrar::new(Arc::clone(&registry));
    registrar.set_client_state(&admin(), "gone", ClientState::Revoked).await.expect("revoked");
    registry.record_usage(&refusals(at)).await.expect("recorded");

    let survey = registry.survey(at(100), 10).await.expect("a survey");
    assert_eq!(survey.clients_in(ClientState::Active), 5);
    assert_eq!(
        (survey.clients_in(ClientState::Revoked), survey.clients_in(ClientState::Deleted)),
        (1, 0)
    );
    let ids = |watched: &[crate::WatchedSecret]| {
        watched.iter().map(|secret| secret.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&survey.ending), ["ENDS"]);
    assert_eq!(
        survey.ending[0].last_used.as_ref().map(|last| last.address.as_str()),
        Some("192.0.2.1")
    );
    assert_eq!(ids(&survey.idle), ["Made", "LATER"], "the one that ended is no matter");
    let refused: Vec<_> =
        survey.refused.iter().map(|of| (of.name.as_str(), of.outcome.name(), of.count)).collect();
    assert_eq!(refused, [("ENDS", "scope-not-allowed", 9), ("USED", "client-secret-wrong", 3)]);
    let short = registry.survey(at(100), 1).await.expect("a survey");
    assert_eq!((short.idle.len(), short.refused.len()), (1, 1));
    assert_eq!(
        registry.survey(at(0), 10).await.expect("a survey").ending,
        Survey::default().ending
    );
}

/// Refusals of a day ago and longer ago, what was issued, and a client that is not there.
fn refusals(at: impl Fn(i64) -> Timestamp) -> [UsageCount; 5] {
    let counted = |client: &str, outcome: &str, days: i64, count: u64| UsageCount {
        key: UsageKey {
            hour: Hour::of(at(days)),
            client: name(client),
            outcome: Outcome::stored(outcome.to_owned()),
        },
        count,
        last_at: at(days),
        last_from: String::new(),
    };
    [
        counted("used", "client-secret-wrong", 100, 3),
        counted("ends", "scope-not-allowed", 100, 9),
        counted("ends", "issued", 100, 1000),
        counted("later", "client-secret-wrong", 90, 50),
        counted("nobody", "client-secret-wrong", 100, 50),
    ]
}
