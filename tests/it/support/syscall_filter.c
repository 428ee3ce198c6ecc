/* Runs a program under a list of system calls, as systemd does with
 * SystemCallFilter= and SystemCallErrorNumber=EPERM: every other call fails with
 * EPERM. allowed.h has two instructions for each allowed call. */

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#else
#error "the architecture's number is missing here"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define SKIP_IF(value, skip, otherwise) \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, skip, otherwise)
#define ANSWER(value) BPF_STMT(BPF_RET | BPF_K, value)

static struct sock_filter filter[] = {
    LOAD(arch),
    SKIP_IF(NATIVE, 1, 0),
    ANSWER(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
#include "allowed.h"
    ANSWER(SECCOMP_RET_ERRNO | EPERM),
};

int main(int count, char **arguments)
{
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    if (count < 2)
        return 2;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        perror("seccomp");
        return 2;
    }
    execv(arguments[1], arguments + 1);
    perror(arguments[1]);
    return 2;
}
