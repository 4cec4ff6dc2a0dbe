// JSON values of cases as Protobuf messages; see protobuf.h. Names are found as they are written, else in any case; what
// the schema does not have is left out.
#include "cli/test/protobuf.h"
#include "formats/protobuf_pool.h"

extern "C" {
#include "functions/codec.h"
}

#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <strings.h>

#include <string>
#include <vector>

namespace pb = google::protobuf;

namespace
{

enum class Known { no, wrapper, decimal, date, time, timestamp };

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

// ---- to bytes

class Writer
{
  public:
    Writer(arena *memory, diag *errors) : a(memory), d(errors)
    {
    }

    bool message(pb::Message *m, const json *j)
    {
        if (j->kind != JSON_OBJECT)
            return misfit(m->GetDescriptor()->full_name(), j);
        for (const json *child = j->first; child; child = child->next)
            if (child->kind != JSON_NULL && !member(m, child))
                return false;
        return true;
    }

  private:
    arena *a;
    diag *d;

    bool misfit(const std::string &what, const json *j)
    {
        return diag_set(d, STATUS_DATA, "the case's value '" STR_FMT "' is not a %s", STR_ARG(j->text), what.c_str()) ==
               STATUS_OK;
    }

    bool member(pb::Message *m, const json *j)
    {
        const pb::Descriptor *t = m->GetDescriptor();
        std::string key = string_of(j->key);
        const pb::FieldDescriptor *f = t->FindFieldByName(key);
        for (int i = 0; i < t->field_count() && !f; i++)
            if (strcasecmp(t->field(i)->name().c_str(), key.c_str()) == 0)
                f = t->field(i);
        if (f)
            return field(m, f, j);
        for (int i = 0; i < t->real_oneof_decl_count(); i++)
            if (strcasecmp(union_name(t->oneof_decl(i)).c_str(), key.c_str()) == 0)
                return message(m, j);
        return true;
    }

    bool field(pb::Message *m, const pb::FieldDescriptor *f, const json *j)
    {
        const pb::Reflection *r = m->GetReflection();
        if (is_map(f)) {
            if (j->kind != JSON_OBJECT)
                return misfit("map", j);
            for (const json *child = j->first; child; child = child->next)
                if (!entry(r->AddMessage(m, f), child))
                    return false;
            return true;
        }
        if (!f->is_repeated())
            return f->message_type() ? submessage(r->MutableMessage(m, f), j) : scalar(m, f, j);
        if (j->kind != JSON_ARRAY)
            return misfit("list", j);
        for (const json *child = j->first; child; child = child->next)
            if (!(f->message_type() ? submessage(r->AddMessage(m, f), child) : scalar(m, f, child)))
                return false;
        return true;
    }

    bool entry(pb::Message *m, const json *j)
    {
        const pb::Descriptor *t = m->GetDescriptor();
        json key = {};
        key.kind = JSON_STRING;
        key.text = j->key;
        return field(m, t->FindFieldByName("key"), &key) &&
               (j->kind == JSON_NULL || field(m, t->FindFieldByName("value"), j));
    }

    bool submessage(pb::Message *m, const json *j)
    {
        if (j->kind == JSON_NULL)
            return true;
        switch (known_of(m->GetDescriptor())) {
        case Known::no:
            return message(m, j);
        case Known::wrapper:
            return field(m, m->GetDescriptor()->field(0), j);
        case Known::decimal:
            return decimal(m, j);
        default:
            return moment(m, j);
        }
    }

    void number(pb::Message *m, const char *name, int64_t v)
    {
        const pb::FieldDescriptor *f = m->GetDescriptor()->FindFieldByName(name);
        if (f->cpp_type() == pb::FieldDescriptor::CPPTYPE_INT64)
            m->GetReflection()->SetInt64(m, f, v);
        else if (f->cpp_type() == pb::FieldDescriptor::CPPTYPE_UINT32)
            m->GetReflection()->SetUInt32(m, f, static_cast<uint32_t>(v));
        else
            m->GetReflection()->SetInt32(m, f, static_cast<int32_t>(v));
    }

