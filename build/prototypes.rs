//! What the C compiler is asked about the functions that src/pg/bindings/unbound.rs declares: whether PostgreSQL's header files say
//! the same.

/// A name, the parameters and the result, as they stand in Rust.
pub type Declared = (&'static str, &'static str, &'static str);

macro_rules! declare {
    ($(fn $name:ident($($parameter:tt)*) -> $result:ty;)*) => {
        &[$((stringify!($name), stringify!($($parameter)*), stringify!($result))),*]
    };
}
pub(crate) use declare;

/// A C file that compiles only if each function is declared, and as here.
pub fn c_file(functions: &[Declared]) -> String {
    let mut file = String::from("#include \"postgres.h\"\n#include \"utils/timeout.h\"\n");
    for (name, parameters, result) in functions {
        let parameters: Vec<&str> = parameters
            .split(',')
            .map(|one| c_type(one.split_once(':').map_or(one, |(_, of)| of)))
            .collect();
        file += &format!(
            "_Static_assert(__builtin_types_compatible_p(__typeof__({name}), {} ({})), \"{name} is declared otherwise in Rust\");\n",
            c_type(result),
            parameters.join(", "),
        );
    }
    file
}

fn c_type(rust: &str) -> &'static str {
    match rust.replace(char::is_whitespace, "").as_str() {
        "..." => "...",
        "()" => "void",
        "bool" => "bool",
        "c_int" => "int",
        "pg_sys::TimestampTz" => "TimestampTz",
        "TimeoutId" => "TimeoutId",
        "TimeoutHandler" => "timeout_handler_proc",
        "*constc_char" => "const char *",
        other => panic!("what is {other} in C?"),
    }
}
