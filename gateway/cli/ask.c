#include "gateway/cli/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gateway/cli/sheet.h"
#include "gateway/cli/talk.h"
#include "gateway/edge/control_request.h"

static const struct control_refusal no_account = {
	"no_account",
	"no account belongs to you: name one with --as, or add one with "
	"depot account add",
	"没有属于您的账户：请用 --as 指定，或用 depot account add 添加"};
static const struct control_refusal bad_reply = {
	"bad_reply", "the answer cannot be read: %s", "无法读取结果：%s"};
static const struct control_refusal no_file = {
	"not_found", "there is no file %s", "没有文件 %s"};
static const struct control_refusal bad_file = {
	"bad_file", "the file cannot be read: %s", "无法读取文件：%s"};
static const struct control_refusal empty_file = {
	"empty_file", "the file %s is empty", "文件 %s 为空"};
static const struct control_refusal big_file = {
	"too_long", "the file %s has more than 256 MiB",
	"文件 %s 超过 256 MiB"};

struct session {
	struct talk *talk;     /* NULL: no daemon */
	struct direct *direct; /* NULL: not opened */
	enum env_mode mode;    /* of direct */
	char line[CONTROL_LINE_SIZE_MAX];
	char reply[REPLY_SIZE_MAX];
};

/* ---- where to ask ---- */

static enum exit_code session_open(struct cli *cli)
{
	enum exit_code exit = EXIT_DONE;
	const struct config *config = cli_config(cli, &exit);
	struct err err;
	enum err_code code;

	if (config == NULL)
		return exit;
	if (cli->session != NULL)
		return EXIT_DONE;
	cli->session = calloc(1, sizeof(*cli->session));
	if (cli->session == NULL)
		return cli_failed(cli, ERR_FULL, NULL);
	code = talk_open(config->control.socket, &cli->session->talk, &err);
	if (code != ERR_OK && code != ERR_NOT_FOUND)
		return cli_failed(cli, code, &err);
	return EXIT_DONE;
}

/* What is open for reading is opened again for writing. */
static enum exit_code store_open(struct cli *cli, enum env_mode mode)
{
	struct session *session = cli->session;
	struct err err;
	enum err_code code;

	if (session->direct != NULL && session->mode == ENV_READ &&
	    mode == ENV_WRITE) {
		direct_close(session->direct);
		session->direct = NULL;
	}
	if (session->direct != NULL)
		return EXIT_DONE;
	code = direct_open(cli->config, mode, &session->direct, &err);
	if (code != ERR_OK)
		return cli_failed(cli, code, &err);
	session->mode = mode;
	return EXIT_DONE;
}

enum exit_code ask_daemon(struct cli *cli, bool *ret_is_there)
{
	enum exit_code exit = session_open(cli);

	*ret_is_there = exit == EXIT_DONE && cli->session->talk != NULL;
	return exit;
}

enum exit_code ask_direct(struct cli *cli, enum env_mode mode,
			  struct direct **ret_direct)
{
	enum exit_code exit = session_open(cli);

	*ret_direct = NULL;
	if (exit == EXIT_DONE && cli->session->talk == NULL)
		exit = store_open(cli, mode);
	if (exit == EXIT_DONE)
		*ret_direct = cli->session->direct;
	return exit;
}

void ask_end(struct cli *cli)
{
	if (cli->session != NULL) {
		talk_close(cli->session->talk);
		direct_close(cli->session->direct);
	}
	free(cli->session);
	free(cli->config);
	cli->session = NULL;
	cli->config = NULL;
}

/* ---- one request ---- */

static enum exit_code daemon_ask(struct cli *cli, const struct request *request,
				 struct span *ret_reply)
{
	struct session *session = cli->session;
	struct json_out out;
	struct span line;
	struct err err;
	enum err_code code;

