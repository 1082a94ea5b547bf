//! What Linux tells of a server's processes: itself, and those that it started.

use std::{fs, path::PathBuf};

use crate::{
    failure::{Failure, Outcome},
    run,
};

/// Linux counts processor time in hundredths of a second on every machine that we build for.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process, by its number.
#[derive(Clone, Copy)]
pub(super) struct Process(u32);

/// This one and all that came of it.
pub(super) fn of(first: u32) -> Outcome<Vec<Process>> {
    let mut found = vec![first];
    let entries = fs::read_dir("/proc").map_err(|error| Failure::broken(error.to_string()))?;
    let mut parents: Vec<(u32, u32)> = Vec::new();
    for entry in entries.flatten() {
        let id = entry.file_name().to_str().and_then(|name| name.parse().ok());
        // One that ended meanwhile is nobody's.
        let stat = id.and_then(|id: u32| fs::read_to_string(format!("/proc/{id}/stat")).ok());
        parents.extend(id.zip(stat.as_deref().and_then(parent)));
    }
    // A child has a higher number than its parent, but for the rare turn of the numbers.
    parents.sort_unstable();
    for (id, parent) in parents {
        if found.contains(&parent) && id != first {
            found.push(id);
        }
    }
    Ok(found.into_iter().map(Process).collect())
}

impl Process {
    pub(super) fn cpu_seconds(self) -> Outcome<f64> {
        Ok(self.read("stat", ticks)? / TICKS_PER_SECOND)
    }

    pub(super) fn resident_mb(self) -> Outcome<f64> {
        Ok(self.read("status", resident_kb)? / 1024.0)
    }

    /// Ends it, if it has not ended by itself.
    pub(super) fn end(self) {
        run::succeeds(run::command("kill -KILL").arg(self.0.to_string()));
    }

    fn read(self, file: &str, what: impl Fn(&str) -> Option<f64>) -> Outcome<f64> {
        let path = PathBuf::from(format!("/proc/{}/{file}", self.0));
        let text = fs::read_to_string(&path).map_err(Failure::at(&path))?;
        what(&text).ok_or_else(|| Failure::broken(format!("{} reads otherwise", path.display())))
    }
}

/// The fields from the third on, counted after the name in brackets, which may hold blanks.
fn fields(stat: &str) -> Option<impl Iterator<Item = &str>> {
    Some(stat.rsplit_once(')')?.1.split_whitespace())
}

fn parent(stat: &str) -> Option<u32> {
    fields(stat)?.nth(1)?.parse().ok()
}

/// Fields 14 and 15.
fn ticks(stat: &str) -> Option<f64> {
    let mut fields = fields(stat)?.skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn resident_kb(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_user_and_system_and_the_parent_is_the_fourth_field() {
        let stat = "12 (a (b) c) S 1 12 12 0 -1 4194304 200 0 0 0 150 25 0 0 20 0 3 0 100 1 2";
        assert_eq!((ticks(stat), parent(stat)), (Some(175.0), Some(1)));
        assert_eq!(ticks("12 (a) S"), None);
    }

    #[test]
    fn resident_memory_is_read_in_kilobytes() {
        assert_eq!(resident_kb("Name:\ta\nVmRSS:\t   11264 kB\n"), Some(11264.0));
        assert_eq!(resident_kb("Name:\ta\n"), None);
    }

    #[test]
    fn a_child_is_found_below_its_parent() {
        let mut child = run::command("sleep 30").spawn().unwrap();
        let found = of(std::process::id()).unwrap();
        assert!(found.iter().any(|process| process.0 == child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
