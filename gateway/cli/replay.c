/*
 * depot replay: a recorded day through the engine, into a store that exists
 * for that alone. A box's own store is never played with.
 */
#include "gateway/cli/replay.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/cli/record.h"
#include "gateway/cli/request.h"
#include "gateway/cli/scratch.h"
#include "gateway/cli/sheet.h"
#include "gateway/edge/clerk_report.h"

#define BATCH_MAX 256
#define TICK_MS 1000

static const struct control_refusal bad_line = {
	"bad_record",
	"%s; a line is {\"at\", \"topic\", \"payload\"}, or what mosquitto_sub "
	"writes as JSON",
	"%s；每行应为 {\"at\", \"topic\", \"payload\"}，或 mosquitto_sub "
	"输出的 JSON"};
static const struct control_refusal bad_speed = {
	"usage",
	"%s is no speed: 1 is as it was, 60 a minute a second, 0 as "
	"fast as it goes",
	"%s 不是有效速度：1 为原速，60 为一秒一分钟，0 为最快"};
static const struct control_refusal no_file = {
	"not_found", "there is no file %s", "没有文件 %s"};
static const struct control_refusal empty = {"bad_record", "%s holds no record",
					     "%s 没有任何记录"};

struct replay {
	struct cli *cli;
	struct scratch scratch;
	struct batch *batch; /* NULL: none is open */
	uint32_t batch_count;
	FILE *file;
	uint64_t line_number;
	uint64_t size;
	uint64_t done;
	int64_t speed;
	struct moment first; /* of the record */
	struct moment now;
	struct moment ticked;
	struct json json;
	unsigned char *memory;
	uint64_t records;
	uint64_t acks;
};

/* ---- the engine ---- */

static void ack_count(void *context, const struct answers_message *message)
{
	struct replay *replay = context;

	(void)message;
	replay->acks++;
}

static enum err_code batch_end(struct replay *replay, struct err *err)
{
	struct batch *batch = replay->batch;
	struct pos head;
	enum err_code code;

	if (batch == NULL)
		return ERR_OK;
	head.value = batch_next(batch).value - 1;
	replay->batch = NULL;
	replay->batch_count = 0;
	code = batch_commit(batch, err);
	if (code == ERR_OK)
		answers_render(replay->scratch.answers, head, ack_count,
			       replay);
	answers_reset(replay->scratch.answers);
	return code;
}

static enum err_code step(struct replay *replay, const struct event *event,
			  struct err *err)
{
	enum err_code code = ERR_OK;

	if (replay->batch == NULL)
		code = batch_begin(replay->scratch.ledger, &replay->batch, err);
	if (code == ERR_OK)
		code = engine_step(replay->scratch.engine, replay->batch, event,
				   replay->scratch.answers, err);
	if (code == ERR_OK &&
	    (++replay->batch_count == BATCH_MAX || replay->speed > 0))
		code = batch_end(replay, err);
	return code;
}

static enum err_code tick(struct replay *replay, struct err *err)
{
	struct event event = {
		.kind = EVENT_TICK, .at = replay->now, .clock_trusted = true};

	if (replay->now.ms - replay->ticked.ms < TICK_MS)
		return ERR_OK;
	replay->ticked = replay->now;
	return step(replay, &event, err);
}

static enum err_code record_play(struct replay *replay,
				 const struct record *record, struct err *err)
{
	struct event event = {.kind = EVENT_MESSAGE,
			      .at = record->at,
			      .clock_trusted = true,
			      .body.message = {.topic = record->topic,
					       .payload = record->payload}};
	enum err_code code = ERR_OK;

	/* The ledger's time does not go back, whatever the record says. */
	if (record->at.ms > replay->now.ms)
		replay->now = record->at;
	event.at = replay->now;
	if (scratch_is_new(&replay->scratch, record->topic)) {
		code = batch_end(replay, err);
		if (code == ERR_OK)
			code = scratch_device_add(&replay->scratch,
						  record->topic, event.at, err);
	}
	if (code == ERR_OK)
		code = step(replay, &event, err);
	if (code == ERR_OK)
		code = tick(replay, err);
	replay->records++;
	return code;
}

/* Waits as long as the record did, at the speed asked for. */
static void pace(const struct replay *replay, const struct record *record)
{
	int64_t gap_ms = record->at.ms - replay->now.ms;

	if (replay->speed > 0 && replay->records > 0 && gap_ms > 0)
		(void)poll(NULL, 0,
			   (int)(gap_ms / replay->speed > INT32_MAX
					 ? INT32_MAX
					 : gap_ms / replay->speed));
}