    bool decimal(pb::Message *m, const json *j)
    {
        int128 v;
        int scale;
        if (!parse_decimal(j->text, &v, &scale))
            return misfit("decimal", j);
        std::string bytes(16, 0);
        for (int i = 15; i >= 0; i--, v >>= 8)
            bytes[static_cast<size_t>(i)] = static_cast<char>(v);
        m->GetReflection()->SetString(m, m->GetDescriptor()->FindFieldByName("value"), bytes);
        number(m, "scale", scale);
        return true;
    }

    // DATE is days, TIME and TIMESTAMP are milliseconds.
    bool moment(pb::Message *m, const json *j)
    {
        int64_t v;
        if (!parse_i64(j->text, &v))
            return misfit(m->GetDescriptor()->full_name(), j);
        if (known_of(m->GetDescriptor()) == Known::timestamp) {
            int64_t seconds = v / 1000 - (v % 1000 < 0);
            number(m, "seconds", seconds);
            number(m, "nanos", (v - seconds * 1000) * 1000000);
        } else if (known_of(m->GetDescriptor()) == Known::time) {
            number(m, "hours", v / 3600000);
            number(m, "minutes", v / 60000 % 60);
            number(m, "seconds", v / 1000 % 60);
            number(m, "nanos", v % 1000 * 1000000);
        } else {
            civil_date date = date_from_days(v);
            number(m, "year", date.year);
            number(m, "month", date.month);
            number(m, "day", date.day);
        }
        return true;
    }

    std::string words(const json *j)
    {
        buf text;
        if (j->kind == JSON_STRING)
            return string_of(j->text);
        buf_init(&text, 0);
        json_print_as_written(&text, j);
        std::string out = string_of(buf_str(&text));
        buf_free(&text);
        return out;
    }

    bool scalar(pb::Message *m, const pb::FieldDescriptor *f, const json *j)
    {
        const pb::Reflection *r = m->GetReflection();
        bool many = f->is_repeated();
        int64_t whole = 0;
        double real = 0;
        uint64_t bits;
        bool is_null = j->kind == JSON_NULL, is_whole = is_null || parse_i64(j->text, &whole);
        switch (f->cpp_type()) {
        case pb::FieldDescriptor::CPPTYPE_INT32:
            many ? r->AddInt32(m, f, static_cast<int32_t>(whole)) : r->SetInt32(m, f, static_cast<int32_t>(whole));
            return is_whole || misfit("int32", j);
        case pb::FieldDescriptor::CPPTYPE_INT64:
            many ? r->AddInt64(m, f, whole) : r->SetInt64(m, f, whole);
            return is_whole || misfit("int64", j);
        case pb::FieldDescriptor::CPPTYPE_UINT32:
            many ? r->AddUInt32(m, f, static_cast<uint32_t>(whole)) : r->SetUInt32(m, f, static_cast<uint32_t>(whole));
            return is_whole || misfit("uint32", j);
        case pb::FieldDescriptor::CPPTYPE_UINT64:
            bits = static_cast<uint64_t>(whole);
            many ? r->AddUInt64(m, f, bits) : r->SetUInt64(m, f, bits);
            return is_whole || misfit("uint64", j);
        case pb::FieldDescriptor::CPPTYPE_DOUBLE:
        case pb::FieldDescriptor::CPPTYPE_FLOAT:
            if (!is_null && !parse_double(j->text, &real))
                return misfit("number", j);
            if (f->cpp_type() == pb::FieldDescriptor::CPPTYPE_DOUBLE)
                many ? r->AddDouble(m, f, real) : r->SetDouble(m, f, real);
            else
                many ? r->AddFloat(m, f, static_cast<float>(real)) : r->SetFloat(m, f, static_cast<float>(real));
            return true;
        case pb::FieldDescriptor::CPPTYPE_BOOL:
            many ? r->AddBool(m, f, j->kind == JSON_TRUE) : r->SetBool(m, f, j->kind == JSON_TRUE);
            return is_null || j->kind == JSON_TRUE || j->kind == JSON_FALSE || misfit("boolean", j);
        case pb::FieldDescriptor::CPPTYPE_ENUM: {
            const pb::EnumValueDescriptor *v =
                is_null ? f->enum_type()->value(0) : f->enum_type()->FindValueByName(string_of(j->text));
            if (!v)
                return misfit("value of the enum", j);
            many ? r->AddEnum(m, f, v) : r->SetEnum(m, f, v);
            return true;
        }
        default: {
            std::string text = is_null ? "" : words(j);
            if (f->type() == pb::FieldDescriptor::TYPE_BYTES && !is_null)
                text = string_of(base64_decode(a, j->text));
            many ? r->AddString(m, f, text) : r->SetString(m, f, text);
            return true;
        }
        }
    }
};

// ---- from bytes

class Reader
{
  public:
    explicit Reader(arena *memory) : a(memory)
    {
    }

