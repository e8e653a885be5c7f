//! The formation on a real etcd: the model's store behaves like it, and launchers that start at once form one cluster.

mod contract;
mod deaths;
mod faults;
mod host;
mod races;
mod read_only;
