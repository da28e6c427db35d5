//! A machine's life: first boot, mail, restart, upgrade, full disk, power cut, a copy of it.

use anyhow::{Context, bail, ensure};

use super::first_boot::environment;
use crate::clock::{Timer, wait_for};
use crate::lab::Lab;
use crate::mail::{ADMINISTRATOR, HOST, READY_PATIENCE, Reader};
use crate::report::Told;
use crate::smtp::{self, Load, Outcome};
use crate::vm::{Machine, Vm};

/// What one machine lives through, in this order.
pub(super) const TESTS: [&str; 7] = [
    "first_boot_by_ovf_properties",
    "mail_in_by_smtp_and_out_by_imap",
    "upgrade_under_load_refuses_nobody",
    "sandbox_memory_and_units",
    "full_data_disk_heals",
    "restart_keeps_mail_and_keys",
    "power_cut_under_load_loses_nothing",
];

/// One machine for all of it: each start costs a minute where it is emulated.
pub(super) fn from_properties_through_everything(lab: &Lab) -> Result<(), Told> {
    let (machine, mut vm) = lab.test("first_boot_by_ovf_properties", || first_boot(lab))?;
    let mut kept = 0;
    lab.test("mail_in_by_smtp_and_out_by_imap", || {
        mail_in_and_out(&vm, &Reader::new(lab, &vm)?)?;
        kept += 2;
        Ok(())
    })?;
    lab.test("upgrade_under_load_refuses_nobody", || {
        upgrade_under_load(lab, &vm, &Reader::new(lab, &vm)?, &mut kept)
    })?;
    lab.test("sandbox_memory_and_units", || measure(lab, &vm))?;
    lab.test("full_data_disk_heals", || {
        full_disk(&vm, &Reader::new(lab, &vm)?, &mut kept)
    })?;
    lab.test("restart_keeps_mail_and_keys", || {
        let keys = vm.run("cat /etc/ssh/ssh_host_ed25519_key.pub")?;
        vm.reboot()?;
        // It may be more: what was broken off at the upgrade can have been taken all the same.
        Reader::new(lab, &vm)?.wait_count(kept)?;
        ensure!(vm.run("cat /etc/ssh/ssh_host_ed25519_key.pub")? == keys);
        Ok(())
    })?;
    lab.test("power_cut_under_load_loses_nothing", || {
        cut_power_under_load(lab, &machine, vm, "cut")?.power_off()
    })
}

fn first_boot(lab: &Lab) -> anyhow::Result<(Machine<'_>, Vm)> {
    let told = lab.disc("OVF ENV", &[("ovf-env.xml", environment(HOST))])?;
    let machine = Machine::new(lab, "life", 1)?
        .with_disc(told)
        .with_disc(lab.next_packages()?);
    let timer = Timer::start();
    let vm = machine.boot()?;
    drop(Reader::new(lab, &vm)?);
    lab.figure(format!(
        "first power-on to IMAP with set-up {:.0} s",
        timer.seconds()
    ));
    Ok((machine, vm))
}

/// In by SMTP, in by submission, out by IMAP: all from outside.
fn mail_in_and_out(vm: &Vm, reader: &Reader<'_>) -> anyhow::Result<()> {
    ensure!(smtp::send(vm.port("smtp"), ADMINISTRATOR, "from-outside") == Outcome::Accepted);
    reader.submit("from-inside")?;
    reader.wait_count(2)?;
    for subject in ["from-outside", "from-inside"] {
        let found = reader.with_subject(subject)?;
        ensure!(found == 1, "{found} messages have the subject {subject}");
    }
    // Nobody relays through us.
    let foreign = smtp::send(vm.port("smtp"), "victim@elsewhere.test", "relay");
    ensure!(
        matches!(foreign, Outcome::Later(550..=559)),
        "relaying: {foreign:?}"
    );
    Ok(())
}

