//! Configuration files: any text is a configuration or an error that names its place.
#![no_main]
#![allow(unused_must_use, reason = "that it comes to an end is what is tested")]

use std::sync::LazyLock;
use std::{env, fs, process};

use libfuzzer_sys::fuzz_target;
use roost_kit::config::{ByteSize, Configuration, Listen, Period};

static FILE: LazyLock<std::path::PathBuf> = LazyLock::new(|| {
    let memory = std::path::Path::new("/dev/shm");
    let folder = match memory.is_dir() {
        true => memory.to_owned(),
        false => env::temp_dir(),
    };
    let folder = folder.join(format!("roost-fuzz-{}", process::id()));
    fs::create_dir_all(&folder).unwrap();
    folder.join("roost.toml")
});

fuzz_target!(|octets: &[u8]| {
    fs::write(&*FILE, octets).unwrap();
    let shown = |error: roost_kit::config::ConfigError| assert!(!error.to_string().is_empty());
    match Configuration::load(&FILE) {
        Ok(configuration) => {
            let _ = configuration.shared().map_err(shown);
            let _ = configuration.settings::<roost_mta::Config>().map_err(shown);
            let _ = configuration
                .settings::<roost_directory::config::Config>()
                .map_err(shown);
            let _ = configuration.value::<Listen>("mta.smtp").map_err(shown);
        }
        Err(error) => shown(error),
    }
    let Ok(text) = std::str::from_utf8(octets) else {
        return;
    };
    if let Ok(size) = text.parse::<ByteSize>() {
        assert_eq!(size.to_string().parse::<ByteSize>().ok(), Some(size));
    }
    if let Ok(period) = text.parse::<Period>() {
        assert_eq!(period.to_string().parse::<Period>().ok(), Some(period));
    }
});
