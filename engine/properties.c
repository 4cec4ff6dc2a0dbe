/* Properties: the names that SET takes, and what holds where nobody has set them. Names of Kafka Streams and of Kafka's
 * clients may have `ksql.streams.` in front. */
#include "engine/engine_int.h"

static const struct property PROPERTIES[] = {
    /* sorted as SHOW PROPERTIES shows them */
    {"ksql.cast.strings.preserve.nulls", "true"},
    {"ksql.create.or.replace.enabled", "true"},
    {"ksql.fail.on.deserialization.error", "false"},
    {"ksql.fail.on.production.error", "true"},
    {"ksql.functions.collect_list.limit", "1000"},
    {"ksql.functions.collect_set.limit", "1000"},
    {"ksql.headers.columns.enabled", "true"},
    {"ksql.insert.into.values.enabled", "true"},
    {"ksql.nested.error.set.null", "true"},
    {"ksql.new.query.planner.enabled", "false"},
    {"ksql.output.topic.name.prefix", ""},
    {"ksql.persistence.default.format.key", "KAFKA"},
    {"ksql.persistence.default.format.value", NULL},
    {"ksql.persistence.wrap.single.values", NULL},
    {"ksql.pull.queries.enable", "true"},
    {"ksql.query.pull.limit.clause.enabled", "true"},
    {"ksql.query.pull.range.scan.enabled", "true"},
    {"ksql.query.pull.stream.enabled", "true"},
    {"ksql.query.pull.table.scan.enabled", "true"},
    {"ksql.query.push.v2.enabled", "false"},
    {"ksql.schema.registry.url", ""},
    {"ksql.service.id", "default_"},
    {"ksql.suppress.enabled", "true"},
    {"ksql.timestamp.throw.on.invalid", "false"},
    {"ksql.variable.substitution.enable", "true"},
    {"auto.offset.reset", "earliest"},
    {"cache.max.bytes.buffering", "10485760"},
    {"commit.interval.ms", "100"},
    {"default.deserialization.exception.handler", NULL},
    {"default.timestamp.extractor", NULL},
    {"enable.auto.commit", NULL},
    {"max.task.idle.ms", NULL},
    {"num.stream.threads", NULL},
    {"processing.guarantee", "exactly_once_v2"},
    {"replication.factor", NULL},
    {"state.dir", NULL},
    {"statestore.cache.max.bytes", NULL},
    {"topology.optimization", NULL},
    {"weir.memory.budget.mb", "256"},
};
enum { N_PROPERTIES = sizeof PROPERTIES / sizeof *PROPERTIES };
#define STREAMS STR("ksql.streams.")

static struct str without_prefix(struct str name)
{
    return str_starts(name, STREAMS) ? str_make(name.p + STREAMS.len, name.len - STREAMS.len) : name;
}

const struct property *property_find(struct str name)
{
    for (size_t i = 0; i < N_PROPERTIES; i++)
        if (str_eq(without_prefix(name), str_from(PROPERTIES[i].name)))
            return &PROPERTIES[i];
    return NULL;
}

bool property_is_known(struct str name)
{
    return property_find(name) || (str_starts(name, STREAMS) && name.len > STREAMS.len);
}

const struct property *properties_all(size_t *n)
{
    *n = N_PROPERTIES;
    return PROPERTIES;
}

bool property_is_stream(const struct property *p)
{
    return !str_starts(str_from(p->name), STR("ksql.")) && !str_starts(str_from(p->name), STR("weir."));
}

/* ---- settings of the engine ------------------------------------------------------------------------------------- */

/* The last setting wins. */
static const char *option(const struct engine_options *o, const char *name)
{
    for (size_t i = o->n_properties; i-- > 0;)
        if (str_eq(without_prefix(str_from(o->properties[i].name)), str_from(name)))
            return o->properties[i].value;
    return property_find(str_from(name))->otherwise;
}

static enum status bad_value(struct str name, struct str value, const char *wanted, struct diag *d)
{
    return diag_set(d, STATUS_INVALID, "Invalid value " STR_FMT " for configuration " STR_FMT ": %s", STR_ARG(value),
                    STR_ARG(name), wanted);
}

enum status property_number(struct str name, struct str value, int64_t *out, struct diag *d)
{
    if (!parse_i64(value, out))
        return bad_value(name, value, "Not a number", d);
    return *out < 0 || *out > INT64_MAX >> 20
               ? bad_value(name, value, "Value must be at least 0, and far below 2^63", d)
               : STATUS_OK;
}

enum status options_number(const struct engine_options *o, const char *name, int64_t *out, struct diag *d)
{
    return property_number(str_from(name), str_from(option(o, name)), out, d);
}

enum status property_check(struct str name, struct str value, struct diag *d)
{
    static const char *const numbers[] = {"commit.interval.ms", "cache.max.bytes.buffering",
                                          "statestore.cache.max.bytes"};
    int64_t number;
    name = without_prefix(name);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (str_eq(name, str_from(numbers[i])))
            return property_number(name, value, &number, d);
    if (!str_eq(name, STR("auto.offset.reset")) || str_eq(value, STR("latest")) || str_eq(value, STR("earliest")))
        return STATUS_OK;
    return bad_value(name, value, "String must be one of: earliest, latest", d);
}

enum status options_exactly_once(const struct engine_options *o, bool *out, struct diag *d)
{
    const char *value = option(o, "processing.guarantee");
    *out = strcmp(value, "at_least_once") != 0;
    if (!*out || !strcmp(value, "exactly_once") || !strcmp(value, "exactly_once_v2") ||
        !strcmp(value, "exactly_once_beta"))
        return STATUS_OK;
    return bad_value(STR("processing.guarantee"), str_from(value),
                     "String must be one of: at_least_once, exactly_once, exactly_once_beta, exactly_once_v2", d);
}