/// What was promised: the sandbox, memory.
fn measure(lab: &Lab, vm: &Vm) -> anyhow::Result<()> {
    let units = vm.run("cd /usr/lib/systemd/system; ls roost-*.service")?;
    for unit in units.split_whitespace() {
        let report = vm.run(&format!(
            "systemd-analyze security --no-pager {unit} | tail -n 1"
        ))?;
        let figure = report.split(": ").nth(1).unwrap_or_default();
        let figure: f64 = figure
            .split_whitespace()
            .next()
            .unwrap_or_default()
            .parse()?;
        lab.figure(format!("{unit} {figure}"));
        ensure!(figure <= 2.0, "{unit} is exposed: {report}");
    }
    let memory = vm.run(
        "awk '/MemTotal/{t=$2} /MemAvailable/{a=$2} END{print int((t-a)/1024)}' /proc/meminfo",
    )?;
    lab.figure(format!("memory in use {} MB", memory.trim()));
    // Users meet the proxy; the store answers this machine only.
    let doors = vm.run("ss -Hltn | awk '{print $4}'")?;
    for port in ["143", "993", "110", "995"] {
        let open = doors.lines().any(|door| door == format!("*:{port}"));
        ensure!(open, "nobody listens at {port}: {doors}");
    }
    for door in doors.lines().filter(|door| door.contains(":7")) {
        ensure!(door.starts_with("127.0.0.1:"), "{door} is open to others");
    }
    let status = vm.run("roostctl status")?;
    ensure!(status.contains("roost-proxy"), "no proxy in: {status}");
    let failed = vm.run("systemctl --failed --no-legend --plain")?;
    ensure!(failed.trim().is_empty(), "failed units: {failed}");
    Ok(())
}

/// Packages are upgraded while mail comes in: nobody is refused, nothing acknowledged is lost.
fn upgrade_under_load(
    lab: &Lab,
    vm: &Vm,
    reader: &Reader<'_>,
    kept: &mut usize,
) -> anyhow::Result<()> {
    let load = Load::start(vm.port("smtp"), ADMINISTRATOR, "upgrade");
    load.wait_accepted(20)?;
    vm.run(
        "mkdir -p /mnt/next && mount -o ro /dev/disk/by-label/ROOSTNEXT /mnt/next && \
         DEBIAN_FRONTEND=noninteractive apt-get install -y /mnt/next/*.deb >/var/log/upgrade.log 2>&1; \
         status=$?; umount /mnt/next; [ $status = 0 ] || { tail -n 20 /var/log/upgrade.log; exit 1; }",
    )?;
    load.wait_accepted(20)?;
    let outcomes = load.stop()?;
    let count = |wanted: Outcome| outcomes.iter().filter(|one| **one == wanted).count();
    let accepted = count(Outcome::Accepted);
    lab.figure(format!(
        "upgrade under load: {} messages, {accepted} accepted, {} refused",
        outcomes.len(),
        count(Outcome::Refused)
    ));
    ensure!(
        count(Outcome::Refused) == 0,
        "connections were refused: {outcomes:?}"
    );
    let bad = |one: &&Outcome| matches!(one, Outcome::Later(code) if *code >= 500);
    ensure!(
        !outcomes.iter().any(|one| bad(&one)),
        "mail was rejected: {outcomes:?}"
    );
    let versions = vm.run("dpkg-query -W -f '${Version}\\n' 'roost-*' roost | sort -u")?;
    ensure!(versions.trim().ends_with("-2"), "still {versions}");
    *kept = reader.wait_count(*kept + accepted)?;
    // A way back that could lose mail is refused in words.
    let back = vm.run("dpkg-deb --version >/dev/null; cat /var/lib/dpkg/info/roost-store.preinst");
    ensure!(
        back?.contains("is older"),
        "roost-store has no guard against a downgrade"
    );
    Ok(())
}

