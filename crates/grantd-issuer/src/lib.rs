//! grantd's authorization server as a library.
//!
//! Bring a storage (or use [`Memory`]), signing keys and a server key, enable grants, and hand it
//! requests from whatever HTTP program you have:
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::sync::Arc;
//! use grantd_issuer::{Issuer, KeyRing, Memory, core::{Algorithm, GrantType, SecretKey, SigningKey}};
//!
//! let keys = KeyRing::new(vec![SigningKey::generate(Algorithm::Es256)?], &[])?;
//! let issuer = Issuer::builder("https://auth.example", keys, SecretKey::from_bytes([7; 32]))
//!     .enable(GrantType::ClientCredentials, Some("1h".parse()?))
//!     .build(Arc::new(Memory::default()));
//! # Ok(()) }
//! ```
//!
//! Then `issuer.post_token(&headers, &body, address).await` is the whole token endpoint, wherever you mount
//! it: an [`http::Response`] of bytes. [`Issuer::token`] is the same one step earlier, for hosts
//! that have no HTTP at all. Read [`Issuer::token`] first: it is the way of a token in six lines.

pub mod accounts;
pub mod admin;
mod admission;
mod approvals;
pub mod audit;
mod authorization;
pub mod change_log;
pub mod checks;
mod client_cache;
pub mod client_change;
mod client_edit;
pub mod clock;
#[cfg(feature = "contract")]
pub mod contract;
pub mod entropy;
mod fault;
pub mod feed;
mod issuer;
mod key_ring;
mod memory;
mod metadata;
pub mod passkey;
pub mod password;
mod presented;
mod redemption;
mod registrar;
mod registration;
mod registration_json;
mod respond;
mod session;
mod sight;
mod storage;
mod survey;
mod throttle;
mod usage;
mod usage_tally;
mod usage_view;
mod use_log;
mod user;
pub mod user_change;
mod user_storage;
mod user_view;

/// The core's words and decisions, re-exported so that a host needs one dependency.
pub use grantd_core as core;

pub use accounts::Accounts;
pub use admin::{Admin, Stamp};
pub use approvals::{
    Approvals, Consent, MOST_APPROVALS, MOST_CODES, NewApproval, Presented, Redeem, Rotate,
};
pub use authorization::{Answer, AuthorizationError, Next};
pub use client_cache::CacheCounts;
pub use client_edit::Setting;
pub use clock::Clock;
pub use entropy::Entropy;
pub use fault::{Fault, StorageFault, TokenError};
pub use grantd_core::UserState;
pub use issuer::{Builder, Issuer};
pub use key_ring::{KeyDuty, KeyRing, KeyRingError};
pub use memory::Memory;
pub use passkey::{Passkey, PasskeyName, PasskeyRecord, Passkeys};
pub use password::{Password, PasswordHash};
pub use presented::Revoked;
pub use registrar::{CommandError, Created, Registrar, Rotation};
pub use registration::{
    ClientFilter, CredentialSummary, LastUse, NewClient, NewSecret, Owner, OwnerError,
    PermissionEntry, Registration, RoleEntry,
};
pub use registration_json::{
    ApiView, AuditEventView, ClientView, CredentialView, PermissionView, RoleView, ToJson,
    hexadecimal, moment,
};
pub use respond::Response;
pub use session::{Session, Sessions, SignedIn};
pub use storage::{Clients, Conflict, Registry, RegistryError, Tokens};
pub use survey::{RefusedClient, Survey, Surveys, WatchedSecret};
pub use throttle::network;
pub use usage::{Hour, Outcome, Usage, UsageCount, UsageKey, UsageQuery, UsageTotal};
pub use usage_view::{UsageTotalView, UsageView};
pub use user::{NewUser, User, UserFilter, UserName, UserRecord};
pub use user_storage::Users;
pub use user_view::UserView;
