//! The ledger: no refusal without a transcript that provokes it (or a test, where that takes many requests),
//! no transcript without a case.

use std::collections::HashSet;

use grantd_core::Refusal;

use super::{limits, transcript};

#[test]
fn every_refusal_is_provoked_by_a_transcript() {
    let files = transcript::all();
    let exchanges = files.values().flatten().filter_map(|exchange| exchange.refusal());
    let provoked: HashSet<&str> = exchanges.chain(limits::PROVOKED).collect();
    let missing: Vec<_> = Refusal::ALL
        .iter()
        .map(|refusal| refusal.name())
        .filter(|name| !provoked.contains(name))
        .collect();
    assert!(missing.is_empty(), "no transcript provokes {missing:?}");
    let known: HashSet<&str> = Refusal::ALL.iter().map(|refusal| refusal.name()).collect();
    let unknown: Vec<_> = provoked.difference(&known).collect();
    assert!(unknown.is_empty(), "transcripts name refusals that do not exist: {unknown:?}");
}
