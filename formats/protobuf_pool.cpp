// Schema texts to libprotobuf's descriptors, by its parser and descriptor pool.
#include "formats/protobuf_pool.h"
#include "formats/protobuf_imports.h"

#include <google/protobuf/compiler/parser.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/descriptor_database.h>
#include <google/protobuf/io/tokenizer.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <map>
#include <string>

namespace pb = google::protobuf;

namespace
{

constexpr char main_path[] = "the schema";
constexpr unsigned max_references = 100; // one behind the other

// The first error, in words.
class Errors : public pb::io::ErrorCollector, public pb::DescriptorPool::ErrorCollector
{
  public:
    std::string text;

    void AddError(int line, pb::io::ColumnNumber column, const std::string &message) override
    {
        if (text.empty())
            text = "line " + std::to_string(line + 1) + ", column " + std::to_string(column + 1) + ": " + message;
    }
    void AddError(const std::string &, const std::string &element, const pb::Message *, ErrorLocation,
                  const std::string &message) override
    {
        if (text.empty())
            text = element + ": " + message;
    }
};

// The files that a schema may speak of: itself, its references, and what everybody may import.
class Files : public pb::DescriptorDatabase
{
  public:
    explicit Files(Errors *e) : errors(e)
    {
    }
    std::map<std::string, std::string> texts;

    bool FindFileByName(const std::string &path, pb::FileDescriptorProto *out) override
    {
        auto found = texts.find(path);
        if (found != texts.end())
            return parse(path, found->second, out);
        for (const protobuf_import &known : protobuf_imports)
            if (path == known.path)
                return parse(path, known.text, out);
        const pb::FileDescriptor *built_in = pb::DescriptorPool::generated_pool()->FindFileByName(path);
        if (built_in)
            built_in->CopyTo(out);
        return built_in != nullptr;
    }
    bool FindFileContainingSymbol(const std::string &, pb::FileDescriptorProto *) override
    {
        return false;
    }
    bool FindFileContainingExtension(const std::string &, int, pb::FileDescriptorProto *) override
    {
        return false;
    }

  private:
    Errors *errors;

    bool parse(const std::string &path, const std::string &text, pb::FileDescriptorProto *out)
    {
        pb::LogSilencer quiet; // a text without its syntax is proto2, and fine
        pb::io::ArrayInputStream in(text.data(), static_cast<int>(text.size()));
        pb::io::Tokenizer tokens(&in, errors);
        pb::compiler::Parser parser;
        parser.RecordErrorsTo(errors);
        out->set_name(path);
        return parser.Parse(&tokens, out) && errors->text.empty();
    }
};

// Collects the texts of references, and of theirs.
status load_references(registry *r, const registered_schema *schema, Files *files, unsigned depth, diag *d)
{
    for (uint32_t i = 0; i < schema->n_references; i++) {
        const schema_reference &reference = schema->references[i];
        const registered_schema *target = nullptr;
        std::string name(reference.name.p, reference.name.len);
        if (files->texts.count(name))
            continue;
        if (!r || depth == max_references)
            return diag_set(d, STATUS_INVALID, "The reference '%s' of a schema cannot be followed", name.c_str());
        status st = registry_by_subject(r, reference.subject, reference.version, &target, d);
        if (st != STATUS_OK)
            return st;
        files->texts.emplace(std::move(name), std::string(target->text.p, target->text.len));
        st = load_references(r, target, files, depth + 1, d);
        if (st != STATUS_OK)
            return st;
    }
    return STATUS_OK;
}

} // namespace

struct SchemaPool::Parts {
    Errors errors;
    Files files{&errors};
    pb::DescriptorPool pool{&files, &errors};
};

SchemaPool::SchemaPool() : parts(new Parts)
{
}

SchemaPool::~SchemaPool() = default;

status SchemaPool::load(registry *r, const registered_schema *schema, const pb::FileDescriptor **out, diag *d)
{
    Files &files = parts->files;
    files.texts.emplace(main_path, std::string(schema->text.p, schema->text.len));
    status st = load_references(r, schema, &files, 0, d);
    if (st != STATUS_OK)
        return st;
    *out = parts->pool.FindFileByName(main_path);
    return *out ? STATUS_OK
                : diag_set(d, STATUS_INVALID, "The schema is not valid Protobuf: %s", parts->errors.text.c_str());
}
