#!/usr/bin/env bash
# Uses the scripts that an administrator uses: compose-secrets.sh in a copy of its own, and the units' command wrapper with a stand-in for
# systemd-run that does what its manual says (`$$` is a `$`, `$name` a variable, credentials are files in $CREDENTIALS_DIRECTORY).
set -euo pipefail
cd "$(dirname "$0")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
failed=no
expect() {
    local what=$1 wanted=$2 found=$3
    if [[ $found != "$wanted" ]]; then
        printf 'check-deployment-tools: %s: expected %q, found %q\n' "$what" "$wanted" "$found" >&2
        failed=yes
    fi
}

mkdir -p "$scratch/firm/scripts"
cp scripts/compose-secrets.sh "$scratch/firm/scripts/"
secrets=$scratch/firm/secrets
compose_secrets() { bash "$scratch/firm/scripts/compose-secrets.sh" "$@" </dev/stdin 2>/dev/null; }
code_of() { local code=0; "$@" >/dev/null || code=$?; echo "$code"; }

told=$(compose_secrets </dev/null | grep -c 'still to be filled in')
expect "secrets that are named as the firm's own" 3 "$told"
expect "the folder is closed to others" 700 "$(stat -c %a "$secrets")"
expect "files are read by the containers' accounts" 444 "$(stat -c %a "$secrets/redis_password")"
expect "a random password" 48 "$(stat -c %s "$secrets/redis_password")"
before=$(cat "$secrets/redis_password")
expect "one is filled in" 0 "$(printf 'a$b' | code_of compose_secrets --set advoware_password)"
# shellcheck disable=SC2016 # the value itself
expect "as it was given" 'a$b' "$(cat "$secrets/advoware_password")"
expect "nothing is given" 1 "$(code_of compose_secrets --set advoware_password </dev/null)"
# shellcheck disable=SC2016
expect "so it stays" 'a$b' "$(cat "$secrets/advoware_password")"
expect "a name that there is not" 2 "$(printf x | code_of compose_secrets --set advoware_pasword)"
expect "what stands is kept" 2 "$(compose_secrets </dev/null | grep -c 'still to be filled in')"
expect "and not made anew" "$before" "$(cat "$secrets/redis_password")"

demo=$scratch/firm/secrets-demo
listed() { (cd "$secrets" && sha256sum -- *); }
before=$(listed)
expect "the demo's secrets are made, and none is left to fill in" 0 "$(compose_secrets --demo </dev/null | wc -l)"
expect "in a folder of their own" simulated-password "$(cat "$demo/advoware_password")"
expect "that is closed to others" 700 "$(stat -c %a "$demo")"
expect "production's are as they were" "$before" "$(listed)"
expect "compose.demo.env names that folder" "./${demo##*/}" "$(sed -n 's/^SECRETS_FOLDER=//p' compose.demo.env)"
rm -r "$secrets"
expect "the demo alone" 0 "$(code_of compose_secrets --demo </dev/null)"
expect "makes no folder of production's" no "$(if [[ -e $secrets ]]; then echo yes; else echo no; fi)"
cp -r "$demo" "$secrets"
expect "the simulator's where production's belong are named" 3 "$(compose_secrets </dev/null | grep -c 'still to be filled in')"

etc=$scratch/etc
mkdir -p "$etc/secrets"
printf 'ADVOWARE_KANZLEI=4711\n' >"$etc/kanzleisync.env"
printf 'key$1' >"$etc/secrets/advoware_api_key"
: >"$etc/secrets/redis_password"
printf '{}' >"$etc/secrets/google_service_account"
cat >"$scratch/producer" <<'PRODUCER'
#!/bin/sh
printf '%s|' "$@" "$ADVOWARE_KANZLEI" "$(cat "$ADVOWARE_API_KEY_FILE")" "${REDIS_PASSWORD_FILE-none}" "$(cat "$GOOGLE_CALENDAR_SERVICE_ACCOUNT_PATH")"
PRODUCER
cat >"$scratch/systemd-run" <<'SYSTEMD_RUN'
#!/usr/bin/env bash
set -euo pipefail
CREDENTIALS_DIRECTORY=$(mktemp -d)
export CREDENTIALS_DIRECTORY
trap 'rm -rf "$CREDENTIALS_DIRECTORY"' EXIT
while [[ $1 == -* ]]; do
    if [[ $1 == -p ]]; then
        shift
        case $1 in
            EnvironmentFile=*) set -a; . "${1#EnvironmentFile=}"; set +a ;;
            LoadCredential=*) credential=${1#LoadCredential=}; cp "${credential#*:}" "$CREDENTIALS_DIRECTORY/${credential%%:*}" ;;
        esac
    fi
    shift
done
command=()
for word in "$@"; do
    command+=("$(sed -e 's/\$\$/\x01/g' -e 's/\$[A-Za-z_]*//g' -e 's/\x01/$/g' <<<"$word")")
done
"${command[@]}"
SYSTEMD_RUN
chmod +x "$scratch/producer" "$scratch/systemd-run"
sed -e "s#/etc/kanzleisync#$etc#" -e "s#/usr/local/bin/kanzleisync-producer#$scratch/producer#" deployment/systemd/kanzleisync >"$scratch/kanzleisync"
# shellcheck disable=SC2016 # arguments with a dollar arrive as they were given
given=$(PATH=$scratch:$PATH bash "$scratch/kanzleisync" audit history 'a$b c')
# shellcheck disable=SC2016
expect "the command, with the units' settings and secrets" 'audit|history|a$b c|4711|key$1|none|{}|' "$given"
expect "without a command its help" '--help|4711|key$1|none|{}|' "$(PATH=$scratch:$PATH bash "$scratch/kanzleisync")"

if [[ $failed == yes ]]; then exit 1; fi
