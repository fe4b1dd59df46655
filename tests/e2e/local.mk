# SPDX-License-Identifier: Apache-2.0
# The longest first: what runs side by side ends at about the same time.
e2e_tests = tests/e2e/vendors_crash.sh tests/e2e/vendors.sh tests/e2e/vendors_bad.sh tests/e2e/slack.sh
e2e_tests += tests/e2e/newcomer.sh tests/e2e/operator.sh tests/e2e/remote.sh tests/e2e/crash.sh tests/e2e/agents.sh tests/e2e/refuse.sh tests/e2e/hostile.sh tests/e2e/plugins.sh tests/e2e/disk.sh tests/e2e/inprocess.sh tests/e2e/slots.sh
e2e_tests += tests/e2e/apart.sh tests/e2e/deeds.sh tests/e2e/tickets.sh tests/e2e/api.sh tests/e2e/mortal.sh tests/e2e/trust.sh tests/e2e/strangers.sh
e2e_tests += tests/e2e/prompts.sh tests/e2e/onto.sh tests/e2e/submodules.sh tests/e2e/reload.sh
e2e_tests += tests/e2e/jira.sh
e2e_tests += tests/e2e/github.sh tests/e2e/gittoken.sh tests/e2e/author.sh
e2e_tests += tests/e2e/http.sh
e2e_tests += tests/e2e/intake.sh tests/e2e/notify.sh
e2e_tests += tests/e2e/filters.sh tests/e2e/sandbox.sh tests/e2e/escape.sh tests/e2e/linger.sh tests/e2e/guard.sh
e2e_tests += tests/e2e/canaries.sh
e2e_tests += tests/e2e/demo_vendors.sh
TESTS += $(e2e_tests)
EXTRA_DIST += $(e2e_tests) tests/e2e/canaries.py tests/e2e/linger.c tests/e2e/lib.sh tests/e2e/bed.sh
