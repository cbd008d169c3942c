//! Publishing twice is publishing once.

use crate::chat::stage::{Stage, play, play_with};
use crate::chat::{Rate, Settings};
use crate::time::Millis;

/// Ann is called ann, and bob hears what the lobby does.
fn lobby_with(settings: Settings) -> Stage {
    let mut stage = Stage::new(Settings { publish: Rate { per_second: 0, burst: 1 }, ..settings });
    stage.arrange(
        r#"
        here bob
        +j ann
        ann> {"type":"hello","name":"ann"}
        ann> {"type":"join","room":"lobby"}
        @ 5000
        "#,
    );
    stage
}

fn lobby() -> Stage {
    lobby_with(Settings::default())
}

#[test]
fn a_repeat_is_answered_with_the_old_number_and_told_to_nobody() {
    lobby().play(
        r#"
        ann> {"type":"publish","id":1,"room":"lobby","key":"k","data":"hi"}
        ann< {"type":"ok","id":1,"room":"lobby","seq":1,"at":1795000005000}
        bob< [ann] hi
        @ 6000
        ann> {"type":"publish","id":2,"room":"lobby","key":"k","data":"hi"}
        ann< {"type":"ok","id":2,"room":"lobby","seq":1,"at":1795000005000,"duplicate":true}
        ann> {"type":"publish","id":3,"room":"lobby","key":"k2","data":"hi"}
        ann< {"type":"ok","id":3,"room":"lobby","seq":2,"at":1795000006000}
        bob< [ann] hi
        ann> {"type":"history","id":4,"room":"lobby"}
        ann< {"type":"history","id":4,"room":"lobby","epoch":"{epoch}","messages":[{"type":"message","room":"lobby","seq":1,"name":"ann","key":"k","at":1795000005000,"data":"hi"},{"type":"message","room":"lobby","seq":2,"name":"ann","key":"k2","at":1795000006000,"data":"hi"}],"more":false}
        "#,
    );
}

#[test]
fn the_same_key_with_other_data_is_a_bad_request() {
    lobby().play(
        r#"
        ann> {"type":"publish","id":1,"room":"lobby","key":"k","data":"hi"}
        all< ...
        ann> {"type":"publish","id":2,"room":"lobby","key":"k","data":"ho"}
        ann< {"type":"error","id":2,"code":"bad_request","reason":"this `key` was used for other data"}
        ann> {"type":"publish","id":3,"room":"lobby","key":"k","data":["hi"]}
        ann< {"type":"error","id":3,"code":"bad_request","reason":"this `key` was used for other data"}
        "#,
    );
}

#[test]
fn a_key_is_of_one_room_and_one_name() {
    lobby().play(
        r#"
        +j cyn
        cyn> {"type":"hello","name":"cyn"}
        cyn< ...
        cyn> {"type":"join","room":"lobby"}
        all< ...
        ann> {"type":"join","room":"dev"}
        all< ...
        ann> {"type":"publish","id":1,"room":"lobby","key":"k","data":"hi"}
        ann< {"type":"ok","id":1,"room":"lobby","seq":1,"at":1795000005000}
        all< ...
        ann> {"type":"publish","id":2,"room":"dev","key":"k","data":"hi"}
        ann< {"type":"ok","id":2,"room":"dev","seq":1,"at":1795000005000}
        cyn> {"type":"publish","id":3,"room":"lobby","key":"k","data":"hi"}
        cyn< {"type":"ok","id":3,"room":"lobby","seq":2,"at":1795000005000}
        all< ...
        "#,
    );
}

#[test]
fn a_repeat_over_another_connection_is_known_by_the_name() {
    lobby().play(
        r#"
        ann> {"type":"publish","id":1,"room":"lobby","key":"k","data":"hi"}
        all< ...
        - ann
        bob< * ann left
        +j again
        again> {"type":"hello","name":"ANN"}
        again< ...
        again> {"type":"join","room":"lobby"}
        all< ...
        @ 9000
        all< ...
        again> {"type":"publish","id":1,"room":"lobby","key":"k","data":"hi"}
        again< {"type":"ok","id":1,"room":"lobby","seq":1,"at":1795000005000,"duplicate":true}
        "#,
    );
}