/// A full data disk: mail waits outside, nothing breaks, and it heals.
fn full_disk(vm: &Vm, reader: &Reader<'_>, kept: &mut usize) -> anyhow::Result<()> {
    vm.run("fallocate -l $(df --output=avail -B1 /var/lib/roost | tail -n 1) /var/lib/roost/.filler || \
            dd if=/dev/zero of=/var/lib/roost/.filler bs=1M 2>/dev/null; sync; true")?;
    let outcomes: Vec<Outcome> = (0..5)
        .map(|number| smtp::send(vm.port("smtp"), ADMINISTRATOR, &format!("full-{number}")))
        .collect();
    let bad = outcomes.iter().find(|one| match one {
        Outcome::Accepted => false,
        Outcome::Later(code) => !(400..500).contains(code),
        Outcome::Refused | Outcome::Broken => true,
    });
    if let Some(bad) = bad {
        bail!("a full disk was answered with {bad:?}");
    }
    reader.count()?;
    vm.run("rm /var/lib/roost/.filler")?;
    let accepted = outcomes
        .iter()
        .filter(|one| **one == Outcome::Accepted)
        .count();
    wait_for("mail after the disk has room", READY_PATIENCE, || {
        (smtp::send(vm.port("smtp"), ADMINISTRATOR, "room-again") == Outcome::Accepted)
            .then_some(())
    })?;
    *kept = reader.wait_count(*kept + accepted + 1)?;
    Ok(())
}

/// The plug is pulled while mail comes in; what was acknowledged is there after the start.
fn cut_power_under_load<'a>(
    lab: &Lab,
    machine: &Machine<'a>,
    vm: Vm,
    prefix: &str,
) -> anyhow::Result<Vm> {
    let load = Load::start(vm.port("smtp"), ADMINISTRATOR, prefix);
    load.wait_accepted(50)?;
    vm.cut_power()?;
    let outcomes = load.stop()?;
    let accepted = outcomes
        .iter()
        .filter(|one| **one == Outcome::Accepted)
        .count();
    let timer = Timer::start();
    let vm = machine.boot()?;
    {
        let reader = Reader::new(lab, &vm)?;
        lab.figure(format!("power-on to IMAP {:.0} s", timer.seconds()));
        // What was broken off may be there as well; nothing is there twice.
        let part = format!("{prefix}-");
        let mut found = 0;
        wait_for("mail after the power cut", READY_PATIENCE, || {
            found = reader.with_subject(&part).unwrap_or(found);
            (found >= accepted).then_some(())
        })
        .with_context(|| format!("{accepted} were acknowledged, {found} are there"))?;
        ensure!(
            found <= outcomes.len(),
            "{} were sent, {found} are there",
            outcomes.len()
        );
        lab.figure(format!("power cut: {accepted} acknowledged, all there"));
    }
    Ok(vm)
}

/// A copy of a machine, disks and all, is another machine.
pub(super) fn copy_gets_new_keys(lab: &Lab) -> anyhow::Result<()> {
    let told = lab.disc("OVF ENV", &[("ovf-env.xml", environment(HOST))])?;
    let machine = Machine::new(lab, "original", 9)?.with_disc(told);
    let key = |vm: &Vm| -> anyhow::Result<String> {
        vm.wait_for("systemctl is-active ssh", READY_PATIENCE)?;
        vm.run("cat /etc/ssh/ssh_host_ed25519_key.pub")
    };
    let vm = machine.boot()?;
    drop(Reader::new(lab, &vm)?);
    let first = key(&vm)?;
    vm.power_off()?;
    let vm = machine.cloned("copy", 10)?.boot()?;
    let second = key(&vm)?;
    ensure!(first != second, "a copy has the same SSH keys");
    vm.power_off()
}

/// Ten times in a row, on one machine.
pub(super) fn power_cut_ten_times(lab: &Lab) -> anyhow::Result<()> {
    let told = lab.disc("OVF ENV", &[("ovf-env.xml", environment(HOST))])?;
    let machine = Machine::new(lab, "cuts", 4)?.with_disc(told);
    let mut vm = machine.boot()?;
    drop(Reader::new(lab, &vm)?);
    for round in 0..10 {
        vm = cut_power_under_load(lab, &machine, vm, &format!("round{round}"))?;
    }
    vm.power_off()
}
