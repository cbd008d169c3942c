//! Who came and went, as programs are told it.

use crate::chat::Settings;
use crate::chat::stage::{play, play_with};

#[test]
fn the_first_change_at_once_and_the_others_together() {
    play(
        r#"
        +j bot
        bot> {"type":"join","room":"lobby"}
        bot< ...
        + cyn
        cyn< ...
        bot< {"type":"presence","room":"lobby","joined":["guest-2"],"left":[],"members":2}
        @ 100
        + dan
        dan< ...
        + eve
        eve< ...
        - cyn
        - dan
        @ 1000
        eve< * guest-2, guest-3 left
        bot< {"type":"presence","room":"lobby","joined":["guest-4"],"left":["guest-2"],"members":2}
        "#,
    );
}

#[test]
fn each_room_is_told_for_itself() {
    play(
        r#"
        +j bot
        bot> {"type":"join","room":"a"}
        bot< ...
        bot> {"type":"join","room":"b"}
        bot< ...
        +j other
        other> {"type":"join","room":"a"}
        other< ...
        bot< {"type":"presence","room":"a","joined":["guest-2"],"left":[],"members":2}
        other> {"type":"join","room":"b"}
        other< ...
        bot< {"type":"presence","room":"b","joined":["guest-2"],"left":[],"members":2}
        - other
        @ 1000
        bot< {"type":"presence","room":"a","joined":[],"left":["guest-2"],"members":1}
        bot< {"type":"presence","room":"b","joined":[],"left":["guest-2"],"members":1}
        "#,
    );
}

#[test]
fn a_large_room_is_told_the_count_alone() {
    play_with(
        Settings { presence_names_max: 2, ..Settings::default() },
        r#"
        +j bot
        bot> {"type":"join","room":"lobby"}
        bot< ...
        + cyn
        cyn< ...
        bot< {"type":"presence","room":"lobby","joined":["guest-2"],"left":[],"members":2}
        @ 2000
        + dan
        dan< ...
        bot< {"type":"presence","room":"lobby","members":3}
        cyn< * 1 joined, 3 here
        @ 4000
        - dan
        bot< {"type":"presence","room":"lobby","joined":[],"left":["guest-3"],"members":2}
        cyn< * guest-3 left
        "#,
    );
}

#[test]
fn a_program_is_never_told_of_its_own_coming() {
    play(
        r#"
        here ann
        + cyn
        cyn< ...
        ann< * guest-2 joined
        +j bot
        bot> {"type":"join","room":"lobby"}
        bot< {"type":"welcome",
        bot< {"type":"joined","room":"lobby","epoch":"{epoch}","seq":0,"from":1,"count":0,"members":3}
        +j late
        late> {"type":"join","room":"lobby"}
        late< ...
        @ 1000
        ann< * guest-3, guest-4 joined
        cyn< * guest-3, guest-4 joined
        bot< {"type":"presence","room":"lobby","joined":["guest-4"],"left":[],"members":4}
        "#,
    );
}

#[test]
fn who_has_missed_notices_is_told_how_many_are_there() {
    play(
        r#"
        here ann cyn
        +j bot
        bot> {"type":"join","room":"lobby"}
        all< ...
        @ 5000
        bot sleeps
        ann> one
        all< ...
        - cyn
        ann< * cyn left
        ann> two
        bot wakes
        bot< {"type":"message","room":"lobby","seq":1,
        bot< {"type":"message","room":"lobby","seq":2,
        bot< {"type":"presence","room":"lobby","members":2}
        bot sleeps
        ann> three
        bot wakes
        bot< {"type":"message","room":"lobby","seq":3,
        "#,
    );
}

#[test]
fn a_slow_reader_is_not_left_with_a_count_of_those_who_only_passed_through() {
    play(
        r#"
        here ann cyn
        +j bot
        bot> {"type":"join","room":"lobby"}
        all< ...
        @ 5000
        bot sleeps
        - cyn
        all< ...
        ann> one
        @ 5500
        + dan
        all< ...
        bot wakes
        bot< {"type":"message","room":"lobby","seq":1,
        bot< {"type":"presence","room":"lobby","members":2}
        - dan
        @ 9000
        "#,
    );
}

#[test]
fn who_has_seen_half_of_what_cancels_out_is_told_how_many_are_there() {
    play(
        r#"
        here ann bob
        +j bot
        bot> {"type":"join","room":"lobby"}
        all< ...
        @ 5000
        - bob
        ann< * bob left
        bot< {"type":"presence","room":"lobby","joined":[],"left":["bob"],"members":2}
        @ 5100
        + dan
        dan< ...
        bot> {"type":"members","id":2,"room":"lobby"}
        bot< {"type":"members","id":2,"room":"lobby","count":3,"names":["ann","guest-4","guest-3"]}
        - dan
        @ 6000
        ann< * lobby: 2 here
        bot< {"type":"presence","room":"lobby","members":2}
        @ 6100
        + eve
        eve< ...
        - eve
        @ 9000
        "#,
    );
}
