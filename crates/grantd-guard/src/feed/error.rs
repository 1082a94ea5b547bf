//! Why the revocation feed gave nothing, or nothing that may be believed.

use std::error::Error;

use http::StatusCode;

use crate::{FetchError, error::root};

/// Why the feed could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FeedError {
    /// No answer, or a bad one.
    #[error("{0}; check that the issuer is running and reachable from here")]
    Fetch(#[from] FetchError),
    /// 401 or 403: the credentials are wrong, or not those of a resource server.
    #[error(
        "the answer is {0}: check the credentials; the client must be a resource server: `grantd client create --serves API`"
    )]
    Refused(StatusCode),
    /// 410: the issuer cannot say all that happened since the last contact.
    #[error("the cursor is too old for the issuer; the whole list is read again")]
    Gone,
    /// The answer is another issuer's.
    #[error("the feed is that of the issuer `{found}`, not of `{expected}`: check its address")]
    IssuerDiffers {
        /// The guard's issuer.
        expected: String,
        /// The issuer that the feed names.
        found: String,
    },
    /// What came is not the feed's format.
    #[error("the feed is malformed, {0}: check that guard and issuer are of matching versions")]
    Malformed(&'static str),
    /// More entries than a guard keeps.
    #[error(
        "the feed has more than {0} entries: shorten the tokens' time to live, so that entries are forgotten sooner"
    )]
    TooMany(usize),
    /// The stream ended.
    #[error("the issuer ended the stream")]
    Ended,
    /// The stream, or a page, broke off.
    #[error("the answer broke off: {}", root(&**.0))]
    BrokeOff(#[source] Box<dyn Error + Send + Sync>),
    /// This machine's clock was set back, so that what was forgotten may have been forgotten too early.
    #[error("this machine's clock was set back; the whole list is read again")]
    ClockSetBack,
    /// Not even a heartbeat came.
    #[error("the stream was silent for too long")]
    Silent,
}
