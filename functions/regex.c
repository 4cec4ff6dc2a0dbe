/* Compiled patterns: PCRE2 with just-in-time compilation, and a limit on the steps of a match, so that no pattern runs
 * away. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "functions/regex.h"

#include <pcre2.h>
#include <stdio.h>

enum { MATCH_LIMIT = 5000000, HEAP_LIMIT_KB = 64 << 10 };

struct regex {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *context;
    uint32_t groups;
    bool has_match;
};

static void *allocate(size_t size, void *data)
{
    (void)data;
    return mem_alloc(size);
}

static void release(void *p, void *data)
{
    (void)data;
    mem_free(p);
}

static pcre2_code *compile(struct str pattern, pcre2_general_context *memory, char *error, size_t error_size)
{
    int code;
    PCRE2_SIZE at;
    pcre2_compile_context *context = pcre2_compile_context_create(memory);
    if (!context)
        return NULL;
    pcre2_set_newline(context, PCRE2_NEWLINE_ANY);
    pcre2_code *made =
        pcre2_compile((PCRE2_SPTR)pattern.p, pattern.len, PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &code, &at, context);
    if (!made) {
        PCRE2_UCHAR text[128] = "";
        pcre2_get_error_message(code, text, sizeof text);
        snprintf(error, error_size, "%s", (char *)text);
    }
    pcre2_compile_context_free(context);
    return made;
}

static bool prepare(struct regex *r, pcre2_general_context *memory)
{
    r->match = pcre2_match_data_create_from_pattern(r->code, memory);
    r->context = pcre2_match_context_create(memory);
    if (!r->match || !r->context)
        return false;
    pcre2_set_match_limit(r->context, MATCH_LIMIT);
    pcre2_set_heap_limit(r->context, HEAP_LIMIT_KB);
    pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE); /* without it matching is slower, no more */
    pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &r->groups);
    return true;
}

struct regex *regex_compile(struct str java, char *error, size_t error_size)
{
    struct buf pattern;
    struct regex *r = NULL;
    pcre2_general_context *memory = pcre2_general_context_create(allocate, release, NULL);
    buf_init(&pattern, 0);
    snprintf(error, error_size, "Out of memory");
    if (memory && regex_translate(java, &pattern, error, error_size) && (r = mem_calloc(1, sizeof *r))) {
        r->code = compile(pattern.len ? buf_str(&pattern) : STR(""), memory, error, error_size);
        if (!r->code || !prepare(r, memory)) {
            regex_free(r);
            r = NULL;
        }
    }
    buf_free(&pattern);
    pcre2_general_context_free(memory);
    return r;
}

void regex_free(struct regex *r)
{
    if (!r)
        return;
    pcre2_match_data_free(r->match);
    pcre2_match_context_free(r->context);
    pcre2_code_free(r->code);
    mem_free(r);
}

uint32_t regex_groups(const struct regex *r)
{
    return r->groups;
}

int32_t regex_group_number(const struct regex *r, struct str name)
{
    char z[64];
    if (name.len >= sizeof z)
        return -1;
    memcpy(z, name.p, name.len);
    z[name.len] = '\0';
    int n = pcre2_substring_number_from_name(r->code, (PCRE2_SPTR)z);
    return n < 0 ? -1 : n;
}

enum regex_result regex_find(struct regex *r, struct str text, uint32_t from, char *error, size_t error_size)
{
    const char *p = text.p ? text.p : "";
    int n = pcre2_match(r->code, (PCRE2_SPTR)p, text.len, from, 0, r->match, r->context);
    r->has_match = n >= 0;
    if (n >= 0)
        return REGEX_MATCH;
    if (n == PCRE2_ERROR_NOMATCH)
        return REGEX_NO_MATCH;
    PCRE2_UCHAR what[128] = "";
    pcre2_get_error_message(n, what, sizeof what);
    snprintf(error, error_size, "Matching failed: %s", (char *)what);
    return REGEX_ERROR;
}

bool regex_group(const struct regex *r, uint32_t group, uint32_t *start, uint32_t *end)
{
    const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(r->match);
    if (!r->has_match || group > r->groups || ends[2 * group] == PCRE2_UNSET)
        return false;
    *start = (uint32_t)ends[2 * group];
    *end = (uint32_t)ends[2 * group + 1];
    return true;
}
