// Schema texts to models. With protobuf_pool.cpp the only C++ of the format: nothing of libprotobuf leaves them, nor is
// anything of it touched before the first text is read.
#include "formats/protobuf_imports.h"
#include "formats/protobuf_pool.h"
#include "formats/protobuf_wire.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include <map>
#include <new>
#include <string>

namespace pb = google::protobuf;

namespace
{

// Descriptors to the model. Memory that runs out shows in the arena.
class Modeller
{
  public:
    explicit Modeller(arena *memory) : a(memory)
    {
    }

    const proto_file *file(const pb::FileDescriptor *fd)
    {
        proto_file *file = make<proto_file>(1);
        const proto_message **messages = make<const proto_message *>(fd->message_type_count());
        if (!file || !messages)
            return nullptr;
        for (int i = 0; i < fd->message_type_count(); i++)
            messages[file->n_messages++] = message(fd->message_type(i));
        file->package = text(fd->package());
        file->messages = messages;
        return file;
    }

  private:
    arena *a;
    std::map<const pb::Descriptor *, proto_message *> messages_made;
    std::map<const pb::EnumDescriptor *, proto_enum *> enums_made;

    template <class T> T *make(int n)
    {
        return static_cast<T *>(arena_zalloc(a, static_cast<size_t>(n) * sizeof(T)));
    }

    str text(const std::string &s)
    {
        return str_dup(a, str_make(s.data(), s.size()));
    }

    static proto_known known_of(const pb::Descriptor *m)
    {
        static const struct {
            const char *name;
            proto_known known;
        } table[] = {
            {"google.protobuf.DoubleValue", PROTO_VALUE},
            {"google.protobuf.FloatValue", PROTO_VALUE},
            {"google.protobuf.Int64Value", PROTO_VALUE},
            {"google.protobuf.UInt64Value", PROTO_VALUE},
            {"google.protobuf.Int32Value", PROTO_VALUE},
            {"google.protobuf.UInt32Value", PROTO_VALUE},
            {"google.protobuf.BoolValue", PROTO_VALUE},
            {"google.protobuf.StringValue", PROTO_VALUE},
            {"google.protobuf.BytesValue", PROTO_VALUE},
            {"google.protobuf.Timestamp", PROTO_TIMESTAMP},
            {"google.type.Date", PROTO_DATE},
            {"google.type.TimeOfDay", PROTO_TIME},
            {"confluent.type.Decimal", PROTO_DECIMAL},
        };
        for (const auto &line : table)
            if (m->full_name() == line.name)
                return line.known;
        const std::string &name = m->name();
        bool named = name.size() >= 5 && name.compare(name.size() - 5, 5, "Entry") == 0;
        bool paired = m->field_count() == 2 && m->FindFieldByName("key") && m->FindFieldByName("value");
        return m->options().map_entry() || (named && paired) ? PROTO_MAP_ENTRY : PROTO_PLAIN;
    }

    const proto_message *message(const pb::Descriptor *m)
    {
        proto_message *&place = messages_made[m];
        if (place)
            return place;
        proto_message *made = place = make<proto_message>(1);
        proto_field *fields = make<proto_field>(m->field_count());
        str *oneofs = make<str>(m->real_oneof_decl_count());
        const proto_message **nested = make<const proto_message *>(m->nested_type_count());
        if (!made || !fields || !oneofs || !nested)
            return made;
        made->name = text(m->name());
        made->full_name = text(m->full_name());
        made->known = known_of(m);
        made->fields = fields;
        made->oneofs = oneofs;
        made->nested = nested;
        for (int i = 0; i < m->real_oneof_decl_count(); i++)
            oneofs[made->n_oneofs++] = text(m->oneof_decl(i)->name()); // the real ones come first;
        for (int i = 0; i < m->field_count(); i++)
            set_field(&fields[made->n_fields++], m->field(i));
        for (int i = 0; i < m->nested_type_count(); i++) // those of map<> are not in the text
            if (!m->nested_type(i)->options().map_entry())
                nested[made->n_nested++] = message(m->nested_type(i));
        return made;
    }

    const proto_enum *enumeration(const pb::EnumDescriptor *e)
    {
        proto_enum *&made = enums_made[e];
        if (made)
            return made;
        made = make<proto_enum>(1);
        proto_enum_value *values = make<proto_enum_value>(e->value_count());
        if (!made || !values)
            return made;
        made->name = text(e->name());
        made->values = values;
        for (int i = 0; i < e->value_count(); i++)
            values[made->n++] = {text(e->value(i)->name()), e->value(i)->number()};
        return made;
    }

    static proto_type type_of(const pb::FieldDescriptor *f)
    {
        switch (f->type()) {
        case pb::FieldDescriptor::TYPE_DOUBLE:
            return PROTO_DOUBLE;
        case pb::FieldDescriptor::TYPE_FLOAT:
            return PROTO_FLOAT;
        case pb::FieldDescriptor::TYPE_INT32:
            return PROTO_INT32;
        case pb::FieldDescriptor::TYPE_INT64:
            return PROTO_INT64;
        case pb::FieldDescriptor::TYPE_UINT32:
            return PROTO_UINT32;
        case pb::FieldDescriptor::TYPE_UINT64:
            return PROTO_UINT64;
        case pb::FieldDescriptor::TYPE_SINT32:
            return PROTO_SINT32;
        case pb::FieldDescriptor::TYPE_SINT64:
            return PROTO_SINT64;
        case pb::FieldDescriptor::TYPE_FIXED32:
            return PROTO_FIXED32;
        case pb::FieldDescriptor::TYPE_FIXED64:
            return PROTO_FIXED64;
        case pb::FieldDescriptor::TYPE_SFIXED32:
            return PROTO_SFIXED32;
        case pb::FieldDescriptor::TYPE_SFIXED64:
            return PROTO_SFIXED64;
        case pb::FieldDescriptor::TYPE_BOOL:
            return PROTO_BOOL;
        case pb::FieldDescriptor::TYPE_ENUM:
            return PROTO_ENUM;
        case pb::FieldDescriptor::TYPE_STRING:
            return PROTO_STRING;
        case pb::FieldDescriptor::TYPE_BYTES:
            return PROTO_BYTES;
        case pb::FieldDescriptor::TYPE_GROUP:
            return PROTO_GROUP;
        default:
            return PROTO_MESSAGE;
        }
    }

