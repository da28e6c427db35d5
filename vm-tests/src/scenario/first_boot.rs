//! How a machine learns who it is.

use anyhow::ensure;

use crate::lab::Lab;
use crate::mail::{ADMINISTRATOR, DOMAIN, HOST, PASSWORD, READY_PATIENCE, Reader};
use crate::smtp::{self, Outcome};
use crate::vm::{Firmware, Machine};

/// The OVF environment as vSphere hands it over.
pub(super) fn environment(host: &str) -> String {
    let property = |key: &str, value: &str| {
        format!("    <Property oe:key=\"guestinfo.{key}\" oe:value=\"{value}\"/>\n")
    };
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Environment xmlns=\"http://schemas.dmtf.org/ovf/environment/1\"\n    \
         xmlns:oe=\"http://schemas.dmtf.org/ovf/environment/1\">\n  <PropertySection>\n{}{}{}{}  \
         </PropertySection>\n</Environment>\n",
        property("hostname", host),
        property("roost.maildomain", DOMAIN),
        property("admin_password", PASSWORD),
        property("ipaddress", ""),
    )
}

/// By NoCloud, started by a BIOS.
pub(super) fn cloud_init_on_bios(lab: &Lab) -> anyhow::Result<()> {
    let user = format!(
        "#cloud-config\nfqdn: {HOST}\nssh_authorized_keys:\n  - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA test\n\
         roost:\n  domain: {DOMAIN}\n  password: {PASSWORD}\n"
    );
    let disc = lab.disc(
        "cidata",
        &[
            ("user-data", user),
            ("meta-data", "instance-id: test\n".to_owned()),
        ],
    )?;
    let machine = Machine::new(lab, "bios", 2)?
        .with_disc(disc)
        .with_firmware(Firmware::Bios);
    let vm = machine.boot()?;
    let reader = Reader::new(lab, &vm)?;
    ensure!(vm.run("hostname")?.trim() == HOST);
    ensure!(
        vm.run("cat /root/.ssh/authorized_keys")?
            .contains("ssh-ed25519 AAAAC3")
    );
    ensure!(smtp::send(vm.port("smtp"), ADMINISTRATOR, "over-bios") == Outcome::Accepted);
    reader.wait_count(1)?;
    vm.power_off()
}

/// Nobody told it anything: the console asks.
pub(super) fn console_wizard(lab: &Lab) -> anyhow::Result<()> {
    let machine = Machine::new(lab, "wizard", 3)?;
    let vm = machine.boot()?;
    vm.wait_console("State: not set up")?;
    vm.type_in("1\n")?;
    vm.wait_console("Host name, as others look it up")?;
    // A wrong answer is named, and asked again.
    vm.type_in("mail\n")?;
    vm.wait_console("is no full host name")?;
    vm.type_in(&format!("{HOST}\n"))?;
    vm.wait_console("First mail domain")?;
    vm.type_in("\n")?;
    vm.wait_console("Administrator")?;
    vm.type_in("\n")?;
    vm.wait_console("New password")?;
    vm.type_in(&format!("{PASSWORD}\n"))?;
    vm.wait_console("Again")?;
    vm.type_in(&format!("{PASSWORD}\n"))?;
    let reader = Reader::new(lab, &vm)?;
    ensure!(smtp::send(vm.port("smtp"), ADMINISTRATOR, "by-wizard") == Outcome::Accepted);
    reader.wait_count(1)?;
    vm.wait_for("roostctl status", READY_PATIENCE)?;
    vm.power_off()
}
