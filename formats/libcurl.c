/* Loads libcurl. */
#include "formats/libcurl.h"

#include <dlfcn.h>
#include <pthread.h>

static struct libcurl loaded;
static bool is_usable;

static bool find(void *library, const char *name, void *to)
{
    void *symbol = dlsym(library, name);
    memcpy(to, &symbol, sizeof symbol); /* a function's address: C has no cast for that */
    return symbol != NULL;
}

static void load(void)
{
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib"};
    void *library = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    is_usable = library && find(library, "curl_global_init", &loaded.global_init) &&
                find(library, "curl_easy_init", &loaded.easy_init) &&
                find(library, "curl_easy_setopt", &loaded.easy_setopt) &&
                find(library, "curl_easy_perform", &loaded.easy_perform) &&
                find(library, "curl_easy_getinfo", &loaded.easy_getinfo) &&
                find(library, "curl_easy_strerror", &loaded.easy_strerror) &&
                find(library, "curl_easy_cleanup", &loaded.easy_cleanup) &&
                find(library, "curl_slist_append", &loaded.slist_append) &&
                find(library, "curl_slist_free_all", &loaded.slist_free_all) &&
                loaded.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

enum status libcurl_load(const struct libcurl **out, struct diag *d)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    *out = &loaded;
    if (is_usable)
        return STATUS_OK;
    enum status st = diag_set(d, STATUS_INVALID, "A schema registry needs libcurl, which cannot be loaded");
    diag_hint(d, "install the package libcurl4");
    return st;
}
