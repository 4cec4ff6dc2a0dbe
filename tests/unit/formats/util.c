/* Schemas from text, decoding and printing in one call, random values. */
#include "util.h"

#include <stdio.h>
#include <stdlib.h>

const struct format_spec json_spec = {.kind = FORMAT_JSON, .wrapped = true}, json_bare = {.kind = FORMAT_JSON},
                         delimited_spec = {.kind = FORMAT_DELIMITED}, kafka_spec = {.kind = FORMAT_KAFKA},
                         none_spec = {.kind = FORMAT_NONE}, row_spec = {.kind = FORMAT_ROW};

/* ---- schemas from text -------------------------------------------------------------------------------- */

static const char *blanks(const char *p)
{
    while (*p == ' ' || *p == ',')
        p++;
    return p;
}

static struct str word(const char **p)
{
    const char *begin = *p = blanks(*p);
    if (*begin == '`') {
        const char *end = strchr(begin + 1, '`');
        *p = end + 1;
        return str_make(begin + 1, (size_t)(end - begin - 1));
    }
    while (**p && !strchr(" ,<>()", **p))
        ++*p;
    return str_make(begin, (size_t)(*p - begin));
}

static const struct type *parse_type(struct arena *a, const char **p)
{
    static const struct {
        const char *name;
        const struct type *type;
    } scalars[] = {{"BOOLEAN", &TYPE_BOOLEAN}, {"INT", &TYPE_INT},       {"BIGINT", &TYPE_BIGINT},
                   {"DOUBLE", &TYPE_DOUBLE},   {"STRING", &TYPE_STRING}, {"BYTES", &TYPE_BYTES},
                   {"DATE", &TYPE_DATE},       {"TIME", &TYPE_TIME},     {"TIMESTAMP", &TYPE_TIMESTAMP}};
    struct str name = word(p);
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++)
        if (str_eq(name, str_from(scalars[i].name)))
            return scalars[i].type;
    ++*p; /* < or ( */
    const struct type *t = NULL;
    if (str_eq(name, STR("DECIMAL"))) {
        unsigned precision = (unsigned)atoi(word(p).p), scale = (unsigned)atoi(word(p).p);
        t = type_decimal(a, precision, scale);
    } else if (str_eq(name, STR("ARRAY"))) {
        t = type_array(a, parse_type(a, p));
    } else if (str_eq(name, STR("MAP"))) {
        const struct type *key = parse_type(a, p);
        t = type_map(a, key, parse_type(a, p));
    } else if (str_eq(name, STR("STRUCT"))) {
        struct field *fields = ARENA_ARRAY(a, struct field, 32);
        uint32_t n = 0;
        while (*(*p = blanks(*p)) != '>') {
            fields[n].name = word(p);
            fields[n++].type = parse_type(a, p);
        }
        t = type_struct(a, fields, n);
    }
    ++*p;
    return t;
}

void side_init(struct side *s, const char *text)
{
    arena_init(&s->a, 0);
    s->n = 0;
    for (const char *p = blanks(text); *p; p = blanks(p)) {
        REQUIRE(s->n < MAX_COLUMNS);
        struct schema_column *c = &s->columns[s->n++];
        *c = (struct schema_column){.name = word(&p), .role = ROLE_VALUE};
        c->type = parse_type(&s->a, &p);
        REQUIRE(c->type != NULL);
    }
}

void side_free(struct side *s)
{
    arena_free(&s->a);
}

/* ---- decoding ----------------------------------------------------------------------------------------- */

struct outcome {
    struct arena a;
    struct column columns[MAX_COLUMNS];
    uint8_t states[3];
    struct buf reasons[3];
};

static void note_bad(void *data, uint32_t row, const char *reason)
{
    buf_puts(&((struct outcome *)data)->reasons[row], str_from(reason));
}

static void outcome_free(struct outcome *o)
{
    for (int i = 0; i < 3; i++)
        buf_free(&o->reasons[i]);
    arena_free(&o->a);
}

/* Three times the same record. */
static void run(struct outcome *o, const struct format_spec *spec, const struct side *s, struct str payload,
                bool wanted)
{
    struct decoder *dec;
    struct diag d = DIAG_INIT;
    struct decode_field fields[MAX_COLUMNS];
    memset(o, 0, sizeof *o);
    arena_init(&o->a, 0);
    for (uint32_t i = 0; i < s->n; i++)
        fields[i] = (struct decode_field){.column = i, .type = s->columns[i].type};
    if (decoder_create(spec, s->columns, s->n, fields, wanted ? s->n : 0, &dec, &d) != STATUS_OK) {
        fprintf(stderr, "%s\n", d.message);
        CU_FAIL_FATAL("decoder_create");
    }
    struct str payloads[3] = {payload, payload, payload};
    struct decode_sink sink = {note_bad, o};
    CHECK_INT(decode(dec, payloads, 3, &o->a, o->columns, o->states, &sink), STATUS_OK);
    decoder_destroy(dec);
}

