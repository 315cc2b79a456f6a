//! Who makes place for those that wait, where not all can be at work at the same time.

use std::time::Duration;

/// How long one is at work at least before he is asked to make place, and how long he then has for it before another one is
/// asked as well.
pub const TURN: Duration = Duration::from_secs(1);

/// One that is at work.
#[derive(Clone, Copy, Debug)]
pub struct AtWork {
    /// For how long.
    pub elapsed: Duration,
    /// Beside another one, who can go on alone.
    pub helps: bool,
    /// How long ago he was asked to make place; `None`: he was not.
    pub asked: Option<Duration>,
}

/// Which of those at work are to be asked now, for so many that wait: one for each, first those who help others, then those
/// who have been at work for longest. Who was asked a turn ago and is still there cannot make place, and does not count.
pub fn to_ask(waiting: usize, at_work: &[AtWork]) -> Vec<usize> {
    let is_leaving = |one: &&AtWork| one.asked.is_some_and(|ago| ago < TURN);
    let leaving = at_work.iter().filter(is_leaving).count();
    let mut asked: Vec<usize> = (0..at_work.len())
        .filter(|index| at_work[*index].asked.is_none() && at_work[*index].elapsed >= TURN)
        .collect();
    asked.sort_by_key(|index| {
        let one = at_work[*index];
        std::cmp::Reverse((one.helps, one.elapsed))
    });
    asked.truncate(waiting.saturating_sub(leaving));
    asked
}
