//! What is proven.

mod first_boot;
mod life;
mod trouble;

use crate::lab::Lab;
use crate::report::Told;

/// One machine, or several that belong together, and the tests on it.
pub(crate) struct Scenario {
    /// In the order in which they run; each needs those before it.
    pub(crate) tests: &'static [&'static str],
    /// Whether it belongs to the short set, which gates every change.
    pub(crate) short: bool,
    pub(crate) run: fn(&Lab) -> Result<(), Told>,
}

/// All of them, in the order in which they run.
pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        tests: &life::TESTS,
        short: true,
        run: life::from_properties_through_everything,
    },
    Scenario {
        tests: &["cloud_init_on_bios"],
        short: true,
        run: |lab| lab.test("cloud_init_on_bios", || first_boot::cloud_init_on_bios(lab)),
    },
    Scenario {
        tests: &["no_data_disk_and_wrong_properties"],
        short: true,
        run: |lab| {
            lab.test("no_data_disk_and_wrong_properties", || {
                trouble::no_data_disk_and_wrong_properties(lab)
            })
        },
    },
    Scenario {
        tests: &["copy_gets_new_keys"],
        short: false,
        run: |lab| lab.test("copy_gets_new_keys", || life::copy_gets_new_keys(lab)),
    },
    Scenario {
        tests: &["console_wizard"],
        short: false,
        run: |lab| lab.test("console_wizard", || first_boot::console_wizard(lab)),
    },
    Scenario {
        tests: &["power_cut_under_load_ten_times"],
        short: false,
        run: |lab| {
            lab.test("power_cut_under_load_ten_times", || {
                life::power_cut_ten_times(lab)
            })
        },
    },
    Scenario {
        tests: &["data_disk_on_another_machine"],
        short: false,
        run: |lab| {
            lab.test("data_disk_on_another_machine", || {
                trouble::data_disk_on_another_machine(lab)
            })
        },
    },
    Scenario {
        tests: &["time_jump"],
        short: false,
        run: |lab| lab.test("time_jump", || trouble::time_jump(lab)),
    },
];
