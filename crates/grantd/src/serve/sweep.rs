//! Forgetting what is of no use any more, so that no table grows for ever.

use std::{sync::Arc, time::Duration};

use grantd_issuer::{Clock, Hour, Registry, StorageFault, clock::SystemClock};

/// How often is swept.
const SWEEP: Duration = Duration::from_mins(10);
/// How long usage is kept, in hours: 90 days.
const USAGE_HOURS: i64 = 90 * 24;

/// Sweeps until it is aborted.
pub(super) async fn sweep(storage: Arc<dyn Registry>) {
    loop {
        let now = SystemClock.now();
        // Entries of the change log that can kill no token any more.
        warn("the change log", storage.forget_ended(now).await);
        warn("approvals", storage.forget_approvals(now).await);
        warn("sessions", storage.forget_sessions(now).await);
        warn("answers of passkeys", storage.forget_answered(now).await);
        let oldest = Hour::of(now).plus(-USAGE_HOURS);
        warn("usage", storage.forget_usage(oldest).await);
        tokio::time::sleep(SWEEP).await;
    }
}

fn warn(of: &'static str, swept: Result<(), StorageFault>) {
    if let Err(fault) = swept {
        tracing::error!(fault = &fault as &dyn std::error::Error, of, "old rows are not forgotten");
    }
}
