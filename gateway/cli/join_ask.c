#include "gateway/cli/join_ask.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/cli/cli.h"
#include "gateway/edge/broker_process.h"
#include "gateway/edge/link_server.h"
#include "store/file.h"

#define AGAIN_MS 4000
#define STEP_MS 200
#define END_MS 1000
#define START_AGAIN_MS 1000

struct asking {
	const struct join_asking *how;
	struct join_state *state;
	struct clock clock;
	struct loop *loop;
	struct link_server *links;
	struct link *link; /* NULL: not up */
	struct broker_process process;
	char folder[FILE_PATH_SIZE];
	char config[FILE_PATH_SIZE];
	char socket[FILE_PATH_SIZE];
	int64_t asked_ms;
	int64_t started_ms;
	bool was_reached;
	bool is_over;
	unsigned denied; /* answers that were none of ours */
};

static int64_t now_ms(const struct asking *asking)
{
	return clock_monotonic_ms(&asking->clock);
}

/* ---- the link ---- */

static void on_up(void *context, struct link *link)
{
	struct asking *asking = context;

	asking->link = link;
	asking->was_reached = true;
	asking->asked_ms = 0;
}

static void on_down(void *context, struct link *link, struct span reason)
{
	struct asking *asking = context;

	(void)link;
	(void)reason; /* link_reason has it */
	asking->link = NULL;
}

static void on_message(void *context, struct link *link,
		       const struct link_message *message)
{
	struct asking *asking = context;
	struct join_topic topic;

	(void)link;
	if (!join_topic_read(message->topic, &topic) || !topic.is_answer ||
	    topic.number != asking->state->code.number)
		return;
	if (join_state_hear(asking->state, message->payload) != ERR_OK) {
		asking->denied++;
		return;
	}
	asking->is_over = asking->state->stage != JOIN_STAGE_ASKING;
}

static void on_room(void *context, struct link *link)
{
	(void)context;
	(void)link;
}

static void ask_say(struct asking *asking)
{
	const struct join_topic topic = {asking->state->code.number, false};
	uint8_t frame[JOIN_FRAME_SIZE_MAX];
	char name[JOIN_TOPIC_SIZE];
	struct writer writer;
	struct link_message message = {.qos = 1};

	writer_init(&writer, frame, sizeof(frame));
	join_state_ask(asking->state, clock_now(&asking->clock).moment,
		       &writer);
	ASSERT(writer_ok(&writer));
	join_topic_write(&topic, name);
	message.topic = span_of(name);
	message.payload = (struct span){(const char *)frame, writer.size};
	if (link_server_publish(asking->link, &message) != ERR_OK)
		return; /* there is no room yet */
	asking->asked_ms = now_ms(asking);
	asking->state->tries++;
}

/* ---- its process ---- */

static enum err_code config_write(struct asking *asking, struct err *err)
{
	FILE *out = fopen(asking->config, "wxe");
	bool is_written;

	if (out == NULL)
		return err_sys(err, errno, "create %s", asking->config);
	(void)fprintf(out,
		      "[site]\norg = joining\nsite = new-%u\n\n"
		      "[runtime]\ndir = %s\n\n[log]\nlevel = error\n\n"
		      "[link hq]\nuri = %s\n%s",
		      (unsigned)asking->state->code.number, asking->folder,
		      asking->state->uri, asking->how->link_options);
	is_written = ferror(out) == 0;
	if (fclose(out) != 0 || !is_written)
		return err_sys(err, errno, "write %s", asking->config);
	return ERR_OK;
}

static enum err_code folder_make(struct asking *asking, struct err *err)
{
	const char *base = getenv("TMPDIR");

	if (!text_format(asking->folder, sizeof(asking->folder),
			 "%s/depot-join-XXXXXX", base == NULL ? "/tmp" : base))
		return err_set(err, ERR_INVALID, "TMPDIR is too long");
	if (mkdtemp(asking->folder) == NULL) {
		enum err_code code =
			err_sys(err, errno, "create %s", asking->folder);

		asking->folder[0] = '\0';
		return code;
	}
	if (!text_format(asking->config, sizeof(asking->config), "%s/link.conf",
			 asking->folder) ||
	    !text_format(asking->socket, sizeof(asking->socket),
			 "%s/" LINK_SOCKET_NAME, asking->folder))
		return err_set(err, ERR_INVALID, "TMPDIR is too long");
	return config_write(asking, err);
}

static enum err_code process_begin(struct asking *asking, struct err *err)
{
	char program[FILE_PATH_SIZE];
	char number[16];
	char name[] = "hq";
	char config[] = "--config";
	char join[] = "--join";
	char *arguments[] = {program, name,   config, asking->config,
			     join,    number, NULL};

