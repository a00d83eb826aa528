/*
 * carry_take_parts - what is known of an import that is under way.
 *
 * Layer     programs; internal to carry_take
 * Threads   one
 */
#ifndef DEPOT_GATEWAY_CLI_CARRY_TAKE_PARTS_H
#define DEPOT_GATEWAY_CLI_CARRY_TAKE_PARTS_H

#include "gateway/cli/carry_take.h"
#include "gateway/sync/bundle.h"
#include "store/file.h"

#define FILES_MAX 512
#define FEEDS_MAX 256
#define REFUSALS_MAX 32

struct carried_feed {
	int64_t site;
	int64_t epoch;
	uint64_t branch;
	int64_t before; /* held when the import began */
	int64_t seq;    /* held now */
	int64_t offered;
	int64_t rows;
	int64_t void_rows;
	char state[24];
};

struct carried_refusal {
	const char *path;
	int64_t site;
	int64_t epoch;
	int64_t seq;
	char reason[24];
};

struct carried_file {
	char path[FILE_PATH_SIZE];
	struct name from;
	uint64_t packs;
	uint64_t size;
	int64_t acks;
	bool is_found; /* in a folder, by its name: it may be anything */
	bool is_whole;
	/* Nothing of it was taken: not even its first block can be read, or it
	 * is another network's. NULL: it is a bundle. */
	const struct control_refusal *none;
	char fault[ERR_TEXT_SIZE]; /* why not */
	char fault_zh[ERR_TEXT_SIZE];
};

struct importing {
	struct cli *cli;
	struct bundle *bundle;
	size_t file_count;
	struct carried_file *files; /* FILES_MAX */
	size_t feed_count;
	struct carried_feed feeds[FEEDS_MAX];
	size_t refusal_count; /* all; the first REFUSALS_MAX are listed */
	struct carried_refusal refusals[REFUSALS_MAX];
	uint64_t done;
	uint64_t total; /* bytes of all files */
	bool is_set_back;
	bool has_gap;
	bool has_moved;
	int fd; /* of the file in work */
};

#endif
