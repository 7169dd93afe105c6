#!/usr/bin/env bash
# Every check, in the order in which they fail fastest. `--format` only formats.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
started=$SECONDS
cd "$LATCHKEY_ROOT"
"$LATCHKEY_ROOT/scripts/toolchain.sh" --tests
# shellcheck source=scripts/env.sh
source "$LATCHKEY_ROOT/scripts/env.sh"

if [[ "${1:-}" == --format ]]; then exec cargo fmt --all; fi

# step NAME COMMAND…: runs a check and says how long it took.
step() {
    local name="$1" began=$SECONDS
    shift
    say "$name"
    "$@" || die "$name: failed after $((SECONDS - began)) s"
    say "$name: passed in $((SECONDS - began)) s"
}

shell_scripts() { shellcheck --external-sources scripts/*.sh .ci/run; }

licences_and_bans() {
    # cargo-deny reads the manifest of every crate, also of those that other systems would need.
    cargo fetch --locked --quiet || return 1
    cargo deny --locked --offline --log-level error check bans licenses sources || return 1
    if timeout 20 git ls-remote --exit-code --quiet https://github.com/rustsec/advisory-db HEAD >/dev/null 2>&1; then
        cargo deny --locked --log-level error check advisories
    else
        warn "The advisory database cannot be reached from here: advisories were not checked, minimum versions (deny.toml) were."
    fi
}

clippy_native() { cargo clippy --locked --quiet --workspace --exclude frontend --all-targets -- --deny warnings; }
clippy_wasm() { cargo clippy --locked --quiet --package frontend --target wasm32-unknown-unknown -- --deny warnings; }
rust_tests() { scripts/postgres.sh cargo test --locked --quiet --workspace --exclude frontend; }
browser_build() { cargo leptos build; }
browser_tests() { (cd end2end && npx playwright test); }

step "Format" cargo fmt --all -- --check
step "Shell scripts" shell_scripts
step "Arrows between layers" scripts/arrows.sh
step "Licences, banned crates, minimum versions" licences_and_bans
step "Clippy for the server" clippy_native
step "Clippy for the browser" clippy_wasm
step "Unit and integration tests, on SQLite and PostgreSQL" rust_tests
step "Build of the portal" browser_build
step "Browser journeys" browser_tests
say "Everything passed in $((SECONDS - started)) s"