	(void)text_format(program, sizeof(program), "%s", asking->how->program);
	(void)text_format(number, sizeof(number), "%u",
			  (unsigned)asking->state->code.number);
	asking->started_ms = now_ms(asking);
	return process_run(arguments, &asking->process, err);
}

/* It ends when the broker is not to be had: as often as that is tried. */
static enum err_code process_look(struct asking *asking, struct err *err)
{
	char words[PROCESS_WORDS_SIZE];

	if (asking->process.pid != 0 && process_wait(&asking->process, 0)) {
		process_reap(&asking->process, words);
		asking->link = NULL;
	}
	if (asking->process.pid == 0 &&
	    now_ms(asking) - asking->started_ms >= START_AGAIN_MS)
		return process_begin(asking, err);
	return ERR_OK;
}

/* ---- asking ---- */

static enum err_code asking_open(struct asking *asking, struct err *err)
{
	struct link_server_config server = {
		.path = asking->socket,
		.clock = &asking->clock,
		.handlers = {on_up, on_down, on_message, on_room, asking},
	};
	enum err_code code = folder_make(asking, err);

	clock_init(&asking->clock, NULL, NULL);
	if (code == ERR_OK)
		code = loop_open(&asking->loop, err);
	server.loop = asking->loop;
	if (code == ERR_OK)
		code = link_server_open(&server, &asking->links, err);
	if (code == ERR_OK)
		code = process_begin(asking, err);
	return code;
}

static void asking_close(struct asking *asking)
{
	process_end(&asking->process, END_MS);
	link_server_close(asking->links);
	loop_close(asking->loop);
	if (asking->folder[0] == '\0')
		return;
	(void)unlink(asking->config); /* they may not be there */
	(void)unlink(asking->socket);
	(void)rmdir(asking->folder);
}

static bool is_tls(const char *uri)
{
	return span_starts(span_of(uri), "ssl://");
}

void join_silence_zh(enum join_silence silence, const char *uri, char *text,
		     size_t size)
{
	switch (silence) {
	case JOIN_NOT_SILENT:
		(void)text_format(text, size, "%s", uri);
		break;
	case JOIN_NOT_REACHED:
		(void)text_format(text, size, "无法连接 %s%s", uri,
				  is_tls(uri)
					  ? "；若证书的名称不符，或其根证书不受"
					    "本机信任（--ca-file），也会如此"
					  : "");
		break;
	case JOIN_NO_HQ:
		(void)text_format(text, size, "已连接 %s，但没有总部应答", uri);
		break;
	case JOIN_OTHER_SECRET:
		(void)text_format(text, size, "%s 处应答的一方不认识此加入码",
				  uri);
		break;
	}
}

static enum err_code nobody(const struct asking *asking, struct err *err)
{
	const struct link *link;
	const char *why;

	*asking->how->ret_silence = asking->denied > 0    ? JOIN_OTHER_SECRET
				    : asking->was_reached ? JOIN_NO_HQ
							  : JOIN_NOT_REACHED;
	if (asking->denied > 0)
		return err_set(err, ERR_AGAIN,
			       "what answered at %s does not know the code",
			       asking->state->uri);
	if (asking->was_reached)
		return err_set(err, ERR_AGAIN,
			       "%s was reached, and no HQ answered there",
			       asking->state->uri);
	link = link_server_link(asking->links, 0);
	why = link != NULL ? link_reason(link) : "";
	return err_set(err, ERR_AGAIN, "%s was not reached%s%s%s",
		       asking->state->uri, why[0] == '\0' ? "" : ": ", why,
		       is_tls(asking->state->uri)
			       ? "; a certificate that is for another name, or "
				 "by a root that this box does not trust "
				 "(--ca-file), does that, too"
			       : "");
}

static enum err_code wait(struct asking *asking, struct err *err)
{
	int64_t end = now_ms(asking) + (int64_t)asking->how->wait_ms;
	enum err_code code = ERR_OK;

	while (code == ERR_OK && !asking->is_over && now_ms(asking) < end) {
		if (asking->link != NULL &&
		    (asking->asked_ms == 0 ||
		     now_ms(asking) - asking->asked_ms >= AGAIN_MS))
			ask_say(asking);
		code = loop_step(asking->loop, STEP_MS, err);
		if (code == ERR_OK)
			code = process_look(asking, err);
	}
	if (code == ERR_OK && !asking->is_over)
		code = nobody(asking, err);
	return code;
}

enum err_code join_ask_run(const struct join_asking *how,
			   struct join_state *state, struct err *err)
{
	struct asking *asking = calloc(1, sizeof(*asking));
	enum err_code code;

	if (asking == NULL)
		return err_set(err, ERR_FULL, "out of memory");
	asking->how = how;
	asking->state = state;
	code = asking_open(asking, err);
	if (code == ERR_OK)
		code = wait(asking, err);
	asking_close(asking);
	free(asking);
	return code;
}
