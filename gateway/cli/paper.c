#include "gateway/cli/paper.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct control_refusal there_already = {
	"conflict", "there is a file %s already: it is never replaced",
	"文件 %s 已存在，不会被替换"};
static const struct control_refusal cannot_write = {
	"io", "the file cannot be written: %s", "无法写入文件：%s"};

static enum exit_code tell(const struct cli *cli, const char *path)
{
	struct err err;

	(void)err_sys(&err, errno, "%s", path);
	return cli_refuse(cli, EXIT_FAILED, &cannot_write, err.text);
}

/* One that is empty was cut short before a word was written. */
static int empty_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat info;

	if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
	    info.st_size == 0 && fchmod(fd, 0600) == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd); /* nothing was written */
	errno = EEXIST;
	return -1;
}

enum exit_code paper_open(struct cli *cli, const char *path,
			  struct paper *ret_paper)
{
	int fd;

	*ret_paper = (struct paper){NULL, path};
	if (path == NULL)
		return EXIT_DONE;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno == EEXIST)
		fd = empty_open(path);
	if (fd < 0 && errno == EEXIST)
		return cli_refuse(cli, EXIT_CONFLICT, &there_already, path);
	if (fd >= 0)
		ret_paper->out = fdopen(fd, "w");
	if (ret_paper->out != NULL)
		return EXIT_DONE;
	if (fd >= 0)
		(void)close(fd);
	return tell(cli, path);
}

enum exit_code paper_close(struct cli *cli, struct paper *paper)
{
	FILE *out = paper->out;
	bool is_written;

	paper->out = NULL;
	if (out == NULL)
		return EXIT_DONE;
	is_written = fflush(out) == 0 && fsync(fileno(out)) == 0;
	if (fclose(out) != 0 || !is_written)
		return tell(cli, paper->path);
	return EXIT_DONE;
}

void paper_drop(struct paper *paper)
{
	if (paper->out == NULL)
		return;
	(void)ftruncate(fileno(paper->out), 0); /* where it cannot be removed */
	(void)fclose(paper->out);
	(void)unlink(paper->path);
	paper->out = NULL;
}
