//! When the turns were of the tables that have ended their worker.

use logic::lost_turns::{LostTurns, MOST};

#[test]
fn a_lost_turn_is_that_of_a_table_in_its_own_database_only() {
    let turns = LostTurns::default();
    turns.add(5, 16_384, 7);
    assert_eq!(turns.last(5, 16_384), Some(7));
    assert_eq!((turns.last(6, 16_384), turns.last(5, 16_385)), (None, None));
}

#[test]
fn a_table_that_ends_its_worker_again_and_again_takes_one_place_with_its_last_turn() {
    let turns = LostTurns::default();
    turns.add(5, 16_384, 7);
    for instant in 0..2 * MOST as i64 {
        turns.add(5, 16_385, instant);
    }
    assert_eq!(turns.last(5, 16_384), Some(7));
    assert_eq!(turns.last(5, 16_385), Some(2 * MOST as i64 - 1));
}

#[test]
fn the_first_of_too_many_is_forgotten() {
    let turns = LostTurns::default();
    for table in 0..=MOST as u32 {
        turns.add(5, 16_384 + table, 7);
    }
    assert_eq!(turns.last(5, 16_384), None);
    assert!((1..=MOST as u32).all(|table| turns.last(5, 16_384 + table) == Some(7)));
}
