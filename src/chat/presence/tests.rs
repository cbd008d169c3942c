//! Notices of presence: what is told, to which member, and when.

use super::*;
use crate::chat::stage::{Stage, play, play_with};
use crate::chat::{Hub, Mode, Record, RoomId, Seed, Settings};
use crate::wire::{Command, Goodbye, Message, RequestId, RoomName};
use std::ops::Range;

#[test]
fn the_first_change_is_told_at_once_and_the_others_together() {
    play(
        "
        here ann
        + 2
        2< * welcome to chinwag, guest-2. /help lists the commands
        2< * lobby: 2 here
        ann< * guest-2 joined
        @ 300
        + 3
        3< * welcome to chinwag, guest-3. /help lists the commands
        3< * lobby: 3 here
        @ 600
        - 2
        @ 999
        @ 1000
        ann< * guest-3 joined, guest-2 left
        3< * guest-2 left
        @ 1999
        - 3
        @ 2000
        ann< * guest-3 left
        @ 5000
        ",
    );
}

#[test]
fn after_a_second_of_silence_a_change_is_told_at_once() {
    play(
        "
        here ann bob cyn
        - cyn
        ann< * cyn left
        bob< * cyn left
        @ 1000
        - bob
        ann< * bob left
        ",
    );
}

#[test]
fn what_cancels_out_is_not_told() {
    play(
        "
        here ann bob
        bob> /join dev
        bob< * dev: 1 here
        ann< * bob left
        @ 100
        bob> /join lobby
        bob< * lobby: 2 here
        @ 200
        bob> /join dev
        bob< * dev: 1 here
        @ 5000
        ",
    );
    // A name is what counts, not the connection that has it.
    play(
        "
        here ann bob cyn
        cyn> /join dev
        cyn< * dev: 1 here
        ann< * cyn left
        bob< * cyn left
        - bob
        + 4
        4< * welcome to chinwag, guest-4. /help lists the commands
        4< * lobby: 2 here
        4> /name bob
        4< * you are bob
        @ 1000
        @ 2000
        ",
    );
}

#[test]
fn a_newcomer_is_told_of_those_after_it_and_not_of_itself() {
    play(
        "
        here ann bob cyn dan
        ann> /join dev
        ann< * dev: 1 here
        bob< * ann left
        cyn< * ann left
        dan< * ann left
        bob> /join dev
        bob< * dev: 2 here
        ann< * bob joined
        cyn> /join dev
        cyn< * dev: 3 here
        dan> /join dev
        dan< * dev: 4 here
        @ 1000
        ann< * cyn, dan joined
        bob< * cyn, dan joined
        cyn< * dan joined
        ",
    );
}

#[test]
fn a_newcomer_who_saw_somebody_pass_through_is_told_that_it_left() {
    play(
        "
        here ann bob
        + 3
        3< * welcome to chinwag, guest-3. /help lists the commands
        3< * lobby: 3 here
        ann< * guest-3 joined
        bob< * guest-3 joined
        + 4
        4< * welcome to chinwag, guest-4. /help lists the commands
        4< * lobby: 4 here
        + 5
        5< * welcome to chinwag, guest-5. /help lists the commands
        5< * lobby: 5 here
        - 4
        @ 1000
        ann< * guest-5 joined
        bob< * guest-5 joined
        3< * guest-5 joined
        5< * guest-4 left
        ",
    );
}

#[test]
fn a_new_name_is_told_to_the_others() {
    play(
        "
        here ann bob
        bob> /name rob
        bob< * you are rob
        ann< * bob is now rob
        @ 100
        bob> /name robert
        bob< * you are robert
        @ 200
        ann> /name anna
        ann< * you are anna
        @ 1000
        ann< * rob is now robert
        bob< * ann is now anna
        @ 2000
        bob> /name bob
        bob< * you are bob
        ann< * robert is now bob
        bob> /name rob
        bob< * you are rob
        bob> /name bob
        bob< * you are bob
        @ 4000
        ",
    );
}

/// Plays `commands` in the second after a first change, in a room of ann, bob and cyn; then `told` is read.
#[track_caller]
fn play_gathered(commands: &str, told: &str) {
    let before = "
        here ann bob cyn dan
        - dan
        ann< * dan left
        bob< * dan left
        cyn< * dan left
        ";
    play(&format!("{before}\n{commands}\n@ 1000\n{told}\n@ 5000"));
}

#[test]
fn a_chain_of_new_names_is_told_from_its_first_to_its_last() {
    play_gathered(
        "
        bob> /name rob
        bob< * you are rob
        bob> /name robert
        bob< * you are robert
        ",
        "
        ann< * bob is now robert
        cyn< * bob is now robert
        ",
    );
}

