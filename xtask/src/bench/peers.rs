//! grantd beside what others run for the same task, turn by turn on the same machine.

mod install;

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
};

use super::{
    OPAQUE, Plan,
    cost::measure,
    scratch::Scratch,
    server::Server,
    setup::{self, Grantd, member},
    table::median,
    wrk::Load,
};
use crate::failure::{Failure, Outcome};
use install::{PEERS, Peer, SECRET};

/// What is asked of each, and by how much a peer must be dearer than grantd, where that is promised.
const TASKS: [(&str, &[(&str, f64)]); 4] = [
    ("RS256", &[("node-oidc-provider", 1.4)]),
    ("ES256", &[("node-oidc-provider", 7.0)]),
    (OPAQUE, &[("node-oidc-provider", 10.0)]),
    (INTROSPECTION, &[]),
];
/// Of an opaque token.
const INTROSPECTION: &str = "introspection";
/// Every permission of the clients.
const SCOPE: &str = "invoices.read+view_schools";

/// A server under one task, with what it has cost so far.
struct Runner {
    name: &'static str,
    server: Server,
    load: Load,
    costs: Vec<f64>,
}

/// A table for each task; an error where grantd does not keep its distance.
pub(super) fn measure_all(plan: &Plan) -> Outcome {
    for peer in &PEERS {
        peer.install()?;
    }
    let scratch = Scratch::new()?;
    let grantd = Grantd::set_up(&scratch)?;
    let mut broken = Vec::new();
    println!(
        "{:<16}{:<24}{:>14}{:>12}{:>12}",
        "task", "server", "CPU-s/1k", "x grantd", "memory MB"
    );
    for (task, promised) in TASKS {
        let mut runners = runners(task, &scratch, &grantd)?;
        for runner in &runners {
            measure(&runner.server, &runner.load, 2)?;
        }
        for _ in 0..plan.rounds {
            for runner in &mut runners {
                let cost = measure(&runner.server, &runner.load, plan.seconds)?;
                runner.costs.push(cost.cpu_per_thousand);
            }
        }
        let own = runners.iter().find(|runner| runner.name == "grantd");
        let own = own.map(|own| own.costs.clone()).unwrap_or_default();
        for runner in &runners {
            let ratios = runner.costs.iter().zip(&own).map(|(theirs, ours)| theirs / ours);
            let ratio = median(ratios.collect());
            let cost = median(runner.costs.clone());
            let memory = runner.server.resident_mb()?;
            println!("{task:<16}{:<24}{cost:>14.4}{ratio:>12.2}{memory:>12.0}", runner.name);
            let least = promised.iter().find(|(name, _)| *name == runner.name);
            if let Some((name, least)) = least.filter(|(_, least)| ratio < *least) {
                broken.push(format!("{task}: {name} costs {ratio:.2} x grantd, not {least} x"));
            }
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(Failure::broken(broken.join("; "))) }
}

fn runners(task: &'static str, scratch: &Scratch, grantd: &Grantd<'_>) -> Outcome<Vec<Runner>> {
    let mut runners = Vec::new();
    let mut add = |name, server, load| runners.push(Runner { name, server, load, costs: vec![] });
    if task == INTROSPECTION {
        let token = grantd.form(OPAQUE)?;
        let reader = grantd.credentials("reader --serves default")?;
        let server = grantd.serve()?;
        let token = token_of(&server, "/oauth/token", &token)?;
        let form = format!("{reader}&token={token}");
        add("grantd", server, Load::at("/oauth/introspect", scratch, "introspect", &form)?);
    } else {
        let load = Load::new(scratch, task, &grantd.form(task)?)?;
        add("floor", setup::floor(scratch, task)?, Load::new(scratch, "floor", "")?);
        add("grantd", grantd.serve()?, load);
    }
    let client = format!("client_id=bench&client_secret={SECRET}");
    let ask = format!("grant_type=client_credentials&{client}&scope={SCOPE}");
    for peer in PEERS.iter().filter(|peer| peer.tasks.contains(&task)) {
        let Peer { name, token_path, .. } = *peer;
        let script = format!("{name}-{task}");
        let server = peer.start(if task == INTROSPECTION { OPAQUE } else { task }, scratch)?;
        let load = if task == INTROSPECTION {
            let token = token_of(&server, token_path, &ask)?;
            let form = format!("{client}&token={token}");
            Load::at("/token/introspection", scratch, &script, &form)?
        } else {
            Load::at(token_path, scratch, &script, &ask)?
        };
        add(name, server, load.by(peer.connections));
    }
    Ok(runners)
}

/// A token by this form.
fn token_of(server: &Server, path: &str, form: &str) -> Outcome<String> {
    let ask = || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port))?;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n",
            server.port,
            form.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(form.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = ask().map_err(|error| Failure::broken(error.to_string()))?;
    let token = member(&answer, "access_token").map(str::to_owned);
    token.ok_or_else(|| Failure::broken(format!("no token: {answer}")))
}
