/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of all messages. A file that includes it has defined MESSAGE(name,
 * number, direction, fields, about) as what it wants to make of each entry.
 *
 * fields is "NAME:TYPE NAME:TYPE", in the order in which they are sent: u is a
 * uint64, i an int64, s a string without a NUL, b bytes. Entries whose fields
 * come from a list in fields.h name that list. Workers that outlive an upgrade
 * of the core rely on the numbers and on the order of fields, so add entries
 * and fields at the end and change none. doc/messages.md is generated from this
 * table.
 */

/* clang-format off */

/* Life of a runner */
MESSAGE(RUNNER_START, 1, "core to runner", "settings:s",
    "The first message to a runner. `settings` is JSON: `config` (what config_to_json() writes), "
    "`plugin`, `generation`, `core_socket` (a path) and, where it is configured, `grace_ms`.")
MESSAGE(RUNNER_READY, 2, "runner to core", "exports:s",
    "The plugin is open. `exports` is the JSON of loader_describe(): what the plugin offers.")
MESSAGE(RUNNER_REFUSED, 3, "runner to core", "class:i text:s",
    "The plugin cannot be opened, and the runner ends.")
MESSAGE(RUNNER_STOP, 4, "core to runner", "",
    "The runner closes its plugin and ends.")

/* Sources */
MESSAGE(SOURCE_POLL, 10, "core to runner", "source:s cursor:s",
    "The runner polls the source. Up to 1000 SOURCE_ITEM and one SOURCE_POLLED answer it, with "
    "its id.")
MESSAGE(SOURCE_ITEM, 11, "runner to core",
    "source:s " ITEM_ROW "author:s name:s marks:s flags:u item:u",
    "A job that the poll asks for. `author`, `name` and `marks` (one a line) say which person "
    "wants it and are empty if the plugin does not say. `flags` are DROVER_PERSON_*, `item` is "
    "DROVER_ITEM_*.")
MESSAGE(SOURCE_POLLED, 12, "runner to core",
    "source:s class:i retry:i text:s moved:u cursor:s again:i",
    "The poll has ended. The core keeps `cursor` when `moved` is 1. The next poll comes after "
    "`again` ms, or after the source's interval if that is shorter or `again` is 0.")
MESSAGE(SOURCE_CHANGED, 13, "runner to core", "source:s",
    "A folder that the source watches has changed, so it wants to be polled now.")
MESSAGE(SOURCE_SETTLE, 14, "core to runner", "source:s " SETTLED_ROW,
    "A job of the source has ended. `result` is a JSON object of what its attempts reported.")
MESSAGE(SOURCE_SETTLED, 15, "runner to core", "job:u class:i retry:i text:s",
    "The source was told how the job ended. The core tells it again unless `class` is OK.")
MESSAGE(LISTEN_START, 16, "core to runner", "source:s call:u token:s",
    "The source's listen() begins in a fork, which says JOB_HELLO with job 0 and the call as "
    "its epoch.")
MESSAGE(LISTEN_ENDED, 17, "job to core", "call:u class:i retry:i text:s",
    "listen() has returned. It is called again, at once when `class` is OK.")

/* Workers */
MESSAGE(WORKER_FORK, 20, "core to runner", "worker:s token:s",
    "The runner forks a worker, which says WORKER_HELLO with this name and token.")
MESSAGE(WORKER_FORKED, 21, "runner to core", "worker:s pid:u class:i text:s",
    "The worker is forked, or `class` and `text` say why it could not be.")
MESSAGE(WORKER_HELLO, 22, "worker to core",
    "worker:s token:s plugin:s generation:u pid:u start:u boot:s job:u epoch:u",
    "The first message of a worker's connection, even if the worker lived through a restart of "
    "the core. `job` is the job that it runs or whose outcome is not kept yet, or 0 when it is "
    "idle.")
MESSAGE(WORKER_WELCOME, 23, "core to worker", "job:u keep:u",
    "Answers WORKER_HELLO. When `keep` is 0 the attempt is not wanted any more, and the worker "
    "kills it.")
MESSAGE(WORKER_BEAT, 24, "worker to core", "job:u epoch:u cpu:i rss:i output:u",
    "Sent every 5 s while a job runs.")
MESSAGE(WORKER_LEAVE, 25, "core to worker", "",
    "The worker ends once it has no job.")

/* Attempts */
MESSAGE(JOB_ASSIGN, 30, "core to worker", JOB_ASSIGN_ROW,
    "The worker carries out this attempt. If it still repeats the outcome of an earlier one, this "
    "message confirms that as well.")
MESSAGE(JOB_CANCEL, 31, "core to worker", "job:u epoch:u class:i text:s",
    "The attempt is stopped, and ends with this class and text.")
MESSAGE(JOB_OUTCOME, 32, "worker to core",
    "job:u epoch:u class:i retry:i text:s wall:i cpu:i rss:i output:u",
    "The attempt has ended. Repeated until the core has kept it.")
MESSAGE(JOB_OUTCOME_KEPT, 33, "core to worker", "job:u epoch:u",
    "The outcome is committed, and the worker may forget it.")

/*
 * Services: requests of a job, an operation or a runner that polls. REPLY
 * answers each with its id.
 */
MESSAGE(JOB_HELLO, 40, "job to core", "job:u epoch:u token:s",
    "The first message of each connection.")
MESSAGE(CAPACITY_ASK, 41, "job to core", "kind:s",
    "`number` of the reply is how many jobs of the kind the source may hand over now.")