	out_init(&out, session->line, sizeof(session->line) - 1);
	out_object(&out);
	out_string_at(&out, "cmd", request->name);
	if (request->arguments.size > 0) {
		out_key(&out, "args");
		out_raw(&out, request->arguments);
	}
	if (cli->as != NULL)
		out_string_at(&out, "account", cli->as);
	if (direct_uid() != getuid())
		out_int_at(&out, "uid", (int64_t)direct_uid());
	out_object_end(&out);
	if (!out_ok(&out))
		return cli_failed(cli, ERR_OVERFLOW, NULL);
	session->line[out.size] = '\n';
	line = (struct span){session->line, out.size + 1};
	code = talk_ask(session->talk, cli, line,
			request->fd > 0 ? request->fd : -1, ret_reply, &err);
	return code == ERR_OK ? EXIT_DONE : cli_failed(cli, code, &err);
}

static enum exit_code store_ask(struct cli *cli, const struct request *request,
				struct span *ret_reply)
{
	struct session *session = cli->session;
	const struct command_spec *spec = command_find(span_of(request->name));
	struct json_out out;
	struct command command = {.name = span_of(request->name),
				  .arguments = request->arguments,
				  .file = {"", 0},
				  .reply = &out};
	struct span account = span_of(cli->as == NULL ? "" : cli->as);
	struct err err;
	enum exit_code exit;
	enum err_code code = ERR_OK;

	ASSERT(spec != NULL);
	exit = store_open(cli,
			  spec->effect == COMMAND_QUERY ? ENV_READ : ENV_WRITE);
	if (exit != EXIT_DONE)
		return exit;
	out_init(&out, session->reply, sizeof(session->reply));
	if (request->fd > 0)
		code = control_file_map(request->fd, &command.file, &err);
	if (code == ERR_OK)
		code = direct_run(session->direct, spec, &command, account,
				  &err);
	control_file_unmap(command.file);
	if (code == ERR_NOT_FOUND)
		return cli_refuse(cli, EXIT_FAILED, &no_account, "");
	if (code == ERR_OK && !out_ok(&out))
		code = err_set(&err, ERR_OVERFLOW, "the answer is too long");
	if (code != ERR_OK)
		return cli_failed(cli, code, &err);
	*ret_reply = out_span(&out);
	return EXIT_DONE;
}

static enum exit_code reply_read(const struct cli *cli, struct span text,
				 struct reply *reply)
{
	struct fault fault;
	struct json json;
	char words[FAULT_TEXT_SIZE];

	reply->memory = malloc(JSON_MEMORY_SIZE(text.size));
	if (reply->memory == NULL)
		return cli_failed(cli, ERR_FULL, NULL);
	json_init(&json, reply->memory, JSON_MEMORY_SIZE(text.size));
	if (json_parse(&json, text, &fault) != ERR_OK) {
		fault_text_en(&fault, words, sizeof(words));
		return cli_refuse(cli, EXIT_FAILED, &bad_reply, words);
	}
	reply->root = json_root(&json);
	reply->text = text;
	return EXIT_DONE;
}

static bool is_refusal(const struct reply *reply)
{
	return json_member(reply->root, "error") != NULL;
}

static enum exit_code text_ask(struct cli *cli, const struct request *request,
			       struct span *ret_text)
{
	enum exit_code exit = session_open(cli);

	if (exit == EXIT_DONE && cli->session->talk != NULL)
		return daemon_ask(cli, request, ret_text);
	return exit == EXIT_DONE ? store_ask(cli, request, ret_text) : exit;
}

enum exit_code ask(struct cli *cli, const struct request *request,
		   struct reply *ret_reply)
{
	struct span text = {"", 0};
	enum exit_code exit = text_ask(cli, request, &text);

	return exit == EXIT_DONE ? reply_take(cli, text, ret_reply) : exit;
}

enum exit_code reply_take(struct cli *cli, struct span text,
			  struct reply *ret_reply)
{
	struct reply reply = {.memory = NULL};
	enum exit_code exit = reply_read(cli, text, &reply);

