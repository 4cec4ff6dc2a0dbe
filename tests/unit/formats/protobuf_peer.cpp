// Rows as libprotobuf's messages; see protobuf_peer.h. Fields are found by the names of columns.
#include "protobuf_peer.h"
#include "formats/protobuf_pool.h"

#include <google/protobuf/dynamic_message.h>

#include <string>
#include <vector>

namespace pb = google::protobuf;

struct peer {
    SchemaPool pool;
    pb::DynamicMessageFactory factory;
    const pb::Descriptor *type = nullptr;
};

namespace
{

const pb::FieldDescriptor *named(const pb::Descriptor *m, const char *name)
{
    return m->FindFieldByName(name);
}

const pb::FieldDescriptor *named(const pb::Descriptor *m, struct str name)
{
    return m->FindFieldByName(std::string(name.p, name.len));
}

bool is_wrapper(const pb::Descriptor *m)
{
    return m->field_count() == 1 && m->field(0)->name() == "value";
}

// ---- writing

void set_int(pb::Message *m, const char *name, int64_t v)
{
    const pb::FieldDescriptor *f = named(m->GetDescriptor(), name);
    const pb::Reflection *r = m->GetReflection();
    if (f->cpp_type() == pb::FieldDescriptor::CPPTYPE_INT64)
        r->SetInt64(m, f, v);
    else if (f->cpp_type() == pb::FieldDescriptor::CPPTYPE_UINT32)
        r->SetUInt32(m, f, static_cast<uint32_t>(v));
    else
        r->SetInt32(m, f, static_cast<int32_t>(v));
}

void put_row(pb::Message *m, const field *fields, uint32_t n, const value *items);
void put_field(pb::Message *m, const pb::FieldDescriptor *f, const type *t, const value *v);

void put_scalar(pb::Message *m, const pb::FieldDescriptor *f, const type *t, const value *v, bool many)
{
    const pb::Reflection *r = m->GetReflection();
    bool null = value_is_null(v);
    switch (t->kind) {
    case KIND_BOOLEAN:
        many ? r->AddBool(m, f, !null && v->boolean) : r->SetBool(m, f, v->boolean);
        break;
    case KIND_INT:
        many ? r->AddInt32(m, f, null ? 0 : v->i32) : r->SetInt32(m, f, v->i32);
        break;
    case KIND_BIGINT:
        many ? r->AddInt64(m, f, null ? 0 : v->i64) : r->SetInt64(m, f, v->i64);
        break;
    case KIND_DOUBLE:
        many ? r->AddDouble(m, f, null ? 0 : v->f64) : r->SetDouble(m, f, v->f64);
        break;
    default: {
        std::string text = null ? "" : std::string(v->str.p ? v->str.p : "", v->str.len);
        many ? r->AddString(m, f, text) : r->SetString(m, f, text);
    }
    }
}

void put_message(pb::Message *m, const type *t, const value *v)
{
    int64_t seconds;
    if (is_wrapper(m->GetDescriptor()) && t->kind != KIND_STRUCT) {
        put_field(m, m->GetDescriptor()->field(0), t, v);
        return;
    }
    if (value_is_null(v))
        return;
    switch (t->kind) {
    case KIND_STRUCT:
        put_row(m, t->fields, t->n_fields, v->nested->items);
        break;
    case KIND_DECIMAL: {
        std::string bytes;
        int128 rest = *v->decimal;
        for (int i = 0; i < 16; i++, rest >>= 8)
            bytes.insert(bytes.begin(), static_cast<char>(rest));
        m->GetReflection()->SetString(m, named(m->GetDescriptor(), "value"), bytes);
        set_int(m, "scale", t->scale);
        break;
    }
    case KIND_DATE: {
        civil_date date = date_from_days(v->i32);
        set_int(m, "year", date.year);
        set_int(m, "month", date.month);
        set_int(m, "day", date.day);
        break;
    }
    case KIND_TIME:
        set_int(m, "hours", v->i32 / 3600000);
        set_int(m, "minutes", v->i32 / 60000 % 60);
        set_int(m, "seconds", v->i32 / 1000 % 60);
        set_int(m, "nanos", v->i32 % 1000 * INT64_C(1000000));
        break;
    default:
        seconds = v->i64 / 1000 - (v->i64 % 1000 < 0);
        set_int(m, "seconds", seconds);
        set_int(m, "nanos", (v->i64 - seconds * 1000) * 1000000);
    }
}

void put_field(pb::Message *m, const pb::FieldDescriptor *f, const type *t, const value *v)
{
    const pb::Reflection *r = m->GetReflection();
    if (value_is_null(v))
        return;
    if (!f->is_repeated()) {
        f->message_type() ? put_message(r->MutableMessage(m, f), t, v) : put_scalar(m, f, t, v, false);
        return;
    }
    for (uint32_t i = 0; i < v->nested->n; i++) {
        const value *item = &v->nested->items[i];
        if (t->kind == KIND_MAP) {
            pb::Message *entry = r->AddMessage(m, f);
            put_field(entry, named(entry->GetDescriptor(), "key"), t->key, &v->nested->keys[i]);
            put_field(entry, named(entry->GetDescriptor(), "value"), t->element, item);
        } else if (f->message_type()) {
            put_message(r->AddMessage(m, f), t->element, item);
        } else {
            put_scalar(m, f, t->element, item, true);
        }
    }
}

void put_row(pb::Message *m, const field *fields, uint32_t n, const value *items)
{
    for (uint32_t i = 0; i < n; i++)
        put_field(m, named(m->GetDescriptor(), fields[i].name), fields[i].type, &items[i]);
}

// ---- reading

int64_t get_int(const pb::Message &m, const char *name)
{
    const pb::FieldDescriptor *f = named(m.GetDescriptor(), name);
    const pb::Reflection *r = m.GetReflection();
    return f->cpp_type() == pb::FieldDescriptor::CPPTYPE_INT64 ? r->GetInt64(m, f) : r->GetInt32(m, f);
}

void get_row(const pb::Message &m, const field *fields, uint32_t n, arena *a, value *items);
value get_field(const pb::Message &m, const pb::FieldDescriptor *f, const type *t, arena *a);

// at -1: not of a list
value get_scalar(const pb::Message &m, const pb::FieldDescriptor *f, const type *t, int at, arena *a)
{
    const pb::Reflection *r = m.GetReflection();
    value v = {};
    v.kind = static_cast<uint8_t>(t->kind);
    switch (t->kind) {
    case KIND_BOOLEAN:
        v.boolean = at < 0 ? r->GetBool(m, f) : r->GetRepeatedBool(m, f, at);
        break;
    case KIND_INT:
        v.i32 = at < 0 ? r->GetInt32(m, f) : r->GetRepeatedInt32(m, f, at);
        break;
    case KIND_BIGINT:
        v.i64 = at < 0 ? r->GetInt64(m, f) : r->GetRepeatedInt64(m, f, at);
        break;
    case KIND_DOUBLE:
        v.f64 = at < 0 ? r->GetDouble(m, f) : r->GetRepeatedDouble(m, f, at);
        break;
    default: {
        std::string text = at < 0 ? r->GetString(m, f) : r->GetRepeatedString(m, f, at);
        v.str = str_dup(a, str_make(text.data(), text.size()));
    }
    }
    return v;
}

value get_message(const pb::Message &m, const type *t, arena *a)
{
    value v = {};
    v.kind = static_cast<uint8_t>(t->kind);
    if (is_wrapper(m.GetDescriptor()) && t->kind != KIND_STRUCT)
        return get_field(m, m.GetDescriptor()->field(0), t, a);
    switch (t->kind) {
    case KIND_STRUCT: {
        nested *row = ARENA_NEW(a, nested);
        row->n = t->n_fields;
        row->items = ARENA_ARRAY(a, value, row->n);
        get_row(m, t->fields, row->n, a, row->items);
        v.nested = row;
        break;
    }
    case KIND_DECIMAL: {
        std::string bytes = m.GetReflection()->GetString(m, named(m.GetDescriptor(), "value"));
        int128 *number = ARENA_NEW(a, int128);
        *number = !bytes.empty() && bytes[0] < 0 ? -1 : 0;
        for (char c : bytes)
            *number = static_cast<int128>(static_cast<unsigned __int128>(*number) << 8 | static_cast<unsigned char>(c));
        v.decimal = number;
        break;
    }
    case KIND_DATE:
        if (get_int(m, "month") == 0)
            v.kind = KIND_NULL;
        else
            v.i32 = static_cast<int32_t>(date_to_days(get_int(m, "year"), static_cast<int>(get_int(m, "month")),
                                                      static_cast<int>(get_int(m, "day"))));
        break;
    case KIND_TIME:
        v.i32 = static_cast<int32_t>(((get_int(m, "hours") * 60 + get_int(m, "minutes")) * 60 + get_int(m, "seconds")) *
                                         1000 +
                                     get_int(m, "nanos") / 1000000);
        break;
    default:
        v.i64 = static_cast<int64_t>(static_cast<int128>(get_int(m, "seconds")) * 1000 + get_int(m, "nanos") / 1000000);
    }
    return v;
}

value get_field(const pb::Message &m, const pb::FieldDescriptor *f, const type *t, arena *a)
{
    const pb::Reflection *r = m.GetReflection();
    value v = {};
    if (!f->is_repeated()) {
        if (f->has_presence() && !r->HasField(m, f))
            return v;
        return f->message_type() ? get_message(r->GetMessage(m, f), t, a) : get_scalar(m, f, t, -1, a);
    }
    nested *list = ARENA_NEW(a, nested);
    list->n = static_cast<uint32_t>(r->FieldSize(m, f));
    list->items = ARENA_ARRAY(a, value, list->n);
    list->keys = t->kind == KIND_MAP ? ARENA_ARRAY(a, value, list->n) : nullptr;
    for (uint32_t i = 0; i < list->n; i++) {
        int at = static_cast<int>(i);
        if (t->kind == KIND_MAP) {
            const pb::Message &entry = r->GetRepeatedMessage(m, f, at);
            list->keys[i] = get_field(entry, named(entry.GetDescriptor(), "key"), t->key, a);
            if (value_is_null(&list->keys[i]))
                list->keys[i].kind = KIND_STRING;
            list->items[i] = get_field(entry, named(entry.GetDescriptor(), "value"), t->element, a);
        } else {
            list->items[i] = f->message_type() ? get_message(r->GetRepeatedMessage(m, f, at), t->element, a)
                                               : get_scalar(m, f, t->element, at, a);
        }
    }
    if (list->keys)
        (void)!value_map_order(a, list->keys, list->items, &list->n);
    v.kind = static_cast<uint8_t>(t->kind);
    v.nested = list;
    return v;
}

void get_row(const pb::Message &m, const field *fields, uint32_t n, arena *a, value *items)
{
    for (uint32_t i = 0; i < n; i++)
        items[i] = get_field(m, named(m.GetDescriptor(), fields[i].name), fields[i].type, a);
}

std::vector<field> fields_of(const schema_column *columns, uint32_t n)
{
    std::vector<field> fields(n);
    for (uint32_t i = 0; i < n; i++)
        fields[i] = {columns[i].name, columns[i].type};
    return fields;
}

} // namespace

