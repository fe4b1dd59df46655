/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libgit2, which a process opens when it first works on a tree. droverd is not
 * linked with it because it brings thirteen other libraries along. They would
 * be half of the mappings of a worker, and the time of a fork() and of its end
 * is proportional to those. Most of what drover runs never has a tree: the
 * core, the runners of sources, jobs that run a command.
 *
 * "git2.commit_lookup(...)" is git_commit_lookup(...).
 */
#ifndef LEASE_LIBGIT2_H
#define LEASE_LIBGIT2_H

#include <git2.h>
#include <git2/sys/repository.h>

#include "base/error.h"

/* clang-format off */
#define LIBGIT2_CALLS(X) \
	X(attr_get) X(attr_value) X(blob_filter) X(blob_free) X(blob_lookup) X(blob_rawcontent) \
	X(blob_rawsize) X(buf_dispose) \
	X(checkout_options_init) X(checkout_tree) X(commit_create) X(commit_create_buffer) \
	X(commit_create_with_signature) X(commit_free) X(commit_id) X(commit_lookup) \
	X(commit_parent_id) X(commit_parentcount) X(commit_time) X(commit_tree) \
	X(commit_tree_id) X(config_free) \
	X(config_get_string) X(config_iterator_free) X(config_iterator_new) X(config_next) \
	X(config_open_ondisk) X(config_set_string) X(credential_userpass_plaintext_new) \
	X(diff_free) X(diff_get_delta) X(diff_get_stats) X(diff_index_to_workdir) \
	X(diff_num_deltas) \
	X(diff_options_init) X(diff_stats_deletions) X(diff_stats_free) \
	X(diff_stats_insertions) X(diff_tree_to_index) X(diff_tree_to_tree) \
	X(diff_tree_to_workdir_with_index) \
	X(error_last) X(error_set_str) X(fetch_options_init) X(graph_descendant_of) \
	X(ignore_path_is_ignored) X(index_add) X(index_add_all) X(index_add_bypath) \
	X(index_entrycount) \
	X(index_free) X(index_get_byindex) X(index_get_bypath) \
	X(index_open) \
	X(index_read_tree) X(index_remove) X(index_write) X(index_write_tree) \
	X(index_write_tree_to) X(libgit2_init) X(libgit2_opts) X(libgit2_shutdown) \
	X(message_prettify) X(object_free) X(object_id) X(object_lookup) \
	X(object_lookup_prefix) X(object_peel) X(odb_free) X(odb_read_header) X(oid_cpy) \
	X(oid_equal) X(oid_fromstr) X(oid_fromstrn) X(oid_is_zero) X(oid_tostr) \
	X(packbuilder_free) X(packbuilder_insert_walk) X(packbuilder_name) \
	X(packbuilder_new) X(packbuilder_write) \
	X(push_options_init) X(reference_create) X(reference_free) X(reference_iterator_free) \
	X(reference_iterator_glob_new) X(reference_lookup) \
	X(reference_name) X(reference_name_is_valid) X(reference_name_to_id) X(reference_next) \
	X(reference_next_name) X(reference_peel) X(reference_remove) \
	X(reference_symbolic_create) X(reference_symbolic_target) X(reference_target) \
	X(reference_type) X(remote_connect) X(remote_create_options_init) \
	X(remote_create_with_opts) X(remote_default_branch) X(remote_download) X(remote_free) \
	X(remote_ls) X(remote_prune) X(remote_update_tips) X(remote_upload) \
	X(repository_config_snapshot) X(repository_free) X(repository_init) X(repository_odb) \
	X(repository_open) X(repository_open_bare) X(repository_set_index) \
	X(repository_set_workdir) \
	X(revwalk_free) X(revwalk_hide) X(revwalk_new) X(revwalk_next) X(revwalk_push) \
	X(signature_free) X(signature_new) X(tree_entry_bypath) X(tree_entry_filemode) \
	X(tree_entry_free) X(tree_entry_id) X(tree_entry_name) X(tree_entry_type) \
	X(tree_free) X(tree_id) X(tree_lookup) X(tree_walk)
/* clang-format on */

struct libgit2 {
#define X(call) __typeof__(git_##call) *call;
	LIBGIT2_CALLS(X)
#undef X
};

/* Read-only, and valid once libgit2_open() has succeeded. */
extern struct libgit2 git2;

/*
 * Opens the library, once in a process, and never closes it. Returns -1 and
 * DROVER_CONFIG when this system has no libgit2 of the version that drover was
 * built with.
 */
int libgit2_open(struct error *);

#endif
