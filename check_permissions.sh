#!/bin/sh
# Shows what a user may do in an environment, and why:
#
#   ./check_permissions.sh --user=admin --environment=production
#
# Exit codes: 0 allowed, perhaps with a second factor or an approval; 1 denied; 2 bad input, or it cannot be checked.
# It is `automation policy matrix`, found beside this file or on the PATH; --help shows what else it takes.
set -eu

script=$0
while [ -h "$script" ]; do # the links that lead here
  target=$(readlink -- "$script")
  case $target in
  /*) script=$target ;;
  *) script=$(dirname -- "$script")/$target ;;
  esac
done
here=$(CDPATH='' cd -- "$(dirname -- "$script")" && pwd -P)

if [ -x "$here/.venv/bin/automation" ]; then
  exec "$here/.venv/bin/automation" policy matrix "$@"
elif command -v automation >/dev/null 2>&1; then
  exec automation policy matrix "$@"
fi
printf '%s\n' "error: the command \`automation\` was found neither in $here/.venv/bin nor on the PATH. Set it up with:" \
  "  cd '$here' && python3 -m venv .venv && .venv/bin/pip install -r requirements.txt -e ." >&2
exit 2
