//! What Linux tells of a process, and what is said of many numbers.

use std::{fs, time::Duration};

use anyhow::{Context, Result};

/// Linux counts processor time in hundredths of a second on every machine that we build for.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor seconds of all threads, user and system.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // Fields 14 and 15, counted behind the name in brackets, which may hold blanks.
    let fields = stat.rsplit_once(')').context("a name in brackets")?.1.split_whitespace();
    let ticks: Result<f64, _> = fields.skip(11).take(2).map(str::parse::<f64>).sum();
    Ok(ticks? / TICKS_PER_SECOND)
}

/// Processor seconds of this process, to the nanosecond.
pub(crate) fn own_cpu_seconds() -> f64 {
    let spent = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.unsigned_abs(), spent.tv_nsec.try_into().unwrap_or_default())
        .as_secs_f64()
}

/// Processor seconds that other machines on the same hardware took from this one since its start; 0 on hardware
/// of its own. What is measured in time of day suffers from them.
pub(crate) fn stolen_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let ticks = stat.split_whitespace().nth(8).context("the time stolen from all processors")?;
    Ok(ticks.parse::<f64>()? / TICKS_PER_SECOND)
}

/// Memory of a process in megabytes: `VmRSS` now, `VmHWM` at most so far.
pub(crate) fn memory_mb(pid: u32, what: &str) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':'));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB"));
    Ok(kilobytes.context("memory in kB")?.trim().parse::<f64>()? / 1024.0)
}

/// The value that this share of all is not above; 0.5: the median.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index of a percentile"
    )]
    let index = (values.len().saturating_sub(1) as f64 * share).round() as usize;
    values.get(index).copied().unwrap_or_default()
}

/// A count in thousands.
#[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52")]
pub(crate) fn thousands(count: usize) -> f64 {
    count as f64 / 1000.0
}

/// What was promised, line by line.
#[derive(Default)]
pub(crate) struct Verdict {
    broken: Vec<String>,
}

impl Verdict {
    /// Prints a figure beside its limit.
    pub(crate) fn limit(&mut self, what: &str, (value, unit): (f64, &str), limit: f64) {
        let kept = value <= limit;
        let said = if kept { "ok" } else { "OVER" };
        println!("{what:<46} {value:>9.2} {unit:<3} (limit {limit} {unit}) {said}");
        if !kept {
            self.broken.push(what.to_owned());
        }
    }

    /// An error where anything was over its limit.
    pub(crate) fn end(self) -> Result<()> {
        anyhow::ensure!(self.broken.is_empty(), "over the limit: {}", self.broken.join(", "));
        Ok(())
    }
}

/// Numbers without order, the same in every run.
pub(crate) struct Dice(u64);

impl Default for Dice {
    fn default() -> Self {
        Self(0x2545_F491_4F6C_DD1D)
    }
}

impl Dice {
    /// A number below this one.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).unwrap_or_default() % end
    }
}
