//! The Lua scripts of the book.

use std::sync::LazyLock;

use redis::Script;

macro_rules! scripts {
    ($($name:ident = $first_line:literal $file:literal;)*) => {
        $(pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!($first_line, include_str!("lua/book.lua"), include_str!(concat!("lua/", $file))))
        });)*
    };
}

// A Redis that has reached `maxmemory` takes no new jobs; those it has go on to their end, which makes room.
scripts! {
    ENQUEUE = "" "enqueue.lua";
    WORK = "#!lua flags=allow-oom\n" "work.lua";
    RENEW = "#!lua flags=allow-oom\n" "renew.lua";
    TEND = "#!lua flags=allow-oom\n" "tend.lua";
    HAND_BACK = "#!lua flags=allow-oom\n" "hand_back.lua";
    DROP_WAITING = "#!lua flags=allow-oom\n" "drop_waiting.lua";
    GIVE_BACK_TRIES = "#!lua flags=allow-oom\n" "give_back_tries.lua";
    REQUEUE = "#!lua flags=allow-oom\n" "requeue.lua";
    FIND = "#!lua flags=no-writes\n" "find.lua";
    DELETE_DEAD = "#!lua flags=allow-oom\n" "delete_dead.lua";
    COUNTS = "#!lua flags=no-writes\n" "counts.lua";
    LOOK = "#!lua flags=no-writes\n" "look.lua";
    SHOW = "#!lua flags=no-writes\n" "show.lua";
}