	if (exit == EXIT_DONE && is_refusal(&reply))
		exit = cli_error_reply(cli, text, reply.root);
	if (exit == EXIT_DONE)
		*ret_reply = reply;
	else
		reply_release(&reply);
	return exit;
}

enum exit_code ask_anyway(struct cli *cli, const struct request *request,
			  struct reply *ret_reply, bool *ret_is_refused)
{
	struct reply reply = {.memory = NULL};
	struct span text = {"", 0};
	enum exit_code exit = text_ask(cli, request, &text);

	if (exit == EXIT_DONE)
		exit = reply_read(cli, text, &reply);
	if (exit != EXIT_DONE) {
		reply_release(&reply);
		return exit;
	}
	*ret_is_refused = is_refusal(&reply);
	*ret_reply = reply;
	return EXIT_DONE;
}

void reply_release(struct reply *reply)
{
	free(reply->memory);
	reply->memory = NULL;
}

enum exit_code ask_show(struct cli *cli, const struct request *request,
			show_fn *show)
{
	struct reply reply;
	enum exit_code exit = ask(cli, request, &reply);

	if (exit != EXIT_DONE)
		return exit;
	if (cli->is_json)
		cli_document(reply.text);
	if (show != NULL)
		exit = show(cli, reply.root);
	reply_release(&reply);
	return exit;
}

/* ---- lists ---- */

const struct json_value *reply_list(const struct json_value *root)
{
	const struct json_value *member = json_first(root);

	while (member != NULL && json_kind(member) != JSON_ARRAY)
		member = json_next(member);
	return member;
}

/* One list on its way. */
struct pages {
	struct cli *cli;
	row_fn *visit;
	void *context;
	FILE *document; /* with --json: nothing is said before all is there */
	bool is_first;
	bool has_rows; /* of the document */
	bool has_next;
};

/* All pages as one document: what precedes the list on the first, the rows of
 * all, what follows it on the last. */
static void page_document(struct pages *pages, const struct reply *reply,
			  const struct json_value *list)
{
	FILE *out = pages->document;
	struct span rows = control_value_raw(list, reply->text);
	const char *end = reply->text.data + reply->text.size;

	if (pages->is_first)
		(void)fwrite(reply->text.data, 1,
			     (size_t)(rows.data - reply->text.data) + 1, out);
	if (pages->has_rows && rows.size > 2)
		(void)fputc(',', out);
	pages->has_rows = pages->has_rows || rows.size > 2;
	(void)fwrite(rows.data + 1, 1, rows.size - 2, out);
	rows.data += rows.size - 1;
	if (!pages->has_next)
		(void)fwrite(rows.data, 1, (size_t)(end - rows.data), out);
}

/* The arguments of the next page: @next, a text or a number, as "after". */
static bool after_write(const struct request *request,
			const struct json_value *next, char *buffer,
			size_t size, struct span *ret_arguments)
{
	struct json_range any = {0, INT64_MAX};
	struct span rest = request->arguments;
	struct json_out out;
	struct writer writer;
	struct span text;
	struct fault fault;
	int64_t number;

	out_init(&out, buffer, size);
	out_object(&out);
	if (json_to_text(next, &text, &fault) == ERR_OK)
		out_text_at(&out, "after", text);
	else if (json_to_int(next, any, &number, &fault) == ERR_OK)
		out_int_at(&out, "after", number);
	out_object_end(&out);
	if (!out_ok(&out))
		return false;
	writer_init(&writer, buffer, size);
	writer.size = out.size;
	if (rest.size > 2) { /* more than {} */
		writer.size--;
		write_raw(&writer, ",", 1);
		write_raw(&writer, rest.data + 1, rest.size - 1);
	}
	*ret_arguments = (struct span){buffer, writer.size};
	return writer_ok(&writer);
}

