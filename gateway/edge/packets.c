#include "gateway/edge/packets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/edge/fnv.h"

#define MAGIC "depot packets 1\n"
#define BOOT_PATH "/proc/sys/kernel/random/boot_id"
#define BOOT_SIZE 36
#define ENTRIES 65536

/* The machine's own order: the file never leaves it. */
struct entry {
	_Atomic uint64_t content;
	_Atomic uint64_t number; /* of the note, from 1; 0: being pushed, or
				  * nothing was ever noted */
};

struct file {
	char magic[sizeof(MAGIC) - 1];
	char boot[BOOT_SIZE];
	_Atomic uint64_t noted;    /* notes so far */
	_Atomic uint64_t is_whole; /* since the session began */
	struct entry entries[ENTRIES];
};

struct packets {
	int fd;
	struct file *file; /* the mapping */
};

/* ---- opening ---- */

/* Which start of the machine this is; all zero where that is not known. */
static void boot_read(char boot[BOOT_SIZE])
{
	int fd = open(BOOT_PATH, O_RDONLY | O_CLOEXEC);

	memset(boot, 0, BOOT_SIZE);
	if (fd < 0)
		return;
	if (read(fd, boot, BOOT_SIZE) != BOOT_SIZE)
		memset(boot, 0, BOOT_SIZE);
	(void)close(fd);
}

static enum err_code file_open(const char *path, int *ret_fd, struct err *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat info;
	int number = 0;

	if (fd < 0)
		return err_sys(err, errno, "open");
	if (fstat(fd, &info) < 0)
		number = errno;
	else if (!S_ISREG(info.st_mode))
		number = EINVAL;
	else if (info.st_size != (off_t)sizeof(struct file) &&
		 ftruncate(fd, 0) < 0)
		number = errno;
	/* Blocks that are missing would be SIGBUS when the disk is full. */
	if (number == 0)
		number = posix_fallocate(fd, 0, (off_t)sizeof(struct file));
	if (number != 0) {
		(void)close(fd);
		return err_sys(err, number, "allocate");
	}
	*ret_fd = fd;
	return ERR_OK;
}

/* Its magic is written last: what is cut short is emptied again. */
static void file_renew(struct file *file, const char boot[BOOT_SIZE])
{
	memset(file, 0, sizeof(*file));
	memcpy(file->boot, boot, BOOT_SIZE);
	atomic_signal_fence(memory_order_seq_cst);
	memcpy(file->magic, MAGIC, sizeof(file->magic));
}

enum err_code packets_open(const char *path, struct packets **ret_packets,
			   struct err *err)
{
	struct packets *packets = calloc(1, sizeof(*packets));
	char boot[BOOT_SIZE];
	enum err_code code;
	void *map;

	if (packets == NULL)
		return err_set(err, ERR_FULL, "no memory for the packets");
	packets->fd = -1;
	code = file_open(path, &packets->fd, err);
	if (code != ERR_OK)
		goto out;
	map = mmap(NULL, sizeof(struct file), PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_POPULATE, packets->fd, 0);
	if (map == MAP_FAILED) {
		code = err_sys(err, errno, "map");
		goto out;
	}
	packets->file = map;
	boot_read(boot);
	if (memcmp(packets->file->magic, MAGIC, sizeof(MAGIC) - 1) != 0 ||
	    memcmp(packets->file->boot, boot, BOOT_SIZE) != 0)
		file_renew(packets->file, boot);
	*ret_packets = packets;
out:
	if (code != ERR_OK) {
		packets_close(packets);
		return err_wrap(err, code, "intake packets %s", path);
	}
	return ERR_OK;
}

void packets_close(struct packets *packets)
{
	if (packets == NULL)
		return;
	if (packets->file != NULL)
		(void)munmap(packets->file, sizeof(struct file));
	if (packets->fd >= 0)
		(void)close(packets->fd);
	free(packets);
}

/* ---- the producer's ---- */

static uint64_t content_of(const struct ring_message *message)
{
	uint64_t hash =
		fnv1a(FNV_START, message->topic.data, message->topic.size);

	/* A byte that no topic has, so that nothing moves over the border. */
	hash = fnv1a(hash, "", 1);
	return fnv1a(hash, message->payload.data, message->payload.size);
}

static uint64_t load(const _Atomic uint64_t *word)
{
	return atomic_load_explicit(word, memory_order_relaxed);
}

/* In the order in which they are written: that is all that a kill sees. */
static void store(_Atomic uint64_t *word, uint64_t value)
{
	atomic_store_explicit(word, value, memory_order_release);
}

/* All notes are old at once; a kill in the middle leaves it not whole. */
void packets_forget(struct packets *packets)
{
	struct file *file = packets->file;

	store(&file->is_whole, 0);
	store(&file->noted, load(&file->noted) + PACKETS_AGE_MAX);
	for (size_t i = 0; i < ENTRIES; i++) {
		store(&file->entries[i].number, 0);
		store(&file->entries[i].content, 0);
	}
	store(&file->is_whole, 1);
}

enum packet_verdict packets_look(const struct packets *packets,
				 const struct ring_message *message)
{
	const struct file *file = packets->file;
	const struct entry *entry = &file->entries[message->packet_id];
	uint64_t number = load(&entry->number);
	bool is_it = load(&entry->content) == content_of(message);

	if (is_it && number != 0 &&
	    load(&file->noted) - number < PACKETS_AGE_MAX)
		return PACKET_KNOWN;
	if (load(&file->is_whole) == 0 || (is_it && number == 0))
		return PACKET_UNSURE;
	return PACKET_NEW;
}

void packets_begin(struct packets *packets, const struct ring_message *message)
{
	struct entry *entry = &packets->file->entries[message->packet_id];

	store(&entry->number, 0);
	store(&entry->content, content_of(message));
}

void packets_end(struct packets *packets, const struct ring_message *message,
		 bool is_pushed)
{
	struct file *file = packets->file;
	struct entry *entry = &file->entries[message->packet_id];
	uint64_t number = load(&file->noted) + 1;

	if (!is_pushed) {
		store(&entry->content, 0);
		return;
	}
	store(&file->noted, number);
	store(&entry->number, number);
}
