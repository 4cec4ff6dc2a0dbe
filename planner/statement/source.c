/* New streams and tables: their entries, topics and names, as CREATE STREAM and CREATE AS both need them. */
#include "planner/planner_int.h"

struct source *source_new(struct planner *p, struct str name, bool is_table)
{
    struct source *s = PLAN_NEW(p, struct source);
    if (!s)
        return NULL;
    s->refs = 1;
    s->name = name;
    s->is_table = is_table;
    s->key_properties.schema_id = s->value_properties.schema_id = -1;
    s->sql = p->statement->text;
    return s;
}

struct source *source_copy_into(struct planner *p, const struct source *from)
{
    struct source *s = PLAN_NEW(p, struct source);
    if (!s)
        return NULL;
    s->refs = 1;
    if (source_copy(p->a, s, from))
        return s;
    (void)plan_nomem(p);
    return NULL;
}

static int side_of(const struct schema_column *c)
{
    return c->role == ROLE_KEY ? 0 : c->role == ROLE_VALUE ? 1 : 2;
}

enum status schema_from_columns(struct planner *p, const struct schema_column *columns, uint32_t n, struct source *out)
{
    struct schema_column *sorted = PLAN_ARRAY(p, struct schema_column, n);
    uint32_t *declared = PLAN_ARRAY(p, uint32_t, n);
    if (!sorted || !declared)
        return STATUS_NOMEM;
    uint32_t at = 0;
    out->schema.n_keys = out->n_headers = 0;
    for (int side = 0; side < 3; side++)
        for (uint32_t i = 0; i < n; i++) {
            if (side_of(&columns[i]) != side)
                continue;
            declared[i] = at;
            sorted[at++] = columns[i];
            out->schema.n_keys += side == 0;
            out->n_headers += side == 2;
        }
    out->schema.columns = sorted;
    out->schema.n_columns = n;
    out->declared = declared;
    return STATUS_OK;
}

enum status check_name_free(struct planner *p, struct str name, bool is_table, bool or_replace)
{
    const struct source *old = catalog_source(p->catalog, name);
    if (!old)
        return STATUS_OK;
    if (or_replace && planner_flag(p, "ksql.create.or.replace.enabled", true))
        return STATUS_OK;
    const char *kind = is_table ? "table" : "stream";
    return plan_invalid(p, p->statement->span, "Cannot add %s '" STR_FMT "': A %s with the same name already exists",
                        kind, STR_ARG(name), source_kind_name(old));
}

/* ---- topics ---- */

static bool topic_facts(const struct planner *p, const char *topic, struct topic_facts *facts)
{
    return p->context->topic && p->context->topic(p->context->data, topic, facts);
}

/* An existing topic must have the partitions that were asked for, and not fewer replicas. */
static enum status check_topic(struct planner *p, struct span where, const char *topic, const struct topic_facts *facts,
                               int64_t partitions, int64_t replicas)
{
    bool fits = (partitions < 0 || partitions == (int64_t)facts->partitions) &&
                (replicas < 0 || replicas <= (int64_t)facts->replicas);
    if (fits)
        return STATUS_OK;
    return plan_error(p, where,
                      "A Kafka topic with the name '%s' already exists, with different partition/replica configuration "
                      "than required. KSQL expects %lld partitions (topic has %u), %lld replication factor (topic has "
                      "%u).",
                      topic, (long long)(partitions < 0 ? facts->partitions : partitions), facts->partitions,
                      (long long)(replicas < 0 ? facts->replicas : replicas), facts->replicas);
}

enum status topic_for_source(struct planner *p, const struct with *w, struct span where, struct planned_topic *out)
{
    struct topic_facts facts;
    struct str name = str_dup(p->a, w->topic);
    if (!name.p)
        return plan_nomem(p);
    *out = (struct planned_topic){.name = name.p, .retention_ms = w->retention_ms};
    out->exists = topic_facts(p, name.p, &facts);
    if (out->exists) {
        out->partitions = facts.partitions;
        out->replicas = facts.replicas;
        return check_topic(p, where, name.p, &facts, w->partitions, w->replicas);
    }
    if (w->partitions < 0)
        return plan_error(p, where,
                          "Topic '%s' does not exist. If you want to create a new topic for the stream/table please "
                          "re-run the statement providing the required 'PARTITIONS' configuration in the WITH clause "
                          "(and optionally 'REPLICAS'). For example: ... WITH (KAFKA_TOPIC='%s', PARTITIONS=2, ...);",
                          name.p, name.p);
    out->partitions = (uint32_t)w->partitions;
    out->replicas = w->replicas < 0 ? 0 : (uint32_t)w->replicas;
    return STATUS_OK;
}

enum status topic_for_sink(struct planner *p, const struct with *w, const struct source *from, struct span where,
                           struct planned_topic *out)
{
    struct topic_facts facts, of_source = {.partitions = from->partitions, .retention_ms = -1};
    (void)topic_facts(p, from->topic, &of_source);
    out->exists = topic_facts(p, out->name, &facts);
    out->partitions = w->partitions < 0 ? of_source.partitions : (uint32_t)w->partitions;
    out->replicas = w->replicas < 0 ? of_source.replicas : (uint32_t)w->replicas;
    out->retention_ms = w->retention_ms < 0 && !from->is_table ? of_source.retention_ms : w->retention_ms;
    if (out->partitions == 0)
        out->partitions = 1;
    if (!out->exists)
        return STATUS_OK;
    enum status st = check_topic(p, where, out->name, &facts, out->partitions, w->replicas);
    out->replicas = facts.replicas;
    return st;
}
