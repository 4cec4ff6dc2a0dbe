/* The snapshot of a task: where its file is, what its shape is, when it is folded, how the stores share the memory. */
#include "exec/exec_int.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

enum { SMALL_TASK = 64 << 10, FILTER_PART = 128 /* of the limit, a store */ };
#define TOMBSTONES_MS INT64_C(43200000) /* half of how long a changelog keeps them at least: delete.retention.ms */
#define FOLD_EVERY_NS INT64_C(10000000000)

/* Begins the file names of a query: services may share a folder. Names hold no more than letters, digits, '_' and '-'.
 */
static void put_name(struct buf *out, const struct exec_options *options, const struct plan *p)
{
    const char *const parts[] = {options->topic_prefix ? options->topic_prefix : "", p->query_id};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (const char *c = parts[i]; *c; c++)
            buf_putc(out, isalnum((unsigned char)*c) || *c == '-' ? *c : '_');
    buf_putc(out, '.');
}

static enum status make_folder(const char *path, struct diag *d)
{
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return STATUS_OK;
    return diag_set(d, STATUS_IO, "Cannot create the folder %s: %s", path, strerror(errno));
}

static bool has_state(const struct task *t)
{
    for (uint32_t i = 0; i < t->n_ops; i++)
        if (t->ops[i].store)
            return true;
    return false;
}

/* The log, and the stores in order, with all that the layout of their entries depends on. */
static void put_shape(struct buf *out, const struct task *t)
{
    buf_printf(out, "1 %016llx", (unsigned long long)t->options.log_id);
    for (uint32_t i = 0; i < t->n_ops; i++) {
        const struct op *op = &t->ops[i];
        if (!op->store)
            continue;
        buf_printf(out, ";%s %d %u ", store_name(op->store), (int)store_kind(op->store), store_fixed_size(op->store));
        schema_print(out, &op->step->schema);
    }
}

static enum status open_file(struct task *t, struct diag *d)
{
    struct buf path, shape;
    buf_init(&path, 0);
    buf_init(&shape, 0);
    buf_printf(&path, "%s/", t->options.state_dir);
    put_name(&path, &t->options, t->plan);
    buf_printf(&path, "%u.%d.db", (unsigned)(t->stage - t->plan->stages), (int)t->partition);
    put_shape(&shape, t);
    enum status st =
        path.failed || shape.failed ? diag_nomem(d) : snapshot_open(buf_z(&path), buf_str(&shape), &t->snapshot, d);
    buf_free(&path);
    buf_free(&shape);
    return st;
}

static int64_t wall_ms(const struct task *t)
{
    return t->options.clock.wall_ms ? t->options.clock.wall_ms(t->options.clock.data) : 0;
}

/* *usable: the log has all that the file lacks, and the file knows of nothing that the log does not have. Of a key that
 * was removed long ago the changelog does not tell any more. */
static enum status compare_to_log(const struct task *t, struct log *log, bool *usable, struct diag *d)
{
    uint32_t number = 0;
    bool is_old = wall_ms(t) - snapshot_time(t->snapshot) > TOMBSTONES_MS;
    *usable = true;
    for (uint32_t i = 0; i < t->n_ops; i++) {
        int64_t begin, end, uncommitted;
        if (!t->ops[i].store)
            continue;
        enum status st = topic_offsets(log, t->ops[i].changelog, t->partition, &begin, &end, &uncommitted, d);
        if (st != STATUS_OK)
            return st;
        int64_t at = snapshot_offset(t->snapshot, number++);
        *usable &= at <= uncommitted && !(at < end && is_old);
    }
    return STATUS_OK;
}

static enum status reopen_empty(struct task *t, struct diag *d)
{
    enum status st = snapshot_discard(t->snapshot, d);
    t->snapshot = NULL;
    return st == STATUS_OK ? open_file(t, d) : st;
}

