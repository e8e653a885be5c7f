//! What `--help` says beyond the flags: what the command does, what one sees, an example.

pub(super) const EXIT_CODES: &str = "\
Every command says more with --help. Exit codes: 0 done, 1 failed, 2 usage, 3 refused as unsafe, 4 timed out \
waiting, 75 registry unreachable, 78 configuration.";

pub(super) const SIDECAR: &str = "\
Watches the local node and keeps its member key true.

It probes the node over HTTP and keeps one key in etcd under a lease: the key is there while the node is ready, \
and nobody has to ask twice. It never stops, restarts or changes the node. When etcd is away it goes on probing \
and changes nothing. SIGTERM takes the key away and ends with 0. SIGHUP reads the settings again and takes over \
from a new executable, without a gap for any reader. It answers /livez, /readyz, /status and /metrics.";

pub(super) const SIDECAR_EXAMPLE: &str = "\
Example: on every host, beside the node
  quorate sidecar --endpoints 10.0.0.11:2379,10.0.0.12:2379 --address 10.0.0.21
  curl -s http://127.0.0.1:9190/status";

pub(super) const LAUNCH: &str = "\
Starts the local node so that it joins the one right cluster, and stays with it.

It publishes a seed key, looks who else is there, decides (form the cluster, join it, go back to it, wait, \
refuse) and says why, starts the node, and keeps the node's seed file true. A cluster is formed once per \
service, ever. SIGTERM stops the node in order; a second one shortens it. SIGHUP reads the settings again and takes over from a \
new executable, and the node runs on. Start it again after any end: it goes on where it was.";

pub(super) const LAUNCH_EXAMPLE: &str = "\
Example: the same on three hosts, in any order; they form one cluster
  quorate launch --home /opt/elasticsearch-9.5.3 --address 10.0.0.21 --bootstrap-expect 3
  quorate launch --home /opt/elasticsearch-9.5.3 --address 10.0.0.21 --dry-run";

pub(super) const SEEDS: &str = "\
Lists the addresses through which a node finds the cluster: `host:port` of every master-eligible node, healthy \
or not, from the seed keys and the member keys together, sorted, each once. A key that a script wrote with the \
two ports only is listed.

While etcd is away it prints what the launchers of this host last knew, says how old that is, and ends with 75.

With --output it stays and keeps a file true: replaced whole, only when the list changes, never emptied. When \
etcd is away the file stays as it is. Whoever is registered no more is asked directly: those who answer stay, \
silent ones for ten minutes. With --exec a command follows each change, one at a time and no more than one \
a second: changes that come meanwhile are answered by one more run. It finds the list in QUORATE_SEEDS (csv) and \
the file in QUORATE_SEEDS_FILE; how it ended is said, shown by the service manager, and with --exec-result \
written down.";

pub(super) const SEEDS_EXAMPLE: &str = "\
Example:
  quorate seeds --format csv
  quorate seeds --output /etc/elasticsearch/unicast_hosts.txt
  quorate seeds --format csv --output /run/search-hosts --exec 'systemctl reload haproxy'";

pub(super) const STATUS: &str = "\
Shows record, seeds and members in one table.

A node is `ready` when its member key is there, and `seed` when only its seed key is: about to start, or not \
healthy now. With --verify every node is asked itself: exit code 1 when two clusters, two masters or a cluster \
other than the recorded one are found. When etcd has lost its quorum, what one of its members last knew is \
shown, and marked as such.";

pub(super) const STATUS_EXAMPLE: &str = "\
Example:
  quorate status --verify
  quorate status --output json | jq -r '.nodes[] | select(.state == \"ready\") | .id'";

pub(super) const WAIT: &str = "\
Waits until the cluster is as wanted: `ready` is the member key of this host's node, `members=N` are at least N \
members.

It watches and does not poll. When etcd is away it says so and waits on. After --timeout it ends with exit code \
4 and says what is missing.";

pub(super) const WAIT_EXAMPLE: &str = "\
Example:
  quorate wait --for members=3 --timeout 5m
  quorate wait --for ready --address 10.0.0.21";

pub(super) const CHECK: &str = "\
Looks whether this host can run the node, with the same settings as `quorate launch`: every check that a start \
makes, all that the node itself would refuse where others can reach it, and what etcd says. Each answer that is \
not `ok` says what to do. It changes nothing; with --fix it first mends, as root, what can be mended safely, and \
says what it did. Exit code 1 when one check fails.

`--skip-check` keeps a check that fails from stopping a start: it is shown as `skipped`, logged, and noted in \
the node's seed, so that `quorate status` tells of it.";

pub(super) const CHECK_EXAMPLE: &str = "\
Example:
  quorate check --home /opt/elasticsearch-9.5.3 --address 10.0.0.21 --data /srv/search
  sudo quorate check --fix --instance a";

