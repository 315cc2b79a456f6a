use std::time::Duration;
pub struct Pace {
    balance: u64,
}
impl Pace {
    pub fn new() -> Self {
        Pace { balance: 0 }
    }
    pub fn charge(&mut self, cost: u64) {
        self.balance += cost;
    }
    pub fn owed(&mut self, d: Duration, l: u32) -> Duration {
        let b = std::mem::take(&mut self.balance);
        if d.is_zero() {
            return Duration::ZERO;
        }
        d.mul_f64(b as f64 / l as f64)
    }
}
