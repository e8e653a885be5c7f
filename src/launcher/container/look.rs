//! Finds out what is to be known of engine and image before anything is published: slow steps come first.

use super::{
    arguments,
    image::{Hints, Image, Knowledge, identify, likely},
    inspect::{self, Standing},
    labels,
    program::Program,
    pull::pull,
    refusal::{Kind, Refusal},
};
use crate::{
    config::{ContainerSettings, LaunchSettings},
    exit::{Exit, Failure, Problem},
    launcher::product::{Product, Said},
};

/// A file that every server has, and that names its version.
const MODULE: &str = "modules/transport-netty4/plugin-descriptor.properties";
/// Every module has this file.
const DESCRIPTOR: &str = "plugin-descriptor.properties";

/// What becomes of an image that is not here.
pub enum Absent<'a> {
    /// It is pulled, and somebody is told how it goes.
    Pull(&'a mut dyn FnMut(&str)),
    /// It stays away: its name has to say enough.
    Leave,
}

impl std::fmt::Debug for Absent<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pull(_) => "Pull",
            Self::Leave => "Leave",
        })
    }
}

/// The name of this node's container.
pub fn name(settings: &LaunchSettings) -> String {
    format!("quorate-{}-{}", settings.common.service, settings.node.id.dir_name())
}

/// The image that the node is to be made of, or already is.
pub async fn look(
    settings: &LaunchSettings,
    container: &ContainerSettings,
    absent: Absent<'_>,
) -> Result<Image, Failure> {
    let program = Program::new(container);
    if let Some(image) = of_running(&program, settings, container).await? {
        return Ok(image);
    }
    let reference = &container.image;
    let refused = |refusal: &Refusal| refusal.failure(&format!("use the image {reference}"));
    let said = Said {
        product: settings.product.as_deref(),
        version: settings.version.as_deref(),
    };
    let here = inspect_image(&program, reference)
        .await
        .map_err(|refusal| refused(&refusal))?;
    let record = match (here, absent) {
        (Some(record), _) => record,
        (None, Absent::Leave) => return unseen(said, reference),
        (None, Absent::Pull(tell)) => {
            pull(&program, reference, tell)
                .await
                .map_err(|refusal| refused(&refusal))?;
            let here = inspect_image(&program, reference)
                .await
                .map_err(|refusal| refused(&refusal))?;
            here.ok_or_else(|| {
                Failure::new(
                    Exit::Failed,
                    format!("the image {reference} was pulled and is not here"),
                )
            })?
        }
    };
    inside(&program, &name(settings), said, reference, &record).await
}

/// A node that runs goes on with the image that it was made of; so does the launcher.
async fn of_running(
    program: &Program,
    settings: &LaunchSettings,
    container: &ContainerSettings,
) -> Result<Option<Image>, Failure> {
    let name = name(settings);
    let found = inspect_container(program, &name).await;
    let found = found.map_err(|refusal| refusal.failure("ask for the node's container"))?;
    let Some(found) = found.filter(|found| matches!(found.standing, Standing::Runs { .. })) else {
        return Ok(None);
    };
    let label = |name: &str| found.labels.get(name).map(String::as_str);
    let (Some(reference), product, version) = (label(labels::IMAGE), label(labels::PRODUCT), label(labels::VERSION))
    else {
        // Not ours: whoever looks for a leftover says so.
        return Ok(None);
    };
    if reference != container.image {
        tracing::warn!(image = reference, "the node goes on with the image it was started with");
    }
    let hints = Hints {
        module: None,
        labels: &found.labels,
        reference,
    };
    let (version, line) = identify(Said { product, version }, hints).map_err(config)?;
    Ok(Some(Image {
        reference: reference.to_owned(),
        from: Knowledge::Running,
        version,
        line,
        has_security: false,
    }))
}

fn unseen(said: Said<'_>, reference: &str) -> Result<Image, Failure> {
    let hints = Hints {
        module: None,
        labels: &std::collections::BTreeMap::new(),
        reference,
    };
    let (version, line) = identify(said, hints).map_err(config)?;
    Ok(Image {
        reference: reference.to_owned(),
        from: Knowledge::Name,
        version,
        line,
        has_security: true,
    })
}

/// Looks into an image by a container that is never started.
async fn inside(
    program: &Program,
    name: &str,
    said: Said<'_>,
    reference: &str,
    record: &inspect::ImageRecord,
) -> Result<Image, Failure> {
    let probe = format!("{name}-look");
    let refused = |refusal: Refusal| refusal.failure(&format!("look into the image {reference}"));
    // Of a run that was killed just here.
    remove(program, &probe).await.map_err(refused)?;
    program
        .change(&arguments::create_to_look(&probe, reference))
        .await
        .map_err(refused)?;
    let seen = seen(program, &probe, said, reference, record).await;
    remove(program, &probe).await.map_err(refused)?;
    seen
}

async fn seen(
    program: &Program,
    probe: &str,
    said: Said<'_>,
    reference: &str,
    record: &inspect::ImageRecord,
) -> Result<Image, Failure> {
    let hints = Hints {
        module: None,
        labels: &record.labels,
        reference,
    };
    let mut module = None;
    for product in likely(&hints) {
        let home = home(product);
        module = read(program, probe, &format!("{home}/{MODULE}")).await;
        if module.is_some() {
            break;
        }
    }
    let hints = Hints {
        module: module.as_deref(),
        ..hints
    };
    let (version, line) = identify(said, hints).map_err(config)?;
    let security = format!("{}/{}/{DESCRIPTOR}", line.image.home, line.security.module);
    Ok(Image {
        reference: reference.to_owned(),
        from: Knowledge::Inside,
        version,
        line,
        has_security: read(program, probe, &security).await.is_some(),
    })
}

/// Where the official images of a product have it, in every line.
fn home(product: Product) -> String {
    format!("/usr/share/{}", product.name())
}

/// A file of a container; none when it is not there, or cannot be read.
async fn read(program: &Program, container: &str, path: &str) -> Option<String> {
    let stream = program.ask(&arguments::copy_out(container, path)).await.ok()?;
    Some(String::from_utf8_lossy(&stream).into_owned())
}

/// What the engine knows of an image; none when it is not here.
async fn inspect_image(program: &Program, image: &str) -> Result<Option<inspect::ImageRecord>, Refusal> {
    match program.ask(&arguments::inspect_image(image)).await {
        Ok(answer) => Ok(inspect::image(&answer)),
        Err(Refusal { kind: Kind::Absent, .. }) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// What the engine knows of a container; none when there is no such one.
pub(super) async fn inspect_container(program: &Program, name: &str) -> Result<Option<inspect::Container>, Refusal> {
    match program.ask(&arguments::inspect(name)).await {
        Ok(answer) => Ok(inspect::container(&answer)),
        Err(Refusal { kind: Kind::Absent, .. }) => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// Takes a container away, whatever it does. One that is not there is no error.
pub(super) async fn remove(program: &Program, name: &str) -> Result<(), Refusal> {
    match program.change(&arguments::remove(name)).await {
        Ok(_) | Err(Refusal { kind: Kind::Absent, .. }) => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

fn config(problem: Problem) -> Failure {
    Failure {
        exit: Exit::Config,
        problems: vec![problem],
    }
}
