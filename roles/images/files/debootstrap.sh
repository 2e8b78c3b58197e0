#!/bin/sh
# debootstrap.sh MIRROR CACHE SUITE...: minimal Debians as the engine's images rtcdn/rootfs:SUITE, all at the same time.
# In memory where there is room: dpkg syncs each file, which is most of the time on a disk.
set -eu
mirror=$1 cache=$2
shift 2

make() (
    suite=$1
    root=$(mktemp -d "$cache/rootfs.XXXXXX")
    cleanup() {
        umount -R "$root/proc" "$root/sys" 2>/dev/null || true
        umount "$root" 2>/dev/null || true
        rm -rf --one-file-system "$root"
    }
    trap cleanup EXIT
    trap 'exit 1' INT TERM
    free_kib=$(awk '/^MemAvailable/ {print $2}' /proc/meminfo)
    [ "$free_kib" -lt 3000000 ] || mount -t tmpfs -o size=1g,mode=0755 rootfs "$root" 2>/dev/null || true
    mkdir -p "$cache/debs-$suite"
    log=$cache/debootstrap-$suite.log
    script= # a suite newer than this debootstrap is made as unstable is
    [ -e "/usr/share/debootstrap/scripts/$suite" ] || script=/usr/share/debootstrap/scripts/sid
    if ! debootstrap --variant=minbase --include=ca-certificates --components=main \
        --keyring=/usr/share/keyrings/debian-archive-keyring.gpg --cache-dir="$(readlink -f "$cache/debs-$suite")" \
        "$suite" "$root" "$mirror" ${script:+"$script"} > "$log" 2>&1; then
        echo "debootstrap of $suite from $mirror failed; the end of $log on $(hostname):" >&2
        tail -n 15 "$log" "$root/debootstrap/debootstrap.log" >&2 2>/dev/null
        exit 1
    fi
    rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* \
        "$root"/usr/share/doc/* "$root"/usr/share/man/* "$root"/usr/share/locale/* "$root"/usr/share/info/*
    tar -C "$root" --one-file-system --numeric-owner -c . \
        | docker import --message "debootstrap $suite" - "rtcdn/rootfs:$suite"
)

jobs=
for each; do
    make "$each" &
    jobs="$jobs $!"
done
failed=0
for job in $jobs; do
    wait "$job" || failed=1
done
exit $failed
