#!/usr/bin/env bash
# Checks the EspoCRM extension without an EspoCRM: JSON and PHP can be read, the rules decide right, names and kinds are those of
# the Rust sources, both languages are complete, and a built package has EspoCRM's form. Installs php-cli where it is missing (setup.sh).
set -euo pipefail
cd "$(dirname "$0")/.."

bash scripts/setup.sh espocrm-extension
if ! php -r 'exit(PHP_VERSION_ID < 80100 ? 1 : 0);'; then
    echo "check-espocrm-extension: php 8.1 or later is needed" >&2
    exit 2
fi

# PHP tells warnings on stdout; a test that warns has failed.
run_php() { php -n -d error_reporting=-1 -d display_errors=stderr -d zend.assertions=1 "$@"; }

failed=0
while IFS= read -r -d '' file; do
    case $file in
    *.php) said=$(run_php -l "$file" 2>&1) || { echo "$said" >&2; failed=1; } ;;
    *.json) python3 -c 'import json, sys; json.load(open(sys.argv[1], encoding="utf-8"))' "$file" || { echo "in $file" >&2; failed=1; } ;;
    *) echo "check-espocrm-extension: $file is neither PHP nor JSON" >&2; failed=1 ;;
    esac
done < <(find espocrm-extension -type f ! -name '*.md' -print0)
if ((failed)); then exit 1; fi

run_php espocrm-extension/tests/rules.php
run_php espocrm-extension/tests/package.php

package=$(find target/espocrm-extension -name 'kanzleisync-*.zip' 2>/dev/null || true)
if [[ -z $package ]]; then exit; fi
before=$(sha256sum "$package")
bash scripts/espocrm-extension.sh >/dev/null
[[ $before == "$(sha256sum "$package")" ]] || { echo "check-espocrm-extension: $package is not what the sources make" >&2; exit 1; }
python3 - "$package" <<'PYTHON'
import json, re, sys, zipfile

with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    names = archive.namelist()
    manifest = json.loads(archive.read("manifest.json"))
version = r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?"
assert re.fullmatch(version, manifest["version"]), manifest["version"]
assert sys.argv[1].endswith(f"/kanzleisync-{manifest['version']}.zip")
inside = re.compile(r"manifest\.json|scripts/(BeforeInstall|AfterInstall)\.php|files/custom/Espo/Modules/Kanzleisync/.+\.(php|json)")
strangers = [name for name in names if not inside.fullmatch(name)]
assert not strangers, strangers
assert "files/custom/Espo/Modules/Kanzleisync/Resources/module.json" in names
print(f"package: {len(names)} files, version {manifest['version']}")
PYTHON
