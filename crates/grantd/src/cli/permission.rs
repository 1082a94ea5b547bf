//! What can be said of permissions.

use clap::{Args, Subcommand};
use grantd_core::Permission;

#[derive(Subcommand, Debug)]
pub(crate) enum PermissionCommand {
    /// Create a permission
    Create(PermissionCreate),
    /// List permissions
    List,
    /// Describe a permission anew; its name and API stay
    Update {
        /// The permission's name
        name: Permission,
        /// What it allows, in plain words
        #[arg(long)]
        description: String,
    },
    /// Remove a permission from the server and from all who have it; their tokens die
    Delete {
        /// The permission's name
        name: Permission,
    },
}

#[derive(Args, Debug)]
pub(crate) struct PermissionCreate {
    /// The permission's name, e.g. invoices.read
    pub(crate) name: Permission,
    /// The API it belongs to
    #[arg(long, default_value = grantd_core::Api::DEFAULT)]
    pub(crate) api: String,
    /// What it allows, in plain words
    #[arg(long, default_value = "")]
    pub(crate) description: String,
}
