use roost_kit::disk::Disk;

use super::*;

const FOLDER: &str = "/f";

fn disk() -> SimDisk {
    let disk = SimDisk::new();
    disk.create_directories(Path::new(FOLDER)).unwrap();
    disk
}

fn path(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

#[test]
fn a_name_needs_its_directorys_sync_and_a_content_its_files() {
    let disk = disk();
    let file = disk.create(&path("a")).unwrap();
    file.write_all_at(b"one", 0).unwrap();
    file.sync_data().unwrap();
    assert!(
        !disk
            .after_crash(Loss::Everything)
            .exists(&path("a"))
            .unwrap()
    );
    disk.sync_directory(Path::new(FOLDER)).unwrap();
    file.write_all_at(b"two", 0).unwrap();
    let crashed = disk.after_crash(Loss::Everything);
    assert_eq!(crashed.read(&path("a")).unwrap(), b"one");
    assert_eq!(disk.restarted().read(&path("a")).unwrap(), b"two");
    let twice = disk.restarted().after_crash(Loss::Everything);
    assert_eq!(twice.read(&path("a")).unwrap(), b"one");
}

#[test]
fn a_rename_can_survive_without_its_data() {
    let lost = |seed| {
        let disk = disk();
        let file = disk.create(&path("a")).unwrap();
        disk.sync_directory(Path::new(FOLDER)).unwrap();
        file.write_all_at(b"content", 0).unwrap();
        disk.rename(&path("a"), &path("b")).unwrap();
        let crashed = disk.after_crash(Loss::Random(seed));
        crashed.read(&path("b")).is_ok_and(|bytes| bytes.is_empty())
    };
    assert!((0..100).any(lost));
}

#[test]
fn writes_are_torn_at_any_byte() {
    let disk = disk();
    let file = disk.create(&path("a")).unwrap();
    disk.sync_directory(Path::new(FOLDER)).unwrap();
    file.write_all_at(&[1; 100], 0).unwrap();
    let lengths: std::collections::BTreeSet<usize> = (0..2000)
        .map(|seed| disk.after_crash(Loss::Random(seed)))
        .map(|disk| disk.read(&path("a")).unwrap().len())
        .collect();
    assert!(lengths.len() > 95, "{lengths:?}");
}

#[test]
fn after_a_failed_sync_later_ones_succeed_and_the_pages_are_gone() {
    let disk = disk();
    let file = disk.create(&path("a")).unwrap();
    disk.sync_directory(Path::new(FOLDER)).unwrap();
    file.write_all_at(b"gone", 0).unwrap();
    disk.plan(disk.operations(), FaultKind::Error);
    file.sync_data().unwrap_err();
    file.sync_data().unwrap();
    assert_eq!(disk.hit().unwrap().call, Call::Sync);
    assert_eq!(disk.read(&path("a")).unwrap(), b"gone");
    assert_eq!(
        disk.after_crash(Loss::Everything).read(&path("a")).unwrap(),
        b""
    );
}

#[test]
fn a_full_disk_lets_names_go_and_heals() {
    let disk = disk();
    let file = disk.create(&path("a")).unwrap();
    disk.plan(disk.operations(), FaultKind::StaysFull);
    assert_eq!(
        file.write_all_at(b"x", 0).unwrap_err().kind(),
        io::ErrorKind::StorageFull
    );
    file.sync_data().unwrap_err();
    disk.remove(&path("a")).unwrap();
    disk.heal();
    disk.create(&path("b")).unwrap();
}

#[test]
fn lying_syncs_lose_everything() {
    let disk = disk();
    disk.lie_about_syncs();
    let file = disk.create(&path("a")).unwrap();
    file.write_all_at(b"x", 0).unwrap();
    file.sync_data().unwrap();
    disk.sync_directory(Path::new(FOLDER)).unwrap();
    disk.file_system(Path::new(FOLDER)).unwrap().sync().unwrap();
    assert!(
        !disk
            .after_crash(Loss::Everything)
            .exists(&path("a"))
            .unwrap()
    );
}
