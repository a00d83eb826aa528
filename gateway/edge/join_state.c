#include "gateway/edge/join_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/edge/replace.h"
#include "store/file.h"
#include "store/joining.h"
#include "store/journal.h"
#include "store/keys.h"
#include "store/site.h"

#define MAGIC "depot join"
#define VERSION 1
#define JOIN_KEY "join.key"
#define ROOT_KEY "root.key"
#define FILE_SIZE_MAX 2048
#define CHECKSUM_SIZE 8
#define TLS_PORT ":8883"

const char *join_stage_name(enum join_stage stage)
{
	static const char *const names[] = {
		[JOIN_STAGE_ASKING] = "asking",
		[JOIN_STAGE_ANSWERED] = "answered",
		[JOIN_STAGE_READY] = "ready",
		[JOIN_STAGE_REFUSED] = "refused",
	};

	ASSERT(stage >= JOIN_STAGE_ASKING && stage <= JOIN_STAGE_MAX);
	return names[stage];
}

void join_state_wipe(struct join_state *state)
{
	seal_wipe(state, sizeof(*state));
}

static void code_key(const struct join_code *code, uint8_t key[JOIN_KEY_SIZE])
{
	join_key(code->number,
		 (struct span){(const char *)code->secret, JOIN_SECRET_SIZE},
		 key);
}

