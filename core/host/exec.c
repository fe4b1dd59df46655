/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs one command for a job. The command is started without a shell, in a
 * process group of its own, with three descriptors and an environment built for
 * it. Its output goes to the attempt's file as it comes, and takes a bounded
 * amount of memory. When the command ends, runs out of time or is cancelled,
 * its whole group is killed; then, in a job's process, whatever it has left
 * behind in other groups and sessions.
 */
#include "build.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "base/secrets.h"
#include "base/spawn.h"
#include "base/text.h"
#include "host/env.h"
#include "host/exec.h"
#include "host/service.h"
#include "wire/link.h"

#define CHUNK 65536
#define LINE_BYTES (1024 * 1024)
#define TAIL_BYTES (sizeof ((struct drover_outcome *)0)->tail - 1)
#define GRACE_MS 10000
#define SWEEP_MS 5000
#define CANCEL_LOOK_MS 1000
#define CUT_MARK "\n[drover: the output is cut here, output_max is reached]\n"

enum exec_stage { STAGE_RUNNING, STAGE_ASKED, STAGE_KILLED };

struct exec_child {
	struct scope *scope;
	const struct drover_command *command;
	struct drover_outcome *outcome;
	pid_t pid;
	int pidfd, out, err;         /* -1 when closed */
	enum exec_stage stage;
	bool cancelled;
	int64_t deadline, kill_at;   /* monotonic; 0 when there is none */
	struct buf line;             /* the line of stdout whose newline has not come yet */
	struct buf tail, err_tail;
	struct secrets_stream out_secrets, err_secrets;
	struct buf shown;            /* what was read last, without secrets */
	/*
	 * For a command in a sandbox, whose parent is bwrap. Its group is led
	 * by the sandbox's first process, and all of its processes are gone
	 * when that one has ended.
	 */
	int boxed;
	struct sandbox_words words;
	int status, init;            /* what bwrap says, and the first process; -1 when closed */
	pid_t group;                 /* the first process's pid; 0 while it is not known */
	struct buf said;
	/*
	 * the last member, because it is not zeroed: a short command touches
	 * little of it
	 */
	char chunk[CHUNK];
};

static void exec_output_open(struct scope *);
static int exec_check_command(const struct scope *, const struct drover_command *, struct error *);
static int exec_command_env(struct env *, struct scope *, const struct drover_command *,
    struct error *);
static int exec_start(struct exec_child *, const char *file, char *const *env, struct error *);
static int exec_spawn_error(const struct exec_child *, const char *file, int number,
    struct error *);
static int exec_input(const struct drover_command *, struct error *);
static void exec_pump(struct exec_child *);
static void exec_box_read(struct exec_child *);
static void exec_box_end(struct exec_child *);
static int exec_box_judge(struct exec_child *, struct error *);
static int exec_patience(const struct exec_child *, int64_t now);
static void exec_escalate(struct exec_child *);
static bool exec_read(struct exec_child *, int *fd, size_t max);
static void exec_show(struct exec_child *, bool err, size_t len, bool last);
static void exec_drain(struct exec_child *, int *fd);
static void exec_lines(struct exec_child *, const char *data, size_t len);
static int exec_reap(struct exec_child *, struct error *);
static int exec_sweep(const struct exec_child *, struct error *);
static void exec_tail_copy(const struct buf *tail, char *out);
static int host_exec_run(struct drover_scope *, const struct drover_command *,
    struct drover_outcome *, struct drover_error *);

const struct drover_host_exec host_exec = { .size = sizeof host_exec, .run = host_exec_run };

int
exec_run(struct scope *s, const struct drover_command *c, struct drover_outcome *o,
    struct error *err)
{
	return exec_run_split(s, c, NULL, o, NULL, err);
}

int
exec_run_split(struct scope *s, const struct drover_command *c, const struct sandbox *sandbox,
    struct drover_outcome *o, struct buf *errors, struct error *err)
{
	struct exec_child *r;
	struct env env;
	char *file = NULL;
	int64_t started = clock_mono();
	int rc = -1;

