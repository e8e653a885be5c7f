//! What systemd itself says of the units, where they are installed.

use crate::rig::{
    Rig,
    host::{MAIN, SIDECAR},
};

pub(super) async fn stand_every_look(rig: &mut Rig) {
    rig.stands().await;
    let host = &rig.hosts[0];
    let verified = host
        .tries(&format!(
            "systemd-analyze verify --man=no --recursive-errors=no {MAIN}.service {SIDECAR}.service"
        ))
        .await;
    assert_eq!(
        (verified.code, verified.err.as_str()),
        (Some(0), ""),
        "{}",
        verified.out
    );
    // 15 means 1.5.
    let exposed = host
        .tries(&format!("systemd-analyze security --no-pager --threshold=15 {SIDECAR}"))
        .await;
    assert_eq!(exposed.code, Some(0), "{}", exposed.out);
    // Shut in as it is, it sees the node's process.
    let status = host.runs("curl -sf http://127.0.0.1:9190/status").await;
    assert!(status.contains("\"death_seen_by\": \"threads\""), "{status}");
    assert_eq!(host.runs("systemctl is-system-running").await, "running");
}
