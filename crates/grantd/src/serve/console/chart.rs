//! Token requests over time as a small drawing, made by the server.

use super::filters;
use askama::Template;
use grantd_issuer::{Hour, Outcome, UsageCount};

const WIDTH: u64 = 480;
const HEIGHT: u64 = 140;
/// What stands above the highest bar, and below the bars: room for text that a phone shows legibly.
const HEAD: u64 = 24;
const FOOT: u64 = 26;
/// The width of a label there.
const LABEL: u64 = 60;

/// Bars of one width: issued below, refused on top.
#[derive(Template)]
#[template(path = "chart.html")]
pub(super) struct Chart {
    title: String,
    bars: Vec<Bar>,
    labels: Vec<(u64, String)>,
    most: u64,
    issued: u64,
    refused: u64,
}

struct Bar {
    x: u64,
    width: u64,
    issued_y: u64,
    issued_height: u64,
    refused_y: u64,
    refused_height: u64,
    says: String,
}

/// What one bar stands for.
struct Span {
    label: String,
    issued: u64,
    refused: u64,
}

impl Chart {
    /// The 24 hours up to this one.
    pub(super) fn of_a_day(usage: &[UsageCount], now: Hour) -> Self {
        let spans = (0..24).map(|at| {
            let hour = now.plus(at - 23);
            Span::of(hour_label(hour), usage, |known| known == hour)
        });
        let spans: Vec<_> = spans.collect();
        Self::draw("Token requests of the last 24 hours, by hour", &spans, 6)
    }

    /// The 30 days up to this one.
    pub(super) fn of_a_month(usage: &[UsageCount], now: Hour) -> Self {
        let today = now.start().seconds().div_euclid(86_400);
        let spans = (0..30).map(|at| {
            let day = today + at - 29;
            let on_day = |known: Hour| known.start().seconds().div_euclid(86_400) == day;
            Span::of(day_label(day), usage, on_day)
        });
        let spans: Vec<_> = spans.collect();
        Self::draw("Token requests of the last 30 days, by day", &spans, 7)
    }

    fn draw(title: &str, spans: &[Span], every: usize) -> Self {
        let most = spans.iter().map(|span| span.issued + span.refused).max().unwrap_or_default();
        let step = WIDTH / (spans.len() as u64).max(1);
        // Whatever was counted is seen, were it one of a million.
        let height = |count: u64| match count {
            0 => 0,
            count => (count * (HEIGHT - HEAD) / most.max(1)).max(1),
        };
        let bar = |(at, span): (usize, &Span)| {
            let (issued, refused) = (height(span.issued), height(span.refused));
            Bar {
                x: at as u64 * step + 1,
                width: step - 2,
                issued_y: HEIGHT - issued,
                issued_height: issued,
                refused_y: HEIGHT - issued - refused,
                refused_height: refused,
                says: format!("{}: {} issued, {} refused", span.label, span.issued, span.refused),
            }
        };
        let fits = |at: usize| at as u64 * step + LABEL <= WIDTH;
        let labelled = spans.iter().enumerate().filter(|(at, _)| at % every == 0 && fits(*at));
        Self {
            title: title.to_owned(),
            bars: spans.iter().enumerate().map(bar).collect(),
            labels: labelled.map(|(at, span)| (at as u64 * step, span.label.clone())).collect(),
            most,
            issued: spans.iter().map(|span| span.issued).sum(),
            refused: spans.iter().map(|span| span.refused).sum(),
        }
    }
}

impl Span {
    fn of(label: String, usage: &[UsageCount], within: impl Fn(Hour) -> bool) -> Self {
        let mut span = Self { label, issued: 0, refused: 0 };
        for counted in usage.iter().filter(|counted| within(counted.key.hour)) {
            if counted.key.outcome == Outcome::ISSUED {
                span.issued += counted.count;
            } else {
                span.refused += counted.count;
            }
        }
        span
    }
}

fn hour_label(hour: Hour) -> String {
    grantd_issuer::moment(hour.start()).get(11..16).unwrap_or_default().to_owned()
}

fn day_label(day: i64) -> String {
    let midnight = grantd_core::Timestamp::from_seconds(day.saturating_mul(86_400));
    grantd_issuer::moment(midnight).get(5..10).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use grantd_core::Timestamp;
    use grantd_issuer::UsageKey;

    use super::*;

    fn counted(seconds: i64, outcome: Outcome, count: u64) -> UsageCount {
        let last_at = Timestamp::from_seconds(seconds);
        let client = "a".parse().unwrap();
        let key = UsageKey { hour: Hour::of(last_at), client, outcome };
        UsageCount { key, count, last_at, last_from: String::new() }
    }

    #[test]
    fn every_count_is_drawn_in_its_hour_and_its_day_and_no_other() {
        let now = 1_800_000_000;
        let wrong = Outcome::stored("client-secret-wrong".to_owned());
        let usage = [
            counted(now, Outcome::ISSUED, 1_000_000),
            counted(now - 3600, wrong, 1),
            counted(now - 25 * 3600, Outcome::ISSUED, 5),
            counted(now - 31 * 86_400, Outcome::ISSUED, 7),
        ];
        let hour = Hour::of(Timestamp::from_seconds(now));
        let day = Chart::of_a_day(&usage, hour);
        assert_eq!((day.bars.len(), day.issued, day.refused), (24, 1_000_000, 1));
        let (last, before) = (&day.bars[23], &day.bars[22]);
        assert_eq!((last.refused_height, before.issued_height), (0, 0));
        assert_eq!(before.refused_height, 1, "one of a million is seen");
        assert!(last.issued_height > 100);
        let month = Chart::of_a_month(&usage, hour);
        assert_eq!((month.bars.len(), month.issued, month.refused), (30, 1_000_005, 1));
        assert!(day.bars.iter().all(|bar| bar.x + bar.width <= WIDTH));
        assert!(month.render().unwrap().contains("1,000,005 issued"));
    }
}