static enum status attach_stores(struct task *t, struct diag *d)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < t->n_ops; i++) {
        struct op *op = &t->ops[i];
        if (!op->store)
            continue;
        op->store_number = number++;
        enum status st = store_attach(op->store, t->snapshot, op->store_number,
                                      (t->restore_limit + FILTER_PART - 1) / FILTER_PART, d);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

enum status task_use_snapshot(struct task *t, struct log *log, size_t limit, struct diag *d)
{
    bool usable;
    enum status st = STATUS_OK;
    if (!t->options.state_dir || !has_state(t))
        return STATUS_OK;
    TRY(make_folder(t->options.state_dir, d));
    t->restore_limit = limit;
    TRY(open_file(t, d));
    TRY(compare_to_log(t, log, &usable, d));
    if (!usable)
        TRY(reopen_empty(t, d));
    TRY(attach_stores(t, d));
    TRY(snapshot_load(t->snapshot, limit / 4, d));
    t->last_fold_ns = clock_mono_ns();
done:
    return st;
}

int64_t task_snapshot_offset(const struct task *t, const char *changelog)
{
    for (uint32_t i = 0; t->snapshot && i < t->n_ops; i++)
        if (t->ops[i].changelog && strcmp(t->ops[i].changelog, changelog) == 0)
            return snapshot_offset(t->snapshot, t->ops[i].store_number);
    return -1;
}

/* ---- folding and evicting -------------------------------------------------------------------------------- */

static enum status fold(struct task *t, struct log *log, bool wait, struct diag *d)
{
    int64_t offsets[SNAPSHOT_STORES] = {0};
    for (uint32_t i = 0; i < t->n_ops; i++) {
        const struct op *op = &t->ops[i];
        int64_t begin;
        if (!op->store)
            continue;
        enum status st = topic_offsets(log, op->changelog, t->partition, &begin, &offsets[op->store_number], NULL, d);
        if (st != STATUS_OK)
            return st;
    }
    t->last_fold_ns = clock_mono_ns();
    return snapshot_fold(t->snapshot, offsets, wall_ms(t), wait, d);
}

/* Bytes that the stores really use: what is free for new entries does not grow them. */
static size_t stores_use(const struct task *t)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < t->n_ops; i++)
        if (t->ops[i].store)
            bytes += store_memory(t->ops[i].store) - store_slack(t->ops[i].store);
    return bytes;
}

size_t task_used(const struct task *t)
{
    return stores_use(t) + (t->snapshot ? snapshot_memory(t->snapshot) : 0);
}

static size_t stores_slack(const struct task *t)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < t->n_ops; i++)
        bytes += t->ops[i].store ? store_slack(t->ops[i].store) : 0;
    return bytes;
}

static bool is_over(const struct task *t, size_t limit)
{
    return limit && (task_used(t) > limit / 2 || stores_slack(t) > limit / 2) &&
           task_used(t) + stores_slack(t) > SMALL_TASK;
}

/* Down to a fourth of the limit; each store gives in proportion to what it uses. Where much room lies idle in pieces
 * everything goes, for only that gives it back. */
static void evict(struct task *t, size_t limit)
{
    size_t all = stores_use(t), goal = stores_slack(t) > limit / 2 ? 0 : limit / 4;
    for (uint32_t i = 0; i < t->n_ops && all > goal; i++) {
        struct store *s = t->ops[i].store;
        double use = s ? (double)(store_memory(s) - store_slack(s)) : 0;
        if (s)
            store_evict(s, (size_t)(use * (double)(all - goal) / (double)all) + 1);
    }
}

enum status task_committed(struct task *t, struct log *log, size_t limit, struct diag *d)
{
    if (!t->snapshot)
        return STATUS_OK;
    /* Half for what is used at rest; the rest for what a commit adds, until it is folded, and for fragments. */
    if (is_over(t, limit)) {
        enum status st = fold(t, log, true, d);
        if (st == STATUS_OK)
            evict(t, limit);
        return st;
    }
    if (snapshot_in_round(t->snapshot) || clock_mono_ns() - t->last_fold_ns >= FOLD_EVERY_NS)
        return snapshot_has_work(t->snapshot) && !snapshot_folding(t->snapshot) ? fold(t, log, false, d) : STATUS_OK;
    return STATUS_OK;
}

enum status task_restored(struct task *t, const struct op *op, int64_t offset, struct diag *d)
{
    int64_t offsets[SNAPSHOT_STORES];
    if (!t->snapshot || !is_over(t, t->restore_limit))
        return STATUS_OK;
    for (uint32_t i = 0; i < SNAPSHOT_STORES; i++)
        offsets[i] = i == op->store_number ? offset : snapshot_offset(t->snapshot, i);
    enum status st = snapshot_fold(t->snapshot, offsets, wall_ms(t), true, d);
    if (st == STATUS_OK)
        evict(t, t->restore_limit);
    return st;
}

void task_forget_snapshots(const struct exec_options *options, const struct plan *p)
{
    DIR *dir = options->state_dir ? opendir(options->state_dir) : NULL;
    struct buf prefix;
    if (!dir)
        return;
    buf_init(&prefix, 0);
    put_name(&prefix, options, p);
    for (struct dirent *e; !prefix.failed && (e = readdir(dir));) {
        char path[4096];
        if (!str_starts(str_from(e->d_name), buf_str(&prefix)))
            continue;
        int n = snprintf(path, sizeof path, "%s/%s", options->state_dir, e->d_name);
        if (n > 0 && (size_t)n < sizeof path)
            remove(path);
    }
    buf_free(&prefix);
    closedir(dir);
}
