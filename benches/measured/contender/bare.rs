//! The floor: a put and a delete over a connection that is open, by this program itself, with nothing around them.

use quorate::registry::{Op, Registry, Txn};
use tokio::{net::TcpStream, sync::oneshot};

use super::{Contender, Etcd, Keeper, member_key};

/// What tells it to delete.
#[derive(Clone, Copy)]
pub(crate) enum Bare {
    /// The one who kills says so: the bare delete.
    Told,
    /// A connection to the node that it holds, when it ends.
    Held,
}

impl Contender for Bare {
    fn name(&self) -> &str {
        match self {
            Self::Told => "bare delete",
            Self::Held => "bare, held connection",
        }
    }

    fn keep(&self, etcd: &Etcd, address: &str) -> Box<dyn Keeper> {
        Box::new(Hand {
            how: *self,
            registry: etcd.registry(),
            address: address.to_owned(),
            killed: None,
        })
    }
}

struct Hand {
    how: Bare,
    registry: Registry,
    address: String,
    killed: Option<oneshot::Sender<()>>,
}

impl Keeper for Hand {
    fn node_runs(&mut self, _pid: u32) {
        let (killed, told) = oneshot::channel();
        self.killed = Some(killed);
        let (how, registry, address) = (self.how, self.registry.clone(), self.address.clone());
        tokio::spawn(async move {
            let key = member_key(&address);
            let held = TcpStream::connect((address.as_str(), 9200)).await.expect("it answers");
            let put = Op::Put {
                key: key.clone(),
                value: br#"{"http_port":9200,"transport_port":9300}"#.to_vec(),
                lease: None,
            };
            commit(&registry, put).await;
            match how {
                Bare::Told => told.await.expect("the killer lives"),
                Bare::Held => held.readable().await.unwrap_or_default(),
            }
            commit(&registry, Op::Delete { key }).await;
        });
    }

    fn node_killed(&mut self) {
        if let Some(killed) = self.killed.take() {
            // Who holds a connection does not listen.
            let _ = killed.send(());
        }
    }
}

async fn commit(registry: &Registry, op: Op) {
    let then = vec![op];
    let when = Vec::new();
    registry.commit(&Txn { when, then }).await.expect("etcd answers");
}
