/* The client of a schema registry against a small one that can be told to misbehave (tests/registry/registry.py). */
#include "formats/registry_http.h"
#include "util.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct server {
    pid_t pid;
    int port;
    char url[64];
};

static bool start(struct server *s, const char *user, const char *cert, const char *key)
{
    int ends[2];
    char line[64] = "";
    *s = (struct server){0};
    if (pipe(ends) != 0)
        return false;
    s->pid = fork();
    if (s->pid == 0) {
        dup2(ends[1], 1);
        close(ends[0]);
        const char *args[] = {"python3", TEST_DATA "/registry/registry.py", NULL, NULL, NULL, NULL, NULL};
        int n = 2;
        if (user) {
            args[n++] = "--user";
            args[n++] = user;
        }
        if (cert) {
            args[n++] = "--cert";
            args[n++] = cert;
            args[n++] = "--key";
            args[n++] = key;
        }
        execvp("python3", (char *const *)(uintptr_t)args);
        _exit(127);
    }
    close(ends[1]);
    FILE *in = fdopen(ends[0], "r");
    bool ok = fgets(line, sizeof line, in) && sscanf(line, "port %d", &s->port) == 1;
    fclose(in);
    snprintf(s->url, sizeof s->url, "%s://127.0.0.1:%d", cert ? "https" : "http", s->port);
    return ok;
}

