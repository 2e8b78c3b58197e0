#!/bin/sh
# Starts Janus in the foreground on /etc/janus, with as many open files as the container allows.
set -eu
if [ ! -r /etc/janus/janus.jcfg ]; then
    echo "/etc/janus/janus.jcfg is missing or unreadable for user $(id -un): mount the rendered templates/janus there" >&2
    exit 78
fi
ulimit -n "$(ulimit -Hn)"
exec janus --disable-colors "$@"
