# SPDX-License-Identifier: Apache-2.0
package_tests = tests/package/abi.sh tests/package/header.sh \
  tests/package/layers.sh tests/package/manual.sh \
  tests/package/unit.sh tests/package/words.sh
TESTS += $(package_tests)
EXTRA_DIST += $(package_tests) tests/fixtures/abi/abi.c tests/fixtures/abi/v1.xml

# Acknowledges a change of the ABI: doc/abi-history.md.
abi-update:
	srcdir='$(srcdir)' CC='$(CC)' $(SHELL) $(srcdir)/tests/package/abi.sh --update
.PHONY: abi-update
