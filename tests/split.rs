//! However a read cuts the bytes, the same is heard: every vector, cut at every byte.

mod support;

use support::vectors::{self, Vector};
use support::{Heard, all_errors, hear_cut_by};

fn hears(vector: &Vector, cuts: &[usize]) -> Vec<String> {
    let heard = hear_cut_by(vector.connection(), &vector.bytes, cuts);
    heard.iter().map(Heard::to_string).collect()
}

/// Where to cut: everywhere; in a long vector, only near the ends and now and then.
fn places(vector: &Vector) -> impl Iterator<Item = usize> + use<> {
    let len = vector.bytes.len();
    let step = if len < 1000 { 1 } else { 1009 };
    (0..len.min(300)).chain((300..len).step_by(step)).chain(len.saturating_sub(20)..len)
}

#[test]
fn every_vector_is_heard_as_it_says() {
    let all = vectors::all();
    assert!(all.len() > 30);
    for vector in all {
        assert_eq!(hears(&vector, &[]), vector.hears, "{}", vector.name);
    }
}

#[test]
fn every_vector_is_heard_alike_cut_in_two_at_every_byte() {
    for vector in vectors::all() {
        for at in places(&vector) {
            assert_eq!(hears(&vector, &[at]), vector.hears, "{} cut at {at}", vector.name);
        }
    }
}

#[test]
fn every_vector_is_heard_alike_byte_by_byte() {
    for vector in vectors::all() {
        let cuts: Vec<usize> = (0..vector.bytes.len()).collect();
        assert_eq!(hears(&vector, &cuts), vector.hears, "{}", vector.name);
    }
}

#[test]
fn every_short_vector_is_heard_alike_cut_in_three() {
    for vector in vectors::all().iter().filter(|vector| vector.bytes.len() < 50) {
        for first in 0..vector.bytes.len() {
            for second in first..vector.bytes.len() {
                let name = &vector.name;
                assert_eq!(
                    hears(vector, &[first, second]),
                    vector.hears,
                    "{name} cut at {first} and {second}"
                );
            }
        }
    }
}

#[test]
fn every_error_has_a_vector() {
    let all = vectors::all();
    for error in all_errors() {
        // Of those that hold a value, the kind counts.
        let kind = format!("Error {error:?}");
        let kind = kind.split('(').next().expect("split gives one at least");
        let named = all.iter().any(|vector| vector.hears.iter().any(|heard| heard.starts_with(kind)));
        assert!(named, "no vector hears {kind}");
    }
}