    json *message(const pb::Message &m)
    {
        const pb::Descriptor *t = m.GetDescriptor();
        json *out = node(JSON_OBJECT), **tail = out ? &out->first : nullptr;
        for (int i = 0; i < t->real_oneof_decl_count(); i++)
            add(out, &tail, union_of(m, t->oneof_decl(i)), union_name(t->oneof_decl(i)));
        for (int i = 0; i < t->field_count(); i++)
            if (!t->field(i)->real_containing_oneof())
                add(out, &tail, field(m, t->field(i)), t->field(i)->name());
        return out;
    }

  private:
    arena *a;

    json *node(json_kind kind, const std::string &text = std::string())
    {
        json *j = static_cast<json *>(arena_zalloc(a, sizeof(json)));
        if (j) {
            j->kind = kind;
            j->text = str_dup(a, str_make(text.data(), text.size()));
        }
        return j;
    }

    json *node_of(json_kind kind, buf *text)
    {
        json *j = node(kind, string_of(buf_str(text)));
        buf_free(text);
        return j;
    }

    void add(json *parent, json ***tail, json *child, const std::string &key = std::string())
    {
        if (!parent || !child)
            return;
        child->key = str_dup(a, str_make(key.data(), key.size()));
        **tail = child;
        *tail = &child->next;
        parent->n++;
    }

    json *union_of(const pb::Message &m, const pb::OneofDescriptor *o)
    {
        if (!m.GetReflection()->HasOneof(m, o))
            return node(JSON_NULL);
        json *out = node(JSON_OBJECT), **tail = out ? &out->first : nullptr;
        for (int i = 0; i < o->field_count(); i++) {
            const pb::FieldDescriptor *f = o->field(i);
            add(out, &tail, m.GetReflection()->HasField(m, f) ? field(m, f) : node(JSON_NULL), f->name());
        }
        return out;
    }

    json *field(const pb::Message &m, const pb::FieldDescriptor *f)
    {
        const pb::Reflection *r = m.GetReflection();
        if (is_map(f))
            return map(m, f);
        if (f->is_repeated()) {
            json *out = node(JSON_ARRAY), **tail = out ? &out->first : nullptr;
            for (int i = 0; i < r->FieldSize(m, f); i++)
                add(out, &tail, f->message_type() ? submessage(r->GetRepeatedMessage(m, f, i)) : scalar(m, f, i));
            return out;
        }
        if (f->has_presence() && !r->HasField(m, f))
            return node(JSON_NULL);
        return f->message_type() ? submessage(r->GetMessage(m, f)) : scalar(m, f, -1);
    }

    json *map(const pb::Message &m, const pb::FieldDescriptor *f)
    {
        const pb::Reflection *r = m.GetReflection();
        json *out = node(JSON_OBJECT), **tail = out ? &out->first : nullptr;
        for (int i = 0; i < r->FieldSize(m, f); i++) {
            const pb::Message &pair = r->GetRepeatedMessage(m, f, i);
            json *key = field(pair, pair.GetDescriptor()->FindFieldByName("key"));
            json *value = field(pair, pair.GetDescriptor()->FindFieldByName("value"));
            add(out, &tail, value, key ? string_of(key->text) : std::string());
        }
        return out;
    }

    json *submessage(const pb::Message &m)
    {
        switch (known_of(m.GetDescriptor())) {
        case Known::no:
            return message(m);
        case Known::wrapper:
            return scalar(m, m.GetDescriptor()->field(0), -1);
        case Known::decimal:
            return decimal(m);
        default:
            return whole(moment(m));
        }
    }

