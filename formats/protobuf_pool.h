// Schema texts to libprotobuf's descriptors: for the one file of the format that needs them, and for tests, which use
// libprotobuf as a second implementation of the format. C++ only.
#ifndef WEIR_FORMATS_PROTOBUF_POOL_H
#define WEIR_FORMATS_PROTOBUF_POOL_H

extern "C" {
#include "formats/registry.h"
}

#include <google/protobuf/descriptor.h>

#include <memory>

// A schema with all that it refers to. Throws std::bad_alloc only.
class SchemaPool {
public:
    SchemaPool();
    ~SchemaPool();
    SchemaPool(const SchemaPool &) = delete;
    SchemaPool &operator=(const SchemaPool &) = delete;
    // STATUS_INVALID: the text is not a schema; or what the registry says of a reference. `r` may be NULL where there are
    // none. The descriptors live as long as the pool.
    status load(registry *r, const registered_schema *schema, const google::protobuf::FileDescriptor **out, diag *d);

private:
    struct Parts;
    std::unique_ptr<Parts> parts;
};

#endif
