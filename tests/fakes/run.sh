#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The fakes' own tests: what stands in for GitHub, Jira and Slack in the end-to-end tests behaves as those do.
command -v python3 >/dev/null 2>&1 || { echo "skipped: python3 is not installed"; exit 77; }
out=$(PYTHONDONTWRITEBYTECODE=1 python3 -W error::ResourceWarning "${SRC:?}/tests/fakes/test_fakes.py" 2>&1)
status=$?
printf '%s\n' "$out"
ran=$(printf '%s\n' "$out" | sed -n 's/^Ran \([0-9]*\) tests.*/\1/p')
bad=$(printf '%s\n' "$out" | grep -cE '^(FAIL|ERROR): ')
echo "$((${ran:-0} - bad)) passed, $bad failed"
[ "$status" -eq 0 ] && [ "${ran:-0}" -gt 0 ]
