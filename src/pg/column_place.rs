//! Where a heap tuple holds one column: what nocachegetattr() of access/common/heaptuple.c finds out, prepared once for a
//! table and then a few instructions a tuple.

use super::bindings;
use super::c::{byte, byte_of, size};
use core::ffi::c_int;
use pgrx::pg_sys;

/// As many columns before the wanted one are prepared; behind more, nocachegetattr() itself is asked.
const MAX_STEPS: usize = 16;

/// A column in front of the wanted one.
#[derive(Clone, Copy, Debug)]
struct Step {
    /// pg_attribute.attlen: bytes, or -1 for a varlena.
    length: i16,
    /// pg_attribute.attalign, in bytes.
    align: u8,
}

/// The way to a column of fixed width, passed by value. Plain data, so that it may live inside an FFI boundary.
#[derive(Clone, Copy, Debug)]
pub(super) struct ColumnPlace {
    attnum: i32,
    align: u8,
    /// How many of the steps there are; `None` where the way has not been prepared.
    prepared: Option<u8>,
    steps: [Step; MAX_STEPS],
}

/// att_align_nominal() of access/tupmacs.h, in bytes.
fn align_of(attalign: core::ffi::c_char) -> u8 {
    match byte_of(attalign) {
        pg_sys::TYPALIGN_CHAR => 1,
        pg_sys::TYPALIGN_SHORT => 2,
        pg_sys::TYPALIGN_INT => 4,
        _ => byte(8),
    }
}

/// TYPEALIGN() of c.h.
#[inline(always)]
fn aligned(offset: usize, align: u8) -> usize {
    let mask = usize::from(align) - 1;
    (offset + mask) & !mask
}

impl ColumnPlace {
    /// # Safety
    /// The descriptor has the column, which is of fixed width and passed by value.
    pub(super) unsafe fn new(descriptor: pg_sys::TupleDesc, attnum: i16) -> Self {
        let before = usize::from(attnum.cast_unsigned()) - 1;
        let mut place = ColumnPlace {
            attnum: attnum.into(),
            align: 1,
            prepared: None,
            steps: [Step {
                length: 0,
                align: 1,
            }; MAX_STEPS],
        };
        // SAFETY: the descriptor has the columns up to this one.
        unsafe {
            let attribute = |index| &*super::relation::attribute(descriptor, index);
            place.align = align_of(attribute(i32::from(attnum) - 1).attalign);
            if before > MAX_STEPS {
                return place;
            }
            for (index, step) in (0..).zip(place.steps.iter_mut().take(before)) {
                let attribute = attribute(index);
                *step = Step {
                    length: attribute.attlen,
                    align: align_of(attribute.attalign),
                };
            }
        }
        let known = place.steps[..before].iter().all(|step| step.length >= -1);
        // The headers of varlenas are read as they are on little-endian machines (varatt.h).
        place.prepared = (known && cfg!(target_endian = "little"))
            .then_some(before)
            .and_then(|before| before.try_into().ok());
        place
    }

    pub(super) fn attnum(&self) -> i32 {
        self.attnum
    }

    /// The column's bits, the lower ones where it is narrower than a Datum; `None` where it is NULL.
    ///
    /// # Safety
    /// The tuple is of a relation with the descriptor, has the column, and its page is pinned.
    #[inline(always)]
    pub(super) unsafe fn read(
        &self,
        tuple: pg_sys::HeapTuple,
        descriptor: pg_sys::TupleDesc,
        width: usize,
    ) -> Option<u64> {
        // SAFETY: the header and, where HEAP_HASNULL says so, its bitmap of as many bits as the tuple has columns.
        unsafe {
            let header = (*tuple).t_data;
            let has_null = u32::from((*header).t_infomask) & pg_sys::HEAP_HASNULL != 0;
            let nulls = (&raw const (*header).t_bits).cast::<u8>();
            let is_null =
                |index: usize| has_null && *nulls.add(index >> 3) & (1 << (index & 7)) == 0;
            if is_null(size(self.attnum) - 1) {
                return None;
            }
            let data = header.cast::<u8>().add((*header).t_hoff.into());
            match self.offset(data, is_null) {
                Some(offset) => Some(read_bits(data.add(offset), width)),
                None => {
                    let datum = bindings::nocachegetattr(tuple, self.attnum as c_int, descriptor);
                    Some(datum.value() as u64)
                }
            }
        }
    }

    /// How far into the tuple's data the column begins.
    ///
    /// # Safety
    /// `data` is that of a tuple with the column.
    #[inline(always)]
    unsafe fn offset(&self, data: *const u8, is_null: impl Fn(usize) -> bool) -> Option<usize> {
        let steps = usize::from(self.prepared?);
        let mut offset = 0;
        for (index, step) in self.steps.iter().enumerate().take(steps) {
            if is_null(index) {
                continue;
            }
            if step.length >= 0 {
                offset = aligned(offset, step.align) + usize::from(step.length.cast_unsigned());
                continue;
            }
            // SAFETY: att_align_pointer() and VARSIZE_ANY() of access/tupmacs.h and varatt.h: padding is zero, and no
            // header begins with a zero byte. A value that is stored elsewhere is a pointer of a known size.
            unsafe {
                if *data.add(offset) == 0 {
                    offset = aligned(offset, step.align);
                }
                let first = *data.add(offset);
                offset += match first {
                    0x01 if u32::from(*data.add(offset + 1)) == ON_DISK => TOAST_POINTER,
                    0x01 => return None,
                    short if short & 1 == 1 => usize::from(short >> 1),
                    _ => (data.add(offset).cast::<u32>().read_unaligned() >> 2) as usize,
                };
            }
        }
        Some(aligned(offset, self.align))
    }
}

/// VARTAG_ONDISK and TOAST_POINTER_SIZE of access/detoast.h: the header's two bytes and the pointer.
const ON_DISK: u32 = pg_sys::vartag_external::VARTAG_ONDISK;
const TOAST_POINTER: usize = 2 + size_of::<pg_sys::varatt_external>();

/// fetch_att() of access/tupmacs.h, without the sign.
///
/// # Safety
/// So many bytes are there.
#[inline(always)]
unsafe fn read_bits(at: *const u8, width: usize) -> u64 {
    // SAFETY: passed on.
    unsafe {
        match width {
            2 => at.cast::<u16>().read_unaligned().into(),
            4 => at.cast::<u32>().read_unaligned().into(),
            _ => at.cast::<u64>().read_unaligned(),
        }
    }
}
