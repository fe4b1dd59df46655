/* SPDX-License-Identifier: Apache-2.0 */
/* Files and folders on a real file system. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/path.h"

#include "temp.h"
#include "suite.h"

START_TEST(path_joins_and_resolves)
{
	static const struct {
		const char *dir, *path, *result;
	} cases[] = { { "/a", "b", "/a/b" }, { "/", "b", "/b" }, { "/a/", "./b", "/a/b" },
		{ "/a", "/b", "/b" }, { "/a", "~/b", "/home/x/b" }, { "/a", "~", "/home/x" },
		{ "/a", "~b", "/a/~b" } };
	size_t i;
	char *s;

	setenv("HOME", "/home/x", 1);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		s = path_resolve(cases[i].dir, cases[i].path);
		ck_assert_str_eq(s, cases[i].result);
		free(s);
	}
}
END_TEST

START_TEST(path_makes_folders)
{
	char *dir = temp_make(), *deep = path_join(dir, "a/b/c"), *file = temp_file(dir, "f", ""),
	     *under = path_join(file, "x");
	struct error err;
	struct stat st;

	ck_assert_int_eq(path_mkdirs(deep, 0700, &err), 0);
	ck_assert_int_eq(path_mkdirs(deep, 0700, &err), 0);
	ck_assert(stat(deep, &st) == 0 && S_ISDIR(st.st_mode));
	ck_assert_int_eq(path_mkdirs(file, 0700, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "not a folder"));
	ck_assert_int_eq(path_mkdirs(under, 0700, &err), -1);
	free(deep);
	free(file);
	free(under);
	temp_remove(dir);
}
END_TEST

START_TEST(path_writes_whole_files)
{
	char *dir = temp_make(), *path = temp_file(dir, "f", "old"),
	     *nowhere = path_join(dir, "no/f");
	struct buf text = BUF_INIT;
	struct error err;
	struct stat st;

	ck_assert_int_eq(path_write(path, "new text", 8, 0640, &err), 0);
	ck_assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0640);
	ck_assert_int_eq(path_read(path, 8, &text, &err), 0);
	ck_assert_str_eq(buf_str(&text), "new text");
	ck_assert_int_eq(path_read(path, 7, &text, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, "larger than 7"));
	ck_assert_int_eq(path_write(nowhere, "x", 1, 0600, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.text, nowhere));
	ck_assert_int_gt(path_free_bytes(dir), 0);
	ck_assert_int_eq(path_free_bytes(nowhere), -1);
	buf_free(&text);
	free(path);
	free(nowhere);
	temp_remove(dir);
}
END_TEST

START_TEST(path_removes_what_jobs_leave)
{
	char *dir = temp_make(), *tree = path_join(dir, "tree"),
	     *kept = temp_file(dir, "outside/kept", "x");
	char *file = temp_file(tree, "mod/locked/file", "x"),
	     *locked = path_join(tree, "mod/locked");
	char *link = path_join(tree, "link"), *outside = path_join(dir, "outside");
	struct rlimit files = { 256, 256 };
	struct error err;
	int i, fd, next;

	ck_assert_int_eq(symlink(outside, link), 0);
	ck_assert_int_eq(chmod(locked, 0), 0);
	/*
	 * Deeper than a path may be long, and than one may hold folders open.
	 */
	fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (i = 0; i < 1500; i++) {
		ck_assert_int_eq(mkdirat(fd, "deeper", 0700), 0);
		next = openat(fd, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_ge(next, 0);
		close(fd);
		fd = next;
	}
	close(fd);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
	ck_assert_msg(path_remove_tree(tree, &err) == 0, "%s", err.text);
	ck_assert_int_eq(access(tree, F_OK), -1);
	ck_assert_int_eq(access(kept, F_OK), 0);
	ck_assert_int_eq(path_remove_tree(tree, &err), 0);
	ck_assert_int_eq(symlink(outside, tree), 0);
	ck_assert_int_eq(path_remove_tree(tree, &err), 0);
	ck_assert_int_eq(access(kept, F_OK), 0);
	free(tree);
	free(kept);
	free(file);
	free(locked);
	free(link);
	free(outside);
	temp_remove(dir);
}
END_TEST

START_TEST(path_lock_names_its_holder)
{
	char *dir = temp_make(), *path = path_join(dir, "lock"), pid[24];
	struct error err;
	int fd, other;

	snprintf(pid, sizeof pid, "process %d:", (int)getpid());
	ck_assert_int_eq(path_lock(path, &fd, &err), 0);
	ck_assert_int_eq(path_lock(path, &other, &err), -1);
	ck_assert_int_eq(err.code, DROVER_CONFIG);
	ck_assert_int_eq(other, -1);
	ck_assert_ptr_nonnull(strstr(err.text, pid));
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	close(fd);
	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(path_lock(path, &fd, &err), 0);
	close(fd);
	free(path);
	temp_remove(dir);
}
END_TEST

static void
cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "files", NULL, NULL);

	tcase_add_test(tc, path_joins_and_resolves);
	tcase_add_test(tc, path_makes_folders);
	tcase_add_test(tc, path_writes_whole_files);
	tcase_add_test(tc, path_removes_what_jobs_leave);
	tcase_add_test(tc, path_lock_names_its_holder);
}

SUITE(cases)