MESSAGE(JOB_EMIT, 42, "job to core", ITEM_ROW,
    "A job that a job asks for. `number` of the reply is its id.")
MESSAGE(JOB_RESULT, 43, "job to core", "key:s value:s",
    "Adds to the job's result object.")
MESSAGE(JOB_USAGE, 44, "job to core", "agent:s input:i cached:i output:i turns:i cost:i",
    "Adds to what the job has used: tokens, turns and millionths of a dollar.")
MESSAGE(AGENT_PAUSE, 45, "job to core", "agent:s until:i text:s",
    "The agent's quota is used up, so no job starts it before `until`.")
MESSAGE(LEASE_ACQUIRE, 46, "job to core", "repo:s pid:u start:u boot:s",
    "The process that is named gets a worktree. `data` of the reply is JSON: `id`, `path`, `state` "
    "and `mirror`, as lease/lease.h explains them.")
MESSAGE(LEASE_RELEASE, 47, "job to core", "lease:u state:s wip:s commit:s",
    "Gives the worktree back. `state` is how it is left, `warm` or `dirty`.")
MESSAGE(KV_GET, 48, "job to core", "key:s",
    "The reply has `number` 1 and the value as `data`, or `number` 0 when there is no such key.")
MESSAGE(KV_SET, 49, "job to core", "key:s value:s", "")
MESSAGE(KV_REMOVE, 50, "job to core", "key:s", "")
MESSAGE(EFFECT_BEGIN, 51, "job to core", "key:s",
    "`number` of the reply is an enum drover_effect_state, `data` the result of an effect that "
    "was done before.")
MESSAGE(EFFECT_DONE, 52, "job to core", "key:s result:s", "")
MESSAGE(CALL, 53, "job to core", "operation:s request:b",
    "`data` of the reply is what the operation, of whatever plugin, has answered.")
MESSAGE(OPERATION_CALL, 54, "core to runner", "operation:s call:u token:s timeout:i request:b",
    "The operation runs in a fork, which says JOB_HELLO with job 0 and the call as its epoch.")
MESSAGE(OPERATION_REPLY, 55, "job to core", "call:u class:i retry:i text:s reply:b",
    "The operation has ended.")
MESSAGE(HOOK_CALL, 56, "core to runner", "call:u token:s timeout:i headers:s len:u body:b",
    "The plugin's hook runs in a fork, as an operation does. `headers` is JSON: a list of [name, "
    "value]. `len` is the size of the whole body, `body` its beginning.")
MESSAGE(HOOK_REPLY, 57, "job to core", "call:u class:i text:s status:u id:s type:s body:s",
    "The hook has ended, with the HTTP status and body for the sender and the id of the delivery.")
MESSAGE(SOURCE_WAKE, 58, "job to core", "source:s",
    "A source of the asker's own plugin is polled soon. What a hook asks for counts when its "
    "HOOK_REPLY does.")
MESSAGE(HOOK_BODY, 59, "job to core", "from:u",
    "`data` of the reply is the next piece of the hook's body.")
MESSAGE(REPLY, 60, "core to job", "class:i retry:i text:s number:i data:b",
    "The answer to a service, sent after the commit.")
MESSAGE(HTTP_ASK, 61, "job to core", "origin:s credential:s limits:s critical:u patience:i",
    "May a request go out? `limits` is JSON: a list of `name`, `count`, `per_ms` and `burst`. "
    "`number` of the reply is how many ms to wait; the request is counted already. AGAIN: the "
    "origin fails and is left alone; QUOTA: it is paused, or the wait is longer than `patience`.")
MESSAGE(HTTP_TELL, 62, "job to core",
    "origin:s credential:s class:i limit:s pause:i requests:u kept:u rates:s text:s",
    "How the request ended. `rates` names the limits that it was counted in, one a line. For "
    "`pause` ms no request goes to the `limit`, or with the whole credential when that is empty. "
    "`kept` counts answers of 304.")
MESSAGE(MEMORY_APPEND, 63, "job to core", "subject:s key:s role:s text:s", "")
MESSAGE(MEMORY_READ, 64, "job to core", "subject:s max:u",
    "`data` of the reply is the text, at most `max` bytes.")
MESSAGE(MEMORY_FORGET, 65, "job to core", "subject:s", "")
MESSAGE(CREDENTIAL_ASK, 66, "job to core", "repo:s refused:u",
    "`data` of the reply is what the operation git-token of the repo's `token_from` has answered. "
    "`refused` is 1 when the remote did not take the last token.")

/*
 * The keeper is the process that tidies worktrees and reads tokens for the
 * core.
 */
MESSAGE(TREE_TIDY, 70, "core to keeper", "lease:u action:s repo:s path:s mirror:s wip:s",
    "`action` is `clean` (save what is there, reset), `remove` (save, rename to the trash) or "
    "`sweep` (empty the trash).")
MESSAGE(TREE_TIDIED, 71, "keeper to core", "lease:u class:i text:s wip:s state:s bytes:i", "")
MESSAGE(TOKEN_CHECK, 72, "core to keeper", "repo:s file:s env:s command:b",
    "Can the repo's token be read? `command` is its words, each with a NUL behind it.")
MESSAGE(TOKEN_CHECKED, 73, "keeper to core", "repo:s class:i text:s", "")

/* Between the core and every other process */
MESSAGE(SECRETS, 80, "core to runner, worker, job and keeper, and back", "values:b",
    "Secrets that the receiver hides from now on in all text that is stored or leaves drover; each "
    "has a NUL behind it. The core tells a worker only if the worker has sent this message.")

/* clang-format on */