    static int64_t number(const pb::Message &m, const char *name)
    {
        const pb::FieldDescriptor *f = m.GetDescriptor()->FindFieldByName(name);
        return f->cpp_type() == pb::FieldDescriptor::CPPTYPE_INT64 ? m.GetReflection()->GetInt64(m, f)
                                                                   : m.GetReflection()->GetInt32(m, f);
    }

    static int64_t moment(const pb::Message &m)
    {
        Known known = known_of(m.GetDescriptor());
        if (known == Known::timestamp)
            return number(m, "seconds") * 1000 + number(m, "nanos") / 1000000;
        if (known == Known::time)
            return ((number(m, "hours") * 60 + number(m, "minutes")) * 60 + number(m, "seconds")) * 1000 +
                   number(m, "nanos") / 1000000;
        return date_to_days(number(m, "year"), static_cast<int>(number(m, "month")),
                            static_cast<int>(number(m, "day")));
    }

    json *decimal(const pb::Message &m)
    {
        std::string bytes = m.GetReflection()->GetString(m, m.GetDescriptor()->FindFieldByName("value"));
        unsigned __int128 v = !bytes.empty() && bytes[0] < 0 ? ~static_cast<unsigned __int128>(0) : 0;
        for (char c : bytes)
            v = v << 8 | static_cast<unsigned char>(c);
        buf text;
        buf_init(&text, 0);
        print_decimal(&text, static_cast<int128>(v), static_cast<unsigned>(number(m, "scale")));
        return node_of(number(m, "scale") ? JSON_DECIMAL : JSON_INTEGER, &text);
    }

    json *whole(int64_t v)
    {
        return node(JSON_INTEGER, std::to_string(v));
    }

    json *real(double v)
    {
        buf text;
        buf_init(&text, 0);
        print_double(&text, v);
        return node_of(v - v == 0 ? JSON_DECIMAL : JSON_STRING, &text);
    }

    // at -1: not of a list
    json *scalar(const pb::Message &m, const pb::FieldDescriptor *f, int at)
    {
        const pb::Reflection *r = m.GetReflection();
        switch (f->cpp_type()) {
        case pb::FieldDescriptor::CPPTYPE_INT32:
            return whole(at < 0 ? r->GetInt32(m, f) : r->GetRepeatedInt32(m, f, at));
        case pb::FieldDescriptor::CPPTYPE_INT64:
            return whole(at < 0 ? r->GetInt64(m, f) : r->GetRepeatedInt64(m, f, at));
        case pb::FieldDescriptor::CPPTYPE_UINT32:
            return whole(at < 0 ? r->GetUInt32(m, f) : r->GetRepeatedUInt32(m, f, at));
        case pb::FieldDescriptor::CPPTYPE_UINT64:
            return whole(static_cast<int64_t>(at < 0 ? r->GetUInt64(m, f) : r->GetRepeatedUInt64(m, f, at)));
        case pb::FieldDescriptor::CPPTYPE_DOUBLE:
            return real(at < 0 ? r->GetDouble(m, f) : r->GetRepeatedDouble(m, f, at));
        case pb::FieldDescriptor::CPPTYPE_FLOAT:
            return real(static_cast<double>(at < 0 ? r->GetFloat(m, f) : r->GetRepeatedFloat(m, f, at)));
        case pb::FieldDescriptor::CPPTYPE_BOOL:
            return node((at < 0 ? r->GetBool(m, f) : r->GetRepeatedBool(m, f, at)) ? JSON_TRUE : JSON_FALSE);
        case pb::FieldDescriptor::CPPTYPE_ENUM:
            return node(JSON_STRING, (at < 0 ? r->GetEnum(m, f) : r->GetRepeatedEnum(m, f, at))->name());
        default: {
            std::string text = at < 0 ? r->GetString(m, f) : r->GetRepeatedString(m, f, at);
            if (f->type() != pb::FieldDescriptor::TYPE_BYTES)
                return node(JSON_STRING, text);
            if (text.empty() && at < 0 && !f->has_presence()) // cases show bytes that are not there as null
                return node(JSON_NULL);
            return node(JSON_STRING, string_of(base64_encode(a, str_make(text.data(), text.size()))));
        }
        }
    }
};

// ---- which message

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
    if (!Writer(a, d).message(m.get(), j))
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
    return Reader(a).message(*m);
}
