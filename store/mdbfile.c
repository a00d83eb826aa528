#include "store/mdbfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file.h"

/*
 * What LMDB writes: C structs in the machine's own byte order and word size
 * (mdb.c of 0.9.24: MDB_page, MDB_meta, MDB_db, MDB_node), so they are
 * declared here as it declares them. A file from a machine of another kind
 * fails the check of the magic number or of the page size.
 */
#define MDB_FILE_MAGIC 0xBEEFC0DEu
#define MDB_FILE_VERSION 1u
#define MDB_NO_PAGE SIZE_MAX
#define MDB_DEPTH_MAX 32

#define PAGE_BRANCH 0x01u
#define PAGE_LEAF 0x02u
#define PAGE_META 0x08u
#define NODE_ROW 0x00u
#define NODE_TABLE 0x02u
#define TREE_PLAIN 0x00u
#define TREE_FREE_LIST 0x08u
#define NODE_HEADER_SIZE 8u

#define PAGE_SIZE_MIN 512u
#define PAGE_SIZE_MAX 65536u

struct page_header {
	size_t number;
	uint16_t pad;
	uint16_t flags;
	uint16_t lower; /* end of the node offsets */
	uint16_t upper; /* start of the nodes */
};

struct tree {
	uint32_t pad; /* of the free list: the page size */
	uint16_t flags;
	uint16_t depth;
	size_t branch_pages;
	size_t leaf_pages;
	size_t overflow_pages;
	size_t rows;
	size_t root;
};

struct meta {
	uint32_t magic;
	uint32_t version;
	void *address;
	size_t map_size;
	struct tree free_list;
	struct tree tables;
	size_t last_page;
	size_t txn;
};

struct frame {
	int fd;
	uint64_t file_size;
	uint32_t page_size;
	struct meta meta; /* the newer of the two */
	size_t commits;   /* sum of both numbers: changes with every commit */
};

static enum err_code bad(struct err *err, const char *what, uint64_t value)
{
	return err_set(err, ERR_CORRUPT, "%s (%llu)", what,
		       (unsigned long long)value);
}

