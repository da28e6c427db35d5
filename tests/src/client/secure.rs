//! Octets over TLS, by `openssl s_client`: for what no well-behaved client can be made to send.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::Suite;

/// A connection under TLS.
#[derive(Debug)]
pub struct Secure {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Secure {
    /// Connects to a service of the suite and offers `protocol` by ALPN.
    #[track_caller]
    pub fn connect(suite: &Suite, service: &str, protocol: &str) -> Self {
        Self::start(suite, suite.port(service), &["-alpn", protocol])
    }

    /// Connects to a port in the clear and begins TLS as `protocol` has it.
    #[track_caller]
    pub fn starttls(suite: &Suite, protocol: &str, port: u16) -> Self {
        Self::start(suite, port, &["-starttls", protocol])
    }

    fn start(suite: &Suite, port: u16, how: &[&str]) -> Self {
        let mut child = Command::new("openssl")
            .args([
                "s_client",
                "-quiet",
                "-verify_return_error",
                "-servername",
                "localhost",
            ])
            .args(how)
            .arg("-CAfile")
            .arg(suite.ca())
            .args(["-connect", &format!("127.0.0.1:{port}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot start openssl: {error} (make test installs it)")
            });
        Self {
            input: child.stdin.take(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// Says octets, as far as the other side takes them.
    pub fn say(&mut self, octets: impl AsRef<[u8]>) {
        let input = self.input.as_mut().unwrap();
        // Whoever has heard enough hangs up, which is what is asked for.
        let _taken = input
            .write_all(octets.as_ref())
            .and_then(|()| input.flush());
    }

    /// The next line, without its end; empty at the end of the connection.
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Everything up to the end of the connection.
    pub fn rest(mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        self.output.read_to_end(&mut rest).unwrap();
        rest
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        drop(self.input.take());
        if self.child.kill().and_then(|()| self.child.wait()).is_err() {
            println!("openssl did not end");
        }
    }
}