extern "C" peer *peer_open(struct str schema_text)
{
    registered_schema schema = {};
    const pb::FileDescriptor *file;
    std::unique_ptr<peer> p(new peer);
    schema.type = SCHEMA_PROTOBUF;
    schema.text = schema_text;
    if (p->pool.load(nullptr, &schema, &file, nullptr) != STATUS_OK || file->message_type_count() == 0)
        return nullptr;
    p->type = file->message_type(0);
    return p.release();
}

extern "C" void peer_close(peer *p)
{
    delete p;
}

extern "C" bool peer_write(peer *p, const schema_column *columns, uint32_t n, const value *items, buf *out)
{
    std::unique_ptr<pb::Message> m(p->factory.GetPrototype(p->type)->New());
    put_row(m.get(), fields_of(columns, n).data(), n, items);
    std::string bytes = m->SerializeAsString();
    buf_put(out, bytes.data(), bytes.size());
    return !out->failed;
}

extern "C" bool peer_read(peer *p, struct str bytes, const schema_column *columns, uint32_t n, arena *a, value *items)
{
    std::unique_ptr<pb::Message> m(p->factory.GetPrototype(p->type)->New());
    pb::LogSilencer quiet; // of texts that are not UTF-8
    if (!m->ParseFromArray(bytes.p, static_cast<int>(bytes.len)))
        return false;
    get_row(*m, fields_of(columns, n).data(), n, a, items);
    return !a->failed;
}
