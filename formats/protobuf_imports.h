/* Schema texts that others import without the registry having them, by Confluent's and Google's published definitions.
 * What is in google/protobuf/ comes with libprotobuf. */
#ifndef WEIR_FORMATS_PROTOBUF_IMPORTS_H
#define WEIR_FORMATS_PROTOBUF_IMPORTS_H

static const struct protobuf_import {
    const char *path, *text;
} protobuf_imports[] = {
    {"confluent/meta.proto",
     "syntax = \"proto3\";\n"
     "package confluent;\n"
     "import \"google/protobuf/descriptor.proto\";\n"
     "message Meta { string doc = 1; map<string, string> params = 2; repeated string tags = 3; }\n"
     "extend google.protobuf.FileOptions { Meta file_meta = 1088; }\n"
     "extend google.protobuf.MessageOptions { Meta message_meta = 1088; }\n"
     "extend google.protobuf.FieldOptions { Meta field_meta = 1088; }\n"
     "extend google.protobuf.EnumOptions { Meta enum_meta = 1088; }\n"
     "extend google.protobuf.EnumValueOptions { Meta enum_value_meta = 1088; }\n"},
    /* Texts speak of precision and scale with only this import. */
    {"confluent/type/decimal.proto",
     "syntax = \"proto3\";\n"
     "package confluent.type;\n"
     "import public \"confluent/meta.proto\";\n"
     "message Decimal { bytes value = 1; uint32 precision = 2; int32 scale = 3; }\n"},
    {"google/type/date.proto",
     "syntax = \"proto3\";\n"
     "package google.type;\n"
     "message Date { int32 year = 1; int32 month = 2; int32 day = 3; }\n"},
    {"google/type/timeofday.proto",
     "syntax = \"proto3\";\n"
     "package google.type;\n"
     "message TimeOfDay { int32 hours = 1; int32 minutes = 2; int32 seconds = 3; int32 nanos = 4; }\n"},
};

enum { PROTOBUF_FIELD_META = 1088, PROTOBUF_META_PARAMS = 2 };

#endif
