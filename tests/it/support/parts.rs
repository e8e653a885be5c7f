//! Where the real parts are.

/// A setting that `scripts/parts env` prints.
pub(crate) fn part(variable: &str) -> String {
    let hint = "run `scripts/parts all` and export what it prints; `make test` does both";
    setting(variable).unwrap_or_else(|| panic!("{variable} is not set: {hint}"))
}

/// A setting that may be there.
pub(crate) fn setting(variable: &str) -> Option<String> {
    std::env::vars().find_map(|(name, value)| (name == variable).then_some(value))
}