static void stop(struct server *s)
{
    if (s->pid <= 0)
        return;
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

/* How the server behaves from now on. */
static void set_mode(const struct server *s, const char *mode)
{
    struct buf command;
    buf_init(&command, 0);
    buf_printf(&command,
               "python3 -c \"import urllib.request as r; r.urlopen(r.Request('%s/test/mode', method='PUT', "
               "data=b'{\\\"mode\\\": \\\"%s\\\"}'))\"",
               s->url, mode);
    CHECK_INT(system(buf_z(&command)), 0);
    buf_free(&command);
}

static struct registry *client(const char *url, const char *user, const char *password, const char *ca)
{
    struct registry *r = NULL;
    struct diag d = DIAG_INIT;
    const struct registry_options o = {.url = url, .user = user, .password = password, .ca_file = ca};
    CHECK_INT(registry_open_http(&o, &r, &d), STATUS_OK);
    CHECK_TEXT(d.message, "");
    return r;
}

static enum status add(struct registry *r, const char *subject, enum schema_type type, const char *text, int32_t *id,
                       struct diag *d)
{
    const struct registered_schema s = {.type = type, .text = str_from(text)};
    diag_clear(d);
    return registry_add(r, str_from(subject), &s, id, d);
}

TEST(registry_http, schemas)
{
    struct server s;
    struct diag d = DIAG_INIT;
    const struct registered_schema *got, *again;
    int32_t id = 0, other = 0;
    REQUIRE(start(&s, NULL, NULL, NULL));
    struct registry *r = client(s.url, NULL, NULL, NULL);
    CHECK_INT(add(r, "t-value", SCHEMA_AVRO, "\"int\"", &id, &d), STATUS_OK);
    CHECK_INT(id, 1);
    CHECK_INT(add(r, "t-value", SCHEMA_JSON, "{\"title\":\"\xC3\xA9\\n\\\"\"}", &other, &d), STATUS_OK);
    CHECK_INT(other, 2);
    CHECK_INT(add(r, "t-value", SCHEMA_AVRO, "\"int\"", &id, &d), STATUS_OK);
    CHECK_INT(id, 1);
    CHECK_INT(registry_by_id(r, 2, &got, &d), STATUS_OK);
    CHECK(got->type == SCHEMA_JSON && str_eq(got->text, STR("{\"title\":\"\xC3\xA9\\n\\\"\"}")));
    CHECK_INT(registry_by_id(r, 1, &got, &d), STATUS_OK);
    CHECK(got->id == 1 && got->version == 0 && got->type == SCHEMA_AVRO && str_eq(got->text, STR("\"int\"")));
    CHECK_INT(registry_by_subject(r, STR("t-value"), 0, &got, &d), STATUS_OK);
    CHECK(got->id == 2 && got->version == 2);
    CHECK_INT(registry_by_subject(r, STR("t-value"), 1, &got, &d), STATUS_OK);
    CHECK(got->id == 1 && got->version == 1);
    stop(&s); /* what has an id is not asked for again */
    CHECK_INT(registry_by_id(r, 2, &again, &d), STATUS_OK);
    CHECK_INT(add(r, "t-value", SCHEMA_AVRO, "\"int\"", &id, &d), STATUS_OK);
    CHECK_INT(registry_by_subject(r, STR("t-value"), 0, &got, &d), STATUS_IO);
    CHECK(strstr(d.message, "cannot be reached") != NULL);
    registry_close(r);
}

TEST(registry_http, what_is_not_there)
{
    struct server s;
    struct diag d = DIAG_INIT;
    const struct registered_schema *got;
    int32_t id;
    REQUIRE(start(&s, NULL, NULL, NULL));
    struct registry *r = client(s.url, NULL, NULL, NULL);
    CHECK_INT(registry_by_id(r, 7, &got, &d), STATUS_NOT_FOUND);
    CHECK(got == NULL);
    CHECK_TEXT(d.message, "Schema 7 not found");
    diag_clear(&d);
    CHECK_INT(registry_by_subject(r, STR("a b/c?d#\xC3\xA9"), 0, &got, &d), STATUS_NOT_FOUND);
    CHECK_TEXT(d.message, "Subject 'a b/c?d#\xC3\xA9' not found.");
    CHECK_INT(add(r, "a b/c?d#\xC3\xA9", SCHEMA_AVRO, "\"int\"", &id, &d), STATUS_OK);
    CHECK_INT(registry_by_subject(r, STR("a b/c?d#\xC3\xA9"), 0, &got, &d), STATUS_OK);
    CHECK_INT(registry_by_subject(r, STR("a b/c?d#\xC3\xA9"), 2, &got, &d), STATUS_NOT_FOUND);
    CHECK_TEXT(d.message, "Version 2 not found.");
    diag_clear(&d);
    CHECK_INT(registry_remove(r, STR("a b/c?d#\xC3\xA9"), &d), STATUS_OK);
    CHECK_INT(registry_remove(r, STR("a b/c?d#\xC3\xA9"), &d), STATUS_OK);
    CHECK_TEXT(d.message, "");
    CHECK_INT(registry_by_subject(r, STR("a b/c?d#\xC3\xA9"), 0, &got, NULL), STATUS_NOT_FOUND);
    CHECK_INT(add(r, "a b/c?d#\xC3\xA9", SCHEMA_AVRO, "\"int\"", &id, &d), STATUS_OK); /* it is known that it went */
    CHECK_INT(registry_by_subject(r, STR("a b/c?d#\xC3\xA9"), 0, &got, NULL), STATUS_OK);
    registry_close(r);
    stop(&s);
}

TEST(registry_http, references)
{
    struct server s;
    struct diag d = DIAG_INIT;
    const struct registered_schema *got;
    int32_t id;
    const struct schema_reference to[] = {{STR("a.proto"), STR("a"), 1}, {STR("b\".proto"), STR("b"), 12}};
    const struct registered_schema schema = {
        .type = SCHEMA_PROTOBUF, .text = STR("message X {}"), .n_references = 2, .references = to};
    REQUIRE(start(&s, NULL, NULL, NULL));
    struct registry *r = client(s.url, NULL, NULL, NULL);
    CHECK_INT(registry_add(r, STR("x"), &schema, &id, &d), STATUS_OK);
    CHECK_INT(registry_by_subject(r, STR("x"), 0, &got, &d), STATUS_OK);
    CHECK(got->type == SCHEMA_PROTOBUF && got->n_references == 2);
    CHECK(str_eq(got->references[1].name, STR("b\".proto")) && str_eq(got->references[1].subject, STR("b")));
    CHECK_INT(got->references[1].version, 12);
    registry_close(r);
    stop(&s);
}

TEST(registry_http, refusals_and_trouble)
{
    static const struct {
        const char *mode;
        enum status added, asked;
        const char *words;
    } cases[] = {
        {"refuse", STATUS_INVALID, STATUS_NOT_FOUND,
         "Schema being registered is incompatible with an earlier schema for subject \"s\""},
        {"invalid", STATUS_INVALID, STATUS_NOT_FOUND, "Invalid schema"},
        {"broken", STATUS_IO, STATUS_IO, "Error in the backend data store"},
        {"busy", STATUS_IO, STATUS_IO, "Too many requests"},
        {"garbage", STATUS_IO, STATUS_IO, "The schema registry gives an answer that cannot be understood"},
        {"drop", STATUS_IO, STATUS_IO, NULL},
        {"huge", STATUS_INVALID, STATUS_INVALID, NULL},
        {"moved", STATUS_INVALID, STATUS_INVALID, NULL},
        {"ok", STATUS_OK, STATUS_NOT_FOUND, ""},
    };
    struct server s;
    REQUIRE(start(&s, NULL, NULL, NULL));
    struct registry *r = client(s.url, NULL, NULL, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct diag d = DIAG_INIT;
        const struct registered_schema *got;
        int32_t id;
        set_mode(&s, cases[i].mode);
        CHECK_INT(add(r, "s", SCHEMA_AVRO, "\"int\"", &id, &d), cases[i].added);
        if (cases[i].words)
            CHECK_TEXT(d.message, cases[i].words);
        CHECK_INT(registry_by_id(r, 9, &got, &d), cases[i].asked);
    }
    registry_close(r);
    stop(&s);
}

TEST(registry_http, several_urls)
{
    struct server one, two;
    struct diag d = DIAG_INIT;
    const struct registered_schema *got;
    char urls[200];
    int32_t id;
    REQUIRE(start(&one, NULL, NULL, NULL) && start(&two, NULL, NULL, NULL));
    snprintf(urls, sizeof urls, " http://127.0.0.1:1/ ,%s/, %s", one.url, two.url);
    struct registry *r = client(urls, NULL, NULL, NULL);
    CHECK_INT(add(r, "s", SCHEMA_AVRO, "\"int\"", &id, &d), STATUS_OK);
    set_mode(&one, "broken");
    CHECK_INT(add(r, "s", SCHEMA_AVRO, "\"long\"", &id, &d), STATUS_OK);
    CHECK_INT(id, 1); /* the first of the second server, which has been told nothing by the other */
    set_mode(&two, "broken");
    CHECK_INT(registry_by_id(r, 1234, &got, &d), STATUS_IO);
    CHECK_TEXT(d.message, "Error in the backend data store");
    stop(&two);
    set_mode(&one, "ok");
    CHECK_INT(registry_by_subject(r, STR("s"), 0, &got, &d), STATUS_OK);
    registry_close(r);
    stop(&one);
}

TEST(registry_http, authentication)
{
    struct server s;
    struct diag d = DIAG_INIT;
    int32_t id;
    REQUIRE(start(&s, "me:se:cret", NULL, NULL));
    struct registry *r = client(s.url, NULL, NULL, NULL);
    CHECK_INT(add(r, "s", SCHEMA_AVRO, "\"int\"", &id, &d), STATUS_INVALID);
    CHECK_TEXT(d.message, "Unauthorized");
    registry_close(r);
    r = client(s.url, "me", "se:cret", NULL);
    CHECK_INT(add(r, "s", SCHEMA_AVRO, "\"int\"", &id, &d), STATUS_OK);
    registry_close(r);
    char url[100];
    snprintf(url, sizeof url, "http://me:se%%3Acret@127.0.0.1:%d", s.port);
    r = client(url, NULL, NULL, NULL);
    CHECK_INT(add(r, "s", SCHEMA_AVRO, "\"int\"", &id, &d), STATUS_OK);
    registry_close(r);
    stop(&s);
}

TEST(registry_http, tls)
{
    char dir[] = "/tmp/weir-tls.XXXXXX", cert[64], key[64], command[400];
    struct server s;
    struct diag d = DIAG_INIT;
    int32_t id;
    REQUIRE(mkdtemp(dir) != NULL);
    snprintf(cert, sizeof cert, "%s/cert.pem", dir);
    snprintf(key, sizeof key, "%s/key.pem", dir);
    snprintf(
        command, sizeof command,
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 "
        "-out %s -keyout %s 2>/dev/null",
        cert, key);
    if (system(command) == 0 && start(&s, NULL, cert, key)) {
        struct registry *r = client(s.url, NULL, NULL, cert);
        CHECK_INT(add(r, "s", SCHEMA_AVRO, "\"int\"", &id, &d), STATUS_OK);
        registry_close(r);
        r = client(s.url, NULL, NULL, NULL); /* nobody vouches for it */
        CHECK_INT(add(r, "s", SCHEMA_AVRO, "\"int\"", &id, &d), STATUS_INVALID);
        registry_close(r);
        stop(&s);
    }
    unlink(cert);
    unlink(key);
    rmdir(dir);
}

TEST(registry_http, wrong_urls)
{
    static const char *const urls[] = {"", ",", "ftp://127.0.0.1", "127.0.0.1:8081", "file:///etc/passwd"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct registry *r;
        const struct registry_options o = {.url = urls[i]};
        CHECK_INT(registry_open_http(&o, &r, NULL), STATUS_INVALID);
        CHECK(r == NULL);
    }
}

static const char *shown(const char *urls)
{
    static char text[200];
    struct buf b;
    buf_init(&b, 0);
    registry_print_urls(&b, urls);
    snprintf(text, sizeof text, "%s", buf_z(&b));
    buf_free(&b);
    return text;
}

TEST(registry_http, no_passwords_in_messages)
{
    struct diag d = DIAG_INIT;
    int32_t id;
    CHECK_TEXT(shown("http://me:se@cret@h:1/p@th, https://you@i,http://j/"), "http://h:1/p@th, https://i,http://j/");
    CHECK_TEXT(shown("odd@text"), "text");
    CHECK_TEXT(shown(""), "");
    struct registry *r = client("http://me:secret@127.0.0.1:1", NULL, NULL, NULL);
    CHECK_INT(add(r, "s", SCHEMA_AVRO, "\"int\"", &id, &d), STATUS_IO);
    CHECK(strstr(d.message, "http://127.0.0.1:1 ") && !strstr(d.message, "secret"));
    registry_close(r);
}

TEST(registry_http, names_in_paths)
{
    struct buf b;
    buf_init(&b, 0);
    http_put_escaped(&b, str_make("az-09_.~ /%\0\xFF", 13));
    CHECK_TEXT(buf_z(&b), "az-09_.~%20%2F%25%00%FF");
    buf_free(&b);
}
