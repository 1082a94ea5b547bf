//! What can be said of users.

use clap::{Args, Subcommand};
use grantd_core::{Permission, RoleName};
use grantd_issuer::{UserName, UserState};

#[derive(Subcommand, Debug)]
pub(crate) enum User {
    /// Create a user; asks for the password
    Create(UserCreate),
    /// List users
    List(UserList),
    /// Show one user
    Show(Who),
    /// Change what is said about a user; taking something away kills the tokens on their behalf
    Update(UserUpdate),
    /// Shut a user out: their sessions are over and tokens on their behalf are dead
    Disable(Who),
    /// Let a disabled user in again
    Enable(Who),
    /// Give a user another password; their sessions are over
    Password(UserPassword),
}

#[derive(Args, Debug)]
pub(crate) struct Who {
    /// The user's name or id
    #[arg(value_name = "NAME|ID")]
    pub(crate) user: String,
}

#[derive(Args, Debug)]
pub(crate) struct UserCreate {
    /// What they sign in with
    #[arg(long)]
    pub(crate) name: UserName,
    /// Give them this permission; manage_system opens the console and the admin API
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub(crate) permissions: Vec<Permission>,
    /// Give them this role
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<RoleName>,
    /// Read the password from standard input, one line, instead of asking for it
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

#[derive(Args, Debug)]
pub(crate) struct UserList {
    /// Only those in this state: active or disabled
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<UserState>,
    /// Only those with this text in their name
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct UserUpdate {
    #[command(flatten)]
    pub(crate) who: Who,
    /// Another name to sign in with
    #[arg(long)]
    pub(crate) name: Option<UserName>,
    /// Give them this permission
    #[arg(long = "add-permission", value_name = "PERMISSION")]
    pub(crate) add_permissions: Vec<Permission>,
    /// Take this permission from them
    #[arg(long = "remove-permission", value_name = "PERMISSION")]
    pub(crate) remove_permissions: Vec<Permission>,
    /// Give them this role
    #[arg(long = "add-role", value_name = "ROLE")]
    pub(crate) add_roles: Vec<RoleName>,
    /// Take this role from them
    #[arg(long = "remove-role", value_name = "ROLE")]
    pub(crate) remove_roles: Vec<RoleName>,
}

#[derive(Args, Debug)]
pub(crate) struct UserPassword {
    #[command(flatten)]
    pub(crate) who: Who,
    /// Read the password from standard input, one line, instead of asking for it
    #[arg(long)]
    pub(crate) password_stdin: bool,
}
