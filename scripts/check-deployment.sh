#!/usr/bin/env bash
# Checks compose.yaml, the Dockerfile, the systemd units and the Kubernetes manifests: by our own rules (check-deployment.py), by using what an
# administrator uses (check-deployment-tools.sh), and by each kind's own tool where it is installed. None needs a running engine, systemd or cluster. What could not be asked is said. Installs python3-yaml where it is
# missing (setup.sh).
set -euo pipefail
cd "$(dirname "$0")/.."

has() { command -v "$1" >/dev/null 2>&1; }
left_out() { echo "deployment: not asked: $1"; }

# The first that has YAML: PATH's own, or the machine's, which is the one that a package completes.
python() {
    local candidate
    for candidate in python3 /usr/bin/python3; do
        if "$candidate" -c 'import yaml' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

bash scripts/setup.sh deployment
interpreter=$(python)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

failed=no
# What a tool says is of interest only where something is wrong; silence is success even for those that end with 0 after a warning.
silent() {
    if ! "$@" >"$scratch/said" 2>&1 || [[ -s $scratch/said ]]; then
        echo "check-deployment: $*" >&2
        cat "$scratch/said" >&2
        failed=yes
    fi
}
quietly() {
    "$@" >"$scratch/said" 2>&1 || { echo "check-deployment: $*" >&2; cat "$scratch/said" >&2; failed=yes; }
}

"$interpreter" scripts/check-deployment.py "$scratch" || failed=yes
silent bash scripts/check-deployment-tools.sh

compose=()
if docker compose version >/dev/null 2>&1; then
    compose=(docker compose)
elif docker-compose version --short 2>/dev/null | grep -qv '^1\.'; then
    compose=(docker-compose)
fi
if ((${#compose[@]})); then
    silent "${compose[@]}" --env-file compose.demo.env config --quiet
    silent "${compose[@]}" --env-file compose.demo.env --profile demo config --quiet
else
    left_out "docker compose (no client with it here)"
fi

if has systemd-analyze; then
    # The programs that they start are not installed here.
    for unit in deployment/systemd/*.service; do
        sed -E 's#^(ExecStart=)/usr/local/bin/kanzleisync-[a-z]+#\1/bin/true#' "$unit" >"$scratch/${unit##*/}"
    done
    for unit in "$scratch"/*.service; do
        silent systemd-analyze verify --recursive-errors=yes "$unit"
        # Of 100: the less, the less a unit could do if it were taken over. Units without hardening have 96.
        quietly systemd-analyze security --offline=true --threshold=20 --no-pager "$unit"
    done
else
    left_out "systemd-analyze (no systemd here)"
fi

if has promtool; then
    quietly promtool check rules "$scratch/autoscaling.rules.yml"
else
    left_out "promtool (see make monitoring)"
fi
# Our rules know the few kinds that we use; kubeconform knows every field. It fetches the schemas.
if has kubeconform; then
    quietly kubeconform -strict -ignore-missing-schemas deployment/kubernetes/{settings,migrate,producer,worker}.yaml
else
    left_out "kubeconform (not installed)"
fi

if [[ $failed == yes ]]; then exit 1; fi
echo "deployment: compose.yaml, Dockerfile, systemd units and Kubernetes manifests are as they should be"
