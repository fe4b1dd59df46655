/* SPDX-License-Identifier: Apache-2.0 */
/*
 * droverd: one executable for all roles. Without -x it is the core. The core
 * starts the runners and the keeper as droverd -x ROLE, with their socket as fd
 * 3.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/mem.h"
#include "base/proc.h"
#include "build.h"
#include "config/config.h"
#include "config/sign.h"
#include "daemon.h"
#include "run/keeper.h"
#include "load/loader.h"
#include "load/prompt_files.h"
#include "run/runner.h"
#include "load/settings.h"

#define ROLE_FD 3
#define EXIT_USAGE 3

struct role {
	const char *name;
	int (*run)(int argc, char **argv);
};

static int role_runner(int, char **);
static int role_keeper(int, char **);
static int role_describe(int, char **);
static int role_settings(int, char **);

/* describe takes NAME DIR..., settings NAME FILE, the others nothing. */
static const struct role roles[] = {
	{ "runner", role_runner },     /* runs one plugin */
	{ "keeper", role_keeper },     /* cleans and removes trees */
	{ "describe", role_describe }, /* loads a plugin and prints what it declares */
	{ "settings", role_settings }, /* loads a plugin and checks its configuration */
};

static const char usage[] =
	"usage: droverd [-c FILE] [--in-process]\n"
	"       droverd -t [-c FILE]     check the configuration and exit\n"
	"       droverd --version\n";

/* The plugin whose code this process runs to check it. */
static struct {
	const char *plugin;          /* NULL once that is done */
	FILE *faults;
} loading;

/*
 * A plugin's constructor may call exit(0), which must not pass for a plugin
 * that was checked.
 */
static void
loading_broken_off(void)
{
	if (loading.plugin == NULL)
		return;
	fprintf(loading.faults, "plugin %s ended the process that loaded it\n", loading.plugin);
	(void)fflush(loading.faults);
	_exit(1);
}

static void
loading_begin(const char *plugin, FILE *faults)
{
	loading.plugin = plugin;
	loading.faults = faults;
	MUST(atexit(loading_broken_off) == 0);
}

static int
role_runner(int argc, char **argv)
{
	return runner_main(ROLE_FD, false);
}

static int
role_keeper(int argc, char **argv)
{
	return keeper_main(ROLE_FD);
}

static int
role_describe(int argc, char **argv)
{
	struct plugin_image image;
	struct error err = { 0 };
	cJSON *description;
	char *text;

	if (argc < 2) {
		fputs("usage: droverd -x describe NAME DIR...\n", stderr);
		return EXIT_USAGE;
	}
	loading_begin(argv[0], stderr);
	if (loader_open(argv + 1, argv[0], &image, &err) != 0) {
		loading.plugin = NULL;
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	description = loader_describe(&image);
	text = json_print(description);
	puts(text);
	free(text);
	cJSON_Delete(description);
	loader_free(&image);
	loading.plugin = NULL;
	return 0;
}

/*
 * Prints what is wrong with a plugin's configuration, and returns 1 if
 * something is. An empty FILE means the configuration that a daemon would take.
 */
static int
role_settings(int argc, char **argv)
{
	const struct config_plugin *plugin;
	struct plugin_image image;
	struct error err = { 0 };
	struct buf faults = BUF_INIT;
	struct config *config;
	int n = 1;

	if (argc != 2) {
		fputs("usage: droverd -x settings NAME FILE\n", stderr);
		return EXIT_USAGE;
	}
	loading_begin(argv[0], stdout);
	if ((config = config_look(*argv[1] != '\0' ? argv[1] : NULL, &err)) == NULL ||
	    (plugin = config_plugin(config, argv[0])) == NULL ||
	    loader_open(config->plugin_dirs, argv[0], &image, &err) != 0)
		buf_addf(&faults, "%s\n",
		    err.text[0] != '\0' ? err.text : "the plugin is not configured");
	else {
		n = settings_check(config, plugin, &image, &faults);
		loader_free(&image);
	}
	loading.plugin = NULL;
	fputs(buf_str(&faults), stdout);
	buf_free(&faults);
	if (config != NULL)
		config_free(config);
	return n > 0;
}

static int
run_role(const char *name, int argc, char **argv)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(roles); i++)
		if (strcmp(roles[i].name, name) == 0)
			return roles[i].run(argc, argv);
	fprintf(stderr, "droverd: there is no role \"%s\"\n", name);
	return EXIT_USAGE;
}

/*
 * Checks a plugin's configuration in a process of its own, because loading a
 * plugin runs code of the plugin. Faults go to stderr.
 */
static bool
main_check_settings(const struct config *config, const char *plugin)
{
	char *argv[] = { (char *)(uintptr_t)plugin,
		config->file != NULL ? config->file : (char *)(uintptr_t) "" };
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		exit(role_settings(ARRAY_LEN(argv), argv));
	}
	return pid != -1 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	    WEXITSTATUS(status) == 0;
}

static int
main_check_config(const char *self, const char *file)
{
	struct error err = { 0 };
	struct config *config = config_load(file, NULL, &err);
	struct buf faults = BUF_INIT;
	int status = 0;

	if (config == NULL) {
		fprintf(stderr, "droverd: %s\n", err.text);
		return EXIT_USAGE;
	}
	if (prompt_files_verify(self, config, true, NULL, NULL, &faults, &err) != 0) {
		fputs(buf_str(&faults), stderr);
		status = EXIT_USAGE;
	}
	if (sign_check(config, true, &err) != 0) {
		fprintf(stderr, "droverd: %s\n", err.text);
		status = EXIT_USAGE;
	}
	for (int i = 0; i < config->plugins_len; i++)
		if (!main_check_settings(config, config->plugins[i].name))
			status = EXIT_USAGE;
	buf_free(&faults);
	config_free(config);
	return status;
}

/*
 * Opens /dev/null as those of fd 0 to 2 that are closed, so that no other file
 * gets one of these numbers.
 */
static void
keep_standard_fds(void)
{
	int fd;

	do
		/* without O_CLOEXEC, because children need them as well */
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= 2);
	if (fd > 2)
		close(fd);
}

/*
 * Closes the files that droverd inherited by accident, such as a pipe of make,
 * a terminal or a lock.
 */
static void
drop_inherited_fds(int first)
{
	if (close_range((unsigned int)first, ~0U, 0) != 0)
		perror("droverd: close_range");
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "in-process", no_argument, NULL, 'i' },
		{ "test", no_argument, NULL, 't' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	static char self[PATH_MAX];
	const char *file = NULL;
	bool in_process = false, test = false;
	ssize_t n;
	int c;

	(void)proc_harden();
	proc_hide_environ();
	keep_standard_fds();
	drop_inherited_fds(argc >= 3 && strcmp(argv[1], "-x") == 0 ? ROLE_FD + 1 : ROLE_FD);
	if (argc >= 3 && strcmp(argv[1], "-x") == 0)
		return run_role(argv[2], argc - 3, argv + 3);
	while ((c = getopt_long(argc, argv, "c:thV", options, NULL)) != -1)
		switch (c) {
		case 'c':
			file = optarg;
			break;
		case 'i':
			in_process = true;
			break;
		case 't':
			test = true;
			break;
		case 'V':
			puts("droverd " PACKAGE_VERSION);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	if (optind != argc) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	n = readlink("/proc/self/exe", self, sizeof self - 1);
	if (n <= 0) {
		fputs("droverd: cannot read /proc/self/exe: mount /proc\n", stderr);
		return 1;
	}
	self[n] = '\0';
	if (test)
		return main_check_config(self, file);
	umask(027);
	return daemon_run(self, file, in_process);
}
