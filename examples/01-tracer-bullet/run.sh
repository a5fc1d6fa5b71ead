#!/usr/bin/env bash
# A goal goes to one model, its answers come back as a plan with tests, and all of it is remembered.
# run.sh [FOLDER]: where the repository will go; a temporary one by default.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)"
atos="$here/../../atos"
out="${1:-$(mktemp -d)/tracer}"

"$atos" build "Write a Python function add_numbers that adds two numbers" --out "$out" --plan-only --yes
echo
echo "What the model was told and what it said, from the journal:"
echo
"$atos" debug spec
