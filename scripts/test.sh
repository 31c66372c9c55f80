#!/usr/bin/env bash
# Runs every test; with nextest where it is installed (each test in a process of its own), else with cargo test.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}

# Examples in the documentation first: the summary at the end is that of the real suite.
"$cargo" test --locked --workspace --doc --quiet

if "$cargo" nextest --version >/dev/null 2>&1; then
    profile=default
    if [[ ${CI:-} == true ]]; then profile=ci; fi
    "$cargo" nextest run --locked --workspace --all-targets --profile "$profile"
else
    "$cargo" test --locked --workspace --all-targets
fi
