// Protobuf messages to JSON values, as cases write them.
#include "cli/test/protobuf_int.h"

namespace pb = google::protobuf;

namespace
{

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

} // namespace

json *message_to_json(arena *a, const pb::Message &m)
{
    return Reader(a).message(m);
}
