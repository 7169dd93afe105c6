#!/usr/bin/env bash
# The arrows between layers: what may reach the browser knows nothing of rules and storage; rules know nothing of HTTP and SQL.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$LATCHKEY_ROOT"
wasm=(--target wasm32-unknown-unknown)
faults=0

# must_not PACKAGE 'FORBIDDEN…' [OPTION…]: fails when the package depends on one of the forbidden ones, however indirectly.
must_not() {
    local package="$1" forbidden="$2" tree name
    shift 2
    tree="$(cargo tree --locked --quiet --package "$package" --edges normal --prefix none --format '{p}' "$@" | cut -d' ' -f1 | sort -u)"
    # A tree that does not hold the package itself was never read.
    grep -qx "$package" <<<"$tree" || die "cargo tree says nothing of $package"
    for name in $forbidden; do
        if grep -qx "$name" <<<"$tree"; then
            warn "$package reaches $name; find the way with: cargo tree --package $package --invert $name $*"
            faults=$((faults + 1))
        fi
    done
}

http="axum axum-core tower-http hyper leptos_axum"
sql="sea-orm sea-orm-migration sqlx sqlx-core"
ours="latchkey-core latchkey-storage migrations server"

must_not latchkey-model "$http $sql $ours app leptos tokio"
must_not latchkey-core "$http $sql latchkey-storage migrations server app leptos leptos_server"
must_not latchkey-storage "$http migrations server app leptos"
must_not migrations "$http latchkey-core latchkey-storage server app leptos"
must_not app "$sql latchkey-storage migrations server" --features ssr
must_not latchkey-load "$http $sql $ours app leptos tokio"
must_not frontend "$http $sql $ours tokio argon2 zxcvbn" "${wasm[@]}"

[[ "$faults" -eq 0 ]] || die "$faults arrows point the wrong way"
say "Every arrow points one way"
