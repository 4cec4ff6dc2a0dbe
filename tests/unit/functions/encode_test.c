/* ENCODE, numbers from bytes, and the codecs. */
#include "call_text.h"
#include "functions/codec.h"

TEST(encode, hex)
{
    CHECK_CALL("ENCODE('4578616d706C6521', 'hex', 'ascii')", "Example!");
    CHECK_CALL("ENCODE('ce95cebb', 'hex', 'ascii')", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
    CHECK_CALL("ENCODE('0x4578616d706C6521', 'hex', 'base64')", "RXhhbXBsZSE=");
    CHECK_CALL("ENCODE('X''4578616d706C6521''', 'hex', 'utf8')", "Example!");
    CHECK_CALL("ENCODE('0x', 'hex', 'utf8')", "");
    CHECK_CALL("ENCODE('x''''', 'hex', 'utf8')", "");
    CHECK_CALL("ENCODE('0x578616d706C6521', 'hex', 'utf8')", "\x05xample!");
    CHECK_CALL("ENCODE('0x0x', 'hex', 'utf8')", "! Malformed text: 0x0x");
    CHECK_CALL("ENCODE('X''', 'hex', 'utf8')", "! Malformed text: X'");
    CHECK_CALL("ENCODE('578616d706C6521', 'hex', 'utf8')", "! Malformed text: 578616d706C6521");
}

TEST(encode, others)
{
    CHECK_CALL("ENCODE('\xCE\x95\xCE\xBB', 'ascii', 'hex')", "3f3f");
    CHECK_CALL("ENCODE('Example!', 'ascii', 'base64')", "RXhhbXBsZSE=");
    CHECK_CALL("ENCODE('zpXOu867zqzOtM6x', 'base64', 'hex')", "ce95cebbcebbceacceb4ceb1");
    CHECK_CALL("ENCODE('a', 'utf8', 'hex')", "61");
    CHECK_CALL("ENCODE('a', 'x', 'hex')",
               "! Unknown input encoding type 'x'. Supported formats are 'hex', 'utf8', 'ascii', and 'base64'.");
    CHECK_CALL("ENCODE('a', 'hex', 'x')",
               "! Unknown output encoding type 'x'. Supported formats are 'hex', 'utf8', 'ascii', and 'base64'.");
}

TEST(encode, numbers)
{
    CHECK_CALL("INT_FROM_BYTES(x'000007e5')", "2021");
    CHECK_CALL("INT_FROM_BYTES(x'e5070000', 'LITTLE_ENDIAN')", "2021");
    CHECK_CALL("BIGINT_FROM_BYTES(x'000000012a05f200')", "5000000000");
    CHECK_CALL("DOUBLE_FROM_BYTES(x'4080a6fd9bc9f582')", "532.8738323");
    CHECK_CALL("INT_FROM_BYTES(x'00')", "! Number of bytes must be equal to 4, but found 1");
    CHECK_CALL("INT_FROM_BYTES(x'00000000', 'MIDDLE')", "! Byte order must be BIG_ENDIAN or LITTLE_ENDIAN");
}

TEST(codec, base64_round_trip)
{
    struct arena a;
    arena_init(&a, 0);
    char bytes[64];
    for (uint32_t n = 0; n < sizeof bytes; n++) {
        for (uint32_t i = 0; i < n; i++)
            bytes[i] = (char)(i * 37 + n);
        struct str in = str_make(bytes, n), text = base64_encode(&a, in);
        CHECK(str_eq(base64_decode(&a, text), in));
        CHECK(str_eq(base64_decode_lenient(&a, text), in));
        CHECK(str_eq(hex_decode(&a, hex_encode(&a, in, n % 2)), in));
    }
    CHECK(base64_decode(&a, STR("A")).p == NULL);
    CHECK(base64_decode(&a, STR("AB=")).p == NULL);
    CHECK(base64_decode(&a, STR("AB-_")).p == NULL);
    CHECK(base64_decode_lenient(&a, STR("A B-_")).len == 3);
    CHECK(base64_decode(&a, STR("====")).p == NULL);
    CHECK(hex_decode(&a, STR("0g")).p == NULL);
    arena_free(&a);
}
