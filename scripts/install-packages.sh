#!/usr/bin/env bash
# As root: installs the named packages, and keeps their services from being started, now or at the next boot, and
# PostgreSQL from making a database cluster. Only the programs are wanted. Called by setup.sh and its like.
set -euo pipefail

policy=/usr/sbin/policy-rc.d
no_cluster=/etc/postgresql-common/createcluster.d/kanzleisync-setup.conf
ours=()
tidy_up() { if ((${#ours[@]})); then rm -f "${ours[@]}"; fi; }
trap tidy_up EXIT

# An administrator's own policy is left alone.
if [[ ! -e $policy ]]; then
    ours+=("$policy")
    printf '#!/bin/sh\n# Only while kanzleisync installs packages.\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi
ours+=("$no_cluster")
mkdir -p "${no_cluster%/*}"
echo 'create_main_cluster = false' >"$no_cluster"

log=$(mktemp)
ours+=("$log")
apt() {
    DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
        apt-get -o DPkg::Lock::Timeout=120 -q -y "$@" </dev/null >>"$log" 2>&1
}
if ! { apt update && apt install --no-install-recommends "$@"; }; then
    cat "$log" >&2
    echo "setup: could not install $*" >&2
    exit 2
fi

if [[ -d /run/systemd/system ]]; then
    for package in "$@"; do
        case $package in
        redis-server | postgresql | prometheus) systemctl disable --quiet "$package" || true ;;
        esac
    done
fi
