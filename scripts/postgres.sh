#!/usr/bin/env bash
# Runs a command with a PostgreSQL of its own: started in a new folder, on a free port of loopback, gone afterwards.
#   postgres.sh COMMAND…    sees its address in LATCHKEY_TEST_POSTGRES
# What POSTGRES_OPTIONS says comes last, and counts.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

programs="$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)"
[[ -n "$programs" ]] || die "PostgreSQL is not installed: run scripts/toolchain.sh --tests"
folder="$(mktemp -d)"
# PostgreSQL refuses to run as root.
as=()
if [[ "$(id -u)" -eq 0 ]]; then
    chown postgres "$folder"
    as=(runuser -u postgres --)
fi
# Called by the trap.
# shellcheck disable=SC2317,SC2329
clean() {
    "${as[@]}" "$programs/pg_ctl" --pgdata "$folder/data" --mode immediate --silent stop || true
    rm -rf "$folder"
}
trap clean EXIT

port="$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(LocalAddr => "127.0.0.1", Listen => 1)->sockport')"
cd "$folder"
"${as[@]}" "$programs/initdb" --pgdata "$folder/data" --username latchkey --auth trust --encoding UTF8 --locale C >/dev/null
# Tests end the server without keeping anything: it need not wait for the disk.
"${as[@]}" "$programs/pg_ctl" --pgdata "$folder/data" --silent --wait --log "$folder/log" \
    --options "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c max_connections=300 ${POSTGRES_OPTIONS:-}" start
cd "$LATCHKEY_ROOT"
LATCHKEY_TEST_POSTGRES="postgres://latchkey@127.0.0.1:$port/postgres" "$@"