	memset(o, 0, sizeof *o);
	o->size = sizeof *o;
	o->status = -1;
	if (exec_check_command(s, c, err) != 0)
		return -1;
	if (s->link != NULL)
		(void)link_tell_secrets(s->link, NULL);
	r = xmalloc(sizeof *r);
	memset(r, 0, offsetof(struct exec_child, chunk));
	r->scope = s;
	r->command = c;
	r->outcome = o;
	r->pidfd = r->out = r->err = r->status = r->init = -1;
	r->deadline = s->deadline_ms;
	if (c->timeout_ms > 0 && (r->deadline == 0 || c->timeout_ms < r->deadline - started))
		r->deadline = started + c->timeout_ms;

	if (exec_command_env(&env, s, c, err) != 0)
		goto done;
	if (strchr(c->argv[0], '/') != NULL)
		file = xstrdup(c->argv[0]);
	else if ((file = env_find(&env, c->argv[0])) == NULL) {
		error_set(err, DROVER_CONFIG, "%.128s: not found in PATH (%.256s)", c->argv[0],
		    env_get(&env, "PATH"));
		goto done;
	}
	r->boxed = sandbox_wrap(&r->words, s, sandbox, &env, file, c->argv, c->cwd, err);
	if (r->boxed < 0 ||
	    exec_start(r, r->boxed ? r->words.list[0] : file, env.list, err) != 0)
		goto done;
	exec_pump(r);
	rc = exec_reap(r, err);
	if (rc == 0)
		rc = exec_sweep(r, err);
	if (rc == 0 && r->boxed)
		rc = exec_box_judge(r, err);
	o->wall_ms = clock_mono() - started;
	exec_tail_copy(&r->tail, o->tail);
	if (errors != NULL) {
		exec_tail_copy(&r->err_tail, r->chunk);
		buf_adds(errors, r->chunk);
	}
	if (rc == 0 && r->cancelled)
		rc = error_set(err, DROVER_CANCELLED, "%.128s was stopped: the job is cancelled",
		    c->argv[0]);
done:
	path_close(&r->out);
	path_close(&r->err);
	path_close(&r->pidfd);
	path_close(&r->status);
	path_close(&r->init);
	sandbox_free(&r->words);
	buf_free(&r->said);
	buf_free(&r->line);
	secrets_stream_free(&r->out_secrets);
	secrets_stream_free(&r->err_secrets);
	buf_free(&r->shown);
	buf_free(&r->tail);
	buf_free(&r->err_tail);
	free(r);
	free(file);
	env_free(&env);
	return rc;
}

/*
 * The file is made with the first byte of output: two new inodes would be a
 * large part of what a short job costs.
 */
