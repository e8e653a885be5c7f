//! A demo's containers, seen past the demo.

use std::process::{Command, Output, Stdio};

use super::{part, place::Place, program::Running};

/// Docker, for the demo at one place; its containers are removed on drop.
pub(crate) struct Docker<'a> {
    place: &'a Place,
    host: String,
    image: String,
    path: String,
}

impl<'a> Docker<'a> {
    pub(crate) fn at(place: &'a Place) -> Self {
        Self {
            place,
            host: part("QUORATE_TEST_DOCKER_HOST"),
            image: part("QUORATE_TEST_ES6_IMAGE"),
            path: part("PATH"),
        }
    }

    /// Starts a demo in containers.
    pub(crate) fn start(&self, more: &[&str]) -> Running {
        let args = self
            .place
            .args_of(&["--engine", "docker", "--image", &self.image], more);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        Running::start_with(&args, &self.environment())
    }

    /// Containers whose data lies in the demo's folder, running or not.
    pub(crate) fn containers(&self) -> Vec<String> {
        let dir = self.place.dir();
        let said = self.run(&["ps", "--all", "--format", "{{.ID}} {{.Label \"quorate.data\"}}"]);
        let text = String::from_utf8(said.stdout).expect("text");
        let ours = text.lines().filter_map(|line| line.split_once(' '));
        let ours = ours.filter(|(_, data)| data.starts_with(&dir));
        ours.map(|(id, _)| id.to_owned()).collect()
    }

    fn environment(&self) -> [(&str, &str); 2] {
        [("DOCKER_HOST", &self.host), ("PATH", &self.path)]
    }

    #[expect(clippy::disallowed_methods, reason = "a look past the program")]
    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new("docker");
        command.args(args).env_clear().envs(self.environment());
        command.stdin(Stdio::null()).output().expect("docker")
    }
}

impl Drop for Docker<'_> {
    fn drop(&mut self) {
        for id in self.containers() {
            self.run(&["rm", "--force", &id]);
        }
    }
}
