#!/usr/bin/env bash
# One function: tests first, then a developer for one task, then the proof.
# run.sh [FOLDER]: where the repository goes; a temporary one by default.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
atos="$here/../../atos"
out="${1:-$(mktemp -d)/even}"

"$atos" build "Write a Python function is_even that checks whether a number is even" --out "$out" --yes
echo
git -C "$out" log --oneline --stat --format='%s'
echo
"$atos" receipt verify "$out"
