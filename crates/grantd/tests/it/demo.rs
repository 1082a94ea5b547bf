//! The demo: every printed line does what its title says when it is pasted.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

#[test]
fn every_line_of_the_demo_works_as_it_is() {
    let mut demo = Command::new(env!("CARGO_BIN_EXE_grantd"))
        .args(["demo", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = Vec::new();
    for line in BufReader::new(demo.stdout.take().unwrap()).lines().map_while(Result::ok) {
        let last = line.starts_with("Stop it");
        lines.push(line);
        if last {
            break;
        }
    }
    let commands: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("curl") || line.starts_with("TOKEN="))
        .collect();
    assert_eq!(commands.len(), 6, "{lines:?}");
    let console = lines.iter().find(|line| line.starts_with("The console")).unwrap();
    let words: Vec<_> = console.split(' ').collect();
    let (address, name, password) = (words[4], words[8], words[words.len() - 1]);
    let address = address.trim_end_matches("/developer:");
    let login = format!(
        "curl -s -L -c jar -b jar {address}/login -d name={name} -d password={password} -d return_to=/developer"
    );
    let folder = tempfile::tempdir().unwrap();
    let page =
        Command::new("bash").args(["-c", &login]).current_dir(folder.path()).output().unwrap();
    let page = String::from_utf8(page.stdout).unwrap();
    assert!(page.contains("<h1>Start</h1>") && page.contains(name), "{page}");
    let script: String = commands.iter().map(|line| format!("{line}\necho; echo @@@\n")).collect();
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    demo.kill().unwrap();
    demo.wait().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let parts: Vec<_> = said.split("@@@").collect();
    assert!(
        parts[0].contains(r#""token_type":"Bearer","expires_in":3600,"scope":"view_schools""#),
        "{}",
        parts[0]
    );
    assert!(parts[2].contains("Hillside School"), "{}", parts[2]);
    assert!(
        parts[3].contains(" 401 ") && parts[3].to_lowercase().contains("www-authenticate: bearer"),
        "{}",
        parts[3]
    );
    assert!(parts[4].contains(" 403 ") && parts[4].contains("insufficient_scope"), "{}", parts[4]);
    assert!(parts[5].contains(r#""error":"invalid_scope""#), "{}", parts[5]);
}
