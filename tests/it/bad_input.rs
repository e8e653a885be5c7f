//! What is wrong with what the program is given, and what it says: one page per kind of input, with the exact messages and exit codes.
//! The pages are also what `docs/usage/troubleshooting.md` is held against.

mod disk;
mod engine;
mod etcd;
mod foreign;
mod host;
mod node;
mod page;
mod settings;
mod troubleshooting;
