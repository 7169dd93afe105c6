#!/usr/bin/env bash
# Builds and runs Latchkey: `run` once, `watch` again at every change, `release` builds the one binary and stops.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
what="${1:-run}"
[[ $# -gt 0 ]] && shift
"$LATCHKEY_ROOT/scripts/toolchain.sh"
# shellcheck source=scripts/env.sh
source "$LATCHKEY_ROOT/scripts/env.sh"
cd "$LATCHKEY_ROOT"

case "$what" in
run)
    say "Building the portal: minutes the first time, seconds after"
    cargo leptos build
    say "Starting it; Ctrl-C stops it"
    exec "$CARGO_TARGET_DIR/debug/latchkey" serve "$@"
    ;;
watch)
    say "Building the portal, and again at every change; Ctrl-C stops it"
    exec cargo leptos watch -- serve "$@"
    ;;
release)
    compiler_flags
    say "Building the pages' files"
    cargo leptos build --release --frontend-only --precompress
    say "Building the binary with those files inside: many minutes, it is optimised as a whole"
    LATCHKEY_SITE="$LEPTOS_SITE_ROOT" cargo build --locked --release --package server --features embed-assets
    say "Done: $CARGO_TARGET_DIR/release/latchkey"
    ;;
*)
    die "serve.sh knows run, watch and release, not '$what'"
    ;;
esac
