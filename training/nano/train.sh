#!/bin/sh
# From nothing to models/nano/atos-nano-q8_0.gguf and its figures, in one command.
# WORK names the folder for what lies in between (default: atos-nano in the temporary folder).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
python=${PYTHON:-/usr/bin/python3}
node=${NODE:-"$root/node_modules/node/bin/node"}
work=${WORK:-"${TMPDIR:-/tmp}/atos-nano"}
models="$root/models/nano"

if ! "$python" -c "import torch, numpy, regex" 2>/dev/null; then
  echo "torch, numpy or regex is missing for $python; install them with:" >&2
  echo "  apt-get install -y python3-torch python3-numpy python3-regex libopenblas0-pthread" >&2
  exit 3
fi

# One thread: two spin against each other on a busy machine and are many times slower.
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 PYTHONHASHSEED=0
mkdir -p "$work"
cd "$here"
"$python" protocol.py
"$python" export_domain.py "$models/domain.yaml"
"$python" tokenizer.py 1280 "$work/tokenizer.json"
train() {
  nice -n 5 "$python" train.py --tokenizer "$work/tokenizer.json" "$@"
}
train --stage learn --seed 1 --steps 2000 --out "$work/learnt.pt"
train --stage settle --seed 2 --steps 2400 --fall 2600 --start "$work/learnt.pt" --out "$work/settled.pt"
train --stage polish --seed 3 --steps 1300 --fall 1300 --peak 0.3 --start "$work/settled.pt" --out "$work/polished.pt"
train --stage polish --seed 4 --steps 2500 --fall 2500 --peak 0.5 --start "$work/polished.pt" --out "$work/polished-again.pt"
train --stage finish --seed 5 --steps 800 --fall 800 --peak 0.3 --start "$work/polished-again.pt" --out "$work/weights.pt"
"$python" gguf.py "$work/weights.pt" "$work/tokenizer.json" "$models/atos-nano-q8_0.gguf"
NODE="$node" PYTHON="$python" WORK="$work" "$here/evaluate.sh"
