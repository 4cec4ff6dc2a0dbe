/* How readers learn of commits: those of this process signal a condition variable; for those of other processes one of
 * the waiting readers looks at SQLite's data_version every few milliseconds, and tells the others. */
#include "topics/embedded/embedded_int.h"

#include <time.h>

enum { WATCH_FIRST_NS = 1000000, WATCH_MOST_NS = 8000000 };

bool pthread_init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0)
        return false;
    bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 && pthread_cond_init(cond, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return ok;
}

enum status embedded_waiting_init(struct embedded *log, struct diag *d)
{
    pthread_mutex_init(&log->wait_mutex, NULL);
    return pthread_init_cond(&log->wait_cond) ? STATUS_OK : diag_nomem(d);
}

void embedded_waiting_destroy(struct embedded *log)
{
    pthread_mutex_destroy(&log->wait_mutex);
    pthread_cond_destroy(&log->wait_cond);
}

void log_notify(struct embedded *log)
{
    pthread_mutex_lock(&log->wait_mutex);
    __atomic_fetch_add(&log->commits, 1, __ATOMIC_RELEASE);
    pthread_cond_broadcast(&log->wait_cond);
    pthread_mutex_unlock(&log->wait_mutex);
}

void log_wake(struct embedded *log, bool *woken)
{
    pthread_mutex_lock(&log->wait_mutex);
    *woken = true;
    pthread_cond_broadcast(&log->wait_cond);
    pthread_mutex_unlock(&log->wait_mutex);
}

static void wait_until(struct embedded *log, int64_t ns)
{
    struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    pthread_cond_timedwait(&log->wait_cond, &log->wait_mutex, &t);
}

/* Has another process committed since this was last asked? (Or this one: that does no harm.) An error counts as yes:
 * the read that follows will tell. */
static bool has_changed(struct embedded *log)
{
    int64_t now = 0;
    struct diag unused = DIAG_INIT;
    pthread_mutex_lock(&log->query_mutex);
    bool failed = db_number(&log->query, DB_DATA_VERSION, &now, &unused) != STATUS_OK;
    bool changed = failed || now != log->watched_version;
    log->watched_version = now;
    pthread_mutex_unlock(&log->query_mutex);
    return changed;
}

void log_wait(struct embedded *log, uint64_t seen, const bool *woken, int64_t deadline_ns)
{
    bool is_watcher = false;
    int64_t slice = WATCH_FIRST_NS;
    pthread_mutex_lock(&log->wait_mutex);
    while (log_commits(log) == seen && !*woken) {
        int64_t now = clock_mono_ns();
        if (now >= deadline_ns)
            break;
        if (log->path && !log->is_watched)
            log->is_watched = is_watcher = true;
        wait_until(log, is_watcher && now + slice < deadline_ns ? now + slice : deadline_ns);
        if (!is_watcher || log_commits(log) != seen || *woken)
            continue;
        slice = slice * 2 < WATCH_MOST_NS ? slice * 2 : WATCH_MOST_NS;
        pthread_mutex_unlock(&log->wait_mutex);
        bool changed = has_changed(log);
        pthread_mutex_lock(&log->wait_mutex);
        if (changed) {
            __atomic_fetch_add(&log->commits, 1, __ATOMIC_RELEASE);
            pthread_cond_broadcast(&log->wait_cond);
        }
    }
    if (is_watcher) { /* one of the others takes over */
        log->is_watched = false;
        pthread_cond_broadcast(&log->wait_cond);
    }
    pthread_mutex_unlock(&log->wait_mutex);
}
