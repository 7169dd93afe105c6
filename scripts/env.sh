# shellcheck shell=bash
# Sourced by every script: where things are, and how the scripts speak. It installs nothing and changes nothing on disk.

LATCHKEY_ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
export LATCHKEY_ROOT

# What is built or fetched lies outside the clone, so that clones share it and `git status` stays clean.
export LATCHKEY_CACHE="${LATCHKEY_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/latchkey}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$LATCHKEY_CACHE/target}"
# cargo-leptos writes the site here; a debug server serves it from here.
export LEPTOS_SITE_ROOT="$CARGO_TARGET_DIR/site"
# Leptos reads this while it is compiled: one value for every build, or each kind of build would compile it again.
export LEPTOS_OUTPUT_NAME=latchkey

LATCHKEY_TOOLS="$LATCHKEY_CACHE/tools"
export LATCHKEY_TOOLS

# Rust's own programs come last but one: a Rust installed a minute ago is not yet on the caller's PATH.
add_to_path() {
    local folder
    for folder in "$@"; do
        case ":$PATH:" in
        *":$folder:"*) ;;
        *) PATH="$folder:$PATH" ;;
        esac
    done
}
add_to_path "${CARGO_HOME:-$HOME/.cargo}/bin" "$LATCHKEY_ROOT/style/node_modules/.bin" "$LATCHKEY_TOOLS/node/bin" "$LATCHKEY_TOOLS/bin"
export PATH

# Written by toolchain.sh where Rust comes from Debian instead of rustup: which toolchain, and where its std for wasm is.
# shellcheck disable=SC1091
if [[ -f "$LATCHKEY_CACHE/env" ]]; then source "$LATCHKEY_CACHE/env"; fi

# compiler_flags [FLAG…]: the same flags for every build, whoever starts it, so that nothing is compiled twice.
# mold links the server several times faster than the default linker: for the host only, wasm has its own linker. gcc knows the
# flag since 12; a compiler that does not is left alone.
compiler_flags() {
    local major=0 host=("$@")
    if command -v mold >/dev/null && command -v cc >/dev/null; then
        major="$(cc -dumpversion)"
        [[ "${major%%.*}" -lt 12 ]] || host+=(-Clink-arg=-fuse-ld=mold)
    fi
    export "CARGO_TARGET_$(uname -m | tr '[:lower:]' '[:upper:]')_UNKNOWN_LINUX_GNU_RUSTFLAGS=${host[*]}"
    export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS="${LATCHKEY_WASM_SYSROOT:+--sysroot=$LATCHKEY_WASM_SYSROOT} $*"
}
# Leptos compiles several times faster when the types of components are erased; a release is built without (serve.sh).
ERASED="--cfg=erase_components"
# shellcheck disable=SC2086
compiler_flags $ERASED

# Colours on a terminal only: a log keeps plain text.
paint() {
    local colour="$1" text="$2"
    if [[ -t 2 && -z "${NO_COLOR:-}" ]]; then printf '\033[%sm%s\033[0m\n' "$colour" "$text" >&2; else printf '%s\n' "$text" >&2; fi
}
say() { paint '36' "▸ $*"; }
warn() { paint '33' "! $*"; }
die() {
    paint '31' "✗ $*"
    exit 1
}

# need_root WHY COMMAND…: runs the command as root, or says exactly what to run by hand.
need_root() {
    local why="$1"
    shift
    if [[ "$(id -u)" -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "$why needs root, and there is no sudo here. Please run as root: $*"
    fi
}
