#!/usr/bin/env bash
# Checks monitoring/: Prometheus' settings, the alerts and their tests, that every alert is tested both ways and has its section in
# docs/operations.md, that the dashboards' queries parse, and that every metric and label value that is asked for is one that the
# programs emit. Installs promtool and jq where they are missing (setup.sh); starts no service.
set -euo pipefail
cd "$(dirname "$0")/.."

alerts=monitoring/alerts.yml
tests=monitoring/alerts.test.yml
dashboards=(monitoring/grafana/dashboards/*.json)
runbook=docs/operations.md

failed=no
complain() {
    echo "check-monitoring: $*" >&2
    failed=yes
}

bash scripts/setup.sh monitoring
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Queries of panels and of variables, one a line; Grafana's own words replaced by what Prometheus can read.
jq -r '.panels[] | .targets[]? | .expr' "${dashboards[@]}" >"$scratch/queries"
jq -r '.templating.list[] | .definition? // empty' "${dashboards[@]}" >"$scratch/variables"
# As rules, because promtool parses no bare query; a file of rules may be JSON.
sed -e 's/\$__rate_interval/1m/g' -e 's/\$[a-z]\+/x/g' "$scratch/queries" |
    jq -R . | jq -s '{groups: [{name: "dashboards", rules: [to_entries[]
        | {record: "query", labels: {line: (.key | tostring)}, expr: .value}]}]}' >"$scratch/dashboards.yml"

# What promtool says of each file is of interest only where something is wrong.
quietly() { "$@" >"$scratch/said" 2>&1 || { cat "$scratch/said" >&2; complain "failed: $*"; }; }
quietly promtool check config monitoring/prometheus.yml
quietly promtool check rules "$alerts"
quietly promtool test rules "$tests"
quietly promtool check rules "$scratch/dashboards.yml"

# What the programs emit: literals of the code. Metrics of histograms end in _bucket, _sum or _count where they are asked for.
grep -rhoE '"[a-z_]+"' producer/src shared/src worker/src domain/src --include='*.rs' | tr -d '"' | sort -u >"$scratch/literals"
cat "$alerts" "$tests" "$scratch/queries" "$scratch/variables" >"$scratch/asked"
while read -r metric; do
    if grep -qxF "$metric" "$scratch/literals"; then continue; fi
    if [[ $metric =~ ^(.*_seconds)_(bucket|sum|count)$ ]] && grep -qxF "${BASH_REMATCH[1]}" "$scratch/literals"; then continue; fi
    complain "no program emits $metric"
done < <(grep -oE 'kanzleisync_[a-z_]+' "$scratch/asked" | sort -u)
while read -r value; do
    grep -qxF "$value" "$scratch/literals" || complain "no program emits a label with the value $value"
done < <(grep -oE '\b(queue|state|result|outcome|flow|kind|system|operation|status|change)(=|!=|=~|!~)"[a-z_|]+"' "$scratch/asked" |
    sed -E 's/^[^"]*"|"$//g' | tr '|' '\n' | sort -u)

# The alerts know the programs by the names of their scrapes, and these find the services of compose.yaml.
for service in producer worker; do
    scrape=$(sed -n "/job_name: kanzleisync-$service\$/{n;p}" monitoring/prometheus.yml)
    port=$(sed -nE "s/^ *${service^^}_LISTEN: 0\.0\.0\.0:([0-9]+)/\1/p" compose.yaml)
    if ! grep -qx "  $service:" compose.yaml || [[ $scrape != *"names: [$service]"*"port: $port,"* ]]; then
        complain "monitoring/prometheus.yml does not scrape the service $service of compose.yaml as kanzleisync-$service"
    fi
done

while read -r alert; do
    grep -qE "alertname: $alert, .*exp_alerts: \[\]" "$tests" || complain "$alert: no test in which it does not fire"
    grep -qE "^ *- alertname: $alert\$" "$tests" || complain "$alert: no test in which it fires"
    grep -qx "### $alert" "$runbook" || complain "$alert: no section in $runbook"
    grep -q "runbook_url: $runbook#${alert,,}\$" "$alerts" || complain "$alert: its runbook_url is not $runbook#${alert,,}"
done < <(sed -nE 's/^ *- alert: //p' "$alerts")
while read -r section; do
    grep -q "alert: $section\$" "$alerts" || complain "$runbook: no alert is called $section"
done < <(sed -nE 's/^### (Kanzleisync.*)/\1/p' "$runbook")

if [[ $failed == yes ]]; then exit 1; fi
echo "monitoring: $(grep -c 'alert: ' "$alerts") alerts with their tests and runbooks, $(wc -l <"$scratch/queries") queries of dashboards"
