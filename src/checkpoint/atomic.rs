//! Files that are there as a whole, or not at all.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::{Entries, keys};
use crate::error::{Error, Explained, Result};

/// Writes a file beside its place, and moves it there when it is on the disk. Until then nothing has changed, and where
/// it fails, nothing is left.
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
    // a name alone has an empty parent
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".dsrunner-");
    // temporary files are for their owner alone, others as the user's mask has it
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let temporary = builder.tempfile_in(folder).map_err(|error| error.to_string())?;
    let mut writer = BufWriter::new(temporary.as_file());
    content(&mut writer)?;
    writer.flush().map_err(|error| error.to_string())?;
    drop(writer);
    temporary.as_file().sync_all().map_err(|error| error.to_string())?;
    temporary.persist(path).map_err(|error| error.error.to_string())?;
    // the move itself is on the disk when the folder is; some file systems cannot do it, and the file is there
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}
