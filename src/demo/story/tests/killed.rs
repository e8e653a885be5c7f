//! What is told of a node that is killed, whichever of its key and its socket goes first.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_key_that_goes_before_the_socket_closes_is_told_so() {
    let without = || {
        let mut without = view(1, 1);
        without.members.clear();
        without
    };
    let mut play = Told::begin(Mode::Play, 1);
    play.form(1).effects();
    play.then(2, Event::Viewed(without()))
        .then(40, Event::Closed { node: 0 });
    assert_eq!(
        play.said().trim(),
        "the key of node-1 is gone, and its socket is open: its process died just now, or it hangs, or its lease has ended\n\
         the socket of node-1 closed 40.0 ms after its key was gone"
    );
    let mut script = Told::begin(Mode::Script, 1);
    script
        .form(1)
        .then(10, Event::Signalled { node: 0, pid: Some(7) })
        .effects();
    script
        .then(2, Event::Viewed(without()))
        .then(40, Event::Closed { node: 0 });
    let said = script.said();
    assert!(
        said.contains("the key of node-1 was gone 2.0 ms after the signal, its socket closed 40.0 ms later"),
        "{said}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_killed_node_whose_socket_never_closes_is_a_failure() {
    let mut told = Told::begin(Mode::Script, 1);
    told.form(1)
        .then(10, Event::Signalled { node: 0, pid: Some(7) })
        .effects();
    assert_eq!(told.story.wake(), Some(told.now + KILLING - Duration::from_millis(10)));
    told.then(60_001, Event::Woke);
    assert_eq!(
        told.story.problems(),
        ["the key of node-1 is still there, long after the node was killed"]
    );
    let effects = told.effects();
    assert!(
        effects.contains(&Effect::ShowLog(Who::Sidecar(0))) && effects.contains(&Effect::Terminate(Who::Launcher(0)))
    );
}
