//! One virtual machine: start, console, commands inside, power.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::agent::Agent;
use crate::clock::{self, wait_for};
use crate::lab::{Lab, run, text};

/// How long a guest may take to answer after its start, emulated, on a machine that does other things.
const BOOT_PATIENCE: Duration = Duration::from_secs(900);
/// How long its agent may take to listen, once it has answered.
const AGENT_PATIENCE: Duration = Duration::from_secs(300);
const END_PATIENCE: Duration = Duration::from_secs(300);
/// The services that are reached from outside, with their ports in the guest.
const FORWARDED: [(&str, u16); 4] = [
    ("smtp", 25),
    ("submissions", 465),
    ("imaps", 993),
    ("imap", 143),
];

/// How a machine starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Firmware {
    Bios,
    Uefi,
}

/// A machine that can be started: its disks outlive each start.
pub(crate) struct Machine<'a> {
    lab: &'a Lab,
    name: String,
    pub(crate) system: PathBuf,
    pub(crate) data: Option<PathBuf>,
    discs: Vec<PathBuf>,
    firmware: Firmware,
    /// The number that the hypervisor gives it.
    number: u8,
}

impl<'a> Machine<'a> {
    /// A new machine from the appliance, with an empty data disk.
    pub(crate) fn new(lab: &'a Lab, name: &str, number: u8) -> anyhow::Result<Self> {
        let base = lab.disk_from_ova()?;
        let system = lab.path(&format!("{name}-system.qcow2"));
        run(
            "qemu-img",
            &[
                "create",
                "-q",
                "-f",
                "qcow2",
                "-F",
                "qcow2",
                "-b",
                text(&base)?,
                text(&system)?,
            ],
        )?;
        let data = lab.path(&format!("{name}-data.qcow2"));
        run(
            "qemu-img",
            &["create", "-q", "-f", "qcow2", text(&data)?, "4G"],
        )?;
        Ok(Self {
            lab,
            name: name.to_owned(),
            system,
            data: Some(data),
            discs: Vec::new(),
            firmware: Firmware::Uefi,
            number,
        })
    }

    /// With these discs in its drives.
    pub(crate) fn with_disc(mut self, disc: PathBuf) -> Self {
        self.discs.push(disc);
        self
    }

    pub(crate) fn with_firmware(mut self, firmware: Firmware) -> Self {
        self.firmware = firmware;
        self
    }

    pub(crate) fn without_data(mut self) -> Self {
        self.data = None;
        self
    }

    /// A copy of its disks as another machine.
    pub(crate) fn cloned(&self, name: &str, number: u8) -> anyhow::Result<Self> {
        let copy = |from: &Path, kind: &str| -> anyhow::Result<PathBuf> {
            let to = self.lab.path(&format!("{name}-{kind}.qcow2"));
            fs::copy(from, &to)?;
            Ok(to)
        };
        Ok(Self {
            lab: self.lab,
            name: name.to_owned(),
            system: copy(&self.system, "system")?,
            data: self
                .data
                .as_deref()
                .map(|data| copy(data, "data"))
                .transpose()?,
            discs: Vec::new(),
            firmware: self.firmware,
            number,
        })
    }

