//! A chromedriver process, and the browsers that it starts.

use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

/// A running chromedriver; it ends with this value, and so do its browsers.
#[derive(Debug)]
pub(crate) struct Driver {
    pub(crate) address: String,
    child: Child,
    /// Waits for the end of this program, however it comes: chromedriver, killed, would leave its
    /// browsers behind.
    reaper: Child,
    _home: TempDir,
}

impl Driver {
    pub(crate) fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new("chromedriver");
        command.env("HOME", home.path()).env("TMPDIR", home.path());
        command.arg("--port=0").stdout(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("apt-get install chromium chromium-driver");
        let script = format!("cat; kill -9 -{}", child.id());
        let mut reaper = Command::new("sh");
        reaper.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::null()).process_group(0);
        let reaper = reaper.spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let port = said.find_map(|line| {
            let rest = line.split_once("successfully on port ")?.1;
            rest.trim_end_matches('.').parse::<u16>().ok()
        });
        let address = format!("http://127.0.0.1:{}", port.expect("chromedriver says its port"));
        Self { address, child, reaper, _home: home }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        drop(self.reaper.stdin.take());
        // What has ended by itself need not be waited for.
        let _ = self.reaper.wait();
        let _ = self.child.wait();
    }
}
