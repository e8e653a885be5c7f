//! The packages: what is in them, and what becomes of a host on which the real dpkg, apt and rpm install, upgrade and remove them.
//!
//! They are made of the program of the tests, as `make packages` makes them of the released one.

mod contents;
mod installed;
mod listed;
mod made;
mod root;
