//! Whatever is published and acked is seen once and in order, wherever the cable is cut.

use crate::seeds::{self, Random};
use crate::world::{World, at};
use chinwag::chat::{self, Rate};
use chinwag::client::Status;

const URLS: [&str; 2] = ["ws://chat/ws", "tcp://chat"];
const ROOMS: [&str; 2] = ["lobby", "dev"];

fn settings(random: &mut Random) -> chat::Settings {
    chat::Settings {
        // With a limit and without.
        publish: Rate { per_second: if random.one_in(2) { 10 } else { 0 }, burst: 20 },
        history_messages_max: 100_000,
        history_bytes_max: 1 << 30,
        ..chat::Settings::default()
    }
}

/// Three people talk in two rooms and are cut off over and over; a fourth only listens, and is not.
fn run(seed: u64) -> usize {
    let mut random = Random::new(seed);
    let settings = settings(&mut random);
    let mut world = World::new(seed ^ 0xC1, settings);
    let witness = world.add(at("ws://chat/ws", Some("witness")));
    for room in ROOMS {
        world.people[witness].session.join(world.now, room, 0);
    }
    world.settle();
    let mut said: Vec<Vec<Vec<String>>> = Vec::new();
    for (who, name) in ["ann", "bob", "cyn"].into_iter().enumerate() {
        let index = world.add(at(URLS[random.below(2)], (who > 0).then_some(name)));
        for room in ROOMS {
            world.people[index].session.join(world.now, room, 5);
        }
        said.push(vec![Vec::new(); ROOMS.len()]);
    }
    world.is_choppy = true;
    let mut cuts = 0;
    for _ in 0..random.below(150) + 50 {
        let who = random.below(3);
        match random.below(6) {
            0 | 1 => {
                let room = random.below(ROOMS.len());
                let text = format!("{who}-{}", said[who][room].len());
                world.say(who + 1, ROOMS[room], &text);
                said[who][room].push(text);
            }
            2 => {
                world.cut(who + 1, random.below(400), random.below(400));
                cuts += 1;
            }
            3 => world.pass(random.below(1000) as u64),
            _ => world.step(),
        }
    }
    world.is_choppy = false;
    world.pass(600_000);
    let own = |line: &&String| !line.starts_with('(');
    for (index, room) in ROOMS.iter().enumerate() {
        let heard = world.people[witness].heard(room);
        assert!(heard.iter().all(|line| !line.starts_with('(')), "{heard:?}");
        let texts: Vec<&str> = heard.iter().filter_map(|line| line.split_once(": ")).map(|it| it.1).collect();
        for (who, said) in said.iter().enumerate() {
            let of_theirs: Vec<&str> =
                texts.iter().copied().filter(|text| text.starts_with(&format!("{who}-"))).collect();
            assert_eq!(of_theirs, said[index], "{room} has what {who} said, once and in order");
        }
        // Everybody who talked has seen the same, in the same order; their own lines in their places.
        for person in &world.people[1..] {
            let theirs = person.heard(room);
            assert!(!theirs.iter().any(|line| line.contains(" to ")), "{theirs:?}");
            let all: Vec<&String> = heard[heard.len() - theirs.len()..].iter().collect();
            for (mine, witnessed) in theirs.iter().zip(all) {
                assert!(mine == "(own)" || mine == witnessed, "{mine} for {witnessed}");
            }
            assert_eq!(
                theirs.iter().filter(own).count() + theirs.iter().filter(|line| *line == "(own)").count(),
                theirs.len()
            );
        }
    }
    for (who, said) in said.iter().enumerate() {
        let person = &world.people[who + 1];
        assert_eq!((person.session.status(), person.session.is_settled()), (Status::Online, true));
        let mut settled = person.settled();
        settled.sort_unstable();
        let all: Vec<u64> = (0..said.iter().map(Vec::len).sum::<usize>() as u64).collect();
        assert_eq!(settled, all, "each line of {who} has found its place once");
    }
    cuts
}

#[test]
fn whatever_is_said_is_in_its_room_once_and_in_order() {
    if let Some(seed) = seeds::chosen() {
        println!("{} cuts", run(seed));
        return;
    }
    let cuts: usize = seeds::each(300, run).iter().sum();
    assert!(cuts > 1000, "only {cuts} cuts prove little");
}
