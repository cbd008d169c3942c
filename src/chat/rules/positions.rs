//! Where answers stand; resuming; what is missing is said to be.

use crate::chat::stage::{Stage, play, play_with};
use crate::chat::{Settings, Slow};

/// So many messages of ann's in the room `dev`, which remembers `kept` of them; she and bot are in it.
fn dev(settings: Settings, messages: usize) -> Stage {
    let mut stage =
        Stage::new(Settings { publish: crate::chat::Rate { per_second: 0, burst: 1 }, ..settings });
    stage.arrange(
        r#"
        here ann
        ann> /join dev
        +j bot
        bot> {"type":"join","id":1,"room":"dev"}
        "#,
    );
    (1..=messages).for_each(|number| stage.arrange(&format!("ann> {number}")));
    stage
}

fn keeping(history_messages_max: usize) -> Settings {
    Settings { history_messages_max, ..Settings::default() }
}

#[test]
fn an_answer_stands_where_the_message_would_have() {
    play(
        r#"
        here ann
        +j bot
        bot> {"type":"join","id":1,"room":"lobby"}
        all< ...
        ann> one
        bot< {"type":"message","room":"lobby","seq":1,"name":"ann","at":1795000000000,"data":"one"}
        bot> {"type":"publish","id":2,"room":"lobby","data":"two"}
        bot< {"type":"ok","id":2,"room":"lobby","seq":2,"at":1795000000000}
        ann< [guest-2] two
        ann> three
        bot< {"type":"message","room":"lobby","seq":3,"name":"ann","at":1795000000000,"data":"three"}
        "#,
    );
}

#[test]
fn with_echo_the_message_follows_its_answer() {
    play(
        r#"
        +j bot
        bot> {"type":"hello","id":1,"name":"bot","echo":true}
        bot< ...
        bot> {"type":"join","id":2,"room":"lobby"}
        all< ...
        bot> {"type":"publish","id":3,"room":"lobby","key":"k","data":{"a":[1, 2]}}
        bot< {"type":"ok","id":3,"room":"lobby","seq":1,"at":1795000000000}
        bot< {"type":"message","room":"lobby","seq":1,"name":"bot","key":"k","at":1795000000000,"data":{"a":[1, 2]}}
        "#,
    );
}

