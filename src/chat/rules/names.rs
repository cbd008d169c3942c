//! Hello, rename, taking a name back, and saying something to one.

use crate::chat::Settings;
use crate::chat::stage::{play, play_with};

#[test]
fn whoever_speaks_before_hello_is_welcomed_first() {
    play(
        r#"
        +j bot
        bot> {"type":"ping","id":1}
        bot< {"type":"welcome","version":1,"connection":"c1","name":"guest-1","secret":"{secret}",
        bot< {"type":"pong","id":1,"at":1795000000000}
        bot> {"type":"hello","id":2,"name":"bot"}
        bot< {"type":"error","id":2,"code":"bad_request","reason":"you have been welcomed; `rename` changes the name"}
        "#,
    );
}

#[test]
fn a_hello_without_a_name_is_a_guests() {
    play(
        r#"
        +j bot
        bot> {"type":"hello","id":1}
        bot< {"type":"welcome","id":1,"version":1,"connection":"c1","name":"guest-1",
        "#,
    );
}

#[test]
fn a_refused_hello_may_be_tried_again_and_one_after_the_welcome_may_not() {
    play(
        r#"
        here ann
        +j bot
        bot> {"type":"hello","id":1,"name":"Ann"}
        bot< {"type":"error","id":1,"code":"name_taken",
        bot> {"type":"hello","id":2,"name":" bot"}
        bot< {"type":"error","id":2,"code":"bad_name",
        bot> {"type":"hello","id":3,"name":"guest-77"}
        bot< {"type":"error","id":3,"code":"name_taken",
        bot> {"type":"hello","id":4,"name":7}
        bot< {"type":"error","id":4,"code":"bad_request",
        bot> {"type":"hello","id":5,"name":"bot"}
        bot< {"type":"welcome","id":5,"version":1,"connection":"c2","name":"bot",
        bot> {"type":"hello","id":6,"name":"bot"}
        bot< {"type":"error","id":6,"code":"bad_request",
        bot> {"type":"rename","id":7,"name":"bob"}
        bot< {"type":"ok","id":7}
        "#,
    );
}

#[test]
fn what_is_broken_is_answered_and_nobody_is_welcomed_for_it() {
    play(
        r#"
        +j bot
        bot> {"type":"dance","id":1}
        bot< {"type":"error","id":1,"code":"unknown_type",
        bot> {"type":"hello","id":2,
        bot< {"type":"error","id":2,"code":"bad_request",
        bot> hello?
        bot< {"type":"error","code":"bad_request",
        bot> {"type":"publish","id":3,"room":"lobby","data":"\ud800"}
        bot< {"type":"error","id":3,"code":"bad_request","reason":"a string holds one half of a surrogate pair"}
        bot> {"type":"hello","id":4,"name":"bot"}
        bot< {"type":"welcome","id":4,"version":1,"connection":"c1","name":"bot",
        "#,
    );
}

#[test]
fn a_name_is_taken_over_with_its_secret() {
    play(
        r#"
        here bob
        +j ann
        ann> {"type":"hello","name":"ann"}
        ann< ...
        ann> {"type":"join","room":"lobby"}
        all< ...
        ann> {"type":"join","room":"dev"}
        all< ...
        ann> {"type":"publish","room":"lobby","key":"k","data":"hi"}
        all< ...
        @ 5000
        +j again
        again> {"type":"hello","id":1,"name":"ann"}
        again< {"type":"error","id":1,"code":"name_taken",
        again> {"type":"hello","id":2,"name":"ann","secret":"{secret:ann}x"}
        again< {"type":"error","id":2,"code":"name_taken",
        again> {"type":"hello","id":3,"name":"bob","secret":"{secret:ann}"}
        again< {"type":"error","id":3,"code":"name_taken",
        again> {"type":"hello","id":4,"name":"ANN","secret":"{secret:ann}"}
        ann< (Replaced)
        bob< * ann left
        again< {"type":"welcome","id":4,"version":1,"connection":"c3","name":"ANN","secret":"{secret:again}",
        again> {"type":"join","id":5,"room":"lobby"}
        again< {"type":"joined","id":5,"room":"lobby","epoch":"{epoch}","seq":1,"from":2,"count":0,"members":2}
        again> {"type":"publish","id":6,"room":"lobby","key":"k","data":"hi"}
        again< {"type":"ok","id":6,"room":"lobby","seq":1,"at":1795000000000,"duplicate":true}
        ann> {"type":"ping","id":1}
        - ann
        @ 6000
        bob< * ANN joined
        again> {"type":"rooms","id":7}
        again< {"type":"rooms","id":7,"rooms":[{"room":"lobby","members":2}]}
        "#,
    );
}

#[test]
fn a_second_drop_before_the_welcome_is_read_does_not_lock_anybody_out_of_its_name() {
    play(
        r#"
        +j a
        a> {"type":"hello","name":"ann"}
        a< ...
        +j b
        b> {"type":"hello","name":"ann","secret":"{secret:a}"}
        a< (Replaced)
        b< {"type":"welcome","version":1,"connection":"c2","name":"ann","secret":"{secret:b}",
        +j c
        c> {"type":"hello","id":1,"name":"ann","secret":"{secret:a}"}
        b< (Replaced)
        c< {"type":"welcome","id":1,
        - b
        +j d
        d> {"type":"hello","id":2,"name":"ann","secret":"{secret:b}"}
        c< (Replaced)
        d< {"type":"welcome","id":2,
        "#,
    );
}

#[test]
fn a_name_that_a_stranger_has_taken_anew_is_not_taken_over_with_the_old_secret() {
    play(
        r#"
        +j a
        a> {"type":"hello","name":"ann"}
        a< ...
        +j b
        b> {"type":"hello","name":"ann","secret":"{secret:a}"}
        a< (Replaced)
        b< ...
        b> {"type":"rename","name":"bob"}
        b< ...
        +j stranger
        stranger> {"type":"hello","name":"ann"}
        stranger< ...
        +j c
        c> {"type":"hello","id":1,"name":"ann","secret":"{secret:a}"}
        c< {"type":"error","id":1,"code":"name_taken",
        - stranger
        +j other
        other> {"type":"hello"}
        other< ...
        other> {"type":"rename","name":"ann"}
        other< ...
        c> {"type":"hello","id":2,"name":"ann","secret":"{secret:a}"}
        c< {"type":"error","id":2,"code":"name_taken",
        c> {"type":"hello","id":3,"name":"bob","secret":"{secret:a}"}
        b< (Replaced)
        c< {"type":"welcome","id":3,
        "#,
    );
}

#[test]
fn a_name_that_was_chosen_later_is_taken_over_with_the_same_secret() {
    play(
        r#"
        +j a
        a> {"type":"hello"}
        a< ...
        a> {"type":"rename","name":"ann"}
        a< ...
        +j b
        b> {"type":"hello","id":1,"name":"ann","secret":"{secret:a}"}
        a< (Replaced)
        b< {"type":"welcome","id":1,"version":1,"connection":"c2","name":"ann",
        "#,
    );
}

#[test]
fn a_guest_finds_its_name_too() {
    play(
        r#"
        +j a
        a> {"type":"hello"}
        a< ...
        a> {"type":"join","room":"dev"}
        a< ...
        a> {"type":"publish","room":"dev","key":"k","data":"hi"}
        a< ...
        +j b
        b> {"type":"hello","id":1,"name":"guest-1","secret":"{secret:a}"}
        a< (Replaced)
        b< {"type":"welcome","id":1,"version":1,"connection":"c2","name":"guest-1",
        b> {"type":"join","room":"dev"}
        b< ...
        b> {"type":"publish","id":2,"room":"dev","key":"k","data":"hi"}
        b< {"type":"ok","id":2,"room":"dev","seq":1,"at":1795000000000,"duplicate":true}
        "#,
    );
}

#[test]
fn a_guest_finds_its_name_also_when_its_loss_is_known() {
    play(
        r#"
        +j a
        a> {"type":"hello"}
        a< ...
        - a
        +j b
        b> {"type":"hello","id":1,"name":"guest-1"}
        b< {"type":"error","id":1,"code":"name_taken",
        b> {"type":"hello","id":2,"name":"Guest-1","secret":"{secret:a}"}
        b< {"type":"welcome","id":2,"version":1,"connection":"c2","name":"Guest-1",
        - b
        +j c
        c> {"type":"hello","id":3,"name":"guest-1","secret":"{secret:b}"}
        c< {"type":"welcome","id":3,"version":1,"connection":"c3","name":"guest-1",
        - c
        +j d
        d> {"type":"hello","id":3,"name":"guest-01","secret":"{secret:a}"}
        d< {"type":"error","id":3,"code":"name_taken",
        d> {"type":"hello","id":4,"name":"guest-2","secret":"{secret:a}"}
        d< {"type":"error","id":4,"code":"name_taken",
        d> {"type":"hello","id":5}
        d< {"type":"welcome","id":5,"version":1,"connection":"c4","name":"guest-4",
        "#,
    );
}

#[test]
fn a_new_name_is_told_to_all_ones_rooms() {
    play(
        r#"
        here ann
        +j bot
        bot> {"type":"join","room":"lobby"}
        all< ...
        bot> {"type":"join","room":"dev"}
        all< ...
        +j other
        other> {"type":"join","room":"dev"}
        all< ...
        @ 5000
        bot> {"type":"rename","id":1,"name":"ANN"}
        bot< {"type":"error","id":1,"code":"name_taken",
        bot> {"type":"rename","id":2,"name":"bot"}
        bot< {"type":"ok","id":2}
        ann< * guest-2 is now bot
        other< {"type":"presence","room":"dev","joined":["bot"],"left":["guest-2"],"renamed":[{"from":"guest-2","to":"bot"}],"members":2}
        bot> {"type":"publish","id":3,"room":"dev","data":1}
        bot< {"type":"ok","id":3,
        other< {"type":"message","room":"dev","seq":1,"name":"bot",
        "#,
    );
}

#[test]
fn something_is_said_to_one() {
    play(
        r#"
        here ann
        +j bot
        bot> {"type":"hello","name":"bot"}
        bot< ...
        bot> {"type":"direct","id":1,"to":"ANN","data":"hi\nthere"}
        bot< {"type":"ok","id":1}
        ann< [bot -> you] hi\nthere
        ann> /msg bot hi back
        bot< {"type":"direct","name":"ann","at":1795000000000,"data":"hi back"}
        bot> {"type":"direct","id":2,"to":"nobody","data":1}
        bot< {"type":"error","id":2,"code":"no_such_name",
        bot> {"type":"direct","id":3,"to":"bot","data":[1, 2]}
        bot< {"type":"direct","name":"bot","at":1795000000000,"data":[1, 2]}
        bot< {"type":"ok","id":3}
        "#,
    );
    play(
        r#"
        here ann bob
        ann sleeps
        bob> /msg ann one
        bob> /msg ann two
        bob> /msg ann three
        bob< * busy: too much waits for them already, try again in 1 s
        +j bot
        bot> {"type":"direct","id":1,"to":"ann","data":1}
        bot< {"type":"welcome",
        bot< {"type":"error","id":1,"code":"busy","retry_ms":1000,"reason":"too much waits for them already"}
        ann wakes
        ann< [bob -> you] one
        ann< [bob -> you] two
        "#,
    );
    play_with(
        Settings { message_bytes_max: 2, ..Settings::default() },
        r#"
        here ann
        +j bot
        bot> {"type":"direct","id":1,"to":"ann","data":"hey"}
        bot< {"type":"welcome",
        bot< {"type":"error","id":1,"code":"too_big","reason":"a message has at most 2 bytes"}
        bot> {"type":"direct","id":2,"to":"ann","data":"hi"}
        bot< {"type":"ok","id":2}
        ann< [guest-2 -> you] hi
        "#,
    );
}

#[test]
fn a_name_that_looks_like_anothers_is_taken_until_that_one_has_gone() {
    play(
        r#"
        here paypal Наташа
        +j bot
        bot> {"type":"hello","id":1,"name":"pаypаl"}
        bot< {"type":"error","id":1,"code":"name_taken","reason":"somebody else has a name that looks like this one"}
        bot> {"type":"hello","id":2,"name":"gսest-7"}
        bot< {"type":"error","id":2,"code":"name_taken","reason":"only the server gives names like guest-1"}
        bot> {"type":"hello","id":3,"name":"* lobby"}
        bot< {"type":"error","id":3,"code":"bad_name","reason":"a name does not begin with `*`, `#`, `@` or `/`"}
        bot> {"type":"hello","id":4,"name":"bob] I agree [x"}
        bot< {"type":"error","id":4,"code":"bad_name","reason":"a name has no `[`, `]` or `->`, and nothing that looks like them"}
        bot> {"type":"hello","id":5,"name":"bot"}
        bot< ...
        paypal> /name Hаташа
        paypal< * name taken: somebody else has a name that looks like Hаташа
        paypal> /name рaypal
        paypal< * you are рaypal
        Наташа< * paypal is now рaypal
        bot> {"type":"rename","id":6,"name":"PayPal"}
        bot< {"type":"error","id":6,"code":"name_taken","reason":"somebody else has a name that looks like this one"}
        - paypal
        @ 5000
        Наташа< * рaypal left
        bot> {"type":"rename","id":7,"name":"PayPal"}
        bot< {"type":"ok","id":7}
        "#,
    );
}

#[test]
fn a_message_to_one_finds_the_nickname_and_no_look_alike() {
    play(
        r#"
        here René
        +j bot
        bot> {"type":"hello","name":"paypal"}
        bot< ...
        bot> {"type":"direct","id":1,"to":"RENE\u0301","data":"hi"}
        bot< {"type":"ok","id":1}
        René< [paypal -> you] hi
        René> /msg pаypаl hi
        René< * no such name: pаypаl
        "#,
    );
}

#[test]
fn a_name_is_taken_back_under_another_spelling_of_it() {
    play(
        r#"
        +j a
        a> {"type":"hello","name":"René"}
        a< ...
        +j b
        b> {"type":"hello","id":1,"name":"rene\u0301"}
        b< {"type":"error","id":1,"code":"name_taken","reason":"somebody else has this name"}
        b> {"type":"hello","id":2,"name":"Rеné","secret":"{secret:a}"}
        b< {"type":"error","id":2,"code":"name_taken","reason":"somebody else has a name that looks like this one"}
        b> {"type":"hello","id":3,"name":"rene\u0301","secret":"{secret:a}"}
        a< (Replaced)
        b< {"type":"welcome","id":3,
        "#,
    );
}
