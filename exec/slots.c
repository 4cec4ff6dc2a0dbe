/* Slots give out the work: the servers of a service share a fixed number of slots, and own the tasks that belong to theirs.
 *
 * A thread serves the membership. What is taken away goes in two steps, so that a task never runs twice: the workers commit and
 * drop the tasks, then the slots are given up. What comes is spread over the workers, low partitions first, since every topic has
 * those. Every transaction also depends on the membership (membership_fence): a server that was taken for dead cannot commit. */
#include "exec/executor_int.h"

#include <time.h>

enum { POLL_FIRST_MS = 5, POLL_MS = 100 };

/* Neighbours in number are far apart among the slots, whether those are dealt out in turn or by ranges: 4 partitions on 2 or 3
 * servers do not pile up. */
int32_t slot_of(int32_t partition)
{
    return (int32_t)((uint32_t)partition * 37 % N_SLOTS);
}

static void wake_all(struct executor *x)
{
    for (uint32_t i = 0; i < x->n_workers; i++)
        worker_wake(&x->workers[i]);
}

bool slots_are_seen(const struct executor *x)
{
    for (uint32_t i = 0; i < x->n_workers; i++)
        if (x->workers[i].started && !x->workers[i].ended && x->workers[i].slots_seen != atomic_load(&x->slots_version))
            return false;
    return true;
}

/* Returns when no worker has tasks of slots that are no longer ours. */
static void take_away(struct executor *x, const uint8_t *owned)
{
    bool any = false;
    pthread_mutex_lock(&x->mutex);
    for (int i = 0; i < N_SLOTS; i++)
        if (x->slot_worker[i] >= 0 && !owned[i]) {
            x->slot_worker[i] = -1;
            any = true;
        }
    if (any) {
        atomic_fetch_add(&x->slots_version, 1);
        wake_all(x);
        while (!slots_are_seen(x))
            pthread_cond_wait(&x->changed, &x->mutex);
    }
    pthread_mutex_unlock(&x->mutex);
}

/* The worker that has the least to do, where low partitions count more. */
static int8_t idlest(const struct executor *x)
{
    uint32_t best = 0, least = UINT32_MAX;
    for (uint32_t w = 0; w < x->n_workers; w++) {
        uint32_t load = 0;
        for (int32_t p = 0; p < N_SLOTS; p++)
            if (x->slot_worker[slot_of(p)] == (int8_t)w)
                load += (uint32_t)(N_SLOTS - p);
        if (load < least) {
            least = load;
            best = w;
        }
    }
    return (int8_t)best;
}

static void give(struct executor *x, const uint8_t *owned)
{
    bool any = false;
    pthread_mutex_lock(&x->mutex);
    for (int32_t p = 0; p < N_SLOTS; p++)
        if (owned[slot_of(p)] && x->slot_worker[slot_of(p)] < 0) {
            x->slot_worker[slot_of(p)] = idlest(x);
            any = true;
        }
    if (any) {
        atomic_fetch_add(&x->slots_version, 1);
        wake_all(x);
    }
    pthread_mutex_unlock(&x->mutex);
}

/* Waits, but not for long when the executor closes. */
static void pause_ms(struct executor *x, int ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += ms * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&x->mutex);
    if (!atomic_load(&x->closing))
        pthread_cond_timedwait(&x->changed, &x->mutex, &until);
    pthread_mutex_unlock(&x->mutex);
}

static void *serve(void *data)
{
    struct executor *x = data;
    while (!atomic_load(&x->closing)) {
        struct diag d = DIAG_INIT;
        uint8_t owned[N_SLOTS];
        bool changed;
        enum status st = membership_poll(x->membership, 0, owned, &changed, &d);
        if (st == STATUS_OK)
            executor_trouble_over(x, &x->member_in_trouble);
        else
            executor_note_trouble(x, &x->member_in_trouble, &d);
        if (st != STATUS_OK && st != STATUS_IO)
            memset(owned, 0, sizeof owned);
        take_away(x, owned);
        membership_release_done(x->membership);
        give(x, owned);
        pause_ms(x, atomic_load(&x->slots_version) ? POLL_MS : POLL_FIRST_MS);
    }
    return NULL;
}

enum status slots_join(struct executor *x, struct diag *d)
{
    memset(x->slot_worker, -1, sizeof x->slot_worker);
    return membership_join(x->log, x->options.service_id ? x->options.service_id : "default_", x->options.server_id,
                           N_SLOTS, &x->membership, d);
}

enum status slots_serve(struct executor *x, struct diag *d)
{
    x->member_started = pthread_create(&x->member_thread, NULL, serve, x) == 0;
    return x->member_started ? STATUS_OK : diag_set(d, STATUS_IO, "cannot start a thread");
}

void slots_leave(struct executor *x)
{
    pthread_mutex_lock(&x->mutex);
    pthread_cond_broadcast(&x->changed);
    pthread_mutex_unlock(&x->mutex);
    if (x->member_started)
        pthread_join(x->member_thread, NULL);
    membership_leave(x->membership);
}
