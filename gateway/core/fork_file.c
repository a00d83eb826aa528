#include "gateway/core/fork_file.h"

#include <string.h>

#define FORK "fork-proof"

static const char file_note[] =
	"Two different deltas of one site with one number, both signed.\n"
	"Anybody can check it:  depot fork verify FILE\n"
	"同一站点两份编号相同而内容不同的已签名增量。\n"
	"任何人都可以验证：depot fork verify 本文件。";

void fork_file_write(struct writer *writer, const struct fork_file *file,
		     size_t *ret_size)
{
	uint8_t bytes[FORK_FILE_SIZE_MAX];
	struct writer inner;

	writer_init(&inner, bytes, sizeof(bytes));
	write_raw(&inner, file->net_id, sizeof(file->net_id));
	write_raw(&inner, file->public_key, sizeof(file->public_key));
	fork_proof_write(&inner, &file->proof);
	ASSERT(writer_ok(&inner));
	armour_write(writer, FORK, file_note,
		     (struct span){(const char *)bytes, inner.size});
	if (ret_size != NULL)
		*ret_size = inner.size;
}

enum armour_fault fork_file_read(struct span text, struct fork_file *ret_file,
				 unsigned *ret_line)
{
	uint8_t bytes[ARMOUR_SIZE_MAX];
	struct fork_file file;
	struct reader reader;
	struct span net_id;
	struct span key;
	size_t size = 0;
	enum armour_fault fault =
		armour_read(text, FORK, bytes, &size, ret_line);

	if (fault != ARMOUR_SOUND)
		return fault;
	reader_init(&reader, bytes, size);
	net_id = read_raw(&reader, sizeof(file.net_id));
	key = read_raw(&reader, sizeof(file.public_key));
	if (!reader_ok(&reader))
		return ARMOUR_WHOLE;
	memcpy(file.net_id, net_id.data, net_id.size);
	memcpy(file.public_key, key.data, key.size);
	if (fork_proof_read(&reader, &file.proof) != ERR_OK ||
	    !reader_done(&reader))
		return ARMOUR_WHOLE;
	*ret_file = file;
	return ARMOUR_SOUND;
}

bool fork_file_is_proof(const struct fork_file *file)
{
	return fork_proof_verify(file->public_key, file->net_id, &file->proof);
}