static void
exec_output_open(struct scope *s)
{
	char *folder =
	    xstrndup(s->output_path, (size_t)(strrchr(s->output_path, '/') - s->output_path));
	struct error err;
	struct stat st;

	if (path_mkdirs(folder, 0750, &err) == 0) {
		s->output = open(s->output_path,
		    O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
		if (s->output < 0 || fstat(s->output, &st) != 0) {
			error_errno(&err, DROVER_INTERNAL, "%s", s->output_path);
			path_close(&s->output);
		} else
			s->output_left = st.st_size < s->config->output_max ?
			    s->config->output_max - (int64_t)st.st_size :
			    0;
	}
	if (s->output < 0)
		log_printf(&s->log, DROVER_ERR, "the attempt's output is lost: %s", err.text);
	s->output_path = NULL;
	free(folder);
}

void
exec_output(struct scope *s, const void *data, size_t len)
{
	bool cut;

	if (s->output_path != NULL && len > 0)
		exec_output_open(s);
	if (s->output < 0 || s->output_left < 0)
		return;
	cut = len > (uint64_t)s->output_left;
	if (cut)
		len = (size_t)s->output_left;
	s->output_left -= (int64_t)len;
	if (path_write_all(s->output, data, len) != 0) {
		log_printf(&s->log, DROVER_ERR, "the attempt's output is lost from here on: %s",
		    strerror(errno));
		s->output_left = -1;
	} else if (cut) {
		(void)path_write_all(s->output, CUT_MARK, strlen(CUT_MARK));
		s->output_left = -1;
	}
}

static int
exec_check_command(const struct scope *s, const struct drover_command *c, struct error *err)
{
	if (c->argv == NULL || c->argv[0] == NULL || c->argv[0][0] == '\0')
		return error_set(err, DROVER_PERMANENT,
		    "a command has no argv: argv[0] names the program");
	if (c->cwd == NULL || c->cwd[0] != '/')
		return error_set(err, DROVER_PERMANENT, "%.128s: a command needs an absolute cwd",
		    c->argv[0]);
	if (scope_cancelled(s))
		return error_set(err, DROVER_CANCELLED,
		    "%.128s was not started: the job is cancelled", c->argv[0]);
	if (s->deadline_ms != 0 && clock_mono() >= s->deadline_ms)
		return error_set(err, DROVER_INTERNAL,
		    "%.128s was not started: the attempt's time is over", c->argv[0]);
	return 0;
}

static int
exec_command_env(struct env *env, struct scope *s, const struct drover_command *c,
    struct error *err)
{
	size_t i;

	if (env_init(env, s, err) != 0)
		return -1;
	for (i = 0; c->env != NULL && c->env[i] != NULL; i++) {
		if (env_add(env, c->env[i], err) != 0)
			return -1;
	}
	return 0;
}

static int
exec_start(struct exec_child *r, const char *file, char *const *env, struct error *err)
{
	struct spawn child = { .file = file,
		.argv = r->boxed ? (const char *const *)r->words.list : r->command->argv,
		.env = env,
		.cwd = r->command->cwd,
		.group = true };
	int out[2] = { -1, -1 }, errs[2] = { -1, -1 }, status[2] = { -1, -1 }, input = -1, rc = -1;

	if (r->command->input != NULL) {
		if ((input = exec_input(r->command, err)) < 0)
			goto done;
		child.fd[STDIN_FILENO] = input;
	}
	if (pipe2(out, O_CLOEXEC) != 0 || pipe2(errs, O_CLOEXEC) != 0 ||
	    (r->boxed && pipe2(status, O_CLOEXEC | O_NONBLOCK) != 0)) {
		error_errno(err, DROVER_AGAIN, "cannot make a pipe for %.128s",
		    r->command->argv[0]);
		goto done;
	}
	r->out = out[0];
	r->err = errs[0];
	child.fd[STDOUT_FILENO] = out[1];
	child.fd[STDERR_FILENO] = errs[1];
	if (r->boxed) {
		r->status = status[0];
		child.fd[SANDBOX_STATUS_FD] = status[1];
	}
	if (spawn_start(&child, &r->pid) == -1) {
		exec_spawn_error(r, file, errno, err);
		goto done;
	}
	r->pidfd = pidfd_open(r->pid, 0);
	if (r->pidfd < 0) {
		error_errno(err, DROVER_INTERNAL, "cannot watch %.128s (pidfd_open)",
		    r->command->argv[0]);
		kill(-r->pid, SIGKILL);
		proc_reap(r->pid, NULL);
		goto done;
	}
	rc = 0;
done:
	path_close(&input);
	path_close(&out[1]);
	path_close(&errs[1]);
	path_close(&status[1]);
	return rc;
}

static int
exec_spawn_error(const struct exec_child *r, const char *file, int number, struct error *err)
{
	const char *cwd = r->command->cwd;
	struct stat st;

	if (number == E2BIG)
		return error_set(err, DROVER_PERMANENT,
		    "%.128s: its arguments and environment are too long for this system", file);
	if (stat(cwd, &st) != 0 || !S_ISDIR(st.st_mode))
		return error_set(err, DROVER_INTERNAL, "%.128s: its folder %.256s is missing", file,
		    cwd);
	if (number == ENOENT && file[0] == '/' && access(file, F_OK) == 0)
		return error_set(err, DROVER_CONFIG,
		    "%.128s: the interpreter named in its first line is missing", file);
	errno = number;
	return error_errno(err, DROVER_CONFIG, "cannot run %.128s in %.256s", file, cwd);
}

/*
 * The input is a file in memory instead of a pipe: the command may read it late
 * or never, and drover does not wait for that.
 */
static int
exec_input(const struct drover_command *c, struct error *err)
{
	int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0 || path_write_all(fd, c->input, c->input_len) != 0 ||
	    lseek(fd, 0, SEEK_SET) != 0) {
		error_errno(err, DROVER_AGAIN, "cannot hold %llu bytes of input for %.128s",
		    (unsigned long long)c->input_len, c->argv[0]);
		path_close(&fd);
	}
	return fd;
}

