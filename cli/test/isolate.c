/* Runs cases in a child process, so that a crash or an endless loop costs one case only. The child reports through a
 * pipe: a struct message before and after each case, the latter followed by the reason's bytes. */
#include "cli/test/test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CASE_TIMEOUT_MS = 20000, REASON_MAX = 4000 };

struct message {
    uint32_t index;
    uint32_t finished; /* 0: the case begins */
    uint32_t outcome;
    uint32_t reason_len;
};

static bool write_all(int fd, const void *p, size_t n)
{
    for (const char *at = p; n;) {
        ssize_t done = write(fd, at, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        at += done;
        n -= (size_t)done;
    }
    return true;
}

/* False at the end of the child, or after the time of a case. */
static bool read_all(int fd, void *p, size_t n, int64_t deadline_ns, bool *timed_out)
{
    for (char *at = p; n;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int64_t left = (deadline_ns - clock_mono_ns()) / 1000000;
        int ready = left > 0 ? poll(&poll_fd, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready == 0) {
            *timed_out = true;
            return false;
        }
        ssize_t got = read(fd, at, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        n -= (size_t)got;
    }
    return true;
}

static bool is_wanted(const struct test_case *c, const struct test_options *o)
{
    return !o->filter || (c->name.len && memmem(c->name.p, c->name.len, o->filter, strlen(o->filter)));
}

static enum outcome run_case(const struct test_case *c, const struct test_options *o, struct buf *reason)
{
    if (c->disabled)
        return CASE_SKIPPED;
    if (!o->mutate)
        return c->run(c, o, reason);
    struct test_options plain = *o;
    plain.mutate = false;
    if (c->run(c, &plain, reason) != CASE_PASSED) {
        reason->len = 0;
        return CASE_SKIPPED; /* nothing to learn from it */
    }
    return c->run(c, o, reason);
}

static _Noreturn void child(const struct case_list *list, uint32_t from, const struct test_options *o, int fd)
{
    struct buf reason;
    buf_init(&reason, 0);
    for (uint32_t i = from; i < list->n; i++) {
        if (!is_wanted(&list->items[i], o))
            continue;
        struct message m = {.index = i};
        reason.len = 0;
        if (!write_all(fd, &m, sizeof m))
            _exit(1);
        m.outcome = run_case(&list->items[i], o, &reason);
        m.finished = 1;
        m.reason_len = reason.len > REASON_MAX ? REASON_MAX : (uint32_t)reason.len;
        if (!write_all(fd, &m, sizeof m) || !write_all(fd, reason.p, m.reason_len))
            _exit(1);
    }
    exit(0); /* not _exit: a leak checker has its say */
}

struct running {
    const struct case_list *list;
    case_done done;
    void *data;
    int64_t started; /* of the present case */
    int64_t present; /* its index; -1: none */
    uint32_t next;   /* where the next child goes on */
};

static void finish(struct running *r, enum outcome outcome, struct str reason)
{
    r->done(r->data, &r->list->items[r->present], outcome, reason, (double)(clock_mono_ns() - r->started) / 1e9);
    r->next = (uint32_t)r->present + 1;
    r->present = -1;
}

/* Reads what one child reports until it ends or has to be ended. False: it ended badly between cases. */
static bool listen_to(struct running *r, int fd, pid_t pid)
{
    struct message m;
    char reason[REASON_MAX];
    bool timed_out = false;
    int status = 0;
    r->started = clock_mono_ns();
    for (;;) {
        int64_t deadline = r->started + CASE_TIMEOUT_MS * INT64_C(1000000);
        if (!read_all(fd, &m, sizeof m, deadline, &timed_out))
            break;
        if (!m.finished) {
            r->started = clock_mono_ns();
            r->present = m.index;
        } else if (m.reason_len <= sizeof reason && read_all(fd, reason, m.reason_len, deadline, &timed_out)) {
            finish(r, (enum outcome)m.outcome, str_make(reason, m.reason_len));
        } else {
            break;
        }
    }
    if (timed_out)
        kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (r->present < 0) {
        r->next = r->list->n;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    int n = timed_out             ? snprintf(reason, sizeof reason, "took more than %d s", CASE_TIMEOUT_MS / 1000)
            : WIFSIGNALED(status) ? snprintf(reason, sizeof reason, "crashed: signal %d", WTERMSIG(status))
                                  : snprintf(reason, sizeof reason, "crashed: exit status %d", WEXITSTATUS(status));
    finish(r, CASE_FAILED, str_make(reason, (size_t)n));
    return true;
}

enum status isolate_run(const struct case_list *list, const struct test_options *o, case_done done, void *data,
                        struct diag *d)
{
    struct running r = {.list = list, .done = done, .data = data, .present = -1};
    while (r.next < list->n) {
        bool good = false;
        int fds[2];
        fflush(NULL);
        if (pipe(fds) != 0)
            return diag_set(d, STATUS_IO, "cannot open a pipe: %s", strerror(errno));
        pid_t pid = fork();
        if (pid == 0) {
            close(fds[0]);
            child(list, r.next, o, fds[1]);
        }
        close(fds[1]);
        if (pid > 0)
            good = listen_to(&r, fds[0], pid);
        close(fds[0]);
        if (pid < 0)
            return diag_set(d, STATUS_IO, "cannot start a process: %s", strerror(errno));
        if (!good)
            return diag_set(d, STATUS_IO, "the process of the cases ended badly between two of them");
    }
    return STATUS_OK;
}
