//! From a recipe to a bootable disk: a root file system by mmdebstrap, file systems from folders, a
//! disk put together from parts. Nothing is mounted, no loop device is needed.

mod boot;
mod disk;
mod ext4;
mod ova;
mod recipe;
mod rootfs;
mod sbom;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use crate::package;
use crate::run::Run;
use crate::source::Source;
use crate::steps::{print, step};
use recipe::Recipe;

/// `roost-image build`
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// The recipe
    #[arg(
        long,
        value_name = "FILE",
        default_value = "image/recipes/debian-12.toml"
    )]
    recipe: PathBuf,
    /// The folder that holds our packages [default: OUT/packages]
    #[arg(long, value_name = "DIR")]
    packages: Option<PathBuf>,
    /// A folder that keeps downloaded packages for the next time
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Take this root file system instead of making one; it is changed
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Take mirrors from here instead of the recipe's, a line of sources.list each
    #[arg(long, value_name = "LINE")]
    mirror: Vec<String>,
}

/// Makes the appliance in every format.
pub(crate) fn run(options: &Options, source: &Source, out: &Path) -> anyhow::Result<()> {
    let mut recipe = Recipe::load(&source.path(&options.recipe))?;
    if !options.mirror.is_empty() {
        recipe.mirrors.clone_from(&options.mirror);
    }
    let packages = options.packages.clone().unwrap_or(out.join("packages"));
    let version = source.version()?;
    let name = format!("{}-{version}", recipe.name);
    // Removed with everything in it, however this ends.
    let scratch = tempfile::Builder::new()
        .prefix(".building-")
        .tempdir_in(out)
        .context("no scratch folder")?;
    let work = scratch.path();
    let root = match &options.root {
        Some(root) => rootfs::take(source, root)?,
        None => {
            let cache = options.cache.as_deref();
            rootfs::make(&recipe, source, &packages, &work.join("root"), cache)?
        }
    };
    let bill = step("list of what is inside (SPDX)", || {
        sbom::make(&root, source, &name)
    })?;
    let installed = rootfs::size(&root)?;
    let raw = disk::make(&recipe, source, &root, work)?;
    let files = convert(&recipe, source, &name, &raw, work)?;
    let mut made = Vec::new();
    for file in files {
        let target = out.join(file.file_name().context("a file without name")?);
        move_file(&file, &target)?;
        made.push(target);
    }
    let target = out.join(format!("{name}.spdx.json"));
    fs::write(&target, bill)?;
    made.push(target);
    write_sums(out, &name, &made)?;
    for file in &made {
        let size = fs::metadata(file)?.len();
        print(&format!(
            "{:>8} MB  {}",
            size.div_ceil(1_000_000),
            file.display()
        ))?;
    }
    print(&format!(
        "{:>8} MB  installed root file system",
        installed.div_ceil(1_000_000)
    ))
}

/// The disk in every format.
fn convert(
    recipe: &Recipe,
    source: &Source,
    name: &str,
    raw: &Path,
    work: &Path,
) -> anyhow::Result<Vec<PathBuf>> {
    let qcow2 = work.join(format!("{name}.qcow2"));
    step("qcow2", || {
        Run::new("qemu-img")
            .args(["convert", "-c", "-f", "raw", "-O", "qcow2"])
            .args([raw, &qcow2])
            .done()
    })?;
    let ova = step("OVA", || ova::make(recipe, source, name, raw, work))?;
    Ok(vec![qcow2, ova])
}

fn move_file(from: &Path, to: &Path) -> anyhow::Result<()> {
    use roost_kit::disk::{Disk as _, RealDisk};
    RealDisk
        .rename(from, to)
        .with_context(|| format!("cannot make {}", to.display()))
}

fn write_sums(out: &Path, name: &str, files: &[PathBuf]) -> anyhow::Result<()> {
    let names = files.iter().filter_map(|file| file.file_name());
    let sums = Run::new("sha256sum").folder(out).args(names).text()?;
    Ok(fs::write(out.join(format!("{name}.sha256")), sums)?)
}

/// The libraries inside our programs.
fn libraries(source: &Source) -> anyhow::Result<Vec<crate::licences::Library>> {
    package::libraries(source)
}
