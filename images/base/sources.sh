#!/bin/sh
# sources.sh SUITE MIRROR [SECURITY_MIRROR]: point apt at the given mirrors, and see that they answer.
set -eu
suite=$1 mirror=$2 security=${3:-}
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
list=/etc/apt/sources.list.d

refresh() { apt-get -qq -o APT::Update::Error-Mode=any -o Acquire::Languages=none "$@" update; }

rm -rf /etc/apt/sources.list "$list"/*
echo 'Acquire::Languages "none";' > /etc/apt/apt.conf.d/80rtcdn
cat > "$list/debian.sources" <<END
Types: deb
URIs: $mirror
Suites: $suite
Components: main
Signed-By: $keyring
END
if ! refresh; then
    # A frozen mirror's index may be past its Valid-Until date: said aloud, then used. Signatures are always checked.
    refresh -o Acquire::Check-Valid-Until=false
    echo "WARNING: the package index of $suite is past its Valid-Until date; used all the same, its signature is good" >&2
    echo 'Acquire::Check-Valid-Until "false";' >> /etc/apt/apt.conf.d/80rtcdn
fi
if [ -n "$security" ]; then
    cat > "$list/security.sources" <<END
Types: deb
URIs: $security
Suites: $suite-security
Components: main
Signed-By: $keyring
END
    refresh || {
        echo "WARNING: the machine's security mirror has no usable $suite-security: built without it" >&2
        rm "$list/security.sources"
    }
fi
