#!/usr/bin/env bash
# Tools that the tests compare with or call: ffmpeg, ffprobe and melt as peers, curl, jq and node for the API
# documents' own examples, Chromium to look at Flower, promtool for the alert rules, systemd-analyze for units, espeak-ng and flite for
# speech to align, FriBiDi for texts in Arabic and Indian scripts, OpenAI's client for Node. Tests that lack one are
# skipped, so nothing here is needed to run the farm.
set -euo pipefail

has() { command -v "$1" >/dev/null; }

packages=()
for tool in ffmpeg curl jq espeak-ng flite melt; do
  has "$tool" || packages+=("$tool")
done
has node || packages+=(nodejs)
has chromium || has chromium-browser || has google-chrome || packages+=(chromium)
has promtool || packages+=(promtool)
has systemd-analyze || packages+=(systemd)
ldconfig -p | grep -q libfribidi || packages+=(libfribidi0)

# OpenAI's client for Node, beside Python's own: tests/sdk calls a farm with both.
sdk=.venv/sdk
if has npm && [ ! -d "$sdk/node_modules/openai" ]; then
  mkdir -p "$sdk"
  npm install --silent --no-save --no-package-lock --ignore-scripts --prefix "$sdk" openai@7.55.0 ||
    echo "Not installed: OpenAI's client for Node" >&2
fi

[ "${#packages[@]}" -eq 0 ] && exit 0

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive

# Only the tool: the package would start a server.
promtool() {
  local folder
  folder=$(mktemp -d)
  chmod 755 "$folder"
  (cd "$folder" && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb .)
  "${as_root[@]}" install "$folder/usr/bin/promtool" /usr/local/bin/
  rm -r "$folder"
}

"${as_root[@]}" apt-get update -qq
failed=()
for package in "${packages[@]}"; do # one by one: what a distribution lacks must not keep the others away
  if [ "$package" = promtool ]; then
    promtool || failed+=("$package")
  else
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$package" || failed+=("$package")
  fi
done
[ "${#failed[@]}" -eq 0 ] || { echo "Not installed: ${failed[*]}" >&2; exit 1; }