static enum exit_code page_take(struct pages *pages,
				const struct request *request,
				const struct reply *reply)
{
	const struct json_value *list = reply_list(reply->root);

	if (list == NULL)
		return cli_refuse(pages->cli, EXIT_FAILED, &bad_reply,
				  request->name);
	pages->has_next = json_member(reply->root, "next") != NULL;
	if (pages->document != NULL) {
		page_document(pages, reply, list);
	} else {
		if (pages->is_first)
			pages->visit(pages->context, reply->root, NULL);
		for (const struct json_value *row = list_first(list);
		     row != NULL; row = json_next(row))
			pages->visit(pages->context, reply->root, row);
	}
	pages->is_first = false;
	return EXIT_DONE;
}

static enum exit_code pages_take(struct pages *pages,
				 const struct request *request)
{
	struct request page = *request;
	char buffer[ARGUMENTS_SIZE_MAX];
	enum exit_code exit;

	do {
		struct reply reply;

		exit = ask(pages->cli, &page, &reply);
		if (exit != EXIT_DONE)
			break;
		exit = page_take(pages, request, &reply);
		if (exit == EXIT_DONE && pages->has_next &&
		    !after_write(request, json_member(reply.root, "next"),
				 buffer, sizeof(buffer), &page.arguments))
			exit = cli_failed(pages->cli, ERR_OVERFLOW, NULL);
		reply_release(&reply);
	} while (exit == EXIT_DONE && pages->has_next);
	return exit;
}

enum exit_code ask_pages(struct cli *cli, const struct request *request,
			 row_fn *visit, void *context)
{
	struct pages pages = {.cli = cli,
			      .visit = visit,
			      .context = context,
			      .is_first = true};
	char *text = NULL;
	size_t size = 0;
	enum exit_code exit;

	if (cli->is_json) {
		pages.document = open_memstream(&text, &size);
		if (pages.document == NULL)
			return cli_failed(cli, ERR_FULL, NULL);
	}
	exit = pages_take(&pages, request);
	if (pages.document != NULL)
		(void)fclose(pages.document); /* to memory */
	if (exit == EXIT_DONE && cli->is_json)
		cli_document((struct span){text, size});
	free(text);
	return exit;
}

/* ---- files ---- */

static enum err_code bytes_copy(int from, int to, struct err *err)
{
	static char buffer[65536];
	uint64_t size = 0;

	for (;;) {
		ssize_t got = read(from, buffer, sizeof(buffer));

		if (got < 0)
			return err_sys(err, errno, "read");
		if (got == 0)
			return size == 0 ? ERR_NOT_FOUND : ERR_OK;
		size += (uint64_t)got;
		if (size > CONTROL_FILE_SIZE_MAX)
			return ERR_OVERFLOW;
		if (write(to, buffer, (size_t)got) != got)
			return err_sys(err, errno, "keep in memory");
	}
}

enum exit_code ask_file(const struct cli *cli, const char *path, int *ret_fd)
{
	bool is_stdin = strcmp(path, "-") == 0;
	int from = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	int fd;
	struct err err;
	enum err_code code;

	if (from < 0 && errno == ENOENT)
		return cli_refuse(cli, EXIT_NOT_FOUND, &no_file, path);
	if (from < 0) {
		(void)err_sys(&err, errno, "%s", path);
		return cli_refuse(cli, EXIT_FAILED, &bad_file, err.text);
	}
	fd = memfd_create("depot", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	code = fd < 0 ? err_sys(&err, errno, "make a file in memory")
		      : bytes_copy(from, fd, &err);
	if (!is_stdin)
		(void)close(from);
	if (code == ERR_OK &&
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) <
		    0)
		code = err_sys(&err, errno, "seal the file in memory");
	if (code == ERR_OK) {
		*ret_fd = fd;
		return EXIT_DONE;
	}
	if (fd >= 0)
		(void)close(fd);
	if (code == ERR_NOT_FOUND)
		return cli_refuse(cli, EXIT_FAILED, &empty_file, path);
	if (code == ERR_OVERFLOW)
		return cli_refuse(cli, EXIT_FAILED, &big_file, path);
	(void)err_wrap(&err, code, "%s", path);
	return cli_refuse(cli, EXIT_FAILED, &bad_file, err.text);
}
