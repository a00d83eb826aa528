#include "gateway/edge/local.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "rules/base/text.h"

static enum err_code address_make(const char *path, struct sockaddr_un *address,
				  struct err *err)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (!text_format(address->sun_path, sizeof(address->sun_path), "%s",
			 path))
		return err_set(err, ERR_INVALID, "the path %s is too long",
			       path);
	return ERR_OK;
}

static enum err_code socket_make(int type, int *ret_fd, struct err *err)
{
	*ret_fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	return *ret_fd >= 0 ? ERR_OK : err_sys(err, errno, "make a socket");
}

/* Makes room for the socket. One that nobody listens on is what a dead process
 * left; anything else is not ours to remove. */
static enum err_code path_clear(int fd, const struct sockaddr_un *address,
				struct err *err)
{
	const struct sockaddr *any = (const struct sockaddr *)address;
	const char *path = address->sun_path;
	struct stat info;

	if (lstat(path, &info) < 0)
		return ERR_OK; /* if it is not that there is none, bind tells */
	if (!S_ISSOCK(info.st_mode))
		return err_set(err, ERR_CONFLICT, "%s is there, and no socket",
			       path);
	if (connect(fd, any, sizeof(*address)) == 0 || errno == EAGAIN)
		return err_set(err, ERR_AGAIN, "somebody listens on %s", path);
	if (unlink(path) < 0)
		return err_sys(err, errno, "remove the old %s", path);
	return ERR_OK;
}

static enum err_code name_take(int fd, const struct sockaddr_un *address,
			       const struct local_config *config,
			       struct err *err)
{
	const struct sockaddr *any = (const struct sockaddr *)address;

	if (bind(fd, any, sizeof(*address)) < 0)
		return err_sys(err, errno, "bind %s", config->path);
	if (chmod(config->path, config->mode) == 0 &&
	    listen(fd, config->backlog) == 0)
		return ERR_OK;
	(void)err_sys(err, errno, "listen on %s", config->path);
	(void)unlink(config->path);
	return ERR_IO;
}

enum err_code local_listen(const struct local_config *config, int *ret_fd,
			   struct err *err)
{
	struct sockaddr_un address;
	int fd = -1;
	enum err_code code = address_make(config->path, &address, err);

	if (code == ERR_OK)
		code = socket_make(config->type, &fd, err);
	if (code == ERR_OK)
		code = path_clear(fd, &address, err);
	if (code == ERR_OK)
		code = name_take(fd, &address, config, err);
	if (code == ERR_OK)
		*ret_fd = fd;
	else if (fd >= 0)
		(void)close(fd);
	return code;
}

enum err_code local_connect(const char *path, int type, int *ret_fd,
			    struct err *err)
{
	struct sockaddr_un address;
	int fd = -1;
	enum err_code code = address_make(path, &address, err);

	if (code == ERR_OK)
		code = socket_make(type, &fd, err);
	if (code != ERR_OK)
		return code;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) ==
	    0) {
		*ret_fd = fd;
		return ERR_OK;
	}
	if (errno == ENOENT || errno == ECONNREFUSED)
		code = err_set(err, ERR_NOT_FOUND, "nobody listens on %s",
			       path);
	else
		code = err_sys(err, errno, "connect to %s", path);
	(void)close(fd);
	return code;
}

bool local_peer(int fd, uint64_t *ret_uid)
{
	struct ucred credentials;
	socklen_t size = sizeof(credentials);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
		return false;
	*ret_uid = credentials.uid;
	return true;
}

bool local_is_trusted(uint64_t uid)
{
	return uid == 0 || uid == geteuid();
}
