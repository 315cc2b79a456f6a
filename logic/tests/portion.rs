//! How much is asked of other servers at a time.

use logic::portion::{GOAL, Portion, SHORTEST};
use proptest::prelude::*;
use std::time::Duration;

const LONGEST: Duration = Duration::from_millis(25);

/// After so many portions, each of which took as long as this says.
fn after(portions: usize, took: impl Fn(&Portion) -> Duration) -> Portion {
    let mut portion = Portion::first(LONGEST);
    for _ in 0..portions {
        portion.follow(portion.asked(), took(&portion));
    }
    portion
}

#[test]
fn what_takes_long_becomes_one_server_at_a_time_for_a_moment() {
    let slow = after(10, |_| Duration::from_secs(1));
    assert_eq!((slow.asked(), slow.time()), (1, SHORTEST));
}

#[test]
fn what_was_slow_and_is_quick_again_grows_to_what_it_may_be() {
    let mut portion = after(10, |_| Duration::from_secs(1));
    for _ in 0..10 {
        portion.follow(portion.asked(), portion.time() + Duration::from_millis(5));
    }
    assert_eq!((portion.asked(), portion.time()), (128, LONGEST));
}

/// One that is asked for a moment only is hardly worth its connection.
#[test]
fn a_slow_connection_is_made_use_of_rather_than_another_one_made() {
    let connection = Duration::from_millis(20);
    let portion = after(20, |portion| {
        (0..portion.asked()).fold(portion.time(), |took, _| took + connection)
    });
    assert_eq!((portion.asked(), portion.time()), (1, LONGEST));
}

#[test]
fn fewer_than_might_be_asked_say_nothing_of_more() {
    let mut portion = after(3, |portion| portion.time());
    assert_eq!(portion.asked(), 16);
    portion.follow(3, Duration::ZERO);
    assert_eq!(portion.asked(), 16);
    portion.follow(3, Duration::from_secs(1));
    assert_eq!(portion.asked(), 1);
}

/// Twice as many connections take twice as long.
#[test]
fn no_more_are_asked_where_their_connections_would_take_too_long() {
    let mut portion = Portion::first(LONGEST);
    portion.follow(2, LONGEST + Duration::from_millis(15));
    assert_eq!(portion.asked(), 2);
    portion.follow(2, LONGEST + Duration::from_millis(10));
    assert_eq!(portion.asked(), 4);
}

proptest! {
    /// However long a connection takes, and how much longer a server is busy than it should be: where it can be met, the
    /// goal is, from some portion on.
    #[test]
    fn the_goal_is_met_where_it_can_be(connection in 1_u32..40, busy in 1_u32..5) {
        let took = |portion: &Portion| {
            let connections = u32::try_from(portion.asked()).expect("few") * connection;
            Duration::from_millis(connections.into()) + portion.time() * busy
        };
        let least = Duration::from_millis(connection.into()) + SHORTEST * busy;
        prop_assume!(least < GOAL);
        for portions in 20..40 {
            // A try for more is one that may take too long; it is not repeated at once.
            let two = [after(portions, took), after(portions + 1, took)];
            prop_assert!(two.iter().any(|portion| took(portion) <= GOAL), "{two:?}");
        }
    }
}
