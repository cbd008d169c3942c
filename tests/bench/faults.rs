//! What is lost, doubled, reordered or corrupted.

use crate::server::{Behaviour, Fate, Manner, Server};
use crate::{outcome, plan};
use chinwag::bench::plan::{Dialect, Load, Plan, Scenario};
use chinwag::bench::stamp::Form;
use std::time::Duration;

#[test]
fn a_sound_server_is_found_to_be_sound() {
    let server = Server::start(Behaviour::sound(Manner::Broadcast));
    let outcome = outcome(&plan(&server));
    let audit = outcome.audit;
    assert_eq!((audit.sent, audit.expected, audit.delivered), (100, 300, 300));
    assert_eq!((audit.unaccounted(), audit.cut_off, audit.refused), (0, 0, 0), "{audit:?}");
    assert_eq!((outcome.sends, outcome.latency.len()), (100, 300));
    assert_eq!(outcome.spread.expect("there are several receivers").times.len(), 100);
    assert_eq!(outcome.errors.total(), 0, "{:?}", outcome.errors);
}

#[test]
fn what_never_comes_is_lost_also_at_the_end() {
    // Receiver 2 gets no message from its 90th on: nothing follows that could show the hole.
    let script = |receiver, number| match (receiver, number) {
        (_, number) if number % 10 == 3 => Fate::Lost,
        (2, 90..) => Fate::Lost,
        _ => Fate::Sound,
    };
    let server = Server::start(Behaviour::scripted(Manner::Broadcast, script));
    let audit = outcome(&plan(&server)).audit;
    assert_eq!(audit.lost, server.did("Lost"), "{audit:?}");
    assert!(audit.lost >= 30);
    assert_eq!(audit.unaccounted(), audit.lost, "{audit:?}");
    assert_eq!(audit.delivered + audit.lost, audit.expected);
}

#[test]
fn what_comes_twice_is_doubled() {
    let script = |_, number| if number % 7 == 0 { Fate::Doubled } else { Fate::Sound };
    let server = Server::start(Behaviour::scripted(Manner::Broadcast, script));
    let outcome = outcome(&plan(&server));
    assert_eq!(outcome.audit.doubled, server.did("Doubled"));
    assert_eq!(outcome.audit.unaccounted(), outcome.audit.doubled, "{:?}", outcome.audit);
    assert_eq!(outcome.latency.len(), 300, "a double is no further delivery");
}

#[test]
fn what_comes_behind_a_later_one_is_reordered() {
    // The last message of all is not held back: nothing would come to put it behind.
    let script = |_, number| if number % 9 == 4 { Fate::Late } else { Fate::Sound };
    let server = Server::start(Behaviour::scripted(Manner::Broadcast, script));
    let audit = outcome(&plan(&server)).audit;
    assert_eq!(audit.reordered, server.did("Late"));
    assert_eq!(audit.unaccounted(), audit.reordered, "{audit:?}");
}

#[test]
fn what_is_not_as_it_was_sent_is_corrupted_and_not_lost_as_well() {
    // 64 bytes: the padding is the last 24, before it stand moment, sequence and sender, and the mark before those.
    let script = |_, number| match number % 10 {
        1 => Fate::Spoiled(1),
        4 => Fate::Spoiled(24),
        7 => Fate::Spoiled(30),
        8 => Fate::Spoiled(56),
        _ => Fate::Sound,
    };
    let server = Server::start(Behaviour::scripted(Manner::Broadcast, script));
    let audit = outcome(&plan(&server)).audit;
    assert_eq!(audit.corrupted, server.did("Spoiled"), "{audit:?}");
    assert_eq!(audit.unaccounted(), audit.corrupted, "{audit:?}");
}

#[test]
fn a_payload_whose_mark_is_gone_is_lost_and_something_foreign_came() {
    let script = |_, number| if number == 5 { Fate::Spoiled(64) } else { Fate::Sound };
    let server = Server::start(Behaviour::scripted(Manner::Broadcast, script));
    let audit = outcome(&plan(&server)).audit;
    assert_eq!((audit.foreign, audit.lost, audit.corrupted), (3, 3, 0), "{audit:?}");
}

#[test]
fn all_of_it_at_once_is_told_apart() {
    let script = |receiver: usize, number: usize| match (receiver + number) % 20 {
        0 => Fate::Lost,
        4 => Fate::Doubled,
        8 => Fate::Late,
        12 => Fate::Spoiled(5),
        _ => Fate::Sound,
    };
    let server = Server::start(Behaviour::scripted(Manner::Broadcast, script));
    // Not a round number of messages: the last must not be one that waits for another.
    let mut plan = plan(&server);
    plan.duration = Duration::from_millis(490);
    let audit = outcome(&plan).audit;
    // Who is held back to the end is lost.
    let held = server.did("Late") - audit.reordered;
    assert!(held <= 1, "{audit:?}");
    let found = (audit.lost, audit.doubled, audit.corrupted);
    assert_eq!(found, (server.did("Lost") + held, server.did("Doubled"), server.did("Spoiled")));
}