#[test]
fn keys_go_with_the_name_and_come_back_with_it() {
    lobby().play(
        r#"
        ann> {"type":"publish","id":1,"room":"lobby","key":"k","data":"hi"}
        all< ...
        ann> {"type":"rename","id":2,"name":"anna"}
        ann< {"type":"ok","id":2}
        bob< * ann is now anna
        ann> {"type":"publish","id":3,"room":"lobby","key":"k","data":"hi"}
        ann< {"type":"ok","id":3,"room":"lobby","seq":2,"at":1795000005000}
        bob< [anna] hi
        ann> {"type":"rename","id":4,"name":"ann"}
        ann< {"type":"ok","id":4}
        ann> {"type":"publish","id":5,"room":"lobby","key":"k","data":"hi"}
        ann< {"type":"ok","id":5,"room":"lobby","seq":1,"at":1795000005000,"duplicate":true}
        "#,
    );
}

#[test]
fn a_key_is_known_for_five_minutes_and_as_long_as_its_message() {
    let settings = Settings { history_messages_max: 2, ..Settings::default() };
    lobby_with(settings).play(
        r#"
        ann> {"type":"publish","id":1,"room":"lobby","key":"a","data":1}
        all< ...
        ann> {"type":"publish","id":2,"room":"lobby","key":"b","data":2}
        all< ...
        ann> {"type":"publish","id":3,"room":"lobby","key":"c","data":3}
        all< ...
        @ 304999
        ann> {"type":"publish","id":4,"room":"lobby","data":4}
        all< ...
        ann> {"type":"publish","id":5,"room":"lobby","key":"a","data":1}
        ann< {"type":"ok","id":5,"room":"lobby","seq":1,"at":1795000005000,"duplicate":true}
        @ 305000
        ann> {"type":"publish","id":6,"room":"lobby","data":"the first three are forgotten with this"}
        all< ...
        ann> {"type":"publish","id":7,"room":"lobby","key":"a","data":1}
        ann< {"type":"ok","id":7,"room":"lobby","seq":6,"at":1795000305000}
        bob< [ann] 1
        "#,
    );
}

#[test]
fn a_message_that_is_remembered_keeps_its_key_however_old_it_is() {
    let settings = Settings { history_messages_max: 2, ..Settings::default() };
    lobby_with(settings).play(
        r#"
        ann> {"type":"publish","id":1,"room":"lobby","key":"a","data":1}
        all< ...
        @ 9000000
        ann> {"type":"publish","id":2,"room":"lobby","data":2}
        all< ...
        ann> {"type":"publish","id":3,"room":"lobby","key":"a","data":1}
        ann< {"type":"ok","id":3,"room":"lobby","seq":1,"at":1795000005000,"duplicate":true}
        "#,
    );
}

#[test]
fn what_is_said_when_the_clock_begins_is_known_as_long() {
    let settings = Settings { history_messages_max: 0, ..Settings::default() };
    play_with(
        settings,
        r#"
        +j bot
        bot> {"type":"join","room":"dev"}
        bot< ...
        bot> {"type":"publish","id":1,"room":"dev","key":"a","data":1}
        bot< {"type":"ok","id":1,"room":"dev","seq":1,"at":1795000000000}
        bot> {"type":"publish","id":2,"room":"dev","key":"b","data":2}
        bot< {"type":"ok","id":2,"room":"dev","seq":2,"at":1795000000000}
        bot> {"type":"publish","id":3,"room":"dev","key":"a","data":1}
        bot< {"type":"ok","id":3,"room":"dev","seq":1,"at":1795000000000,"duplicate":true}
        "#,
    );
}

