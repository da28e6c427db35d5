//! Writes `openldap/roost.schema` and `openldap/roost.ldif` from the schema table.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("openldap");
    std::fs::write(
        folder.join("roost.schema"),
        roost_core_directory::schema::openldap::schema_file(),
    )?;
    std::fs::write(
        folder.join("roost.ldif"),
        roost_core_directory::schema::openldap::config_ldif(),
    )
}
