#!/bin/sh
# Prints the held-out figures of models/nano/atos-nano-q8_0.gguf. It runs code the model wrote.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-/usr/bin/python3}
node=${NODE:-"$root/node_modules/node/bin/node"}
work=${WORK:-"${TMPDIR:-/tmp}/atos-nano"}
model=${MODEL:-"$root/models/nano/atos-nano-q8_0.gguf"}
mkdir -p "$work"
cd "$here"
"$python" cases.py "$work/cases.json" "$node"
"$node" evaluate.ts "$model" "$root/models/nano/domain.yaml" "$work/cases.json" "$work/replies.json"
"$python" score.py "$work/cases.json" "$work/replies.json" "$node"
