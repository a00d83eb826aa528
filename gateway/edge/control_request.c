#include "gateway/edge/control_request.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* Where the value that begins at @at of @line ends. The line is JSON that was
 * parsed, so brackets match and texts end. */
static size_t value_end(struct span line, size_t at)
{
	bool in_text = false;
	size_t depth = 0;

	for (; at < line.size; at++) {
		char byte = line.data[at];

		if (in_text && byte == '\\')
			at++;
		else if (byte == '"')
			in_text = !in_text;
		else if (!in_text && (byte == '{' || byte == '['))
			depth++;
		else if (!in_text && (byte == '}' || byte == ']') &&
			 --depth == 0)
			return at + 1;
	}
	return line.size;
}

struct span control_value_raw(const struct json_value *value, struct span text)
{
	struct fault place;
	size_t at;

	(void)json_fault(value, FAULT_NONE, &place); /* for its place alone */
	at = place.at - 1;
	return (struct span){text.data + at, value_end(text, at) - at};
}

static enum err_code object_raw(const struct json_value *root, struct span line,
				const char *name, struct span *ret_raw,
				struct fault *fault)
{
	const struct json_value *value;
	enum err_code code = json_object(root, name, &value, fault);

	if (code == ERR_OK)
		*ret_raw = control_value_raw(value, line);
	return code;
}

enum err_code control_request_read(struct json *json, struct span line,
				   struct control_request *ret_request,
				   struct fault *fault)
{
	struct control_request request = {.uid = -1};
	struct json_range uids = {0, UINT32_MAX};
	const struct json_value *root;
	enum err_code code = json_parse(json, line, fault);

	if (code != ERR_OK)
		return code;
	root = json_root(json);
	code = json_to_object(root, fault);
	if (code == ERR_OK)
		code = json_text(root, "cmd", &request.name, fault);
	if (code == ERR_NOT_FOUND)
		code = ERR_INVALID; /* the fault says that it is missing */
	if (code == ERR_OK)
		code = json_optional(object_raw(root, line, "args",
						&request.arguments, fault));
	if (code == ERR_OK)
		code = json_optional(
			json_text(root, "account", &request.account, fault));
	if (code == ERR_OK)
		code = json_optional(
			json_int(root, "uid", uids, &request.uid, fault));
	if (code == ERR_OK)
		*ret_request = request;
	return code;
}

enum err_code control_file_map(int fd, struct span *ret_file, struct err *err)
{
	const int needed = F_SEAL_WRITE | F_SEAL_SHRINK;
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat info;
	void *bytes;

	if (seals < 0 || (seals & needed) != needed)
		return err_set(err, ERR_INVALID, "no sealed memfd");
	if (fstat(fd, &info) < 0)
		return err_sys(err, errno, "look at the file");
	if ((uint64_t)info.st_size > CONTROL_FILE_SIZE_MAX)
		return err_set(err, ERR_FULL, "more than %u MiB",
			       (unsigned)(CONTROL_FILE_SIZE_MAX >> 20));
	if (info.st_size == 0) {
		*ret_file = (struct span){"", 0};
		return ERR_OK;
	}
	bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (bytes == MAP_FAILED)
		return err_sys(err, errno, "map the file");
	*ret_file = (struct span){bytes, (size_t)info.st_size};
	return ERR_OK;
}

void control_file_unmap(struct span file)
{
	union {
		const char *read;
		void *any;
	} bytes = {.read = file.data};

	if (file.size > 0)
		(void)munmap(bytes.any, file.size); /* it was mapped so */
}
