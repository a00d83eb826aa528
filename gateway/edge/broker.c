#include "gateway/edge/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "gateway/edge/backoff.h"
#include "gateway/edge/broker_files.h"
#include "gateway/edge/broker_own.h"
#include "gateway/edge/broker_passwd.h"
#include "gateway/edge/broker_process.h"
#include "gateway/edge/broker_tls.h"
#include "gateway/edge/port.h"
#include "gateway/edge/replace.h"

#define PATH_SIZE 256
#define FILE_MODE 0640
#define RESTART_LEAST_MS 500
#define RESTART_MOST_MS 30000
/* One that has run for so long did not fail to start. */
#define SETTLED_MS 30000
#define END_TIMEOUT_MS 3000
#define LISTEN_TRIES 50
#define LISTEN_TRY_MS 10
/* See broker.h: after one second, two, four, eight, sixteen. */
#define TELL_AGAIN_MS UINT64_C(1000)
#define TELL_AGAIN_MAX 5

struct broker {
	struct broker_config config; /* its texts are in `texts` */
	char texts[9][PATH_SIZE];
	char conf_path[PATH_SIZE];
	char pid_path[PATH_SIZE];
	char password[BROKER_PASSWORD_SIZE];
	char hash[SEAL_PASSWORD_SIZE];
	int folder; /* of the files */
	struct broker_process process;
	struct loop_source *exit_source;
	struct loop_source *restart_timer;
	struct loop_source *tell_timer;
	unsigned tells; /* since the files were written */
	struct backoff backoff;
	int64_t started_ms;
	bool was_adopted;
	pid_t ending; /* whom renew() has asked to end; 0: nobody */
	uint64_t starts;
	uint64_t ends;
};

/* ---- files ---- */

struct writing {
	FILE *out;
	const struct broker_config *config;
};

static enum err_code rights_write(void *context,
				  const struct broker_account *account,
				  struct err *err)
{
	const struct writing *writing = context;

	(void)err;
	broker_acl_add(writing->out, writing->config, account);
	return ERR_OK;
}

static enum err_code acl_write(struct broker *broker, struct err *err)
{
	struct writing writing = {.config = &broker->config};
	struct replace replace;
	enum err_code code = replace_begin(&replace, broker->folder,
					   BROKER_ACL_NAME, FILE_MODE, err);

	if (code != ERR_OK)
		return code;
	writing.out = replace.out;
	broker_acl_begin(replace.out, &broker->config);
	code = broker_account_walk(broker->config.keys, rights_write, &writing,
				   err);
	if (code == ERR_OK)
		return replace_commit(&replace, false, err);
	replace_abandon(&replace);
	return code;
}

/* Rights before passwords: an account that is new has none until both are
 * there, one that is gone has none any more. @is_kept: see broker_passwd.h. */
static enum err_code accounts_write(struct broker *broker, bool is_kept,
				    struct err *err)
{
	enum err_code code = acl_write(broker, err);

	if (code != ERR_OK)
		return code;
	return broker_passwd_write(broker->folder, broker->config.keys,
				   broker->hash, is_kept, err);
}

static enum err_code passwd_is_changed(const struct broker *broker,
				       bool *ret_is_changed, struct err *err)
{
	return broker_passwd_is_changed(broker->folder, broker->config.keys,
					ret_is_changed, err);
}

/* Somebody else's broker on our port would take depotd's password, and hand
 * out readings to whoever asks. */
static enum err_code ports_check(const struct broker *broker, struct err *err)
{
	const struct broker_config *config = &broker->config;
	enum err_code code = port_check(config->address, config->port, err);

	if (code == ERR_OK && config->websocket_port != 0)
		code = port_check(config->address, config->websocket_port, err);
	if (code == ERR_OK && config->tls_port != 0)
		code = port_check(config->address, config->tls_port, err);
	return code == ERR_AGAIN ? err_wrap(err, code, "managed broker")
				 : ERR_OK;
}

static enum err_code conf_remove(const struct broker *broker, struct err *err)
{
	if (unlinkat(broker->folder, BROKER_CONF_NAME, 0) < 0 &&
	    errno != ENOENT)
		return err_sys(err, errno, "remove %s", broker->conf_path);
	return ERR_OK;
}

static void ending_log(const struct broker *broker, const char *what)
{
	log_event(broker->config.log, LEVEL_WARNING, "broker_reconfigured",
		  "the broker ends, since %s: what it had queued is sent "
		  "again by those devices that wait for their "
		  "acknowledgement",
		  what);
}

/* A broker that has other settings than those in @conf, or other passwords,
 * has to end first: see broker.h. */
static enum err_code old_end(struct broker *broker, struct err *err)
{
	enum err_code code = conf_remove(broker, err);

