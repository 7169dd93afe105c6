#!/usr/bin/env bash
# Brings everything that a build needs, and says what and why. Safe to run again: what is there is left alone.
#   toolchain.sh            what building and serving need
#   toolchain.sh --tests    that, and what the tests need
#   LATCHKEY_RUST=debian    takes Debian's Rust even where rustup could fetch one
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# Pinned: the versions that were built and tested together.
CARGO_LEPTOS=0.3.11
CARGO_DENY=0.20.2
# Equal to the digit to the one that Cargo.lock names, or the wasm does not load.
WASM_BINDGEN="$(sed -n '/^name = "wasm-bindgen"$/{n;s/version = "\(.*\)"/\1/p}' "$LATCHKEY_ROOT/Cargo.lock")"
RUST="$(sed -n 's/^channel = "\(.*\)"/\1/p' "$LATCHKEY_ROOT/rust-toolchain.toml")"

with_tests=false
[[ "${1:-}" == --tests ]] && with_tests=true

# debian WHY PACKAGE…: installs the packages that are missing.
debian() {
    local why="$1" package missing=()
    shift
    for package in "$@"; do
        dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    command -v apt-get >/dev/null || die "These Debian packages are needed $why, and there is no apt-get here: ${missing[*]}"
    say "Installing ${missing[*]} (Debian): $why"
    if [[ -z "${apt_is_fresh:-}" ]]; then
        need_root "Updating the package lists" apt-get update -qq
        apt_is_fresh=yes
    fi
    need_root "Installing packages" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# crate COMMAND VERSION CRATE [OPTION…]: builds a cargo tool into the cache unless that very version is there.
crate() {
    local command="$1" version="$2" name="$3"
    shift 3
    if [[ -x "$LATCHKEY_TOOLS/bin/$command" ]] && grep -qF "\"$name $version " "$LATCHKEY_TOOLS/.crates.toml" 2>/dev/null; then return 0; fi
    say "Building $name $version, once, into $LATCHKEY_TOOLS: some minutes"
    # A tool of the build need not be fast; its own link-time optimisation would take most of an hour.
    CARGO_TARGET_DIR="$LATCHKEY_TOOLS/target" CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=0 cargo install --quiet --root "$LATCHKEY_TOOLS" "$name@$version" "$@"
}

rust_by_rustup() {
    command -v rustup >/dev/null || return 1
    if rustup run "$RUST" rustc --version >/dev/null 2>&1 &&
        [[ -d "$(rustup run "$RUST" rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]] &&
        rustup run "$RUST" cargo clippy --version >/dev/null 2>&1; then
        return 0
    fi
    say "Fetching Rust $RUST with its wasm target (rustup): the compiler of both halves"
    timeout 300 rustup toolchain install "$RUST" --profile minimal --component clippy --component rustfmt \
        --target wasm32-unknown-unknown --no-self-update >&2
}

# Debian carries the same compiler for its browsers. It has no std for wasm: that is built here from its source.
rust_by_debian() {
    debian "for Rust, which rustup cannot fetch here" \
        rustc-web cargo-web rust-web-src rust-web-clippy rustfmt-web rust-web-llvm lld-22
    local prefix version sysroot
    prefix="$(dirname "$(dirname "$(dpkg -L rustc-web | grep -E '/bin/rustc$' | head -n 1)")")"
    version="$("$prefix/bin/rustc" --version | cut -d' ' -f2)"
    [[ "$version" == "$RUST" ]] || warn "Debian's Rust is $version, the project's is $RUST: going on with Debian's."
    sysroot="$LATCHKEY_CACHE/wasm-sysroot-$version"
    if [[ ! -d "$sysroot/lib/rustlib/wasm32-unknown-unknown/lib" ]]; then
        say "Building the standard library for wasm from Debian's source: one or two minutes"
        local folder
        folder="$(mktemp -d)"
        mkdir -p "$folder/src"
        printf '[package]\nname = "std-for-wasm"\nversion = "0.0.0"\nedition = "2024"\n' >"$folder/Cargo.toml"
        : >"$folder/src/lib.rs"
        # Outside the clone: its rust-toolchain.toml would ask rustup for what it cannot fetch.
        (cd "$folder" && PATH="$prefix/bin:$PATH" RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$folder/target" "$prefix/bin/cargo" build --quiet --release \
            --target wasm32-unknown-unknown -Z build-std=std,panic_abort)
        mkdir -p "$sysroot/lib/rustlib/wasm32-unknown-unknown/lib"
        cp "$folder"/target/wasm32-unknown-unknown/release/deps/*.rlib "$sysroot/lib/rustlib/wasm32-unknown-unknown/lib/"
        rm -rf "$folder"
    fi
    mkdir -p "$LATCHKEY_CACHE"
    {
        printf 'add_to_path %q\n' "$prefix/bin"
        printf 'export LATCHKEY_WASM_SYSROOT=%q\n' "$sysroot"
        # Other flags are another build: nothing is mixed with what rustup's compiler made.
        printf 'export CARGO_TARGET_DIR=%q\n' "$LATCHKEY_CACHE/target-debian"
        if command -v rustup >/dev/null; then
            rustup toolchain link latchkey-debian "$prefix" >&2
            printf 'export RUSTUP_TOOLCHAIN=latchkey-debian\n'
        fi
    } >"$LATCHKEY_CACHE/env"
}

rust() {
    if [[ "${LATCHKEY_RUST:-}" != debian ]] && rust_by_rustup; then
        rm -f "$LATCHKEY_CACHE/env"
    else
        rust_by_debian
    fi
    # What this choice exports counts from here on.
    source "$LATCHKEY_ROOT/scripts/env.sh"
}

node_is_new_enough() {
    command -v node >/dev/null && [[ "$(node --version | sed 's/^v\([0-9]*\).*/\1/')" -ge 20 ]] && command -v npm >/dev/null
}

# npm_packages FOLDER WHY: installs exactly what the folder's lock file names.
npm_packages() {
    local folder="$1" why="$2" stamp
    stamp="$folder/node_modules/.latchkey-lock"
    if cmp -s "$folder/package-lock.json" "$stamp"; then return 0; fi
    say "Installing $(basename "$folder")'s npm packages: $why"
    (cd "$folder" && npm ci --no-audit --no-fund --silent)
    cp "$folder/package-lock.json" "$stamp"
}

node_is_new_enough || die "Node 20 or later with npm is needed for Tailwind. Install it from https://nodejs.org or your system's packages."
debian "to compile and link (C parts: SQLite, TLS; mold links several times faster)" gcc g++ make pkg-config libc6-dev mold
rust
npm_packages "$LATCHKEY_ROOT/style" "Tailwind for the stylesheet, wasm-opt to shrink the wasm"
crate wasm-bindgen "$WASM_BINDGEN" wasm-bindgen-cli
crate cargo-leptos "$CARGO_LEPTOS" cargo-leptos --locked --features no_downloads
if "$with_tests"; then
    debian "for the tests: a real browser, a real PostgreSQL, real proxies" chromium fonts-liberation postgresql nginx-light haproxy caddy shellcheck
    npm_packages "$LATCHKEY_ROOT/end2end" "Playwright and axe for the browser journeys"
    crate cargo-deny "$CARGO_DENY" cargo-deny --locked
fi
