//! Pages of messages, of members and of rooms.

use crate::chat::stage::{Stage, play, play_with};
use crate::chat::{Rate, Settings};
use crate::time::Millis;
use proptest::prelude::*;
use serde_json::Value;
use std::collections::BTreeSet;

/// Bot is in the room `dev`, where so many messages were said, of which it remembers the newest ten.
fn dev(messages: usize) -> Stage {
    let settings = Settings { history_messages_max: 10, publish: UNLIMITED, ..Settings::default() };
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
        publish: UNLIMITED,
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

const UNLIMITED: Rate = Rate { per_second: 0, burst: 1 };

/// Bot asks for page after page of a list, each of a length of its own, while others change it in between; what it was
/// told, in order.
fn pages(stage: &mut Stage, asked: &str, lens: &[usize], mut change: impl FnMut(&mut Stage)) -> Vec<String> {
    let (mut told, mut after) = (Vec::new(), String::new());
    for len in lens.iter().cycle() {
        stage.house.forget();
        stage.type_line("bot", &format!(r#"{{{asked}{after},"limit":{len}}}"#));
        let page = stage.take("bot").pop().expect("the answer is the last");
        let page: Value = serde_json::from_str(&page).unwrap();
        let items = page["names"].as_array().or(page["rooms"].as_array()).unwrap();
        told.extend(items.iter().map(|item| item["room"].as_str().or(item.as_str()).unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!(r#","after":"{next}""#);
        change(stage);
    }
    told
}

/// Those who stay are in it once, whatever they are called by then.
fn assert_listed_once(told: &[String], stayed: &BTreeSet<u8>) {
    for number in stayed {
        let of_it = told.iter().filter(|name| name[1..] == number.to_string());
        assert_eq!(of_it.count(), 1, "{number} in {told:?}");
    }
}

/// What somebody does in between.
#[derive(Clone, Copy, Debug)]
enum Step {
    ComeOrGo(u8),
    Rename(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![3 => (0..16u8).prop_map(Step::ComeOrGo), 1 => (0..16u8).prop_map(Step::Rename)];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #[test]
    fn whoever_stays_is_listed_once_whoever_else_comes_or_goes(
        before in prop::collection::vec(0..16u8, 0..30), steps in steps(), lens in prop::collection::vec(1..4usize, 1..4),
    ) {
        let mut stage = Stage::new(Settings { command: UNLIMITED, ..Settings::default() });
        stage.arrange("+j bot\n bot> {\"type\":\"join\",\"room\":\"lobby\"}");
        let mut here = BTreeSet::new();
        let take = |stage: &mut Stage, step, here: &mut BTreeSet<u8>| match step {
            Step::ComeOrGo(who) if here.remove(&who) => stage.arrange(&format!("- p{who}")),
            Step::ComeOrGo(who) => {
                here.insert(who);
                stage.arrange(&format!("+ p{who}\n p{who}> /name p{who}"));
            }
            Step::Rename(who) if here.contains(&who) => stage.arrange(&format!("p{who}> /name q{who}")),
            Step::Rename(_) => {}
        };
        before.into_iter().for_each(|who| take(&mut stage, Step::ComeOrGo(who), &mut here));
        let (mut stayed, mut steps) = (here.clone(), steps.into_iter());
        let told = pages(&mut stage, r#""type":"members","room":"lobby""#, &lens, |stage| {
            for step in steps.by_ref().take(4) {
                take(stage, step, &mut here);
                stayed.retain(|who| here.contains(who));
            }
        });
        assert_listed_once(&told, &stayed);
    }

    #[test]
    fn a_room_in_which_somebody_stays_is_listed_once_whatever_becomes_of_others(
        before in prop::collection::vec(0..16u8, 0..30),
        steps in prop::collection::vec(0..16u8, 0..60),
        lens in prop::collection::vec(1..4usize, 1..4),
    ) {
        // A room goes with its last member, and its place is the next one's.
        let mut stage = Stage::new(Settings { command: UNLIMITED, room_keep: Millis(0), ..Settings::default() });
        stage.arrange("+j bot");
        let mut there = BTreeSet::new();
        let mut time = 0;
        let mut take = |stage: &mut Stage, room: u8, there: &mut BTreeSet<u8>| {
            let (kind, is_there) = if there.remove(&room) { ("leave", false) } else { ("join", true) };
            if is_there {
                there.insert(room);
            }
            time += 1;
            stage.arrange(&format!("bot> {{\"type\":\"{kind}\",\"room\":\"r{room}\"}}\n @ {time}"));
        };
        before.into_iter().for_each(|room| take(&mut stage, room, &mut there));
        let (mut stayed, mut steps) = (there.clone(), steps.into_iter());
        let told = pages(&mut stage, r#""type":"rooms""#, &lens, |stage| {
            for room in steps.by_ref().take(4) {
                take(stage, room, &mut there);
                stayed.retain(|room| there.contains(room));
            }
        });
        assert_listed_once(&told, &stayed);
    }
}
