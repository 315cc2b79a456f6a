//! Whether a heap tuple has expired, by a column of one of the fixed-width types.

use super::Relation;
use super::c::int;
use super::column_place::ColumnPlace;
use logic::cutoff::Range;
use pgrx::pg_sys;

/// How the column's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Width {
    Four,
    Eight,
    Float,
}

impl Width {
    #[inline(always)]
    fn bytes(self) -> usize {
        match self {
            Width::Four => 4,
            Width::Eight | Width::Float => 8,
        }
    }
}

/// Tells whether a heap tuple has expired. Plain data, so that it may live inside an FFI boundary.
#[derive(Clone, Copy, Debug)]
pub struct ExpiryTest {
    place: ColumnPlace,
    width: Width,
    range: Range,
    /// For tuples from before the column was added: whether its default has expired.
    missing_expired: bool,
}

impl ExpiryTest {
    /// For a column of one of the fixed-width types; `None` for any other type.
    pub fn new(
        relation: &Relation,
        attnum: i16,
        base_type: pg_sys::Oid,
        range: Range,
    ) -> Option<Self> {
        let width = match base_type {
            pg_sys::INT4OID | pg_sys::DATEOID => Width::Four,
            pg_sys::INT8OID | pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID => Width::Eight,
            pg_sys::FLOAT8OID => Width::Float,
            _ => return None,
        };
        let mut is_null = true;
        // SAFETY: the column exists in the open relation's descriptor (access/common/heaptuple.c). The types are all
        // passed by value.
        unsafe {
            let descriptor = (*relation.as_ptr()).rd_att;
            let mut test = ExpiryTest {
                place: ColumnPlace::new(descriptor, attnum),
                width,
                range,
                missing_expired: false,
            };
            let missing = pg_sys::getmissingattr(descriptor, attnum.into(), &mut is_null);
            test.missing_expired = !is_null && test.expired_value(missing.value() as u64);
            Some(test)
        }
    }

    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a narrow value is in the lower half of its Datum"
    )]
    fn expired_value(&self, bits: u64) -> bool {
        let number = match self.width {
            Width::Four => i64::from(bits as i32),
            Width::Eight | Width::Float => bits.cast_signed(),
        };
        match self.range {
            Range::Integer { from, below } => from <= number && number < below,
            Range::Float { from, below } => {
                let number = f64::from_bits(number.cast_unsigned());
                from <= number && number < below
            }
        }
    }

    /// heap_getattr() of access/htup_details.h, for the one column, and the comparison. NULL has not expired.
    ///
    /// # Safety
    /// The tuple is one of the relation's that the test was made for, and its page is pinned.
    #[inline(always)]
    pub(super) unsafe fn expired(
        &self,
        tuple: pg_sys::HeapTuple,
        descriptor: pg_sys::TupleDesc,
    ) -> bool {
        // SAFETY: passed on; the tuple has the column, or is from before it was added.
        unsafe {
            let columns = i32::from((*(*tuple).t_data).t_infomask2) & int(pg_sys::HEAP_NATTS_MASK);
            if self.place.attnum() > columns {
                return self.missing_expired;
            }
            self.place
                .read(tuple, descriptor, self.width.bytes())
                .is_some_and(|bits| self.expired_value(bits))
        }
    }
}
