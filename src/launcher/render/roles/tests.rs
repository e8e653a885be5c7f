use super::super::tests::setup;
use crate::launcher::product::Product::{self, Elasticsearch, OpenSearch};

/// The settings of the roles, or else what is wrong with them.
fn told(product: Product, version: &str, roles: &str, module: bool) -> Vec<String> {
    let mut setup = setup(product, version);
    setup.roles = Some(roles.split(',').map(str::to_owned).collect());
    setup.has_security = module;
    let problems = setup.role_problems();
    if problems.is_empty() {
        let settings = setup.role_settings();
        return settings
            .into_iter()
            .map(|(key, value)| format!("{key}: {value}"))
            .collect();
    }
    let text = |problem: crate::exit::Problem| format!("{}; {}", problem.what, problem.hint.unwrap_or_default());
    problems.into_iter().map(text).collect()
}

#[test]
fn one_vocabulary_is_told_in_the_words_of_each_version() {
    let mut page = Vec::new();
    for (product, version, roles, module) in [
        (Elasticsearch, "6.8.23", "master,data", false),
        (Elasticsearch, "6.8.23", "ml,remote_cluster_client", true),
        (Elasticsearch, "6.8.23", "coordinating", false),
        (Elasticsearch, "7.2.1", "cluster_manager,ingest", true),
        (Elasticsearch, "7.8.1", "master,voting_only", true),
        (Elasticsearch, "7.8.1", "coordinating", true),
        (Elasticsearch, "7.9.3", "master,transform", true),
        (Elasticsearch, "7.12.0", "data_content,data_hot,data_frozen", true),
        (Elasticsearch, "9.5.3", "voting_only,cluster_manager", true),
        (Elasticsearch, "9.5.3", "coordinating", true),
        (OpenSearch, "1.3.20", "cluster_manager,data", false),
        (OpenSearch, "2.19.6", "master,data,ml", false),
        (OpenSearch, "2.19.6", "search", false),
        (OpenSearch, "3.6.0", "data,of_a_plugin", false),
        (OpenSearch, "3.6.0", "coordinating", false),
    ] {
        page.push(format!("{} {version} --roles {roles}", product.name()));
        page.extend(told(product, version, roles, module));
        page.push(String::new());
    }
    insta::assert_snapshot!(page.join("\n"));
}

#[test]
fn what_a_version_would_refuse_or_ignore_is_refused_with_what_works() {
    let mut page = Vec::new();
    for (product, version, roles) in [
        (Elasticsearch, "6.8.23", "data_hot"),
        (Elasticsearch, "6.8.23", "data_content,master"),
        (Elasticsearch, "6.8.23", "master,ml"),
        (Elasticsearch, "7.9.3", "data_warm"),
        (Elasticsearch, "7.11.2", "data_frozen"),
        (Elasticsearch, "7.2.1", "master,voting_only"),
        (Elasticsearch, "9.5.3", "voting_only,data"),
        (Elasticsearch, "9.5.3", "data,data_hot,data_warm"),
        (Elasticsearch, "9.5.3", "master,cluster_manager"),
        (Elasticsearch, "9.5.3", "data,data"),
        (Elasticsearch, "9.5.3", "coordinating,ingest"),
        (Elasticsearch, "9.5.3", "dta"),
        (Elasticsearch, "9.5.3", "Master"),
        (Elasticsearch, "9.5.3", "warm"),
        (Elasticsearch, "9.5.3", "frobnicator"),
        (OpenSearch, "1.3.20", "ml"),
        (OpenSearch, "2.19.6", "warm"),
        (OpenSearch, "2.19.6", "search,data"),
        (OpenSearch, "3.6.0", "search,data"),
        (OpenSearch, "3.6.0", "warm,data"),
        (OpenSearch, "3.6.0", "master,data_hot"),
        (OpenSearch, "3.6.0", "master,voting_only"),
        (OpenSearch, "3.6.0", "transform"),
        (OpenSearch, "3.6.0", "a b"),
    ] {
        page.push(format!("{} {version} --roles {roles}", product.name()));
        page.extend(told(product, version, roles, false));
        page.push(String::new());
    }
    insta::assert_snapshot!(page.join("\n"));
}

#[test]
fn who_may_be_elected_and_who_only_votes() {
    for (roles, eligible, votes_only) in [
        (None, true, false),
        (Some("master,data"), true, false),
        (Some("cluster_manager"), true, false),
        (Some("master,voting_only"), true, true),
        (Some("data,ingest"), false, false),
        (Some("coordinating"), false, false),
    ] {
        let mut setup = setup(Elasticsearch, "9.5.3");
        setup.roles = roles.map(|roles| roles.split(',').map(str::to_owned).collect());
        assert_eq!(
            (setup.master_eligible(), setup.votes_only()),
            (eligible, votes_only),
            "{roles:?}"
        );
    }
}

#[test]
fn roles_for_plugins_are_known_as_such() {
    let mut setup = setup(OpenSearch, "3.6.0");
    setup.roles = Some(["data", "dta"].map(str::to_owned).to_vec());
    assert_eq!(setup.roles_of_plugins(), ["dta"]);
    assert_eq!(setup.meant("dta").as_deref(), Some("did you mean `data`?"));
}
