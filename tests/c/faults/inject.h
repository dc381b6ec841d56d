/* Makes the n-th system call fail, or the n-th thread, or the n-th allocation of OpenSSL's: what a program that is out of descriptors,
 * threads or memory, on a broken disk or a broken network, does to a library inside it.
 *
 * Every call that is worth failing is trapped by seccomp, wherever it is made: part of the library makes its system calls without the C
 * library, so that replacing the C library's functions would miss them. Linux on x86-64 only.
 */
#ifndef INJECT_H
#define INJECT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "../stress/stress.h"

#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netdb.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>

enum inject_mode { INJECT_FAILURE, INJECT_INTERRUPT, INJECT_OPENSSL };

static enum inject_mode inject_mode;
/* Which one fails, counted from 1; 0: none, they are only counted. */
static long inject_target;
static atomic_int inject_armed;
static atomic_long inject_count;
/* What has failed, for the message of a test that fails. */
static char inject_failed[64];

/* ---- which calls, and how they fail -------------------------------------------------------------------------------------------------- */

enum fails_on { ALWAYS, SOCKETS, FILES, DUPLICATES };

/* As such a call fails in life: for want of something, because of the network or the disk. Not in the list: what cannot fail on valid
 * descriptors (epoll_wait but for signals, timerfd_settime), and mmap, whose failures are the allocator's. */
static const struct inject_call
{
	int number;
	const char *name;
	enum fails_on when;
	int error;
	/* A signal can interrupt it. What does not block cannot be interrupted, nor what a local disk does. */
	int interruptible;
} inject_calls[] = {
	{ SYS_socket, "socket", ALWAYS, EMFILE, 0 },
	{ SYS_connect, "connect", ALWAYS, ENETUNREACH, 0 },
	{ SYS_setsockopt, "setsockopt", ALWAYS, ENOMEM, 0 },
	{ SYS_getsockopt, "getsockopt", ALWAYS, ENOBUFS, 0 },
	{ SYS_getsockname, "getsockname", ALWAYS, ENOBUFS, 0 },
	{ SYS_getpeername, "getpeername", ALWAYS, ENOTCONN, 0 },
	{ SYS_socketpair, "socketpair", ALWAYS, EMFILE, 0 },
	{ SYS_epoll_create1, "epoll_create1", ALWAYS, EMFILE, 0 },
	{ SYS_epoll_ctl, "epoll_ctl", ALWAYS, ENOSPC, 0 },
	{ SYS_epoll_wait, "epoll_wait", ALWAYS, 0, 1 },
	{ SYS_epoll_pwait, "epoll_pwait", ALWAYS, 0, 1 },
	{ SYS_eventfd2, "eventfd2", ALWAYS, EMFILE, 0 },
	{ SYS_timerfd_create, "timerfd_create", ALWAYS, EMFILE, 0 },
	{ SYS_poll, "poll", ALWAYS, ENOMEM, 1 },
	{ SYS_ppoll, "ppoll", ALWAYS, ENOMEM, 1 },
	{ SYS_fcntl, "fcntl", DUPLICATES, EMFILE, 0 },
	{ SYS_read, "read", SOCKETS, ECONNRESET, 0 },
	{ SYS_readv, "readv", SOCKETS, ECONNRESET, 0 },
	{ SYS_recvfrom, "recv", SOCKETS, ECONNRESET, 0 },
	{ SYS_recvmsg, "recvmsg", SOCKETS, ECONNRESET, 0 },
	{ SYS_write, "write", SOCKETS, EPIPE, 0 },
	{ SYS_writev, "writev", SOCKETS, EPIPE, 0 },
	{ SYS_sendto, "send", SOCKETS, EPIPE, 0 },
	{ SYS_sendmsg, "sendmsg", SOCKETS, EPIPE, 0 },
	{ SYS_shutdown, "shutdown", ALWAYS, ENOTCONN, 0 },
	{ SYS_pwrite64, "pwrite", ALWAYS, ENOSPC, 0 },
	{ SYS_pread64, "pread", ALWAYS, EIO, 0 },
	{ SYS_open, "open", ALWAYS, EMFILE, 0 },
	{ SYS_openat, "openat", ALWAYS, EMFILE, 0 },
	{ SYS_rename, "rename", ALWAYS, ENOSPC, 0 },
	{ SYS_renameat, "renameat", ALWAYS, ENOSPC, 0 },
	{ SYS_renameat2, "renameat2", ALWAYS, ENOSPC, 0 },
	{ SYS_fsync, "fsync", ALWAYS, EIO, 0 },
	{ SYS_fdatasync, "fdatasync", ALWAYS, EIO, 0 },
	{ SYS_ftruncate, "ftruncate", ALWAYS, EIO, 0 },
	{ SYS_fallocate, "fallocate", ALWAYS, ENOSPC, 0 },
	{ SYS_flock, "flock", ALWAYS, ENOLCK, 0 },
	{ SYS_mkdir, "mkdir", ALWAYS, ENOSPC, 0 },
	{ SYS_mkdirat, "mkdirat", ALWAYS, ENOSPC, 0 },
	{ SYS_unlink, "unlink", ALWAYS, EIO, 0 },
	{ SYS_unlinkat, "unlinkat", ALWAYS, EIO, 0 },
	{ SYS_getdents64, "getdents64", ALWAYS, EIO, 0 },
	{ SYS_statx, "statx", ALWAYS, EIO, 0 },
	{ SYS_newfstatat, "newfstatat", ALWAYS, EIO, 0 },
	{ SYS_fstat, "fstat", ALWAYS, EIO, 0 },
};
enum { INJECT_CALLS = sizeof inject_calls / sizeof *inject_calls };

