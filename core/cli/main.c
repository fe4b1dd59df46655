/* SPDX-License-Identifier: Apache-2.0 */
/* drover: the command line of the daemon. */
#include <locale.h>
#include <stdio.h>

#include "cli/cli.h"

int
main(int argc, char **argv)
{
	int status;

	setlocale(LC_CTYPE, "");
	status = cli_main(argc, argv, stdout, stderr);
	if (fflush(stdout) != 0 && status == CLI_OK) {
		perror("drover: standard output");
		status = CLI_FAILED;
	}
	return status;
}
