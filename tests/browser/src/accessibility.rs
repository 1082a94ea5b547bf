//! What axe-core says of a page.

use std::{fs, sync::LazyLock};

use serde_json::{Value, json};

use crate::{Browser, target};

static AXE: LazyLock<String> = LazyLock::new(|| {
    let path = target().join("browser/node_modules/axe-core/axe.min.js");
    fs::read_to_string(path).expect("cargo xtask browser fetches axe-core")
});

impl Browser {
    /// Fails if axe-core finds anything wrong with the page as it is now, or the page is wider than its
    /// window.
    pub async fn is_accessible(&self) {
        let place = self.path().await;
        if self.run("return typeof axe", json!(null)).await != json!("object") {
            self.run(&AXE, json!(null)).await;
        }
        let ask =
            "const done = arguments[1]; axe.run().then(found => done(found.violations), done)";
        let found = self.page.execute_async(ask, vec![json!(null)]).await.unwrap();
        let violations = found.json().as_array().unwrap_or_else(|| panic!("{:?}", found.json()));
        let said: Vec<_> = violations.iter().map(brief).collect();
        assert!(said.is_empty(), "axe-core on {place}:\n{}", said.join("\n"));

        let wide = "return document.documentElement.scrollWidth - innerWidth";
        let wide = self.run(wide, json!(null)).await.as_i64().unwrap();
        assert!(wide <= 0, "{place} is {wide} px wider than its window");
    }
}

fn brief(violation: &Value) -> String {
    let nodes = violation["nodes"].as_array().into_iter().flatten();
    let places: Vec<_> =
        nodes.map(|node| format!("  {} {}", node["html"], node["failureSummary"])).collect();
    format!("{}: {}\n{}", violation["id"], violation["help"], places.join("\n"))
}
