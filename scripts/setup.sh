#!/usr/bin/env bash
# Makes sure that what is named is on this machine; without a name: what the build and the private servers need.
#
#   bash scripts/setup.sh [servers|browser|monitoring|espocrm-extension|deployment]...
#
# Installs missing Debian or Ubuntu packages when that needs no question (root, or sudo without a password); otherwise says once
# what is missing and ends with 2. Starts no service.
set -euo pipefail
cd "$(dirname "$0")/.."

has() { command -v "$1" >/dev/null 2>&1; }

has_postgres() {
    local program
    for program in /usr/lib/postgresql/*/bin/initdb; do
        [[ -x $program ]] && return
    done
    has initdb
}

# A user's PATH on Debian lacks the folders of system programs.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

if ! (($#)); then set -- servers; fi
packages=()
problems=()
for part in "$@"; do
    case $part in
    servers)
        has redis-server || packages+=(redis-server)
        has_postgres || packages+=(postgresql)
        has setpriv || packages+=(util-linux)
        has faketime || packages+=(faketime)
        has cc || packages+=(gcc libc6-dev)
        has cargo || problems+=("Rust is missing: https://rustup.rs installs it for your account; rust-toolchain.toml picks the version")
        ;;
    browser)
        # Ubuntu has Chromium only in a cage (snap) that the suite cannot drive: there it is Chrome with its driver, by hand.
        { has chromium || has google-chrome; } && has chromedriver || packages+=(chromium chromium-driver)
        ;;
    monitoring)
        # The package has promtool, too.
        has promtool && has prometheus || packages+=(prometheus)
        has jq || packages+=(jq)
        ;;
    espocrm-extension)
        has php || packages+=(php-cli)
        has python3 || packages+=(python3)
        ;;
    deployment)
        # The machine's own Python is the one that a package completes.
        python3 -c 'import yaml' 2>/dev/null || /usr/bin/python3 -c 'import yaml' 2>/dev/null || packages+=(python3-yaml)
        ;;
    *)
        echo "setup: nothing is called $part" >&2
        exit 2
        ;;
    esac
done

if ((${#packages[@]})); then
    as_root=()
    if [[ $(id -u) != 0 ]]; then as_root=(sudo -n); fi
    if ! has apt-get; then
        problems+=("missing, by their Debian names: ${packages[*]} (no apt-get here: install them your way)")
    elif [[ ${#as_root[@]} -gt 0 ]] && ! sudo -n true 2>/dev/null; then
        problems+=("packages are missing: sudo apt-get update && sudo apt-get install --no-install-recommends ${packages[*]}")
    else
        echo "setup: installing ${packages[*]}"
        "${as_root[@]}" bash scripts/install-packages.sh "${packages[@]}"
    fi
fi

if ((${#problems[@]})); then
    printf 'setup: %s\n' "${problems[@]}" >&2
    exit 2
fi
