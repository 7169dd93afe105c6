#!/usr/bin/env bash
# Measures the door: the server on one core, the load on another, everything in one run; then its parts, and instructions.
#   bench.sh                the table of 1,000 keys, the pages over filled databases, the parts one by one, the instructions of a decision
#   bench.sh table [OPTION…]    the table alone; --help of `latchkey-bench run` lists the options
#   bench.sh seed --data FOLDER --keys 1000000 --usage-rows 10000000    fills a folder, for `table --data FOLDER` and `usage`
#   bench.sh figures [OPTION…]      the pages of usage and logs, live logs and retention, on SQLite and PostgreSQL; small, unless it is told
#                                   --rows 10000000: then each database takes some 20 GB and a quarter of an hour
#   bench.sh fill --data FOLDER --rows 10000000    fills a folder for `figures --data FOLDER`, which asks SQLite alone then
#   bench.sh refresh --data FOLDER  refreshes a second, on one core, each on the disk before it is answered
#   bench.sh usage --data FOLDER    the usage page's question over what the folder holds
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
"$LATCHKEY_ROOT/scripts/toolchain.sh"
# shellcheck source=scripts/env.sh
source "$LATCHKEY_ROOT/scripts/env.sh"
cd "$LATCHKEY_ROOT"
# The flags of the release.
compiler_flags

[[ "$(nproc)" -ge 2 ]] || die "Two cores are needed: one for the server, one for the load"
command -v taskset >/dev/null || die "taskset (util-linux) is needed, to keep server and load apart"
say "Building the server as it is released: many minutes the first time"
cargo build --locked --quiet --release --package latchkey-bench
bench="$CARGO_TARGET_DIR/release/latchkey-bench"

# The server takes core 0; whatever loads it, core 1.
table() { taskset --cpu-list 1 "$bench" run --server-core 0 "$@"; }

# The pages of one database after the other.
figures() {
    "$bench" figures --server-core 0 "$@"
    [[ " $* " != *" --data"* && " $* " != *" --database"* ]] || return 0
    if [[ -z "$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null)" ]]; then
        warn "PostgreSQL is not installed: its figures are left out (scripts/toolchain.sh --tests installs it)"
        return 0
    fi
    # Like a small server that is set up with care, and that waits for its disk.
    # Expanded by the shell that postgres.sh starts.
    # shellcheck disable=SC2016
    POSTGRES_OPTIONS="-c fsync=on -c shared_buffers=1GB -c random_page_cost=1.1 -c effective_cache_size=4GB -c max_wal_size=8GB" \
        scripts/postgres.sh bash -c '"$0" figures --server-core 0 --database "$LATCHKEY_TEST_POSTGRES" "$@"' "$bench" "$@"
}

case "${1:-all}" in
table)
    shift
    table "$@"
    ;;
figures)
    shift
    figures "$@"
    ;;
seed | fill | usage)
    "$bench" "$@"
    ;;
refresh)
    taskset --cpu-list 0 "$bench" "$@"
    ;;
all)
    table
    say "Pages over filled databases"
    figures
    say "Refreshes"
    folder="$(mktemp -d)"
    trap 'rm -rf "$folder"' EXIT
    taskset --cpu-list 0 "$bench" refresh --data "$folder/data"
    say "The parts of the door"
    cargo bench --locked --quiet --package latchkey-bench --bench door
    say "The instructions of a decision"
    scripts/callgrind.sh
    ;;
*)
    die "bench.sh knows table, figures, fill, seed, refresh, usage and no word at all, not '$1'"
    ;;
esac
