//! The data directory during a start: looked at again before each step that cannot be taken back, and marked before the node starts.
//! It never writes the marker of a disk that is not the one it was told.

use std::io;

use crate::{
    launcher::{decide::Disk, layout::Layout, marker_file},
    model::{ClaimId, ClusterUuid, DiskId, Marker},
};

/// What the directory says now. A marker that has vanished together with everything else is an error: the directory was emptied, or
/// something else is mounted there.
pub(super) fn look(layout: &Layout) -> io::Result<Disk> {
    let files = marker_file::has_files(&layout.data)?;
    match marker_file::read(&layout.marker)? {
        Some(marker) => Ok(Disk::Marked { marker, files }),
        None if files => Ok(Disk::Unmarked),
        None => Err(gone(layout)),
    }
}

/// Writes `claim` into the marker of `disk`, durably, and looks again. The marker of another disk stays as it is.
pub(super) fn mark(layout: &Layout, disk: &DiskId, claim: &ClaimId) -> io::Result<Disk> {
    change(layout, disk, |marker| marker.claim = Some(claim.clone()))?;
    look(layout)
}

/// Writes what the node reported into the marker of `disk`; the marker then.
pub(super) fn set_uuid(layout: &Layout, disk: &DiskId, uuid: &ClusterUuid) -> io::Result<Marker> {
    change(layout, disk, |marker| marker.cluster_uuid = Some(uuid.clone()))
}

fn change(layout: &Layout, disk: &DiskId, change: impl FnOnce(&mut Marker)) -> io::Result<Marker> {
    let marker = marker_file::read(&layout.marker)?.ok_or_else(|| gone(layout))?;
    if marker.disk != *disk {
        return Ok(marker);
    }
    let mut changed = marker.clone();
    change(&mut changed);
    if changed != marker {
        marker_file::write(&layout.marker, &changed)?;
    }
    Ok(changed)
}

fn gone(layout: &Layout) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{} is gone", layout.marker.display()))
}