#[test]
fn an_echo_is_audited_too() {
    let script = |_, number| match number {
        2 => Fate::Doubled,
        6 => Fate::Spoiled(3),
        _ => Fate::Sound,
    };
    let server = Server::start(Behaviour::scripted(Manner::Echo, script));
    let mut plan = plan(&server);
    (plan.scenario, plan.senders) = (Scenario::Echo, plan.connections);
    let audit = outcome(&plan).audit;
    assert_eq!((audit.sent, audit.delivered, audit.doubled, audit.corrupted), (100, 100, 4, 4), "{audit:?}");
    plan.load = Load::Closed { window: 3 };
    let audit = outcome(&plan).audit;
    assert!(audit.sent > 100 && audit.delivered == audit.sent && audit.lost == 0, "{audit:?}");
}

#[test]
fn short_payloads_are_audited_too_as_text_and_in_binary_frames() {
    let script = |_, number| match number % 10 {
        1 => Fate::Lost,
        3 => Fate::Doubled,
        5 => Fate::Late,
        // The padding, and the stamp.
        7 => Fate::Spoiled(1),
        8 => Fate::Spoiled(6),
        _ => Fate::Sound,
    };
    for (size, is_binary) in
        [((16, 16), false), ((12, 12), true), ((20, 20), false), ((16, 16), true), ((64, 64), true)]
    {
        let server = Server::start(Behaviour::sound(Manner::Broadcast));
        let sound = outcome(&Plan { size, is_binary, ..plan(&server) });
        let audit = sound.audit;
        assert_eq!((audit.sent, audit.delivered, audit.unaccounted()), (100, 300, 0), "{size:?}: {audit:?}");
        assert_eq!((sound.latency.len(), sound.errors.total()), (300, 0), "{size:?}");
        let server = Server::start(Behaviour::scripted(Manner::Broadcast, script));
        let plan = Plan { size, is_binary, ..plan(&server) };
        let audit = outcome(&plan).audit;
        assert_eq!(
            (audit.doubled, audit.reordered),
            (server.did("Doubled"), server.did("Late")),
            "{audit:?}"
        );
        assert_eq!(audit.lost + audit.corrupted, server.did("Lost") + server.did("Spoiled"), "{audit:?}");
        // Without padding, or with a wrong bit in a short stamp, it is a message of somebody else.
        let padding = size.0 - Form::of(size.0, is_binary).stamp_len();
        let as_foreign = match padding {
            0 => server.did("Spoiled"),
            4 => server.did("Spoiled") / 2,
            _ => 0,
        };
        assert_eq!(audit.foreign, as_foreign, "{size:?}: {audit:?}");
    }
}

#[test]
fn a_closed_loop_goes_on_when_all_have_the_message() {
    let server = Server::start(Behaviour::sound(Manner::Broadcast));
    let mut plan = plan(&server);
    (plan.load, plan.senders) = (Load::Closed { window: 2 }, 2);
    let audit = outcome(&plan).audit;
    assert!(audit.sent > 4 && audit.expected == 3 * audit.sent && audit.unaccounted() == 0, "{audit:?}");
}

#[test]
fn a_window_waits_for_the_receivers_of_all_threads() {
    for slow in 0..4 {
        let script = move |receiver, _| match receiver == slow {
            true => Fate::After(Duration::from_millis(250)),
            false => Fate::Sound,
        };
        let server = Server::start(Behaviour::scripted(Manner::Broadcast, script));
        let mut plan = plan(&server);
        (plan.load, plan.threads) = (Load::Closed { window: 1 }, 2);
        let audit = outcome(&plan).audit;
        assert_eq!(audit.unaccounted(), 0, "{audit:?}");
        // Half a second, and a quarter for each message; unless the slow one is the sender.
        assert!(server.did("After") == 0 || audit.sent <= 4, "{audit:?}");
    }
}

#[test]
fn whatever_wraps_a_payload_it_is_found() {
    let server = Server::start(Behaviour::sound(Manner::Broadcast));
    let mut plan = plan(&server);
    plan.dialect = Dialect::Template;
    plan.templates.join = r#"["join","{room}",{i}]"#.into();
    plan.templates.send = r#"["say","{room}",{i},"{payload}","!"]"#.into();
    plan.size = (40, 400);
    let audit = outcome(&plan).audit;
    // What is said on joining goes to the others too, and is no message of ours.
    assert_eq!((audit.delivered, audit.unaccounted()), (300, 0), "{audit:?}");
}

#[test]
fn several_threads_find_the_same() {
    let script = |_, number| if number % 10 == 3 { Fate::Lost } else { Fate::Sound };
    let server = Server::start(Behaviour::scripted(Manner::Broadcast, script));
    let mut plan = plan(&server);
    (plan.threads, plan.connections, plan.senders) = (2, 7, 3);
    let audit = outcome(&plan).audit;
    assert_eq!((audit.sent, audit.expected), (100, 600), "{audit:?}");
    assert_eq!((audit.lost, audit.unaccounted()), (server.did("Lost"), server.did("Lost")), "{audit:?}");
}

#[test]
fn a_server_that_sends_back_to_the_sender_is_known_by_it() {
    let server = Server::start(Behaviour::sound(Manner::Echo));
    let outcome = outcome(&plan(&server));
    let kind = outcome.errors.kinds.get("own message").expect("it is told");
    assert!(kind.hint.contains("--self-echo"));
    assert_eq!((outcome.audit.foreign, outcome.audit.lost), (100, 300), "{:?}", outcome.audit);
}
