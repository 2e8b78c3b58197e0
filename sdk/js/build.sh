#!/bin/sh
# build.sh [OUT]: check the types, bundle the SDK to OUT/rtcdn.js (+ .map, .d.ts) and the page to OUT/page, print sizes.
# Needs Debian's esbuild, node-typescript and nodejs. OUT is dist where not said.
set -eu
cd "$(dirname "$0")"
OUT=${1:-dist}
MOST_BYTES=41000      # of rtcdn.js, minified
MOST_GZIP_BYTES=14200 # of the same, as it goes over the wire
TARGET=es2022

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$OUT"

tsc --noEmit -p .
tsc -p tsconfig.build.json --outDir "$work/types"

esbuild src/index.ts --bundle --format=esm --target=$TARGET --minify --sourcemap --log-level=warning --outfile="$OUT/rtcdn.js"
node tools/declarations.mjs "$work/types" "$OUT/rtcdn.d.ts" "$OUT/rtcdn.js"
tsc --noEmit --strict --target $TARGET --lib $TARGET,dom "$OUT/rtcdn.d.ts"

page() {
    rm -rf "$OUT/page"
    mkdir -p "$OUT/page/sdk"
    if [ -f page/main.ts ]; then
        esbuild page/main.ts --bundle --format=esm --target=$TARGET --minify --sourcemap --log-level=warning --outfile="$OUT/page/page.js"
        find page -maxdepth 1 -type f ! -name '*.ts' -exec cp {} "$OUT/page/" \;
    else
        cp -R page/. "$OUT/page/"
    fi
    cp "$OUT/rtcdn.js" "$OUT/rtcdn.js.map" "$OUT/rtcdn.d.ts" "$OUT/page/sdk/"
}
[ ! -f page/index.html ] || page

bytes=$(wc -c < "$OUT/rtcdn.js")
gzipped=$(gzip -9 < "$OUT/rtcdn.js" | wc -c)
echo "rtcdn.js: $bytes bytes minified (at most $MOST_BYTES), $gzipped gzipped (at most $MOST_GZIP_BYTES)"
if [ "$bytes" -gt $MOST_BYTES ] || [ "$gzipped" -gt $MOST_GZIP_BYTES ]; then
    echo "rtcdn.js is larger than its budget: make it smaller, or say in build.sh why it may grow" >&2
    exit 1
fi
