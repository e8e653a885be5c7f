//! How a node is believed and convinced, against a TLS server that misbehaves on demand. Real nodes: `node_security.rs`.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::Duration,
};

use quorate::{
    config::{Secret, SecretSource},
    probe::{Access, Fingerprint, Login, Name, ProbeFailure, Prober, Report, Terms, TlsTerms, Trust},
};
use rcgen::{CertificateParams, SanType, date_time_ymd};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::support::{
    certificates::Authority,
    standin::{Mood, StandIn},
    tls::{TlsFront, shows},
};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 32, 9));
const LINE: &str = "elasticsearch-9.5.3";

/// An authority with a certificate `node` for this address, a stand-in, and a server in front of it that shows that certificate.
struct Scene {
    dir: TempDir,
    authority: Authority,
    stand_in: StandIn,
    front: TlsFront,
}

impl Scene {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let authority = Authority::new(dir.path());
        authority.sign("node", HERE);
        let stand_in = StandIn::start(LINE, &format!("{HERE}:0"));
        let front = TlsFront::start(stand_in.address(), shows(&authority, "node", &[], None)).await;
        Self {
            dir,
            authority,
            stand_in,
            front,
        }
    }

    fn ca(&self) -> PathBuf {
        self.authority.file("ca", "pem")
    }

    fn believing(&self, name: Name) -> TlsTerms {
        TlsTerms {
            trust: Trust::Authority { file: self.ca(), name },
            identity: None,
        }
    }

    fn prober(&self, tls: TlsTerms, login: Option<Login>) -> Prober {
        let access = Access::new(Terms { tls: Some(tls), login }).expect("good terms");
        Prober::new(HERE.to_string(), self.front.port(), Duration::from_secs(5), access)
    }

    async fn failure(&self, tls: TlsTerms) -> ProbeFailure {
        failure(&mut self.prober(tls, None)).await
    }
}

fn pinned(path: PathBuf) -> TlsTerms {
    let shown = Fingerprint::of(&CertificateDer::from_pem_file(path).expect("a certificate"));
    TlsTerms {
        trust: Trust::Pinned(shown),
        identity: None,
    }
}

fn named(name: &str) -> Name {
    Name::Given(ServerName::try_from(name.to_owned()).expect("a name"))
}

fn said(secret: &str) -> SecretSource {
    SecretSource::said(Secret::new(secret))
}

async fn report(prober: &mut Prober) -> Report {
    prober.probe().await.result.expect("a report")
}

async fn failure(prober: &mut Prober) -> ProbeFailure {
    prober.probe().await.result.expect_err("no report")
}

#[tokio::test]
async fn a_node_is_believed_by_its_authority_or_by_a_pinned_certificate() {
    let scene = Scene::new().await;
    scene
        .authority
        .sign_as("named", |params| params.subject_alt_names = dns("node-1.example"));
    let believing = |name| scene.believing(name);
    for terms in [
        believing(Name::Asked),
        believing(Name::Any),
        pinned(scene.authority.file("node", "pem")),
    ] {
        report(&mut scene.prober(terms, None)).await;
    }
    scene.front.show(shows(&scene.authority, "named", &[&scene.ca()], None));
    for terms in [
        believing(named("node-1.example")),
        believing(Name::Any),
        pinned(scene.ca()),
    ] {
        report(&mut scene.prober(terms, None)).await;
    }
}

fn dns(name: &str) -> Vec<SanType> {
    vec![SanType::DnsName(name.try_into().expect("a name"))]
}

