#!/usr/bin/env bash
# Counts the instructions of one decision at the door. Unlike time, they hardly depend on the machine or on what else it does.
#   callgrind.sh            compares with the checked-in counts, and fails where one differs by more than 3 %
#   callgrind.sh --update   writes them
set -euo pipefail
shopt -s inherit_errexit
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$LATCHKEY_ROOT"

COUNTS=server/core/benches/decide.instructions
TOLERANCE=3
# Counted is what happens inside this function of the example and in whatever that calls. It must not be inlined.
FUNCTION=decide_once::measured

update=false
[[ "${1:-}" == --update ]] && update=true

if ! command -v valgrind >/dev/null; then
    say "Installing valgrind (Debian): it runs a program and counts its instructions"
    need_root "Updating the package lists" apt-get update -qq
    need_root "Installing packages" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends valgrind >/dev/null
fi

say "Building the example"
# The function is found by its name, and mold strips names together with what Cargo means to strip, debugging information.
CARGO_PROFILE_BENCH_STRIP=none cargo build --locked --quiet --profile bench --package latchkey-core --example decide_once
example="$CARGO_TARGET_DIR/release/examples/decide_once"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

# collected CASE CALLS: all instructions inside the function. The caller's environment, which may tune libc, is left out.
collected() {
    env -i "$(command -v valgrind)" --tool=callgrind --quiet --callgrind-out-file="$folder/out" --toggle-collect="$FUNCTION" \
        "$example" "$1" "$2" >/dev/null 2>"$folder/errors" || die "$1 failed under valgrind: $(cat "$folder/errors")"
    sed -n 's/^summary: //p' "$folder/out"
}

# per_call CASE: what a thousand more calls cost, so that whatever happens once cancels out. The two runs must do the same: what
# is measured may not look into a map that is seeded at random.
per_call() {
    local few many
    few="$(collected "$1" 1000)"
    many="$(collected "$1" 2000)"
    [[ "${many:-0}" -gt "${few:-0}" ]] || die "Nothing was counted for $1: is $FUNCTION there, and #[inline(never)]?"
    echo $(((many - few + 500) / 1000))
}

this_machine="$(uname -m)"
this_compiler="$(rustc --version | cut -d' ' -f2)"
"$example" >"$folder/cases"
[[ -s "$folder/cases" ]] || die "The example names no cases"
: >"$folder/counts"
while read -r case; do
    count="$(per_call "$case")"
    printf '%s %s\n' "$case" "$count" >>"$folder/counts"
done <"$folder/cases"

if "$update"; then
    mkdir -p "$(dirname "$COUNTS")"
    {
        echo "# Instructions of one call of decide, by case. Written by scripts/callgrind.sh --update."
        echo "# Counted on $this_machine with rustc $this_compiler."
        cat "$folder/counts"
    } >"$COUNTS"
fi
[[ -f "$COUNTS" ]] || die "There is no $COUNTS to compare with: run scripts/callgrind.sh --update"
read -r machine compiler < <(sed -n 's/^# Counted on \(.*\) with rustc \(.*\)\.$/\1 \2/p' "$COUNTS")

# The table, and behind it one line for each fault; awk counts the faults.
compare() {
    awk -v tolerance="$TOLERANCE" '
        /^#/ { next }
        FNR == NR { before[$1] = $2; next }
        FNR == 1 { printf "%-32s %14s %14s %9s\n", "case", "instructions", "checked in", "change" }
        !($1 in before) { printf "%-32s %14d %14s %9s\n", $1, $2, "-", "new"; faults++; next }
        {
            change = 100 * ($2 - before[$1]) / before[$1]
            printf "%-32s %14d %14d %+8.1f%%%s\n", $1, $2, before[$1], change, (change * change > tolerance * tolerance ? "  ✗" : "")
            if (change * change > tolerance * tolerance) faults++
            delete before[$1]
        }
        END {
            for (name in before) { printf "%-32s %14s %14d %9s\n", name, "-", before[name], "gone"; faults++ }
            exit faults > 0
        }' "$COUNTS" "$folder/counts"
}

if [[ "$machine" != "$this_machine" ]]; then
    cat "$folder/counts"
    warn "The checked-in counts are of $machine and this is $this_machine: they cannot be compared."
    exit 0
fi
[[ "$compiler" == "$this_compiler" ]] || warn "The checked-in counts are of rustc $compiler, this is $this_compiler."
compare || die "A count differs by more than $TOLERANCE %, for better or worse. If that is meant: scripts/callgrind.sh --update"
say "Every count is within $TOLERANCE % of what is checked in"