/* ---- the day ---- */

static enum exit_code line_bad(const struct replay *replay,
			       const struct fault *fault)
{
	char en[FAULT_TEXT_SIZE];
	char zh[FAULT_TEXT_SIZE];
	char place[FAULT_TEXT_SIZE + 64];

	fault_text_en(fault, en, sizeof(en));
	fault_text_zh(fault, zh, sizeof(zh));
	(void)text_format(place, sizeof(place), "%s %" PRIu64 "%s%s",
			  cli_say(replay->cli, "line", "第"),
			  replay->line_number,
			  cli_say(replay->cli, ": ", " 行："),
			  cli_say(replay->cli, en, zh));
	return cli_refuse(replay->cli, EXIT_FAILED, &bad_line, place);
}

static enum exit_code line_play(struct replay *replay, struct span line)
{
	struct record record;
	struct fault fault;
	struct err err;
	enum err_code code;

	if (record_read(&replay->json, line, &record, &fault) != ERR_OK)
		return line_bad(replay, &fault);
	if (replay->records == 0) {
		code = scratch_found(&replay->scratch, replay->cli,
				     record.topic, record.at, &err);
		if (code != ERR_OK)
			return cli_failed(replay->cli, code, &err);
		replay->first = record.at;
		replay->now = record.at;
		replay->ticked = record.at;
	}
	pace(replay, &record);
	code = record_play(replay, &record, &err);
	return code == ERR_OK ? EXIT_DONE : cli_failed(replay->cli, code, &err);
}

static enum exit_code lines_play(struct replay *replay)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t size;
	struct err err;
	enum exit_code exit = EXIT_DONE;
	enum err_code code;

	while (exit == EXIT_DONE &&
	       (size = getline(&line, &room, replay->file)) > 0) {
		replay->line_number++;
		replay->done += (uint64_t)size;
		if (line[size - 1] == '\n')
			size--;
		if (size > 0)
			exit = line_play(replay,
					 (struct span){line, (size_t)size});
		cli_progress(replay->cli, replay->done, replay->size);
	}
	free(line);
	cli_progress_end(replay->cli);
	if (exit == EXIT_DONE && replay->records == 0)
		exit = cli_refuse(replay->cli, EXIT_FAILED, &empty,
				  replay->cli->words[0]);
	if (exit != EXIT_DONE)
		return exit;
	code = batch_end(replay, &err);
	return code == ERR_OK ? EXIT_DONE : cli_failed(replay->cli, code, &err);
}

/* ---- what came of it ---- */

static const struct column totals[] = {
	{"records", "records", "记录数", false},
	{"first", "from", "起", false},
	{"last", "to", "止", false},
	{"booked", "booked", "已记账", false},
	{"duplicates", "duplicates", "重复", false},
	{"refused", "refused", "已拒绝", false},
	{"parked", "parked", "待处理", false},
	{"movements", "movements", "移动数", false},
	{"acks", "acknowledgements", "回执", false},
	{"store", "store", "账本", false},
	{"audit.verdict", "audit", "审计", false},
	{"audit.unexplained", "unexplained", "无法解释", false},
};

static void totals_out(const struct replay *replay,
		       const struct audit_result *audit, struct json_out *out)
{
	const struct engine_counters *counters =
		engine_counters(replay->scratch.engine);

	out_object(out);
	out_int_at(out, "records", (int64_t)replay->records);
	out_moment_at(out, "first", replay->first);
	out_moment_at(out, "last", replay->now);
	out_int_at(out, "readings", (int64_t)counters->readings);
	out_int_at(out, "booked", (int64_t)counters->booked);
	out_int_at(out, "duplicates", (int64_t)counters->duplicates);
	out_int_at(out, "seq_reused", (int64_t)counters->seq_reused);
	out_int_at(out, "refused", (int64_t)counters->refused);
	out_int_at(out, "parked", (int64_t)counters->parked);
	out_int_at(out, "movements", (int64_t)counters->movements);
	out_int_at(out, "acks", (int64_t)replay->acks);
	if (replay->scratch.is_kept)
		out_string_at(out, "store", replay->scratch.store);
	out_object_at(out, "audit");
	clerk_audit_report(audit, out);
	out_object_end(out);
	out_object_end(out);
}

static enum err_code audit_make(const struct replay *replay,
				struct audit_result *audit, struct err *err)
{
	struct audit_plan plan = {NULL, NULL};
	struct view *view;
	enum err_code code =
		view_begin(ledger_env(replay->scratch.ledger), &view, err);

