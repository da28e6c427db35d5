//! Writes `openldap/roost.schema`, `openldap/roost.ldif` and `openldap/slapd.ldif` from the table.

use std::path::Path;

use roost_core_directory::schema::openldap;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("openldap");
    std::fs::write(folder.join("roost.schema"), openldap::schema_file())?;
    std::fs::write(folder.join("roost.ldif"), openldap::config_ldif())?;
    std::fs::write(folder.join("slapd.ldif"), openldap::configuration())
}
