#!/usr/bin/env bash
# Runs every test; with nextest where it is installed (each test in a process of its own), else with cargo test.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}

# Stories in a browser are left out where none can be had, and it is said; never in continuous integration.
of_nextest=()
of_cargo=()
if ! bash scripts/setup.sh browser; then
    if [[ ${CI:-} == true ]]; then exit 2; fi
    echo "test: NOT TESTED, for want of a browser: the console in one" >&2
    of_nextest=(-E 'not test(/^console_browser::/)')
    of_cargo=(-- --skip console_browser::)
fi

# Examples in the documentation first: the summary at the end is that of the real suite.
"$cargo" test --locked --workspace --doc --quiet

if "$cargo" nextest --version >/dev/null 2>&1; then
    profile=default
    if [[ ${CI:-} == true ]]; then profile=ci; fi
    "$cargo" nextest run --locked --workspace --all-targets --profile "$profile" "${of_nextest[@]}"
else
    "$cargo" test --locked --workspace --all-targets "${of_cargo[@]}"
fi
