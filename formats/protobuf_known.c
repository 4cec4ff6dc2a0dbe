/* Messages that stand for a scalar of SQL: confluent.type.Decimal, google.type.Date and TimeOfDay,
 * google.protobuf.Timestamp. */
#include "formats/protobuf_wire.h"

/* The first four fields, as far as they are numbers; of a Decimal also the bytes of the first. */
struct parts {
    int64_t number[5];
    struct str bytes;
};

static bool read_parts(struct wire *w, struct parts *out)
{
    *out = (struct parts){{0}, {NULL, 0}};
    while (w->p < w->end) {
        uint32_t tag;
        uint64_t v;
        if (!wire_get_tag(w, &tag))
            return false;
        if (tag == (1 << 3 | WIRE_LEN)) {
            if (!wire_get_bytes(w, &out->bytes))
                return false;
        } else if ((tag & 7) == WIRE_VARINT && tag >> 3 <= 4) {
            if (!wire_get_varint(w, &v))
                return false;
            out->number[tag >> 3] = (int64_t)v;
        } else if (!wire_skip(w, tag, 0)) {
            return false;
        }
    }
    return true;
}

static bool fail(struct wire *w, const char *error)
{
    w->error = error;
    return false;
}

/* Two's complement, big end first, of any length. */
static bool unscaled_number(struct str bytes, int128 *out)
{
    int fill = bytes.len && (bytes.p[0] & 0x80) ? -1 : 0;
    while (bytes.len > 16 && (signed char)bytes.p[0] == fill && (bytes.p[1] & 0x80) == (fill & 0x80)) {
        bytes.p++;
        bytes.len--;
    }
    if (bytes.len > 16)
        return false;
    unsigned __int128 v = (unsigned __int128)(int128)fill;
    for (uint32_t i = 0; i < bytes.len; i++)
        v = v << 8 | (unsigned char)bytes.p[i];
    *out = (int128)v;
    return true;
}

static bool read_decimal(struct wire *w, const struct parts *parts, const struct type *t, struct arena *a,
                         struct value *out)
{
    int128 v, fitted, back;
    int scale = (int)(int32_t)parts->number[3];
    if (scale < -100 || scale > 100 || !unscaled_number(parts->bytes, &v) ||
        !decimal_rescale(v, scale, t->scale, &fitted) || !decimal_rescale(fitted, t->scale, scale, &back) ||
        back != v || decimal_digits(fitted) > t->precision)
        return fail(w, "a decimal does not fit into its type");
    int128 *place = arena_alloc(a, sizeof *place);
    if (!place)
        return false;
    *place = fitted;
    out->decimal = place;
    return true;
}

static bool read_date(struct wire *w, const struct parts *parts, struct value *out)
{
    int32_t year = (int32_t)parts->number[1], month = (int32_t)parts->number[2], day = (int32_t)parts->number[3];
    if (year == 0 && month == 0 && day == 0) { /* nobody has filled it in */
        out->kind = KIND_NULL;
        return true;
    }
    if (month < 1 || month > 12 || day < 1 || day > date_month_days(year, (int)month))
        return fail(w, "a date is not one of the calendar");
    out->i32 = date_saturated(date_to_days(year, (int)month, (int)day));
    return true;
}

static bool read_time(struct wire *w, const struct parts *parts, struct value *out)
{
    int32_t hours = (int32_t)parts->number[1], minutes = (int32_t)parts->number[2];
    int32_t seconds = (int32_t)parts->number[3], nanos = (int32_t)parts->number[4];
    if (hours < 0 || hours > 24 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 60 || nanos < 0 ||
        nanos > 999999999)
        return fail(w, "a time is not one of the day");
    out->i32 = ((hours * 60 + minutes) * 60 + seconds) * 1000 + nanos / 1000000;
    return out->i32 <= MS_PER_DAY || fail(w, "a time is not one of the day");
}

static bool read_timestamp(struct wire *w, const struct parts *parts, struct value *out)
{
    int128 ms = (int128)parts->number[1] * 1000 + (int32_t)parts->number[2] / 1000000;
    out->i64 = (int64_t)ms;
    return out->i64 == ms || fail(w, "a timestamp is out of range");
}

bool known_read(struct wire *w, enum proto_known known, const struct type *t, struct arena *a, struct value *out)
{
    struct parts parts;
    if (!read_parts(w, &parts))
        return false;
    out->kind = (uint8_t)t->kind;
    switch (known) {
    case PROTO_DECIMAL:
        return read_decimal(w, &parts, t, a, out);
    case PROTO_DATE:
        return read_date(w, &parts, out);
    case PROTO_TIME:
        return read_time(w, &parts, out);
    default:
        return read_timestamp(w, &parts, out);
    }
}

/* ---- writing ----------------------------------------------------------------------------------------------- */

static void put_number(struct buf *out, uint32_t number, int64_t v)
{
    if (v == 0)
        return;
    wire_put_tag(out, number, WIRE_VARINT);
    wire_put_varint(out, (uint64_t)v);
}

static void put_decimal(struct buf *out, const struct type *t, int128 v)
{
    char bytes[16];
    uint32_t n = 16;
    int digits = decimal_digits(v);
    for (int i = 15; i >= 0; i--, v >>= 8)
        bytes[i] = (char)v;
    const char *p = bytes;
    for (; n > 1 && (p[0] == 0 || p[0] == -1) && (p[0] & 0x80) == (p[1] & 0x80); n--)
        p++;
    wire_put_tag(out, 1, WIRE_LEN);
    wire_put_bytes(out, str_make(p, n));
    put_number(out, 2, digits);
    put_number(out, 3, t->scale);
}

void known_write(struct buf *out, enum proto_known known, const struct type *t, const struct value *v)
{
    struct civil_date date;
    int64_t seconds, ms;
    switch (known) {
    case PROTO_DECIMAL:
        put_decimal(out, t, *v->decimal);
        break;
    case PROTO_DATE:
        date = date_from_days(v->i32);
        put_number(out, 1, date.year);
        put_number(out, 2, date.month);
        put_number(out, 3, date.day);
        break;
    case PROTO_TIME:
        put_number(out, 1, v->i32 / 3600000);
        put_number(out, 2, v->i32 / 60000 % 60);
        put_number(out, 3, v->i32 / 1000 % 60);
        put_number(out, 4, v->i32 % 1000 * INT64_C(1000000));
        break;
    default: /* PROTO_TIMESTAMP */
        seconds = v->i64 / 1000 - (v->i64 % 1000 < 0);
        ms = v->i64 - seconds * 1000;
        put_number(out, 1, seconds);
        put_number(out, 2, ms * 1000000);
    }
}
