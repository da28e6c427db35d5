//! The OVA: descriptor, manifest, and the disk as a streamOptimized VMDK (DMTF DSP0243 1.1).

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::recipe::Recipe;
use crate::run::Run;
use crate::source::Source;

/// The descriptor inside a VMDK lies in its first sectors.
const DESCRIPTOR_MAX: usize = 64 << 10;
/// qemu-img gives every VMDK a number by chance; ours have this one.
const CONTENT_ID: &str = "a30b0a57";

/// Makes it in `work`.
pub(super) fn make(
    recipe: &Recipe,
    source: &Source,
    name: &str,
    raw: &Path,
    work: &Path,
) -> anyhow::Result<PathBuf> {
    let folder = work.join("ova");
    fs::create_dir_all(&folder)?;
    let disk = format!("{name}-disk1.vmdk");
    let vmdk = folder.join(&disk);
    Run::new("qemu-img")
        .args(["convert", "-f", "raw", "-O", "vmdk"])
        .args(["-o", "subformat=streamOptimized,adapter_type=lsilogic"])
        .args([raw, &vmdk])
        .done()?;
    settle_content_id(&vmdk)?;
    let size = fs::metadata(&vmdk)?.len();
    let version = source.version()?;
    let descriptor = descriptor(&Facts {
        disk: &disk,
        size,
        capacity: recipe.disk_size,
        data: recipe.data_size,
        version: &version,
    });
    fs::write(folder.join(format!("{name}.ovf")), descriptor)?;
    let files = [format!("{name}.ovf"), disk];
    let mut manifest = String::new();
    for file in &files {
        let sum = Run::new("sha256sum").folder(&folder).arg(file).text()?;
        let sum = sum.split_whitespace().next().unwrap_or_default();
        manifest.push_str(&format!("SHA256({file})= {sum}\n"));
    }
    fs::write(folder.join(format!("{name}.mf")), manifest)?;
    let ova = work.join(format!("{name}.ova"));
    // The descriptor comes first, then its manifest: importers read it as a stream.
    Run::new("tar")
        .args([
            "--format=ustar",
            "--owner=0",
            "--group=0",
            "--numeric-owner",
            "--mode=0644",
        ])
        .arg(format!("--mtime=@{}", source.epoch))
        .arg("-C")
        .arg(&folder)
        .arg("-cf")
        .arg(&ova)
        .args([
            format!("{name}.ovf"),
            format!("{name}.mf"),
            format!("{name}-disk1.vmdk"),
        ])
        .done()?;
    Ok(ova)
}

fn settle_content_id(vmdk: &Path) -> anyhow::Result<()> {
    let disk = OpenOptions::new().read(true).write(true).open(vmdk)?;
    let mut head = vec![0; DESCRIPTOR_MAX];
    let read = disk.read_at(&mut head, 0)?;
    head.truncate(read);
    let key = b"\nCID=";
    let at = head
        .windows(key.len())
        .position(|window| window == key)
        .context("qemu-img wrote a VMDK without CID")?;
    Ok(disk.write_all_at(CONTENT_ID.as_bytes(), (at + key.len()) as u64)?)
}

struct Facts<'a> {
    disk: &'a str,
    size: u64,
    /// MiB.
    capacity: u64,
    data: u64,
    version: &'a str,
}

/// Sizes as people choose them: id, label, processors, MiB of memory.
const SIZES: [(&str, &str, u32, u32); 4] = [
    ("small", "Small: up to 50 mailboxes", 1, 1024),
    ("medium", "Medium: up to 500 mailboxes", 2, 4096),
    ("large", "Large: up to 2,000 mailboxes", 4, 8192),
    ("huge", "Huge: up to 10,000 mailboxes", 8, 16384),
];

/// A property: key, type, whether a password, label, explanation.
type Property = (&'static str, &'static str, bool, &'static str, &'static str);