static void
exec_pump(struct exec_child *r)
{
	struct pollfd fds[5];
	bool ended = false;

	while (!ended) {
		fds[0] = (struct pollfd){ .fd = r->pidfd, .events = POLLIN };
		fds[1] = (struct pollfd){ .fd = r->out, .events = POLLIN };
		fds[2] = (struct pollfd){ .fd = r->err, .events = POLLIN };
		fds[3] = (struct pollfd){ .fd = r->status, .events = POLLIN };
		/* A secret that was read elsewhere is hidden here as well. */
		fds[4] = (struct pollfd){ .fd = link_fd(r->scope->link), .events = POLLIN };
		if (poll(fds, ARRAY_LEN(fds), exec_patience(r, clock_mono())) > 0) {
			if (fds[4].revents != 0)
				link_hear(r->scope->link);
			if (fds[1].revents != 0)
				exec_read(r, &r->out, CHUNK);
			if (fds[2].revents != 0)
				exec_read(r, &r->err, CHUNK);
			if (fds[3].revents != 0)
				exec_box_read(r);
			ended = fds[0].revents != 0;
		}
		if (!ended)
			exec_escalate(r);
	}
	/*
	 * The group's id cannot have been reused: its leader is not reaped yet.
	 */
	kill(-r->pid, SIGKILL);
	if (r->boxed)
		exec_box_end(r);
	exec_drain(r, &r->out);
	exec_drain(r, &r->err);
	exec_show(r, false, 0, true);
	exec_show(r, true, 0, true);
	if (r->line.len > 0)
		r->command->line(r->command->arg, r->line.data, r->line.len);
}

/*
 * Reads what bwrap says: JSON objects with the pid of the sandbox's first
 * process, and later with the command's exit status, if that was started.
 */
static void
exec_box_read(struct exec_child *r)
{
	static const char key[] = "\"child-pid\":";
	const char *at;
	char chunk[512];
	ssize_t n;

	while ((n = read(r->status, chunk, sizeof chunk)) > 0 && r->said.len < CHUNK)
		buf_add(&r->said, chunk, (size_t)n);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		path_close(&r->status);
	at = r->group == 0 ? strstr(buf_str(&r->said), key) : NULL;
	if (at == NULL || strchr(at, '}') == NULL)
		return;
	r->group = (pid_t)strtol(at + strlen(key), NULL, 10);
	if (r->group > 1)
		r->init = pidfd_open(r->group, 0);
	else
		r->group = 0;
}

/*
 * Waits until all processes of the sandbox are gone: bwrap's end kills them,
 * but does not wait for them. Their CPU time is that of the first one, which
 * has reaped them; bwrap's own does not contain it.
 */
static void
exec_box_end(struct exec_child *r)
{
	struct pollfd gone;
	int64_t until = clock_mono() + GRACE_MS, left = GRACE_MS;

	if (r->status >= 0)
		exec_box_read(r);
	while (r->init >= 0 && left > 0) {
		gone = (struct pollfd){ .fd = r->init, .events = POLLIN };
		if (poll(&gone, 1, (int)left) > 0)
			break;
		left = until - clock_mono();
	}
	if (r->init >= 0)
		r->outcome->cpu_ms = proc_cpu_ms(r->group);
}

/*
 * Makes the outcome what it would be without the sandbox. bwrap reports a
 * command that a signal ended as a shell does. A command of which bwrap reports
 * no status was not started.
 */
