//! Coming into rooms, going out of them, and what an empty room keeps.

use crate::chat::stage::{Stage, play, play_with};
use crate::chat::{Rate, Settings};
use crate::time::Millis;

#[test]
fn joining_twice_is_refused_and_leaving_needs_a_join() {
    play(
        r#"
        +j bot
        bot> {"type":"leave","id":1,"room":"dev"}
        bot< {"type":"welcome",
        bot< {"type":"error","id":1,"code":"not_joined",
        bot> {"type":"publish","id":2,"room":"dev","data":1}
        bot< {"type":"error","id":2,"code":"not_joined",
        bot> {"type":"history","id":3,"room":"dev"}
        bot< {"type":"error","id":3,"code":"not_joined",
        bot> {"type":"members","id":4,"room":"dev"}
        bot< {"type":"error","id":4,"code":"not_joined",
        bot> {"type":"join","id":5,"room":"dev"}
        bot< {"type":"joined","id":5,"room":"dev",
        bot> {"type":"join","id":6,"room":"dev"}
        bot< {"type":"error","id":6,"code":"already_joined",
        bot> {"type":"leave","id":7,"room":"dev"}
        bot< {"type":"ok","id":7,"room":"dev"}
        bot> {"type":"leave","id":8,"room":"dev"}
        bot< {"type":"error","id":8,"code":"not_joined",
        bot> {"type":"join","id":9,"room":"no such/room"}
        bot< {"type":"error","id":9,"code":"bad_room",
        "#,
    );
}

#[test]
fn one_is_in_so_many_rooms_at_most() {
    play_with(
        Settings { rooms_per_member_max: 2, ..Settings::default() },
        r#"
        +j bot
        bot> {"type":"join","id":1,"room":"a"}
        bot< ...
        bot> {"type":"join","id":2,"room":"b"}
        bot< ...
        bot> {"type":"join","id":3,"room":"c"}
        bot< {"type":"error","id":3,"code":"too_many_rooms","reason":"a connection is in at most 2 rooms"}
        bot> {"type":"leave","id":4,"room":"a"}
        bot< ...
        bot> {"type":"join","id":5,"room":"c"}
        bot< {"type":"joined","id":5,"room":"c",
        "#,
    );
}

#[test]
fn rooms_are_told_apart_by_case_and_streams_by_room() {
    play(
        r#"
        +j bot
        bot> {"type":"join","id":1,"room":"dev"}
        bot< ...
        bot> {"type":"join","id":2,"room":"Dev"}
        bot< ...
        + ann
        ann< ...
        ann> /join Dev
        all< ...
        ann> hi
        bot< {"type":"message","room":"Dev","seq":1,"name":"guest-2","at":1795000000000,"data":"hi"}
        ann> /join dev
        all< ...
        ann> hi
        bot< {"type":"message","room":"dev","seq":1,"name":"guest-2","at":1795000000000,"data":"hi"}
        "#,
    );
}

#[test]
fn a_room_has_so_many_members_at_most() {
    play_with(
        Settings { members_max: 1, ..Settings::default() },
        r#"
        +j bot
        bot> {"type":"join","id":1,"room":"dev"}
        bot< ...
        +j other
        other> {"type":"join","id":1,"room":"dev"}
        other< {"type":"welcome",
        other< {"type":"error","id":1,"code":"denied","retry_ms":5000,"reason":"there is no place left"}
        + ann
        ann< * welcome to chinwag, guest-3. /help lists the commands
        ann< * lobby: 1 here
        ann> /join dev
        ann< * full: there is no place left
        ann> still in the lobby
        ann> /who
        ann< * lobby: 1 here: guest-3
        "#,
    );
}

/// How many rooms there are.
fn rooms(stage: &Stage) -> u64 {
    let mut rooms = 0;
    stage.hub.stats(&mut |name, value| rooms += if name == "chat_rooms" { value } else { 0 });
    rooms
}

#[test]
fn there_are_so_many_rooms_at_most_and_the_longest_empty_makes_place() {
    let mut stage = Stage::new(Settings { rooms_max: 2, ..Settings::default() });
    stage.play(
        r#"
        +j bot
        bot> {"type":"join","id":1,"room":"a"}
        bot< ...
        bot> {"type":"join","id":2,"room":"b"}
        bot< ...
        bot> {"type":"join","id":3,"room":"c"}
        bot< {"type":"error","id":3,"code":"denied","retry_ms":5000,"reason":"there is no place left"}
        bot> {"type":"leave","id":4,"room":"b"}
        bot< ...
        @ 10
        bot> {"type":"leave","id":5,"room":"a"}
        bot< ...
        bot> {"type":"join","id":6,"room":"c"}
        bot< {"type":"joined","id":6,"room":"c",
        bot> {"type":"rooms","id":7}
        bot< {"type":"rooms","id":7,"rooms":[{"room":"c","members":1}]}
        "#,
    );
    assert_eq!(rooms(&stage), 2, "a is kept, b is not");
}

#[test]
fn an_empty_room_is_kept_for_a_while_and_then_it_is_another() {
    let mut stage = Stage::new(Settings { room_keep: Millis(1000), ..Settings::default() });
    stage.play(
        r#"
        +j bot
        bot> {"type":"join","id":1,"room":"dev"}
        bot< ...
        bot> {"type":"publish","id":2,"room":"dev","key":"k","data":1}
        bot< ...
        bot> {"type":"leave","id":3,"room":"dev"}
        bot< ...
        @ 999
        bot> {"type":"join","id":4,"room":"dev","since":{"epoch":"{epoch}","seq":0}}
        bot< {"type":"joined","id":4,"room":"dev","epoch":"{epoch}","seq":1,"resumed":true,"from":1,"count":1,"members":1}
        bot< {"type":"message","room":"dev","seq":1,
        bot> {"type":"publish","id":5,"room":"dev","key":"k","data":1}
        bot< {"type":"ok","id":5,"room":"dev","seq":1,"at":1795000000000,"duplicate":true}
        @ 3000
        bot> {"type":"leave","id":6,"room":"dev"}
        bot< ...
        @ 3999
        "#,
    );
    assert_eq!(rooms(&stage), 1);
    stage.play("@ 4000");
    assert_eq!((rooms(&stage), stage.hub.next_wake()), (0, None));
    stage.play(
        r#"
        bot> {"type":"join","id":7,"room":"dev","since":{"epoch":"{epoch}","seq":1}}
        bot< {"type":"joined","id":7,"room":"dev","epoch":"{epoch}","seq":0,"resumed":false,"reason":"epoch","oldest":1,"from":1,"count":0,"members":1}
        bot> {"type":"publish","id":8,"room":"dev","key":"k","data":1}
        bot< {"type":"ok","id":8,"room":"dev","seq":1,"at":1795000004000}
        "#,
    );
}

#[test]
fn who_has_not_read_a_room_before_it_is_forgotten_is_closed() {
    play_with(
        Settings { room_keep: Millis(1000), ..Settings::default() },
        r#"
        here ann
        +j bot
        bot> {"type":"join","room":"lobby"}
        all< ...
        bot sleeps
        ann> one
        bot> {"type":"leave","id":2,"room":"lobby"}
        all< ...
        - ann
        @ 1000
        bot wakes
        bot< (TooSlow)
        "#,
    );
}

#[test]
fn nobody_waits_for_a_room_in_which_somebody_is() {
    let mut stage = Stage::new(Settings { room_keep: Millis(1000), ..Settings::default() });
    stage.play(
        r#"
        +j bot
        bot> {"type":"join","id":1,"room":"dev"}
        bot< ...
        bot> {"type":"leave","id":2,"room":"dev"}
        bot< ...
        @ 10
        bot> {"type":"join","id":3,"room":"dev"}
        bot< ...
        "#,
    );
    assert_eq!(stage.hub.next_wake(), None);
}

#[test]
fn a_room_remembers_so_many_bytes() {
    // Each of these is some hundred bytes with what it costs beside its text.
    let settings = Settings {
        history_bytes_max: 1000,
        publish: Rate { per_second: 0, burst: 1 },
        ..Settings::default()
    };
    let mut stage = Stage::new(settings);
    stage.arrange("+j bot\n bot> {\"type\":\"join\",\"room\":\"dev\"}");
    for number in 0..100 {
        stage.arrange(&format!(r#"bot> {{"type":"publish","room":"dev","data":{number}}}"#));
    }
    let mut bytes = 0;
    stage.hub.stats(&mut |name, value| bytes += if name == "chat_history_bytes" { value } else { 0 });
    assert!((500..=1000).contains(&bytes), "{bytes}");
    stage.play(
        r#"
        bot> {"type":"history","id":1,"room":"dev","limit":1}
        bot< {"type":"history","id":1,"room":"dev","epoch":"{epoch}","messages":[{"type":"message","room":"dev","seq":100,"name":"guest-1","at":1795000000000,"data":99}],"more":true}
        "#,
    );
}

#[test]
fn all_rooms_together_remember_so_much_and_the_coldest_forgets_first() {
    let settings = Settings {
        history_bytes_total_max: 1400,
        publish: Rate { per_second: 0, burst: 1 },
        ..Settings::default()
    };
    let mut stage = Stage::new(settings);
    stage.arrange("+j bot");
    let said = |stage: &mut Stage, room: &str, times: usize| {
        for _ in 0..times {
            stage.arrange(&format!(
                r#"bot> {{"type":"publish","room":"{room}","data":"{}"}}"#,
                "x".repeat(100)
            ));
        }
    };
    let oldest = |stage: &mut Stage, room: &str| {
        stage.arrange(&format!(r#"bot> {{"type":"leave","room":"{room}"}}"#));
        stage.type_line(
            "bot",
            &format!(r#"{{"type":"join","room":"{room}","since":{{"epoch":"none","seq":0}}}}"#),
        );
        let joined = stage.take("bot").remove(0);
        let (_, rest) = joined.split_once(r#""oldest":"#).unwrap();
        rest.split(',').next().unwrap().parse::<u64>().unwrap()
    };
    for (at, room) in ["cold", "warm", "hot"].into_iter().enumerate() {
        stage.arrange(&format!("@ {}\n bot> {{\"type\":\"join\",\"room\":\"{room}\"}}", at * 10));
        said(&mut stage, room, 2);
    }
    // Each costs some 220 bytes: six of them fit, and more do not.
    assert_eq!(["cold", "warm", "hot"].map(|room| oldest(&mut stage, room)), [1, 1, 1]);
    stage.arrange("@ 50");
    said(&mut stage, "hot", 2);
    let [cold, warm, hot] = ["cold", "warm", "hot"].map(|room| oldest(&mut stage, room));
    assert!(cold > 1 && (warm, hot) == (1, 1), "{cold} {warm} {hot}");
    stage.arrange("@ 60");
    said(&mut stage, "cold", 3);
    let [cold_now, warm, _] = ["cold", "warm", "hot"].map(|room| oldest(&mut stage, room));
    assert!(cold_now == cold && warm > 1, "what has been warmed is not cold any more: {cold_now} {warm}");
}

#[test]
fn a_message_that_is_too_large_to_be_remembered_is_said_all_the_same() {
    for settings in [
        Settings { history_bytes_max: 100, ..Settings::default() },
        Settings { history_bytes_total_max: 100, ..Settings::default() },
        Settings { history_messages_max: 0, ..Settings::default() },
    ] {
        play_with(
            settings,
            r#"
            here ann bob
            ann> one
            bob< [ann] one
            ann> two
            bob< [ann] two
            ann> and something longer, for which the first two, were they remembered, would have to give way
            all< ...
            ann> four
            all< ...
            - ann
            bob< * ann left
            - bob
            + ann
            ann< ...
            "#,
        );
    }
}
