//! Registrations on a real etcd.
