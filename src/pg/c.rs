//! C's integers. Constants of PostgreSQL's are bound as `u32`, whatever C makes of them where they are used.

use core::ffi::{c_char, c_int};

/// A constant as C's `int`. One that does not fit fails when the constant is evaluated.
pub(super) const fn int(constant: u32) -> c_int {
    assert!(
        constant <= i32::MAX.unsigned_abs(),
        "a constant of C's fits its int"
    );
    constant.cast_signed()
}

/// A constant as an `int16`, for numbers of attributes and strategies.
pub(super) const fn short(constant: u32) -> i16 {
    assert!(
        constant <= i16::MAX.unsigned_abs() as u32,
        "a constant of C's fits its int16"
    );
    #[expect(clippy::cast_possible_truncation, reason = "has just been compared")]
    {
        constant as i16
    }
}

/// A constant as an `uint8`.
pub(super) const fn byte(constant: u32) -> u8 {
    assert!(
        constant <= u8::MAX as u32,
        "a constant of C's fits its uint8"
    );
    #[expect(clippy::cast_possible_truncation, reason = "has just been compared")]
    {
        constant as u8
    }
}

/// The byte of a character, whose sign depends on the machine.
pub(super) const fn byte_of(character: c_char) -> u8 {
    character.to_ne_bytes()[0]
}

/// An `int` that counts, and is not negative, as a size.
pub(super) const fn size(count: c_int) -> usize {
    debug_assert!(count >= 0);
    count.cast_unsigned() as usize
}
