//! Whether the container engine can run the node: the engine itself, the image, and who else uses the data directory.

use std::{fs, io, os::unix::fs::MetadataExt};

use super::{Check, host};
use crate::{
    config::{Network, holds_secret},
    exit::Failure,
    launcher::{
        container::{Knowledge, engine_version, neighbours},
        plan::{Node, Packed, Plan},
    },
};

/// What the nodes of every line ask for.
const OPEN_FILES: u64 = 65_535;

/// What the engine has to answer; nothing where none is.
pub async fn of_engine(plan: &Plan) -> Vec<Check> {
    match &plan.node {
        Node::Process(_) => Vec::new(),
        Node::Container(packed) => {
            let said = plan.settings.env.keys().map(String::as_str);
            let program = packed.container.cli.program();
            vec![
                engine(packed).await,
                image(packed),
                variables(program, said),
                neighbour(plan, packed).await,
            ]
        }
    }
}

async fn engine(packed: &Packed) -> Check {
    const NAME: &str = "engine";
    let title = packed.container.cli.title();
    match engine_version(&packed.container).await {
        Ok(version) => Check::ok(NAME, format!("{title} {version} answers")),
        Err(failure) => failed(NAME, failure),
    }
}

fn image(packed: &Packed) -> Check {
    const NAME: &str = "image";
    let image = &packed.image;
    let what = format!("{} {}", image.line.product.title(), image.version);
    match image.from {
        Knowledge::Inside | Knowledge::Running => Check::ok(NAME, format!("{what} in {}", image.reference)),
        Knowledge::Name => Check::warn(
            NAME,
            format!("{} is not here yet; it should hold {what}", image.reference),
            format!(
                "the start pulls it; to see now whether it can: `{} pull {}`",
                packed.container.cli.program(),
                image.reference
            ),
        ),
    }
}

/// Whoever may talk to the engine reads a container's variables.
fn variables<'a>(program: &str, names: impl Iterator<Item = &'a str>) -> Check {
    const NAME: &str = "variables";
    let shown: Vec<&str> = names.filter(|name| holds_secret(name)).collect();
    if shown.is_empty() {
        return Check::ok(NAME, "no variable of the node looks like a secret");
    }
    let what = format!("`{program} inspect` shows what {} holds", shown.join(", "));
    let hint = "keep it in the node's keystore, or in a file that the image reads: official images of Elasticsearch take \
                `ELASTIC_PASSWORD_FILE`";
    Check::warn(NAME, what, hint)
}

/// The lock on the data directory does not outlive a launcher that was killed, its container does.
async fn neighbour(plan: &Plan, packed: &Packed) -> Check {
    const NAME: &str = "data-container";
    let data = plan.layout.data.display();
    match neighbours(plan, packed).await {
        Ok(others) if others.is_empty() => Check::ok(NAME, format!("{data} is used by no other container")),
        Ok(others) => Check::fail(
            NAME,
            format!(
                "the data directory {data} is in use by the container {}",
                others.join(", ")
            ),
            "each node needs a `--data` of its own; stop that container first if it is this node",
        ),
        Err(failure) => failed(NAME, failure),
    }
}

fn failed(name: &'static str, failure: Failure) -> Check {
    let problem = failure.problems.into_iter().next();
    let (what, hint) = problem.map(|problem| (problem.what, problem.hint)).unwrap_or_default();
    Check::fail(
        name,
        what,
        hint.unwrap_or_else(|| "see what the engine says by itself".to_owned()),
    )
}

/// What a container gets from this host: its data directory and the limits that are asked for.
pub(super) fn of_host(plan: &Plan, packed: &Packed) -> Vec<Check> {
    let mut checks = vec![data(plan, packed)];
    // The node itself refuses to start only where others can reach it.
    if !plan.settings.node.address.is_loopback() || packed.container.network != Network::Host {
        checks.push(host::map_count(plan));
        checks.push(open_files(packed));
    }
    checks
}

fn open_files(packed: &Packed) -> Check {
    const NAME: &str = "open-files";
    let Some(asked) = packed.container.limits.get("nofile") else {
        return Check::warn(
            NAME,
            "how many files the node may open is left to the engine",
            format!("the node wants {OPEN_FILES}: `--ulimit nofile={OPEN_FILES}`"),
        );
    };
    let hard = asked.rsplit(':').next().unwrap_or_default();
    if hard == "-1" || hard.parse::<u64>().is_ok_and(|hard| hard >= OPEN_FILES) {
        return Check::ok(NAME, asked.clone());
    }
    Check::fail(
        NAME,
        format!("the node may open at most {hard} files in its container, it wants {OPEN_FILES}"),
        format!(
            "`--ulimit nofile={OPEN_FILES}`; where that is more than the launcher has, `LimitNOFILE={OPEN_FILES}` in its unit"
        ),
    )
}

/// The user in the container must be able to write what is mounted there; directories above it do not matter.
fn data(plan: &Plan, packed: &Packed) -> Check {
    const NAME: &str = "data";
    let (uid, gid) = packed.user;
    let data = &plan.layout.data;
    match fs::metadata(data) {
        Ok(found) if writable(found.uid(), found.gid(), found.mode(), packed.user) => {
            Check::ok(NAME, format!("{} can be written by {uid}:{gid}", data.display()))
        }
        Ok(found) => Check::fail(
            NAME,
            format!(
                "the node is {uid}:{gid} in its container, and cannot write the data directory {} of {}:{}",
                data.display(),
                found.uid(),
                found.gid()
            ),
            format!("give it away: `chown -R {uid}:{gid} {}`", data.display()),
        ),
        Err(error) if error.kind() == io::ErrorKind::NotFound && plan.user.is_some() => {
            Check::ok(NAME, format!("{} will be made", data.display()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Check::fail(
            NAME,
            format!(
                "{} is missing, and only root can make it for {uid}:{gid}",
                data.display()
            ),
            "make it and give it away as root, or start the launcher as root",
        ),
        Err(error) => Check::fail(
            NAME,
            format!("{} cannot be looked at: {error}", data.display()),
            "look at the modes of the directories above it",
        ),
    }
}

fn writable(uid: u32, gid: u32, mode: u32, user: (u32, u32)) -> bool {
    let wanted = 0o3;
    let bits = match user {
        (own, _) if own == uid => mode >> 6,
        (_, own) if own == gid => mode >> 3,
        _ => mode,
    };
    bits & wanted == wanted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::launcher::preflight::Grade;

    #[test]
    fn a_variable_that_the_engine_would_show_is_named_and_one_that_names_a_file_is_not() {
        let check = variables("docker", ["ELASTIC_PASSWORD", "TZ"].into_iter());
        assert_eq!(check.result, Grade::Warn);
        assert_eq!(check.what, "`docker inspect` shows what ELASTIC_PASSWORD holds");
        let check = variables("docker", ["ELASTIC_PASSWORD_FILE", "ES_JAVA_OPTS"].into_iter());
        assert_eq!(check.result, Grade::Ok, "{}", check.what);
    }

    #[test]
    fn a_directory_is_written_by_its_owner_its_group_or_everybody() {
        for (mode, uid, gid, expected) in [
            (0o750, 1000, 5, true),
            (0o750, 1, 0, false),
            (0o770, 1, 0, true),
            (0o070, 1000, 0, false),
            (0o777, 1, 1, true),
            (0o772, 1, 1, false),
        ] {
            assert_eq!(writable(uid, gid, mode, (1000, 0)), expected, "{mode:o} {uid}:{gid}");
        }
    }
}
