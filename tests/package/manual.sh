#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every page of the manual is sound mdoc.
set -eu
command -v mandoc >/dev/null || { echo "skipped: mandoc is not installed"; exit 77; }
cd "${srcdir:-.}/man"
mandoc -Tlint -W warning ./*.[1-8]
