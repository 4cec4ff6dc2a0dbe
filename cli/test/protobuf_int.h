// Private to protobuf*.cpp: JSON values of cases and libprotobuf's messages.
#ifndef WEIR_CLI_TEST_PROTOBUF_INT_H
#define WEIR_CLI_TEST_PROTOBUF_INT_H

#include "cli/test/protobuf.h"

extern "C" {
#include "functions/codec.h"
}

#include <google/protobuf/message.h>

#include <string>

enum class Known { no, wrapper, decimal, date, time, timestamp }; // messages that stand for something else
Known known_of(const google::protobuf::Descriptor *m);
// A map, also one that is written as a repeated message.
bool is_map(const google::protobuf::FieldDescriptor *f);
// As a column: CHOICE_0.
std::string union_name(const google::protobuf::OneofDescriptor *o);
std::string string_of(struct str s);

// False: the value does not fit, see `d`.
bool message_from_json(arena *a, google::protobuf::Message *m, const json *j, diag *d);
// NULL: no memory.
json *message_to_json(arena *a, const google::protobuf::Message &m);

#endif
