//! What can be said of roles.

use clap::{Args, Subcommand};
use grantd_core::{Permission, RoleName};

#[derive(Subcommand, Debug)]
pub(crate) enum Role {
    /// Create a role
    Create(RoleCreate),
    /// List roles
    List,
    /// Change a role; taking a permission kills the tokens of all who have the role
    Update(RoleUpdate),
    /// Remove a role from the server and from all who have it
    Delete {
        /// The role's name
        name: RoleName,
    },
    /// Show one role
    Show {
        /// The role's name
        name: RoleName,
    },
}

#[derive(Args, Debug)]
pub(crate) struct RoleCreate {
    /// The role's name
    pub(crate) name: RoleName,
    /// What it is for
    #[arg(long, default_value = "")]
    pub(crate) description: String,
    /// Give it this permission
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub(crate) permissions: Vec<Permission>,
}

#[derive(Args, Debug)]
pub(crate) struct RoleUpdate {
    /// The role's name
    pub(crate) name: RoleName,
    /// Another description
    #[arg(long)]
    pub(crate) description: Option<String>,
    /// Give it this permission
    #[arg(long = "add-permission", value_name = "PERMISSION")]
    pub(crate) add_permissions: Vec<Permission>,
    /// Take this permission from it
    #[arg(long = "remove-permission", value_name = "PERMISSION")]
    pub(crate) remove_permissions: Vec<Permission>,
}
