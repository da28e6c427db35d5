//! dnsmasq as the resolver that a test names.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::server::{Server, free_port};

/// A resolver that knows the records given to it and nothing else.
#[derive(Debug)]
pub struct Dns {
    port: u16,
    _server: Server,
}

impl Dns {
    /// Starts it with lines of dnsmasq's own configuration: `mx-host=outside.test,mx.outside.test,10`,
    /// `host-record=mx.outside.test,127.0.0.1`.
    #[track_caller]
    pub fn start(scratch: &Path, records: &str) -> Self {
        let port = free_port();
        let configuration = scratch.join("dnsmasq.conf");
        let text = format!(
            "port={port}\nlisten-address=127.0.0.1\nbind-interfaces\nno-resolv\nno-hosts\n\
             no-daemon\npid-file=\nuser=root\nlocal=/#/\nlog-queries\nlog-facility=-\n{records}\n"
        );
        fs::write(&configuration, text).unwrap();
        let mut flag = std::ffi::OsString::from("--conf-file=");
        flag.push(&configuration);
        let mut command = Command::new("/usr/sbin/dnsmasq");
        command
            .arg(flag)
            .stderr(fs::File::create(scratch.join("dnsmasq.log")).unwrap());
        Self {
            port,
            _server: Server::start(command, port),
        }
    }

    /// Where it listens (UDP and TCP).
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}
