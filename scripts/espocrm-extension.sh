#!/usr/bin/env bash
# Packs the EspoCRM extension: target/espocrm-extension/kanzleisync-<version>.zip, version as in Cargo.toml. The same sources
# make the same bytes. The form is EspoCRM's: manifest.json, files/, scripts/.
set -euo pipefail
cd "$(dirname "$0")/.."

version=$(sed -nE '/^\[workspace\.package\]$/,/^\[/ s/^version = "([^"]+)"$/\1/p' Cargo.toml)
if [[ -z $version ]]; then
    echo "espocrm-extension: no version found in Cargo.toml" >&2
    exit 2
fi

package=target/espocrm-extension/kanzleisync-$version.zip
mkdir -p "${package%/*}"
rm -f "${package%/*}"/kanzleisync-*.zip

python3 - espocrm-extension "$version" "$package" <<'PYTHON'
import json, pathlib, sys, zipfile

source, version, package = pathlib.Path(sys.argv[1]), sys.argv[2], sys.argv[3]
manifest = json.loads((source / "manifest.json").read_text("utf-8"))
manifest["version"] = version
contents = {"manifest.json": (json.dumps(manifest, indent=4, ensure_ascii=False) + "\n").encode()}
for folder in ("files", "scripts"):
    for path in (source / folder).rglob("*"):
        if path.is_file():
            contents[path.relative_to(source).as_posix()] = path.read_bytes()

with zipfile.ZipFile(package, "w") as archive:
    for name in sorted(contents):
        # Neither times nor the builder's rights: both would differ between two builds. Stored, as zlib's output may differ, too.
        entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
        entry.create_system = 3
        entry.external_attr = 0o100644 << 16
        archive.writestr(entry, contents[name], zipfile.ZIP_STORED)
PYTHON

echo "espocrm-extension: $package"