#[test]
fn who_is_renamed_and_leaves_has_left_under_the_name_that_was_known() {
    play_gathered(
        "
        bob> /name rob
        bob< * you are rob
        - bob
        ",
        "
        ann< * bob left
        cyn< * bob left
        ",
    );
}

#[test]
fn who_joins_and_is_renamed_has_joined_under_the_last_name() {
    play_gathered(
        "
        + 5
        5< * welcome to chinwag, guest-5. /help lists the commands
        5< * lobby: 4 here
        5> /name eve
        5< * you are eve
        bob> /name robert
        bob< * you are robert
        ",
        "
        ann< * bob is now robert, eve joined
        cyn< * bob is now robert, eve joined
        bob< * eve joined
        5< * bob is now robert
        ",
    );
}

#[test]
fn a_newcomer_is_told_of_a_new_name_from_the_one_that_it_found() {
    play_gathered(
        "
        bob> /name rob
        bob< * you are rob
        + 5
        5< * welcome to chinwag, guest-5. /help lists the commands
        5< * lobby: 4 here
        bob> /name robert
        bob< * you are robert
        ",
        "
        ann< * bob is now robert, guest-5 joined
        cyn< * bob is now robert, guest-5 joined
        bob< * guest-5 joined
        5< * rob is now robert
        ",
    );
}

#[test]
fn two_who_swap_their_names_are_told_as_renamed() {
    play_gathered(
        "
        ann> /name x
        ann< * you are x
        bob> /name ann
        bob< * you are ann
        ann> /name bob
        ann< * you are bob
        ",
        "
        cyn< * bob is now ann, ann is now bob
        bob< * ann is now bob
        ann< * bob is now ann
        ",
    );
}

#[test]
fn a_name_that_was_given_up_is_told_of_its_next_holder() {
    play_gathered(
        "
        bob> /name robert
        bob< * you are robert
        + 5
        5< * welcome to chinwag, guest-5. /help lists the commands
        5< * lobby: 4 here
        5> /name bob
        5< * you are bob
        ",
        "
        ann< * bob is now robert, bob joined
        cyn< * bob is now robert, bob joined
        bob< * bob joined
        ",
    );
    // Whose name it was has left.
    play_gathered(
        "
        - bob
        cyn> /name bob
        cyn< * you are bob
        ",
        "
        ann< * bob left, cyn is now bob
        cyn< * bob left
        ",
    );
}

#[test]
fn a_name_that_is_taken_back_by_another_connection_is_still_the_same_member() {
    let mut names = Vec::new();
    push(&mut names, Kind::Left, MemberId(1), "bob");
    push(&mut names, Kind::Joined, MemberId(7), "bob");
    push(&mut names, Kind::RenamedFrom, MemberId(7), "bob");
    push(&mut names, Kind::RenamedTo, MemberId(7), "robert");
    // A connection's number is used again: this is somebody else.
    push(&mut names, Kind::Joined, MemberId(1), "dan");
    let told = Outcome::of(&names, None);
    assert_eq!(told.changes().names_added().collect::<Vec<_>>(), ["dan", "robert"]);
    assert_eq!(told.changes().names_removed().collect::<Vec<_>>(), ["bob"]);
    assert_eq!(told.renamed, [Rename { from: "bob", to: "robert" }]);
    assert_eq!((told.joined, told.left), (vec!["dan"], vec![]));
}

#[test]
fn who_is_alone_costs_the_room_no_silence() {
    play(
        "
        + 1
        1< * welcome to chinwag, guest-1. /help lists the commands
        1< * lobby: 1 here
        1> /name ann
        1< * you are ann
        + 2
        2< * welcome to chinwag, guest-2. /help lists the commands
        2< * lobby: 2 here
        1< * guest-2 joined
        ",
    );
}

#[test]
fn above_five_changes_are_counted() {
    play(
        "
        here ann a b c d e f
        ann> /join dev
        ann< * dev: 1 here
        a< * ann left
        b< * ann left
        c< * ann left
        d< * ann left
        e< * ann left
        f< * ann left
        - a
        - b
        - c
        - d
        - e
        @ 1000
        f< * a, b, c, d, e left
        @ 2000
        ann> /join lobby
        ann< * lobby: 2 here
        f< * ann joined
        here a b c d e g
        - a
        b< * a left
        c< * a left
        d< * a left
        e< * a left
        f< * a left
        g< * a left
        ann< * a left
        - b
        - c
        - d
        - e
        - f
        - g
        @ 1000
        ann< * 6 left, 1 here
        ",
    );
}

