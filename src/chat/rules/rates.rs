//! So much, and no more.

use crate::chat::stage::{Stage, play_with};
use crate::chat::{Rate, Settings};

fn rated(publish: Rate) -> Settings {
    Settings { publish, command: Rate { per_second: 4, burst: 8 }, ..Settings::default() }
}

#[test]
fn a_burst_is_taken_and_then_the_rate() {
    play_with(
        rated(Rate { per_second: 2, burst: 3 }),
        r#"
        +j bot
        bot> {"type":"join","room":"dev"}
        bot< ...
        bot> {"type":"publish","id":1,"room":"dev","data":1}
        bot< {"type":"ok","id":1,"room":"dev","seq":1,"at":1795000000000}
        bot> {"type":"publish","id":2,"room":"dev","data":1}
        bot< {"type":"ok","id":2,"room":"dev","seq":2,"at":1795000000000}
        bot> {"type":"publish","id":3,"room":"dev","data":1}
        bot< {"type":"ok","id":3,"room":"dev","seq":3,"at":1795000000000}
        bot> {"type":"publish","id":4,"room":"dev","data":1}
        bot< {"type":"error","id":4,"code":"rate_limited","retry_ms":500,"reason":"too much in too short a time"}
        @ 200
        bot> {"type":"publish","id":5,"room":"dev","data":1}
        bot< {"type":"error","id":5,"code":"rate_limited","retry_ms":300,
        @ 500
        bot> {"type":"publish","id":6,"room":"dev","data":1}
        bot< {"type":"ok","id":6,"room":"dev","seq":4,"at":1795000000500}
        bot> {"type":"ping","id":7}
        bot< {"type":"pong","id":7,"at":1795000000500}
        "#,
    );
}

#[test]
fn commands_have_a_rate_of_their_own_and_nonsense_is_one() {
    play_with(
        rated(Rate { per_second: 2, burst: 3 }),
        r#"
        here ann
        ann> /ping
        ann< ...
        ann> /ping
        ann< ...
        ann> /ping
        ann< ...
        ann> /ping
        ann< ...
        ann> /ping
        ann< ...
        ann> /dance
        ann< * unknown command: /dance. /help lists the commands
        ann> /ping
        ann< ...
        ann> /ping
        ann< ...
        ann> /dance
        ann< * slow down: 0.3 s
        ann> /ping
        ann< * slow down: 0.3 s
        ann> said all the same
        "#,
    );
}

#[test]
fn a_rate_of_zero_is_no_limit() {
    let mut stage = Stage::new(rated(Rate { per_second: 0, burst: 1 }));
    stage.arrange("here ann bob");
    for number in 0..1000 {
        stage.play(&format!("ann> {number}\n bob< [ann] {number}"));
    }
}

/// How many of so many requests were answered otherwise than by a refusal, and whether the connection was ended.
fn flood(settings: Settings, request: &str, times: usize) -> (usize, bool) {
    let mut stage = Stage::new(settings);
    stage.arrange("+j bot\n bot> {\"type\":\"join\",\"room\":\"dev\"}\n @ 60000");
    let (mut taken, mut is_ended) = (0, false);
    for _ in 0..times {
        stage.type_line("bot", request);
        for line in stage.take("bot") {
            is_ended |= line == "(RateAbuse)";
            taken +=
                usize::from(line.starts_with(r#"{"type":"ok""#) || line.starts_with(r#"{"type":"pong""#));
        }
        if is_ended {
            break;
        }
    }
    (taken, is_ended)
}

#[test]
fn who_goes_on_at_ten_times_the_limit_is_ended() {
    let publish = r#"{"type":"publish","room":"dev","data":1}"#;
    let rate = Rate { per_second: 2, burst: 3 };
    assert_eq!(flood(rated(rate), publish, 30), (3, false), "ten bursts at once are refused, and borne");
    assert_eq!(flood(rated(rate), publish, 31), (3, true));
    let ping = r#"{"type":"ping"}"#;
    assert_eq!(flood(rated(rate), ping, 80), (8, false));
    assert_eq!(flood(rated(rate), ping, 81), (8, true));
    assert_eq!(flood(rated(rate), "nonsense", 81), (0, true));
}

#[test]
fn nobody_is_ended_for_what_is_allowed() {
    let mut stage = Stage::new(Settings {
        publish: Rate { per_second: 10, burst: 1 },
        command: Rate { per_second: 50, burst: 100 },
        ..Settings::default()
    });
    stage.arrange("+j bot\n bot> {\"type\":\"join\",\"room\":\"dev\"}\n @ 60000");
    for number in 0..100 {
        stage.play(&format!(
            "bot> {{\"type\":\"ping\",\"id\":{number}}}\n bot< {{\"type\":\"pong\",\"id\":{number},"
        ));
    }
    stage.play(
        r#"
        bot> {"type":"publish","id":1,"room":"dev","data":1}
        bot< {"type":"ok","id":1,
        "#,
    );
}

#[test]
fn what_is_said_to_one_is_rated_like_what_is_said_to_many() {
    play_with(
        rated(Rate { per_second: 2, burst: 1 }),
        r#"
        here ann
        +j bot
        bot> {"type":"direct","id":1,"to":"ann","data":1}
        bot< {"type":"welcome",
        bot< {"type":"ok","id":1}
        ann< [guest-2 -> you] 1
        bot> {"type":"direct","id":2,"to":"ann","data":2}
        bot< {"type":"error","id":2,"code":"rate_limited","retry_ms":500,
        "#,
    );
}

#[test]
fn a_message_of_just_the_limit_is_taken_and_its_quotes_do_not_count() {
    play_with(
        Settings { message_bytes_max: 4, ..Settings::default() },
        r#"
        +j bot
        bot> {"type":"join","room":"dev"}
        bot< ...
        bot> {"type":"publish","id":1,"room":"dev","data":"1234"}
        bot< {"type":"ok","id":1,
        bot> {"type":"publish","id":2,"room":"dev","data":"12345"}
        bot< {"type":"error","id":2,"code":"too_big","reason":"a message has at most 4 bytes"}
        bot> {"type":"publish","id":3,"room":"dev","data":[12]}
        bot< {"type":"ok","id":3,
        bot> {"type":"publish","id":4,"room":"dev","data":[123]}
        bot< {"type":"error","id":4,"code":"too_big",
        bot> {"type":"publish","id":5,"room":"dev","data":"\u0041"}
        bot< {"type":"error","id":5,"code":"too_big",
        "#,
    );
}
