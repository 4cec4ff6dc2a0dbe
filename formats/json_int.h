/* Private to formats/: reading JSON text strictly, as Jackson's parser does (RFC 8259; at most 1,000 levels, numbers of
 * at most 1,000 digits, well-formed UTF-8). No function reads at or behind `end`, and none allocates unless it takes an
 * arena. Text behind the first value is not looked at. */
#ifndef WEIR_FORMATS_JSON_INT_H
#define WEIR_FORMATS_JSON_INT_H

#include "formats/formats_int.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* ---- scanning (json_scan.c) --------------------------------------------------------------------------- */

enum json_fault_kind {
    FAULT_NONE,
    FAULT_END,       /* the text ended in a value; `text`: where */
    FAULT_CHARACTER, /* an unexpected character; `text`: what was expected */
    FAULT_NUMBER,    /* the same inside a number */
    FAULT_TOKEN,     /* an unknown bare word */
    FAULT_CONTROL,   /* a control character in a string; `text`: "string value" or "name" */
    FAULT_ESCAPE,    /* \ and something unknown */
    FAULT_UTF8,
    FAULT_TEXT, /* `text` says it all */
};

struct json_reader {
    const char *end;
    unsigned depth;
    enum json_fault_kind fault; /* the first one */
    const char *fault_at, *fault_text;
};

/* What was met in a string. */
enum { STRING_ESCAPES = 1, STRING_HIGH = 0x80 /* bytes beyond ASCII */ };

/* What kind of number. */
struct json_number {
    bool is_float; /* has a point or an exponent */
};

static inline bool json_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *json_space(const char *p, const char *end)
{
    while (p < end && json_is_space(*p))
        p++;
    return p;
}

/* From inside a string to its first quote, backslash or control character, or to `end`. STRING_HIGH is added to *flags
 * if there was a byte beyond ASCII on the way. */
static inline const char *json_string_stop(const char *p, const char *end, unsigned *flags)
{
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1F);
    for (; end - p >= 16; p += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i found = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, backslash)),
                                     _mm_cmpeq_epi8(_mm_min_epu8(x, control), x));
        unsigned stop = (unsigned)_mm_movemask_epi8(found), high = (unsigned)_mm_movemask_epi8(x);
        if (stop) {
            unsigned n = (unsigned)__builtin_ctz(stop);
            *flags |= high & ((1u << n) - 1) ? STRING_HIGH : 0;
            return p + n;
        }
        *flags |= high ? STRING_HIGH : 0;
    }
#endif
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '"' || c == '\\' || c < 0x20)
            break;
        *flags |= c & 0x80;
    }
    return p;
}

/* All of these return the end of what they passed, or NULL with the fault set. p < end is not assumed. */
const char *json_skip(struct json_reader *r, const char *p); /* a value; p at its first character */
/* p behind the opening quote; the end is behind the closing one. Escapes and UTF-8 are checked. */
const char *json_skip_string(struct json_reader *r, const char *p, unsigned *flags);
const char *json_skip_number(struct json_reader *r, const char *p, struct json_number *number);

enum json_step { JSON_NEXT, JSON_CLOSED, JSON_FAULT };
/* The next member of an object: *p is behind { (first) or the last value, and is moved to the member's value, or behind
 * }. `name` is the raw text between the quotes. */
enum json_step json_next_member(struct json_reader *r, const char **p, bool first, struct str *name, unsigned *flags);
/* The next element of an array, likewise. */
enum json_step json_next_element(struct json_reader *r, const char **p, bool first);

/* Where the root value begins: behind a byte order mark and blanks; `end` for a text without value. */
const char *json_root(struct str payload);
/* What Jackson refuses behind a number or bare word at the root ("1x", "truex"). */
bool json_root_ends(struct json_reader *r, const char *begin, const char *end);
void json_print_fault(const struct json_reader *r, struct buf *out); /* Jackson's words */

/* ---- strings and names (json_string.c) ---------------------------------------------------------------- */

/* Resolves the escapes of a valid raw string into the arena; half surrogates become '?'. {NULL, 0}: no memory. */
struct str json_unescape(struct arena *a, struct str raw);
/* As Java's toUpperCase for ASCII and the Latin, Greek and Cyrillic letters of one unit. At most s.len bytes at `out`;
 * returns how many. */
