//! The tables that come after the others, because they have ended their worker.

use logic::last_ones::{LastOnes, MOST};

#[test]
fn a_table_is_one_of_the_last_in_its_own_database_only() {
    let last = LastOnes::default();
    last.add(5, 16_384);
    assert!(last.contains(5, 16_384));
    assert!(!last.contains(6, 16_384) && !last.contains(5, 16_385));
}

#[test]
fn a_table_that_ends_its_worker_again_and_again_takes_one_place() {
    let last = LastOnes::default();
    last.add(5, 16_384);
    for _ in 0..2 * MOST {
        last.add(5, 16_385);
    }
    assert!(last.contains(5, 16_384) && last.contains(5, 16_385));
}

#[test]
fn the_first_of_too_many_is_forgotten() {
    let last = LastOnes::default();
    for table in 0..=MOST as u32 {
        last.add(5, 16_384 + table);
    }
    assert!(!last.contains(5, 16_384));
    assert!((1..=MOST as u32).all(|table| last.contains(5, 16_384 + table)));
}
