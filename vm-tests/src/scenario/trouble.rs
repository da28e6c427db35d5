//! What goes wrong, and what the console says then.

use anyhow::ensure;

use super::first_boot::environment;
use crate::lab::Lab;
use crate::mail::{ADMINISTRATOR, HOST, READY_PATIENCE, Reader};
use crate::smtp::{self, Outcome};
use crate::vm::Machine;

/// It says what is missing and what is wrong; it neither loops nor formats anything.
pub(super) fn no_data_disk_and_wrong_properties(lab: &Lab) -> anyhow::Result<()> {
    let told = lab.disc("OVF WRONG", &[("ovf-env.xml", environment("mail"))])?;
    let machine = Machine::new(lab, "trouble", 5)?
        .without_data()
        .with_disc(told);
    let vm = machine.boot()?;
    vm.wait_console("State: no data disk")?;
    vm.wait_console("There is no data disk")?;
    vm.wait_console("hostname \"mail\" is no full host name")?;
    let state = vm.run("systemctl is-active roost.target || true")?;
    ensure!(state.trim() == "inactive", "something started: {state}");
    vm.power_off()
}

/// A disk with mail goes to a fresh machine: everything is there, under the same name.
pub(super) fn data_disk_on_another_machine(lab: &Lab) -> anyhow::Result<()> {
    let told = lab.disc("OVF ENV", &[("ovf-env.xml", environment(HOST))])?;
    let first = Machine::new(lab, "first", 6)?.with_disc(told);
    let vm = first.boot()?;
    {
        let reader = Reader::new(lab, &vm)?;
        ensure!(smtp::send(vm.port("smtp"), ADMINISTRATOR, "before") == Outcome::Accepted);
        reader.wait_count(1)?;
    }
    vm.cut_power()?;
    let mut second = Machine::new(lab, "second", 7)?;
    second.data.clone_from(&first.data);
    let vm = second.boot()?;
    ensure!(Reader::new(lab, &vm)?.wait_count(1)? == 1);
    ensure!(vm.run("hostname")?.trim() == HOST);
    vm.power_off()
}

/// The machine's processors stand still for a while, and its clock is set wrong: it goes on.
pub(super) fn time_jump(lab: &Lab) -> anyhow::Result<()> {
    let told = lab.disc("OVF ENV", &[("ovf-env.xml", environment(HOST))])?;
    let machine = Machine::new(lab, "time", 8)?.with_disc(told);
    let vm = machine.boot()?;
    let reader = Reader::new(lab, &vm)?;
    vm.freeze()?;
    crate::vm::moments(100);
    vm.thaw()?;
    vm.run("date -s '+3 days'")?;
    ensure!(smtp::send(vm.port("smtp"), ADMINISTRATOR, "later") == Outcome::Accepted);
    reader.wait_count(1)?;
    vm.run("date -s '-6 days'")?;
    ensure!(smtp::send(vm.port("smtp"), ADMINISTRATOR, "earlier") == Outcome::Accepted);
    reader.wait_count(2)?;
    vm.wait_for("roostctl status", READY_PATIENCE)?;
    vm.power_off()
}
