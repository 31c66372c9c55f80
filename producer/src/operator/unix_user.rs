//! Who runs this process, as the operating system says it: a variable of the environment could say anything.

use std::fs;

/// Longest name that is taken: Linux has 32 characters.
const MAX_CHARS: usize = 64;

/// The account's name, else its number: the account may come from a directory, or be a container's own.
pub(super) fn name() -> String {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let Some(uid) = uid_in(&status) else { return "unknown".to_owned() };
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    name_in(&accounts, uid).map_or_else(|| uid.to_string(), str::to_owned)
}

/// The real user id in `/proc/<pid>/status`.
fn uid_in(status: &str) -> Option<u32> {
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?.parse().ok()
}

/// The name in `/etc/passwd`.
fn name_in(accounts: &str, uid: u32) -> Option<&str> {
    let mut lines = accounts.lines().map(|line| line.split(':'));
    lines.find_map(|mut fields| {
        let (name, number) = (fields.next()?, fields.nth(1)?);
        let fits = !name.is_empty() && name.len() <= MAX_CHARS && !name.contains(|c: char| c.is_control() || c == ' ');
        (number.parse() == Ok(uid) && fits).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_named_or_numbered() {
        let status = "Name:\tkanzleisync-pro\nUid:\t1001\t0\t0\t0\nGid:\t5\t5\t5\t5\n";
        assert_eq!(uid_in(status), Some(1001), "the real one");
        assert_eq!(uid_in("Name:\tx\n"), None);
        let accounts = "root:x:0:0:root:/root:/bin/bash\nbroken\nmerle:x:1001:5::/home/merle:/bin/sh\n";
        assert_eq!((name_in(accounts, 1001), name_in(accounts, 0)), (Some("merle"), Some("root")));
        assert_eq!((name_in(accounts, 5), name_in("", 0)), (None, None));
    }
}
