//! A recipe: which distribution, which packages, which sizes.

use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;

/// What an appliance is made of.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Recipe {
    pub(crate) name: String,
    pub(crate) suite: String,
    /// Lines of sources.list.
    pub(crate) mirrors: Vec<String>,
    /// mmdebstrap's.
    pub(crate) variant: String,
    pub(crate) packages: Vec<String>,
    /// Paths that dpkg does not unpack, and exceptions.
    pub(crate) exclude: Vec<String>,
    pub(crate) include: Vec<String>,
    pub(crate) initramfs_modules: Vec<String>,
    /// Ours.
    pub(crate) roost: Vec<String>,
    /// MiB.
    pub(crate) root_size: u64,
    pub(crate) disk_size: u64,
    pub(crate) data_size: u64,
}

impl Recipe {
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read the recipe {}", path.display()))?;
        let recipe: Self =
            toml::from_str(&text).with_context(|| format!("cannot use {}", path.display()))?;
        if recipe.disk_size < recipe.root_size + 128 {
            bail!(
                "{}: disk-size must leave 128 MiB beside root-size",
                path.display()
            );
        }
        Ok(recipe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
        let mut count = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            Recipe::load(&entry.unwrap().path()).unwrap();
            count += 1;
        }
        assert!(count > 0);
    }
}
