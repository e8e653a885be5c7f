//! What befalls a host, one kind a test, under daemons that live: its disks, its clock, its numbers.
#![expect(clippy::indexing_slicing, reason = "what is not there fails the test")]

mod disk;
mod identity;
