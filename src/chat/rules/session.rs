//! The example that the protocol is explained by, from the first hello to the repeat after a drop.

use crate::chat::Settings;
use crate::chat::stage::Stage;

/// Eleven people, of whom bob has said 41 things in the lobby.
fn lobby() -> Stage {
    let mut stage = Stage::new(Settings::default());
    stage.play("here bob b c d e f g h i j k");
    for second in 1..=41 {
        stage.arrange(&format!("@ {second}000\n bob> morning"));
    }
    stage.arrange("@ 50000");
    stage
}

#[test]
fn a_session() {
    lobby().play(
        r#"
        +j ann
        ann> {"type":"hello","id":1,"name":"ann"}
        ann< {"type":"welcome","id":1,"version":1,"connection":"cc","name":"ann","secret":"{secret}","ack":"memory","ping_ms":25000,"limits":{"message_bytes":4096,"publish_per_second":10,"burst":20,"rooms":32,"history":100}}
        ann> {"type":"join","id":2,"room":"lobby","history":20}
        ann< {"type":"joined","id":2,"room":"lobby","epoch":"{epoch}","seq":41,"from":22,"count":20,"members":12}
        ann< {"type":"message","room":"lobby","seq":22,"name":"bob","at":1795000022000,"data":"morning"}
        ann< {"type":"message","room":"lobby","seq":23,"name":"bob","at":1795000023000,"data":"morning"}
        ann< ...
        bob< * ann joined
        all< ...
        +j bot
        bot> {"type":"join","id":1,"room":"lobby"}
        all< ...
        ann> {"type":"publish","id":7,"room":"lobby","key":"a9-7","data":"hi"}
        ann< {"type":"ok","id":7,"room":"lobby","seq":42,"at":1795000050000}
        bot< {"type":"message","room":"lobby","seq":42,"name":"ann","key":"a9-7","at":1795000050000,"data":"hi"}
        bob< [ann] hi
        all< ...
        ann> {"type":"publish","id":8,"room":"lobby","key":"a9-8","data":"still there?"}
        ann< {"type":"ok","id":8,"room":"lobby","seq":43,"at":1795000050000}
        all< ...
        - ann
        @ 60000
        all< ...
        bob> yes
        all< ...
        bob> are you?
        all< ...
        +j ann
        ann> {"type":"hello","id":1,"name":"ann"}
        ann< {"type":"welcome","id":1,"version":1,"connection":"ce","name":"ann"
        ann> {"type":"join","id":2,"room":"lobby","since":{"epoch":"{epoch}","seq":42}}
        ann< {"type":"joined","id":2,"room":"lobby","epoch":"{epoch}","seq":45,"resumed":true,"from":43,"count":3,"members":13}
        ann< {"type":"message","room":"lobby","seq":43,"name":"ann","key":"a9-8","at":1795000050000,"data":"still there?"}
        ann< {"type":"message","room":"lobby","seq":44,"name":"bob","at":1795000060000,"data":"yes"}
        ann< {"type":"message","room":"lobby","seq":45,"name":"bob","at":1795000060000,"data":"are you?"}
        all< ...
        ann> {"type":"publish","id":8,"room":"lobby","key":"a9-8","data":"still there?"}
        ann< {"type":"ok","id":8,"room":"lobby","seq":43,"at":1795000050000,"duplicate":true}
        "#,
    );
}
