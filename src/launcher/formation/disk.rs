//! The data directory during a start: looked at again before each step that cannot be taken back, and marked before the node starts.
//! It never writes the marker of a disk that is not the one it was told.

use std::io;

use crate::{
    launcher::{
        decide::{Belongs, Disk},
        layout::Layout,
        marker_file,
    },
    model::{ClaimId, DiskId, JoinedCluster, Marker},
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

/// Writes what the node reported into the marker of `disk`; the marker then. A marker of another disk, or one that knows another UUID, is
/// an error: the directory is not what the node was started on.
pub(super) fn set_joined(layout: &Layout, disk: &DiskId, cluster: &JoinedCluster) -> io::Result<Marker> {
    let marker = change(layout, disk, |marker| marker.learn(cluster))?;
    let other = match cluster {
        JoinedCluster::Uuid(uuid) => marker.cluster_uuid.as_ref() != Some(uuid),
        // What the marker calls it is what was said at the first start; the record is compared by whoever writes it.
        JoinedCluster::Name(_) => false,
    };
    if marker.disk != *disk || other {
        let belongs = Belongs::of_marker(&marker);
        let what = format!(
            "the node on disk {disk} reports {cluster}, but disk {} belongs to {belongs}",
            marker.disk
        );
        return Err(io::Error::other(what));
    }
    Ok(marker)
}

/// The marker, changed if it is the disk's.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ClusterUuid;

    fn opened() -> (tempfile::TempDir, Layout, DiskId) {
        let dir = tempfile::tempdir().expect("directory");
        let (service, id) = ("es".parse().expect("name"), "10.0.0.1".parse().expect("id"));
        let layout = Layout::new(dir.path(), &service, &id, &dir.path().join("data"));
        let fresh = |disk| Marker::new(disk, &service, "logs", "n1");
        match marker_file::open(&layout, fresh).expect("opened") {
            Disk::Marked { marker, .. } => (dir, layout, marker.disk),
            Disk::Unmarked => panic!("a fresh directory"),
        }
    }

    fn uuid(text: &str) -> ClusterUuid {
        text.parse().expect("uuid")
    }

    #[test]
    fn a_claim_is_written_into_the_marker_of_the_own_disk_only() {
        let (_dir, layout, disk) = opened();
        let claim: ClaimId = "c1".parse().expect("claim");
        let before = look(&layout).expect("looked");
        let other = "another".parse().expect("disk");
        assert_eq!(mark(&layout, &other, &claim).expect("looked"), before);
        let Disk::Marked { marker, files: false } = mark(&layout, &disk, &claim).expect("marked") else {
            panic!("marked");
        };
        assert_eq!((marker.disk, marker.claim), (disk, Some(claim)));
    }

    #[test]
    fn a_uuid_is_written_once_and_never_over_another() {
        let (_dir, layout, disk) = opened();
        for _ in 0..2 {
            let marker = set_joined(&layout, &disk, &JoinedCluster::Uuid(uuid("U1"))).expect("written");
            assert_eq!(marker.cluster_uuid, Some(uuid("U1")));
        }
        assert!(set_joined(&layout, &disk, &JoinedCluster::Uuid(uuid("U2"))).is_err());
        // A line that reports none says only that it has joined, whatever was known before.
        let named = JoinedCluster::Name("logs".to_owned());
        let marker = set_joined(&layout, &disk, &named).expect("written");
        assert!(marker.joined && marker.cluster_uuid == Some(uuid("U1")));
        assert!(
            set_joined(
                &layout,
                &"another".parse().expect("disk"),
                &JoinedCluster::Uuid(uuid("U1"))
            )
            .is_err()
        );
    }

    #[test]
    fn an_emptied_directory_is_an_error_and_files_without_a_marker_are_nobodys() {
        let (_dir, layout, disk) = opened();
        std::fs::remove_file(&layout.marker).expect("removed");
        assert_eq!(
            look(&layout).map_err(|error| error.kind()),
            Err(io::ErrorKind::NotFound)
        );
        assert!(mark(&layout, &disk, &"c1".parse().expect("claim")).is_err());
        std::fs::create_dir(layout.data.join("nodes")).expect("files of a node");
        assert_eq!(look(&layout).expect("looked"), Disk::Unmarked);
    }
}
