//! What runs on the machine when a package comes, is replaced, or goes.
//!
//! They make users and folders by sysusers.d and tmpfiles.d, tell systemd about units, start a running
//! daemon anew after an upgrade (its sockets stay open, so nobody is refused), and never touch what an
//! administrator wrote. An older package than the one installed is refused: it might not know the
//! records that the newer one wrote.

use crate::describe::Package;

use super::Release;

/// Scripts of a `.deb`, by their names in DEBIAN/.
pub(super) fn deb(package: &Package, release: &Release) -> Vec<(&'static str, String)> {
    let name = &package.name;
    let units = package.units();
    if units.is_empty() {
        return Vec::new();
    }
    let list = units.join(" ");
    let mut scripts = Vec::new();
    if package.is_daemon {
        scripts.push((
            "preinst",
            script(&format!(
                "if [ \"$1\" = upgrade ] && dpkg --compare-versions \"$2\" gt \"{full}\"; then\n\
                 {refusal}\
                 fi\n",
                full = release.full(),
                refusal = refusal(name, "$2", &release.full()),
            )),
        ));
    }
    let tmpfiles = match package.is_daemon {
        true => "",
        false => "    systemd-tmpfiles --create roost.conf || true\n",
    };
    let sysusers = match package.is_daemon {
        true => format!("{name}.conf"),
        false => "roost.conf".to_owned(),
    };
    let restart = match package.is_daemon {
        true => format!(
            "        if [ -n \"$2\" ]; then\n\
             \x20           deb-systemd-invoke try-restart {name}.service >/dev/null || true\n\
             \x20       elif [ -e /etc/roost/roost.toml ]; then\n\
             \x20           deb-systemd-invoke start {list} >/dev/null || true\n\
             \x20       fi\n"
        ),
        false => String::new(),
    };
    scripts.push((
        "postinst",
        script(&format!(
            "if [ \"$1\" = configure ] || [ \"$1\" = abort-upgrade ] || [ \"$1\" = abort-deconfigure ] || [ \"$1\" = abort-remove ]; then\n\
             \x20   systemd-sysusers {sysusers}\n\
             {tmpfiles}\
             \x20   for unit in {list}; do\n\
             \x20       deb-systemd-helper unmask \"$unit\" >/dev/null || true\n\
             \x20       # What an administrator switched off stays off.\n\
             \x20       if deb-systemd-helper --quiet was-enabled \"$unit\"; then\n\
             \x20           deb-systemd-helper enable \"$unit\" >/dev/null || true\n\
             \x20       else\n\
             \x20           deb-systemd-helper update-state \"$unit\" >/dev/null || true\n\
             \x20       fi\n\
             \x20   done\n\
             \x20   if [ -d /run/systemd/system ]; then\n\
             \x20       systemctl --system daemon-reload >/dev/null || true\n\
             {restart}\
             \x20   fi\n\
             fi\n"
        )),
    ));
    scripts.push((
        "prerm",
        script(&format!(
            "if [ \"$1\" = remove ] && [ -d /run/systemd/system ]; then\n\
             \x20   deb-systemd-invoke stop {list} >/dev/null || true\n\
             fi\n"
        )),
    ));
    let kept = match &package.state {
        Some(state) => format!(
            "    if [ -d /var/lib/roost/{state} ]; then\n\
             \x20       echo \"{name}: /var/lib/roost/{state} is kept; delete it if you are sure\" >&2\n\
             \x20   fi\n"
        ),
        None if package.is_daemon => String::new(),
        None => "    if [ -e /etc/roost/roost.toml ]; then\n\
             \x20       echo \"roost-core: /etc/roost is kept, with its secrets; delete it if you are sure\" >&2\n\
             \x20   fi\n"
            .to_owned(),
    };
    scripts.push((
        "postrm",
        script(&format!(
            "if [ -d /run/systemd/system ]; then\n\
             \x20   systemctl --system daemon-reload >/dev/null || true\n\
             fi\n\
             if [ \"$1\" = remove ] && command -v deb-systemd-helper >/dev/null; then\n\
             \x20   deb-systemd-helper mask {list} >/dev/null || true\n\
             fi\n\
             if [ \"$1\" = purge ]; then\n\
             \x20   if command -v deb-systemd-helper >/dev/null; then\n\
             \x20       deb-systemd-helper purge {list} >/dev/null || true\n\
             \x20       deb-systemd-helper unmask {list} >/dev/null || true\n\
             \x20   fi\n\
             {kept}\
             fi\n"
        )),
    ));
    scripts
}

fn script(body: &str) -> String {
    format!("#!/bin/sh\nset -e\n\n{body}\nexit 0\n")
}

fn refusal(name: &str, found: &str, offered: &str) -> String {
    format!(
        "    echo \"{name}: {found} is installed, {offered} is older: it may not read what the newer one wrote.\" >&2\n\
         \x20   echo \"{name}: nothing was changed. To go back, restore a backup from before the upgrade.\" >&2\n\
         \x20   exit 1\n"
    )
}

/// Scriptlets of an `.rpm`, as its spec has them.
pub(super) fn rpm(package: &Package, release: &Release) -> String {
    let name = &package.name;
    let units = package.units();
    if units.is_empty() {
        return String::new();
    }
    let list = units.join(" ");
    let mut text = String::new();
    if package.is_daemon {
        text.push_str(&format!(
            "%pre\n\
             found=$(rpm -q --qf '%%{{VERSION}}-%%{{RELEASE}}' {name} 2>/dev/null || :)\n\
             newest=$(printf '%%s\\n' \"$found\" {full} | sort -V | tail -n 1)\n\
             if [ \"$1\" -gt 1 ] && [ -n \"$found\" ] && [ \"$newest\" != {full} ]; then\n\
             {refusal}\
             fi\n\
             exit 0\n\n",
            full = release.full(),
            refusal = refusal(name, "$found", &release.full()),
        ));
    }
    let setup = match package.is_daemon {
        true => format!("systemd-sysusers {name}.conf >/dev/null 2>&1 || :\n"),
        false => "systemd-sysusers roost.conf >/dev/null 2>&1 || :\n\
                  systemd-tmpfiles --create roost.conf >/dev/null 2>&1 || :\n"
            .to_owned(),
    };
    text.push_str(&format!(
        "%post\n\
         {setup}\
         if [ -d /run/systemd/system ]; then\n\
         \x20   systemctl daemon-reload >/dev/null 2>&1 || :\n\
         fi\n\
         if [ \"$1\" -eq 1 ]; then\n\
         \x20   # The distribution's or the image's policy decides; `roostctl setup` enables.\n\
         \x20   systemctl --no-reload preset {list} >/dev/null 2>&1 || :\n\
         fi\n\n\
         %preun\n\
         if [ \"$1\" -eq 0 ]; then\n\
         \x20   systemctl --no-reload disable --now {list} >/dev/null 2>&1 || :\n\
         fi\n\n\
         %postun\n\
         if [ -d /run/systemd/system ]; then\n\
         \x20   systemctl daemon-reload >/dev/null 2>&1 || :\n\
         fi\n"
    ));
    if package.is_daemon {
        text.push_str(&format!(
            "if [ \"$1\" -ge 1 ]; then\n\
             \x20   systemctl try-restart {name}.service >/dev/null 2>&1 || :\n\
             fi\n"
        ));
    }
    text
}
