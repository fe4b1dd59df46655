/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files a repo's checks are made of. A check that a change has itself
 * rewritten says little, so the result names these files when a commit changes
 * them. The repo's key check_files lists them; without it they are derived from
 * the words of the checks.
 */
#include <string.h>

#include "base/mem.h"
#include "host/change/change.h"

#define WORD_MAX 256

/*
 * Files that a program reads to learn what to do. A pattern without a slash
 * matches in any folder.
 */
static const struct {
	const char *program, *files[9];
} manifests[] = {
	{ "ant", { "build.xml" } },
	{ "bats", { "*.bats" } },
	{ "bazel", { "BUILD", "BUILD.bazel", "WORKSPACE", "MODULE.bazel", ".bazelrc" } },
	{ "bun", { "package.json", "bunfig.toml" } },
	{ "bundle", { "Gemfile", "Rakefile", ".rspec" } },
	{ "cargo", { "Cargo.toml", "build.rs", ".cargo/**" } },
	{ "cmake", { "CMakeLists.txt", "*.cmake", "CMakePresets.json" } },
	{ "composer", { "composer.json", "phpunit.xml", "phpunit.xml.dist" } },
	{ "ctest", { "CMakeLists.txt", "*.cmake", "CMakePresets.json" } },
	{ "deno", { "deno.json", "deno.jsonc", "package.json" } },
	{ "dotnet", { "*.csproj", "*.sln", "*.props", "*.targets", "global.json" } },
	{ "go", { "go.mod", "go.work" } },
	{ "gradle", { "build.gradle", "build.gradle.kts", "settings.gradle",
			"settings.gradle.kts", "gradle.properties", "gradle/**" } },
	{ "gradlew", { "build.gradle", "build.gradle.kts", "settings.gradle",
			 "settings.gradle.kts", "gradle.properties", "gradle/**" } },
	{ "jest", { "package.json", "jest.config.*" } },
	{ "just", { "justfile", "Justfile", ".justfile" } },
	{ "make", { "Makefile", "makefile", "GNUmakefile", "*.mk", "Makefile.am",
		      "configure.ac" } },
	{ "meson", { "meson.build", "meson_options.txt", "meson.options" } },
	{ "mix", { "mix.exs" } },
	{ "mvn", { "pom.xml", ".mvn/**" } },
	{ "mvnw", { "pom.xml", ".mvn/**" } },
	{ "ninja", { "build.ninja", "CMakeLists.txt", "meson.build" } },
	{ "nox", { "noxfile.py", "pyproject.toml", "conftest.py" } },
	{ "npm", { "package.json", ".npmrc" } },
	{ "npx", { "package.json", ".npmrc" } },
	{ "phpunit", { "composer.json", "phpunit.xml", "phpunit.xml.dist" } },
	{ "pnpm", { "package.json", "pnpm-workspace.yaml", ".npmrc" } },
	{ "poetry", { "pyproject.toml", "setup.cfg", "pytest.ini", "tox.ini", "conftest.py" } },
	{ "pytest", { "pyproject.toml", "setup.cfg", "pytest.ini", "tox.ini", "conftest.py" } },
	{ "python", { "pyproject.toml", "setup.cfg", "setup.py", "pytest.ini", "tox.ini",
			"conftest.py" } },
	{ "python3", { "pyproject.toml", "setup.cfg", "setup.py", "pytest.ini", "tox.ini",
			 "conftest.py" } },
	{ "rake", { "Gemfile", "Rakefile", "*.rake" } },
	{ "rspec", { "Gemfile", ".rspec", "spec_helper.rb" } },
	{ "task", { "Taskfile.yml", "Taskfile.yaml" } },
	{ "tox", { "tox.ini", "pyproject.toml", "setup.cfg", "setup.py", "conftest.py" } },
	{ "uv", { "pyproject.toml", "setup.cfg", "pytest.ini", "tox.ini", "conftest.py" } },
	{ "vitest", { "package.json", "vitest.config.*", "vite.config.*" } },
	{ "yarn", { "package.json", ".yarnrc.yml", ".yarn/**" } },
};

/* Characters between the words of a shell's command line. */
static const char between[] = " \t\n;&|()<>{}`$\"'=";

static bool
checks_word_names(const char *word, const char *path)
{
	const char *name = strrchr(word, '/');

	while (strncmp(word, "./", 2) == 0)
		word += 2;
	if (strcmp(word, path) == 0)
		return true;
	name = name != NULL ? name + 1 : word;
	for (size_t i = 0; i < ARRAY_LEN(manifests); i++) {
		if (strcmp(manifests[i].program, name) != 0)
			continue;
		for (size_t k = 0; manifests[i].files[k] != NULL; k++) {
			if (change_glob(manifests[i].files[k], path))
				return true;
		}
	}
	return false;
}

/* An argument may be a whole script, as in ("sh", "-c", "make test"). */
static bool
checks_argument_names(const char *argument, const char *path)
{
	char word[WORD_MAX];

	for (const char *s = argument; *s != '\0';) {
		size_t len = strcspn(s, between);

		if (len > 0 && len < sizeof word) {
			memcpy(word, s, len);
			word[len] = '\0';
			if (checks_word_names(word, path))
				return true;
		}
		s += len + (s[len] != '\0');
	}
	return false;
}

bool
change_checks_use(const struct config_repo *repo, const char *path)
{
	if (repo->check == NULL || repo->check[0] == NULL)
		return false;
	if (repo->check_files != NULL && repo->check_files[0] != NULL) {
		for (size_t i = 0; repo->check_files[i] != NULL; i++) {
			if (change_glob(repo->check_files[i], path))
				return true;
		}
		return false;
	}
	for (size_t i = 0; repo->check[i] != NULL; i++) {
		for (size_t k = 0; repo->check[i][k] != NULL; k++) {
			if (checks_argument_names(repo->check[i][k], path))
				return true;
		}
	}
	return false;
}
