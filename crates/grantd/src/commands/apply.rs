//! `grantd apply`: makes the server what a file says, or shows what that would change.

use std::{fs::File, io::Read, sync::Arc};

use anyhow::{Context, Result, anyhow, bail};
use grantd_core::{CredentialId, Secret, SecretHasher};
use grantd_issuer::{CommandError, Memory, Registrar, Registry};
use serde_json::{Value, json};

use super::{issuer, operator};
use crate::{
    cli::Apply,
    declaration::{Declaration, MAX_LENGTH, Problem, read},
    output::{Output, warn},
    plan::{Change, Done, Plan, State, Step, plan},
    settings::Settings,
};

/// How many problems are told at once.
const READABLE: usize = 50;

pub(super) async fn run(options: Apply, settings: &Settings, output: Output) -> Result<()> {
    let name = if options.is_stdin() { "standard input" } else { &*options.file.to_string_lossy() };
    let refuse = |problems: Vec<Problem>| refusal(name, &problems);
    let declaration = read(&contents(&options, name)?).map_err(refuse)?;
    let registrar = Registrar::new(registry(&options, settings).await?).issuer(&issuer(settings)?);
    let state = state(&registrar, &declaration).await?;
    let plan = plan(&state, &declaration).map_err(refuse)?;
    // Seen before the first change, and by a dry run too.
    for api in plan.changes.iter().filter_map(Change::new_api) {
        registrar.check_new_api(api)?;
    }
    for text in &plan.warnings {
        warn(text);
    }
    if options.dry_run {
        return show(&plan, output);
    }
    // Asked for before the first change, and only where a client is to be made.
    let new_client = plan.changes.iter().any(Change::makes_a_client);
    let key = new_client.then(|| settings.secret_key()).transpose()?;
    let hasher = key.map(|key| key.secret_hasher());
    Work { registrar, hasher, output, done: 0, secrets: Vec::new() }.carry_out(&plan).await
}

/// The file's text, of a bounded size.
fn contents(options: &Apply, name: &str) -> Result<String> {
    let mut bytes = Vec::new();
    let limit = MAX_LENGTH as u64 + 1;
    let length = if options.is_stdin() {
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)
    } else {
        File::open(&options.file).and_then(|file| file.take(limit).read_to_end(&mut bytes))
    };
    if length.with_context(|| format!("cannot read {name}"))? > MAX_LENGTH {
        bail!("{name} is larger than 1 MiB: split it, each part can be applied by itself");
    }
    String::from_utf8(bytes).map_err(|_| anyhow!("{name} is not UTF-8 text: TOML is"))
}

/// Where the state is. A dry run makes no database and migrates none.
async fn registry(options: &Apply, settings: &Settings) -> Result<Arc<dyn Registry>> {
    let database = settings.database()?;
    if !options.dry_run {
        return Ok(database.open().await?);
    }
    match database.open_unchanged().await? {
        Some(store) => Ok(store),
        None => Ok(Arc::new(Memory::default())),
    }
}