static void print_row(struct buf *out, const struct outcome *o, const struct side *s, uint32_t row)
{
    if (o->states[row] == ROW_BAD) {
        buf_puts(out, STR("BAD: "));
        buf_puts(out, buf_str(&o->reasons[row]));
        return;
    }
    if (o->states[row] == ROW_NULL)
        buf_puts(out, STR("NULL"));
    for (uint32_t i = 0; i < s->n; i++) {
        struct value v = column_get(&o->columns[i], row);
        if (o->states[row] == ROW_NULL) {
            CHECK(value_is_null(&v));
            continue;
        }
        if (i)
            buf_putc(out, '|');
        value_print(out, &v, s->columns[i].type);
    }
}

static struct str exact_copy(const void *payload, size_t len)
{
    if (len == SIZE_MAX)
        return (struct str){NULL, 0};
    char *copy = mem_alloc(len);
    if (len)
        memcpy(copy, payload, len);
    return str_make(copy, len);
}

static struct buf shown;

const char *decoded(const struct format_spec *spec, const char *schema, const void *payload, size_t len)
{
    struct side s;
    struct outcome all, none;
    side_init(&s, schema);
    struct str copy = exact_copy(payload, len);
    run(&all, spec, &s, copy, true);
    run(&none, spec, &s, copy, false);
    struct buf again;
    buf_init(&again, 0);
    shown.len = 0;
    print_row(&shown, &all, &s, 0);
    print_row(&again, &all, &s, 2);
    CHECK_TEXT(buf_z(&again), buf_z(&shown));
    CHECK_INT(all.states[1], all.states[0]);
    if (spec->kind != FORMAT_ROW) {
        CHECK_INT(none.states[2], all.states[0]);
        CHECK_TEXT(buf_z(&none.reasons[2]), buf_z(&all.reasons[0]));
    }
    buf_free(&again);
    outcome_free(&all);
    outcome_free(&none);
    mem_free((void *)(uintptr_t)copy.p);
    side_free(&s);
    return buf_z(&shown);
}

const char *reencoded(const struct format_spec *in, const struct format_spec *out, const char *schema,
                      const void *payload, size_t len)
{
    struct side s;
    struct outcome o;
    struct encoder *enc = NULL;
    bool is_null = false;
    side_init(&s, schema);
    struct str copy = exact_copy(payload, len);
    run(&o, in, &s, copy, true);
    shown.len = 0;
    if (o.states[0] != ROW_OK) {
        print_row(&shown, &o, &s, 0);
    } else if (encoder_create(out, s.columns, s.n, &enc, NULL) != STATUS_OK ||
               encode(enc, o.columns, 0, &shown, &is_null, NULL) != STATUS_OK) {
        CU_FAIL("encode");
    } else if (is_null) {
        CHECK_INT(shown.len, 0);
        buf_puts(&shown, STR("NULL"));
    }
    encoder_destroy(enc);
    outcome_free(&o);
    mem_free((void *)(uintptr_t)copy.p);
    side_free(&s);
    return buf_z(&shown);
}

__attribute__((destructor)) static void free_shown(void)
{
    buf_free(&shown);
}

/* ---- random data -------------------------------------------------------------------------------------- */

bool columns_from_values(struct side *s, const struct value *values, struct column *columns)
{
    for (uint32_t i = 0; i < s->n; i++) {
        if (!column_init(&columns[i], s->columns[i].type, 1, true, &s->a))
            return false;
        column_set(&columns[i], 0, &values[i]);
    }
    return true;
}

