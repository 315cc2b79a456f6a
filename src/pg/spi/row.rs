//! The rows that a statement of this extension's returned, as what its columns are.

use pgrx::pg_sys;

/// A row: a value, or some of them in a tuple; `()` where the statement returns rows without columns.
pub trait Row: Sized {
    const COLUMNS: usize;

    /// From the columns in their text form. `None` where a column is something else, or NULL without being an [`Option`].
    fn of(columns: &mut dyn Iterator<Item = Option<String>>) -> Option<Self>;
}

/// A value of a row.
pub trait Value: Sized {
    /// From its text form. `None` where it is something else.
    fn of(text: String) -> Option<Self>;
}

impl Value for String {
    fn of(text: String) -> Option<Self> {
        Some(text)
    }
}

impl Value for bool {
    fn of(text: String) -> Option<Self> {
        match text.as_str() {
            "t" => Some(true),
            "f" => Some(false),
            _ => None,
        }
    }
}

impl Value for pg_sys::Oid {
    fn of(text: String) -> Option<Self> {
        text.parse::<u32>().ok().map(Self::from)
    }
}

macro_rules! number {
    ($($number:ty)*) => {
        $(impl Value for $number {
            fn of(text: String) -> Option<Self> {
                text.parse().ok()
            }
        })*
    };
}
number!(i32 u32 i64 u64 f64);

impl<V: Value> Row for V {
    const COLUMNS: usize = 1;

    fn of(columns: &mut dyn Iterator<Item = Option<String>>) -> Option<Self> {
        columns.next()?.and_then(V::of)
    }
}

impl<V: Value> Row for Option<V> {
    const COLUMNS: usize = 1;

    fn of(columns: &mut dyn Iterator<Item = Option<String>>) -> Option<Self> {
        match columns.next()? {
            Some(text) => V::of(text).map(Some),
            None => Some(None),
        }
    }
}

macro_rules! tuple {
    ($($column:ident)*) => {
        impl<$($column: Row),*> Row for ($($column,)*) {
            const COLUMNS: usize = 0 $(+ $column::COLUMNS)*;

            #[allow(unused_variables, reason = "a row without columns")]
            fn of(columns: &mut dyn Iterator<Item = Option<String>>) -> Option<Self> {
                Some(($($column::of(columns)?,)*))
            }
        }
    };
}
tuple!();
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);
tuple!(A B C D E F G);
tuple!(A B C D E F G H);