/* The one place whose system calls are let through. */
long inject_raw(long number, long a, long b, long c, long d, long e, long f);
extern const char inject_raw_return[];
__asm__(".text\n.globl inject_raw\n.type inject_raw, @function\ninject_raw:\n"
	"mov %rdi, %rax\nmov %rsi, %rdi\nmov %rdx, %rsi\nmov %rcx, %rdx\nmov %r8, %r10\nmov %r9, %r8\nmov 8(%rsp), %r9\n"
	"syscall\n.globl inject_raw_return\ninject_raw_return:\nret\n.size inject_raw, . - inject_raw\n");

static int inject_is_socket(int fd)
{
	struct stat what;

	return inject_raw(SYS_fstat, fd, (long)&what, 0, 0, 0, 0) == 0 && S_ISSOCK(what.st_mode);
}

/* Eventfds, timers and the like have no failures; a terminal or a pipe here is the program's own. */
static int inject_is_file(int fd)
{
	struct stat what;

	return inject_raw(SYS_fstat, fd, (long)&what, 0, 0, 0, 0) == 0 && S_ISREG(what.st_mode);
}

/* The errno with which this call fails now; 0 when it does not. */
static int inject_error(const struct inject_call *call, long first, long second)
{
	int error = inject_mode == INJECT_INTERRUPT ? (call->interruptible ? EINTR : 0) : call->error;

	if (!atomic_load(&inject_armed) || inject_mode == INJECT_OPENSSL || error == 0)
		return 0;
	if (call->when == SOCKETS && !inject_is_socket((int)first))
	{
		if (!inject_is_file((int)first))
			return 0;
		if (error == EPIPE)
			error = ENOSPC;
		else if (error == ECONNRESET)
			error = EIO;
	}
	if (call->when == DUPLICATES && second != F_DUPFD_CLOEXEC && second != F_DUPFD)
		return 0;
	if (atomic_fetch_add(&inject_count, 1) + 1 != inject_target)
		return 0;
	strncpy(inject_failed, call->name, sizeof inject_failed - 1);
	return error;
}

static void inject_on_call(int signal, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	int i, error = 0, before = errno;

	(void)signal;
	for (i = 0; i < INJECT_CALLS; i++)
		if (inject_calls[i].number == info->si_syscall)
			error = inject_error(&inject_calls[i], r[REG_RDI], r[REG_RSI]);
	r[REG_RAX] = error ? -error
		: inject_raw(info->si_syscall, r[REG_RDI], r[REG_RSI], r[REG_RDX], r[REG_R10], r[REG_R8], r[REG_R9]);
	errno = before;
}

/* The leak checker stops all threads and looks at their memory: its own calls cannot be trapped. */
static int inject_find_checker(struct dl_phdr_info *info, size_t size, void *range)
{
	uint64_t *found = range;
	int i;

	(void)size;
	if (strstr(info->dlpi_name, "liblsan") == NULL)
		return 0;
	for (i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_flags & PF_X)
		{
			found[0] = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
			found[1] = found[0] + info->dlpi_phdr[i].p_memsz;
		}
	return 1;
}

