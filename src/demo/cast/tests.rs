//! The command lines, and that they say what the programs read.

use super::*;
use crate::{
    config::{self, Resolver, Sources},
    demo::story::{test_cast, test_cast_of},
    launcher::product::Product,
};

fn in_docker() -> Stock {
    Stock::Image {
        cli: Cli::Docker,
        image: "opensearch:3.6.0".to_owned(),
    }
}

#[test]
fn the_command_lines_of_everybody() {
    let mut page = String::new();
    for cast in [
        test_cast(3, Product::Elasticsearch, "6.8.23"),
        test_cast_of(in_docker(), 1, Product::OpenSearch, "3.6.0"),
    ] {
        for who in [Who::Etcd, Who::Launcher(0), Who::Sidecar(cast.nodes.len() - 1)] {
            let command = cast.command(who).expect("a part");
            let args = command.args.join(" ").replace(" --", "\n  --");
            page += &[
                &cast.call(who),
                ": ",
                &command.program.display().to_string(),
                " ",
                &args,
                "\n  > ",
            ]
            .concat();
            page += &[command.log.display().to_string().as_str(), "\n\n"].concat();
        }
        assert_eq!(cast.command(Who::Launcher(cast.nodes.len())), None);
    }
    insta::assert_snapshot!(page);
}

#[test]
fn both_daemons_accept_what_they_are_told_and_mean_the_same_node() {
    for part in test_cast(3, Product::Elasticsearch, "6.8.23").nodes {
        let sources = |settings| Sources::default().neutral(settings);
        let (launch, sidecar) = (sources(&part.launch), sources(&part.sidecar));
        let mut resolver = Resolver::new(&launch);
        let launch = config::launch(&mut resolver).expect("settings");
        resolver.finish().expect("no problem");
        let mut resolver = Resolver::new(&sidecar);
        let sidecar = config::sidecar(&mut resolver).expect("settings");
        resolver.finish().expect("no problem");
        let service = &launch.common.service;
        assert_eq!((&launch.node.id, &sidecar.node.id), (&part.id, &part.id));
        assert_eq!(launch.node.run_file(service), part.file);
        assert_eq!(sidecar.node.run_file(service), part.file);
        assert_ne!(launch.node.state_dir, sidecar.node.state_dir);
        assert_eq!(launch.env.get("JAVA_HOME").map(String::as_str), Some("/opt/jdk"));
    }
}
