//! The value of a member key: the contract with every script that reads or writes `/services/<service>/<id>`.

use serde::{Deserialize, Serialize};

use super::{
    ClusterUuid, Incarnation,
    value::{self, Unknown, ValueError},
};

/// A node whose sidecar found it ready. Only the two ports are promised; a key written by hand may hold nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    /// Where the node answers HTTP.
    pub http_port: u16,
    /// Where other nodes reach it.
    pub transport_port: u16,
    /// The node's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The cluster's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// The cluster's UUID; none on lines that report none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_uuid: Option<ClusterUuid>,
    /// `elasticsearch` or `opensearch`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The product's version, e.g. `9.5.3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The node's roles as it reports them; none where the line reports none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
    /// The sidecar's run; none in a key that a script wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incarnation: Option<Incarnation>,
    /// The host's machine id, hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// The host's boot id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot: Option<String>,
    /// When the node became ready, RFC 3339 in UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Fields of other writers.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Member {
    /// A member with the two promised fields.
    pub fn new(http_port: u16, transport_port: u16) -> Self {
        Self {
            http_port,
            transport_port,
            name: None,
            cluster: None,
            cluster_uuid: None,
            product: None,
            version: None,
            roles: None,
            incarnation: None,
            machine: None,
            boot: None,
            since: None,
            unknown: Unknown::default(),
        }
    }

    /// Reads the value of a member key.
    pub fn parse(bytes: &[u8]) -> Result<Self, ValueError> {
        let member: Self = value::from_json("member", bytes)?;
        if member.http_port == 0 || member.transport_port == 0 {
            return Err(ValueError::Unreadable {
                what: "member",
                cause: "a port is 0".to_owned(),
            });
        }
        Ok(member)
    }

    /// The value to store.
    pub fn to_value(&self) -> Vec<u8> {
        value::to_json(self)
    }

    /// Whether others may elect through this node. Entries that do not say count as eligible.
    pub fn master_eligible(&self) -> bool {
        let is_master = |role: &String| role == "master" || role == "cluster_manager";
        self.roles.as_ref().is_none_or(|roles| roles.iter().any(is_master))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_ports_are_a_member_and_unknown_fields_stay() {
        let member = Member::parse(br#"{"http_port":9200,"transport_port":9300,"rack":"r1"}"#).expect("readable");
        assert_eq!(
            (member.http_port, member.transport_port, member.master_eligible()),
            (9200, 9300, true)
        );
        assert_eq!(
            member.to_value(),
            br#"{"http_port":9200,"transport_port":9300,"rack":"r1"}"#
        );
    }

    #[test]
    fn what_cannot_be_read_says_so() {
        for bytes in [
            &b"9300"[..],
            b"",
            b"{}",
            br#"{"http_port":"9200","transport_port":9300}"#,
            b"\xff\xfe",
            b"{\"http_port\":1}",
            br#"{"http_port":9200,"transport_port":0}"#,
        ] {
            assert!(matches!(
                Member::parse(bytes),
                Err(ValueError::Unreadable { what: "member", .. })
            ));
        }
    }

    #[test]
    fn a_node_without_a_master_role_is_no_place_to_elect() {
        let mut member = Member::new(9200, 9300);
        member.roles = Some(vec!["data".to_owned()]);
        assert!(!member.master_eligible());
        member.roles = Some(vec!["data".to_owned(), "cluster_manager".to_owned()]);
        assert!(member.master_eligible());
    }
}