#[tokio::test]
async fn each_reason_not_to_believe_a_node_is_said() {
    let scene = Scene::new().await;
    let other = tempfile::tempdir().expect("a directory");
    let other = Authority::new(other.path());
    let here = |params: &mut CertificateParams| params.subject_alt_names = vec![SanType::IpAddress(HERE)];
    scene.authority.sign_as("old", |params| {
        here(params);
        params.not_before = date_time_ymd(2019, 1, 1);
        params.not_after = date_time_ymd(2020, 1, 1);
    });
    scene.authority.sign_as("young", |params| {
        here(params);
        params.not_before = date_time_ymd(2200, 1, 1);
        params.not_after = date_time_ymd(2201, 1, 1);
    });
    scene
        .authority
        .sign_as("named", |params| params.subject_alt_names = dns("node-1.example"));
    scene.authority.sign_as("nameless", |_| {});
    other.sign("node", HERE);
    let show = |name: &str| scene.front.show(shows(&scene.authority, name, &[], None));
    let asked = || scene.believing(Name::Asked);
    let mut page = Vec::new();
    for name in ["old", "young", "named", "nameless"] {
        show(name);
        page.push((name, scene.failure(asked()).await));
    }
    show("named");
    page.push((
        "named otherwise",
        scene.failure(scene.believing(named("node-2.example"))).await,
    ));
    scene.front.show(shows(&other, "node", &[&scene.ca()], None));
    page.push(("of another authority", scene.failure(asked()).await));
    page.push((
        "of an authority that did not sign",
        scene.failure(pinned(scene.ca())).await,
    ));
    scene.front.show(shows(&other, "node", &[], None));
    let fingerprint =
        Fingerprint::of(&CertificateDer::from_pem_file(other.file("node", "pem")).expect("a certificate"));
    page.push(("another than the pinned one", scene.failure(pinned(scene.ca())).await));
    scene
        .front
        .show(shows(&scene.authority, "node", &[], Some(&scene.authority)));
    page.push(("wants a certificate of ours", scene.failure(asked()).await));
    let page: Vec<String> = page
        .into_iter()
        .map(|(what, failure)| format!("{what}: {failure} ({})", failure.kind()))
        .collect();
    let page = page.join(
        "
",
    );
    insta::assert_snapshot!(page.replace(&fingerprint.to_string(), "<fingerprint>"));
}

#[tokio::test]
async fn a_client_certificate_convinces_a_node_and_another_one_does_not() {
    let scene = Scene::new().await;
    let other_dir = tempfile::tempdir().expect("a directory");
    let other = Authority::new(other_dir.path());
    for authority in [&scene.authority, &other] {
        authority.sign("quorate", HERE);
    }
    scene
        .front
        .show(shows(&scene.authority, "node", &[], Some(&scene.authority)));
    let with = |of: &Authority| TlsTerms {
        identity: Some((of.file("quorate", "pem"), of.file("quorate", "key"))),
        ..scene.believing(Name::Asked)
    };
    report(&mut scene.prober(with(&scene.authority), None)).await;
    let refused = scene.failure(with(&other)).await;
    assert_eq!(refused.kind(), "tls", "{refused}");
    let text = refused.to_string();
    assert!(
        text.contains("it does not believe the authority of our certificate"),
        "{text}"
    );
}

#[tokio::test]
async fn tls_and_plain_http_that_meet_say_which_is_missing() {
    let scene = Scene::new().await;
    let mut plain = Prober::new(
        HERE.to_string(),
        scene.front.port(),
        Duration::from_secs(5),
        Access::default(),
    );
    assert_eq!(
        failure(&mut plain).await.to_string(),
        "the node speaks TLS; `--node-cacert` or `--node-fingerprint` has to say which node is believed"
    );
    let access = Access::new(Terms {
        tls: Some(scene.believing(Name::Asked)),
        login: None,
    });
    let listener = TcpListener::bind((HERE, 0)).await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.read_u8().await.expect("a greeting");
        stream
            .write_all(
                b"HTTP/1.1 400 Bad Request

",
            )
            .await
            .expect("written");
        stream.shutdown().await.expect("closed");
        // An end with bytes unread would take its last words back.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let mut tls = Prober::new(HERE.to_string(), port, Duration::from_secs(5), access.expect("terms"));
    assert_eq!(
        failure(&mut tls).await.to_string(),
        "the node does not speak TLS; without `--node-cacert` and `--node-fingerprint` it is asked in plain HTTP"
    );
}

