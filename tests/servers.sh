#!/bin/sh
# Installs the Debian packages that the tests need, where they are missing and we may.
set -eu
[ -r /etc/debian_version ] || exit 0
wanted="${*:-postgresql postfix opendkim rspamd strace openssl dovecot-imapd dovecot-lmtpd faketime chromium}"
missing=""
for package in $wanted; do
    dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "please install:$missing" >&2
    exit 0
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends $missing >/dev/null
