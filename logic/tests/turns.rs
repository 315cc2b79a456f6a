//! Who is asked to make place.

use logic::turns::{AtWork, TURN, to_ask};
use std::time::Duration;

fn at_work(turns: u32, asked: Option<Duration>) -> AtWork {
    AtWork {
        elapsed: TURN * turns,
        helps: false,
        asked,
    }
}

#[test]
fn nobody_is_asked_where_nobody_waits() {
    assert_eq!(to_ask(0, &[at_work(100, None)]), []);
}

#[test]
fn as_many_are_asked_as_wait_and_first_who_was_at_work_for_longest() {
    let all = [at_work(2, None), at_work(4, None), at_work(3, None)];
    assert_eq!(to_ask(1, &all), [1]);
    assert_eq!(to_ask(2, &all), [1, 2]);
    assert_eq!(to_ask(5, &all), [1, 2, 0]);
}

#[test]
fn who_helps_another_is_asked_first() {
    let helps = AtWork {
        helps: true,
        ..at_work(2, None)
    };
    let all = [at_work(3, None), helps, at_work(4, None)];
    assert_eq!(to_ask(1, &all), [1]);
    assert_eq!(to_ask(2, &all), [1, 2]);
}

#[test]
fn nobody_is_asked_before_his_turn_is_over() {
    assert_eq!(to_ask(1, &[at_work(0, None), at_work(1, None)]), [1]);
    assert_eq!(to_ask(2, &[at_work(0, None), at_work(1, None)]), [1]);
}

#[test]
fn who_has_just_been_asked_counts_and_who_cannot_make_place_does_not() {
    let leaving = at_work(5, Some(TURN / 2));
    let stuck = at_work(5, Some(TURN));
    assert_eq!(to_ask(1, &[leaving, at_work(2, None)]), []);
    assert_eq!(to_ask(2, &[leaving, at_work(2, None)]), [1]);
    assert_eq!(to_ask(1, &[stuck, at_work(2, None)]), [1]);
    assert_eq!(to_ask(3, &[stuck]), [], "nobody is asked twice");
}
