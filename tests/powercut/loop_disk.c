#include "tests/powercut/loop_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rules/base/text.h"

/* EXT4_IOC_SHUTDOWN of fs/ext4/ext4.h, which no header exports. */
#define SHUTDOWN _IOR('X', 125, uint32_t)
#define SHUTDOWN_NO_LOG_FLUSH 2u

enum err_code disk_prepare(struct err *err)
{
	if (geteuid() != 0)
		return err_set(err, ERR_DENIED, "only root may mount");
	if (access("/dev/loop-control", F_OK) < 0)
		return err_set(err, ERR_NOT_FOUND,
			       "the kernel has no loop devices");
	if (unshare(CLONE_NEWNS) < 0)
		return err_sys(err, errno, "unshare mounts");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_sys(err, errno, "make mounts private");
	return ERR_OK;
}

/* Attaches @image to a free loop device, which goes when its user goes. */
static enum err_code loop_attach(const char *image, int *ret_loop, char *path,
				 size_t path_size, struct err *err)
{
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int file = open(image, O_RDWR | O_CLOEXEC);
	int number = -1;
	int loop = -1;
	enum err_code code = ERR_OK;

	/* Somebody else may take the free one before us. */
	for (int tries = 0; tries < 20 && loop < 0; tries++) {
		struct loop_config config = {
			.fd = (uint32_t)file,
			.info.lo_flags = LO_FLAGS_AUTOCLEAR,
		};

		number = ioctl(control, LOOP_CTL_GET_FREE);
		if (number < 0)
			break;
		(void)text_format(path, path_size, "/dev/loop%d", number);
		loop = open(path, O_RDWR | O_CLOEXEC);
		if (loop < 0 || ioctl(loop, LOOP_CONFIGURE, &config) == 0)
			break;
		(void)close(loop);
		loop = -1;
	}
	if (loop < 0)
		code = err_sys(err, errno, "attach a loop device (%d)", number);
	if (file >= 0)
		(void)close(file);
	if (control >= 0)
		(void)close(control);
	*ret_loop = loop;
	return code;
}

static enum err_code disk_mount(const struct loop_disk *disk, struct err *err)
{
	char path[32];
	int loop;
	enum err_code code =
		loop_attach(disk->image, &loop, path, sizeof(path), err);

	if (code != ERR_OK)
		return code;
	if (mount(path, disk->point, "ext4", 0, NULL) < 0) {
		code = errno == ENODEV
			       ? err_set(err, ERR_NOT_FOUND,
					 "the kernel has no ext4")
			       : err_sys(err, errno, "mount %s", disk->image);
	}
	/* Now the mount is its only user. */
	(void)close(loop);
	return code;
}

extern char **environ;

static enum err_code mkfs(const char *image, const char *features,
			  struct err *err)
{
	const char *const words[] = {"mkfs.ext4", "-q",     "-F",  "-b", "4096",
				     "-O",        features, image, NULL};
	const char *const plain[] = {"mkfs.ext4", "-q",  "-F", "-b",
				     "4096",      image, NULL};
	const char *const *chosen = features[0] != '\0' ? words : plain;
	pid_t child;
	int status = 0;
	int number;

	(void)setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1);
	number = posix_spawnp(&child, words[0], NULL, NULL,
			      (char *const *)(uintptr_t)chosen, environ);
	if (number != 0)
		return err_sys(err, number, "mkfs.ext4 (package e2fsprogs)");
	if (waitpid(child, &status, 0) != child || status != 0)
		return err_set(err, ERR_IO, "mkfs.ext4 failed (%d)", status);
	return ERR_OK;
}

static enum err_code image_make(const struct loop_disk *disk, uint64_t size,
				struct err *err)
{
	int fd = open(disk->image, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int number = 0;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
	    mkdir(disk->point, 0700) < 0)
		number = errno;
	if (fd >= 0)
		(void)close(fd);
	if (number != 0)
		return err_sys(err, number, "make %s", disk->image);
	return ERR_OK;
}

enum err_code disk_make(struct loop_disk *disk, const char *folder,
			uint64_t size, const char *features, struct err *err)
{
	enum err_code code;

	(void)text_format(disk->image, sizeof(disk->image), "%s/disk.img",
			  folder);
	(void)text_format(disk->point, sizeof(disk->point), "%s/disk", folder);
	code = image_make(disk, size, err);
	if (code == ERR_OK)
		code = mkfs(disk->image, features, err);
	if (code == ERR_OK)
		code = disk_mount(disk, err);
	if (code == ERR_OK)
		code = disk_cut(disk, err);
	if (code == ERR_OK)
		code = disk_remount(disk, err);
	if (code != ERR_OK)
		disk_remove(disk);
	return code;
}

enum err_code disk_cut(const struct loop_disk *disk, struct err *err)
{
	uint32_t flags = SHUTDOWN_NO_LOG_FLUSH;
	int fd = open(disk->point, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	int number = 0;

	if (fd < 0)
		return err_sys(err, errno, "open %s", disk->point);
	if (ioctl(fd, SHUTDOWN, &flags) < 0)
		number = errno;
	(void)close(fd);
	if (number == ENOTTY || number == EOPNOTSUPP)
		return err_set(err, ERR_NOT_FOUND,
			       "the kernel's ext4 has no FS_IOC_SHUTDOWN");
	if (number != 0)
		return err_sys(err, number, "FS_IOC_SHUTDOWN");
	return ERR_OK;
}

enum err_code disk_remount(const struct loop_disk *disk, struct err *err)
{
	if (umount(disk->point) < 0)
		return err_sys(err, errno, "unmount %s", disk->point);
	return disk_mount(disk, err);
}

void disk_remove(const struct loop_disk *disk)
{
	/* Each may not be there, on the way out of a failure. */
	(void)umount2(disk->point, MNT_DETACH);
	(void)rmdir(disk->point);
	(void)unlink(disk->image);
}