	if (code != ERR_OK || broker->process.pid == 0)
		return code;
	ending_log(broker, "its settings or a password have changed");
	process_end(&broker->process, END_TIMEOUT_MS);
	return ERR_OK;
}

/* With the new settings written to @conf, which ends here. */
static enum err_code conf_apply(struct broker *broker, struct replace *conf,
				struct err *err)
{
	bool is_same = replace_is_same(conf);
	bool is_changed = !is_same;
	enum err_code code =
		broker_tls_copy(&broker->config, broker->folder, err);

	if (code == ERR_OK && is_same && broker->process.pid != 0)
		code = passwd_is_changed(broker, &is_changed, err);
	if (code == ERR_OK && is_changed)
		code = old_end(broker, err);
	if (code == ERR_OK && broker->process.pid == 0)
		code = ports_check(broker, err);
	if (code == ERR_OK)
		code = accounts_write(broker, broker->process.pid != 0, err);
	if (code != ERR_OK || broker->process.pid != 0) {
		replace_abandon(conf);
		return code;
	}
	/* Last: its appearance is what systemd starts the broker by. */
	return replace_commit(conf, false, err);
}

static enum err_code conf_begin(struct broker *broker, struct replace *conf,
				struct err *err)
{
	/* Else mosquitto goes over to a user who cannot read its files. */
	const char *user = geteuid() == 0 ? "root" : NULL;
	enum err_code code = replace_begin(conf, broker->folder,
					   BROKER_CONF_NAME, FILE_MODE, err);

	if (code == ERR_OK)
		broker_conf_write(conf->out, &broker->config, user);
	return code;
}

static enum err_code files_write(struct broker *broker, struct err *err)
{
	struct replace conf;
	enum err_code code = conf_begin(broker, &conf, err);

	return code == ERR_OK ? conf_apply(broker, &conf, err) : code;
}

/*
 * A password has changed that the running broker has read: it gets the files
 * with another start, by on_ended or by systemd. Nothing waits here; without
 * broker.conf, a depotd that comes after a kill in between ends the broker.
 */
static enum err_code renew(struct broker *broker, struct err *err)
{
	struct replace conf;
	enum err_code code = conf_begin(broker, &conf, err);
	enum err_code written;

	if (code != ERR_OK)
		return code;
	code = conf_remove(broker, err);
	if (code != ERR_OK) {
		replace_abandon(&conf);
		return code;
	}
	written = accounts_write(broker, false, err);
	if (written == ERR_OK) {
		ending_log(broker, "an account has a new password");
		broker->ending = broker->process.pid;
		process_signal(&broker->process, SIGTERM);
	}
	code = replace_commit(&conf, false, written == ERR_OK ? err : NULL);
	return written == ERR_OK ? code : written;
}

/* ---- telling it ---- */

/* systemd may have started another since. */
static void unit_find(struct broker *broker)
{
	if (broker->config.is_child)
		return;
	process_leave(&broker->process);
	if (process_find(broker->pid_path, broker->conf_path, &broker->process,
			 NULL) != ERR_OK)
		broker->process.pid = 0;
}

/* Whether a broker runs that goes on. */
static bool is_told(const struct broker *broker)
{
	return broker->process.pid != 0 &&
	       broker->process.pid != broker->ending;
}

static void tell(struct broker *broker)
{
	if (is_told(broker) && process_handles(&broker->process, SIGHUP))
		process_signal(&broker->process, SIGHUP);
	if (broker->tells < TELL_AGAIN_MAX)
		loop_timer_once(broker->tell_timer,
				TELL_AGAIN_MS << broker->tells);
	broker->tells++;
}

static void on_tell_again(void *context, uint32_t what)
{
	struct broker *broker = context;

	(void)what;
	unit_find(broker);
	tell(broker);
}

/* The files have been written. */
static void tell_begin(struct broker *broker)
{
	broker->tells = 0;
	tell(broker);
}

/* ---- the process ---- */

static void on_ended(void *context, uint32_t what);

static enum err_code child_watch(struct broker *broker, struct err *err)
{
	struct loop_call call = {on_ended, broker};

	broker->started_ms = clock_monotonic_ms(broker->config.clock);
	return loop_add_fd(broker->config.loop, broker->process.fd, EPOLLIN,
			   call, &broker->exit_source, err);
}

static enum err_code child_start(struct broker *broker, struct err *err)
{
	enum err_code code =
		process_start(broker->config.program, broker->conf_path,
			      &broker->process, err);