#[test]
fn a_crowd_is_only_counted_and_newcomers_are_told_the_number_again() {
    let settings = Settings { presence_changes_max: 2, ..Settings::default() };
    play_with(
        settings,
        "
        here ann bob
        bob> /join dev
        bob< * dev: 1 here
        ann< * bob left
        + 3
        3< * welcome to chinwag, guest-3. /help lists the commands
        3< * lobby: 2 here
        + 4
        4< * welcome to chinwag, guest-4. /help lists the commands
        4< * lobby: 3 here
        + 5
        5< * welcome to chinwag, guest-5. /help lists the commands
        5< * lobby: 4 here
        - 3
        @ 1000
        ann< * 2 joined, 3 here
        4< * lobby: 3 here
        5< * lobby: 3 here
        ",
    );
}

#[test]
fn a_room_is_not_told_when_one_before_it_would_have_been() {
    play(
        "
        here ann bob
        - bob
        ann< * bob left
        @ 100
        + 3
        3< * welcome to chinwag, guest-3. /help lists the commands
        3< * lobby: 2 here
        @ 200
        - 3
        - ann
        + 4
        4< * welcome to chinwag, guest-4. /help lists the commands
        4< * lobby: 1 here
        @ 300
        + 5
        5< * welcome to chinwag, guest-5. /help lists the commands
        5< * lobby: 2 here
        4< * guest-5 joined
        @ 400
        - 5
        @ 1299
        @ 1300
        4< * guest-5 left
        ",
    );
}

#[test]
fn without_changes_nobody_is_woken() {
    let mut stage = Stage::new(Settings::default());
    stage.connect("ann");
    stage.connect("bob");
    assert_eq!(stage.hub.next_wake(), None, "the first change was told at once");
    stage.connect("cyn");
    assert_eq!(stage.hub.next_wake(), Some(Millis(1000)));
    stage.advance(Millis(1000));
    assert_eq!(stage.hub.next_wake(), None);
}

/// Counts calls.
#[derive(Default)]
struct Meter {
    calls: u64,
    notices: u64,
}

impl Effects for Meter {
    fn unix_ms(&self) -> u64 {
        0
    }

    fn tell(&mut self, _: MemberId, _: Option<RequestId>, _: &Event<'_>) {
        self.calls += 1;
    }
    fn answer(&mut self, _: MemberId, _: RoomId, _: Option<RequestId>, _: &Event<'_>) {
        self.calls += 1;
    }
    fn say(&mut self, _: RoomId, _: &Message<'_>, _: &[u8], _: &[MemberId]) -> u64 {
        unreachable!("nobody says anything")
    }
    fn notify(&mut self, _: RoomId, _: &Event<'_>, _: &[MemberId]) {
        self.calls += 1;
        self.notices += 1;
    }
    fn follow(&mut self, _: MemberId, _: RoomId) {
        self.calls += 1;
    }
    fn unfollow(&mut self, _: MemberId, _: RoomId) {
        self.calls += 1;
    }
    fn recall(&mut self, _: MemberId, _: RoomId, _: &Record) {
        unreachable!("nothing has been said")
    }
    fn replay(&mut self, _: MemberId, _: RoomId, _: Range<u64>) {
        unreachable!("nothing has been said")
    }
    fn show_seq(&mut self, _: MemberId, _: bool) {}
    fn close(&mut self, _: MemberId, _: Goodbye) {}
}

#[test]
fn ten_thousand_who_come_within_three_seconds_cost_each_the_same() {
    let settings = Settings { presence_per_second: 0, ..Settings::default() };
    let (mut hub, mut meter) = (Hub::new(settings, Seed::new([3; 32])), Meter::default());
    let join = Command::Join { room: RoomName::new("lobby").unwrap(), since: None, history: 0 };
    let at = |ms| Millis(ms);
    for number in 0..10_000 {
        let now = at(u64::from(number) * 3 / 10);
        if hub.next_wake().is_some_and(|at| at <= now) {
            hub.wake(now, &mut meter);
        }
        hub.enter(MemberId(number), Mode::Text);
        hub.greet(MemberId(number), &mut meter);
        hub.handle(now, MemberId(number), None, join, &mut meter);
    }
    hub.wake(at(5000), &mut meter);
    assert_eq!(meter.notices, 1 + 2 * 3, "one at once, and two each second, of which everybody reads one");
    assert!(meter.calls <= 3 * 10_000 + meter.notices, "{} calls: three for each who comes", meter.calls);
}