#[test]
fn a_room_has_so_many_keys_at_most() {
    let settings = Settings { keys_max: 2, key_window: Millis::from_secs(300), ..Settings::default() };
    lobby_with(settings).play(
        r#"
        ann> {"type":"publish","id":1,"room":"lobby","key":"a","data":1}
        all< ...
        ann> {"type":"publish","id":2,"room":"lobby","key":"b","data":2}
        all< ...
        ann> {"type":"publish","id":3,"room":"lobby","key":"c","data":3}
        all< ...
        ann> {"type":"publish","id":4,"room":"lobby","key":"b","data":2}
        ann< {"type":"ok","id":4,"room":"lobby","seq":2,"at":1795000005000,"duplicate":true}
        ann> {"type":"publish","id":5,"room":"lobby","key":"a","data":1}
        ann< {"type":"ok","id":5,"room":"lobby","seq":4,"at":1795000005000}
        bob< [ann] 1
        "#,
    );
}

/// How many keys all rooms remember.
fn keys(stage: &Stage) -> u64 {
    let mut keys = 0;
    stage.hub.stats(&mut |name, value| keys += if name == "chat_keys" { value } else { 0 });
    keys
}

/// Ann says something under a key.
fn publish(stage: &mut Stage, room: &str, key: u64) {
    stage.play(&format!(
        r#"
        ann> {{"type":"publish","id":7,"room":"{room}","key":"{key}","data":1}}
        all< ...
        "#
    ));
}

#[test]
fn a_room_that_has_gone_quiet_forgets_its_keys() {
    let mut stage = lobby_with(Settings { history_messages_max: 2, ..Settings::default() });
    (0..100).for_each(|key| publish(&mut stage, "lobby", key));
    stage.play("@ 304999");
    assert_eq!(keys(&stage), 100);
    stage.play("@ 305000");
    assert_eq!(keys(&stage), 2, "those of the messages that it remembers");
    stage.play("@ 9000000");
    assert_eq!(keys(&stage), 2);
    stage.play(
        "
        - ann
        all< ...
        - bob
        @ 18000000
        ",
    );
    assert_eq!(keys(&stage), 0);
}

#[test]
fn all_rooms_together_have_so_many_keys_at_most_and_the_oldest_go_first() {
    let mut stage = lobby_with(Settings { keys_total_max: 8, ..Settings::default() });
    (1..=4).for_each(|key| publish(&mut stage, "lobby", key));
    stage.play(
        r#"
        @ 7000
        ann> {"type":"join","room":"dev"}
        ann< ...
        "#,
    );
    for key in 1..=20 {
        publish(&mut stage, "dev", key);
        assert!(keys(&stage) <= 8);
    }
    stage.play(
        r#"
        ann> {"type":"publish","id":8,"room":"lobby","key":"4","data":1}
        ann< {"type":"ok","id":8,"room":"lobby","seq":5,"at":1795000007000}
        all< ...
        ann> {"type":"publish","id":9,"room":"dev","key":"20","data":1}
        ann< {"type":"ok","id":9,"room":"dev","seq":20,"at":1795000007000,"duplicate":true}
        "#,
    );
}

#[test]
fn a_key_has_128_bytes_at_most() {
    let (longest, longer) = ("k".repeat(128), "k".repeat(129));
    play(&format!(
        r#"
        +j bot
        bot> {{"type":"join","room":"dev"}}
        bot< ...
        bot> {{"type":"publish","id":1,"room":"dev","key":"{longest}","data":1}}
        bot< {{"type":"ok","id":1,"room":"dev","seq":1,"at":1795000000000}}
        bot> {{"type":"publish","id":2,"room":"dev","key":"{longer}","data":1}}
        bot< {{"type":"error","id":2,"code":"bad_request","reason":"`key` is longer than 128 bytes"}}
        "#
    ));
}