	if (code != ERR_OK)
		return code;
	broker->starts++;
	broker->was_adopted = false;
	/* It reads what has been written. */
	loop_timer_off(broker->tell_timer);
	log_event(broker->config.log, LEVEL_NOTICE, "broker_started",
		  "the broker runs as process %d", (int)broker->process.pid);
	return child_watch(broker, err);
}

static void restart_plan(struct broker *broker)
{
	loop_timer_once(broker->restart_timer,
			backoff_next_ms(&broker->backoff));
}

static void on_restart(void *context, uint32_t what)
{
	struct broker *broker = context;
	struct err err;
	enum err_code code = ports_check(broker, &err);

	(void)what;
	/* Its accounts as they are now; those of before will do. */
	if (code == ERR_OK && accounts_write(broker, false, &err) != ERR_OK)
		log_event(broker->config.log, LEVEL_ERROR,
			  "broker_not_refreshed", "%s", err.text);
	if (code == ERR_OK)
		code = child_start(broker, &err);
	if (code == ERR_OK)
		return;
	log_event(broker->config.log, LEVEL_ERROR, "broker_not_started", "%s",
		  err.text);
	restart_plan(broker);
}

static void end_log(struct broker *broker, const char *words)
{
	broker->ends++;
	log_event(broker->config.log, LEVEL_ERROR, "broker_exited",
		  "the broker has ended (%s) and is started again: what it had "
		  "queued is sent again by those devices that wait for their "
		  "acknowledgement",
		  words);
}

static void on_ended(void *context, uint32_t what)
{
	struct broker *broker = context;
	int64_t lived_ms =
		clock_monotonic_ms(broker->config.clock) - broker->started_ms;
	bool is_asked = broker->process.pid == broker->ending;
	char words[PROCESS_WORDS_SIZE];

	(void)what;
	loop_remove(broker->exit_source);
	broker->exit_source = NULL;
	process_reap(&broker->process, words);
	if (!is_asked)
		end_log(broker, words);
	if (lived_ms >= SETTLED_MS)
		backoff_reset(&broker->backoff);
	restart_plan(broker);
}

/* True once it listens; false if it ends, or does not within a second. */
static bool child_listens(const struct broker *broker)
{
	for (int i = 0; i < LISTEN_TRIES; i++) {
		if (port_answers(broker->config.address, broker->config.port,
				 LISTEN_TRY_MS))
			return true;
		if (process_wait(&broker->process, LISTEN_TRY_MS))
			return false;
	}
	return false;
}

/* One that was ours before, and does not listen, is started again. */
static enum err_code child_adopt(struct broker *broker, struct err *err)
{
	if (child_listens(broker)) {
		log_event(broker->config.log, LEVEL_NOTICE, "broker_adopted",
			  "the broker runs already, as process %d",
			  (int)broker->process.pid);
		broker->was_adopted = true;
		tell_begin(broker);
		return child_watch(broker, err);
	}
	log_event(broker->config.log, LEVEL_ERROR, "broker_deaf",
		  "the broker of process %d does not listen and is started "
		  "again",
		  (int)broker->process.pid);
	process_end(&broker->process, END_TIMEOUT_MS);
	return child_start(broker, err);
}

static enum err_code child_begin(struct broker *broker, struct err *err)
{
	struct loop_call call = {on_restart, broker};
	uint64_t seed;
	enum err_code code = loop_add_timer(broker->config.loop, call,
					    &broker->restart_timer, err);

	if (code != ERR_OK)
		return code;
	seal_random(&seed, sizeof(seed));
	backoff_init(&broker->backoff, RESTART_LEAST_MS, RESTART_MOST_MS, seed);
	if (broker->process.pid != 0)
		return child_adopt(broker, err);
	code = child_start(broker, err);
	/* So that the first connect finds it; else on_ended sees to it. */
	if (code == ERR_OK)
		(void)child_listens(broker);
	return code;
}

/* ---- the whole ---- */

static bool text_copy(struct broker *broker, size_t index, const char **text)
{
	const char *from = *text == NULL ? "" : *text;

	*text = broker->texts[index];
	return text_format(broker->texts[index], PATH_SIZE, "%s", from);
}

static bool paths_make(const char *dir, char *conf_path, char *pid_path)
{
	return text_format(conf_path, PATH_SIZE, "%s/" BROKER_CONF_NAME, dir) &&
	       text_format(pid_path, PATH_SIZE, "%s/" BROKER_PID_NAME, dir);
}

static enum err_code prepare(struct broker *broker,
			     const struct broker_config *config,
			     struct err *err)
{
	struct broker_config *own = &broker->config;
	enum err_code code;

