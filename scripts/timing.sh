#!/usr/bin/env bash
# Measures whether the time of an answer tells whose address has an account: Welch's t over 10,000 tries each, at every place where
# somebody can name an address. It takes an hour on a machine that does nothing else.
#   LATCHKEY_TIMING_TRIES=2000 timing.sh      fewer tries
#   LATCHKEY_TIMING_SURFACE=SignIn timing.sh  one place: SignIn Basic SignUp Reset ChangeEmail Invitation
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
"$LATCHKEY_ROOT/scripts/toolchain.sh" --tests
# shellcheck source=scripts/env.sh
source "$LATCHKEY_ROOT/scripts/env.sh"
cd "$LATCHKEY_ROOT"
exec cargo test --locked --quiet --package server --test it -- --ignored --nocapture --test-threads 1 r46_no_time_tells
