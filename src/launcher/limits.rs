//! The limits of this process, which the node inherits, as high as they may be: the node looks at the soft ones.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Open files are not among them: Java raises its own, and this process has to look at all it could have at a start of a child.
const RAISED: [Resource; 4] = [Resource::Nproc, Resource::As, Resource::Fsize, Resource::Memlock];

/// Raises each soft limit to its hard one. What cannot be raised is found by the node itself.
pub(super) fn raise() {
    for resource in RAISED {
        let hard = getrlimit(resource).maximum;
        let limit = Rlimit {
            current: hard,
            maximum: hard,
        };
        if let Err(error) = setrlimit(resource, limit) {
            tracing::warn!(?resource, cause = %error, "limit not raised");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_limits_end_where_the_hard_ones_are() {
        raise();
        for resource in RAISED {
            let limit = getrlimit(resource);
            assert_eq!(limit.current, limit.maximum, "{resource:?}");
        }
    }
}
