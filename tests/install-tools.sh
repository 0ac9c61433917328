#!/usr/bin/env bash
# Tools that the tests compare with or call: ffmpeg and ffprobe as a peer, curl, jq and node for the API
# documents' own examples. Tests that lack one are skipped, so nothing here is needed to run the farm.
set -euo pipefail

missing=()
for tool in ffmpeg curl jq node; do
  command -v "$tool" >/dev/null && continue
  case "$tool" in
    node) missing+=(nodejs) ;;
    *) missing+=("$tool") ;;
  esac
done
[ "${#missing[@]}" -eq 0 ] && exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
"${as_root[@]}" apt-get update -qq
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}"
