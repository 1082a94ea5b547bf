//! The task that follows the feed: catches up by pages, then listens to the stream, for ever.

use std::{sync::Arc, time::Duration};

use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::Instant;

use super::{
    FeedError, Source,
    backoff::{Backoff, jittered},
    entry::{Entry, check_cursor},
    kills::Kills,
    ledger::Ledger,
    source::Offer,
    sse::{Event, Parser},
};
use crate::clock;

/// A list of more pages has no end.
const MAX_PAGES: usize = 100_000;

/// The time between two pages where there is no stream, and how many until one is asked for again.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
const POLLS: usize = 60;

/// The longest pause where a person must set something right first.
const SLOW: Duration = Duration::from_secs(30);

/// A connection that lasted so long was a success.
const STEADY: Duration = Duration::from_secs(1);

/// Up to so many entries, forgetting costs too little to wait with it.
const FEW: usize = 10_000;

/// Follows one feed.
pub(super) struct Reader {
    source: Source,
    ledger: Arc<Ledger>,
    forgotten: Instant,
    latest: Latest,
}

/// The latest time of day that was seen, in seconds since 1970.
struct Latest(i64);

impl Reader {
    pub(super) fn new(source: Source, ledger: Arc<Ledger>) -> Self {
        Self { source, ledger, forgotten: clock::tick(), latest: Latest(i64::MIN) }
    }

    /// Follows the feed through whatever happens.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new();
        loop {
            let begun = clock::tick();
            let Err(error) = self.follow().await else { continue };
            if self.ledger.status().connected && begun.elapsed() >= STEADY {
                backoff.reset();
            }
            self.ledger.disconnect();
            let pause = self.after(&error, &mut backoff);
            let wake = clock::tick() + pause;
            // Awake each second, so that the log hears of a cut even if nobody asks for anything.
            while clock::tick() < wake {
                self.ledger.tell_cut();
                tokio::time::sleep_until(wake.min(clock::tick() + STEADY)).await;
            }
        }
    }

    /// What an error means for what is known, and how long to wait.
    fn after(&self, error: &FeedError, backoff: &mut Backoff) -> Duration {
        match error {
            FeedError::Gone | FeedError::ClockSetBack => self.ledger.move_to(None),
            FeedError::TooMany(_) => self.ledger.lose(),
            _ => {}
        }
        let url = self.source.url.as_str();
        match error {
            FeedError::Refused(_) | FeedError::TooMany(_) => {
                tracing::error!(%error, url, "the revocation feed cannot be read");
                jittered(SLOW)
            }
            FeedError::Malformed(_) | FeedError::IssuerDiffers { .. } => {
                tracing::error!(%error, url, "the revocation feed cannot be believed");
                backoff.pause()
            }
            _ => {
                tracing::warn!(%error, url, "the revocation feed was lost; trying again");
                backoff.pause()
            }
        }
    }

    /// Catches up, then listens for as long as the stream lasts. Every connection begins with pages:
    /// an entry that the stream could not get across fails there too, and nobody takes heartbeats
    /// between two such failures for good health.
    async fn follow(&mut self) -> Result<(), FeedError> {
        self.catch_up().await?;
        let cursor = self.ledger.cursor().unwrap_or_default();
        match self.source.stream(&cursor).await? {
            Offer::Stream(body) => self.listen(body).await,
            Offer::None => self.poll().await,
        }
    }

    /// Reads pages until there are no more: the whole list, if nothing is known yet.
    pub(super) async fn catch_up(&mut self) -> Result<(), FeedError> {
        let mut cursor = self.ledger.cursor();
        let is_whole = cursor.is_none();
        // What was known holds until the new list is complete.
        let kills = if is_whole { Arc::new(Kills::new()) } else { self.ledger.kills() };
        for _ in 0..MAX_PAGES {
            let page = self.source.page(cursor.as_deref()).await?;
            if !page.is_last && cursor.as_ref() == Some(&page.cursor) {
                return Err(FeedError::Malformed("a page with entries does not advance"));
            }
            let now = clock::now().seconds();
            page.entries.into_iter().try_for_each(|entry| kills.add(entry, now))?;
            cursor = Some(page.cursor);
            if page.is_last && is_whole {
                self.ledger.replace(Arc::clone(&kills));
            }
            if page.is_last || !is_whole {
                self.ledger.move_to(cursor.clone());
            }
            if page.is_last {
                self.ledger.hear();
                return self.forget();
            }
        }
        Err(FeedError::Malformed("its list has no end"))
    }

    /// Takes in what happens until the stream ends, which is always an error.
    async fn listen(&mut self, mut body: Incoming) -> Result<(), FeedError> {
        tracing::debug!(url = %self.source.url, "the revocation feed is followed");
        let mut parser = Parser::default();
        let silence = self.ledger.longest_silence();
        loop {
            let frame = tokio::time::timeout(silence, body.frame()).await;
            let frame = frame.map_err(|_| FeedError::Silent)?.ok_or(FeedError::Ended)?;
            let frame = frame.map_err(|error| FeedError::BrokeOff(Box::new(error)))?;
            let Ok(bytes) = frame.into_data() else { continue };
            for event in parser.read(&bytes)? {
                self.take(event)?;
            }
            self.ledger.hear();
            self.forget()?;
        }
    }

    /// Asks for a page each second.
    async fn poll(&mut self) -> Result<(), FeedError> {
        tracing::debug!(url = %self.source.url, "the revocation feed has no stream; it is polled");
        for _ in 0..POLLS {
            tokio::time::sleep(POLL_INTERVAL).await;
            self.catch_up().await?;
        }
        Ok(())
    }

    /// An event of another name than an entry's has only its place in the stream.
    fn take(&self, event: Event) -> Result<(), FeedError> {
        let is_entry = matches!(&*event.name, "" | "message" | "revocation");
        if is_entry
            && !event.data.is_empty()
            && let Some(entry) = Entry::parse(&event.data)?
        {
            self.ledger.add(entry)?;
        }
        // An empty id would mean to start over (HTML section 9.2.6); nobody needs that here.
        if let Some(cursor) = event.id.filter(|id| !id.is_empty()) {
            check_cursor(&cursor)?;
            self.ledger.move_to(Some(cursor));
        }
        Ok(())
    }

    /// Forgets what is past its end: each second if it is little work, else each minute.
    ///
    /// What was forgotten by a clock that ran ahead may kill tokens that are alive by the right one.
    fn forget(&mut self) -> Result<(), FeedError> {
        let kills = self.ledger.kills();
        let now = clock::now().seconds();
        if self.latest.is_after(now) {
            return Err(FeedError::ClockSetBack);
        }
        let pause = if kills.len() < FEW { STEADY } else { 60 * STEADY };
        if kills.is_stale(now) && self.forgotten.elapsed() >= pause {
            kills.forget(now);
            self.forgotten = clock::tick();
        }
        Ok(())
    }
}

impl Latest {
    /// Whether the clock was set back, by more than a trifle, since the last time; tells of it once.
    fn is_after(&mut self, now: i64) -> bool {
        let set_back = now.saturating_add(1) < self.0;
        self.0 = if set_back { now } else { now.max(self.0) };
        set_back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_is_noticed_once() {
        let mut latest = Latest(i64::MIN);
        let seen = [100, 101, 100, 101, 99, 99, 100, 40, 41].map(|now| latest.is_after(now));
        assert_eq!(seen, [false, false, false, false, true, false, false, true, false]);
    }
}
