//! The marker of a data directory on disk. Shell; what a marker means is decided elsewhere.

use std::{ffi::OsStr, io, path::Path};

use super::{
    decide::{Belongs, Disk, is_emptied},
    host_cache::HostCache,
    layout::Layout,
};
use crate::{
    host,
    model::{ClusterRecord, DiskId, Marker},
};

/// How the name of a file begins that is written beside one of ours before it takes its place.
const UNFINISHED: &str = "..quorate.";

/// Reads a marker; none when there is none. One that cannot be read is an error: what it says is never guessed.
pub fn read(path: &Path) -> io::Result<Option<Marker>> {
    let Some(bytes) = host::read_optional(path)? else {
        return Ok(None);
    };
    let marker = Marker::parse(&bytes).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
    Ok(Some(marker))
}

/// Writes a marker, whole or not at all, and never over one of a newer version.
pub fn write(path: &Path, marker: &Marker) -> io::Result<()> {
    marker.writable().map_err(io::Error::other)?;
    host::write_atomic(path, &marker.to_value(), 0o644)
}

/// The data directory as the decision wants to know it. One that was never used gets its marker, made from a fresh disk id, now:
/// the id must be there before the seed is put. So does one that was emptied around its marker; the host then remembers what it was.
pub fn open(layout: &Layout, fresh: impl FnOnce(DiskId) -> Marker) -> io::Result<Disk> {
    remove_unfinished(&layout.data);
    let files = has_files(&layout.data)?;
    let marker = match (read(&layout.marker)?, files) {
        (Some(marker), files) if is_emptied(&marker, files) => {
            remember(layout, &marker)?;
            tracing::warn!(was = %marker.disk, belongs = %Belongs::of_marker(&marker), "data directory was emptied around its marker");
            mark(layout, fresh)?
        }
        (Some(marker), _) => marker,
        (None, true) => return Ok(Disk::Unmarked),
        (None, false) => mark(layout, fresh)?,
    };
    Ok(Disk::Marked { marker, files })
}

fn mark(layout: &Layout, fresh: impl FnOnce(DiskId) -> Marker) -> io::Result<Marker> {
    let marker = fresh(DiskId::random()?);
    write(&layout.marker, &marker)?;
    Ok(marker)
}

/// What the marker knew, in case the host has not seen the record.
fn remember(layout: &Layout, marker: &Marker) -> io::Result<()> {
    let mut memory = HostCache::read(&layout.cache)?;
    let (None, Some(claim)) = (&memory.record, &marker.claim) else {
        return Ok(());
    };
    let (cluster, uuid) = (marker.cluster.clone(), marker.cluster_uuid.clone());
    memory.record = Some(ClusterRecord::formed(claim.clone(), cluster, uuid));
    memory.write(&layout.cache)
}

/// Whether anything lies in the data directory that neither this program nor a fresh file system put there.
pub fn has_files(data: &Path) -> io::Result<bool> {
    let entries = match std::fs::read_dir(data) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    for entry in entries {
        if !is_of_no_node(&entry?.file_name()) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether no node has made this entry of a data directory: this program has, killed while it wrote too, or the file system.
pub fn is_of_no_node(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name.starts_with(".quorate.") || name.starts_with(UNFINISHED) || name == "lost+found"
}

/// What launchers left that were killed while they wrote a file of theirs; whoever holds the lock is alone here.
fn remove_unfinished(data: &Path) {
    let entries = std::fs::read_dir(data).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        // What stays is only untidy.
        let _ = std::fs::remove_file(entry.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(dir: &Path) -> Layout {
        let (service, id) = ("es".parse().expect("name"), "10.0.0.1".parse().expect("id"));
        Layout::new(dir, &service, &id, &dir.join("data"))
    }

    fn fresh(disk: DiskId) -> Marker {
        Marker::new(disk, &"es".parse().expect("name"), "logs", "a")
    }

    #[test]
    fn an_unused_directory_gets_one_marker_and_keeps_it() {
        let dir = tempfile::tempdir().expect("directory");
        let layout = layout(dir.path());
        std::fs::create_dir_all(layout.data.join("lost+found")).expect("data");
        let first = open(&layout, fresh).expect("opened");
        assert!(matches!(first, Disk::Marked { files: false, .. }));
        assert_eq!(open(&layout, fresh).expect("opened"), first);
        std::fs::create_dir(layout.data.join("nodes")).expect("files of a node");
        assert!(matches!(
            open(&layout, fresh).expect("opened"),
            Disk::Marked { files: true, .. }
        ));
    }

    #[test]
    fn what_a_launcher_left_that_was_killed_while_it_wrote_is_no_nodes_and_goes() {
        let dir = tempfile::tempdir().expect("directory");
        let layout = layout(dir.path());
        let first = open(&layout, fresh).expect("opened");
        let unfinished = layout.data.join("..quorate.json.4711.tmp");
        std::fs::write(&unfinished, b"{").expect("written");
        assert!(is_of_no_node(unfinished.file_name().expect("a name")));
        assert_eq!(open(&layout, fresh).expect("opened"), first);
        assert!(!unfinished.exists());
    }

    #[test]
    fn files_without_a_marker_get_none() {
        let dir = tempfile::tempdir().expect("directory");
        let layout = layout(dir.path());
        std::fs::create_dir_all(layout.data.join("nodes")).expect("files of a node");
        assert_eq!(open(&layout, fresh).expect("opened"), Disk::Unmarked);
        assert_eq!(read(&layout.marker).expect("read"), None);
    }

    #[test]
    fn a_marker_that_cannot_be_read_or_is_newer_is_never_written_over() {
        let dir = tempfile::tempdir().expect("directory");
        let layout = layout(dir.path());
        std::fs::create_dir_all(&layout.data).expect("data");
        std::fs::write(&layout.marker, b"{}").expect("written");
        assert!(open(&layout, fresh).is_err());
        let newer = Marker {
            format: 99,
            ..fresh(DiskId::random().expect("random"))
        };
        assert!(write(&layout.marker, &newer).is_err());
        assert_eq!(std::fs::read(&layout.marker).expect("read"), b"{}");
    }

    #[test]
    fn a_directory_that_was_emptied_around_its_marker_is_a_fresh_one_and_the_host_remembers() {
        let dir = tempfile::tempdir().expect("directory");
        let layout = layout(dir.path());
        let marker_of = |disk: &Disk| match disk {
            Disk::Marked { marker, .. } => marker.clone(),
            Disk::Unmarked => panic!("marked"),
        };
        let mut marker = marker_of(&open(&layout, fresh).expect("opened"));
        marker.claim = Some("c1".parse().expect("claim"));
        write(&layout.marker, &marker).expect("written");
        let opened = open(&layout, fresh).expect("opened");
        assert_eq!(
            marker_of(&opened),
            marker,
            "a node that was never started leaves no files"
        );
        marker.cluster_uuid = Some("U1".parse().expect("uuid"));
        write(&layout.marker, &marker).expect("written");
        let opened = marker_of(&open(&layout, fresh).expect("opened"));
        assert_ne!(opened.disk, marker.disk);
        assert_eq!((opened.claim, opened.cluster_uuid), (None, None));
        let remembered = HostCache::read(&layout.cache)
            .expect("read")
            .record
            .expect("remembered");
        assert_eq!(
            (Some(remembered.claim), remembered.cluster_uuid),
            (marker.claim, marker.cluster_uuid)
        );
    }
}
