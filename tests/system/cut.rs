//! What was acknowledged is there after a daemon was killed at any moment. `make kill` runs many
//! more rounds of the same, `make power-cut` cuts the power.

use roost_tests::fault::kill;

#[test]
fn nothing_acknowledged_is_lost_when_store_or_mta_are_killed() {
    let seed = u64::from(std::process::id());
    let summary = kill::kill(10, seed);
    println!("{summary}");
    assert!(summary.wrong.is_empty() && summary.rounds == 10);
}

#[test]
fn the_check_finds_losses_when_the_disk_forgets() {
    let summary = kill::prove_kill(7);
    let lost = summary
        .wrong
        .iter()
        .filter(|wrong| wrong.contains("is lost"));
    assert!(lost.count() > 0, "{summary}");
}
