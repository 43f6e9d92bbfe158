#!/bin/sh
# Installs Synapse, the Matrix homeserver that the tests talk to, into a cache of its own.
set -eu
here=$(dirname "$0")
home="${XDG_CACHE_HOME:-$HOME/.cache}/madoguchi/synapse-$(cksum <"$here/synapse.txt" | cut -d ' ' -f 1)"
if [ ! -d "$home" ]; then
    echo "installing: Synapse" >&2
    new="$home.$$"
    trap 'rm -rf "$new"' EXIT
    mkdir -p "$(dirname "$home")"
    "${PYTHON:-python3}" -m venv "$new"
    "$new/bin/python" -m pip install --quiet --disable-pip-version-check \
        --only-binary :all: --no-deps -r "$here/synapse.txt" >&2
    mv -T "$new" "$home" 2>/dev/null || [ -d "$home" ]  # somebody else was faster
fi
echo "$home"