static int
exec_box_judge(struct exec_child *r, struct error *err)
{
	static const int ends[] = { SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGKILL, SIGSEGV, SIGTERM };
	struct drover_outcome *o = r->outcome;
	static const char why[] = "bwrap gave no reason";
	char *line;

	if (o->status < 0 || r->stage != STAGE_RUNNING ||
	    strstr(buf_str(&r->said), "\"exit-code\":") != NULL) {
		for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
			if (o->status != 128 + ends[i])
				continue;
			o->status = -1;
			o->signal = ends[i];
		}
		return 0;
	}
	exec_tail_copy(&r->err_tail, r->chunk);
	line = strstr(r->chunk, "bwrap: ");
	return error_set(err,
	    line != NULL && strstr(line, "execvp ") != NULL ? DROVER_CONFIG : DROVER_INTERNAL,
	    "%.128s: the sandbox could not start it: %.*s", r->command->argv[0],
	    (int)strcspn(line != NULL ? line + 7 : why, "\n"), line != NULL ? line + 7 : why);
}

/*
 * How long poll() may wait, in ms. The cancel flag may be set just before
 * poll() begins, or by another thread, so it is checked again every
 * CANCEL_LOOK_MS.
 */
static int
exec_patience(const struct exec_child *r, int64_t now)
{
	int64_t until = r->stage == STAGE_RUNNING ? r->deadline :
	    r->stage == STAGE_ASKED               ? r->kill_at :
						    0;
	int64_t wait = until == 0 ? INT32_MAX : until - now;

	if (r->stage == STAGE_RUNNING && r->scope->cancelled != NULL && wait > CANCEL_LOOK_MS)
		wait = CANCEL_LOOK_MS;
	if (until == 0 && wait == INT32_MAX)
		return -1;
	return wait < 0 ? 0 : wait > INT32_MAX ? INT32_MAX : (int)wait;
}

static void
exec_escalate(struct exec_child *r)
{
	int64_t now = clock_mono();

	if (r->stage == STAGE_RUNNING) {
		r->cancelled = scope_cancelled(r->scope);
		if (!r->cancelled && (r->deadline == 0 || now < r->deadline))
			return;
		r->outcome->timed_out = !r->cancelled;
		kill(r->group != 0 ? -r->group : -r->pid, SIGTERM);
		r->kill_at = now + GRACE_MS;
		r->stage = STAGE_ASKED;
	} else if (r->stage == STAGE_ASKED && now >= r->kill_at) {
		kill(-r->pid, SIGKILL);
		r->stage = STAGE_KILLED;
	}
}

/*
 * Reads once, at most max bytes. At the end of the stream it closes fd and
 * returns false.
 */
static bool
exec_read(struct exec_child *r, int *fd, size_t max)
{
	ssize_t n = read(*fd, r->chunk, max < CHUNK ? max : CHUNK);

	if (n < 0 && errno == EINTR)
		return true;
	if (n <= 0) {
		path_close(fd);
		return false;
	}
	r->outcome->output += (uint64_t)n;
	exec_show(r, fd == &r->err, (size_t)n, false);
	return true;
}

/*
 * Hands on what was read. Secrets are hidden here, before anything is cut into
 * lines or to a size; what may be the beginning of one waits for what follows.
 */
static void
exec_show(struct exec_child *r, bool err, size_t len, bool last)
{
	struct buf *shown = &r->shown;

	buf_clear(shown);
	secrets_stream(err ? &r->err_secrets : &r->out_secrets, r->chunk, len, last, shown);
	if (shown->len == 0)
		return;
	exec_output(r->scope, shown->data, shown->len);
	buf_add_end(&r->tail, shown->data, shown->len, TAIL_BYTES);
	if (err)
		buf_add_end(&r->err_tail, shown->data, shown->len, TAIL_BYTES);
	else if (r->command->line != NULL)
		exec_lines(r, shown->data, shown->len);
}

/*
 * Reads what is in the pipe now, but no more: a descendant that left the group
 * could go on writing for ever.
 */
