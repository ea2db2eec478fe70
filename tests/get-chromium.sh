#!/bin/sh
# Finds Chromium for the browser tests, or installs it where a package manager may be used. Without
# one the browser tests skip and say why, so that a machine without root can run all the others.
set -u

for name in "${PROCTOR_CHROMIUM:-}" chromium chromium-browser google-chrome; do
  if [ -n "$name" ] && command -v "$name" >/dev/null 2>&1; then
    exit 0
  fi
done
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing Chromium for the browser tests ..."
  if apt-get update -qq >/dev/null && apt-get install -y -qq chromium >/dev/null; then
    exit 0
  fi
fi
echo "No Chromium here, and none could be installed: the browser tests will be skipped."
echo "Install one (Debian: apt-get install chromium; or: .venv/bin/playwright install chromium),"
echo "or say where it is: PROCTOR_CHROMIUM=/path/to/chromium make test"
exit 0
