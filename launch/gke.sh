#!/usr/bin/env bash
# Trains on TPU slices of a GKE cluster, as a JobSet.
# launch/gke.sh --help; docs/pods.md.
set -euo pipefail
root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "$0: Python 3.11 or newer is needed; nothing else has to be installed" >&2
    exit 2
fi
# -P: no module of the working directory stands in for one of Python's.
PYTHONPATH=$root${PYTHONPATH:+:$PYTHONPATH} exec python3 -P -m launch.pods.gke "$@"