async fn state(registrar: &Registrar, declaration: &Declaration) -> Result<State> {
    let mut clients = Vec::new();
    for stated in &declaration.clients {
        match registrar.client(stated.what.wanted.id.as_str()).await {
            Ok(client) => clients.push(client),
            Err(CommandError::ClientUnknown(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(State {
        apis: registrar.apis().await?,
        permissions: registrar.permissions().await?,
        roles: registrar.roles().await?,
        clients,
    })
}

/// Every problem is said, or as many as somebody may want to read; the last as the error itself.
fn refusal(file: &str, problems: &[Problem]) -> anyhow::Error {
    let shown = problems.iter().take(READABLE);
    let mut lines: Vec<_> = shown.map(|problem| problem.in_file(file)).collect();
    let last = lines.pop().unwrap_or_default();
    for line in &lines {
        warn(line);
    }
    match problems.len() - lines.len() {
        0 | 1 => anyhow!("{last}; nothing was changed"),
        more => anyhow!("{last}; and {} more like these; nothing was changed", more - 1),
    }
}

fn show(plan: &Plan, output: Output) -> Result<()> {
    let document = json!({
        "changes": plan.changes.iter().map(|change| change.to_json(Done::No)).collect::<Vec<_>>(),
        "applied": false,
        "secrets": [],
        "warnings": plan.warnings,
    });
    output.answer(&document, || {
        let lines: String = plan.changes.iter().map(|change| format!("{change}\n")).collect();
        match plan.changes.len() {
            0 => "nothing to change\n".to_owned(),
            count => format!("{lines}{}; nothing was written (dry run)\n", counted(count)),
        }
    })
}

fn counted(changes: usize) -> String {
    if changes == 1 { "1 change".to_owned() } else { format!("{changes} changes") }
}

/// The carrying out of a plan.
struct Work {
    registrar: Registrar,
    hasher: Option<SecretHasher>,
    output: Output,
    done: usize,
    secrets: Vec<Value>,
}

impl Work {
    /// Change by change. Whatever breaks off, the next run does the rest; so what was done, and the
    /// secrets that were made, are told in any case.
    async fn carry_out(mut self, plan: &Plan) -> Result<()> {
        let outcome = self.all(plan).await;
        let done = |at| if at < self.done { Done::Yes } else { Done::No };
        let changes = plan.changes.iter().enumerate();
        let document = json!({
            "changes": changes.map(|(at, change)| change.to_json(done(at))).collect::<Vec<_>>(),
            "applied": outcome.is_ok(),
            "secrets": self.secrets,
            "warnings": plan.warnings,
        });
        self.output.answer(&document, || self.last_line(plan.changes.len()))?;
        outcome
    }

    async fn all(&mut self, plan: &Plan) -> Result<()> {
        for change in &plan.changes {
            let made = self.carry_out_one(&change.step).await;
            let made = made.with_context(|| {
                let done = counted(self.done);
                format!(
                    "{change}: not done, {done} before it stay; correct the cause and apply again"
                )
            })?;
            self.done += 1;
            let secret = made.map(|(id, secret)| (change.name(), id, secret));
            if let Some((client, id, secret)) = &secret {
                self.secrets.push(json!({
                    "client_id": client,
                    "credential_id": id.to_string(),
                    "client_secret": secret.reveal(),
                }));
            }
            // At once, so that a secret is not lost with what may go wrong later.
            self.output.progress(|| {
                let shown =
                    secret.map(|(.., secret)| format!("  client_secret {}\n", secret.reveal()));
                format!("{change}\n{}", shown.unwrap_or_default())
            })?;
        }
        Ok(())
    }

    /// A new client's secret, where one was made.
    async fn carry_out_one(&self, step: &Step) -> Result<Option<(CredentialId, Secret)>> {
        let (registrar, by) = (&self.registrar, &operator());
        match step {
            Step::CreateApi(api) => registrar.create_api(by, api).await?,
            Step::ChangeApi { from, to } => registrar.change_api(by, Some(from), to).await?,
            Step::CreatePermission(entry) => registrar.create_permission(by, entry).await?,
            Step::DescribePermission(entry) => {
                registrar.change_permission(by, None, &entry.name, &entry.description).await?;
            }
            Step::CreateRole(role) => registrar.create_role(by, role).await?,
            Step::ChangeRole { from, to } => {
                registrar.change_role(by, &to.name, Some(from), Some(to)).await?;
            }
            Step::CreateClient(new) => {
                let hasher = self.hasher.as_ref().context("GRANTD_SECRET_KEY is not set")?;
                return Ok(registrar.create_client(by, new.as_ref().clone(), hasher).await?.secret);
            }
            Step::EditClient { id, version, edit } => {
                let edit = edit.as_ref().clone();
                registrar.edit_client(by, id.as_str(), edit, Some(*version)).await?;
            }
        }
        Ok(None)
    }

    fn last_line(&self, planned: usize) -> String {
        let warning = if self.secrets.is_empty() {
            ""
        } else {
            "Store each client_secret above now: it is not shown again.\n"
        };
        match (planned, self.done) {
            (0, _) => "nothing to change\n".to_owned(),
            (_, done) => format!("{warning}{} made\n", counted(done)),
        }
    }
}
