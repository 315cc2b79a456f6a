//! What several test programs use.

#![allow(dead_code, reason = "each program uses a part of it")]

pub mod clock;
pub mod tables;