bool join_uri_of(const struct join_code *code, char uri[JOIN_URI_SIZE])
{
	const struct join_host *host = &code->host;
	struct span port = {host->data, host->size};
	bool is_tls;

	if (port.size > sizeof(TLS_PORT) - 1) {
		port.data += port.size - (sizeof(TLS_PORT) - 1);
		port.size = sizeof(TLS_PORT) - 1;
	}
	is_tls = span_is(port, TLS_PORT);
	if (!text_format(uri, JOIN_URI_SIZE, "%s://%.*s",
			 is_tls ? "ssl" : "tcp", (int)host->size, host->data))
		return false;
	for (char *c = uri; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c = (char)(*c - 'A' + 'a');
	return true;
}

/* ---- bytes ---- */

static void state_encode(struct writer *writer, const struct join_state *state)
{
	char code[JOIN_CODE_SIZE_MAX + 1];

	join_code_write(&state->code, code);
	write_raw(writer, MAGIC, sizeof(MAGIC));
	write_u8(writer, VERSION);
	write_u8(writer, (uint8_t)state->stage);
	write_span(writer, span_of(code));
	write_span(writer, span_of(state->uri));
	write_raw(writer, state->nonce, JOIN_NONCE_SIZE);
	write_u64(writer, state->boot);
	write_u32(writer, state->epoch);
	write_raw(writer, state->public_key, KEY_PUBLIC_SIZE);
	write_u32(writer, state->tries);
	write_u8(writer, (uint8_t)state->refusal);
	write_span(writer, (struct span){(const char *)state->frame,
					 state->frame_size});
	write_u64(writer,
		  seal_checksum(0, (struct span){(const char *)writer->data,
						 writer->size}));
	ASSERT(writer_ok(writer));
	seal_wipe(code, sizeof(code));
}

static void raw_take(struct reader *reader, uint8_t *bytes, size_t size)
{
	struct span raw = read_raw(reader, size);

	if (raw.size == size)
		memcpy(bytes, raw.data, size);
}

static bool answer_decode(struct join_state *state)
{
	struct span bytes = {(const char *)state->frame, state->frame_size};
	uint8_t key[JOIN_KEY_SIZE];
	struct join_frame frame;
	bool is_read;

	code_key(&state->code, key);
	is_read = join_read(bytes, key, &frame) == ERR_OK &&
		  frame.type == JOIN_ANSWER;
	seal_wipe(key, sizeof(key));
	if (is_read)
		state->answer = frame.body.answer;
	return is_read;
}

static bool rest_decode(struct reader *reader, struct join_state *state)
{
	uint8_t stage = read_u8(reader);
	struct span code = read_span(reader, JOIN_CODE_SIZE_MAX);
	struct span uri = read_span(reader, JOIN_URI_SIZE - 1);
	struct span frame;
	uint8_t refusal;

	raw_take(reader, state->nonce, JOIN_NONCE_SIZE);
	state->boot = read_u64(reader);
	state->epoch = read_u32(reader);
	raw_take(reader, state->public_key, KEY_PUBLIC_SIZE);
	state->tries = read_u32(reader);
	refusal = read_u8(reader);
	frame = read_span(reader, JOIN_FRAME_SIZE_MAX);
	(void)read_u64(reader); /* the checksum was looked at */
	if (!reader_done(reader) || stage < JOIN_STAGE_ASKING ||
	    stage > JOIN_STAGE_MAX || refusal > JOIN_REFUSAL_MAX ||
	    join_code_parse(code, &state->code) != JOIN_CODE_SOUND)
		return false;
	state->stage = (enum join_stage)stage;
	state->refusal = (enum join_refusal)refusal;
	text_print(uri, state->uri, sizeof(state->uri));
	memcpy(state->frame, frame.data, frame.size);
	state->frame_size = frame.size;
	return (stage != JOIN_STAGE_ANSWERED && stage != JOIN_STAGE_READY) ||
	       answer_decode(state);
}

static enum err_code state_decode(struct span bytes, struct join_state *state)
{
	struct reader reader;
	struct reader sum;
	struct span magic;
	uint8_t version;

	reader_init(&reader, bytes.data, bytes.size);
	magic = read_raw(&reader, sizeof(MAGIC));
	version = read_u8(&reader);
	if (!reader_ok(&reader) ||
	    memcmp(magic.data, MAGIC, sizeof(MAGIC)) != 0)
		return ERR_CORRUPT;
	if (version > VERSION)
		return ERR_VERSION;
	if (bytes.size < CHECKSUM_SIZE)
		return ERR_CORRUPT;
	reader_init(&sum, bytes.data + bytes.size - CHECKSUM_SIZE,
		    CHECKSUM_SIZE);
	bytes.size -= CHECKSUM_SIZE;
	if (read_u64(&sum) != seal_checksum(0, bytes) ||
	    !rest_decode(&reader, state))
		return ERR_CORRUPT;
	return ERR_OK;
}

/* ---- the file ---- */

/* Written over, and a crash came before it was gone. */
static bool is_wiped(const char *bytes, size_t size)
{
	static const char zeros[sizeof(MAGIC)];

	return size >= sizeof(zeros) &&
	       memcmp(bytes, zeros, sizeof(zeros)) == 0;
}

enum err_code join_state_read(const char *path, struct join_state *ret_state,
			      struct err *err)
{
	struct join_state state = {.tries = 0};
	char bytes[FILE_SIZE_MAX];
	char file[FILE_PATH_SIZE];
	ssize_t size = -1;
	int fd;
	enum err_code code = file_beside(path, "-join", file, err);

	if (code != ERR_OK)
		return code;
	fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return ERR_NOT_FOUND;
	if (fd >= 0) {
		size = read(fd, bytes, sizeof(bytes));
		(void)close(fd);
	}
	if (size < 0)
		return file_error(err, errno, "read %.200s", file);
	if (is_wiped(bytes, (size_t)size)) {
		(void)unlink(file); /* else the next one does it */
		return ERR_NOT_FOUND;
	}
	code = state_decode((struct span){bytes, (size_t)size}, &state);
	if (code == ERR_OK)
		*ret_state = state;
	seal_wipe(bytes, sizeof(bytes));
	join_state_wipe(&state);
	if (code != ERR_OK)
		return err_set(err, code, "%.200s is %s", file,
			       code == ERR_VERSION ? "of a newer depot"
						   : "damaged: remove it and "
						     "join anew");
	return ERR_OK;
}

/* The folder that @file lies in, opened; its last part in @ret_name. */
static enum err_code folder_open(char *file, const char **ret_name, int *ret_fd,
				 struct err *err)
{
	char *slash = strrchr(file, '/');
	const char *folder = ".";

	*ret_name = file;
	if (slash != NULL) {
		*slash = '\0';
		folder = slash == file ? "/" : file;
		*ret_name = slash + 1;
	}
	*ret_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? file_error(err, errno, "open %.200s", folder)
			   : ERR_OK;
}

enum err_code join_state_write(const char *path, const struct join_state *state,
			       struct err *err)
{
	uint8_t bytes[FILE_SIZE_MAX];
	char file[FILE_PATH_SIZE];
	struct replace replace;
	struct writer writer;
	const char *name;
	int folder = -1;
	enum err_code code = file_beside(path, "-join", file, err);

	writer_init(&writer, bytes, sizeof(bytes));
	state_encode(&writer, state);
	if (code == ERR_OK)
		code = folder_open(file, &name, &folder, err);
	if (code == ERR_OK)
		code = replace_begin(&replace, folder, name, 0600, err);
	if (code == ERR_OK) {
		(void)fwrite(bytes, 1, writer.size, replace.out);
		code = replace_commit(&replace, true, err);
	}
	if (folder >= 0)
		(void)close(folder);
	seal_wipe(bytes, sizeof(bytes));
	return code == ERR_OK ? ERR_OK : err_wrap(err, code, "joining");
}

enum err_code join_state_remove(const char *path, struct err *err)
{
	static const uint8_t nothing[FILE_SIZE_MAX];
	char file[FILE_PATH_SIZE];
	enum err_code code = file_beside(path, "-join", file, err);
	int fd;

	if (code != ERR_OK)
		return code;
	fd = open(file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		if (write(fd, nothing, sizeof(nothing)) > 0)
			(void)fsync(fd); /* as far as the medium lets go */
		(void)close(fd);
	}
	if (unlink(file) < 0 && errno != ENOENT)
		return file_error(err, errno, "remove %.200s", file);
	return ERR_OK;
}

/* ---- asking ---- */

enum err_code join_state_begin(const char *path, const struct join_code *code,
			       const char *uri, uint32_t epoch,
			       struct join_state *ret_state, struct err *err)
{
	struct join_state state = {.stage = JOIN_STAGE_ASKING, .code = *code};
	char folder[FILE_PATH_SIZE];
	enum err_code result = ledger_keys_folder(path, folder, err);

	if (result == ERR_OK &&
	    !text_format(state.uri, sizeof(state.uri), "%s", uri))
		result = err_set(err, ERR_INVALID, "%s is too long", uri);
	/* Before its key is replaced: what is cut short here is begun anew. */
	if (result == ERR_OK)
		result = join_state_remove(path, err);
	if (result == ERR_OK)
		result = keys_make(folder, JOIN_KEY, state.public_key, err);
	state.epoch = epoch;
	seal_random(state.nonce, sizeof(state.nonce));
	seal_random(&state.boot, sizeof(state.boot));
	if (result == ERR_OK)
		result = join_state_write(path, &state, err);
	if (result == ERR_OK)
		*ret_state = state;
	join_state_wipe(&state);
	return result;
}

enum err_code join_state_move(const char *path, const struct join_code *code,
			      const char *uri, struct join_state *state,
			      struct err *err)
{
	struct join_state moved = *state;
	enum err_code result = ERR_OK;

	ASSERT(state->stage == JOIN_STAGE_ASKING);
	moved.code = *code;
	if (!text_format(moved.uri, sizeof(moved.uri), "%s", uri))
		result = err_set(err, ERR_INVALID, "%s is too long", uri);
	if (result == ERR_OK)
		result = join_state_write(path, &moved, err);
	if (result == ERR_OK)
		*state = moved;
	join_state_wipe(&moved);
	return result;
}

enum err_code join_state_keep(const char *path, struct join_state *state,
			      struct err *err)
{
	struct join_state there = {.tries = 0};
	bool is_there = join_state_read(path, &there, NULL) == ERR_OK;
	bool is_ours = is_there &&
		       memcmp(there.nonce, state->nonce, JOIN_NONCE_SIZE) == 0;
	enum err_code code = ERR_OK;

	if (is_ours && state->stage == JOIN_STAGE_ASKING) {
		there.tries = state->tries;
		*state = there;
	}
	if (is_there && !is_ours)
		*state = there;
	else
		code = join_state_write(path, state, err);
	join_state_wipe(&there);
	return code;
}

void join_state_ask(const struct join_state *state, struct moment now,
		    struct writer *writer)
{
	struct join_frame frame = {.type = JOIN_ASK,
				   .number = state->code.number};
	struct join_ask *ask = &frame.body.ask;
	uint8_t key[JOIN_KEY_SIZE];

	memcpy(ask->nonce, state->nonce, JOIN_NONCE_SIZE);
	ask->epoch = state->epoch;
	memcpy(ask->public_key, state->public_key, KEY_PUBLIC_SIZE);
	ask->boot = state->boot;
	ask->stamp = stamp_next((struct stamp){0}, now);
	code_key(&state->code, key);
	join_write(writer, &frame, key);
	seal_wipe(key, sizeof(key));
}

static bool is_to_us(const struct join_state *state,
		     const struct join_frame *frame)
{
	struct join_ask ask = {.epoch = state->epoch};

	memcpy(ask.nonce, state->nonce, JOIN_NONCE_SIZE);
	if (frame->number != state->code.number)
		return false;
	if (frame->type == JOIN_REFUSE)
		return memcmp(frame->body.refuse.nonce, state->nonce,
			      JOIN_NONCE_SIZE) == 0;
	return frame->type == JOIN_ANSWER &&
	       join_is_answer(&ask, &frame->body.answer) &&
	       frame->body.answer.epoch >= state->epoch;
}

enum err_code join_state_hear(struct join_state *state, struct span bytes)
{
	uint8_t key[JOIN_KEY_SIZE];
	struct join_frame frame;
	enum err_code code;

	code_key(&state->code, key);
	code = join_read(bytes, key, &frame);
	seal_wipe(key, sizeof(key));
	if (code != ERR_OK)
		return code;
	if (!is_to_us(state, &frame))
		return ERR_DENIED;
	if (frame.type == JOIN_REFUSE) {
		state->refusal = frame.body.refuse.reason;
		if (state->refusal != JOIN_BUSY)
			state->stage = JOIN_STAGE_REFUSED;
		return ERR_OK;
	}
	memcpy(state->frame, bytes.data, bytes.size);
	state->frame_size = bytes.size;
	state->answer = frame.body.answer;
	state->stage = JOIN_STAGE_ANSWERED;
	return ERR_OK;
}

/* ---- becoming a site ---- */

/* The key gets the name of its epoch; after a crash it has it. */
static enum err_code key_rename(const char *folder,
				const struct join_state *state, struct err *err)
{
	char epoch[KEY_NAME_SIZE];
	char from[FILE_PATH_SIZE];
	char to[FILE_PATH_SIZE];
	struct signer *signer = NULL;
	enum err_code code;

	keys_epoch_name(state->answer.epoch, epoch);
	code = file_path(folder, JOIN_KEY, from, err);
	if (code == ERR_OK)
		code = file_path(folder, epoch, to, err);
	if (code == ERR_OK && rename(from, to) < 0 && errno != ENOENT)
		code = file_error(err, errno, "rename %.200s", from);
	if (code == ERR_OK)
		code = signer_open(folder, epoch, &signer, err);
	if (code == ERR_OK && memcmp(signer_public(signer), state->public_key,
				     KEY_PUBLIC_SIZE) != 0)
		code = err_set(err, ERR_CORRUPT,
			       "%s is not the key that HQ was told of", epoch);
	signer_close(signer);
	return code;
}

static enum err_code place_look(struct ledger *ledger, uint32_t *ret_site,
				struct pos *ret_end, struct err *err)
{
	struct journal_head head;
	struct view *view;
	enum err_code code = view_begin(ledger_env(ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = site_number_get(view, ret_site, err);
	if (code == ERR_OK)
		code = ledger_head(view, &head, err);
	if (code == ERR_OK)
		*ret_end = head.pos;
	view_end(view);
	return code;
}

static enum err_code epoch_open(struct ledger *ledger, struct pos end,
				const struct join_state *state,
				const struct join_moment *at, struct err *err)
{
	const struct join_answer *answer = &state->answer;
	struct founding founding = {.org = answer->org,
				    .site = answer->name,
				    .timezone = answer->timezone};
	bool is_replacing = answer->parent_epoch != 0;
	struct joining_plan plan = {
		.epoch = {.epoch = answer->epoch,
			  .now = at->now,
			  .clock_trusted = at->clock_trusted,
			  .joins = &founding},
		.site = answer->site,
		.succession = {.parent_epoch = is_replacing
						       ? answer->parent_epoch
						       : pos_epoch(end),
			       .reason = is_replacing ? SUCCESSION_REPLACED
						      : SUCCESSION_JOINED},
	};
	uint64_t carried;

	memcpy(plan.epoch.public_key, state->public_key, KEY_PUBLIC_SIZE);
	memcpy(founding.net_id, answer->net_id, NET_ID_SIZE);
	return joining_open(ledger, &plan, &carried, err);
}

enum err_code join_apply(struct ledger *ledger, const char *path,
			 const struct join_state *state,
			 const struct join_moment *at, struct err *err)
{
	const struct join_answer *answer = &state->answer;
	char folder[FILE_PATH_SIZE];
	uint32_t site = 0;
	struct pos end = {0};
	bool is_there;
	enum err_code code;

	ASSERT(state->stage == JOIN_STAGE_READY);
	is_there = memcmp(ledger_identity(ledger)->net_id, answer->net_id,
			  NET_ID_SIZE) == 0;
	code = place_look(ledger, &site, &end, err);
	if (code == ERR_OK &&
	    ((site != 0) != is_there || (is_there && site != answer->site)))
		code = err_set(err, ERR_CONFLICT,
			       "this box belongs to a network already");
	if (code == ERR_OK && !is_there && pos_epoch(end) >= answer->epoch)
		code = err_set(err, ERR_CONFLICT,
			       "epoch %" PRIu32 " is over here", answer->epoch);
	if (code == ERR_OK)
		code = ledger_keys_folder(path, folder, err);
	if (code == ERR_OK)
		code = key_rename(folder, state, err);
	if (code == ERR_OK && !is_there)
		code = epoch_open(ledger, end, state, at, err);
	if (code == ERR_OK)
		code = keys_destroy(folder, ROOT_KEY, err);
	if (code == ERR_NOT_FOUND)
		code = ERR_OK; /* it went before a crash */
	if (code == ERR_OK)
		code = join_state_remove(path, err);
	return code == ERR_OK ? ERR_OK : err_wrap(err, code, "join");
}