    /// Switches it on.
    pub(crate) fn start(&self) -> anyhow::Result<Vm> {
        let folder = self.lab.path(&format!("{}-{}", self.name, free_port()?));
        fs::create_dir_all(&folder)?;
        let ports = FORWARDED.map(|(service, port)| Ok((service, port, free_port()?)));
        let ports: Vec<(&'static str, u16, u16)> =
            ports.into_iter().collect::<anyhow::Result<_>>()?;
        let mut command = Command::new("qemu-system-x86_64");
        command
            .arg("-machine")
            .arg(format!("q35,accel={}", self.lab.accelerator))
            .args([
                "-smp",
                "2",
                "-m",
                "1024",
                "-display",
                "none",
                "-nodefaults",
                "-no-user-config",
            ])
            .arg("-uuid")
            .arg(format!(
                "a30b0a57-0000-4000-8000-0000000000{:02x}",
                self.number
            ));
        if self.lab.accelerator == "kvm" {
            command.args(["-cpu", "host"]);
        }
        self.add_firmware(&mut command, &folder)?;
        self.add_disks(&mut command)?;
        let forwards: String = ports
            .iter()
            .map(|(_, guest, host)| format!(",hostfwd=tcp:127.0.0.1:{host}-:{guest}"))
            .collect();
        command
            .arg("-netdev")
            .arg(format!("user,id=net0,restrict=on{forwards}"))
            .args(["-device", "virtio-net-pci,netdev=net0,romfile="])
            .arg("-chardev")
            .arg(format!(
                "socket,id=serial,path={},server=on,wait=off,logfile={}",
                folder.join("serial.sock").display(),
                folder.join("console.log").display()
            ))
            .args(["-serial", "chardev:serial"])
            .args(["-device", "virtio-serial-pci"])
            .arg("-chardev")
            .arg(format!(
                "socket,id=agent,path={},server=on,wait=off",
                folder.join("agent.sock").display()
            ))
            .args([
                "-device",
                "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
            ])
            .args(["-device", "virtio-rng-pci"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(folder.join("qemu.log"))?);
        let child = command
            .spawn()
            .context("cannot run qemu-system-x86_64 (scripts/setup vm installs it)")?;
        clock::machine_began(child.id());
        Ok(Vm {
            child,
            folder,
            ports,
        })
    }

    /// Switches it on and waits until its agent answers.
    pub(crate) fn boot(&self) -> anyhow::Result<Vm> {
        let mut vm = self.start()?;
        vm.wait_agent()?;
        Ok(vm)
    }

    fn add_firmware(&self, command: &mut Command, folder: &Path) -> anyhow::Result<()> {
        if self.firmware == Firmware::Bios {
            return Ok(());
        }
        let (code, variables) = [
            (
                "/usr/share/OVMF/OVMF_CODE_4M.fd",
                "/usr/share/OVMF/OVMF_VARS_4M.fd",
            ),
            (
                "/usr/share/OVMF/OVMF_CODE.fd",
                "/usr/share/OVMF/OVMF_VARS.fd",
            ),
        ]
        .into_iter()
        .find(|(code, _)| Path::new(code).exists())
        .context("no UEFI firmware (scripts/setup vm installs it)")?;
        let own = folder.join("variables.fd");
        fs::copy(variables, &own)?;
        command
            .arg("-drive")
            .arg(format!("if=pflash,format=raw,readonly=on,file={code}"))
            .arg("-drive")
            .arg(format!("if=pflash,format=raw,file={}", own.display()));
        Ok(())
    }

    fn add_disks(&self, command: &mut Command) -> anyhow::Result<()> {
        // As on VMware: everything on one SCSI controller.
        command.args(["-device", "virtio-scsi-pci,id=scsi"]);
        let mut add = |id: &str, file: &Path, format: &str, kind: &str| -> anyhow::Result<()> {
            let options = match kind {
                "scsi-cd" => ",readonly=on,media=cdrom",
                _ => ",discard=unmap",
            };
            command
                .arg("-drive")
                .arg(format!(
                    "if=none,id={id},format={format},file={}{options}",
                    text(file)?
                ))
                .arg("-device")
                .arg(format!("{kind},drive={id},bus=scsi.0"));
            Ok(())
        };
        add("system", &self.system, "qcow2", "scsi-hd")?;
        if let Some(data) = &self.data {
            add("data", data, "qcow2", "scsi-hd")?;
        }
        for (index, disc) in self.discs.iter().enumerate() {
            add(&format!("disc{index}"), disc, "raw", "scsi-cd")?;
        }
        Ok(())
    }
}

/// A machine that runs. It ends with this value.
pub(crate) struct Vm {
    child: Child,
    folder: PathBuf,
    ports: Vec<(&'static str, u16, u16)>,
}

impl Vm {
    /// The port on this machine at which a service of the guest is reached.
    pub(crate) fn port(&self, service: &str) -> u16 {
        let found = self.ports.iter().find(|(name, ..)| *name == service);
        found.map_or(0, |(_, _, host)| *host)
    }

    /// Runs a shell command in the guest; what it said.
    pub(crate) fn run(&self, command: &str) -> anyhow::Result<String> {
        let socket = self.folder.join("agent.sock");
        let agent = wait_for("the guest's agent", AGENT_PATIENCE, || {
            Agent::connect(&socket).ok()
        });
        agent?
            .run(command)
            .with_context(|| format!("in the guest: {command}"))
    }

    /// Waits until a shell command in the guest succeeds.
    pub(crate) fn wait_for(&self, command: &str, limit: Duration) -> anyhow::Result<String> {
        let socket = self.folder.join("agent.sock");
        wait_for(&format!("`{command}` in the guest"), limit, || {
            Agent::connect(&socket).ok()?.run(command).ok()
        })
        .with_context(|| self.last_words())
    }

    /// What the console has shown so far.
    pub(crate) fn console(&self) -> String {
        let octets = fs::read(self.folder.join("console.log")).unwrap_or_default();
        String::from_utf8_lossy(&octets).into_owned()
    }

    /// Waits until the console shows this.
    pub(crate) fn wait_console(&self, text: &str) -> anyhow::Result<()> {
        wait_for(&format!("\"{text}\" on the console"), BOOT_PATIENCE, || {
            self.console().contains(text).then_some(())
        })
        .with_context(|| self.last_words())
    }

    /// Types on the console.
    pub(crate) fn type_in(&self, text: &str) -> anyhow::Result<()> {
        let mut line = UnixStream::connect(self.folder.join("serial.sock"))?;
        Ok(line.write_all(text.as_bytes())?)
    }

    fn wait_agent(&mut self) -> anyhow::Result<()> {
        let socket = self.folder.join("agent.sock");
        let child = &mut self.child;
        let answered = wait_for("the guest's agent", BOOT_PATIENCE, || {
            if let Ok(Some(status)) = child.try_wait() {
                return Some(Err(status));
            }
            let mut agent = Agent::connect(&socket).ok()?;
            agent.run("true").ok().map(|_| Ok(()))
        });
        match answered {
            Ok(Ok(())) => Ok(()),
            Ok(Err(status)) => {
                let said = fs::read_to_string(self.folder.join("qemu.log")).unwrap_or_default();
                bail!("QEMU ended with {status}: {}", said.trim())
            }
            Err(error) => Err(error.context(self.last_words())),
        }
    }

    /// Restarts the guest by itself and waits for it.
    pub(crate) fn reboot(&mut self) -> anyhow::Result<()> {
        let before = self.run("cat /proc/sys/kernel/random/boot_id")?;
        // The agent goes away before it could tell how that went.
        drop(self.run("systemctl --no-block reboot"));
        let what = "the guest after its restart";
        let socket = self.folder.join("agent.sock");
        wait_for(what, BOOT_PATIENCE, || {
            let mut agent = Agent::connect(&socket).ok()?;
            let now = agent.run("cat /proc/sys/kernel/random/boot_id").ok()?;
            (now != before).then_some(())
        })
        .with_context(|| self.last_words())
    }

    /// Pulls the plug.
    pub(crate) fn cut_power(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Lets it end by itself.
    pub(crate) fn power_off(mut self) -> anyhow::Result<()> {
        drop(self.run("systemctl --no-block poweroff"));
        let child = &mut self.child;
        wait_for("the machine's end", END_PATIENCE, || {
            child.try_wait().ok().flatten()
        })?;
        Ok(())
    }

    /// Stops its processors; it does not notice.
    pub(crate) fn freeze(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGSTOP)
    }

    /// Lets them go on.
    pub(crate) fn thaw(&self) -> anyhow::Result<()> {
        self.signal(Signal::SIGCONT)
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = i32::try_from(self.child.id())?;
        Ok(kill(Pid::from_raw(pid), signal)?)
    }

    /// The end of what the console showed, for a failure's message.
    fn last_words(&self) -> String {
        let console = plain(&self.console());
        let lines: Vec<&str> = console
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        let last = lines.len().saturating_sub(25);
        let last = lines.get(last..).unwrap_or_default().join("\n");
        format!("the console shows:\n{last}")
    }
}

impl Drop for Vm {
    fn drop(&mut self) {
        clock::machine_ended(self.child.id());
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Without the sequences by which a terminal is painted.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' if letters.peek() == Some(&'[') => {
                letters.next();
                // The first letter ends it.
                letters.by_ref().find(char::is_ascii_alphabetic);
                plain.push(' ');
            }
            '\n' => plain.push(letter),
            letter if letter.is_control() => {}
            letter => plain.push(letter),
        }
    }
    plain
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A moment, for what has no condition to wait for.
pub(crate) fn moments(count: u32) {
    (0..count).for_each(|_| clock::pause());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_paints_is_left_out() {
        assert_eq!(
            plain("\u{1b}[2J\u{1b}[01;01HState: \u{1b}[1mOK\r\nnext"),
            "  State:  OK\nnext"
        );
        assert_eq!(plain("cut \u{1b}["), "cut  ");
    }
}
