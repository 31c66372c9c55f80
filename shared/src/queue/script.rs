//! The Lua scripts of the book.

use std::sync::LazyLock;

use redis::Script;

macro_rules! scripts {
    ($($name:ident = $file:literal;)*) => {
        $(pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(include_str!("lua/book.lua"), include_str!(concat!("lua/", $file))))
        });)*
    };
}

scripts! {
    ENQUEUE = "enqueue.lua";
    CLAIM = "claim.lua";
    RENEW = "renew.lua";
    FINISH = "finish.lua";
    PROMOTE = "promote.lua";
    HAND_BACK = "hand_back.lua";
    DROP_WAITING = "drop_waiting.lua";
    COUNTS = "counts.lua";
    LIVE = "live.lua";
    REQUEUE = "requeue.lua";
    DELETE_DEAD = "delete_dead.lua";
    SHOW = "show.lua";
}
