#include "gateway/edge/confine.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED true
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED false
#endif

/* Of another machine the numbers of its calls are not known here. */
#if defined(__x86_64__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define MACHINE AUDIT_ARCH_AARCH64
#else
#define MACHINE 0
#endif

enum err_code confine_memory(size_t size, struct err *err)
{
	struct rlimit limit = {.rlim_cur = size, .rlim_max = size};
	pthread_attr_t attributes;
	int number;

	if (IS_SANITIZED)
		return ERR_OK;
	number = pthread_attr_init(&attributes);
	if (number == 0)
		number = pthread_attr_setstacksize(&attributes,
						   CONFINE_STACK_SIZE);
	if (number == 0)
		number = pthread_setattr_default_np(&attributes);
	if (number != 0)
		return err_sys(err, number, "limit the stack of threads");
	(void)pthread_attr_destroy(&attributes);
	if (setrlimit(RLIMIT_DATA, &limit) < 0)
		return err_sys(err, errno, "limit the memory");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return err_sys(err, errno, "forbid core dumps");
	return ERR_OK;
}

/* io_uring makes calls that no filter sees. */
static const uint32_t forbidden[] = {
	SYS_execve,
	SYS_execveat,
	SYS_ptrace,
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_kill,
	SYS_tkill,
	SYS_pidfd_open,
	SYS_pidfd_getfd,
	SYS_pidfd_send_signal,
	SYS_io_uring_setup,
	SYS_unshare,
	SYS_setns,
	SYS_mount,
	SYS_bpf,
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
};

#define SOCK_TYPE_BITS 0xf
#define REFUSE (SECCOMP_RET_ERRNO | EPERM)
#define FIELD(name) ((uint32_t)offsetof(struct seccomp_data, name))

struct program {
	struct sock_filter lines[16 + 2 * ARRAY_LEN(forbidden)];
	unsigned short count;
};

static void line_add(struct program *program, uint16_t code, uint32_t value)
{
	ASSERT(program->count < ARRAY_LEN(program->lines));
	program->lines[program->count++] =
		(struct sock_filter){.code = code, .k = value};
}

/* If what was loaded is @value, returns @verdict. */
static void verdict_add(struct program *program, uint32_t value,
			uint32_t verdict)
{
	line_add(program, BPF_JMP | BPF_JEQ | BPF_K, value);
	program->lines[program->count - 1].jf = 1;
	line_add(program, BPF_RET | BPF_K, verdict);
}

static void program_make(struct program *program)
{
	const uint16_t load = BPF_LD | BPF_W | BPF_ABS;

	/* Another machine's calls have other numbers. */
	line_add(program, load, FIELD(arch));
	line_add(program, BPF_JMP | BPF_JEQ | BPF_K, MACHINE);
	program->lines[program->count - 1].jt = 1;
	line_add(program, BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
	line_add(program, load, FIELD(nr));
	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
		verdict_add(program, forbidden[i], REFUSE);
	/* A socket by its family and type, the low halves of the arguments. */
	line_add(program, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket);
	program->lines[program->count - 1].jf = 6;
	line_add(program, load, FIELD(args[0]));
	line_add(program, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX);
	program->lines[program->count - 1].jf = 4;
	line_add(program, load, FIELD(args[1]));
	line_add(program, BPF_ALU | BPF_AND | BPF_K, SOCK_TYPE_BITS);
	line_add(program, BPF_JMP | BPF_JEQ | BPF_K, SOCK_DGRAM);
	program->lines[program->count - 1].jt = 1;
	line_add(program, BPF_RET | BPF_K, REFUSE);
	line_add(program, BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
}

enum err_code confine_calls(struct err *err)
{
	struct program program = {.count = 0};
	struct sock_fprog filter = {.filter = program.lines};

	if (IS_SANITIZED || MACHINE == 0)
		return ERR_OK;
	program_make(&program);
	filter.len = program.count;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(err, errno, "give up new privileges");
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) < 0)
		return err_sys(err, errno, "give up system calls");
	return ERR_OK;
}