	if (code != ERR_OK)
		return code;
	code = audit_run(view, &plan, audit, err);
	view_end(view);
	return code;
}

static enum exit_code totals_show(struct replay *replay)
{
	struct cli *cli = replay->cli;
	struct audit_result *audit = malloc(sizeof(*audit));
	char *text = malloc(REPLY_SIZE_MAX);
	enum exit_code exit = EXIT_DONE;
	struct json_out out;
	struct reply reply;
	struct err err;
	enum err_code code = err_set(&err, ERR_FULL, "out of memory");

	if (audit != NULL && text != NULL)
		code = audit_make(replay, audit, &err);
	if (code == ERR_OK) {
		out_init(&out, text, REPLY_SIZE_MAX);
		totals_out(replay, audit, &out);
		exit = audit_is_clean(audit) ? EXIT_DONE : EXIT_LOOK;
	}
	if (code != ERR_OK) {
		exit = cli_failed(cli, code, &err);
	} else if (cli->is_json) {
		cli_document(out_span(&out));
	} else if (reply_take(cli, out_span(&out), &reply) == EXIT_DONE) {
		record_show(cli, reply.root, totals, ARRAY_LEN(totals));
		reply_release(&reply);
	}
	free(text);
	free(audit);
	return exit;
}

/* ---- the verb ---- */

static enum exit_code replay_begin(struct replay *replay)
{
	struct cli *cli = replay->cli;
	const char *speed = cli_option(cli, "--speed");
	struct stat info;

	if (speed != NULL && !cli_number(speed, 0, 1000000, &replay->speed))
		return cli_refuse(cli, EXIT_USAGE, &bad_speed, speed);
	replay->file = fopen(cli->words[0], "re");
	if (replay->file == NULL)
		return cli_refuse(cli, EXIT_NOT_FOUND, &no_file, cli->words[0]);
	if (fstat(fileno(replay->file), &info) == 0)
		replay->size = (uint64_t)info.st_size;
	replay->memory = malloc(JSON_MEMORY_SIZE(4 * PAYLOAD_IN_SIZE_MAX));
	if (replay->memory == NULL)
		return cli_failed(cli, ERR_FULL, NULL);
	json_init(&replay->json, replay->memory,
		  JSON_MEMORY_SIZE(4 * PAYLOAD_IN_SIZE_MAX));
	return scratch_begin(&replay->scratch, cli);
}

static enum exit_code replay_run(struct cli *cli)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	enum exit_code exit;

	if (replay == NULL)
		return cli_failed(cli, ERR_FULL, NULL);
	replay->cli = cli;
	exit = replay_begin(replay);
	if (exit == EXIT_DONE)
		exit = lines_play(replay);
	if (exit == EXIT_DONE)
		exit = totals_show(replay);
	batch_abandon(replay->batch);
	scratch_end(&replay->scratch);
	if (replay->file != NULL)
		(void)fclose(replay->file); /* it was read */
	free(replay->memory);
	free(replay);
	return exit;
}

static const struct option_spec replay_options[] = {
	{"--scratch", "FOLDER",
	 "a new folder for the store, which is kept; a temporary one if not "
	 "given",
	 "存放账本的新文件夹（保留）；默认用临时文件夹"},
	{"--from", "BACKUP", "begins with a backup's items and stock",
	 "以某备份的商品和库存为起点"},
	{"--items", "FILE", "begins with these items", "导入商品"},
	{"--codes", "FILE", "and these barcodes", "导入条码"},
	{"--bins", "FILE", "and these bins", "导入库位"},
	{"--speed", "N", "1 is as it was; 0, as fast as it goes, if not given",
	 "1 为原速；默认 0，尽快播放"},
};

const struct verb replay_verbs[] = {
	{
		.name = "replay",
		.usage = "FILE [OPTION...]",
		.en = "plays a recorded day on a store of its own",
		.zh = "在独立账本上重放一天的记录",
		.examples = "depot replay day.jsonl --items items.csv --codes "
			    "codes.csv\tlines of {at, topic, payload}\t"
			    "每行一个 {at, topic, payload}\n"
			    "depot replay day.jsonl --from /mnt/stick/hz-01 "
			    "--speed 60\tonto yesterday's stock\t"
			    "以昨日库存为起点\n",
		CLI_OPTIONS(replay_options),
		.words_min = 1,
		.words_max = 1,
		.run = replay_run,
	},
	{.name = NULL},
};