static enum err_code bytes_read(const struct frame *frame, void *buffer,
				size_t size, uint64_t offset, struct err *err)
{
	ssize_t got;

	do {
		got = pread(frame->fd, buffer, size, (off_t)offset);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_sys(err, errno, "read at %llu",
			       (unsigned long long)offset);
	if ((size_t)got != size)
		return bad(err, "the file ends early, at", frame->file_size);
	return ERR_OK;
}

static enum err_code meta_read(const struct frame *frame, size_t number,
			       struct meta *ret_meta, struct err *err)
{
	struct {
		struct page_header header;
		struct meta meta;
	} page;
	uint64_t offset = number == 0 ? 0 : frame->page_size;
	enum err_code code =
		bytes_read(frame, &page, sizeof(page), offset, err);

	if (code != ERR_OK)
		return code;
	if (page.header.number != number || page.header.flags != PAGE_META ||
	    page.meta.magic != MDB_FILE_MAGIC)
		return bad(err, "no meta page where one belongs", number);
	if (page.meta.version != MDB_FILE_VERSION)
		return bad(err, "LMDB data version is not 1",
			   page.meta.version);
	*ret_meta = page.meta;
	return ERR_OK;
}

/*
 * Both meta pages must agree in all that a commit does not change, and their
 * commits must be neighbours, each in its own page: LMDB writes them in turn.
 */
static enum err_code metas_read(struct frame *frame, struct err *err)
{
	struct meta metas[2];
	enum err_code code = meta_read(frame, 0, &metas[0], err);
	size_t newer;

	if (code != ERR_OK)
		return code;
	frame->page_size = metas[0].free_list.pad;
	if (frame->page_size < PAGE_SIZE_MIN ||
	    frame->page_size > PAGE_SIZE_MAX ||
	    (frame->page_size & (frame->page_size - 1)) != 0)
		return bad(err, "impossible page size", frame->page_size);
	code = meta_read(frame, 1, &metas[1], err);
	if (code != ERR_OK)
		return code;
	if (metas[1].free_list.pad != frame->page_size ||
	    metas[1].map_size != metas[0].map_size)
		return bad(err, "the meta pages disagree on sizes",
			   metas[1].map_size);
	frame->commits = metas[0].txn + metas[1].txn;
	newer = metas[1].txn > metas[0].txn ? 1 : 0;
	if (metas[newer].txn - metas[1 - newer].txn > 1 ||
	    (metas[newer].txn & 1) != newer)
		return bad(err, "the meta pages disagree on the last commit",
			   metas[newer].txn);
	frame->meta = metas[newer];
	return ERR_OK;
}

static enum err_code sizes_check(const struct frame *frame, struct err *err)
{
	uint64_t pages = frame->file_size / frame->page_size;

	if (frame->file_size % frame->page_size != 0)
		return bad(err, "the file ends within a page, at",
			   frame->file_size);
	if (frame->meta.last_page >= pages)
		return bad(err, "the file is cut short, at", frame->file_size);
	/* Never longer than the file in what depot makes, but in a copy made
	 * by LMDB's own tools: the map is then allocated when it is opened. */
	if (frame->meta.map_size % frame->page_size != 0 ||
	    frame->meta.map_size / frame->page_size <= frame->meta.last_page ||
	    frame->meta.map_size > INT64_MAX)
		return bad(err, "impossible map size", frame->meta.map_size);
	return ERR_OK;
}

static bool page_is_sane(const struct frame *frame,
			 const struct page_header *header, size_t number)
{
	return header->number == number &&
	       (header->flags == PAGE_BRANCH || header->flags == PAGE_LEAF) &&
	       header->lower >= sizeof(*header) &&
	       header->lower <= header->upper &&
	       header->upper <= frame->page_size;
}

static enum err_code tree_check(const struct frame *frame,
				const struct tree *tree, uint16_t flags,
				struct err *err)
{
	struct page_header header;
	enum err_code code;

	if (tree->flags != flags)
		return bad(err, "unknown kind of table", tree->flags);
	if (tree->root == MDB_NO_PAGE)
		return tree->depth == 0 && tree->rows == 0
			       ? ERR_OK
			       : bad(err, "rows without a root", tree->rows);
	if (tree->root < 2 || tree->root > frame->meta.last_page)
		return bad(err, "impossible root page", tree->root);
	if (tree->depth < 1 || tree->depth >= MDB_DEPTH_MAX)
		return bad(err, "impossible depth", tree->depth);
	code = bytes_read(frame, &header, sizeof(header),
			  (uint64_t)tree->root * frame->page_size, err);
	if (code != ERR_OK)
		return code;
	if (!page_is_sane(frame, &header, tree->root) ||
	    (tree->depth == 1) != (header.flags == PAGE_LEAF))
		return bad(err, "not a root page", tree->root);
	return ERR_OK;
}

/* One node of the list of tables: header, name, struct tree; or a row of the
 * table that lies in it (env.h). */
static enum err_code table_check(const struct frame *frame, const uint8_t *page,
				 uint16_t offset, struct err *err)
{
	uint16_t words[4]; /* size of the data, its high half, flags, name */
	struct tree tree;

	if (offset + NODE_HEADER_SIZE > frame->page_size)
		return bad(err, "a table's node is off the page", offset);
	memcpy(words, page + offset, sizeof(words));
	if (words[1] != 0 ||
	    offset + NODE_HEADER_SIZE + words[3] + words[0] > frame->page_size)
		return bad(err, "a table's node is too long", offset);
	if (words[2] == NODE_ROW)
		return ERR_OK;
	if (words[0] != sizeof(tree) || words[2] != NODE_TABLE)
		return bad(err, "not a table in the list of tables", offset);
	memcpy(&tree, page + offset + NODE_HEADER_SIZE + words[3],
	       sizeof(tree));
	return tree_check(frame, &tree, TREE_PLAIN, err);
}

/* The list of tables is one leaf: depot's few tables and the rows among them
 * never need more. */
static enum err_code tables_check(const struct frame *frame, uint8_t *page,
				  struct err *err)
{
	struct page_header header;
	enum err_code code =
		tree_check(frame, &frame->meta.tables, TREE_PLAIN, err);

	if (code != ERR_OK || frame->meta.tables.root == MDB_NO_PAGE)
		return code;
	code = bytes_read(frame, page, frame->page_size,
			  (uint64_t)frame->meta.tables.root * frame->page_size,
			  err);
	if (code != ERR_OK)
		return code;
	memcpy(&header, page, sizeof(header));
	if (!page_is_sane(frame, &header, frame->meta.tables.root) ||
	    header.flags != PAGE_LEAF)
		return bad(err, "not a list of tables",
			   frame->meta.tables.root);
	for (size_t at = sizeof(header); at < header.lower && code == ERR_OK;
	     at += sizeof(uint16_t)) {
		uint16_t offset;

		memcpy(&offset, page + at, sizeof(offset));
		code = offset < header.upper
			       ? bad(err, "a table's node is astray", offset)
			       : table_check(frame, page, offset, err);
	}
	return code;
}

static enum err_code frame_read(struct frame *frame, uint8_t *page,
				struct err *err)
{
	struct stat info;
	enum err_code code;

	if (fstat(frame->fd, &info) < 0)
		return err_sys(err, errno, "stat");
	if (!S_ISREG(info.st_mode))
		return err_set(err, ERR_CORRUPT, "not a file");
	frame->file_size = (uint64_t)info.st_size;
	code = metas_read(frame, err);
	if (code == ERR_OK)
		code = sizes_check(frame, err);
	if (code == ERR_OK)
		code = tree_check(frame, &frame->meta.free_list, TREE_FREE_LIST,
				  err);
	if (code == ERR_OK)
		code = tables_check(frame, page, err);
	return code;
}

/* How often a writer may overtake us before we believe that it is damage. */
#define LOOKS_MAX 100

static enum err_code frame_check(int fd, struct err *err)
{
	uint8_t *page = malloc(PAGE_SIZE_MAX);
	struct frame frame = {.fd = fd};
	enum err_code code = ERR_CORRUPT;
	size_t seen = 0;

	if (page == NULL)
		return err_sys(err, errno, "allocate");
	/* A page that we are about to read may be used again by a commit after
	 * the one that we go by; then there is a newer one. */
	for (int looks = 0; looks < LOOKS_MAX; looks++) {
		code = frame_read(&frame, page, err);
		if (code != ERR_CORRUPT || (looks > 0 && frame.commits == seen))
			break;
		seen = frame.commits;
	}
	free(page);
	return code;
}

enum err_code mdbfile_check(const char *path, struct err *err)
{
	enum err_code code;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return err_set(err, ERR_NOT_FOUND, "there is no %s", path);
	if (fd < 0)
		return file_error(err, errno, "open %s", path);
	code = frame_check(fd, err);
	(void)close(fd);
	if (code != ERR_OK)
		return err_wrap(err, code, "%s", path);
	return ERR_OK;
}

enum err_code mdbfile_resize(int fd, uint64_t map_size, struct err *err)
{
	struct frame frame = {.fd = fd, .file_size = UINT64_MAX};
	const uint64_t field =
		sizeof(struct page_header) + offsetof(struct meta, map_size);
	const size_t size = (size_t)map_size;
	enum err_code code = metas_read(&frame, err);
	uint64_t used;

	if (code != ERR_OK)
		return code;
	used = ((uint64_t)frame.meta.last_page + 1) * frame.page_size;
	if (map_size < used || map_size % frame.page_size != 0)
		return err_set(err, ERR_INVALID,
			       "a map of %llu bytes: the store uses %llu, in "
			       "pages of %u",
			       (unsigned long long)map_size,
			       (unsigned long long)used, frame.page_size);
	for (uint64_t i = 0; i < 2; i++)
		if (pwrite(fd, &size, sizeof(size),
			   (off_t)(i * frame.page_size + field)) !=
		    (ssize_t)sizeof(size))
			return err_sys(err, errno, "write meta page");
	return ERR_OK;
}

/* What LMDB makes of it for its default of 126 readers: 64 bytes for each,
 * and two more such lines for itself. */
#define READERS_SIZE ((126 + 2) * 64)

enum err_code mdbfile_readers_allocate(const char *folder, struct err *err)
{
	char path[FILE_PATH_SIZE];
	enum err_code code = file_path(folder, MDBFILE_READERS_NAME, path, err);
	struct stat info;
	int fd;

	if (code != ERR_OK)
		return code;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &info) < 0)
		code = file_error(err, errno, "open %s", path);
	else if (info.st_size < READERS_SIZE ||
		 info.st_blocks * 512 < READERS_SIZE)
		code = file_allocate(fd, READERS_SIZE, err);
	if (fd >= 0)
		(void)close(fd);
	return code;
}
