/* Statements that together use every rule of the grammar. */
#ifndef WEIR_TESTS_PARSER_CORPUS_H
#define WEIR_TESTS_PARSER_CORPUS_H

extern const char *const corpus[]; /* one statement each, with its semicolon; NULL-terminated */

#endif