const NETWORKING: [Property; 7] = [
    (
        "hostname",
        "string(..253)",
        false,
        "Host name",
        "The full name, as DNS has it: mail.example.org",
    ),
    (
        "ipaddress",
        "string(..45)",
        false,
        "Address",
        "192.0.2.10. Empty: DHCP",
    ),
    (
        "netprefix",
        "string(..3)",
        false,
        "Prefix length",
        "24 is 255.255.255.0",
    ),
    ("gateway", "string(..45)", false, "Gateway", "192.0.2.1"),
    (
        "dns",
        "string(..255)",
        false,
        "Name servers",
        "Separated by spaces",
    ),
    (
        "domain",
        "string(..255)",
        false,
        "Search domain",
        "Usually empty",
    ),
    (
        "ntp",
        "string(..255)",
        false,
        "Time servers",
        "Empty: the distribution's",
    ),
];
const SYSTEM: [Property; 4] = [
    (
        "root_password",
        "string(..255)",
        true,
        "root's password",
        "In clear (must be changed at the first sign-in) or a hash of crypt(3)",
    ),
    (
        "admin_password",
        "string(..255)",
        true,
        "Mail administrator's password",
        "In clear or a hash. Empty: one is made and shown on the console",
    ),
    (
        "sshkey",
        "string(..4096)",
        false,
        "root's SSH key",
        "A line of authorized_keys",
    ),
    (
        "timezone",
        "string(..64)",
        false,
        "Time zone",
        "Europe/Berlin",
    ),
];
const ROOST: [Property; 2] = [
    (
        "roost.maildomain",
        "string(..253)",
        false,
        "Mail domain",
        "Empty: the host name without its first label",
    ),
    (
        "roost.administrator",
        "string(..64)",
        false,
        "Mail administrator",
        "Empty: admin",
    ),
];

fn descriptor(facts: &Facts<'_>) -> String {
    let mut options = String::new();
    let mut hardware = String::new();
    for (index, (id, label, processors, memory)) in SIZES.iter().enumerate() {
        let default = if index == 1 {
            " ovf:default=\"true\""
        } else {
            ""
        };
        options.push_str(&format!(
            "    <Configuration ovf:id=\"{id}\"{default}>\n      <Label>{label}</Label>\n      \
             <Description>{processors} CPU, {memory} MB</Description>\n    </Configuration>\n"
        ));
        hardware.push_str(&item(
            &format!(" ovf:configuration=\"{id}\""),
            &[
                ("AllocationUnits", "hertz * 10^6"),
                ("Description", "Number of virtual CPUs"),
                ("ElementName", &format!("{processors} virtual CPU(s)")),
                ("InstanceID", "1"),
                ("ResourceType", "3"),
                ("VirtualQuantity", &processors.to_string()),
            ],
        ));
        hardware.push_str(&item(
            &format!(" ovf:configuration=\"{id}\""),
            &[
                ("AllocationUnits", "byte * 2^20"),
                ("Description", "Memory"),
                ("ElementName", &format!("{memory} MB of memory")),
                ("InstanceID", "2"),
                ("ResourceType", "4"),
                ("VirtualQuantity", &memory.to_string()),
            ],
        ));
    }
    hardware.push_str(&item(
        "",
        &[
            ("Address", "0"),
            ("Description", "SCSI controller"),
            ("ElementName", "SCSI controller 0"),
            ("InstanceID", "3"),
            ("ResourceSubType", "VirtualSCSI"),
            ("ResourceType", "6"),
        ],
    ));
    for (number, disk) in [(0, "system"), (1, "data")] {
        hardware.push_str(&item(
            "",
            &[
                ("AddressOnParent", &number.to_string()),
                ("ElementName", &format!("Hard disk {} ({disk})", number + 1)),
                ("HostResource", &format!("ovf:/disk/{disk}")),
                ("InstanceID", &(4 + number).to_string()),
                ("Parent", "3"),
                ("ResourceType", "17"),
            ],
        ));
    }
    hardware.push_str(&item(
        "",
        &[
            ("AddressOnParent", "7"),
            ("AutomaticAllocation", "true"),
            ("Connection", "VM Network"),
            ("ElementName", "Network adapter 1"),
            ("InstanceID", "6"),
            ("ResourceSubType", "VmxNet3"),
            ("ResourceType", "10"),
        ],
    ));
    let categories = [
        ("Networking", NETWORKING.as_slice()),
        ("System", SYSTEM.as_slice()),
        ("Roost", ROOST.as_slice()),
    ];
    let properties: String = categories
        .iter()
        .map(|(category, all)| {
            let inner: String = all.iter().map(property).collect();
            format!("      <Category>{category}</Category>\n{inner}")
        })
        .collect();
    format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
    xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
    xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
    xmlns:vmw="http://www.vmware.com/schema/ovf"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <References>
    <File ovf:id="system" ovf:href="{disk}" ovf:size="{size}"/>
  </References>
  <DiskSection>
    <Info>The system's disk, and an empty one for mail, which may grow</Info>
    <Disk ovf:diskId="system" ovf:fileRef="system" ovf:capacity="{capacity}" ovf:capacityAllocationUnits="byte * 2^20" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>
    <Disk ovf:diskId="data" ovf:capacity="{data}" ovf:capacityAllocationUnits="byte * 2^20" ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>
  </DiskSection>
  <NetworkSection>
    <Info>The networks</Info>
    <Network ovf:name="VM Network">
      <Description>Where users and other mail servers are</Description>
    </Network>
  </NetworkSection>
  <DeploymentOptionSection>
    <Info>Sizes</Info>
{options}  </DeploymentOptionSection>
  <VirtualSystem ovf:id="roost">
    <Info>A mail server</Info>
    <Name>roost</Name>
    <OperatingSystemSection ovf:id="96" vmw:osType="debian11_64Guest">
      <Info>The operating system</Info>
      <Description>Debian GNU/Linux (64-bit)</Description>
    </OperatingSystemSection>
    <VirtualHardwareSection ovf:transport="com.vmware.guestInfo iso">
      <Info>The hardware</Info>
      <System>
        <vssd:ElementName>Virtual hardware</vssd:ElementName>
        <vssd:InstanceID>0</vssd:InstanceID>
        <vssd:VirtualSystemIdentifier>roost</vssd:VirtualSystemIdentifier>
        <vssd:VirtualSystemType>vmx-15</vssd:VirtualSystemType>
      </System>
{hardware}      <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>
      <vmw:Config ovf:required="false" vmw:key="bootOptions.efiSecureBootEnabled" vmw:value="false"/>
      <vmw:Config ovf:required="false" vmw:key="tools.syncTimeWithHost" vmw:value="false"/>
      <vmw:ExtraConfig ovf:required="false" vmw:key="disk.enableUUID" vmw:value="TRUE"/>
    </VirtualHardwareSection>
    <ProductSection ovf:class="guestinfo">
      <Info>What the machine is told</Info>
      <Product>Roost</Product>
      <Vendor>The Roost developers</Vendor>
      <Version>{version}</Version>
      <FullVersion>{version}</FullVersion>
{properties}    </ProductSection>
  </VirtualSystem>
</Envelope>
"#,
        disk = facts.disk,
        size = facts.size,
        capacity = facts.capacity,
        data = facts.data,
        version = facts.version,
    )
}

