/* A schema registry over its REST API. What is asked and answered is in registry_rest.c; here are URLs, libcurl, and what the
 * status of an answer means.
 *
 * There is one connection, which is kept. Several registries are tried in turn, beginning with the one that answered last. A call
 * takes at most the timeouts below for each of them. */
#include "formats/registry_http.h"

#include "formats/libcurl.h"
#include "formats/tree.h"

enum { CONNECT_TIMEOUT_MS = 3000, TIMEOUT_MS = 10000, MAX_ANSWER = 16 << 20, MAX_URLS = 16 };
#define MEDIA_TYPE "application/vnd.schemaregistry.v1+json"

struct http {
    const struct libcurl *lib;
    CURL *curl;
    struct curl_slist *headers;
    struct buf url, answer;
    struct str urls[MAX_URLS];  /* without a slash at their ends */
    struct str shown[MAX_URLS]; /* for messages */
    uint32_t n_urls, current;
    char error[CURL_ERROR_SIZE];
    struct arena arena;
};

/* ---- opening ---------------------------------------------------------------------------------------------------- */

static enum status no_curl(struct diag *d)
{
    return diag_set(d, STATUS_IO, "libcurl cannot be started");
}

static bool take_url(struct http *h, struct str url)
{
    struct str copy = str_dup(&h->arena, url);
    struct buf shown;
    buf_init(&shown, 0);
    if (copy.p)
        registry_print_urls(&shown, copy.p);
    h->urls[h->n_urls] = copy;
    h->shown[h->n_urls++] = str_dup(&h->arena, buf_str(&shown));
    buf_free(&shown);
    return !shown.failed && !h->arena.failed;
}

static enum status take_urls(struct http *h, const char *list, struct diag *d)
{
    struct str rest = str_dup(&h->arena, str_from(list));
    if (!rest.p)
        return diag_nomem(d);
    while (rest.len) {
        const char *comma = memchr(rest.p, ',', rest.len);
        size_t len = comma ? (size_t)(comma - rest.p) : rest.len;
        struct str url = str_make(rest.p, len);
        rest = str_make(rest.p + len + (comma != NULL), rest.len - len - (comma != NULL));
        while (url.len && *url.p == ' ')
            url = str_make(url.p + 1, url.len - 1);
        while (url.len && (url.p[url.len - 1] == '/' || url.p[url.len - 1] == ' '))
            url.len--;
        if (!url.len)
            continue;
        if (!str_starts(url, STR("http://")) && !str_starts(url, STR("https://")))
            return diag_set(d, STATUS_INVALID,
                            "The URL of a schema registry begins with http:// or https://, not '" STR_FMT "'",
                            STR_ARG(url));
        if (h->n_urls == MAX_URLS)
            return diag_set(d, STATUS_INVALID, "There may be at most %d URLs of schema registries", MAX_URLS);
        if (!take_url(h, url))
            return diag_nomem(d);
    }
    return h->n_urls ? STATUS_OK : diag_set(d, STATUS_INVALID, "The URL of the schema registry is empty");
}

static size_t take_answer(char *p, size_t size, size_t n, void *data)
{
    struct buf *answer = data;
    buf_put(answer, p, size * n);
    return answer->failed ? 0 : size * n;
}

static bool set_headers(struct http *h)
{
    static const char *const lines[] = {"Accept: " MEDIA_TYPE ", application/json", "Content-Type: " MEDIA_TYPE};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct curl_slist *longer = h->lib->slist_append(h->headers, lines[i]);
        if (!longer)
            return false;
        h->headers = longer;
    }
    return true;
}

static bool set_options(struct http *h, const struct registry_options *o)
{
    CURL *c = h->curl;
    CURLcode (*set)(CURL *, CURLoption, ...) = h->lib->easy_setopt;
    bool bad = set(c, CURLOPT_NOSIGNAL, 1L) | set(c, CURLOPT_ERRORBUFFER, h->error) |
               set(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS) |
               set(c, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS) | set(c, CURLOPT_PROTOCOLS_STR, "http,https") |
               set(c, CURLOPT_PROXY, "") | /* as Java's clients: not what the environment says */
               set(c, CURLOPT_USERAGENT, "weir/" WEIR_VERSION) | set(c, CURLOPT_WRITEFUNCTION, take_answer) |
               set(c, CURLOPT_WRITEDATA, &h->answer) | set(c, CURLOPT_HTTPHEADER, h->headers);
    if (o->user)
        bad |= set(c, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) | set(c, CURLOPT_USERNAME, o->user) |
               set(c, CURLOPT_PASSWORD, o->password ? o->password : "");
    if (o->ca_file)
        bad |= set(c, CURLOPT_CAINFO, o->ca_file);
    return !bad;
}