/* Traps the calls of the list from here on, in every thread there will be. */
static UNUSED void inject_install(enum inject_mode mode, long target)
{
	enum { IP = offsetof(struct seccomp_data, instruction_pointer), NR = offsetof(struct seccomp_data, nr) };
	uint64_t checker[2] = { 0, 0 }, here = (uint64_t)(uintptr_t)inject_raw_return;
	struct sock_filter filter[16 + INJECT_CALLS];
	struct sock_fprog program = { 0, filter };
	struct sigaction action;
	int n = 0, i;

	inject_mode = mode, inject_target = target;
	dl_iterate_phdr(inject_find_checker, checker);
	CHECK(checker[0] >> 32 == checker[1] >> 32);
	memset(&action, 0, sizeof action);
	action.sa_sigaction = inject_on_call;
	action.sa_flags = SA_SIGINFO | SA_NODEFER;
	CHECK_RC(sigaction(SIGSYS, &action, NULL), 0);
#define STATEMENT(code, k) filter[n++] = (struct sock_filter)BPF_STMT(code, (uint32_t)(k))
#define JUMP(code, k, yes, no) filter[n++] = (struct sock_filter)BPF_JUMP(code, (uint32_t)(k), yes, no)
	/* From inject_raw: allowed. */
	STATEMENT(BPF_LD | BPF_W | BPF_ABS, IP + 4);
	JUMP(BPF_JMP | BPF_JEQ | BPF_K, here >> 32, 0, 3);
	STATEMENT(BPF_LD | BPF_W | BPF_ABS, IP);
	JUMP(BPF_JMP | BPF_JEQ | BPF_K, here, 0, 1);
	STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	/* From the leak checker: too. */
	STATEMENT(BPF_LD | BPF_W | BPF_ABS, IP + 4);
	JUMP(BPF_JMP | BPF_JEQ | BPF_K, checker[0] >> 32, 0, 4);
	STATEMENT(BPF_LD | BPF_W | BPF_ABS, IP);
	JUMP(BPF_JMP | BPF_JGE | BPF_K, checker[0], 0, 2);
	JUMP(BPF_JMP | BPF_JGT | BPF_K, checker[1], 1, 0);
	STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	STATEMENT(BPF_LD | BPF_W | BPF_ABS, NR);
	for (i = 0; i < INJECT_CALLS; i++)
		JUMP(BPF_JMP | BPF_JEQ | BPF_K, inject_calls[i].number, INJECT_CALLS - i, 0);
	STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	STATEMENT(BPF_RET | BPF_K, SECCOMP_RET_TRAP);
#undef STATEMENT
#undef JUMP
	program.len = (unsigned short)n;
	CHECK_RC(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_RC(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

/* Threads: the C library blocks every signal while it makes one, so the failure is put before that. */
int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*function)(void *), void *argument)
{
	static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "pthread_create");
	if (atomic_load(&inject_armed) && inject_mode == INJECT_FAILURE && atomic_fetch_add(&inject_count, 1) + 1 == inject_target)
	{
		strcpy(inject_failed, "pthread_create");
		return EAGAIN;
	}
	return real(thread, attributes, function, argument);
}

/* "localhost": the C library would ask a name server for it when it cannot read /etc/hosts, and a test asks nobody outside. This reads the
 * file too, so that each call of a look-up fails in its turn, and finds nothing where it cannot. */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
	char line[256];
	int failed;
	FILE *hosts;

	*(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
	if (host == NULL || strcmp(host, "localhost") != 0)
		return real(host, service, hints, found);
	if ((hosts = fopen("/etc/hosts", "re")) == NULL)
		return EAI_AGAIN;
	while (fgets(line, sizeof line, hosts) != NULL)
		;
	failed = ferror(hosts);
	fclose(hosts);
	return failed ? EAI_AGAIN : real("127.0.0.1", service, hints, found);
}

/* ---- OpenSSL's memory ------------------------------------------------------------------------------------------------------------------ */

static int inject_no_memory(void)
{
	if (!atomic_load(&inject_armed) || inject_mode != INJECT_OPENSSL || atomic_fetch_add(&inject_count, 1) + 1 != inject_target)
		return 0;
	strcpy(inject_failed, "OpenSSL's malloc");
	return 1;
}

static void *inject_malloc(size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return size == 0 || inject_no_memory() ? NULL : malloc(size);
}

static void *inject_realloc(void *block, size_t size, const char *file, int line)
{
	(void)file, (void)line;
	return size != 0 && inject_no_memory() ? NULL : realloc(block, size);
}

static void inject_free(void *block, const char *file, int line)
{
	(void)file, (void)line;
	free(block);
}

/* Before the first use of OpenSSL in the process. */
static UNUSED void inject_openssl(void)
{
	int (*set)(void *(*)(size_t, const char *, int), void *(*)(void *, size_t, const char *, int), void (*)(void *, const char *, int));

	*(void **)&set = dlsym(RTLD_DEFAULT, "CRYPTO_set_mem_functions");
	CHECK(set != NULL);
	CHECK_RC(set(inject_malloc, inject_realloc, inject_free), 1);
}

/* ---- what is left -------------------------------------------------------------------------------------------------------------------- */

static int inject_open_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	CHECK(directory != NULL);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

/* A connection's end is completed in the background: the descriptors go down to `limit`, but perhaps not at once. Without a limit: to what
 * they stay at. */
static UNUSED int inject_await_files(int limit)
{
	double until = now_seconds() + (limit > 0 ? 60 : 0.5);
	int least = inject_open_files(), count;

	while (least > limit && now_seconds() < until)
	{
		usleep(2000);
		count = inject_open_files();
		least = count < least ? count : least;
	}
	return least;
}

#endif
