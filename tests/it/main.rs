//! Integration tests: the real binary, real etcd, real nodes.
