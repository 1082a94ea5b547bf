//! What the demo makes before it runs: permissions, a client, an app that acts for people, and two people.

use std::sync::Arc;

use anyhow::{Context, Result};
use grantd_core::{GrantType, Secret, SecretHasher};
use grantd_issuer::{
    Admin, Entropy, NewClient, NewUser, Password, PermissionEntry, Registrar,
    accounts::hash_password, entropy::SystemEntropy, hexadecimal,
};
use grantd_store::Sqlite;

use super::app;
use crate::serve::MANAGE;

/// Who may enter the demo's console.
pub(super) const ADMIN: &str = "admin";
/// Who may see schools, and let apps see them.
pub(super) const TEACHER: &str = "teacher";

/// What the demo tells of what it made.
pub(super) struct Furnished {
    /// It speaks for itself.
    pub(super) machine: Credentials,
    /// It acts for people.
    pub(super) app: Credentials,
    /// The password of either person.
    pub(super) password: Secret,
}

/// Of a client.
pub(super) struct Credentials {
    pub(super) id: String,
    pub(super) secret: Secret,
}

/// Makes it all, for a server at this address.
pub(super) async fn furnish(
    store: &Arc<Sqlite>,
    hasher: &SecretHasher,
    base: &str,
) -> Result<Furnished> {
    let maker = Maker { registrar: Registrar::new(Arc::clone(store) as Arc<_>), hasher };
    for (name, description) in [
        ("view_schools", "See the list of schools"),
        ("invoices.read", "Read invoices"),
        (MANAGE, "Manage this server: apps, roles, permissions, APIs and users"),
    ] {
        let api = grantd_core::Api::DEFAULT.to_owned();
        let description = description.to_owned();
        let entry = PermissionEntry { name: name.parse()?, api, description };
        maker.registrar.create_permission(&admin(), &entry).await?;
    }
    let machine = NewClient { name: "Schoolsoft Integration".to_owned(), ..NewClient::default() };
    let app = NewClient {
        name: "School Planner".to_owned(),
        description: "Plans trips to the schools that you may see".to_owned(),
        grants: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        redirect_uris: vec![app::callback(base)],
        ..NewClient::default()
    };
    let mut entropy = [0; 9];
    SystemEntropy.fill(&mut entropy);
    let password = Secret::new(hexadecimal(&entropy));
    maker.user(ADMIN, MANAGE, &password).await?;
    maker.user(TEACHER, "view_schools", &password).await?;
    Ok(Furnished { machine: maker.client(machine).await?, app: maker.client(app).await?, password })
}

fn admin() -> Admin {
    Admin::program("demo")
}

struct Maker<'a> {
    registrar: Registrar,
    hasher: &'a SecretHasher,
}

impl Maker<'_> {
    async fn client(&self, new: NewClient) -> Result<Credentials> {
        let new = NewClient { permissions: vec!["view_schools".parse()?], ..new };
        let created = self.registrar.create_client(&admin(), new, self.hasher).await?;
        let (_, secret) = created.secret.context("a confidential client has a secret")?;
        Ok(Credentials { id: created.client.id.to_string(), secret })
    }

    async fn user(&self, name: &str, permission: &str, password: &Secret) -> Result<()> {
        let chosen = Password::choose(password.clone())?;
        let user = NewUser {
            name: name.parse()?,
            password: Some(hash_password(&chosen)?),
            permissions: vec![permission.parse()?],
            roles: Vec::new(),
        };
        self.registrar.create_user(&admin(), user).await?;
        Ok(())
    }
}
