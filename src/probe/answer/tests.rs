//! The answers of real nodes of every line, in every state, and bytes of no kind.

use proptest::prelude::*;

use super::*;

/// A table of `line -> state -> question -> status and body`, and the header that names the product, where there is one.
fn recorded() -> Value {
    serde_json::from_str(include_str!("../../../tests/fixtures/answers.json")).expect("recorded answers")
}

fn answer(line: &Value, state: &str, question: &str) -> Answer {
    let recorded = &line[state][question];
    let header = line["header"].as_str().and_then(|header| header.split_once(": "));
    Answer {
        status: recorded["status"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok())
            .unwrap_or(405),
        product: header.and_then(|(name, value)| product_header(&name.to_lowercase(), value.as_bytes())),
        body: recorded["body"].as_str().unwrap_or("{}").as_bytes().to_vec(),
    }
}

/// Lines in which the state says no UUID, and what the root says instead.
const NO_UUID_IN_STATE: [&str; 3] = ["elasticsearch-1.7.6", "elasticsearch-2.4.6", "elasticsearch-5.6.16"];

#[test]
fn every_line_says_who_it_is_in_every_state() {
    let recorded = recorded();
    assert_eq!(recorded.as_object().expect("lines").len(), 11);
    for (name, line) in recorded.as_object().expect("lines") {
        let (product, version) = name.split_once('-').expect("product and version");
        for state in ["joined", "never", "lost"] {
            let mut identity = read_node(&answer(line, state, "node")).expect(name);
            let root = read_root(&answer(line, state, "root"), &identity.version);
            identity.product = identity.product.or(root.ok().and_then(|root| root.product));
            let has_roles = !(version.starts_with("1.7") || version.starts_with("2.4"));
            assert_eq!(identity.name, "n1", "{name} {state}");
            assert_eq!(
                (identity.cluster.as_str(), identity.version.as_str()),
                ("shapes", version)
            );
            assert_eq!(identity.product, Product::named(product), "{name} {state}");
            assert_eq!(
                (identity.http_port, identity.transport_port),
                (Some(9200), Some(9300)),
                "{name} {state}"
            );
            assert_eq!(identity.roles.is_some(), has_roles, "{name} {state}");
        }
    }
}

#[test]
fn every_line_says_whether_it_has_joined() {
    for (name, line) in recorded().as_object().expect("lines") {
        let of = |state| read_state(&answer(line, state, "state")).unwrap_or_else(|e| panic!("{name} {state}: {e}"));
        assert!(of("joined").master.is_some(), "{name}");
        assert_eq!(of("never").master, None, "{name}");
        assert_eq!(of("lost").master, None, "{name}");
        if NO_UUID_IN_STATE.contains(&name.as_str()) {
            assert_eq!(of("joined").uuid, ReportedUuid::Unsaid, "{name}");
        } else {
            assert!(of("joined").uuid.known().is_some(), "{name}");
            assert_eq!(of("never").uuid, ReportedUuid::NotYet, "{name}");
            assert_eq!(
                of("lost").uuid,
                of("joined").uuid,
                "{name}: a lost master does not change the cluster"
            );
        }
    }
}

#[test]
fn older_lines_say_the_uuid_in_the_root_and_1_x_never() {
    for name in NO_UUID_IN_STATE {
        let recorded = recorded();
        let of = |state| read_root(&answer(&recorded[name], state, "root"), "").expect(name).uuid;
        let first = name == "elasticsearch-1.7.6";
        assert_eq!(of("joined").known().is_some(), !first, "{name}");
        assert_eq!(
            of("never"),
            if first {
                ReportedUuid::Unsaid
            } else {
                ReportedUuid::NotYet
            },
            "{name}"
        );
        assert_eq!(of("lost"), of("joined"), "{name}");
        assert_eq!(may_have_uuid(name.trim_start_matches("elasticsearch-")), !first);
    }
}

