//! Declares functions of the server's that pgrx binds, too, and lets nothing compile that pgrx binds otherwise.
//!
//! pgrx makes its bindings from the header files of the PostgreSQL that the extension is built for, and puts a boundary
//! around each call. What is declared here is the C function itself. The assignment says that it takes and returns what
//! the bound one does: a function pointer has one type and no other.

macro_rules! bound {
    ($(
        $(#[$attribute:meta])*
        $visibility:vis fn $name:ident($($(#[$of:meta])* $parameter:ident: $type:ty),* $(,)?) $(-> $result:ty)?;
    )*) => {
        unsafe extern "C-unwind" {
            $($(#[$attribute])* $visibility fn $name($($(#[$of])* $parameter: $type),*) $(-> $result)?;)*
        }
        $(
            $(#[$attribute])*
            const _: unsafe fn($($(#[$of])* $type),*) $(-> $result)? = pg_sys::$name;
        )*
    };
}