static void
exec_drain(struct exec_child *r, int *fd)
{
	int left = 0;
	uint64_t before;

	if (*fd < 0 || ioctl(*fd, FIONREAD, &left) != 0)
		return;
	while (left > 0) {
		before = r->outcome->output;
		if (!exec_read(r, fd, (size_t)left))
			return;
		left -= (int)(r->outcome->output - before);
	}
}

static void
exec_lines(struct exec_child *r, const char *data, size_t len)
{
	const struct drover_command *c = r->command;
	const char *newline;
	size_t take;

	while (len > 0) {
		newline = memchr(data, '\n', len);
		take = newline != NULL ? (size_t)(newline - data) : len;
		if (take > LINE_BYTES - r->line.len) {
			take = LINE_BYTES - r->line.len;
			newline = NULL;
		} else if (newline == NULL) {
			buf_add(&r->line, data, take);
			return;
		}
		if (r->line.len == 0) {
			c->line(c->arg, data, take);
		} else {
			buf_add(&r->line, data, take);
			c->line(c->arg, r->line.data, r->line.len);
			buf_clear(&r->line);
		}
		if (newline != NULL)
			take++;
		data += take;
		len -= take;
	}
}

static int
exec_reap(struct exec_child *r, struct error *err)
{
	struct drover_outcome *o = r->outcome;
	struct rusage usage;
	int status;

	if (proc_reap_ended(r->pid, r->scope->reaps, SWEEP_MS, &status, &usage) != 0)
		return errno == ETIMEDOUT ?
		    error_set(err, DROVER_INTERNAL,
			"%.128s has ended, but another process still traces it",
			r->command->argv[0]) :
		    error_errno(err, DROVER_INTERNAL, "cannot find out how %.128s ended",
			r->command->argv[0]);
	if (WIFEXITED(status))
		o->status = WEXITSTATUS(status);
	else
		o->signal = WTERMSIG(status);
	o->cpu_ms += (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
	    (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
	return 0;
}

/*
 * Kills what the command has left behind. Nothing of it may live when the next
 * step reads the tree.
 */
static int
exec_sweep(const struct exec_child *r, struct error *err)
{
	char name[32], shown[64];
	pid_t pid;
	int n;

	if (!r->scope->reaps)
		return 0;
	if ((n = proc_sweep_children(SWEEP_MS)) > 0)
		log_printf(&r->scope->log, DROVER_NOTICE,
		    "%.128s left %d %s behind, which drover ended", r->command->argv[0], n,
		    n == 1 ? "process" : "processes");
	if (n >= 0 || (pid = proc_child_left(name, sizeof name)) == 0)
		return 0;
	return error_set(err, DROVER_INTERNAL,
	    "%.128s left process %d (%s) behind, which drover cannot end: end it, then retry the "
	    "job",
	    r->command->argv[0], (int)pid, text_show_in(shown, sizeof shown, name, strlen(name)));
}

/*
 * Copies the last bytes, beginning with a whole character. Each NUL becomes a
 * space.
 */
static void
exec_tail_copy(const struct buf *tail, char *out)
{
	size_t i, from = text_fit_end(tail->data, tail->len, TAIL_BYTES);

	for (i = 0; from < tail->len; i++, from++)
		out[i] = tail->data[from] != '\0' ? tail->data[from] : ' ';
	out[i] = '\0';
}

static int
host_exec_run(struct drover_scope *public, const struct drover_command *given,
    struct drover_outcome *out, struct drover_error *e)
{
	struct scope *s = scope_of(public);
	struct drover_command command;
	struct drover_outcome outcome;
	struct error err = { .code = 0 };
	int rc;

	if (service_in(&command, sizeof command, given, SERVICE_LEAST(drover_command, arg),
		"drover_command", &err) != 0 ||
	    service_out_check(out, "drover_outcome", &err) != 0)
		return scope_fail(e, &err);
	rc = exec_run(s, &command, &outcome, &err);
	if (service_out(out, &outcome, sizeof outcome, "drover_outcome", &err) != 0)
		rc = -1;
	return rc == 0 ? 0 : scope_fail(e, &err);
}
