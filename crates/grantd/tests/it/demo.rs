//! The demo: every printed line does what its title says when it is pasted.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use url::Url;

use super::{through_apps::yes, visitor::Visitor};

/// A demo, and what it says.
fn demo() -> (Child, Vec<String>) {
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
    (demo, lines)
}

fn begins<'a>(lines: &'a [String], with: &str) -> &'a str {
    lines.iter().find(|line| line.starts_with(with)).unwrap()
}

#[test]
fn a_person_lets_the_demo_s_app_act_and_its_lines_work_as_they_are() {
    let (mut demo, lines) = demo();
    let address = Url::parse(begins(&lines, "http")).unwrap();
    let password = begins(&lines, "It sends people here").split("password ").nth(1).unwrap();
    let password = password.split(',').next().unwrap();
    let mut teacher = Visitor::at(address.socket_addrs(|| None).unwrap()[0]);
    assert_eq!(teacher.sign_in("teacher", password).status, 303);
    let page = teacher.get(&format!("{}?{}", address.path(), address.query().unwrap())).text();
    assert!(page.contains("See the list of schools"), "{page}");
    let back = teacher.post("/oauth/consent", &yes(&page));
    let back = Url::parse(back.header("location").unwrap()).unwrap();
    let page = teacher.get(&format!("{}?{}", back.path(), back.query().unwrap()));
    assert_eq!(page.header("content-type"), Some("text/plain; charset=utf-8"));
    let page = page.text();
    let pasted =
        page.lines().filter(|line| line.starts_with("curl") || line.starts_with("TOKENS="));
    let pasted: String = pasted.map(|line| format!("{line}\necho; echo @@@\n")).collect();
    let script = format!("{}\n{pasted}", begins(&lines, "APP_SECRET="));
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    demo.kill().unwrap();
    demo.wait().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let parts: Vec<_> = said.split("@@@").collect();
    assert!(parts[0].contains(r#""scope":"view_schools""#), "{said}");
    assert!(parts[1].contains("Hillside School") && !parts[1].contains(r#""user":null"#), "{said}");
    assert!(parts[2].contains(r#""refresh_token":"grt_"#), "{said}");
    assert_eq!(parts.len(), 4, "{said}");
}

#[test]
fn every_line_of_the_demo_works_as_it_is() {
    let (mut demo, lines) = demo();
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