enum status http_open(const struct registry_options *options, struct http **out, struct diag *d)
{
    const struct libcurl *lib;
    *out = NULL;
    enum status st = libcurl_load(&lib, d);
    if (st != STATUS_OK)
        return st;
    struct http *h = mem_calloc(1, sizeof *h);
    if (!h)
        return diag_nomem(d);
    h->lib = lib;
    arena_init(&h->arena, 0);
    buf_init(&h->url, 0);
    buf_init(&h->answer, MAX_ANSWER);
    st = take_urls(h, options->url ? options->url : "", d);
    if (st == STATUS_OK) {
        h->curl = h->lib->easy_init();
        if (!h->curl || !set_headers(h) || !set_options(h, options))
            st = no_curl(d);
    }
    if (st != STATUS_OK) {
        http_close(h);
        return st;
    }
    *out = h;
    return STATUS_OK;
}

void http_close(struct http *h)
{
    if (!h)
        return;
    if (h->curl)
        h->lib->easy_cleanup(h->curl);
    h->lib->slist_free_all(h->headers);
    buf_free(&h->url);
    buf_free(&h->answer);
    arena_free(&h->arena);
    mem_free(h);
}

void http_put_escaped(struct buf *out, struct str s)
{
    static const char hex[] = "0123456789ABCDEF";
    for (uint32_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || strchr("-._~", c ? c : '/')) {
            buf_putc(out, (char)c);
        } else {
            buf_putc(out, '%');
            buf_putc(out, hex[c >> 4]);
            buf_putc(out, hex[c & 15]);
        }
    }
}

/* ---- calling ---------------------------------------------------------------------------------------------------- */

static bool set_request(struct http *h, const char *method, const struct buf *body)
{
    CURL *c = h->curl;
    CURLcode (*set)(CURL *, CURLoption, ...) = h->lib->easy_setopt;
    bool bad = set(c, CURLOPT_URL, buf_z(&h->url)) | set(c, CURLOPT_HTTPGET, 1L) | set(c, CURLOPT_CUSTOMREQUEST, NULL);
    if (body)
        bad |= set(c, CURLOPT_POST, 1L) | set(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body->len) |
               set(c, CURLOPT_POSTFIELDS, body->p);
    else if (strcmp(method, "GET") != 0)
        bad |= set(c, CURLOPT_CUSTOMREQUEST, method);
    return !bad && !h->url.failed;
}

/* Words for an error: the registry's own, if it has any. */
static enum status refused(struct http *h, long code, enum status st, struct diag *d)
{
    struct arena a;
    struct str message;
    const struct tree *answer;
    int32_t error_code = 0;
    arena_init(&a, 0);
    if (tree_parse(&a, buf_str(&h->answer), &answer, NULL) == STATUS_OK && tree_text(answer, "message", &message)) {
        if (code == 404 && tree_int(answer, "error_code", &error_code) && error_code > 40400 && error_code < 40500)
            st = STATUS_NOT_FOUND;
        st = diag_set(d, st, STR_FMT, STR_ARG(message));
    } else {
        st = diag_set(d, st, "The schema registry " STR_FMT " answers with the HTTP status %ld",
                      STR_ARG(h->shown[h->current]), code);
    }
    arena_free(&a);
    return st;
}

static enum status judge(struct http *h, struct diag *d)
{
    long code = 0;
    h->lib->easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &code);
    if (code >= 200 && code < 300)
        return STATUS_OK;
    return refused(h, code, code >= 500 || code == 429 || code == 408 ? STATUS_IO : STATUS_INVALID, d);
}

static bool is_certain(CURLcode code)
{
    return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_URL_MALFORMAT;
}

static enum status ask_current(struct http *h, const char *method, const char *path, const struct buf *body,
                               struct diag *d)
{
    struct str shown = h->shown[h->current];
    h->url.len = h->answer.len = 0;
    h->error[0] = 0;
    buf_puts(&h->url, h->urls[h->current]);
    buf_puts(&h->url, str_from(path));
    if (!set_request(h, method, body))
        return diag_nomem(d);
    CURLcode code = h->lib->easy_perform(h->curl);
    if (code == CURLE_OK)
        return judge(h, d);
    bool is_large = h->answer.failed;
    buf_free(&h->answer);
    buf_init(&h->answer, MAX_ANSWER);
    if (is_large)
        return diag_set(d, STATUS_INVALID, "The answer of the schema registry " STR_FMT " is too large",
                        STR_ARG(shown));
    return diag_set(d, is_certain(code) ? STATUS_INVALID : STATUS_IO,
                    "The schema registry " STR_FMT " cannot be reached: %s", STR_ARG(shown),
                    h->error[0] ? h->error : h->lib->easy_strerror(code));
}

enum status http_ask(struct http *h, const char *method, const char *path, const struct buf *body, struct str *answer,
                     struct diag *d)
{
    enum status st = STATUS_IO;
    struct diag first = DIAG_INIT;
    for (uint32_t i = 0; i < h->n_urls && st == STATUS_IO; i++) {
        struct diag own = DIAG_INIT;
        if (i)
            h->current = (h->current + 1) % h->n_urls;
        st = ask_current(h, method, path, body, &own);
        if (i == 0 || st != STATUS_IO)
            first = own;
    }
    *answer = buf_str(&h->answer);
    if (st != STATUS_OK && d && d->code == STATUS_OK)
        *d = first;
    return st;
}