#[tokio::test]
async fn whoever_asks_is_named_when_the_node_refuses() {
    let scene = Scene::new().await;
    let user = |password: &str| Login::User {
        name: "quorate".to_owned(),
        password: said(password),
    };
    let ask = async |login: Option<Login>| scene.prober(scene.believing(Name::Asked), login).probe().await.result;
    scene.stand_in.wants("Basic cXVvcmF0ZTpzM2NyZXQgw6Q=");
    let mut page = Vec::new();
    ask(Some(user("s3cret ä"))).await.expect("the right password");
    for login in [None, Some(user("guess")), Some(Login::ApiKey(said("id:other")))] {
        page.push(ask(login).await.expect_err("refused").to_string());
    }
    // `id:key` and its encoded form are the same key.
    scene.stand_in.wants("ApiKey aWQ6a2V5");
    for key in ["id:key", "aWQ6a2V5"] {
        ask(Some(Login::ApiKey(said(key)))).await.expect("the right key");
    }
    let again = StandIn::start(LINE, &format!("{HERE}:0"));
    again.is(Mood::Status(403, "", "{}"));
    for login in [None, Some(user("right")), Some(Login::ApiKey(said("id:key")))] {
        let access = Access::new(Terms { tls: None, login }).expect("terms");
        let mut prober = Prober::new(HERE.to_string(), again.address().port(), Duration::from_secs(5), access);
        page.push(failure(&mut prober).await.to_string());
    }
    insta::assert_snapshot!(page.join("\n"));
}

#[tokio::test]
async fn renewed_files_are_used_by_the_next_connection_and_half_renewed_ones_are_not() {
    let scene = Scene::new().await;
    let own = scene.dir.path().join("own");
    std::fs::create_dir(&own).expect("a directory");
    let clients = Authority::new(&own);
    clients.sign("quorate", HERE);
    let password = scene.dir.path().join("password");
    std::fs::write(&password, "old\n").expect("written");
    scene.stand_in.wants("Basic cXVvcmF0ZTpvbGQ=");
    scene.front.show(shows(&scene.authority, "node", &[], Some(&clients)));
    let terms = TlsTerms {
        identity: Some((clients.file("quorate", "pem"), clients.file("quorate", "key"))),
        ..scene.believing(Name::Asked)
    };
    let login = Login::User {
        name: "quorate".to_owned(),
        password: SecretSource::in_file(&password).expect("a password"),
    };
    let mut prober = scene.prober(terms, Some(login));
    report(&mut prober).await;

    // The node's authority, its certificate and the password change; nothing is noticed on the connection that is there.
    let renewed = tempfile::tempdir().expect("a directory");
    let renewed = Authority::new(renewed.path());
    renewed.sign("node", HERE);
    scene.front.show(shows(&renewed, "node", &[], Some(&clients)));
    report(&mut prober).await;
    std::fs::copy(renewed.file("ca", "pem"), scene.ca()).expect("copied");
    // Only the key is new: the pair that was read before stays in use.
    clients.sign("next", HERE);
    std::fs::copy(clients.file("next", "key"), clients.file("quorate", "key")).expect("copied");
    scene.stand_in.close_connections();
    assert_eq!(
        failure(&mut prober).await.kind(),
        "certificate",
        "the old authority goes with the old pair"
    );
    std::fs::copy(clients.file("next", "pem"), clients.file("quorate", "pem")).expect("copied");
    report(&mut prober).await;

    // A password that changes in the file first costs not even one probe.
    std::fs::write(&password, "new\n").expect("written");
    report(&mut prober).await;
    scene.stand_in.wants("Basic cXVvcmF0ZTpuZXc=");
    report(&mut prober).await;
}
