//! Debian's nginx: with its mail module IMAP over TLS in front of our store, found by route lookup;
//! and HTTPS with static files, whose descriptors it keeps.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use roost_kit::config::CertificateFiles;

use super::child::{Child, free_port, local};
use crate::measure::Tree;

const MODULE: &str = "/usr/lib/nginx/modules/ngx_mail_module.so";

/// A running nginx.
#[derive(Debug)]
pub(crate) struct Nginx {
    child: Child,
    imaps: u16,
    https: u16,
}

impl Nginx {
    /// Starts it with a worker a core, a cache of TLS sessions, and no access to anything but
    /// `lookup`.
    pub(crate) async fn start(
        scratch: &Path,
        certificate: &CertificateFiles,
        lookup: SocketAddr,
        files: &Path,
    ) -> anyhow::Result<Self> {
        let folder = scratch.join("nginx");
        fs::create_dir_all(&folder)?;
        let (imaps, https) = (free_port()?, free_port()?);
        let config = format!(
            "load_module {MODULE};\n\
             user root;\ndaemon off;\nworker_processes auto;\nworker_rlimit_nofile 65536;\n\
             pid {pid};\nerror_log {log} info;\n\
             events {{ worker_connections 65536; }}\n\
             mail {{\n\
               server_name localhost;\n\
               auth_http {lookup}/service/extension/nginx-lookup;\n\
               ssl_certificate {chain};\n\
               ssl_certificate_key {key};\n\
               ssl_protocols TLSv1.3;\n\
               ssl_session_cache shared:SSL:20m;\n\
               ssl_session_timeout 1h;\n\
               timeout 1h;\n\
               server {{ listen 127.0.0.1:{imaps} ssl backlog=1024; protocol imap; }}\n\
             }}\n\
             http {{\n\
               default_type text/plain;\n\
               access_log {access};\n\
               ssl_certificate {chain};\n\
               ssl_certificate_key {key};\n\
               ssl_protocols TLSv1.3;\n\
               open_file_cache max=1000;\n\
               sendfile on; tcp_nopush on;\n\
               keepalive_requests 100000000;\n\
               add_header X-Content-Type-Options nosniff;\n\
               add_header X-Frame-Options SAMEORIGIN;\n\
               add_header Referrer-Policy same-origin;\n\
               add_header Strict-Transport-Security max-age=31536000;\n\
               server {{ listen 127.0.0.1:{https} ssl http2 backlog=1024; root {files}; }}\n\
             }}\n",
            access = folder.join("access").display(),
            files = files.display(),
            pid = folder.join("pid").display(),
            log = folder.join("log").display(),
            chain = certificate.certificate.display(),
            key = certificate.key.display(),
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, config)?;
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-c").arg(&file).arg("-p").arg(&folder);
        let log = folder.join("output");
        let child = Child::start(command, "nginx", &log, imaps).await?;
        Ok(Self {
            child,
            imaps,
            https,
        })
    }

    /// Where it speaks IMAP over TLS.
    pub(crate) fn imaps(&self) -> SocketAddr {
        local(self.imaps)
    }

    /// Where it speaks HTTPS.
    pub(crate) fn https(&self) -> SocketAddr {
        local(self.https)
    }

    /// Its processes.
    pub(crate) fn tree(&self) -> Tree {
        Tree::new([self.child.pid()])
    }
}
