/*
 * control_parts - what the files of control share.
 *
 * Layer     gateway/edge; internal to control
 * Threads   the loop; a client in CLIENT_WORKING is in part the keeper's or
 *           the clerk's, as noted
 */
#ifndef DEPOT_GATEWAY_EDGE_CONTROL_PARTS_H
#define DEPOT_GATEWAY_EDGE_CONTROL_PARTS_H

#include "gateway/edge/control.h"
#include "gateway/edge/control_peer.h"
#include "gateway/edge/control_request.h"
#include "gateway/edge/queue.h"
#include "store/verify.h"
#include "store/file.h"

#define CONTROL_REPLY_SIZE (REPLY_SIZE_MAX + CONTROL_STATUS_SIZE)
#define CONTROL_PROGRESS_SIZE 96

enum client_state {
	CLIENT_FREE,
	CLIENT_READING, /* a request, or waiting for one */
	CLIENT_WORKING, /* somebody else makes the reply */
	CLIENT_WRITING,
};

enum clerk_work {
	WORK_AUDIT,
	WORK_BACKUP,
};

struct client {
	struct control *control;
	enum client_state state;
	int fd; /* -1: hung up, while its request was worked on */
	struct peer peer;
	int64_t deadline_ms; /* monotonic; INT64_MAX: none */

	/* The request. It stays as it is until the reply is whole. */
	char *line; /* of CONTROL_LINE_SIZE_MAX */
	size_t line_size;
	size_t request_size; /* with its line feed; what follows comes next */
	struct span file;
	bool is_file_bad;

	/* The reply. While working, the one who works writes `out`. */
	char *reply; /* of CONTROL_REPLY_SIZE */
	struct json_out out;
	size_t reply_size;
	size_t sent;
	char progress[CONTROL_PROGRESS_SIZE];
	size_t progress_size; /* 0: none waits to be sent */
	size_t progress_sent;

	/* Who works on it, and what came of it where that is no reply. */
	enum err_code result;
	struct keeper_request request;
	struct clerk_job job;
	enum clerk_work work;
	char path[FILE_PATH_SIZE];
	int64_t told_ms;     /* the clerk's: when progress was told last */
	struct name awaited; /* the device whose acknowledgement is due */
};

/* From the keeper's or the clerk's thread. */
struct control_notice {
	struct client *client;
	uint64_t done;
	uint64_t total;
};

struct control {
	struct control_config config;
	int listener;  /* -1: stopped */
	bool is_bound; /* the socket's name is ours */
	int poll;      /* an epoll of listener and clients: the loop has one
			* source, and accepting allocates nothing */
	struct loop_source *source;
	struct loop_source *beat;
	struct loop_source *wake_source;
	struct wake wake;
	struct queue *finished; /* notices; one a client at most */
	struct queue *progress; /* notices; what finds it full is dropped */
	struct json json;
	unsigned char *json_memory;
	struct desk *desk;
	struct verify_report audit; /* the clerk's */
	struct client clients[CONTROL_CLIENTS_MAX];
};

/* Makes of the client's request what it is to become: calls
 * control_client_done now, or somebody does later. */
void control_run(struct client *client);

/* A peer has come, on @fd, which is the client's from now on. */
void control_client_begin(struct client *client, int fd,
			  const struct peer *peer);
/* Something has happened on its descriptor: EPOLL* bits. */
void control_client_event(struct client *client, uint32_t what);
/* Hangs up. What somebody works on stays his until he is done. */
void control_client_close(struct client *client);
/* Lets go of what its request held. */
void control_client_free(struct client *client);

/* The reply is whole, in the client's `out`. */
void control_client_done(struct client *client);
/* Tells how far a long job is, unless the last word is still under way. */
void control_client_progress(struct client *client, uint64_t done,
			     uint64_t total);

/* Hands the request to the clerk. ERR_AGAIN: it is busy. */
MUST_CHECK enum err_code control_work(struct client *client,
				      enum clerk_work work);

#endif
