//! `grantd user`: creates, lists, shows, changes, disables and enables users.

use anyhow::Result;
use grantd_core::Api;
use grantd_issuer::{
    NewUser, PermissionEntry, Registrar, ToJson, User, UserFilter, UserState,
    accounts::hash_password, moment, user_change::UserEdit,
};
use serde_json::json;

use super::{joined, operator, registrar};
use crate::{
    cli,
    output::Output,
    serve::MANAGE,
    settings::Settings,
    terminal::{Source, choose_password},
};

/// How many users are asked for at a time.
const PAGE: u32 = 500;

pub(super) async fn run(command: cli::User, settings: &Settings, output: Output) -> Result<()> {
    let registrar = registrar(settings).await?;
    match command {
        cli::User::Create(options) => create(options, &registrar, output).await,
        cli::User::List(options) => list(options, &registrar, output).await,
        cli::User::Show(who) => answer(&registrar.user(&who.user).await?, output),
        cli::User::Update(options) => update(options, &registrar, output).await,
        cli::User::Disable(who) => set_state(&who, UserState::Disabled, &registrar, output).await,
        cli::User::Enable(who) => set_state(&who, UserState::Active, &registrar, output).await,
        cli::User::Password(options) => password(options, &registrar, output).await,
    }
}

async fn create(options: cli::UserCreate, registrar: &Registrar, output: Output) -> Result<()> {
    let password = choose_password(Source::of(options.password_stdin))?;
    if options.permissions.iter().any(|name| name.as_str() == MANAGE) {
        first_way_in(registrar).await?;
    }
    let new = NewUser {
        name: options.name,
        password: Some(hash_password(&password)?),
        permissions: options.permissions,
        roles: options.roles,
    };
    answer(&registrar.create_user(&operator(), new).await?, output)
}

/// A fresh server has no permissions yet, and this is the one that it asks for itself.
async fn first_way_in(registrar: &Registrar) -> Result<()> {
    let known = registrar.permissions().await?;
    if known.iter().any(|entry| entry.name.as_str() == MANAGE) {
        return Ok(());
    }
    let entry = PermissionEntry {
        name: MANAGE.parse()?,
        api: Api::DEFAULT.to_owned(),
        description: "Manage this server: apps, roles, permissions, APIs and users".to_owned(),
    };
    Ok(registrar.create_permission(&operator(), &entry).await?)
}

async fn list(options: cli::UserList, registrar: &Registrar, output: Output) -> Result<()> {
    let filter = UserFilter { state: options.state, search: options.search };
    let mut users: Vec<User> = Vec::new();
    loop {
        let page = registrar.users(&filter, users.last().map(|last| last.id), PAGE).await?;
        if page.is_empty() {
            break;
        }
        users.extend(page);
    }
    let document = json!({ "users": users.iter().map(ToJson::to_json).collect::<Vec<_>>() });
    output.answer(&document, || {
        if users.is_empty() && filter != UserFilter::default() {
            return "no such user\n".to_owned();
        }
        if users.is_empty() {
            return "no users yet: create one with `grantd user create --name NAME --permission manage_system`\n".to_owned();
        }
        let line =
            |user: &User| format!("{}  {:8}  {}\n", user.id, user.state.as_str(), user.name);
        users.iter().map(line).collect()
    })
}

async fn update(options: cli::UserUpdate, registrar: &Registrar, output: Output) -> Result<()> {
    let known = registrar.user(&options.who.user).await?;
    let edit = UserEdit {
        name: options.name,
        add_permissions: options.add_permissions,
        remove_permissions: options.remove_permissions,
        add_roles: options.add_roles,
        remove_roles: options.remove_roles,
    };
    answer(&registrar.edit_user(&operator(), known.id, edit, None).await?, output)
}

async fn set_state(
    who: &cli::Who,
    state: UserState,
    registrar: &Registrar,
    output: Output,
) -> Result<()> {
    let known = registrar.user(&who.user).await?;
    let user = registrar.set_user_state(&operator(), known.id, state).await?;
    output.answer(&user.to_json(), || format!("user {} is {}\n", user.name, state.as_str()))
}

async fn password(options: cli::UserPassword, registrar: &Registrar, output: Output) -> Result<()> {
    // Nobody types a password for a user who is not there.
    let known = registrar.user(&options.who.user).await?;
    let password = choose_password(Source::of(options.password_stdin))?;
    let hash = hash_password(&password)?;
    let user = registrar.set_password(&operator(), known.id, hash).await?;
    output.answer(&user.to_json(), || {
        format!("user {} has another password, and their sessions are over\n", user.name)
    })
}

fn answer(user: &User, output: Output) -> Result<()> {
    output.answer(&user.to_json(), || lines(user))
}

fn lines(user: &User) -> String {
    let lines = [
        ("user_id", user.id.to_string()),
        ("name", user.name.to_string()),
        ("state", user.state.as_str().to_owned()),
        ("permissions", joined(&user.permissions)),
        ("roles", joined(&user.roles)),
        ("created", moment(user.created_at)),
        ("last login", user.last_login_at.map_or_else(|| "never".to_owned(), moment)),
    ];
    lines.into_iter().map(|(name, value)| format!("{name:13}  {value}\n")).collect()
}
