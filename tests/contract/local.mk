# SPDX-License-Identifier: Apache-2.0
TESTS += tests/contract/fakes.sh
EXTRA_DIST += tests/contract/fakes.sh tests/contract/lib.sh tests/contract/clients.mjs tests/contract/package.json tests/contract/package-lock.json