    void set_field(proto_field *out, const pb::FieldDescriptor *f)
    {
        bool is_message = f->message_type() != nullptr;
        out->name = text(f->name());
        out->number = static_cast<uint32_t>(f->number());
        out->type = type_of(f);
        out->repeated = f->is_repeated();
        out->packed = f->is_packed();
        out->presence = f->has_presence() && !is_message;
        out->optional = out->presence && !f->has_default_value();
        out->checks_utf8 =
            f->type() == pb::FieldDescriptor::TYPE_STRING && f->file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO3;
        out->oneof = f->real_containing_oneof() ? f->real_containing_oneof()->index() : -1;
        if (is_message)
            out->message = message(f->message_type());
        if (f->enum_type())
            out->values = enumeration(f->enum_type());
        if (!is_message)
            set_fallback(out, f);
        else if (out->message && out->message->known == PROTO_DECIMAL)
            set_decimal(out, f);
    }

    void set_fallback(proto_field *out, const pb::FieldDescriptor *f)
    {
        value *v = &out->fallback;
        v->kind = static_cast<uint8_t>(proto_kind(out));
        switch (f->cpp_type()) {
        case pb::FieldDescriptor::CPPTYPE_INT32:
            v->i32 = f->default_value_int32();
            break;
        case pb::FieldDescriptor::CPPTYPE_INT64:
            v->i64 = f->default_value_int64();
            break;
        case pb::FieldDescriptor::CPPTYPE_UINT32:
            v->i64 = f->default_value_uint32();
            break;
        case pb::FieldDescriptor::CPPTYPE_UINT64:
            v->i64 = static_cast<int64_t>(f->default_value_uint64());
            break;
        case pb::FieldDescriptor::CPPTYPE_DOUBLE:
            v->f64 = f->default_value_double();
            break;
        case pb::FieldDescriptor::CPPTYPE_FLOAT:
            v->f64 = static_cast<double>(f->default_value_float());
            break;
        case pb::FieldDescriptor::CPPTYPE_BOOL:
            v->boolean = f->default_value_bool();
            break;
        case pb::FieldDescriptor::CPPTYPE_ENUM:
            v->str = text(f->default_value_enum()->name());
            break;
        default:
            v->str = text(f->default_value_string());
        }
    }

    // Precision and scale are parameters of confluent.field_meta, which libprotobuf keeps as an unknown field.
    static void set_decimal(proto_field *out, const pb::FieldDescriptor *f)
    {
        const pb::UnknownFieldSet &options = f->options().unknown_fields();
        for (int i = 0; i < options.field_count(); i++) {
            const pb::UnknownField &option = options.field(i);
            pb::UnknownFieldSet meta;
            if (option.number() != PROTOBUF_FIELD_META || option.type() != pb::UnknownField::TYPE_LENGTH_DELIMITED ||
                !meta.ParseFromString(option.length_delimited()))
                continue;
            for (int k = 0; k < meta.field_count(); k++)
                if (meta.field(k).number() == PROTOBUF_META_PARAMS &&
                    meta.field(k).type() == pb::UnknownField::TYPE_LENGTH_DELIMITED)
                    set_param(out, meta.field(k).length_delimited());
        }
    }

    static void set_param(proto_field *out, const std::string &entry)
    {
        pb::UnknownFieldSet pair;
        std::string texts[2];
        if (!pair.ParseFromString(entry))
            return;
        for (int i = 0; i < pair.field_count(); i++)
            if (pair.field(i).type() == pb::UnknownField::TYPE_LENGTH_DELIMITED && pair.field(i).number() <= 2)
                texts[pair.field(i).number() - 1] = pair.field(i).length_delimited();
        int64_t number;
        if (!parse_i64(str_make(texts[1].data(), texts[1].size()), &number) || number < 0 || number > UINT16_MAX)
            return;
        if (texts[0] == "precision")
            out->precision = static_cast<uint16_t>(number);
        else if (texts[0] == "scale")
            out->scale = static_cast<uint16_t>(number);
    }
};

status parse(registry *r, const registered_schema *schema, arena *a, const proto_file **out, diag *d)
{
    SchemaPool pool;
    const pb::FileDescriptor *fd;
    status st = pool.load(r, schema, &fd, d);
    if (st != STATUS_OK)
        return st;
    *out = Modeller(a).file(fd);
    return a->failed ? diag_nomem(d) : STATUS_OK;
}

} // namespace

extern "C" status proto_parse(registry *r, const registered_schema *schema, arena *a, const proto_file **out, diag *d)
{
    try {
        return parse(r, schema, a, out, d);
    } catch (const std::bad_alloc &) {
        return diag_nomem(d);
    } catch (...) {
        return diag_set(d, STATUS_INVALID, "The schema cannot be read");
    }
}
