/* Functions of texts and bytes. */
#include "call_text.h"

TEST(string, case_and_length)
{
    CHECK_CALL("UCASE('stra\xC3\x9F"
               "e')",
               "STRASSE");
    CHECK_CALL("LCASE('\xCE\xA3\xCE\x91\xCE\xA3')", "\xCF\x83\xCE\xB1\xCF\x82");
    CHECK_CALL("LCASE('AbC')", "abc");
    CHECK_CALL("UCASE('')", "");
    CHECK_CALL("UCASE(null:STRING)", "null");
    CHECK_CALL("LEN('\xF0\x9F\x98\x80')", "2");
    CHECK_CALL("LEN(x'0001ff')", "3");
    CHECK_CALL("INITCAP('the   Quick br0wn fOx')", "The   Quick Br0wn Fox");
    CHECK_CALL("INITCAP('some_string')", "Some_string");
    CHECK_CALL("INITCAP('  a b ')", "A B ");
    CHECK_CALL("TRIM(' \t a b\x01 ')", "a b");
    CHECK_CALL("TRIM('\xC2\xA0x')", "\xC2\xA0x");
}

TEST(string, substring)
{
    CHECK_CALL("SUBSTRING('some_string', 6)", "string");
    CHECK_CALL("SUBSTRING('short', 6)", "");
    CHECK_CALL("SUBSTRING('some_string', 6, 3)", "str");
    CHECK_CALL("SUBSTRING('some_string', 0, 2)", "so");
    CHECK_CALL("SUBSTRING('some_string', -3)", "ing");
    CHECK_CALL("SUBSTRING('abc', -9, 2)", "ab");
    CHECK_CALL("SUBSTRING('abc', 2, -1)", "");
    CHECK_CALL("SUBSTRING('abc', 99)", "");
    CHECK_CALL("SUBSTRING('abc', 2, 2147483647)", "bc");
    CHECK_CALL("SUBSTRING('abc', -2147483648, 1)", "a");
    CHECK_CALL("SUBSTRING('a\xF0\x9F\x98\x80"
               "b', 2, 1)",
               "?");
    CHECK_CALL("SUBSTRING('\xC3\xA9t\xC3\xA9', 2)", "t\xC3\xA9");
}

TEST(string, pad)
{
    CHECK_CALL("LPAD('foo', 7, 'Bar')", "BarBfoo");
    CHECK_CALL("RPAD('foo', 7, 'Bar')", "fooBarB");
    CHECK_CALL("RPAD('foo', 2, 'Bar')", "fo");
    CHECK_CALL("LPAD('foo', 2, 'Bar')", "fo");
    CHECK_CALL("RPAD('foo', -1, 'Bar')", "null");
    CHECK_CALL("RPAD('foo', 7, '')", "null");
    CHECK_CALL("RPAD('', 7, 'Bar')", "BarBarB");
    CHECK_CALL("FROM_BYTES(x'', 'utf8')", "");
    CHECK_CALL("LPAD('a', 2147483647, 'b')", "! Padded length 2147483647 is too large");
}

TEST(string, find_and_replace)
{
    CHECK_CALL("INSTR('corporate floor', 'or')", "2");
    CHECK_CALL("INSTR('no substring', 'or')", "0");
    CHECK_CALL("INSTR('corporate floor', 'or', 4)", "5");
    CHECK_CALL("INSTR('corporate floor', 'or', -4)", "5");
    CHECK_CALL("INSTR('corporate floor', 'or', -4, 2)", "2");
    CHECK_CALL("INSTR('corporate floor', 'or', 1, 3)", "14");
    CHECK_CALL("INSTR('abc', 'c', 9)", "0");
    CHECK_CALL("INSTR('abc', null:STRING)", "0");
    CHECK_CALL("REPLACE('anaconda', 'a', 'o')", "onocondo");
    CHECK_CALL("REPLACE('abc', '', '-')", "-a-b-c-");
    CHECK_CALL("REPLACE('aaa', 'aa', 'b')", "ba");
    CHECK_CALL("REPLACE('abc', 'x', 'y')", "abc");
    CHECK_CALL("REPLACE('abc', null:STRING, 'y')", "null");
}

TEST(string, split)
{
    CHECK_CALL("SPLIT('..a..', '.')", "[, , a, , ]");
    CHECK_CALL("SPLIT('a$$b.c', '$$')", "[a, b.c]");
    CHECK_CALL("SPLIT('', '.')", "[]");
    CHECK_CALL("ARRAY_LENGTH([''])", "1");
    CHECK_CALL("SPLIT('abc', '')", "[a, b, c]");
    CHECK_CALL("SPLIT('', '')", "[]");
    CHECK_CALL("SPLIT_TO_MAP('apple:green/banana:yellow/cherry:red', '/', ':')",
               "{banana=yellow, apple=green, cherry=red}");
    CHECK_CALL("SPLIT_TO_MAP('apple:green/banana:yellow', '&&', ':')", "{apple=green/banana}");
    CHECK_CALL("SPLIT_TO_MAP('a', '/', ':')", "{}");
    CHECK_CALL("SPLIT_TO_MAP('a:b//', '/', ':')", "{a=b}");
    CHECK_CALL("SPLIT_TO_MAP('a:b', '/', '')", "null");
}

