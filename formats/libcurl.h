/* Private to formats/: libcurl, loaded when it is needed first. Linked as usual, with the thirty libraries behind it, it would take half
 * of the time in which weir starts, for everybody. */
#ifndef WEIR_FORMATS_LIBCURL_H
#define WEIR_FORMATS_LIBCURL_H

#include "core/core.h"

#include <curl/curl.h>

struct libcurl {
    CURLcode (*global_init)(long flags);
    CURL *(*easy_init)(void);
    CURLcode (*easy_setopt)(CURL *handle, CURLoption option, ...);
    CURLcode (*easy_perform)(CURL *handle);
    CURLcode (*easy_getinfo)(CURL *handle, CURLINFO info, ...);
    const char *(*easy_strerror)(CURLcode code);
    void (*easy_cleanup)(CURL *handle);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *text);
    void (*slist_free_all)(struct curl_slist *list);
};

/* The library, initialised; STATUS_INVALID: it is not installed, or cannot be used. Any thread. */
enum status libcurl_load(const struct libcurl **out, struct diag *d) MUST_CHECK;

#endif