uint32_t json_upper(struct str s, char *out);
/* A string in quotes. Beyond U+FFFF: raw, or (`ascii_pairs`) as an escaped surrogate pair. */
void json_put_string(struct buf *out, struct str s, bool ascii_pairs);

/* ---- numbers (json_number.c): `raw` is a valid number ------------------------------------------------- */

int64_t json_number_i64(struct str raw); /* truncated, then the low 64 bits */
double json_number_f64(struct str raw);  /* never -0.0, as a BigDecimal has none */
/* BigDecimal.toString or BigInteger.toString. The result is `raw` itself or in the arena. {NULL, 0}: no memory. */
struct str json_number_text(struct arena *a, struct str raw);
const char *
json_number_class(struct str raw); /* Jackson's node class: IntNode, LongNode, BigIntegerNode, DecimalNode */

/* ---- values to columns (json_convert.c) --------------------------------------------------------------- */

/* By STRUCT node: to find fields by name, and scratch space for the members of the object at hand. */
struct json_shape {
    struct map by_name; /* index + 1 as pointer; filled only for many fields */
    const char **start; /* the value that counts, by field; NULL: missing */
    uint8_t *rank;      /* 1: its name was equal in capitals, 2: equal */
};
bool json_shape_create(struct decode_node *node, struct arena *a); /* for the whole tree below; false: no memory */
void json_shape_clear(struct decode_node *node);
/* The fields that take the value of a member with this raw name; -1: none. */
struct json_match {
    int exact; /* the name is equal */
    int upper; /* the name in capitals is equal; it counts where no member is equal */
};
/* `scratch`: for odd names. False: no memory. */
bool json_find_field(const struct decode_node *node, struct str raw, unsigned flags, struct arena *scratch,
                     struct json_match *match);

struct json_path { /* where a value is, for messages; innermost first */
    const struct json_path *up;
    struct str name; /* of a field or key; p NULL: element `index` */
    uint32_t index;
    bool is_entry; /* name is a key of a map */
};

struct json_context {
    struct json_reader reader;
    struct decode_run *run;
    struct arena *scratch; /* for what does not outlive the record */
    struct buf *text;      /* likewise; empty between uses */
};

/* Converts the valid value at p for the node, stores it in the node's outputs and those inside it, and in *out unless
 * that is NULL. Returns the value's end, or NULL: the reason is in run->reason, or memory is out. */
const char *json_convert(struct json_context *c, const struct decode_node *node, const char *p,
                         const struct json_path *path, struct value *out);
/* A payload of blanks only, which Jackson calls a MissingNode. */
bool json_convert_missing(struct json_context *c, const struct decode_node *node, struct value *out);

/* A value as a STRING column shows it: appends text of a valid object or array at p. False: no memory. */
bool json_put_text(struct json_reader *r, struct buf *out, const char *p, struct arena *scratch);

/* ---- the common case (json_fast.c) -------------------------------------------------------------------- */

struct json_fast;
struct json_fast *json_fast_create(const struct decode_node *node, struct arena *a); /* NULL: no memory */
/* Decodes a record that is a plain object, in one pass. False: some of it is not plain, cells are undefined, and the
 * general way has to decide. */
bool json_fast_row(struct json_fast *f, struct json_context *c, struct str payload);

/* ---- the codec, for formats that wrap JSON text (json_decode.c, json_encode.c) ------------------------- */

struct json_decoder {
    struct decoder base;
    struct json_fast *fast; /* NULL: a bare value */
    struct arena scratch;
    struct buf text;
};
enum status json_decoder_open(struct decoder *dec, struct diag *d) MUST_CHECK;
void json_decoder_close(struct decoder *dec);
enum row_state json_decoder_row(struct decoder *dec, struct decode_run *run, struct str payload);

struct json_encoder {
    struct encoder base;
    struct str *prefixes; /* what stands in front of each cell */
    struct str suffix;    /* and behind the last one */
    bool bare;            /* one column without its name */
};
/* Opens it to write, behind its own columns, those of `columns` that are not among them as nulls; if its own are not all among
 * `columns`, only its own. */
enum status json_encoder_open_with(struct json_encoder *j, const struct schema_column *columns, uint32_t n,
                                   struct diag *d) MUST_CHECK;
enum status json_encoder_row(struct encoder *enc, const struct column *columns, uint32_t row, struct buf *out,
                             bool *is_null, struct diag *d) MUST_CHECK;

#endif
