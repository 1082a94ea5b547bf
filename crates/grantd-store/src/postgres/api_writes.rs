//! Writing APIs.

use grantd_core::{Algorithm, Api, TokenFormat};
use grantd_issuer::{Conflict, RegistryError, Stamp, audit::Deed, change_log::Changed};

use super::{
    catalog::apis,
    parameters::{seconds, with},
    record::{allow_ttl, record},
    statements as sql,
    work::Work,
};

/// Adds an API.
pub(super) async fn create(work: &Work, api: &Api, stamp: &Stamp) -> Result<(), RegistryError> {
    let row = with![
        api.name,
        api.audience,
        api.signing_alg.map(Algorithm::as_str),
        api.access_token_ttl.map(seconds),
        api.format.map(TokenFormat::as_str),
        stamp.at.micros(),
    ];
    if work.execute(sql::INSERT_API, row).await? == 0 {
        return Err(Conflict::api_exists(api).into());
    }
    allow_ttl(work, api.access_token_ttl).await?;
    let deed = Deed::on("api.create", "api", &api.name, (None, Some(api)));
    record(work, &deed, &[Changed::Catalog], stamp).await
}

/// Makes an API what it is given as; its name and audience stay.
pub(super) async fn change(
    work: &Work,
    expected: Option<&Api>,
    api: &Api,
    stamp: &Stamp,
) -> Result<(), RegistryError> {
    let known = apis(work).await?;
    let Some(before) = known.iter().find(|known| known.name == api.name) else {
        return Err(Conflict::ApiUnknown(api.name.clone()).into());
    };
    if expected.is_some_and(|expected| expected != before) {
        return Err(Conflict::ApiDiffers(api.name.clone()).into());
    }
    let after = Api { audience: before.audience.clone(), ..api.clone() };
    let row = with![
        api.name,
        api.signing_alg.map(Algorithm::as_str),
        api.access_token_ttl.map(seconds),
        api.format.map(TokenFormat::as_str),
    ];
    work.execute(sql::UPDATE_API, row).await?;
    allow_ttl(work, api.access_token_ttl).await?;
    let deed = Deed::on("api.update", "api", &api.name, (Some(before), Some(&after)));
    record(work, &deed, &[Changed::Catalog], stamp).await
}