#[test]
fn a_request_without_a_number_gets_an_answer_without_one() {
    play(
        r#"
        +j bot
        bot> {"type":"join","room":"lobby"}
        bot< {"type":"welcome","version":1,
        bot< {"type":"joined","room":"lobby","epoch":"{epoch}","seq":0,"from":1,"count":0,"members":1}
        bot> {"type":"publish","room":"lobby","data":null}
        bot< {"type":"ok","room":"lobby","seq":1,"at":1795000000000}
        bot> {"type":"ping","id":-1.5}
        bot< {"type":"pong","id":-1.5,"at":1795000000000}
        "#,
    );
}

#[test]
fn an_empty_room_has_a_position_and_it_can_be_resumed_from() {
    play(
        r#"
        +j bot
        bot> {"type":"join","id":1,"room":"dev"}
        all< ...
        +j other
        other> {"type":"join","id":1,"room":"dev","since":{"epoch":"{epoch}","seq":0}}
        all< ...
        bot> {"type":"leave","id":2,"room":"dev"}
        bot< {"type":"ok","id":2,"room":"dev"}
        other> {"type":"publish","id":2,"room":"dev","data":"first"}
        all< ...
        bot> {"type":"join","id":3,"room":"dev","since":{"epoch":"{epoch}","seq":0}}
        bot< {"type":"joined","id":3,"room":"dev","epoch":"{epoch}","seq":1,"resumed":true,"from":1,"count":1,"members":2}
        bot< {"type":"message","room":"dev","seq":1,"name":"guest-2","at":1795000000000,"data":"first"}
        "#,
    );
}

#[test]
fn who_has_everything_is_resumed_with_nothing() {
    dev(keeping(3), 5).play(
        r#"
        +j late
        late> {"type":"join","id":1,"room":"dev","since":{"epoch":"{epoch:dev}","seq":5}}
        late< {"type":"welcome",
        late< {"type":"joined","id":1,"room":"dev","epoch":"{epoch:dev}","seq":5,"resumed":true,"from":6,"count":0,"members":3}
        all< ...
        "#,
    );
}

#[test]
fn whoever_lacks_just_what_is_remembered_is_resumed() {
    dev(keeping(3), 5).play(
        r#"
        +j late
        late> {"type":"join","id":1,"room":"dev","since":{"epoch":"{epoch:dev}","seq":2}}
        late< {"type":"welcome",
        late< {"type":"joined","id":1,"room":"dev","epoch":"{epoch:dev}","seq":5,"resumed":true,"from":3,"count":3,"members":3}
        late< {"type":"message","room":"dev","seq":3,"name":"ann","at":1795000000000,"data":"3"}
        late< {"type":"message","room":"dev","seq":4,
        late< {"type":"message","room":"dev","seq":5,
        all< ...
        "#,
    );
}

#[test]
fn whoever_lacks_one_more_is_told_that_it_is_trimmed() {
    dev(keeping(3), 5).play(
        r#"
        +j late
        late> {"type":"join","id":1,"room":"dev","since":{"epoch":"{epoch:dev}","seq":1}}
        late< {"type":"welcome",
        late< {"type":"joined","id":1,"room":"dev","epoch":"{epoch:dev}","seq":5,"resumed":false,"reason":"trimmed","oldest":3,"from":6,"count":0,"members":3}
        all< ...
        "#,
    );
}

#[test]
fn after_a_refused_resume_history_is_given_if_it_was_asked_for() {
    dev(keeping(3), 5).play(
        r#"
        +j late
        late> {"type":"join","id":1,"room":"dev","since":{"epoch":"{epoch:dev}","seq":1},"history":2}
        late< {"type":"welcome",
        late< {"type":"joined","id":1,"room":"dev","epoch":"{epoch:dev}","seq":5,"resumed":false,"reason":"trimmed","oldest":3,"from":4,"count":2,"members":3}
        late< {"type":"message","room":"dev","seq":4,
        late< {"type":"message","room":"dev","seq":5,
        all< ...
        "#,
    );
    // And it is not, where the resume is not refused.
    dev(keeping(3), 5).play(
        r#"
        +j late
        late> {"type":"join","id":1,"room":"dev","since":{"epoch":"{epoch:dev}","seq":4},"history":3}
        late< {"type":"welcome",
        late< {"type":"joined","id":1,"room":"dev","epoch":"{epoch:dev}","seq":5,"resumed":true,"from":5,"count":1,"members":3}
        late< {"type":"message","room":"dev","seq":5,
        all< ...
        "#,
    );
}

#[test]
fn a_position_of_another_life_is_void_whatever_its_number() {
    for seq in ["0", "1", "5", "6", "18446744073709551615"] {
        dev(keeping(3), 5).play(&format!(
            r#"
            +j late
            late> {{"type":"join","id":1,"room":"dev","since":{{"epoch":"other","seq":{seq}}}}}
            late< {{"type":"welcome",
            late< {{"type":"joined","id":1,"room":"dev","epoch":"{{epoch:dev}}","seq":5,"resumed":false,"reason":"epoch","oldest":3,"from":6,"count":0,"members":3}}
            all< ...
            "#
        ));
    }
}

#[test]
fn a_position_of_the_future_is_ahead() {
    for seq in ["6", "18446744073709551615", "99999999999999999999999"] {
        dev(keeping(3), 5).play(&format!(
            r#"
            +j late
            late> {{"type":"join","id":1,"room":"dev","since":{{"epoch":"{{epoch:dev}}","seq":{seq}}}}}
            late< {{"type":"welcome",
            late< {{"type":"joined","id":1,"room":"dev","epoch":"{{epoch:dev}}","seq":5,"resumed":false,"reason":"ahead","oldest":3,"from":6,"count":0,"members":3}}
            all< ...
            "#
        ));
    }
}

#[test]
fn history_and_resume_are_one_step_with_what_is_live() {
    dev(keeping(100), 2).play(
        r#"
        +j late
        late sleeps
        late> {"type":"join","id":1,"room":"dev","history":1}
        ann> 3
        all< ...
        late> {"type":"publish","id":2,"room":"dev","data":"4"}
        all< ...
        ann> 5
        all< ...
        late wakes
        late< {"type":"welcome",
        late< {"type":"joined","id":1,"room":"dev","epoch":"{epoch:dev}","seq":2,"from":2,"count":1,"members":3}
        late< {"type":"message","room":"dev","seq":2,
        late< {"type":"message","room":"dev","seq":3,
        late< {"type":"ok","id":2,"room":"dev","seq":4,
        late< {"type":"message","room":"dev","seq":5,
        all< ...
        "#,
    );
}

#[test]
fn what_the_room_has_forgotten_is_a_gap_before_anything_newer() {
    dev(keeping(2), 1).play(
        r#"
        bot sleeps
        ann> 2
        ann> 3
        ann> 4
        ann> 5
        bot wakes
        bot< {"type":"gap","room":"dev","epoch":"{epoch:dev}","from":2,"to":3,"reason":"slow"}
        bot< {"type":"message","room":"dev","seq":4,
        bot< {"type":"message","room":"dev","seq":5,
        ann> 6
        bot< {"type":"message","room":"dev","seq":6,
        "#,
    );
}

#[test]
fn an_answer_whose_place_is_in_a_gap_follows_it_at_once() {
    dev(keeping(1), 1).play(
        r#"
        bot sleeps
        ann> 2
        bot> {"type":"publish","id":2,"room":"dev","data":"3"}
        ann< [guest-2] 3
        bot> {"type":"members","id":3,"room":"dev"}
        ann> 4
        ann> 5
        bot wakes
        bot< {"type":"gap","room":"dev","epoch":"{epoch:dev}","from":2,"to":2,"reason":"slow"}
        bot< {"type":"ok","id":2,"room":"dev","seq":3,
        bot< {"type":"members","id":3,"room":"dev","count":2,"names":["ann","guest-2"]}
        bot< {"type":"gap","room":"dev","epoch":"{epoch:dev}","from":4,"to":4,"reason":"slow"}
        bot< {"type":"message","room":"dev","seq":5,
        all< ...
        "#,
    );
}

#[test]
fn the_answer_to_a_slow_reader_who_wants_its_own_messages_is_not_followed_by_a_gap_with_its_number() {
    dev(keeping(1), 1).play(
        r#"
        +j loud
        loud> {"type":"hello","echo":true}
        loud< ...
        loud> {"type":"join","room":"dev"}
        all< ...
        loud sleeps
        ann> 2
        all< ...
        loud> {"type":"publish","id":2,"room":"dev","data":"3"}
        all< ...
        ann> 4
        all< ...
        ann> 5
        all< ...
        loud wakes
        loud< {"type":"gap","room":"dev","epoch":"{epoch:dev}","from":2,"to":2,"reason":"slow"}
        loud< {"type":"ok","id":2,"room":"dev","seq":3,
        loud< {"type":"message","room":"dev","seq":3,
        loud< {"type":"gap","room":"dev","epoch":"{epoch:dev}","from":4,"to":4,"reason":"slow"}
        loud< {"type":"message","room":"dev","seq":5,
        "#,
    );
}

#[test]
fn answers_about_a_room_come_in_its_stream_also_those_that_refuse() {
    let settings = Settings { message_bytes_max: 3, ..Settings::default() };
    dev(settings, 1).play(
        r#"
        bot sleeps
        ann> 2
        bot> {"type":"publish","id":1,"room":"dev","data":"3"}
        ann< ...
        bot> {"type":"publish","id":2,"room":"dev","data":"four"}
        bot> {"type":"join","id":3,"room":"dev"}
        bot> {"type":"ping","id":4}
        bot> {"type":"leave","id":5,"room":"other"}
        bot> {"type":"publish","id":6,"room":"dev","data":"4"}
        ann< ...
        bot wakes
        bot< {"type":"pong","id":4,
        bot< {"type":"error","id":5,"code":"not_joined",
        bot< {"type":"message","room":"dev","seq":2,
        bot< {"type":"ok","id":1,"room":"dev","seq":3,
        bot< {"type":"error","id":2,"code":"too_big",
        bot< {"type":"error","id":3,"code":"already_joined",
        bot< {"type":"ok","id":6,"room":"dev","seq":4,
        "#,
    );
}

#[test]
fn a_replay_that_the_room_outran_says_so_too() {
    dev(keeping(2), 3).play(
        r#"
        +j late
        late sleeps
        late> {"type":"ping","id":8}
        late> {"type":"join","id":1,"room":"dev","history":2}
        ann> 4
        all< ...
        late wakes
        late< {"type":"welcome",
        late< {"type":"pong","id":8,
        late< {"type":"joined","id":1,"room":"dev","epoch":"{epoch:dev}","seq":3,"from":2,"count":2,"members":3}
        late< {"type":"gap","room":"dev","epoch":"{epoch:dev}","from":2,"to":2,"reason":"slow"}
        late< {"type":"message","room":"dev","seq":3,
        late< {"type":"message","room":"dev","seq":4,
        all< ...
        "#,
    );
}

#[test]
fn the_latest_is_a_gap_and_then_the_newest() {
    dev(Settings { slow: Slow::Latest, ..Settings::default() }, 1).play(
        r#"
        bot sleeps
        ann> 2
        ann> 3
        ann> 4
        bot wakes
        bot< {"type":"gap","room":"dev","epoch":"{epoch:dev}","from":2,"to":3,"reason":"slow"}
        bot< {"type":"message","room":"dev","seq":4,
        +j late
        late> {"type":"join","id":1,"room":"dev","since":{"epoch":"{epoch:dev}","seq":1}}
        late< {"type":"welcome",
        late< {"type":"joined","id":1,"room":"dev","epoch":"{epoch:dev}","seq":4,"resumed":true,"from":2,"count":3,"members":3}
        late< {"type":"message","room":"dev","seq":2,
        late< {"type":"message","room":"dev","seq":3,
        late< {"type":"message","room":"dev","seq":4,
        all< ...
        "#,
    );
}

#[test]
fn a_room_that_does_not_wait_disconnects() {
    dev(Settings { slow: Slow::Disconnect, ..Settings::default() }, 1).play(
        r#"
        bot sleeps
        ann> 2
        bot wakes
        bot< (TooSlow)
        "#,
    );
}

#[test]
fn a_gap_ends_where_the_messages_do_and_notices_have_no_number() {
    play_with(
        keeping(1),
        r#"
        here ann cyn
        +j bot
        bot> {"type":"join","id":1,"room":"lobby"}
        all< ...
        @ 5000
        bot sleeps
        ann> 1
        cyn< [ann] 1
        - cyn
        all< ...
        @ 7000
        ann> 2
        here cyn
        ann> 3
        all< ...
        bot wakes
        bot< {"type":"gap","room":"lobby","epoch":"{epoch}","from":1,"to":2,"reason":"slow"}
        bot< {"type":"message","room":"lobby","seq":3,
        all< ...
        "#,
    );
}
