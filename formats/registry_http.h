/* Private to formats/: requests to a schema registry. Not thread-safe. */
#ifndef WEIR_FORMATS_REGISTRY_HTTP_H
#define WEIR_FORMATS_REGISTRY_HTTP_H

#include "formats/registry.h"

struct http;
enum status http_open(const struct registry_options *options, struct http **out, struct diag *d) MUST_CHECK;
void http_close(struct http *h); /* NULL is fine */
/* GET, DELETE, or (with a body) POST of a path that begins with a slash. The answer is valid until the next call. Errors: as
 * registry.h says. */
enum status http_ask(struct http *h, const char *method, const char *path, const struct buf *body, struct str *answer,
                     struct diag *d) MUST_CHECK;
/* As one step of a path. */
void http_put_escaped(struct buf *out, struct str s);

#endif
