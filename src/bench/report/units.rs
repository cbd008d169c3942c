//! Numbers as people read them: three digits that matter, and the unit that makes them short.
//!
//! ```text
//!     duration    0.80 µs   12.3 µs   123 µs   1.23 ms   12.3 s
//!     rate           5/s     1.23k/s  123k/s   1.23M/s
//!     bytes        512 B     1.50 KiB  64.2 MiB
//!     count      1,234,567                                        what is counted is shown to the last one
//! ```
//!
//! A unit is chosen for the number as it will be printed: 999.7 µs would be `1000 µs`, so it is `1.00 ms`.

/// A length of time, in microseconds.
pub fn duration(us: f64) -> String {
    scaled(us, &DURATIONS)
}

/// The unit in which the numbers of an axis stand, which goes from zero to so many microseconds.
pub fn duration_unit(us: f64) -> (f64, &'static str) {
    let unit = DURATIONS.iter().rev().find(|(factor, _)| us >= *factor).unwrap_or(&DURATIONS[0]);
    (unit.0, unit.1.trim_start())
}

/// So many a second.
pub fn rate(per_second: f64) -> String {
    scaled(per_second, &[(1.0, "/s"), (1e3, "k/s"), (1e6, "M/s"), (1e9, "G/s")])
}

/// A number of bytes.
pub fn bytes(bytes: f64) -> String {
    scaled(bytes, &[(1.0, " B"), (KIB, " KiB"), (KIB * KIB, " MiB"), (KIB * KIB * KIB, " GiB")])
}

/// A number of things, to the last one.
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A number of things with their name: `1 delivery`, `2 deliveries`.
pub fn things(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// A part of a whole.
pub fn share(part: f64) -> String {
    scaled(part * 100.0, &[(1.0, " %")])
}

const DURATIONS: [(f64, &str); 3] = [(1.0, " µs"), (1e3, " ms"), (1e6, " s")];

const KIB: f64 = 1024.0;

/// In the first unit in which the printed number is below the next one.
fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    let value = if value.is_finite() { value.max(0.0) } else { return "-".into() };
    for (at, (factor, unit)) in units.iter().enumerate() {
        let shown = three_digits(value / factor, at == 0);
        let next = units.get(at + 1).map_or(f64::INFINITY, |(next, _)| next / factor);
        if shown.parse().is_ok_and(|printed: f64| printed < next) {
            return shown + unit;
        }
    }
    unreachable!("the last unit has no next one")
}

/// `1.23`, `12.3` or `123`; whole numbers of whole things have no decimals.
fn three_digits(value: f64, whole_as_such: bool) -> String {
    if whole_as_such && value.fract() == 0.0 {
        return format!("{value:.0}");
    }
    let fits = |(decimals, below): (usize, f64)| {
        let shown = format!("{value:.decimals$}");
        shown.parse().is_ok_and(|printed: f64| printed < below).then_some(shown)
    };
    [(2, 10.0), (1, 100.0)].into_iter().find_map(fits).unwrap_or_else(|| format!("{value:.0}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_three_digits_and_the_unit_that_fits() {
        for (us, shown) in [
            (0.0, "0 µs"),
            (0.8, "0.80 µs"),
            (9.994, "9.99 µs"),
            (9.996, "10.0 µs"),
            (99.96, "100 µs"),
            (120.0, "120 µs"),
            (999.4, "999 µs"),
            (999.7, "1.00 ms"),
            (1000.0, "1.00 ms"),
            (12_345.0, "12.3 ms"),
            (999_400.0, "999 ms"),
            (999_600.0, "1.00 s"),
            (90_000_000.0, "90.0 s"),
            (3_600_000_000.0, "3600 s"),
        ] {
            assert_eq!(duration(us), shown, "{us}");
        }
    }

    #[test]
    fn rates_and_sizes_do_as_well() {
        assert_eq!(
            [0.0, 5.0, 0.5, 999.0, 1000.0, 1_234.0, 1_020_000.0, 2e10].map(rate),
            ["0/s", "5/s", "0.50/s", "999/s", "1.00k/s", "1.23k/s", "1.02M/s", "20.0G/s"]
        );
        assert_eq!(
            [0.0, 512.0, 1023.0, 1024.0, 1536.0, 1_048_166.0, 67_318_579.0].map(bytes),
            ["0 B", "512 B", "1023 B", "1.00 KiB", "1.50 KiB", "1.00 MiB", "64.2 MiB"]
        );
    }

    #[test]
    fn an_axis_has_the_unit_of_its_end() {
        assert_eq!(
            [0.5, 999.0, 1000.0, 5e6].map(duration_unit),
            [(1.0, "µs"), (1.0, "µs"), (1e3, "ms"), (1e6, "s")]
        );
    }

    #[test]
    fn what_is_counted_is_shown_to_the_last_one() {
        assert_eq!(
            [0, 999, 1000, 123_456, 1_234_567].map(count),
            ["0", "999", "1,000", "123,456", "1,234,567"]
        );
        assert_eq!([0, 1, 2].map(|number| things(number, "send", "sends")), ["0 sends", "1 send", "2 sends"]);
    }

    #[test]
    fn a_number_that_is_none_is_a_dash() {
        assert_eq!([f64::NAN, f64::INFINITY].map(duration), ["-", "-"]);
        assert_eq!([0.0, 0.431, 1.0].map(share), ["0 %", "43.1 %", "100 %"]);
    }
}
