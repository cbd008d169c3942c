//! The rules for people: every command that can be typed, and every line that answers one.

use crate::chat::Settings;
use crate::chat::stage::{play, play_with};

#[test]
fn coming_with_what_was_said_before() {
    play(
        "
        here bob
        bob> /join dev
        bob< * dev: 1 here
        bob> one
        bob> two
        bob> morning
        + ann
        ann< * welcome to chinwag, guest-2. /help lists the commands
        ann< * lobby: 1 here
        ann> /name ann
        ann< * you are ann
        ann> /join dev 2
        ann< * dev: 2 here, the last 2 messages
        ann< [bob] two
        ann< [bob] morning
        bob< * ann joined
        ann> /join dev 1
        ann< * dev: 2 here, the last message
        ann< [bob] morning
        ann> hi
        bob< [ann] hi
        ",
    );
}

#[test]
fn numbers_are_shown_when_asked_for() {
    play(
        "
        here ann bob
        bob> one
        ann< [bob] one
        ann> /seq on
        ann< * seq is on, at {epoch}:1
        bob> yes
        ann< #2 [bob] yes
        ann> /history 5
        ann< * lobby: 2 earlier messages
        ann< #1 [bob] one
        ann< #2 [bob] yes
        ann> /join dev
        ann< * dev: 1 here, at {epoch:dev}:0
        bob< * ann left
        ann> /seq off
        ann< * seq is off
        ann> /join lobby 1
        ann< * lobby: 2 here, the last message
        ann< [bob] yes
        @ 1000
        bob< * ann joined
        bob> no
        ann< [bob] no
        ",
    );
}

#[test]
fn coming_back_to_a_position() {
    play_with(
        Settings { history_messages_max: 3, ..Settings::default() },
        "
        here ann bob
        bob> 1
        ann< [bob] 1
        bob> 2
        ann< [bob] 2
        bob> 3
        ann< [bob] 3
        bob> 4
        ann< [bob] 4
        bob> 5
        ann< [bob] 5
        ann> /resume {epoch}:2
        ann< * resumed, 3 missed
        ann< [bob] 3
        ann< [bob] 4
        ann< [bob] 5
        ann> /resume {epoch}:5
        ann< * resumed, 0 missed
        ann> /resume {epoch}:1
        ann< * cannot resume (trimmed), the oldest is 3
        ann> /resume {epoch}:6
        ann< * cannot resume (ahead), the oldest is 3
        ann> /resume other:5
        ann< * cannot resume (epoch), the oldest is 3
        ann> /resume
        ann< * bad request: /resume EPOCH:SEQ, as in /resume k3f9:43
        bob> and on
        ann< [bob] and on
        bob> /who
        bob< * lobby: 2 here: ann, bob
        ",
    );
}

#[test]
fn the_commands_that_ask() {
    play(
        "
        here ann bob
        ann> /who
        ann< * lobby: 2 here: ann, bob
        ann> /rooms
        ann< * rooms: lobby (2)
        bob> /join dev
        bob< * dev: 1 here
        ann< * bob left
        ann> /rooms
        ann< * rooms: lobby (1), dev (1)
        ann> /history
        ann< * lobby: 0 earlier messages
        ann> /ping
        ann< * pong
        ann> /msg bob hi
        bob< [ann -> you] hi
        ann> /msg eve hi
        ann< * no such name: eve
        ann> /quit
        ann< (Quit)
        ",
    );
}

#[test]
fn ones_own_lines_come_back_when_asked_for() {
    play(
        "
        here ann bob
        ann> hi
        bob< [ann] hi
        ann> /echo on
        ann< * echo is on
        ann> hi
        ann< [ann] hi
        bob< [ann] hi
        ann> /echo off
        ann< * echo is off
        ann> hi
        bob< [ann] hi
        ",
    );
}

#[test]
fn what_was_said_in_json_is_shown_as_text() {
    play(
        r#"
        here ann
        +j bot
        bot> {"type":"join","room":"lobby"}
        all< ...
        bot> {"type":"publish","room":"lobby","data":"a\u0041\n\u001b \"q\""}
        bot< ...
        ann< [guest-2] aA\n\u{1b} "q"
        bot> {"type":"publish","room":"lobby","data": { "a" : [ 1, null ] } }
        bot< ...
        ann< [guest-2] {"a":[1,null]}
        ann> say "it" \ and /
        bot< {"type":"message","room":"lobby","seq":3,"name":"ann","at":1795000000000,"data":"say \"it\" \\ and /"}
        ann> /history 2
        ann< * lobby: 2 earlier messages
        ann< [guest-2] {"a":[1,null]}
        ann< [ann] say "it" \ and /
        "#,
    );
}

#[test]
fn what_was_missed_is_told_by_its_numbers() {
    play_with(
        Settings { history_messages_max: 1, ..Settings::default() },
        "
        here ann bob
        ann sleeps
        bob> 1
        bob> 2
        bob> 3
        ann wakes
        ann< * missed 1 to 2 (slow)
        ann< [bob] 3
        ann sleeps
        bob> 4
        bob> 5
        ann wakes
        ann< * missed 4 (slow)
        ann< [bob] 5
        ",
    );
}

#[test]
fn who_types_too_fast_is_told_so() {
    play_with(
        Settings { publish: crate::chat::Rate { per_second: 1, burst: 1 }, ..Settings::default() },
        "
        here ann bob
        ann> one
        bob< [ann] one
        @ 500
        ann> two
        ann< * slow down: 0.5 s
        @ 1000
        ann> two
        bob< [ann] two
        ",
    );
}
