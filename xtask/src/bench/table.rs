//! What the benchmark found, against its limits.

use std::fmt;

/// A measured number with its limit.
pub(super) struct Line {
    pub(super) what: String,
    pub(super) value: f64,
    pub(super) limit: f64,
    pub(super) unit: &'static str,
}

impl Line {
    pub(super) fn is_over(&self) -> bool {
        self.value > self.limit
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, value, limit, unit } = self;
        let verdict = verdict(self.is_over());
        write!(f, "{what:<26} {value:>8.1} {unit} (limit {limit} {unit}) {verdict}")
    }
}

/// One server under one algorithm in one round.
#[derive(Clone, Copy)]
pub(super) struct Cost {
    pub(super) cpu_per_thousand: f64,
    pub(super) per_second: f64,
}

/// An algorithm's rounds, the floor's beside grantd's.
pub(super) struct Row {
    pub(super) alg: String,
    pub(super) rounds: Vec<(Cost, Cost)>,
}

impl Row {
    /// The median of the rounds' ratios: what disturbs a round disturbs both of its halves.
    pub(super) fn ratio(&self) -> f64 {
        self.median(|(floor, grantd)| grantd.cpu_per_thousand / floor.cpu_per_thousand)
    }

    pub(super) fn is_over(&self) -> bool {
        self.ratio() > self.limit()
    }

    /// The dearer the signature, the less may the rest show.
    fn limit(&self) -> f64 {
        match self.alg.as_str() {
            "RS256" | "PS256" => 1.05,
            "ES256" | "EdDSA" => 1.20,
            _ => 2.0,
        }
    }

    fn median(&self, of: impl Fn(&(Cost, Cost)) -> f64) -> f64 {
        median(self.rounds.iter().map(of).collect())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let floor = self.median(|(floor, _)| floor.cpu_per_thousand);
        let grantd = self.median(|(_, grantd)| grantd.cpu_per_thousand);
        let floor_rate = self.median(|(floor, _)| floor.per_second);
        let grantd_rate = self.median(|(_, grantd)| grantd.per_second);
        let (alg, ratio, limit) = (&self.alg, self.ratio(), self.limit());
        let verdict = verdict(self.is_over());
        write!(f, "{alg:<6} {floor:>14.4} {grantd:>14.4} {ratio:>7.3} {limit:>6.2} {verdict:<5}")?;
        write!(f, "{floor_rate:>11.0} {grantd_rate:>12.0}")
    }
}

/// The line above the rows.
pub(super) const HEAD: &str =
    "alg    floor CPU-s/1k grantd CPU-s/1k   ratio  limit      floor req/s grantd req/s";

/// The middle one, or the mean of the two in the middle.
pub(super) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.as_slice() {
        [] => 0.0,
        all if all.len() % 2 == 1 => all[half],
        all => f64::midpoint(all[half - 1], all[half]),
    }
}

fn verdict(is_over: bool) -> &'static str {
    if is_over { "OVER" } else { "ok" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(alg: &str, pairs: &[(f64, f64)]) -> Row {
        let cost = |cpu_per_thousand| Cost { cpu_per_thousand, per_second: 1000.0 };
        let rounds = pairs.iter().map(|&(floor, grantd)| (cost(floor), cost(grantd))).collect();
        Row { alg: alg.to_owned(), rounds }
    }

    #[test]
    fn the_ratio_is_the_median_of_the_rounds() {
        let row = row("ES256", &[(1.0, 1.1), (2.0, 2.3), (1.0, 9.0)]);
        assert!((row.ratio() - 1.15).abs() < 1e-9);
        assert!(!row.is_over());
    }

    #[test]
    fn rsa_has_the_tighter_limit() {
        assert!(row("RS256", &[(1.0, 1.1)]).is_over());
        assert!(!row("EdDSA", &[(1.0, 1.1)]).is_over());
        assert!(!row("opaque", &[(1.0, 1.9)]).is_over());
    }

    #[test]
    fn a_median_of_two_is_their_mean() {
        assert!((median(vec![3.0, 1.0]) - 2.0).abs() < 1e-9);
        assert!(median(Vec::new()).abs() < 1e-9);
    }
}
