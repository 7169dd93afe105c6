#!/usr/bin/env bash
# Measures the door: the server on one core, the load on another, everything in one run; then its parts, and instructions.
#   bench.sh                the table of 1,000 keys, the parts one by one, the instructions of a decision
#   bench.sh table [OPTION…]    the table alone; --help of `latchkey-bench run` lists the options
#   bench.sh seed --data FOLDER --keys 1000000 --usage-rows 10000000    fills a folder, for `table --data FOLDER` and `usage`
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

case "${1:-all}" in
table)
    shift
    table "$@"
    ;;
seed | usage)
    "$bench" "$@"
    ;;
refresh)
    taskset --cpu-list 0 "$bench" "$@"
    ;;
all)
    table
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
    die "bench.sh knows table, seed, refresh, usage and no word at all, not '$1'"
    ;;
esac
