//! Files that are there as a whole, or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::{Entries, keys};
use crate::error::{Error, Explained, Result};

/// Characters at the end of a temporary file's name that are drawn.
const DRAWN: usize = 6;

/// Writes a file beside its place, and moves it there when it is on the disk. Until then nothing has changed, and where
/// it fails, nothing is left. What a killed process left of an earlier try is removed.
pub(super) fn write(
    path: &Path,
    entries: &Entries,
    content: impl FnOnce(&mut BufWriter<&File>, &Entries) -> Explained<()>,
) -> Result<()> {
    keys::check_all(entries.iter().map(|(key, _)| &key[..]))
        .map_err(|(key, reason)| Error::file(path, Some(keys::place(key)), reason))?;
    replace(path, |file| content(file, entries))
        .map_err(|reason| Error::file(path, None, format!("cannot be written: {reason}")))
}

fn replace(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<&File>) -> Explained<()>,
) -> Explained<()> {
    let system = |error: io::Error| error.to_string();
    let path = &followed(path)?;
    // a name alone has an empty parent
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let before = fs::metadata(path).ok();
    if before.as_ref().is_some_and(|before| !before.is_file()) {
        return Err("what is there is no file".into());
    }
    let prefix = prefix(path);
    sweep(folder, &prefix);
    let temporary = temporary(folder, &prefix).map_err(system)?;
    if let Some(before) = before {
        temporary.as_file().set_permissions(before.permissions()).map_err(system)?;
    }
    let mut writer = BufWriter::new(temporary.as_file());
    content(&mut writer)?;
    writer.flush().map_err(system)?;
    drop(writer);
    temporary.as_file().sync_all().map_err(system)?;
    temporary.persist(path).map_err(|error| error.error.to_string())?;
    // the move itself is on the disk when the folder is; some file systems cannot do it, and the file is there
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// Where a path leads by symbolic links, whether there is a file yet or not: a move would put the file in the place of the link.
fn followed(path: &Path) -> Explained<PathBuf> {
    // as many as Linux follows
    const MOST: usize = 40;
    let mut path = path.to_path_buf();
    for _ in 0..=MOST {
        let Ok(to) = fs::read_link(&path) else { return Ok(path) };
        // one that is relative counts from the folder of the link
        path = path.parent().unwrap_or(Path::new("")).join(to);
    }
    Err(format!("more than {MOST} symbolic links lead on from it; do they go round?"))
}

/// How the names of the temporary files for a file begin.
fn prefix(path: &Path) -> String {
    // names have 255 bytes at most
    const MOST: usize = 200;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let end = (0..=MOST.min(name.len())).rev().find(|&end| name.is_char_boundary(end));
    format!(".{}.dsrunner-", &name[..end.unwrap_or(0)])
}

/// A temporary file with a lock, by which a sweep tells that it is in use.
fn temporary(folder: &Path, prefix: &str) -> io::Result<NamedTempFile> {
    let mut builder = Builder::new();
    builder.prefix(prefix).rand_bytes(DRAWN);
    // temporary files are for their owner alone, others as the user's mask has it
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    loop {
        let temporary = builder.tempfile_in(folder)?;
        // a sweep may come before the lock; where a file system has no locks, nothing is swept
        if temporary.as_file().lock().is_err() || temporary.path().exists() {
            return Ok(temporary);
        }
    }
}

/// Removes temporary files that nobody has a lock on. What cannot be removed stays.
fn sweep(folder: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let own = name.to_str().and_then(|name| name.strip_prefix(prefix));
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if is_file
            && own.is_some_and(|drawn| drawn.len() == DRAWN)
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn save(path: &Path, text: &str) -> Explained<()> {
        replace(path, |file| file.write_all(text.as_bytes()).map_err(|error| error.to_string()))
    }

    #[test]
    fn what_a_kill_left_goes_with_the_next_save() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.npz");
        let file = |path: &Path| temporary(folder.path(), &prefix(path)).unwrap();
        // a lock goes with its process
        let left = [file(&path), file(&path)].map(|file| file.keep().unwrap().1);
        assert_eq!(names(folder.path()).len(), 2);
        // files of others: in use, for another file, and of a user's own
        let used = file(&path);
        let (_, other) = file(&folder.path().join("other.npz")).keep().unwrap();
        let own = folder.path().join(".state.npz.dsrunner-notes.txt");
        fs::write(&own, "").unwrap();
        save(&path, "new").unwrap();
        assert!(left.iter().all(|path| !path.exists()));
        assert!(used.path().exists() && other.exists() && own.exists());
        assert_eq!(fs::read(&path).unwrap(), b"new");
        drop(used);
        save(&path, "newer").unwrap();
        assert_eq!(names(folder.path()).len(), 3, "{:?}", names(folder.path()));
    }

    #[test]
    fn saves_at_the_same_time_leave_one_whole_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.npz");
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..50 {
                        save(path, &thread.to_string().repeat(10_000)).unwrap();
                    }
                });
            }
        });
        let text = fs::read(&path).unwrap();
        assert!(text.len() == 10_000 && text.iter().all(|&byte| byte == text[0]));
        assert_eq!(names(folder.path()), ["state.npz"]);
    }

    #[test]
    fn long_names_have_room_for_what_is_drawn() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["x".repeat(251), "é".repeat(125), String::from("x")] {
            let path = folder.path().join(format!("{name}.npz"));
            save(&path, "whole").unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"whole");
        }
    }

    #[cfg(unix)]
    mod links {
        use std::os::unix::fs::{PermissionsExt, symlink};

        use super::*;

        fn is_link(path: &Path) -> bool {
            fs::symlink_metadata(path).unwrap().is_symlink()
        }

        #[test]
        fn a_save_goes_where_links_lead() {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            fs::create_dir_all(at("disk/deep")).unwrap();
            fs::create_dir(at("links")).unwrap();
            fs::write(at("disk/state.npz"), "old").unwrap();
            fs::set_permissions(at("disk/state.npz"), fs::Permissions::from_mode(0o640)).unwrap();
            symlink("../disk/state.npz", at("links/relative.npz")).unwrap();
            symlink(at("links/relative.npz"), at("absolute.npz")).unwrap();
            symlink("disk/deep/later.npz", at("dangling.npz")).unwrap();
            symlink("disk/deep", at("folder")).unwrap();
            // out of a folder that is a link: the parent of what it leads to
            symlink("../state.npz", at("disk/deep/up.npz")).unwrap();
            for (link, file) in [
                ("links/relative.npz", "disk/state.npz"),
                ("absolute.npz", "disk/state.npz"),
                ("folder/up.npz", "disk/state.npz"),
                ("dangling.npz", "disk/deep/later.npz"),
                ("dangling.npz", "disk/deep/later.npz"),
            ] {
                save(&at(link), link).unwrap();
                assert_eq!(fs::read(at(file)).unwrap(), link.as_bytes(), "{link}");
                assert!(is_link(&at(link)) && !is_link(&at(file)), "{link}");
            }
            let mode = fs::metadata(at("disk/state.npz")).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o640);
            assert_eq!(names(&at("disk")), ["deep", "state.npz"]);
        }

        #[test]
        fn links_that_lead_to_no_file() {
            let folder = tempfile::tempdir().unwrap();
            let at = |name: &str| folder.path().join(name);
            symlink("b.npz", at("a.npz")).unwrap();
            symlink("a.npz", at("b.npz")).unwrap();
            let error = save(&at("a.npz"), "").unwrap_err();
            assert!(error.starts_with("more than 40 symbolic links"), "{error}");
            symlink("/dev/null", at("device.npz")).unwrap();
            assert_eq!(save(&at("device.npz"), "").unwrap_err(), "what is there is no file");
            symlink("none/state.npz", at("nowhere.npz")).unwrap();
            assert!(save(&at("nowhere.npz"), "").is_err());
            assert!(
                ["a.npz", "b.npz", "device.npz", "nowhere.npz"].iter().all(|l| is_link(&at(l)))
            );
            assert_eq!(names(folder.path()).len(), 4);
            assert!(!fs::metadata("/dev/null").unwrap().is_file());
        }
    }
}
