/*
 * link_server_parts - the link server's state, and what its files need of each
 * other.
 *
 * Layer     gateway/edge; included by link_server*.c only
 * Threads   that of the loop which the server was opened on
 *
 * link_server.c has the connections: how they come, are read and go;
 * link_server_talk.c what is said on them; link_server_used.c the bytes.
 */
#ifndef DEPOT_GATEWAY_EDGE_LINK_SERVER_PARTS_H
#define DEPOT_GATEWAY_EDGE_LINK_SERVER_PARTS_H

#include "gateway/edge/link_days.h"
#include "gateway/edge/link_server.h"

/* Connections that have not said who they are. */
#define LINK_GUESTS_MAX 4
#define LINK_DAYS_WRITE_MS 60000

struct link {
	struct link_server *server;
	int fd;                  /* -1: not connected */
	struct link_hello hello; /* its name is empty: none yet */
	int64_t heard_ms;        /* monotonic: its last packet */
	bool is_up;
	bool is_room_wanted;
	char reason[LINK_REASON_SIZE_MAX + 1]; /* of its last DOWN */
	uint64_t sent;         /* since HELLO, as sums of link_cost */
	uint64_t allowed;      /* likewise */
	struct link_used told; /* as it said last */
	struct link_used today;
	bool is_spent_told; /* today */
	int64_t day;        /* since 1970; 0: no trusted clock has told */
	int64_t day_ms;     /* monotonic: when it began, or we did */
};

struct link_server {
	struct link_server_config config;
	int listener; /* -1: none */
	int poll;     /* an epoll of all: the loop has one source, and accepting
		       * allocates nothing */
	struct loop_source *source;
	struct loop_source *beat;
	struct link_day days[LINK_DAYS_MAX]; /* as in the file */
	int64_t days_ms;                     /* when that is written next */
	struct link links[LINK_SERVER_LINKS_MAX];
	struct link guests[LINK_GUESTS_MAX];
	uint8_t packet[LINK_PACKET_SIZE_MAX + 1]; /* what came last */
	uint8_t out[LINK_PACKET_SIZE_MAX]; /* a handler that reads `packet` may
					    * publish */
};

/* ---- link_server.c ---- */

/* Monotonic. */
int64_t link_server_now(const struct link_server *server);
/* It does not reach its broker any more, if it did. */
void link_lost(struct link *link, struct span reason);
/* @why: of its process. A guest goes without a word but its fault. */
void link_end(struct link *link, const char *why);
/* It said what no link says, and so it is none. */
void link_refuse(struct link *link, const char *why);

/* ---- link_server_talk.c ---- */

/*
 * A guest says who it is, and becomes that link. One that comes a second time
 * has lost its first connection, whatever that looks like from here.
 */
void link_guest_greet(struct link *guest, const struct link_hello *hello);
void link_packet_take(struct link *link, const struct link_packet *packet);
/* Who was refused room is told that there is some. */
void link_room_tell(struct link *link);

/* ---- link_server_used.c ---- */

/* One that was here before the server's start goes on with its day. */
void link_day_recall(struct link *link, const struct name *name);
/* Begins the count anew when it is a later day: by a trusted clock, or, without
 * one, after 24 hours. */
struct link_used *link_today(struct link *link);
/* Whether the day's budget is spent. */
bool link_is_spent(struct link *link);
void link_server_days_write(struct link_server *server);

#endif
