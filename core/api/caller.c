/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process and user at the other end of the socket, as the kernel names
 * them. The socket's mode keeps strangers out; this is a second lock, for a
 * socket whose mode or folder was changed by hand.
 */
#include <errno.h>
#include <sys/socket.h>

#include "api/server.h"
#include "base/mem.h"

int
caller_read(int fd, struct caller *peer, struct error *err)
{
	struct ucred cred;
	socklen_t len = sizeof cred;

	*peer = (struct caller){ 0 };
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return error_errno(err, DROVER_INTERNAL, "cannot read the peer's credentials");
	peer->pid = cred.pid;
	peer->uid = cred.uid;
	peer->gid = cred.gid;
#ifdef SO_PEERGROUPS
	len = sizeof peer->groups;
	/*
	 * With more groups than fit, or an old kernel, only the primary group
	 * counts.
	 */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &len) == 0)
		peer->groups_len = (int)(len / sizeof peer->groups[0]);
#endif
	return 0;
}

bool
caller_allowed(const struct caller *peer, uid_t own_uid, gid_t own_gid)
{
	if (peer->uid == 0 || peer->uid == own_uid)
		return true;
	/* Group 0 is that of many helpers of root, not a group of operators. */
	if (own_gid == 0)
		return false;
	if (peer->gid == own_gid)
		return true;
	for (int i = 0; i < peer->groups_len; i++)
		if (peer->groups[i] == own_gid)
			return true;
	return false;
}