#[test]
fn what_is_no_search_node_is_told_apart_from_one_in_trouble() {
    let of = |status, body: &str| {
        let answer = Answer {
            status,
            product: None,
            body: body.as_bytes().to_vec(),
        };
        read_state(&answer)
    };
    let kind = |status, body| {
        of(status, body).map_or_else(|failure| (failure.kind(), failure.is_stranger()), |_| ("report", false))
    };
    let blocked =
        r#"{"error":"ClusterBlockException[blocked by: [SERVICE_UNAVAILABLE/1/state not recovered]]","status":503}"#;
    for (status, body, expected) in [
        (200, r#"{"cluster_name":"c","master_node":null}"#, ("report", false)),
        (
            200,
            r#"{"cluster_name":"c","cluster_manager_node":"x"}"#,
            ("report", false),
        ),
        (503, blocked, ("report", false)),
        (503, "upstream unavailable", ("status", false)),
        (500, "{}", ("status", false)),
        (429, "{}", ("status", false)),
        (302, "", ("status", true)),
        (404, "not found", ("status", true)),
        (200, "<html>", ("garbage", true)),
        (200, "{}", ("garbage", true)),
        (200, "[]", ("garbage", true)),
        (200, r#"{"cluster_name":"c"}"#, ("garbage", true)),
        (200, r#"{"cluster_name":"c","master_node":7}"#, ("garbage", true)),
    ] {
        assert_eq!(kind(status, body), expected, "{status} {body}");
    }
}

#[test]
fn ports_are_read_from_every_form_of_an_address() {
    for (address, expected) in [
        ("10.0.0.1:9300", Some(9300)),
        ("host/10.0.0.1:9301", Some(9301)),
        ("[fd00::1]:9300", Some(9300)),
        ("inet[/10.0.0.1:9300]", Some(9300)),
        ("inet[host/10.0.0.1:9300]", Some(9300)),
        ("10.0.0.1", None),
        ("10.0.0.1:0", None),
        (":", None),
    ] {
        assert_eq!(port(address), expected, "{address}");
    }
}

#[test]
fn opensearch_that_shows_old_clients_another_number_is_not_taken_for_elasticsearch() {
    let root = Answer {
        status: 200,
        product: None,
        body: br#"{"cluster_uuid":"u","version":{"number":"7.10.2"}}"#.to_vec(),
    };
    assert_eq!(read_root(&root, "1.3.20").expect("readable").product, None);
    assert_eq!(
        read_root(&root, "7.10.2").expect("readable").product,
        Some(Product::Elasticsearch)
    );
}

proptest! {
    #[test]
    fn no_bytes_panic(status in any::<u16>(), body in proptest::collection::vec(any::<u8>(), 0..300)) {
        let answer = Answer { status, product: None, body };
        let _ = read_state(&answer);
        let _ = read_node(&answer);
        let _ = read_root(&answer, "9.5.3");
    }

    /// Real answers with a piece cut out and something else put there.
    #[test]
    fn no_damaged_answer_panics(
        line in 0_usize..11,
        state in prop_oneof![Just("joined"), Just("never"), Just("lost")],
        question in prop_oneof![Just("state"), Just("node"), Just("root")],
        from in any::<proptest::sample::Index>(),
        length in 0_usize..40,
        piece in proptest::collection::vec(any::<u8>(), 0..8),
    ) {
        let recorded = recorded();
        let line = recorded.as_object().expect("lines").values().nth(line).expect("a line").clone();
        let mut answer = answer(&line, state, question);
        let from = from.index(answer.body.len().max(1)).min(answer.body.len());
        let to = (from + length).min(answer.body.len());
        answer.body.splice(from..to, piece);
        let _ = read_state(&answer);
        let _ = read_node(&answer);
        let _ = read_root(&answer, "9.5.3");
    }
}

/// Answers of real nodes of each line, those of 1.7 and 2.4 as their source writes them.
#[test]
fn every_line_says_whom_its_cluster_has_and_some_who_may_be_elected() {
    let one = |node: &str| format!(r#"{{"cluster_name":"c","nodes":{{"2CiCdQMmRQy5RLufTHWWAg":{{{node}}}}}}}"#);
    for (node, expected) in [
        // Elasticsearch 5.6 and 6.8, OpenSearch 1.3, 2.19, 3.6.
        (r#""transport_address":"127.0.55.41:9300""#, Some(("127.0.55.41", None))),
        // Elasticsearch 7.17, 8.19, 9.5.
        (
            r#""transport_address":"127.0.55.42:9301","roles":["data","master"]"#,
            Some(("127.0.55.42:9301", Some(true))),
        ),
        (
            r#""transport_address":"[fd00::1]:9300","roles":["data_hot"]"#,
            Some(("fd00::1", Some(false))),
        ),
        (
            r#""transport_address":"10.0.0.1:9300","roles":["cluster_manager"]"#,
            Some(("10.0.0.1", Some(true))),
        ),
        (
            r#""transport_address":"10.0.0.1:9300","roles":[]"#,
            Some(("10.0.0.1", Some(false))),
        ),
        // Elasticsearch 1.7 and 2.4 show what was set.
        (
            r#""transport_address":"inet[/10.0.0.1:9300]","attributes":{"master":"false"}"#,
            Some(("10.0.0.1", Some(false))),
        ),
        (
            r#""transport_address":"inet[a.example/10.0.0.1:9300]","attributes":{"client":"true"}"#,
            Some(("10.0.0.1", Some(false))),
        ),
        (
            r#""transport_address":"10.0.0.1:9300","attributes":{"master":"true"}"#,
            Some(("10.0.0.1", Some(true))),
        ),
        // It costs that node, not the answer.
        (r#""transport_address":"local[1]""#, None),
    ] {
        let answer = Answer {
            status: 200,
            product: None,
            body: one(node).into_bytes(),
        };
        let expected: Vec<Peer> = expected
            .into_iter()
            .map(|(id, master_eligible)| Peer {
                transport: id.parse().expect("id"),
                master_eligible,
            })
            .collect();
        assert_eq!(read_peers(&answer), Ok(expected), "{node}");
    }
}

#[test]
fn no_damaged_sample_panics_and_every_complaint_is_short() {
    crate::fuzz::fuzz("answers", |bytes| {
        for status in [200, 503, 404] {
            let answer = Answer {
                status,
                product: None,
                body: bytes.to_vec(),
            };
            let failures = [
                read_state(&answer).err(),
                read_node(&answer).err(),
                read_peers(&answer).err(),
                read_root(&answer, "9.5.3").err(),
            ];
            for failure in failures.into_iter().flatten() {
                assert!(failure.to_string().chars().count() < 300, "{failure}");
            }
        }
    });
}
