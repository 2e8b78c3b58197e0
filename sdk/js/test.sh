#!/bin/sh
# test.sh [REPORT]: run the unit tests beside the sources in node (one `describe` per file, so that counts add up);
# REPORT gets them as JUnit XML.
set -eu
cd "$(dirname "$0")"
REPORT=${1:-/dev/null}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
esbuild $(ls src/*.test.ts page/*.test.ts 2> /dev/null) --bundle --platform=node --format=esm --target=node20 --out-extension:.js=.mjs --sourcemap=inline --log-level=warning --outdir="$work"
node --enable-source-maps --test --test-reporter=spec --test-reporter-destination=stdout \
    --test-reporter=junit --test-reporter-destination="$REPORT" $(find "$work" -name '*.test.mjs' | sort)
