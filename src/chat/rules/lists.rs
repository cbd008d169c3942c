//! Pages of messages, of members and of rooms.

use crate::chat::stage::{Stage, play, play_with};
use crate::chat::{Rate, Settings};

/// Bot is in the room `dev`, where so many messages were said, of which it remembers the newest ten.
fn dev(messages: usize) -> Stage {
    let settings = Settings {
        history_messages_max: 10,
        publish: Rate { per_second: 0, burst: 1 },
        ..Settings::default()
    };
    let mut stage = Stage::new(settings);
    stage.arrange("+j bot\n bot> {\"type\":\"join\",\"room\":\"dev\"}");
    for number in 1..=messages {
        stage.arrange(&format!(r#"bot> {{"type":"publish","room":"dev","data":{number}}}"#));
    }
    stage
}

/// The numbers of the messages in a page that is asked for like this, and whether there are more.
fn page(stage: &mut Stage, asked: &str) -> (Vec<u64>, bool) {
    stage.type_line("bot", &format!(r#"{{"type":"history","id":1,"room":"dev"{asked}}}"#));
    let page = stage.take("bot").remove(0);
    assert!(page.starts_with(r#"{"type":"history","id":1,"room":"dev","epoch":""#), "{page}");
    let seqs = page.split(r#""seq":"#).skip(1).map(|rest| rest.split(',').next().unwrap().parse().unwrap());
    (seqs.collect(), page.ends_with(r#""more":true}"#))
}

#[test]
fn a_page_of_messages() {
    dev(2).play(
        r#"
        bot> {"type":"history","id":1,"room":"dev"}
        bot< {"type":"history","id":1,"room":"dev","epoch":"{epoch}","messages":[{"type":"message","room":"dev","seq":1,"name":"guest-1","at":1795000000000,"data":1},{"type":"message","room":"dev","seq":2,"name":"guest-1","at":1795000000000,"data":2}],"more":false}
        "#,
    );
    let mut stage = dev(0);
    assert_eq!(page(&mut stage, ""), (vec![], false));
    assert_eq!(page(&mut stage, r#","after":0"#), (vec![], false));
    assert_eq!(page(&mut stage, r#","before":1"#), (vec![], false));
}

#[test]
fn pages_of_messages_ascend_and_their_ends_are_exclusive() {
    let mut stage = dev(15);
    for (asked, seqs, more) in [
        ("", (6..=15).collect::<Vec<_>>(), false),
        (r#","limit":3"#, vec![13, 14, 15], true),
        (r#","limit":10"#, (6..=15).collect(), false),
        (r#","limit":0"#, vec![], true),
        (r#","before":13,"limit":3"#, vec![10, 11, 12], true),
        (r#","before":9"#, vec![6, 7, 8], false),
        (r#","before":9,"limit":3"#, vec![6, 7, 8], false),
        (r#","before":6"#, vec![], false),
        (r#","before":0"#, vec![], false),
        (r#","before":99,"limit":1"#, vec![15], true),
        (r#","after":12"#, vec![13, 14, 15], false),
        (r#","after":12,"limit":2"#, vec![13, 14], true),
        (r#","after":12,"limit":3"#, vec![13, 14, 15], false),
        // From here on they are forgotten; what is left is what follows.
        (r#","after":5,"limit":2"#, vec![6, 7], true),
        (r#","after":0,"limit":2"#, vec![6, 7], true),
        (r#","after":15"#, vec![], false),
        (r#","after":16"#, vec![], false),
        (r#","after":18446744073709551615"#, vec![], false),
        (r#","after":99999999999999999999999"#, vec![], false),
        (r#","before":18446744073709551615,"limit":1"#, vec![15], true),
    ] {
        assert_eq!(page(&mut stage, asked), (seqs, more), "{asked}");
    }
    stage.play(
        r#"
        bot> {"type":"history","id":1,"room":"dev","before":9,"after":3}
        bot< {"type":"error","id":1,"code":"bad_request","reason":"`before` and `after` are both given"}
        "#,
    );
}

#[test]
fn a_page_is_at_most_so_many_messages_and_so_many_bytes_but_never_none() {
    let settings = Settings {
        history_messages_max: 2000,
        list_len_max: 5,
        message_bytes_max: 100_000,
        publish: Rate { per_second: 0, burst: 1 },
        ..Settings::default()
    };
    let mut stage = Stage::new(settings);
    stage.arrange("+j bot\n bot> {\"type\":\"join\",\"room\":\"dev\"}");
    for len in [10, 90_000, 10, 40_000, 20_000, 10_000, 10, 10, 10, 10] {
        let data = "x".repeat(len);
        stage.arrange(&format!(r#"bot> {{"type":"publish","room":"dev","data":"{data}"}}"#));
    }
    for (asked, seqs, more) in [
        (r#","limit":1000"#, vec![6, 7, 8, 9, 10], true),
        (r#","before":9,"limit":5"#, vec![5, 6, 7, 8], true),
        (r#","before":3"#, vec![2], true),
        (r#","after":1"#, vec![2], true),
        (r#","after":2"#, vec![3, 4, 5], true),
        (r#","before":2"#, vec![1], false),
    ] {
        assert_eq!(page(&mut stage, asked), (seqs, more), "{asked}");
    }
}

#[test]
fn pages_of_members() {
    play_with(
        Settings { list_len: 2, list_len_max: 3, ..Settings::default() },
        r#"
        here ann bob cyn dan
        +j bot
        bot> {"type":"join","room":"lobby"}
        all< ...
        bot> {"type":"members","id":1,"room":"lobby"}
        bot< {"type":"members","id":1,"room":"lobby","count":5,"names":["ann","bob"],"next":"2"}
        bot> {"type":"members","id":2,"room":"lobby","after":"2"}
        bot< {"type":"members","id":2,"room":"lobby","count":5,"names":["cyn","dan"],"next":"4"}
        bot> {"type":"members","id":3,"room":"lobby","after":"4"}
        bot< {"type":"members","id":3,"room":"lobby","count":5,"names":["guest-5"]}
        bot> {"type":"members","id":4,"room":"lobby","limit":100}
        bot< {"type":"members","id":4,"room":"lobby","count":5,"names":["ann","bob","cyn"],"next":"3"}
        bot> {"type":"members","id":5,"room":"lobby","after":"99"}
        bot< {"type":"members","id":5,"room":"lobby","count":5,"names":[]}
        bot> {"type":"members","id":6,"room":"lobby","after":"bob"}
        bot< {"type":"error","id":6,"code":"bad_request","reason":"`after` is not what `next` was"}
        "#,
    );
}

#[test]
fn pages_of_rooms_are_of_those_in_which_somebody_is() {
    play_with(
        Settings { list_len: 2, ..Settings::default() },
        r#"
        +j bot
        bot> {"type":"rooms","id":1}
        bot< {"type":"welcome",
        bot< {"type":"rooms","id":1,"rooms":[]}
        bot> {"type":"join","room":"a"}
        bot< ...
        bot> {"type":"join","room":"b"}
        bot< ...
        bot> {"type":"join","room":"c"}
        bot< ...
        bot> {"type":"join","room":"d"}
        bot< ...
        bot> {"type":"leave","room":"b"}
        bot< ...
        bot> {"type":"rooms","id":2}
        bot< {"type":"rooms","id":2,"rooms":[{"room":"a","members":1},{"room":"c","members":1}],"next":"3"}
        bot> {"type":"rooms","id":3,"after":"3"}
        bot< {"type":"rooms","id":3,"rooms":[{"room":"d","members":1}]}
        bot> {"type":"rooms","id":4,"after":"99999999999"}
        bot< {"type":"rooms","id":4,"rooms":[]}
        bot> {"type":"rooms","id":5,"limit":0}
        bot< {"type":"rooms","id":5,"rooms":[],"next":"0"}
        bot> {"type":"rooms","id":6,"after":"a"}
        bot< {"type":"error","id":6,"code":"bad_request",
        "#,
    );
}

#[test]
fn the_position_of_a_page_is_the_rooms() {
    play(
        r#"
        +j bot
        bot> {"type":"join","room":"dev"}
        bot< ...
        bot> {"type":"publish","room":"dev","data":{"a": [1, null]}}
        bot< ...
        bot> {"type":"history","id":1,"room":"dev","after":0}
        bot< {"type":"history","id":1,"room":"dev","epoch":"{epoch:dev}","messages":[{"type":"message","room":"dev","seq":1,"name":"guest-1","at":1795000000000,"data":{"a": [1, null]}}],"more":false}
        "#,
    );
}
