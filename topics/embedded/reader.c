/* Readers of the embedded log: assigned partitions are served in turn, each from the run that was read last, or from
 * a new one when something was committed since the partition was found at its end. */
#include "topics/embedded/run.h"

#include <stdio.h>

enum { READER_CACHE_KIB = 1024, LOOK_NS = 1000000 };

struct assignment {
    char topic[LOG_MAX_TOPIC_NAME + 1];
    int32_t partition;
    int64_t part;
    int64_t position; /* the next offset to hand out */
    int64_t told;     /* the place that the caller knows: as assigned, or the next_offset of the last batch */
    bool is_paused;
    bool may_have_more;     /* something was committed since the end was seen */
    struct run_cursor rest; /* rest.run NULL: nothing fetched */
};
struct embedded_reader {
    struct log_reader head;
    struct embedded *log;
    struct db db;
    struct assignment *assigned;
    size_t n_assigned, cap_assigned;
    size_t turn;       /* whose turn it is */
    uint64_t commits;  /* the log's count when partitions were last marked */
    int64_t version;   /* likewise, SQLite's data_version */
    int64_t looked_ns; /* when it was looked at */
    bool is_woken;     /* under the log's wait_mutex */
};

static struct embedded_reader *reader_of(struct log_reader *r)
{
    return (struct embedded_reader *)r;
}

enum status embedded_reader_open(struct log *log, struct log_reader **out, struct diag *d)
{
    struct embedded_reader *r = mem_calloc(1, sizeof *r);
    if (!r)
        return diag_nomem(d);
    r->head.ops = log->ops;
    r->log = embedded_of(log);
    enum status st = db_open(r->log, &r->db, READER_CACHE_KIB, d);
    if (st != STATUS_OK) {
        mem_free(r);
        return st;
    }
    *out = &r->head;
    return STATUS_OK;
}

void embedded_reader_close(struct log_reader *reader)
{
    struct embedded_reader *r = reader_of(reader);
    for (size_t i = 0; i < r->n_assigned; i++)
        run_cursor_clear(&r->assigned[i].rest);
    db_close(&r->db);
    mem_free(r->assigned);
    mem_free(r);
}

/* ---- assignments -------------------------------------------------------------------------------------- */

static struct assignment *find(struct embedded_reader *r, const char *topic, int32_t partition)
{
    for (size_t i = 0; i < r->n_assigned; i++)
        if (r->assigned[i].partition == partition && strcmp(r->assigned[i].topic, topic) == 0)
            return &r->assigned[i];
    return NULL;
}

static struct assignment *find_or_add(struct embedded_reader *r, const char *topic, int32_t partition)
{
    struct assignment *a = find(r, topic, partition);
    if (a)
        return a;
    if (r->n_assigned == r->cap_assigned) {
        size_t cap = r->cap_assigned ? r->cap_assigned * 2 : 8;
        struct assignment *grown = mem_realloc(r->assigned, cap * sizeof *grown);
        if (!grown)
            return NULL;
        r->assigned = grown;
        r->cap_assigned = cap;
    }
    a = &r->assigned[r->n_assigned++];
    *a = (struct assignment){.partition = partition};
    memcpy(a->topic, topic, strlen(topic) + 1);
    return a;
}

enum status embedded_reader_assign(struct log_reader *reader, const char *topic, int32_t partition, int64_t offset,
                                   struct diag *d)
{
    struct embedded_reader *r = reader_of(reader);
    struct topic_row row;
    struct part_row part;
    enum status st = db_read_begin(&r->db, d);
    if (st != STATUS_OK)
        return st;
    st = part_find(&r->db, topic, partition, &row, &part, d);
    db_read_end(&r->db);
    if (st != STATUS_OK)
        return st;
    if (offset > part.stop)
        return diag_set(d, STATUS_INVALID, "Topic %s, partition %d ends at offset %lld, it cannot be read from %lld",
                        topic, partition, (long long)part.stop, (long long)offset);
    struct assignment *a = find_or_add(r, topic, partition);
    if (!a)
        return diag_nomem(d);
    run_cursor_clear(&a->rest);
    a->part = part.id;
    a->position = offset > part.start ? offset : part.start;
    a->told = offset >= 0 ? offset : a->position;
    a->is_paused = false;
    a->may_have_more = true;
    return STATUS_OK;
}

void embedded_reader_unassign(struct log_reader *reader, const char *topic, int32_t partition)
{
    struct embedded_reader *r = reader_of(reader);
    struct assignment *a = find(r, topic, partition);
    if (!a)
        return;
    run_cursor_clear(&a->rest);
    *a = r->assigned[--r->n_assigned];
}

void embedded_reader_pause(struct log_reader *reader, const char *topic, int32_t partition, bool paused)
{
    struct assignment *a = find(reader_of(reader), topic, partition);
    if (a)
        a->is_paused = paused;
}

/* ---- serving ------------------------------------------------------------------------------------------ */

static enum status with_place(enum status st, const struct assignment *a, struct diag *d)
{
    char place[LOG_MAX_TOPIC_NAME + 80];
    if (st != STATUS_IO || !d)
        return st;
    snprintf(place, sizeof place, "Topic %s, partition %d, offset %lld", a->topic, a->partition,
             (long long)a->position);
    diag_context(d, place, strlen(place));
    return st;
}

