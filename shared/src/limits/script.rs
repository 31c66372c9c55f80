//! The Lua scripts of the limits.

use std::sync::LazyLock;

use redis::Script;

macro_rules! scripts {
    ($($name:ident = $($file:literal)+;)*) => {
        $(pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(include_str!("lua/time.lua"), $(include_str!(concat!("lua/", $file))),+))
        });)*
    };
}

scripts! {
    TERMIN = "termin.lua";
    RATE = "rate.lua";
    PARALLEL = "parallel.lua";
    USAGE = "usage.lua";
    BREAKER_BEGIN = "breaker.lua" "breaker_begin.lua";
    BREAKER_REPORT = "breaker.lua" "breaker_report.lua";
    BREAKER_LOOK = "breaker.lua" "breaker_look.lua";
}
