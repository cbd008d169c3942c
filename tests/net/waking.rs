//! When the loop sleeps, and what wakes it.

use crate::recorder::{Loop, PATIENCE};
use chinwag::time::Millis;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

#[test]
fn the_loop_sleeps_until_the_deadline_and_not_longer() {
    let mut turning = Loop::new();
    let due = turning.reactor.now() + Millis(80);
    turning.recorder.deadline = Some(due);
    turning.until("the deadline", |recorder| recorder.timers_at.iter().any(|&at| at >= due));
    let turns = turning.recorder.timers_at.len();
    // A poll is told whole milliseconds, and may end within the one in which it began.
    assert!(turns <= 3, "{turns} turns for one deadline");
}

#[test]
fn a_handler_with_work_left_is_not_kept_waiting() {
    let mut turning = Loop::new();
    turning.recorder.has_more_work = true;
    assert!(turning.sleeps_less_than(Millis(PATIENCE.as_millis() as u64)));
    turning.recorder.has_more_work = false;
    assert!(!turning.sleeps_less_than(Millis(50)));
}

#[test]
fn a_descriptor_that_is_none_of_its_sockets_may_wake_it() {
    let mut turning = Loop::new();
    let (ours, mut theirs) = UnixStream::pair().expect("a pair");
    turning.reactor.wake_on(&ours).expect("it can be registered");
    turning.recorder.deadline = Some(turning.reactor.now() + Millis(PATIENCE.as_millis() as u64));
    for _ in 0..2 {
        theirs.write_all(b"x").expect("the pair stands");
        assert!(turning.sleeps_less_than(Millis(PATIENCE.as_millis() as u64 / 2)));
    }
    assert!(turning.recorder.connected.is_empty() && turning.recorder.count() == 0);
}

#[test]
fn mail_wakes_the_loop_and_comes_in_order() {
    let mut turning = Loop::new();
    let post = turning.reactor.post();
    let began = Instant::now();
    let sender = std::thread::spawn(move || (0..100).try_for_each(|mail| post.send(mail)));
    turning.until("all mail", |recorder| recorder.mails.len() == 100);
    assert_eq!(turning.recorder.mails, (0..100).collect::<Vec<u32>>());
    assert_eq!(sender.join().expect("it has not panicked"), Ok(()));
    assert!(began.elapsed() < PATIENCE - Duration::from_secs(1), "it was woken, and did not just wake");
}

#[test]
fn an_inbox_that_is_full_gives_mail_back_and_one_that_is_gone_too() {
    let mut turning = Loop::new();
    let post = turning.reactor.post();
    let sent = (0..10_000).take_while(|&mail| post.send(mail).is_ok()).count();
    assert!((100..10_000).contains(&sent), "{sent} letters fit into an inbox that nobody empties");
    turning.until("the mail", |recorder| recorder.mails.len() == sent);
    assert_eq!(post.send(1), Ok(()), "there is room again");
    drop(turning);
    assert_eq!(post.send(7), Err(7));
}

#[test]
fn the_clock_does_not_move_within_a_turn_and_never_goes_back() {
    let mut turning = Loop::new();
    turning.recorder.has_more_work = true;
    (0..100).for_each(|_| turning.turn());
    assert!(turning.recorder.timers_at.is_sorted());
}
