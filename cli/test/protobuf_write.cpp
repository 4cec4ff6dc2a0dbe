// JSON values of cases to Protobuf messages. Names are found as they are written, else in any case; what the schema does
// not have is left out.
#include "cli/test/protobuf_int.h"

#include <strings.h>

namespace pb = google::protobuf;

namespace
{

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

} // namespace

bool message_from_json(arena *a, pb::Message *m, const json *j, diag *d)
{
    return Writer(a, d).message(m, j);
}
