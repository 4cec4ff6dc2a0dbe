/* WITH clauses (rules.md 1.3): names, types and conflicts of properties. All errors carry "Failed to prepare statement:
 * ". Order: typed values, unknown names, format conflicts, timestamp pattern, window pair. */
#include "functions/datetime_format.h"
#include "planner/planner_int.h"

#include <ctype.h>

enum property {
    PROP_KAFKA_TOPIC,
    PROP_PARTITIONS,
    PROP_REPLICAS,
    PROP_RETENTION_MS,
    PROP_CLEANUP_POLICY,
    PROP_FORMAT,
    PROP_KEY_FORMAT,
    PROP_VALUE_FORMAT,
    PROP_KEY_DELIMITER,
    PROP_VALUE_DELIMITER,
    PROP_WRAP_SINGLE_VALUE,
    PROP_TIMESTAMP,
    PROP_TIMESTAMP_FORMAT,
    PROP_KEY_SCHEMA_ID,
    PROP_VALUE_SCHEMA_ID,
    PROP_KEY_SCHEMA_FULL_NAME,
    PROP_VALUE_SCHEMA_FULL_NAME,
    PROP_VALUE_AVRO_SCHEMA_FULL_NAME,
    PROP_KEY_PROTOBUF_NULLABLE_REPRESENTATION,
    PROP_VALUE_PROTOBUF_NULLABLE_REPRESENTATION,
    PROP_WINDOW_TYPE,
    PROP_WINDOW_SIZE,
    PROP_SOURCED_BY_CONNECTOR,
    PROP_SOURCE_CONNECTOR,
    PROP_QUERY_ID,
    N_PROPERTIES,
};

enum property_type { TYPE_TEXT, TYPE_NUMBER, TYPE_FLAG };
enum { IN_SOURCE = 1, IN_AS = 2, IN_INSERT = 4, IN_CREATE = IN_SOURCE | IN_AS };

static const struct {
    const char *name;
    enum property_type type;
    int places;
    const char *number; /* what the number is called in messages */
    int64_t most;
} properties[N_PROPERTIES] = {
    [PROP_KAFKA_TOPIC] = {"KAFKA_TOPIC", TYPE_TEXT, IN_CREATE, NULL, 0},
    [PROP_PARTITIONS] = {"PARTITIONS", TYPE_NUMBER, IN_CREATE, "INT", INT32_MAX},
    [PROP_REPLICAS] = {"REPLICAS", TYPE_NUMBER, IN_CREATE, "SHORT", INT16_MAX},
    [PROP_RETENTION_MS] = {"RETENTION_MS", TYPE_NUMBER, IN_CREATE, "LONG", INT64_MAX},
    [PROP_CLEANUP_POLICY] = {"CLEANUP_POLICY", TYPE_TEXT, IN_CREATE, NULL, 0},
    [PROP_FORMAT] = {"FORMAT", TYPE_TEXT, IN_CREATE, NULL, 0},
    [PROP_KEY_FORMAT] = {"KEY_FORMAT", TYPE_TEXT, IN_CREATE, NULL, 0},
    [PROP_VALUE_FORMAT] = {"VALUE_FORMAT", TYPE_TEXT, IN_CREATE, NULL, 0},
    [PROP_KEY_DELIMITER] = {"KEY_DELIMITER", TYPE_TEXT, IN_CREATE, NULL, 0},
    [PROP_VALUE_DELIMITER] = {"VALUE_DELIMITER", TYPE_TEXT, IN_CREATE, NULL, 0},
    [PROP_WRAP_SINGLE_VALUE] = {"WRAP_SINGLE_VALUE", TYPE_FLAG, IN_CREATE, NULL, 0},
    [PROP_TIMESTAMP] = {"TIMESTAMP", TYPE_TEXT, IN_CREATE, NULL, 0},
    [PROP_TIMESTAMP_FORMAT] = {"TIMESTAMP_FORMAT", TYPE_TEXT, IN_CREATE, NULL, 0},
    [PROP_KEY_SCHEMA_ID] = {"KEY_SCHEMA_ID", TYPE_NUMBER, IN_CREATE, "INT", INT32_MAX},
    [PROP_VALUE_SCHEMA_ID] = {"VALUE_SCHEMA_ID", TYPE_NUMBER, IN_CREATE, "INT", INT32_MAX},
    [PROP_KEY_SCHEMA_FULL_NAME] = {"KEY_SCHEMA_FULL_NAME", TYPE_TEXT, IN_CREATE, NULL, 0},
    [PROP_VALUE_SCHEMA_FULL_NAME] = {"VALUE_SCHEMA_FULL_NAME", TYPE_TEXT, IN_CREATE, NULL, 0},
    [PROP_VALUE_AVRO_SCHEMA_FULL_NAME] = {"VALUE_AVRO_SCHEMA_FULL_NAME", TYPE_TEXT, IN_CREATE, NULL, 0},
    [PROP_KEY_PROTOBUF_NULLABLE_REPRESENTATION] = {"KEY_PROTOBUF_NULLABLE_REPRESENTATION", TYPE_TEXT, IN_CREATE, NULL,
                                                   0},
    [PROP_VALUE_PROTOBUF_NULLABLE_REPRESENTATION] = {"VALUE_PROTOBUF_NULLABLE_REPRESENTATION", TYPE_TEXT, IN_CREATE,
                                                     NULL, 0},
    [PROP_WINDOW_TYPE] = {"WINDOW_TYPE", TYPE_TEXT, IN_SOURCE, NULL, 0},
    [PROP_WINDOW_SIZE] = {"WINDOW_SIZE", TYPE_TEXT, IN_SOURCE, NULL, 0},
    [PROP_SOURCED_BY_CONNECTOR] = {"SOURCED_BY_CONNECTOR", TYPE_TEXT, IN_SOURCE, NULL, 0},
    [PROP_SOURCE_CONNECTOR] = {"SOURCE_CONNECTOR", TYPE_TEXT, IN_SOURCE, NULL, 0},
    [PROP_QUERY_ID] = {"QUERY_ID", TYPE_TEXT, IN_INSERT, NULL, 0},
};

