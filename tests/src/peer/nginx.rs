//! nginx with its mail module, as a proxy in front of our stores.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::server::{Server, free_port};
use crate::Suite;

const MODULE: &str = "/usr/lib/nginx/modules/ngx_mail_module.so";

/// An nginx that asks the suite's route lookup.
#[derive(Debug)]
pub struct Nginx {
    /// Where it speaks IMAP.
    pub imap: u16,
    /// Where it speaks POP3.
    pub pop3: u16,
    _server: Server,
}

impl Nginx {
    /// Starts it.
    #[track_caller]
    pub fn start(suite: &Suite) -> Self {
        let (imap, pop3, lookup) = (free_port(), free_port(), suite.port("lookup"));
        let folder = suite.scratch().join("nginx");
        fs::create_dir_all(&folder).unwrap();
        let config = format!(
            "load_module {MODULE};\n\
             daemon off;\nmaster_process off;\npid {pid};\nerror_log {log} info;\n\
             events {{ worker_connections 256; }}\n\
             mail {{\n\
               server_name localhost;\n\
               auth_http 127.0.0.1:{lookup}/service/extension/nginx-lookup;\n\
               proxy_pass_error_message on;\n\
               server {{ listen 127.0.0.1:{imap}; protocol imap; }}\n\
               server {{ listen 127.0.0.1:{pop3}; protocol pop3; }}\n\
             }}\n",
            pid = folder.join("pid").display(),
            log = folder.join("log").display(),
        );
        let file: PathBuf = folder.join("nginx.conf");
        fs::write(&file, config).unwrap();
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-c").arg(&file).arg("-p").arg(&folder);
        Self {
            imap,
            pop3,
            _server: Server::start(command, imap),
        }
    }
}
