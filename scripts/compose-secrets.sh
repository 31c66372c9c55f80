#!/usr/bin/env bash
# Makes the files in secrets/ that compose.yaml hands to the containers. What exists is kept. Passwords between our own
# containers are random; those of the outside systems are yours to fill in. With --demo they are the simulator's, in a folder of their own.
#
#   compose-secrets.sh              makes what is missing, and names the secrets that are yours to fill in
#   compose-secrets.sh --demo       makes secrets-demo/, for compose.demo.env, with the simulator's credentials
#   compose-secrets.sh --set NAME   fills in or replaces one: asks for it without showing it, or reads standard input (`< key.json`)
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
    sed -n 's/^#   //p' scripts/compose-secrets.sh >&2
    exit 2
}

demo=no
wanted=
case "$#:${1:-}" in
    0:) ;;
    1:--demo) demo=yes ;;
    2:--set) wanted=${2:-?} ;;
    *) usage ;;
esac

folder=secrets
if [[ $demo == yes ]]; then folder=secrets-demo; fi
# The containers run under accounts of their own and must be able to read the files; the folder keeps others out.
mkdir -p "$folder"
chmod 700 "$folder"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
known=()
secret() {
    local file=$folder/$1 value=$2
    known+=("$1")
    # With --set only the one that is named.
    if [[ -n $wanted || -e $file ]]; then return; fi
    printf '%s' "$value" >"$file"
    chmod 444 "$file"
}
# The new file takes the old one's place as a whole, or not at all.
fill_in() {
    local value new
    if [[ " ${known[*]} " != *" $1 "* ]]; then
        echo "compose-secrets: no secret is called $1; there are: ${known[*]}" >&2
        exit 2
    fi
    if [[ -t 0 ]]; then
        IFS= read -rsp "$1: " value || true
        echo >&2
    else
        value=$(cat)
    fi
    if [[ -z $value ]]; then
        echo "compose-secrets: nothing was given; $folder/$1 is as it was" >&2
        exit 1
    fi
    new=$(mktemp "$folder"/.new.XXXXXX)
    # shellcheck disable=SC2064 # the name of now
    trap "rm -f '$new'" EXIT
    printf '%s' "$value" >"$new"
    chmod 444 "$new"
    mv -f "$new" "$folder/$1"
    echo "compose-secrets: $folder/$1 is filled in" >&2
}

secret postgres_password "$(random)"
secret redis_password "$(random)"
secret producer_api_key "$(random)"
secret grafana_password "$(random)"
# None: webhooks are then taken with the API key only.
secret espocrm_webhook_secrets ''
# None: no calendars.
secret google_service_account ''

if [[ -n $wanted || $demo == yes ]]; then
    secret advoware_api_key "$(printf simulated-advoware-key | base64)"
    secret advoware_password simulated-password
    secret espocrm_api_key simulated-espocrm-key
fi
if [[ -n $wanted ]]; then
    fill_in "$wanted"
    exit
fi
if [[ $demo == yes ]]; then exit; fi
for name in advoware_api_key advoware_password espocrm_api_key; do
    # The simulator's, one of them in base64, count as none: earlier versions kept the demo's secrets in the same folder.
    if [[ ! -s $folder/$name ]] || grep -qE '^(simulated-|c2ltdWxhdGVk)' "$folder/$name"; then
        echo "compose-secrets: still to be filled in: bash scripts/compose-secrets.sh --set $name"
    fi
done
