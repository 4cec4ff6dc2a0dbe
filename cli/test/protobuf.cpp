// Which message of a schema JSON values of cases are written as; see protobuf.h.
#include "cli/test/protobuf_int.h"
#include "formats/protobuf_pool.h"

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <vector>

namespace pb = google::protobuf;

Known known_of(const pb::Descriptor *m)
{
    static const struct {
        const char *name;
        Known known;
    } table[] = {{"google.protobuf.Timestamp", Known::timestamp},
                 {"google.type.Date", Known::date},
                 {"google.type.TimeOfDay", Known::time},
                 {"confluent.type.Decimal", Known::decimal}};
    for (const auto &line : table)
        if (m->full_name() == line.name)
            return line.known;
    return m->file()->name() == "google/protobuf/wrappers.proto" ? Known::wrapper : Known::no;
}

bool is_map(const pb::FieldDescriptor *f)
{
    const pb::Descriptor *m = f->message_type();
    if (!m || !f->is_repeated())
        return false;
    const std::string &name = m->name();
    return m->field_count() == 2 && m->FindFieldByName("key") && m->FindFieldByName("value") && name.size() > 5 &&
           name.compare(name.size() - 5, 5, "Entry") == 0;
}

std::string string_of(struct str s)
{
    return std::string(s.p ? s.p : "", s.len);
}

std::string union_name(const pb::OneofDescriptor *o)
{
    return o->name() + "_" + std::to_string(o->index());
}

namespace
{

const pb::Descriptor *find(const pb::FileDescriptor *fd, const char *full_name)
{
    const pb::Descriptor *m = full_name ? fd->pool()->FindMessageTypeByName(full_name) : nullptr;
    return m ? m : fd->message_type_count() ? fd->message_type(0) : nullptr;
}

void put_indexes(buf *out, const pb::Descriptor *m)
{
    std::vector<int> path;
    std::string bytes;
    for (const pb::Descriptor *at = m; at; at = at->containing_type())
        path.insert(path.begin(), at->index());
    if (path.size() == 1 && path[0] == 0) {
        buf_putc(out, 0);
        return;
    }
    path.insert(path.begin(), static_cast<int>(path.size()));
    {
        pb::io::StringOutputStream stream(&bytes);
        pb::io::CodedOutputStream coded(&stream);
        for (int index : path)
            coded.WriteVarint32(static_cast<uint32_t>(index) << 1); // zigzag of what is not negative
    }
    buf_put(out, bytes.data(), bytes.size());
}

const pb::Descriptor *get_indexes(pb::io::CodedInputStream *in, const pb::FileDescriptor *fd)
{
    uint32_t n, v = 0;
    const pb::Descriptor *m = nullptr;
    if (!in->ReadVarint32(&n))
        return nullptr;
    if (n == 0)
        return find(fd, nullptr);
    for (n >>= 1; n > 0; n--) {
        if (!in->ReadVarint32(&v))
            return nullptr;
        int index = static_cast<int>(v >> 1), count = m ? m->nested_type_count() : fd->message_type_count();
        if (index >= count)
            return nullptr;
        m = m ? m->nested_type(index) : fd->message_type(index);
    }
    return m;
}

} // namespace

extern "C" status test_protobuf_encode(arena *a, registry *r, const registered_schema *schema, const char *full_name,
                                       bool indexes, const json *j, buf *out, diag *d)
{
    SchemaPool pool;
    const pb::FileDescriptor *fd;
    status st = pool.load(r, schema, &fd, d);
    if (st != STATUS_OK)
        return st;
    const pb::Descriptor *t = find(fd, full_name);
    if (!t)
        return diag_set(d, STATUS_INVALID, "a schema of the case has no message");
    pb::DynamicMessageFactory factory;
    std::unique_ptr<pb::Message> m(factory.GetPrototype(t)->New());
    if (!message_from_json(a, m.get(), j, d))
        return d->code;
    std::string bytes = m->SerializeAsString();
    if (indexes)
        put_indexes(out, t);
    buf_put(out, bytes.data(), bytes.size());
    return out->failed || a->failed ? diag_nomem(d) : STATUS_OK;
}

extern "C" const json *test_protobuf_decode(arena *a, registry *r, const registered_schema *schema, bool indexes,
                                            struct str bytes)
{
    SchemaPool pool;
    const pb::FileDescriptor *fd;
    diag ignored = {};
    if (pool.load(r, schema, &fd, &ignored) != STATUS_OK)
        return nullptr;
    pb::io::CodedInputStream in(reinterpret_cast<const uint8_t *>(bytes.p), static_cast<int>(bytes.len));
    const pb::Descriptor *t = indexes ? get_indexes(&in, fd) : find(fd, nullptr);
    if (!t)
        return nullptr;
    pb::DynamicMessageFactory factory;
    std::unique_ptr<pb::Message> m(factory.GetPrototype(t)->New());
    if (!m->ParseFromCodedStream(&in) || !in.ConsumedEntireMessage())
        return nullptr;
    return message_to_json(a, *m);
}