uint8_t round_trip(const struct format_spec *spec, struct side *s, const struct column *columns, struct column *back)
{
    struct decode_field *fields = ARENA_ARRAY(&s->a, struct decode_field, s->n);
    struct encoder *enc;
    struct decoder *dec;
    struct buf b;
    bool is_null;
    uint8_t row;
    buf_init(&b, 0);
    for (uint32_t k = 0; k < s->n; k++)
        fields[k] = (struct decode_field){.column = k, .type = s->columns[k].type};
    REQUIRE(encoder_create(spec, s->columns, s->n, &enc, NULL) == STATUS_OK);
    REQUIRE(decoder_create(spec, s->columns, s->n, fields, s->n, &dec, NULL) == STATUS_OK);
    REQUIRE(encode(enc, columns, 0, &b, &is_null, NULL) == STATUS_OK);
    struct str payload = is_null ? (struct str){NULL, 0} : str_dup(&s->a, buf_str(&b));
    REQUIRE(decode(dec, &payload, 1, &s->a, back, &row, NULL) == STATUS_OK);
    encoder_destroy(enc);
    decoder_destroy(dec);
    buf_free(&b);
    return row;
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static struct str random_text(struct arena *a, uint64_t *state)
{
    static const char *const pieces[] = {"a",
                                         "B",
                                         "7",
                                         " ",
                                         ",",
                                         "\"",
                                         "\\",
                                         "/",
                                         "\n",
                                         "\t",
                                         "\x01",
                                         "\x7f",
                                         "é",
                                         "ß",
                                         "中",
                                         "\xF0\x9F\x98\x80",
                                         "plain text of some length",
                                         "{",
                                         "}",
                                         "[",
                                         "-1",
                                         "\xE2\x80\xA8"};
    struct buf b;
    buf_init(&b, 0);
    for (uint64_t n = random_next(state) % 12; n > 0; n--)
        buf_puts(&b, str_from(pieces[random_next(state) % (sizeof pieces / sizeof *pieces)]));
    struct str s = str_dup(a, buf_str(&b));
    buf_free(&b);
    return s;
}

static struct str random_bytes(struct arena *a, uint64_t *state)
{
    uint32_t n = (uint32_t)(random_next(state) % 20);
    char *p = arena_alloc(a, n);
    for (uint32_t i = 0; i < n; i++)
        p[i] = (char)random_next(state);
    return str_make(p, n);
}

static int64_t random_i64(uint64_t *state)
{
    uint64_t v = random_next(state);
    return (int64_t)v >> (random_next(state) % 64);
}

static const struct nested *random_nested(struct arena *a, const struct type *t, uint64_t *state)
{
    struct nested *nested = ARENA_NEW(a, struct nested);
    nested->n = t->kind == KIND_STRUCT ? t->n_fields : (uint32_t)(random_next(state) % 5);
    nested->items = ARENA_ARRAY(a, struct value, nested->n);
    nested->keys = t->kind == KIND_MAP ? ARENA_ARRAY(a, struct value, nested->n) : NULL;
    for (uint32_t i = 0; i < nested->n; i++) {
        nested->items[i] = random_value(a, t->kind == KIND_STRUCT ? t->fields[i].type : t->element, state);
        if (nested->keys)
            nested->keys[i] = (struct value){.kind = KIND_STRING, .str = random_text(a, state)};
    }
    if (nested->keys)
        value_map_order(a, nested->keys, nested->items, &nested->n);
    return nested;
}

struct value random_value(struct arena *a, const struct type *t, uint64_t *state)
{
    if (random_next(state) % 6 == 0)
        return VALUE_NULL;
    struct value v = {.kind = (uint8_t)t->kind};
    int64_t number = random_i64(state);
    switch (t->kind) {
    case KIND_BOOLEAN:
        v.boolean = number & 1;
        break;
    case KIND_INT:
    case KIND_DATE:
        v.i32 = (int32_t)number;
        break;
    case KIND_TIME:
        v.i32 = (int32_t)((uint64_t)number % 86400001);
        break;
    case KIND_BIGINT:
    case KIND_TIMESTAMP:
        v.i64 = number;
        break;
    case KIND_DOUBLE: {
        uint64_t bits = random_next(state);
        memcpy(&v.f64, &bits, sizeof bits);
        if (v.f64 != v.f64 || random_next(state) % 2)
            v.f64 = (double)(number >> 20) / 100;
        if (v.f64 == 0)
            v.f64 = 0; /* JSON numbers know no -0.0 */
        break;
    }
    case KIND_DECIMAL: {
        int128 *decimal = arena_alloc(a, sizeof *decimal);
        *decimal = ((int128)random_i64(state) * INT64_MAX + random_i64(state)) % decimal_pow10(t->precision);
        v.decimal = decimal;
        break;
    }
    case KIND_STRING:
        v.str = random_text(a, state);
        break;
    case KIND_BYTES:
        v.str = random_bytes(a, state);
        break;
    default:
        v.nested = random_nested(a, t, state);
    }
    return v;
}
