//! The storage contract, kept by memory.

use grantd_issuer::Memory;

grantd_issuer::storage_contract!(async { (Memory::default(), ()) });
grantd_issuer::tokens_contract!(async { (Memory::default(), ()) });
