# SPDX-License-Identifier: Apache-2.0
TESTS += tests/fakes/run.sh
fakes = tests/fakes/fake.py tests/fakes/github.py tests/fakes/github_shapes.py tests/fakes/github_issues.py tests/fakes/github_pulls.py \
  tests/fakes/jira.py tests/fakes/adf.py tests/fakes/jql.py tests/fakes/slack.py tests/fakes/websocket.py
EXTRA_DIST += tests/fakes/run.sh tests/fakes/test_fakes.py $(fakes)
