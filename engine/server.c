/* Which server this is. A folder of state belongs to one process at a time, and gives it a name that outlives it: whoever is started
 * again there gets its work back at once, and throws out what may be left of its predecessor. A second process
 * on the same folder gets one beside it. */
#include "engine/engine_int.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_SERVERS = 64, ID_LENGTH = 16 };

static enum status failed(const char *path, struct diag *d)
{
    return diag_set(d, errno == ENOSPC ? STATUS_FULL : STATUS_IO, "Cannot use the state folder: %s: %s", path,
                    strerror(errno));
}

static enum status make_folders(char *path, struct diag *d)
{
    for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
        if (slash)
            *slash = 0;
        bool made = mkdir(path, 0755) == 0 || errno == EEXIST;
        if (!made)
            return failed(path, d);
        if (!slash)
            return STATUS_OK;
        *slash = '/';
    }
}

/* The name that the file holds; an empty or damaged one gets a new name. */
static enum status read_id(struct server *s, const char *path, struct diag *d)
{
    unsigned char random[ID_LENGTH / 2];
    if (pread(s->fd, s->id, ID_LENGTH, 0) == ID_LENGTH && strspn(s->id, "0123456789abcdef") == ID_LENGTH)
        return STATUS_OK;
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return failed(path, d);
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(s->id + 2 * i, 3, "%02x", random[i]);
    if (ftruncate(s->fd, 0) != 0 || pwrite(s->fd, s->id, ID_LENGTH, 0) != ID_LENGTH || fsync(s->fd) != 0)
        return failed(path, d);
    return STATUS_OK;
}

/* *taken: another process has this folder. */
static enum status claim(struct server *s, const char *service_id, bool *taken, struct diag *d)
{
    char path[sizeof s->dir + 320];
    enum status st = make_folders(s->dir, d);
    if (st != STATUS_OK)
        return st;
    int n = snprintf(path, sizeof path, "%s/%.256s.server", s->dir, service_id);
    for (char *c = path + strlen(s->dir) + 1; c < path + n; c++)
        if (!isalnum((unsigned char)*c) && !strchr("-_.", *c))
            *c = '_';
    s->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (s->fd < 0)
        return failed(path, d);
    if (flock(s->fd, LOCK_EX | LOCK_NB) == 0)
        return read_id(s, path, d);
    *taken = errno == EWOULDBLOCK;
    st = *taken ? STATUS_OK : failed(path, d);
    close(s->fd);
    s->fd = -1;
    return st;
}

enum status server_claim(struct server *s, const char *state_dir, const char *service_id, struct diag *d)
{
    for (int number = 1; number <= MAX_SERVERS; number++) {
        bool taken = false;
        int n = number == 1 ? snprintf(s->dir, sizeof s->dir, "%s", state_dir)
                            : snprintf(s->dir, sizeof s->dir, "%s-%d", state_dir, number);
        if (n < 0 || (size_t)n >= sizeof s->dir)
            return diag_set(d, STATUS_INVALID, "The name of the state folder is too long: %s", state_dir);
        enum status st = claim(s, service_id, &taken, d);
        if (st != STATUS_OK || !taken)
            return st;
    }
    return diag_set(d, STATUS_EXISTS, "%d processes of the service %s use the state folder %s already", MAX_SERVERS,
                    service_id, state_dir);
}

void server_release(struct server *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}
