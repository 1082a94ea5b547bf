//! Measures what grantd promises of revocation and of large numbers, on the real binary.
//!
//! `promises revocation GRANTD [GUARDS] [REVOCATIONS]`, `promises clients GRANTD [CLIENTS]`,
//! `promises console GRANTD [CLIENTS]`, `promises guard GRANTD`, `promises nodes GRANTD`,
//! `promises overload GRANTD [SECONDS]`, `promises sizes GRANTD` or `promises tokens GRANTD [TOKENS]`;
//! each ends with an error where a promise is not kept.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

mod clients;
mod console;
mod crowd;
mod guard;
mod http;
mod lists;
mod load;
mod measured;
mod nodes;
mod overload;
mod revocation;
mod server;
mod sizes;
mod storm;
mod tokens;
mod town;

use anyhow::{Context, Result, bail};
use tokio::runtime::Builder;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [what, binary, numbers @ ..] = words.as_slice() else {
        bail!(
            "usage: promises revocation|clients|console|guard|nodes|overload|sizes|tokens GRANTD [NUMBER]…"
        );
    };
    let mut numbers = numbers.iter();
    let mut number = |usual: usize| {
        numbers.next().map_or(Ok(usual), |word| word.parse().context("a number is expected"))
    };
    // One thread for the load: the other processor is the server's.
    let alone = || Builder::new_current_thread().enable_all().build();
    let everywhere = || Builder::new_multi_thread().enable_all().build();
    match what.as_str() {
        "revocation" => {
            everywhere()?.block_on(revocation::measure(binary, number(100)?, number(200)?))
        }
        "clients" => alone()?.block_on(clients::measure(binary, number(100_000)?)),
        "console" => alone()?.block_on(console::measure(binary, number(100_000)?)),
        "guard" => alone()?.block_on(guard::measure(binary)),
        "nodes" => everywhere()?.block_on(nodes::measure(binary)),
        "sizes" => alone()?.block_on(sizes::measure(binary)),
        "overload" => alone()?.block_on(overload::measure(binary, number(10)?)),
        "tokens" => alone()?.block_on(tokens::measure(binary, number(1_000_000)?)),
        other => bail!("there is no measure {other}"),
    }
}
