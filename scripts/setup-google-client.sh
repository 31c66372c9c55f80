#!/usr/bin/env bash
# Installs Google's own client library for Python into target/google-client: `make test` drives the simulator with it
# (simulator/google_oracle.py). From PyPI or the index that pip is set to, in the versions and with the checksums of
# google_oracle.requirements.txt. What fails is said, and ends with 2.
set -euo pipefail
cd "$(dirname "$0")/.."

wanted=simulator/google_oracle.requirements.txt
folder=target/google-client
# Written last: what is only half there is made anew.
installed=$folder/requirements.txt

give_up() {
    printf 'setup-google-client: %s\n' "$@" >&2
    exit 2
}

# PATH's own, then the machine's, which is the one that a package completes. Debian's has `ensurepip` only with python3-venv.
python() {
    local candidate fits='import ensurepip, sys, venv; ensurepip.version(); sys.exit(sys.version_info < (3, 10))'
    for candidate in python3 /usr/bin/python3; do
        if "$candidate" -c "$fits" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

install_venv() {
    local as_root=()
    if [[ $(id -u) != 0 ]]; then as_root=(sudo -n); fi
    if ! command -v apt-get >/dev/null 2>&1; then
        give_up "Python 3.10 or later with venv and ensurepip is missing (no apt-get here: install it your way)"
    elif ((${#as_root[@]})) && ! sudo -n true 2>/dev/null; then
        give_up "a package is missing: sudo apt-get update && sudo apt-get install --no-install-recommends python3-venv"
    fi
    echo "setup-google-client: installing python3-venv"
    "${as_root[@]}" bash scripts/install-packages.sh python3-venv
}

# The interpreter may have been replaced under an environment that once was whole.
if cmp -s "$wanted" "$installed" && "$folder/bin/python" -c 'import googleapiclient' 2>/dev/null; then exit; fi

if ! interpreter=$(python); then
    install_venv
    interpreter=$(python) || give_up "python3-venv is installed, but no Python 3.10 or later with venv is found"
fi

echo "setup-google-client: installing Google's client library into $folder"
rm -rf "$folder"
mkdir -p "${folder%/*}"
"$interpreter" -m venv "$folder" || give_up "could not make a Python environment in $folder"
# Ready-made packages only: none brings code to be run at its installation.
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    --require-hashes --only-binary :all: -r "$wanted" ||
    give_up "could not install the packages of $wanted: pip said above why" \
        "are PyPI and files.pythonhosted.org reachable, or the index that pip is set to?"
cp "$wanted" "$installed"
