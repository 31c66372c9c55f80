#!/usr/bin/env bash
# Makes the files in secrets/ that compose.yaml hands to the containers. What exists is kept. Passwords between our own
# containers are random; those of the outside systems are yours to fill in, or with --demo the simulator's.
set -euo pipefail
cd "$(dirname "$0")/.."

demo=no
if [[ ${1:-} == --demo ]]; then demo=yes; fi

# The containers run under accounts of their own and must be able to read the files; the folder keeps others out.
mkdir -p secrets
chmod 700 secrets

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
secret() {
    local file=secrets/$1 value=$2
    if [[ -e $file ]]; then return; fi
    printf '%s' "$value" >"$file"
    chmod 444 "$file"
}

secret postgres_password "$(random)"
secret redis_password "$(random)"
secret producer_api_key "$(random)"
secret grafana_password "$(random)"
# None: webhooks are then taken with the API key only.
secret espocrm_webhook_secrets ''
# None: no calendars.
secret google_service_account ''

if [[ $demo == yes ]]; then
    secret advoware_api_key "$(printf simulated-advoware-key | base64)"
    secret advoware_password simulated-password
    secret espocrm_api_key simulated-espocrm-key
fi
for name in advoware_api_key advoware_password espocrm_api_key; do
    if [[ ! -s secrets/$name ]]; then
        echo "compose-secrets: put the secret into secrets/$name (mode 444)"
    fi
done