struct parsed {
    bool given;
    struct span span;
    struct str text;
    int64_t number;
    bool flag;
};

static enum status with_error(struct planner *p, struct span where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static enum status with_error(struct planner *p, struct span where, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    enum status st = diag_vset(p->d, STATUS_STATEMENT, where, format, args);
    va_end(args);
    diag_prefix(p->d, "Failed to prepare statement: ");
    return st;
}

/* ---- single values ---- */

static struct str literal_text(struct planner *p, const struct ast_expr *e)
{
    if (e->kind == AST_STRING || e->kind == AST_DECIMAL || e->kind == AST_DOUBLE || e->kind == AST_VARIABLE)
        return e->text;
    return ast_expr_text(p->a, e);
}

static enum status parse_value(struct planner *p, enum property which, const struct ast_property *prop,
                               struct parsed *out)
{
    out->given = prop->value->kind != AST_NULL;
    out->span = prop->span;
    out->text = literal_text(p, prop->value);
    if (!out->text.p)
        return plan_nomem(p);
    const char *name = properties[which].name;
    if (!out->given)
        return STATUS_OK;
    switch (properties[which].type) {
    case TYPE_TEXT:
        if (prop->value->kind != AST_STRING)
            return with_error(p, prop->span, "Invalid value " STR_FMT " for property %s: Expected value to be a string",
                              STR_ARG(out->text), name);
        break;
    case TYPE_NUMBER:
        if (!parse_i64(out->text, &out->number) || out->number > properties[which].most)
            return with_error(p, prop->span, "Invalid value " STR_FMT " for property %s: Not a number of type %s",
                              STR_ARG(out->text), name, properties[which].number);
        break;
    case TYPE_FLAG:
        out->flag = str_eq_nocase(out->text, STR("true"));
        if (!out->flag && !str_eq_nocase(out->text, STR("false")))
            return with_error(p, prop->span,
                              "Invalid value " STR_FMT " for property %s: Expected value to be either true or false",
                              STR_ARG(out->text), name);
    }
    if (which == PROP_KAFKA_TOPIC && out->text.len == 0)
        return with_error(p, prop->span, "Invalid value  for property KAFKA_TOPIC: String must be non-empty");
    return STATUS_OK;
}

static int find_property(struct str name, enum with_place place)
{
    int here = place == WITH_CREATE_SOURCE ? IN_SOURCE : place == WITH_CREATE_AS ? IN_AS : IN_INSERT;
    for (int i = 0; i < N_PROPERTIES; i++)
        if (str_eq_nocase(name, str_from(properties[i].name)) && (properties[i].places & here))
            return i;
    return -1;
}

static enum status parse_all(struct planner *p, const struct ast_properties *with, enum with_place place,
                             struct parsed *values)
{
    struct buf unknown;
    buf_init(&unknown, 0);
    struct span where = with->span;
    enum status st = STATUS_OK;
    for (uint32_t i = 0; i < with->n && st == STATUS_OK; i++) {
        int which = find_property(with->items[i].name.text, place);
        if (which >= 0) {
            st = parse_value(p, (enum property)which, &with->items[i], &values[which]);
            continue;
        }
        if (unknown.len == 0)
            where = with->items[i].span;
        buf_printf(&unknown, "%s" STR_FMT, unknown.len ? "," : "", STR_ARG(with->items[i].name.text));
    }
    if (st == STATUS_OK && place == WITH_CREATE_SOURCE && !values[PROP_KAFKA_TOPIC].given)
        st = with_error(p, where, "Missing required property \"KAFKA_TOPIC\" which has no default value.");
    if (st == STATUS_OK && unknown.len)
        st = with_error(p, where, "Invalid config variable(s) in the WITH clause: %s", buf_z(&unknown));
    buf_free(&unknown);
    return st;
}

/* ---- special texts ---- */

/* "Expected a duration": "10 SECONDS" to ms. False: `reason` says why. */
static bool duration_parse(struct str text, int64_t *ms, struct buf *reason)
{
    static const struct {
        const char *name;
        int64_t ms;
    } units[] = {
        {"NANOSECONDS", 0}, {"MICROSECONDS", 0}, {"MILLISECONDS", 1}, {"SECONDS", 1000},
        {"MINUTES", 60000}, {"HOURS", 3600000},  {"DAYS", 86400000},
    };
    struct str tokens[3];
    unsigned n = 0;
    for (uint32_t i = 0; i < text.len;) {
        while (i < text.len && isspace((unsigned char)text.p[i]))
            i++;
        uint32_t begin = i;
        while (i < text.len && !isspace((unsigned char)text.p[i]))
            i++;
        if (i > begin && n++ < 3)
            tokens[n - 1] = str_make(text.p + begin, i - begin);
    }
    buf_printf(reason, "Invalid duration: '" STR_FMT "'. ", STR_ARG(text));
    int64_t amount;
    if (n != 2) {
        buf_printf(reason, "Expected 2 tokens, got: %u", n);
        return false;
    }
    if (!parse_i64(tokens[0], &amount)) {
        buf_printf(reason, "Not numeric: '" STR_FMT "'", STR_ARG(tokens[0]));
        return false;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        struct str plural = str_from(units[i].name), singular = str_make(plural.p, plural.len - 1);
        if (!str_eq_nocase(tokens[1], plural) && !str_eq_nocase(tokens[1], singular))
            continue;
        if (units[i].ms == 0)
            *ms = amount / (i == 0 ? 1000000 : 1000);
        else if (__builtin_mul_overflow(amount, units[i].ms, ms))
            *ms = INT64_MAX;
        return true;
    }
    struct str unit = tokens[1];
    buf_puts(reason, STR("Unknown time unit: '"));
    for (uint32_t i = 0; i < unit.len; i++)
        buf_putc(reason, (char)toupper((unsigned char)unit.p[i]));
    buf_puts(reason,
             STR("'\nSupported time units are: NANOSECONDS, MICROSECONDS, MILLISECONDS, SECONDS, MINUTES, HOURS, "
                 "DAYS"));
    return false;
}

static enum status take_window(struct planner *p, const struct parsed *values, struct with *out)
{
    static const char *const names[] = {"", "TUMBLING", "HOPPING", "SESSION"};
    const struct parsed *type = &values[PROP_WINDOW_TYPE], *size = &values[PROP_WINDOW_SIZE];
    for (int i = WINDOW_TUMBLING; type->given && i <= WINDOW_SESSION; i++)
        if (str_eq_nocase(type->text, str_from(names[i])))
            out->window = (enum window_kind)i;
    if (type->given && out->window == WINDOW_NONE)
        return with_error(p, type->span,
                          "Invalid value " STR_FMT
                          " for property WINDOW_TYPE: String must be one of: SESSION, HOPPING, TUMBLING, null",
                          STR_ARG(type->text));
    if (size->given) {
        struct buf reason;
        buf_init(&reason, 0);
        enum status st = STATUS_OK;
        if (!duration_parse(size->text, &out->window_size, &reason))
            st = with_error(p, size->span, "Configuration WINDOW_SIZE is invalid: %s", buf_z(&reason));
        buf_free(&reason);
        if (st != STATUS_OK)
            return st;
        out->has_window_size = true;
    }
    if (size->given && (out->window == WINDOW_NONE || out->window == WINDOW_SESSION))
        return with_error(p, size->span, "'WINDOW_SIZE' should not be set for SESSION windows.");
    if (!size->given && (out->window == WINDOW_TUMBLING || out->window == WINDOW_HOPPING))
        return with_error(p, type->span,
                          "%s windows require 'WINDOW_SIZE' to be provided in the WITH clause. For example: "
                          "'WINDOW_SIZE'='10 SECONDS'",
                          names[out->window]);
    return STATUS_OK;
}

static enum status take_delimiter(struct planner *p, enum property which, const struct parsed *value,
                                  struct with_side *side)
{
    const char *name = properties[which].name;
    if (!value->given)
        return STATUS_OK;
    side->has_delimiter = true;
    if (str_eq_nocase(value->text, STR("TAB")))
        side->delimiter = '\t';
    else if (str_eq_nocase(value->text, STR("SPACE")))
        side->delimiter = ' ';
    else if (value->text.len == 1 && !isspace((unsigned char)value->text.p[0]))
        side->delimiter = value->text.p[0];
    else if (value->text.len == 0 || (value->text.len == 1))
        return with_error(p, value->span,
                          "Configuration %s is invalid: Delimiter cannot be empty, if you meant to have a tab or space "
                          "for delimiter, please use the special values 'TAB' or 'SPACE'\nExample valid value: ';'",
                          name);
    else
        return with_error(p, value->span,
                          "Configuration %s is invalid: Invalid delimiter value: '" STR_FMT
                          "'. Delimiter must be a single character or TAB,SPACE\nExample valid value: ';'",
                          name, STR_ARG(value->text));
    return STATUS_OK;
}

static enum status take_nullable(struct planner *p, enum property which, const struct parsed *value,
                                 struct with_side *side)
{
    if (!value->given)
        return STATUS_OK;
    if (str_eq_nocase(value->text, STR("OPTIONAL")))
        side->serde.nullable_representation = "OPTIONAL";
    else if (str_eq_nocase(value->text, STR("WRAPPER")))
        side->serde.nullable_representation = "WRAPPER";
    else
        return with_error(p, value->span,
                          "Invalid value " STR_FMT " for property %s: String must be one of: OPTIONAL, WRAPPER, null",
                          STR_ARG(value->text), properties[which].name);
    return STATUS_OK;
}

static const char *trimmed(struct planner *p, struct str s)
{
    while (s.len && isspace((unsigned char)s.p[0]))
        s = str_make(s.p + 1, s.len - 1);
    while (s.len && isspace((unsigned char)s.p[s.len - 1]))
        s.len--;
    const char *copy = str_dup(p->a, s).p;
    if (!copy)
        (void)plan_nomem(p);
    return copy;
}

static enum status take_formats(struct planner *p, const struct parsed *values, struct with *out)
{
    const struct parsed *both = &values[PROP_FORMAT];
    const enum property sides[] = {PROP_KEY_FORMAT, PROP_VALUE_FORMAT};
    for (int i = 0; i < 2; i++) {
        const struct parsed *own = &values[sides[i]];
        struct with_side *side = i ? &out->value : &out->key;
        if (own->given && both->given)
            return with_error(p, own->span,
                              "Cannot supply both '%s' and 'FORMAT' properties, as 'FORMAT' sets both key and value "
                              "formats. Either use just 'FORMAT', or use 'KEY_FORMAT' and 'VALUE_FORMAT'.",
                              properties[sides[i]].name);
        side->format = own->given ? own->text : both->given ? both->text : (struct str){NULL, 0};
        side->format_span = own->given ? own->span : both->span;
        side->format_from_both = !own->given && both->given;
    }
    const struct parsed *full = &values[PROP_VALUE_SCHEMA_FULL_NAME], *old = &values[PROP_VALUE_AVRO_SCHEMA_FULL_NAME];
    if (full->given && old->given)
        return with_error(p, old->span,
                          "Cannot supply both 'VALUE_AVRO_SCHEMA_FULL_NAME' and 'VALUE_SCHEMA_FULL_NAME' properties. "
                          "Please only set 'VALUE_SCHEMA_FULL_NAME'.");
    const struct parsed *key = &values[PROP_KEY_SCHEMA_FULL_NAME];
    if ((full->given || old->given) &&
        !(out->value.serde.schema_full_name = trimmed(p, full->given ? full->text : old->text)))
        return STATUS_NOMEM;
    if (key->given && !(out->key.serde.schema_full_name = trimmed(p, key->text)))
        return STATUS_NOMEM;
    return STATUS_OK;
}

static enum status check_timestamp_format(struct planner *p, const struct parsed *value)
{
    char error[256] = "";
    if (!value->given || datetime_pattern_compile(p->a, value->text, true, error, sizeof error))
        return STATUS_OK;
    if (p->a->failed)
        return plan_nomem(p);
    return with_error(p, value->span, "Invalid datetime format for config:TIMESTAMP_FORMAT, reason:%s", error);
}

static int64_t number_or(const struct parsed *value, int64_t otherwise)
{
    return value->given ? value->number : otherwise;
}

enum status with_parse(struct planner *p, const struct ast_properties *ast, enum with_place place, struct with *out)
{
    struct parsed values[N_PROPERTIES] = {0};
    *out = (struct with){.key.is_key = true};
    enum status st = STATUS_OK;
    TRY(parse_all(p, ast, place, values));
    out->topic = values[PROP_KAFKA_TOPIC].given ? values[PROP_KAFKA_TOPIC].text : (struct str){NULL, 0};
    out->partitions = number_or(&values[PROP_PARTITIONS], -1);
    out->replicas = number_or(&values[PROP_REPLICAS], -1);
    out->retention_ms = number_or(&values[PROP_RETENTION_MS], -1);
    out->key.serde.schema_id = (int32_t)number_or(&values[PROP_KEY_SCHEMA_ID], -1);
    out->value.serde.schema_id = (int32_t)number_or(&values[PROP_VALUE_SCHEMA_ID], -1);
    out->timestamp = values[PROP_TIMESTAMP].given ? values[PROP_TIMESTAMP].text : (struct str){NULL, 0};
    out->timestamp_format =
        values[PROP_TIMESTAMP_FORMAT].given ? values[PROP_TIMESTAMP_FORMAT].text : (struct str){NULL, 0};
    out->has_wrap = values[PROP_WRAP_SINGLE_VALUE].given;
    out->wrap = values[PROP_WRAP_SINGLE_VALUE].flag;
    out->query_id = values[PROP_QUERY_ID].given ? values[PROP_QUERY_ID].text : (struct str){NULL, 0};
    TRY(take_delimiter(p, PROP_KEY_DELIMITER, &values[PROP_KEY_DELIMITER], &out->key));
    TRY(take_delimiter(p, PROP_VALUE_DELIMITER, &values[PROP_VALUE_DELIMITER], &out->value));
    TRY(take_nullable(p, PROP_KEY_PROTOBUF_NULLABLE_REPRESENTATION, &values[PROP_KEY_PROTOBUF_NULLABLE_REPRESENTATION],
                      &out->key));
    TRY(take_nullable(p, PROP_VALUE_PROTOBUF_NULLABLE_REPRESENTATION,
                      &values[PROP_VALUE_PROTOBUF_NULLABLE_REPRESENTATION], &out->value));
    TRY(take_formats(p, values, out));
    TRY(check_timestamp_format(p, &values[PROP_TIMESTAMP_FORMAT]));
    TRY(take_window(p, values, out));
    if (values[PROP_CLEANUP_POLICY].given)
        st = plan_error(p, values[PROP_CLEANUP_POLICY].span,
                        "Invalid config variable in the WITH clause: CLEANUP_POLICY.\nThe CLEANUP_POLICY config is "
                        "automatically inferred based on the type of source (STREAM or TABLE).\nUsers can't set the "
                        "CLEANUP_POLICY config manually.");
done:
    return st;
}