TEST(string, join)
{
    CHECK_CALL("CONCAT('a', null, 'b')", "ab");
    CHECK_CALL("CONCAT(null:STRING)", "");
    CHECK_CALL("CONCAT_WS('SEP', 'foo', null, 'baz')", "fooSEPbaz");
    CHECK_CALL("CONCAT_WS(null:STRING, 'foo')", "null");
    CHECK_CALL("CONCAT_WS('x')", "! Function Concat_WS expects at least two input arguments.");
    CHECK_CALL("ELT(2, 'a', 'b')", "b");
    CHECK_CALL("ELT(0, 'a', 'b')", "null");
    CHECK_CALL("ELT(3, 'a', 'b')", "null");
    CHECK_CALL("FIELD('hello', null, 'hello')", "2");
    CHECK_CALL("FIELD(null:STRING, 'hello')", "0");
}

TEST(string, chr)
{
    CHECK_CALL("CHR(75)", "K");
    CHECK_CALL("CHR(22909)", "\xE5\xA5\xBD");
    CHECK_CALL("CHR(99000)", "\xF0\x98\x8A\xB8");
    CHECK_CALL("CHR(-1)", "null");
    CHECK_CALL("CHR(1114112)", "null");
    CHECK_CALL("CHR('\\u004b')", "K");
    CHECK_CALL("CHR('\\ud820\\udeb8')", "\xF0\x98\x8A\xB8");
    CHECK_CALL("CHR('75')", "null");
    CHECK_CALL("CHR('bogus')", "null");
    CHECK_CALL("CHR('')", "null");
}

TEST(string, mask)
{
    CHECK_CALL("MASK('AbC-12 \xC3\x9C')", "XxX-nn-X");
    CHECK_CALL("MASK('Ab1', null, 'y', '#', null)", "Ay#");
    CHECK_CALL("MASK_LEFT('Abc12', 2)", "Xxc12");
    CHECK_CALL("MASK_RIGHT('Abc12', 2)", "Abcnn");
    CHECK_CALL("MASK_KEEP_LEFT('Abc12', 2)", "Abxnn");
    CHECK_CALL("MASK_KEEP_RIGHT('Abc12', 2)", "Xxx12");
    CHECK_CALL("MASK_LEFT('Abc', 99)", "Xxx");
    CHECK_CALL("MASK_RIGHT('Abc', 0)", "Abc");
    CHECK_CALL("MASK_KEEP_RIGHT('Abc', 99)", "Abc");
    CHECK_CALL("MASK('\xF0\x9F\x98\x80')", "--");
    CHECK_CALL("MASK_KEEP_LEFT('\xF0\x9F\x98\x80"
               "A', 2)",
               "\xF0\x9F\x98\x80X");
    CHECK_CALL("MASK_LEFT('Abc', -1)", "! function requires a non-negative number of characters to mask or skip");
}

TEST(string, digests)
{
    CHECK_CALL("MD5('')", "d41d8cd98f00b204e9800998ecf8427e");
    CHECK_CALL("MD5('The quick brown fox jumps over the lazy dog')", "9e107d9d372bb6826bd81d3542a419d6");
    CHECK_CALL("MD5('12345678901234567890123456789012345678901234567890123456789012345678901234567890')",
               "57edf4a22be3c955ac49da2e2107b67a");
    CHECK_CALL("UUID(x'00112233445566778899aabbccddeeff')", "00112233-4455-6677-8899-aabbccddeeff");
    CHECK_CALL("UUID(x'0011')", "null");
    CHECK_INT(strlen(call_text("UUID()")), 36);
}

TEST(bytes, encodings)
{
    CHECK_CALL("FROM_BYTES(x'1ab2', 'HEX')", "1AB2");
    CHECK_CALL("FROM_BYTES(x'ff41', 'ascii')", "\xEF\xBF\xBD"
                                               "A");
    CHECK_CALL("FROM_BYTES(x'ff41', 'utf8')", "\xEF\xBF\xBD"
                                              "A");
    CHECK_CALL("FROM_BYTES(x'21', 'base64')", "IQ==");
    CHECK_CALL("FROM_BYTES(x'21', 'rot13')",
               "! Unknown encoding type 'rot13'. Supported formats are 'hex', 'utf8', 'ascii', and 'base64'.");
    CHECK_CALL("LEN(x'')", "0");
    CHECK_CALL("TO_BYTES('1', 'hex')", "! Malformed text: 1");
}
