//! What is put beside Prometheus, Grafana and HAProxy, in the real programs, and held against what real sidecars say.

mod balanced;
mod files;
mod scraped;

/// Fast enough for a test, slow enough for a busy machine.
const FAST: [&str; 4] = ["--interval", "600ms", "--timeout", "500ms"];
/// A line whose nodes start fastest.
const LINE: &str = "elasticsearch-6.8.23";
