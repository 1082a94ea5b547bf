//! How long a page of the admin API's list of clients takes, at random places.

use anyhow::{Context, Result, ensure};
use tokio::time::Instant;

use crate::{
    crowd::Crowd,
    http::{Connection, page_request},
    measured::{Dice, Verdict, quantile},
    server::{Place, Server},
};

const PAGES: usize = 200;
/// The promise, in milliseconds.
const LIMIT: f64 = 50.0;
/// What is asked for beside the place; `#` is a random number of a client.
const FILTERS: [(&str, &str); 9] = [
    ("no filter", ""),
    ("owner=TYPE", "&owner=merchant"),
    ("owner=TYPE:ID", "&owner=merchant:@"),
    ("state=revoked", "&state=revoked"),
    ("state=deleted (none)", "&state=deleted"),
    ("search: one of five", "&search=timetables"),
    ("search: one client", "&search=%20#"),
    ("search: nobody", "&search=nowhere"),
    ("owner, state and search", "&owner=school&state=active&search=reports"),
];

/// Measures each filter.
pub(crate) async fn measure(
    place: &Place,
    server: &Server,
    crowd: &Crowd,
    verdict: &mut Verdict,
) -> Result<()> {
    let token = admin_token(place, server).await?;
    let mut connection = Connection::open(&server.address).await?;
    let mut dice = Dice::default();
    for (what, filter) in FILTERS {
        let mut times = Vec::with_capacity(PAGES);
        for _ in 0..PAGES {
            let after = &crowd.ids[dice.below(crowd.ids.len())];
            let whose = dice.below(crowd.ids.len());
            let filter = filter.replace('#', &format!("{whose:06}"));
            let filter = filter.replace('@', &(whose / 40).to_string());
            // Who looks for one client or one owner looks from the start.
            let place = if filter.contains(':') || filter.contains("%20") {
                String::new()
            } else {
                format!("&after={after}")
            };
            let request =
                page_request(&format!("/api/v1/clients?limit=100{place}{filter}"), &token);
            let start = Instant::now();
            let answer = connection.ask(&request).await?;
            times.push(start.elapsed().as_secs_f64() * 1000.0);
            ensure!(answer.status == 200, "{}", String::from_utf8_lossy(answer.body));
        }
        let median = quantile(&mut times, 0.5);
        let what = format!("page, {what}: p50 {median:.1} ms, p95");
        verdict.limit(&what, (quantile(&mut times, 0.95), "ms"), LIMIT);
    }
    Ok(())
}

async fn admin_token(place: &Place, server: &Server) -> Result<String> {
    place.grantd("permission create manage_system")?;
    let told = place.grantd("client create --name Admin --permission manage_system --json")?;
    let told: serde_json::Value = serde_json::from_str(&told)?;
    let text = |name: &str| told[name].as_str().context("an id and a secret");
    server.token(text("client_id")?, text("client_secret")?).await
}
