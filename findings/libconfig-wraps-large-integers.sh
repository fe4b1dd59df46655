#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# libconfig 1.5 (Debian libconfig-dev 1.5-0.4): an integer that does not fit 32 bits is stored as
# another number, and nobody is told.
#
# Guess: 3000000000 is either a syntax error or becomes a 64-bit setting by itself.
# Seen: without an L behind it, it becomes the int -1294967296; 4294967297 becomes 1, and
# 99999999999999999999 becomes -1. config_read_string() returns CONFIG_TRUE. 0xFFFFFFFF is -1.
#
# So a limit of 4 GiB written in bytes is a limit of nothing: take sizes as strings with a unit, or
# compare the number with the text of its line.
set -eu
version=1.5-0.4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get install -y --no-install-recommends "libconfig-dev=$version" gcc libc6-dev \
	>install.log 2>&1 ||
	{ cat install.log; exit 1; }

cat >read.c <<'C'
#include <libconfig.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char text[64];
		config_t config;

		config_init(&config);
		snprintf(text, sizeof text, "x = %s;", argv[i]);
		if (config_read_string(&config, text) != CONFIG_TRUE)
			printf("%s: %s\n", argv[i], config_error_text(&config));
		else {
			config_setting_t *x = config_lookup(&config, "x");

			if (config_setting_type(x) == CONFIG_TYPE_INT)
				printf("%s: int %d\n", argv[i], config_setting_get_int(x));
			else
				printf("%s: int64 %lld\n", argv[i], config_setting_get_int64(x));
		}
		config_destroy(&config);
	}
	return 0;
}
C
gcc -o read read.c -lconfig
./read 3000000000 3000000000L 4294967297 99999999999999999999 0xFFFFFFFF 010 | tee seen
cat >expected <<'TEXT'
3000000000: int -1294967296
3000000000L: int64 3000000000
4294967297: int 1
99999999999999999999: int -1
0xFFFFFFFF: int -1
010: int 10
TEXT
cmp seen expected && echo "libconfig $version behaves as described"
