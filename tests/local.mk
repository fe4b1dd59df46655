# SPDX-License-Identifier: Apache-2.0
include tests/unit/base.mk
include tests/unit/config.mk
include tests/unit/store.mk
include tests/unit/queue.mk
include tests/unit/lease.mk
include tests/unit/plugin.mk
include tests/unit/host.mk
include tests/unit/http.mk
include tests/unit/agent.mk
include tests/unit/api.mk
include tests/unit/plugins.mk
include tests/unit/github.mk
include tests/e2e/local.mk
include tests/fakes/local.mk
include tests/contract/local.mk
include tests/package/local.mk
include tests/fuzz/local.mk