pub(super) const CONFIG_SHOW: &str = "\
Each setting with its value and where it comes from: flag, variable, file or default, in this order. Secrets are \
not shown.";

pub(super) const CONFIG_SHOW_EXAMPLE: &str = "\
Example:
  quorate config show --config ./quorate.toml --output json";

pub(super) const CONFIG_SAMPLE_EXAMPLE: &str = "\
Example:
  quorate config sample | sudo tee /etc/quorate/quorate.toml";

pub(super) const CLUSTER_SHOW: &str = "\
Shows the cluster record: how far the formation has come, by which claim and node, the cluster's name and UUID.";

pub(super) const CLUSTER_SHOW_EXAMPLE: &str = "\
Example:
  quorate cluster show --output json";

pub(super) const CLUSTER_ADOPT: &str = "\
Writes the record of a cluster that is there already, and touches nothing else.

It asks the nodes; all must answer, name one cluster UUID and cluster name, and have a master. It shows what it \
found and asks before it writes. A record of another cluster is never replaced (exit code 3). Afterwards a \
sidecar beside each node registers it.";

pub(super) const CLUSTER_ADOPT_EXAMPLE: &str = "\
Example: a cluster that was formed by hand, before quorate came
  quorate cluster adopt --from 10.0.0.21:9200,10.0.0.22:9200";

pub(super) const CLUSTER_RESET: &str = "\
Takes back the right to form the cluster, so that it can be given again. For a formation that cannot end, and for a \
cluster whose data is lost.

It is refused (exit code 3) while a seed key or a member key is there, or while anything answers at the addresses of \
the nodes that the record names. It shows what it found and asks first. The record is deleted and a tombstone of its \
claim written, in one transaction: a data directory of that claim never brings the record back, and is refused until \
it is emptied.";

pub(super) const CLUSTER_RESET_EXAMPLE: &str = "\
Example: all launchers and sidecars are stopped, the data is lost for good
  quorate cluster reset --reason 'rack 4 burnt down'
  quorate cluster reset --claim 4f1c2a90 --yes";

pub(super) const UNITS_PRINT: &str = "\
Prints the units as `quorate units install` writes them on this host: all, each headed by its name, or the named ones.

They start this program from where it lies, after the service of the engine. The last line of each is a checksum of \
the rest, by which a later install knows that nobody has changed the file.";

pub(super) const UNITS_PRINT_EXAMPLE: &str = "\
Example:
  quorate units print
  quorate units print --program /opt/bin/quorate elasticsearch@.service > elasticsearch@.service";

pub(super) const UNITS_DIFF: &str = "\
Says of each unit whether it is missing, the same or different, by whom, and what `quorate units install` would change. \
Exit code 0 when all are the same, else 1.";

pub(super) const UNITS_DIFF_EXAMPLE: &str = "\
Example:
  quorate units diff --engine podman";

pub(super) const UNITS_INSTALL: &str = "\
Writes the units for this host, and says what to do next; it runs nothing.

A file that is the same is left alone, one of another version that nobody has changed is replaced. One that somebody \
has changed, or that came from elsewhere, is refused (exit code 3), and then nothing at all is written: `quorate units \
diff` shows the changes, and a drop-in (`systemctl edit elasticsearch@.service`) is the place for them. With --force it \
is replaced and kept beside the new one with `.before` behind its name, where no other file may be.";

pub(super) const UNITS_INSTALL_EXAMPLE: &str = "\
Example:
  sudo quorate units install
  sudo quorate units install --engine podman --program /opt/quorate/bin/quorate";

pub(super) const DEMO: &str = "\
Runs etcd and a real cluster on loopback addresses of this machine, and shows what happens.

Every node has a launcher and a sidecar of its own, as on three hosts. A table shows them come up; below it \
stands what to try: which process to kill, which command to run in another terminal. Ctrl-C stops everything and \
leaves only the demo's own folder, with the logs. With --script, or without a terminal, it tells the story \
alone: form, kill a node and measure how long its key lived on, bring it back, kill a launcher whose node must not \
notice, stop, verify; exit code 0 or 1.";

pub(super) const DEMO_EXAMPLE: &str = "\
Example:
  quorate demo --home ./elasticsearch-9.5.3
  quorate demo --home ./elasticsearch-6.8.23 --java-home /usr/lib/jvm/java-17 --script
  quorate demo --engine docker --image docker.elastic.co/elasticsearch/elasticsearch:9.5.3";

pub(super) const COMPLETIONS_EXAMPLE: &str = "\
Example:
  quorate completions bash > /usr/share/bash-completion/completions/quorate";

pub(super) const MAN_EXAMPLE: &str = "\
Example:
  quorate man | man -l -
  quorate man /usr/share/man/man1";
