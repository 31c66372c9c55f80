#!/usr/bin/env bash
# Installs what `make bench` measures beside our own queue: Sidekiq (Debian's package, as root or with sudo) and BullMQ (from
# the npm registry, into bench/peers). What cannot be installed is said and left out; the benchmark then says so too.
set -euo pipefail
cd "$(dirname "$0")/.."

has() { command -v "$1" >/dev/null 2>&1; }
left_out() { echo "setup-peers: without $1: $2" >&2; }

sidekiq() {
    if has ruby && ruby -e 'require "sidekiq"' 2>/dev/null; then return; fi
    local as_root=()
    if [[ $(id -u) != 0 ]]; then as_root=(sudo -n); fi
    if ! has apt-get; then
        left_out Sidekiq "no apt-get here: install Ruby and Sidekiq your way"
    elif ((${#as_root[@]})) && ! sudo -n true 2>/dev/null; then
        left_out Sidekiq "sudo apt-get install --no-install-recommends ruby-sidekiq"
    else
        echo "setup-peers: installing ruby-sidekiq"
        "${as_root[@]}" bash scripts/install-packages.sh ruby-sidekiq || left_out Sidekiq "its package could not be installed"
    fi
}

bullmq() {
    local installed=node_modules/.package-lock.json
    cd bench/peers
    if ! has node || ! has npm; then
        left_out BullMQ "it needs node (20 or later) and npm"
        return
    fi
    if [[ $installed -nt package-lock.json ]]; then return; fi
    echo "setup-peers: installing BullMQ"
    # Not `npm ci`: it insists on entries for the optional packages of every other platform. Both take the versions and the
    # checksums from the lock.
    if ! npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=1; then
        left_out BullMQ "its packages could not be installed"
    fi
}

sidekiq
bullmq
