//! Prometheus, as Debian packages it, and its checker.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::server::{Server, free_port};
use crate::{Run, wait_for};

/// Where the files are that we ship for it.
pub fn monitoring_files() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/monitoring")
}

/// A Prometheus with our rules, which collects every second.
#[derive(Debug)]
pub struct Prometheus {
    port: u16,
    _server: Server,
}

impl Prometheus {
    /// Collects from these ports of this machine as the job `roost`.
    #[track_caller]
    pub fn start(scratch: &Path, ports: &[u16]) -> Self {
        let folder = scratch.join("prometheus");
        fs::create_dir_all(&folder).unwrap();
        let rules = monitoring_files().join("roost-alerts.yml");
        let targets: Vec<String> = ports
            .iter()
            .map(|port| format!("'127.0.0.1:{port}'"))
            .collect();
        let configuration = format!(
            "global: {{scrape_interval: 1s, evaluation_interval: 1s}}\nrule_files: ['{}']\n\
             scrape_configs: [{{job_name: roost, static_configs: [{{targets: [{}]}}]}}]\n",
            rules.display(),
            targets.join(", ")
        );
        let file = folder.join("prometheus.yml");
        fs::write(&file, configuration).unwrap();
        let port = free_port();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--log.level=warn")
            .current_dir(&folder);
        let server = Server::start(command, port);
        // Its port answers before it has read its own files.
        wait_for("Prometheus to be ready", Duration::from_secs(60), || {
            let ready = Run::new("curl")
                .args(["--silent", "--fail", "--max-time", "10"])
                .arg(format!("http://127.0.0.1:{port}/-/ready"))
                .finish();
            ready.success().then_some(())
        });
        Self {
            port,
            _server: server,
        }
    }

    /// What a query finds now: an array of series.
    #[track_caller]
    pub fn query(&self, expression: &str) -> Value {
        let answer = self
            .ask("query")
            .args(["--data-urlencode", &format!("query={expression}")])
            .ok_text();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(answer["status"], "success", "{expression}: {answer}");
        answer["data"]["result"].clone()
    }

    /// Every rule with its health.
    #[track_caller]
    pub fn rules(&self) -> Vec<Value> {
        let answer: Value = serde_json::from_str(&self.ask("rules").ok_text()).unwrap();
        let groups = answer["data"]["groups"].as_array().unwrap().iter();
        groups
            .flat_map(|group| group["rules"].as_array().unwrap().clone())
            .collect()
    }

    fn ask(&self, what: &str) -> Run {
        Run::new("curl")
            .args(["--silent", "--max-time", "30", "--get"])
            .arg(format!("http://127.0.0.1:{}/api/v1/{what}", self.port))
    }
}
