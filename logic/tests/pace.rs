//! What a run owes for what it has cost.

use logic::pace::{Pace, cost_of};
use proptest::prelude::*;
use std::time::Duration;

/// The defaults: each 200 of cost is 2 ms of sleep.
const DELAY: Duration = Duration::from_millis(2);
const LIMIT: u32 = 200;

fn owed(cost: u64) -> Duration {
    let mut pace = Pace::new();
    pace.charge(cost);
    pace.owed(DELAY, LIMIT)
}

#[test]
fn a_batch_is_paid_for_as_a_whole() {
    assert_eq!(owed(200), Duration::from_millis(2));
    assert_eq!(owed(300), Duration::from_millis(3));
    // Vacuum would sleep four delays and forgive the rest.
    assert_eq!(owed(10_000), Duration::from_millis(100));
}

#[test]
fn what_is_paid_is_not_owed_again() {
    let mut pace = Pace::new();
    pace.charge(300);
    assert!(!pace.owed(DELAY, LIMIT).is_zero());
    assert_eq!(pace.owed(DELAY, LIMIT), Duration::ZERO);
    pace.charge(199);
    assert_eq!(pace.owed(DELAY, LIMIT), Duration::ZERO);
}

#[test]
fn less_than_the_limit_is_carried_over() {
    let mut pace = Pace::new();
    pace.charge(199);
    assert_eq!(pace.owed(DELAY, LIMIT), Duration::ZERO);
    pace.charge(1);
    assert_eq!(pace.owed(DELAY, LIMIT), DELAY);
}

#[test]
fn nothing_is_owed_for_nothing() {
    assert_eq!(Pace::new().owed(DELAY, LIMIT), Duration::ZERO);
    assert_eq!(Pace::new().owed(DELAY, 1), Duration::ZERO);
}

#[test]
fn a_delay_or_limit_of_zero_is_unlimited_also_afterwards() {
    for (delay, limit) in [(Duration::ZERO, LIMIT), (DELAY, 0), (Duration::ZERO, 0)] {
        let mut pace = Pace::new();
        pace.charge(1_000_000_000);
        assert_eq!(pace.owed(delay, limit), Duration::ZERO);
        assert_eq!(pace.owed(DELAY, LIMIT), Duration::ZERO);
        pace.charge(199);
        assert_eq!(pace.owed(delay, limit), Duration::ZERO);
        pace.charge(1);
        assert_eq!(pace.owed(DELAY, LIMIT), Duration::ZERO);
    }
}

#[test]
fn a_long_debt_is_paid_by_the_second() {
    let mut pace = Pace::new();
    pace.charge(250_000);
    let second = Duration::from_secs(1);
    assert_eq!(pace.owed(DELAY, LIMIT), second);
    assert_eq!(pace.owed(DELAY, LIMIT), second);
    assert_eq!(pace.owed(DELAY, LIMIT), second / 2);
    assert_eq!(pace.owed(DELAY, LIMIT), Duration::ZERO);
    assert_eq!(owed(100_000), second);
}

#[test]
fn a_change_of_the_settings_holds_for_what_is_still_owed() {
    let mut pace = Pace::new();
    pace.charge(200_000);
    assert_eq!(pace.owed(DELAY, LIMIT), Duration::from_secs(1));
    assert_eq!(pace.owed(DELAY / 4, LIMIT), Duration::from_millis(250));
    assert_eq!(pace.owed(DELAY, LIMIT), Duration::ZERO);
}

/// Sleeps until nothing is owed.
fn pay(pace: &mut Pace, delay: Duration, limit: u32) -> Duration {
    let mut paid = Duration::ZERO;
    loop {
        let owed = pace.owed(delay, limit);
        assert!(owed <= Duration::from_secs(1));
        if owed.is_zero() {
            return paid;
        }
        paid += owed;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// However the work is cut into batches, all of it is paid for.
    #[test]
    fn the_sleep_is_the_price_of_the_work(
        costs in prop::collection::vec(0..20_000u64, 0..30), delay in 1..=100_000u64, limit in 1..=10_000u32,
    ) {
        let delay = Duration::from_micros(delay);
        let mut pace = Pace::new();
        let mut paid = Duration::ZERO;
        for cost in &costs {
            pace.charge(*cost);
            paid += pay(&mut pace, delay, limit);
        }
        let price = delay * costs.iter().sum::<u64>() as u32 / limit;
        // One delay may be carried over, and each sleep be rounded to a unit of cost.
        let rounding = delay / limit * (paid.as_secs() as u32 + 1) + Duration::from_micros(1);
        prop_assert!(paid <= price + Duration::from_micros(1));
        prop_assert!(price <= paid + delay + rounding);
    }

    #[test]
    fn no_number_overflows(costs in prop::collection::vec(any::<u64>(), 0..4), delay: u64, limit: u32) {
        let mut pace = Pace::new();
        for cost in costs {
            pace.charge(cost);
            let owed = pace.owed(Duration::from_nanos(delay), limit);
            prop_assert!(owed <= Duration::from_secs(1));
        }
        pace.charge(u64::MAX);
        pace.charge(1);
        let owed = pace.owed(Duration::MAX, limit.max(1));
        prop_assert_eq!(owed, Duration::from_secs(1));
    }
}

#[test]
fn a_sleep_pays_for_what_it_is_owed_for() {
    let sleep = Duration::from_millis(200);
    let cost = cost_of(sleep, DELAY, LIMIT).expect("there is a pace");
    assert_eq!(owed(cost), sleep);
    assert_eq!(cost_of(sleep, Duration::ZERO, LIMIT), None);
    assert_eq!(cost_of(sleep, DELAY, 0), None);
}