	*own = *config;
	broker->folder = -1;
	if (!text_copy(broker, 0, &own->dir) ||
	    !text_copy(broker, 1, &own->keys) ||
	    !text_copy(broker, 2, &own->org) ||
	    !text_copy(broker, 3, &own->site) ||
	    !text_copy(broker, 4, &own->address) ||
	    !text_copy(broker, 5, &own->program) ||
	    !text_copy(broker, 6, &own->tls_cert) ||
	    !text_copy(broker, 7, &own->tls_key) ||
	    !text_copy(broker, 8, &own->former) ||
	    !paths_make(own->dir, broker->conf_path, broker->pid_path))
		return err_set(err, ERR_INVALID, "path too long: %s",
			       config->dir);
	broker->folder = open(own->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (broker->folder < 0)
		return err_sys(err, errno, "open folder %s", own->dir);
	code = broker_own_password(broker->folder, broker->password, err);
	if (code != ERR_OK)
		return code;
	seal_password(span_of(broker->password), broker->hash);
	return ERR_OK;
}

static enum err_code begin(struct broker *broker, struct err *err)
{
	struct loop_call call = {on_tell_again, broker};
	enum err_code code = process_find(broker->pid_path, broker->conf_path,
					  &broker->process, err);

	if (code == ERR_OK || code == ERR_NOT_FOUND)
		code = loop_add_timer(broker->config.loop, call,
				      &broker->tell_timer, err);
	if (code == ERR_OK)
		code = files_write(broker, err);
	if (code != ERR_OK)
		return code;
	if (broker->config.is_child)
		return child_begin(broker, err);
	tell_begin(broker);
	return ERR_OK;
}

enum err_code broker_open(const struct broker_config *config,
			  struct broker **ret_broker, struct err *err)
{
	struct broker *broker = calloc(1, sizeof(*broker));
	enum err_code code;

	if (broker == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	code = prepare(broker, config, err);
	if (code == ERR_OK)
		code = begin(broker, err);
	if (code != ERR_OK) {
		/* One that ran before us may hold readings for the next. */
		broker_close(broker, broker->starts > 0);
		return code;
	}
	*ret_broker = broker;
	return ERR_OK;
}

void broker_close(struct broker *broker, bool ends)
{
	if (broker == NULL)
		return;
	loop_remove(broker->exit_source);
	loop_remove(broker->restart_timer);
	loop_remove(broker->tell_timer);
	if (ends && broker->config.is_child)
		process_end(&broker->process, END_TIMEOUT_MS);
	else
		process_leave(&broker->process);
	if (broker->folder >= 0)
		(void)close(broker->folder); /* opened for reading */
	seal_wipe(broker->password, sizeof(broker->password));
	free(broker);
}

const char *broker_password(const struct broker *broker)
{
	return broker->password;
}

static enum err_code accounts_tell(struct broker *broker, struct err *err)
{
	bool runs = is_told(broker);
	bool is_changed = false;
	enum err_code code = ERR_OK;

	if (runs)
		code = passwd_is_changed(broker, &is_changed, err);
	if (code == ERR_OK && is_changed)
		code = renew(broker, err);
	else if (code == ERR_OK)
		code = accounts_write(broker, runs, err);
	return code == ERR_OK ? ERR_OK
			      : err_wrap(err, code, "accounts of the broker");
}

enum err_code broker_refresh(struct broker *broker, struct err *err)
{
	enum err_code code;

	unit_find(broker);
	code = accounts_tell(broker, err);
	if (code != ERR_OK)
		return code;
	/* A certificate that cannot be had keeps nobody's account alive. */
	code = broker_tls_copy(&broker->config, broker->folder, err);
	tell_begin(broker);
	if (code != ERR_OK)
		return code;
	log_event(broker->config.log, LEVEL_NOTICE, "broker_refreshed",
		  "the broker has accounts and certificate as they are now");
	return ERR_OK;
}

void broker_state(struct broker *broker, struct broker_state *ret_state)
{
	if (broker->process.pid == 0 || process_wait(&broker->process, 0))
		unit_find(broker);
	*ret_state = (struct broker_state){
		.is_running = broker->process.pid != 0 &&
			      !process_wait(&broker->process, 0),
		.was_adopted = broker->was_adopted,
		.pid = broker->process.pid,
		.starts = broker->starts,
		.ends = broker->ends,
	};
}

void broker_retire(const char *dir, struct log *log)
{
	struct broker_process process;
	char conf_path[PATH_SIZE];
	char pid_path[PATH_SIZE];

	if (!paths_make(dir, conf_path, pid_path) || unlink(conf_path) < 0)
		return;
	if (process_find(pid_path, conf_path, &process, NULL) != ERR_OK)
		return;
	log_event(log, LEVEL_NOTICE, "broker_retired",
		  "the managed broker ends: another one is configured");
	process_end(&process, END_TIMEOUT_MS);
}
