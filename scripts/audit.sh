#!/usr/bin/env bash
# Supply chain, by the rules of deny.toml. Licences, banned crates and sources are judged from the registry alone. Known
# vulnerabilities need RustSec's database from its own place: where that cannot be reached, this is said, and is an
# error only with ADVISORIES=required.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
cargo_deny_version=0.20.2

if ! "$cargo" deny --version >/dev/null 2>&1; then
    echo "audit: building cargo-deny $cargo_deny_version (once, some minutes)"
    "$cargo" install --quiet --locked --version "$cargo_deny_version" cargo-deny
fi

"$cargo" deny --locked --log-level error check --hide-inclusion-graph bans licenses sources

if "$cargo" deny --locked --log-level off fetch db >/dev/null 2>&1; then
    "$cargo" deny --locked --log-level error check advisories --disable-fetch
else
    echo "audit: the database of known vulnerabilities could not be fetched: advisories were NOT checked" >&2
    if [[ ${ADVISORIES:-} == required ]]; then exit 1; fi
fi