/// A hardware item; its elements in the order of their names, as the schema has it.
fn item(attributes: &str, elements: &[(&str, &str)]) -> String {
    let mut text = format!("      <Item{attributes}>\n");
    for (name, value) in elements {
        text.push_str(&format!("        <rasd:{name}>{value}</rasd:{name}>\n"));
    }
    text + "      </Item>\n"
}

fn property((key, kind, is_password, label, about): &Property) -> String {
    let (kind, most) = kind.split_once("(..").map_or((*kind, ""), |(kind, most)| {
        (kind, most.trim_end_matches(')'))
    });
    let password = if *is_password {
        " ovf:password=\"true\""
    } else {
        ""
    };
    format!(
        "      <Property ovf:key=\"{key}\" ovf:type=\"{kind}\" ovf:qualifiers=\"MaxLen({most})\" \
         ovf:userConfigurable=\"true\"{password} ovf:value=\"\">\n        <Label>{label}</Label>\n        \
         <Description>{about}</Description>\n      </Property>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_descriptor_is_xml_with_every_property_once() {
        let text = descriptor(&Facts {
            disk: "roost-disk1.vmdk",
            size: 1,
            capacity: 8192,
            data: 40960,
            version: "0.1.0",
        });
        for (key, ..) in NETWORKING.iter().chain(&SYSTEM).chain(&ROOST) {
            assert_eq!(
                text.matches(&format!("ovf:key=\"{key}\"")).count(),
                1,
                "{key}"
            );
        }
        assert_eq!(
            text.matches("<Item").count(),
            text.matches("</Item>").count()
        );
        assert!(!text.contains("{"), "{text}");
    }
}