/* Reads a run at the position, past whatever was truncated or compacted away. Leaves no run at the end. */
static enum status fetch(struct embedded_reader *r, struct assignment *a, uint32_t max_records, struct diag *d)
{
    struct part_row part;
    struct run *run = NULL;
    enum status st = part_get(&r->db, a->part, &part, d);
    if (st == STATUS_NOT_FOUND)
        return diag_set(d, st, "Topic %s was deleted", a->topic);
    if (st != STATUS_OK)
        return st;
    if (a->position < part.start)
        a->position = part.start;
    while (st == STATUS_OK && !run && a->position < part.stop) {
        st = run_read(&r->db, a->part, a->position, part.stop, max_records, &run, d);
        if (st == STATUS_OK && run->n_chunks == 0) {
            a->position = run->next_offset;
            run_drop(run);
            run = NULL;
        }
    }
    if (st != STATUS_OK)
        return st;
    a->may_have_more = a->position < part.stop;
    if (!run)
        return STATUS_OK;
    st = run_cursor_init(&a->rest, run, a->position);
    if (st != STATUS_OK) {
        st = log_damaged(&r->db, a->part, run->chunks[0].base, "the records are malformed", d);
        run_cursor_clear(&a->rest);
    }
    return st;
}

static enum status cut(struct embedded_reader *r, struct assignment *a, uint32_t max_records, struct record_batch **out,
                       struct diag *d)
{
    int64_t where = 0;
    enum status st = run_cut(&a->rest, a->topic, a->partition, max_records, out, &where);
    if (st == STATUS_DATA)
        st = log_damaged(&r->db, a->part, where, "the records are malformed", d);
    else if (st == STATUS_NOMEM)
        return diag_nomem(d); /* with the place kept */
    if (*out)
        a->position = (*out)->next_offset;
    else if (st == STATUS_OK)
        a->position = a->rest.run->next_offset;
    if (st != STATUS_OK || a->position == a->rest.run->next_offset)
        run_cursor_clear(&a->rest);
    return st;
}

static enum status serve_one(struct embedded_reader *r, struct assignment *a, uint32_t max_records,
                             struct record_batch **out, struct diag *d)
{
    enum status st = STATUS_OK;
    while (st == STATUS_OK && !*out && (a->rest.run || a->may_have_more)) {
        if (!a->rest.run) {
            st = db_read_begin(&r->db, d);
            if (st == STATUS_OK) {
                st = fetch(r, a, max_records, d);
                db_read_end(&r->db);
            }
        }
        if (st == STATUS_OK && a->rest.run)
            st = cut(r, a, max_records, out, d);
    }
    if (st == STATUS_OK && !*out && a->position > a->told) { /* truncated or compacted away up to the end */
        *out = run_empty_batch(a->topic, a->partition, a->position);
        if (!*out)
            return diag_nomem(d);
    }
    if (*out)
        a->told = (*out)->next_offset;
    return with_place(st, a, d);
}

/* The turn goes on whatever comes of it: one damaged partition does not hold up the others. */
static enum status serve(struct embedded_reader *r, uint32_t max_records, struct record_batch **out, struct diag *d)
{
    enum status st = STATUS_OK;
    for (size_t i = 0; i < r->n_assigned && st == STATUS_OK && !*out; i++) {
        r->turn = r->turn + 1 < r->n_assigned ? r->turn + 1 : 0;
        struct assignment *a = &r->assigned[r->turn];
        if (!a->is_paused)
            st = serve_one(r, a, max_records, out, d);
    }
    return st;
}

static void mark_all(struct embedded_reader *r)
{
    for (size_t i = 0; i < r->n_assigned; i++)
        r->assigned[i].may_have_more = true;
}

/* Marks partitions when something was committed: by this process (cheap to know), or, if `look`, by any. */
static enum status notice(struct embedded_reader *r, bool look, struct diag *d)
{
    uint64_t commits = log_commits(r->log);
    bool changed = commits != r->commits;
    r->commits = commits;
    if (look && r->log->path) {
        int64_t version;
        enum status st = db_number(&r->db, DB_DATA_VERSION, &version, d);
        if (st != STATUS_OK)
            return st;
        changed = changed || version != r->version;
        r->version = version;
    }
    if (changed)
        mark_all(r);
    return STATUS_OK;
}

/* Other processes are looked for now and then while there is enough to do, and always before giving up. */
static enum status look(struct embedded_reader *r, uint32_t max_records, struct record_batch **out, struct diag *d)
{
    int64_t now = clock_mono_ns();
    bool due = now - r->looked_ns > LOOK_NS;
    if (due)
        r->looked_ns = now;
    enum status st = notice(r, due, d);
    if (st == STATUS_OK)
        st = serve(r, max_records, out, d);
    if (st != STATUS_OK || *out || due || !r->log->path)
        return st;
    st = notice(r, true, d);
    return st == STATUS_OK ? serve(r, max_records, out, d) : st;
}

static bool take_wake(struct embedded_reader *r)
{
    pthread_mutex_lock(&r->log->wait_mutex);
    bool woken = r->is_woken;
    r->is_woken = false;
    pthread_mutex_unlock(&r->log->wait_mutex);
    return woken;
}

enum status embedded_reader_poll(struct log_reader *reader, int timeout_ms, uint32_t max_records,
                                 struct record_batch **out, struct diag *d)
{
    struct embedded_reader *r = reader_of(reader);
    int64_t deadline = timeout_ms ? clock_mono_ns() + (int64_t)timeout_ms * 1000000 : 0;
    for (;;) {
        enum status st = look(r, max_records, out, d);
        if (st != STATUS_OK || *out || timeout_ms == 0 || take_wake(r) || clock_mono_ns() >= deadline)
            return st;
        log_wait(r->log, r->commits, &r->is_woken, deadline);
    }
}

void embedded_reader_wake(struct log_reader *reader)
{
    struct embedded_reader *r = reader_of(reader);
    log_wake(r->log, &r->is_woken);
}
