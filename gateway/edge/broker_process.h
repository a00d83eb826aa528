/*
 * broker_process - one running mosquitto: found, started, signalled, ended.
 *
 * Layer     gateway/edge, for broker.c and its tests
 * Threads   the one that owns the struct
 *
 * Known by a descriptor (pidfd), not by its number: that could be another's by
 * the time a signal is sent. It need not be our child: one that an earlier
 * depotd started is adopted, and one that systemd runs is only told things.
 */
#ifndef DEPOT_GATEWAY_EDGE_BROKER_PROCESS_H
#define DEPOT_GATEWAY_EDGE_BROKER_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "rules/base/err.h"

struct broker_process {
	pid_t pid; /* 0: none; then nothing else holds */
	int fd;    /* pidfd: readable once it has ended */
	bool is_child;
};

/*
 * Finds the process that the file @pid_path names, if it runs with `-c
 * @conf_path`. Where the system hides its command line, one that we may signal
 * will do.
 *
 * ERR_NOT_FOUND  there is none (@err untouched)
 */
MUST_CHECK enum err_code process_find(const char *pid_path,
				      const char *conf_path,
				      struct broker_process *ret_process,
				      struct err *err);

/*
 * Starts `@program -c @conf_path` in a process group of its own, with default
 * signals, stdin from /dev/null, our stdout and stderr and nothing else that
 * is ours.
 *
 * ERR_IO  it cannot be started; the sentence names the program
 */
MUST_CHECK enum err_code process_start(const char *program,
				       const char *conf_path,
				       struct broker_process *ret_process,
				       struct err *err);

/*
 * The same for any program: @arguments begin with its path and end with NULL.
 *
 * ERR_IO  it cannot be started; the sentence names the program
 */
MUST_CHECK enum err_code process_run(char *const *arguments,
				     struct broker_process *ret_process,
				     struct err *err);

/* Whether it handles that signal by now: mosquitto does when it listens, and
 * SIGHUP before that would end it. Where the system hides it: yes. */
bool process_handles(const struct broker_process *process, int number);

/* Sends a signal; one that has ended gets none. */
void process_signal(const struct broker_process *process, int number);

/* Waits at most @timeout_ms for its end. True if it has ended. */
bool process_wait(const struct broker_process *process, int timeout_ms);

/* SIGTERM, after @timeout_ms SIGKILL; then forgets it. Takes one with pid 0. */
void process_end(struct broker_process *process, int timeout_ms);

/* After it has ended: how ("exit 1", "signal 9"; "ended" of one that is no
 * child of ours), into @words, terminated; and forgets it. */
#define PROCESS_WORDS_SIZE 32
void process_reap(struct broker_process *process,
		  char words[PROCESS_WORDS_SIZE]);

/* Forgets it and lets it run. Takes one with pid 0. */
void process_leave(struct broker_process *process);

#endif
