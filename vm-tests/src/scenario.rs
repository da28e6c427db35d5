//! What is proven.

mod first_boot;
mod life;
mod trouble;

use crate::lab::Lab;

/// One scenario.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// Whether it belongs to the short set, which gates every change.
    pub(crate) short: bool,
    pub(crate) run: fn(&Lab) -> anyhow::Result<()>,
}

/// All of them, in the order in which they run.
pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "vapp-properties-to-mailbox-and-through-its-life",
        short: true,
        run: life::from_properties_through_everything,
    },
    Scenario {
        name: "cloud-init-on-bios",
        short: true,
        run: first_boot::cloud_init_on_bios,
    },
    Scenario {
        name: "no-data-disk-and-wrong-properties",
        short: true,
        run: trouble::no_data_disk_and_wrong_properties,
    },
    Scenario {
        name: "console-wizard",
        short: false,
        run: first_boot::console_wizard,
    },
    Scenario {
        name: "power-cut-under-load-ten-times",
        short: false,
        run: life::power_cut_ten_times,
    },
    Scenario {
        name: "data-disk-on-another-machine",
        short: false,
        run: trouble::data_disk_on_another_machine,
    },
    Scenario {
        name: "time-jump",
        short: false,
        run: trouble::time_jump,
    },
];
