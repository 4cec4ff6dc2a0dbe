/* The language. Nothing but the grammar: an action is one call of a function of actions.h; precedence is written as
 * layers of rules, so that there is nothing for %left to hide. Which words are tokens, and which of them may be names
 * (%fallback), comes from keywords.def: cmake fills in the two lists below.
 *
 * The lexer helps where one token of look-ahead is not enough: it gives MAP_LP for MAP before "(", STRUCT_LP, ARRAY_LSQ
 * and so on (parser/tokens.c), and joins a sign to the number behind it where only an operand can stand. */
%name sql_parse
%token_prefix TK_
%token_type {struct token}
%default_type {struct token}
%extra_context {struct builder *b}
%stack_size 0

%include {
#include "grammar/actions.h"
#include "core/mem.h"

#include <stdlib.h>

/* The parser's stack is ours too: counted, and bounded, since it grows with the nesting of the text. */
enum { SQL_STACK_BYTES = 8 << 20 };
#define malloc(n) mem_alloc(n)
#define realloc(p, n) ((size_t)(n) > SQL_STACK_BYTES ? NULL : mem_realloc((p), (n)))
#define free(p) mem_free(p)
#define YYNOERRORRECOVERY 1

static bool sql_stack_at_limit(const void *parser);
}

%syntax_error { build_syntax_error(b, yypParser, TOKEN); }
%stack_overflow { build_stack_overflow(b, sql_stack_at_limit(yypParser)); }

/* Punctuation first: messages list expected tokens in this order. */
%token SEMI LP COMMA RP DOT LSQ RSQ ARROW DEREF ASSIGN.
%token @KEYWORDS@.
%token EQ NE LT LE GT GE PLUS MINUS STAR SLASH PERCENT CONCAT.
%token TEXT INTEGER_VALUE DECIMAL_VALUE FLOATING_POINT_VALUE IDENT VARIABLE BAD.
%token MAP_LP STRUCT_LP ARRAY_LSQ IF_NOT IF_EXISTS.
%token START_SCRIPT START_STATEMENT START_EXPR START_TYPE START_SCHEMA.
%fallback IDENT @FREE@ MAP_LP STRUCT_LP ARRAY_LSQ IF_NOT IF_EXISTS.

/* ---- what can be parsed: the first token, which the caller makes up, tells -------------------------------- */

input ::= START_SCRIPT script.
input ::= START_STATEMENT statement(S) semi_opt. { build_finish_statement(b, S); }
input ::= START_EXPR expr(E). { build_finish_expr(b, E); }
input ::= START_TYPE type(T). { build_finish_type(b, T); }
input ::= START_SCHEMA. { build_finish_schema(b, NULL); }
input ::= START_SCHEMA elements(L). { build_finish_schema(b, L); }

script ::= .
script ::= script statement(S) SEMI. { build_finish_statement(b, S); }
semi_opt ::= .
semi_opt ::= SEMI.

/* ---- names ------------------------------------------------------------------------------------------------ */

/* In expressions a variable alone is a literal, hence two levels. */
name(A) ::= IDENT(X). { A = X; }
name(A) ::= VARIABLE(X). { A = X; }
name_or_text(A) ::= name(X). { A = X; }
name_or_text(A) ::= TEXT(X). { A = X; }

%type names {struct list *}
names(A) ::= name(X). { A = build_name(b, NULL, X); }
names(A) ::= names(L) COMMA name(X). { A = build_name(b, L, X); }
%type name_list_opt {struct list *}
name_list_opt(A) ::= . { A = NULL; }
name_list_opt(A) ::= LP names(L) RP. { A = L; }

alias_opt(A) ::= . { A = NO_TOKEN; }
alias_opt(A) ::= AS name(X). { A = X; }
alias_opt(A) ::= name(X). { A = X; }

integer(A) ::= INTEGER_VALUE(X). { A = X; }
integer(A) ::= DECIMAL_VALUE(X). { A = X; }
integer(A) ::= FLOATING_POINT_VALUE(X). { A = X; }

/* ---- expressions, loosest first --------------------------------------------------------------------------- */

%type expr {struct ast_expr *}
%type conjunct {struct ast_expr *}
%type negation {struct ast_expr *}
%type predicate {struct ast_expr *}
%type value {struct ast_expr *}
%type sum {struct ast_expr *}
%type product {struct ast_expr *}
%type signed {struct ast_expr *}
%type zoned {struct ast_expr *}
%type primary {struct ast_expr *}

expr(A) ::= conjunct(X). { A = X; }
expr(A) ::= expr(X) OR conjunct(Y). { A = build_binary(b, TK_OR, X, Y); }
conjunct(A) ::= negation(X). { A = X; }
conjunct(A) ::= conjunct(X) AND negation(Y). { A = build_binary(b, TK_AND, X, Y); }
negation(A) ::= predicate(X). { A = X; }
negation(A) ::= NOT(T) negation(X). { A = build_unary(b, T, X); }

predicate(A) ::= value(X). { A = X; }
predicate(A) ::= value(X) EQ value(Y). { A = build_binary(b, TK_EQ, X, Y); }
predicate(A) ::= value(X) NE value(Y). { A = build_binary(b, TK_NE, X, Y); }
predicate(A) ::= value(X) LT value(Y). { A = build_binary(b, TK_LT, X, Y); }
predicate(A) ::= value(X) LE value(Y). { A = build_binary(b, TK_LE, X, Y); }
predicate(A) ::= value(X) GT value(Y). { A = build_binary(b, TK_GT, X, Y); }
predicate(A) ::= value(X) GE value(Y). { A = build_binary(b, TK_GE, X, Y); }
predicate(A) ::= value(X) IS DISTINCT FROM value(Y). { A = build_binary(b, TK_DISTINCT, X, Y); }
predicate(A) ::= value(X) IS NOT DISTINCT FROM value(Y). { A = build_binary(b, TK_NOT, X, Y); }
predicate(A) ::= value(X) IS NULL(T). { A = build_null_test(b, X, false, T); }
predicate(A) ::= value(X) IS NOT NULL(T). { A = build_null_test(b, X, true, T); }
predicate(A) ::= value(X) not_opt(N) BETWEEN value(L) AND value(H). { A = build_between(b, X, N, L, H); }
predicate(A) ::= value(X) not_opt(N) IN LP exprs(L) RP(T). { A = build_in(b, X, N, L, T); }
predicate(A) ::= value(X) not_opt(N) LIKE value(P). { A = build_like(b, X, N, P, NO_TOKEN); }
predicate(A) ::= value(X) not_opt(N) LIKE value(P) ESCAPE TEXT(T). { A = build_like(b, X, N, P, T); }
not_opt(A) ::= . { A = NO_TOKEN; }
not_opt(A) ::= NOT(T). { A = T; }

value(A) ::= sum(X). { A = X; }
value(A) ::= value(X) CONCAT sum(Y). { A = build_concat(b, X, Y); }
sum(A) ::= product(X). { A = X; }
sum(A) ::= sum(X) PLUS product(Y). { A = build_binary(b, TK_PLUS, X, Y); }
sum(A) ::= sum(X) MINUS product(Y). { A = build_binary(b, TK_MINUS, X, Y); }
product(A) ::= signed(X). { A = X; }
product(A) ::= product(X) STAR signed(Y). { A = build_binary(b, TK_STAR, X, Y); }
product(A) ::= product(X) SLASH signed(Y). { A = build_binary(b, TK_SLASH, X, Y); }
product(A) ::= product(X) PERCENT signed(Y). { A = build_binary(b, TK_PERCENT, X, Y); }
signed(A) ::= zoned(X). { A = X; }
signed(A) ::= PLUS(T) signed(X). { A = build_unary(b, T, X); }
signed(A) ::= MINUS(T) signed(X). { A = build_unary(b, T, X); }
zoned(A) ::= primary(X). { A = X; }
zoned(A) ::= zoned(X) AT TIME ZONE TEXT(T). { A = build_at_zone(b, X, T); }

/* literals */
%type literal {struct ast_expr *}
literal(A) ::= NULL(T). { A = build_word(b, T); }
literal(A) ::= TRUE(T). { A = build_word(b, T); }
literal(A) ::= FALSE(T). { A = build_word(b, T); }
literal(A) ::= TEXT(T). { A = build_word(b, T); }
literal(A) ::= VARIABLE(T). { A = build_word(b, T); }
literal(A) ::= integer(T). { A = build_number(b, T); }

primary(A) ::= literal(X). { A = X; }
primary(A) ::= name(T) TEXT(X). { A = build_typed_text(b, T, X); }
primary(A) ::= DECIMAL(T) TEXT(X). { A = build_typed_text(b, T, X); }
primary(A) ::= IDENT(X). { A = build_column(b, NO_TOKEN, X); }
primary(A) ::= name(S) DOT name(X). { A = build_column(b, S, X); }
primary(A) ::= LP(T) expr(X) RP(U). { A = build_parens(b, T, X, U); }
primary(A) ::= primary(X) LSQ value(I) RSQ(T). { A = build_subscript(b, X, I, T); }
primary(A) ::= primary(X) DEREF name(F). { A = build_deref(b, X, F); }
primary(A) ::= CAST(T) LP expr(X) AS type(Y) RP(U). { A = build_cast(b, T, X, Y, U); }

%type exprs {struct list *}
exprs(A) ::= expr(X). { A = build_list(b, NULL, X); }
exprs(A) ::= exprs(L) COMMA expr(X). { A = build_list(b, L, X); }

%type values {struct list *}
values(A) ::= value(X). { A = build_list(b, NULL, X); }
values(A) ::= values(L) COMMA value(X). { A = build_list(b, L, X); }

/* CASE */
%type whens {struct list *}
%type else_opt {struct ast_expr *}
primary(A) ::= CASE(T) whens(L) else_opt(E) END(U). { A = build_case(b, T, NULL, L, E, U); }
primary(A) ::= CASE(T) expr(X) whens(L) else_opt(E) END(U). { A = build_case(b, T, X, L, E, U); }
whens(A) ::= WHEN expr(X) THEN expr(Y). { A = build_pair(b, NULL, X, Y); }
whens(A) ::= whens(L) WHEN expr(X) THEN expr(Y). { A = build_pair(b, L, X, Y); }
else_opt(A) ::= . { A = NULL; }
else_opt(A) ::= ELSE expr(X). { A = X; }

/* constructors */
%type entries {struct list *}
%type fields {struct list *}
primary(A) ::= ARRAY_LSQ(T) LSQ RSQ(U). { A = build_constructor(b, T, NULL, U); }
primary(A) ::= ARRAY_LSQ(T) LSQ exprs(L) RSQ(U). { A = build_constructor(b, T, L, U); }
primary(A) ::= MAP_LP(T) LP RP(U). { A = build_constructor(b, T, NULL, U); }
primary(A) ::= MAP_LP(T) LP entries(L) RP(U). { A = build_constructor(b, T, L, U); }
primary(A) ::= STRUCT_LP(T) LP RP(U). { A = build_struct(b, T, NULL, U); }
primary(A) ::= STRUCT_LP(T) LP fields(L) RP(U). { A = build_struct(b, T, L, U); }
entries(A) ::= expr(X) ASSIGN expr(Y). { A = build_pair(b, NULL, X, Y); }
entries(A) ::= entries(L) COMMA expr(X) ASSIGN expr(Y). { A = build_pair(b, L, X, Y); }
fields(A) ::= name(N) ASSIGN expr(X). { A = build_struct_field(b, NULL, N, X); }
fields(A) ::= fields(L) COMMA name(N) ASSIGN expr(X). { A = build_struct_field(b, L, N, X); }

/* calls: arguments, then lambdas */
%type args {struct list *}
%type arg {struct ast_expr *}
%type lambdas {struct list *}
%type lambda {struct ast_expr *}
primary(A) ::= name(T) LP STAR RP(U). { A = build_call(b, T, true, NULL, U); }
primary(A) ::= name(T) LP RP(U). { A = build_call(b, T, false, NULL, U); }
primary(A) ::= name(T) LP args(L) RP(U). { A = build_call(b, T, false, L, U); }
primary(A) ::= name(T) LP lambdas(L) RP(U). { A = build_call(b, T, false, L, U); }
args(A) ::= arg(X). { A = build_list(b, NULL, X); }
args(A) ::= args(L) COMMA arg(X). { A = build_list(b, L, X); }
arg(A) ::= expr(X). { A = X; }
arg(A) ::= plural_unit(T). { A = build_word(b, T); }
lambdas(A) ::= args(L) COMMA lambda(X). { A = build_list(b, L, X); }
lambdas(A) ::= lambdas(L) COMMA lambda(X). { A = build_list(b, L, X); }
lambda(A) ::= name(N) ARROW expr(X). { A = build_lambda(b, N, build_name(b, NULL, N), X); }
lambda(A) ::= LP(T) expr(N) RP ARROW(U) expr(X). { A = build_lambda(b, T, build_lambda_name(b, N, U), X); }
lambda(A) ::= LP(T) IDENT(N) COMMA names(L) RP ARROW expr(X). { A = build_lambda(b, T, build_name_first(b, N, L), X); }
lambda(A) ::= LP(T) VARIABLE(N) COMMA names(L) RP ARROW expr(X). { A = build_lambda(b, T, build_name_first(b, N, L), X); }

plural_unit(A) ::= YEARS(T). { A = T; }
plural_unit(A) ::= MONTHS(T). { A = T; }
plural_unit(A) ::= DAYS(T). { A = T; }
plural_unit(A) ::= HOURS(T). { A = T; }
plural_unit(A) ::= MINUTES(T). { A = T; }
plural_unit(A) ::= SECONDS(T). { A = T; }
plural_unit(A) ::= MILLISECONDS(T). { A = T; }
plural_unit(A) ::= MILLISECOND(T). { A = T; }

/* ---- types ------------------------------------------------------------------------------------------------ */

%type type {struct ast_type *}
%type type_fields {struct list *}
type(A) ::= name(N). { A = build_type_name(b, N, N); }
type(A) ::= name(N) LP type_params RP(T). { A = build_type_name(b, N, T); }
type(A) ::= DECIMAL(T) LP integer(P) COMMA integer(S) RP(U). { A = build_type_decimal(b, T, P, S, U); }
type(A) ::= type(E) ARRAY(T). { A = build_type_array(b, NO_TOKEN, E, T); }
type(A) ::= ARRAY(T) LT type(E) GT(U). { A = build_type_array(b, T, E, U); }
type(A) ::= MAP(T) LT type(K) COMMA type(V) GT(U). { A = build_type_map(b, T, K, V, U); }
type(A) ::= STRUCT(T) LT GT(U). { A = build_type_struct(b, T, NULL, U); }
type(A) ::= STRUCT(T) NE(U). { A = build_type_struct(b, T, NULL, U); }
type(A) ::= STRUCT(T) LT type_fields(L) GT(U). { A = build_type_struct(b, T, L, U); }
type_fields(A) ::= name(N) type(T). { A = build_type_field(b, NULL, N, T); }
type_fields(A) ::= type_fields(L) COMMA name(N) type(T). { A = build_type_field(b, L, N, T); }
type_params ::= type_param.
type_params ::= type_params COMMA type_param.
type_param ::= STRING.
type_param ::= INTEGER_VALUE.

/* ---- queries ---------------------------------------------------------------------------------------------- */

%type query {struct ast_query *}
%type query_body {struct ast_query *}
%type items {struct list *}
%type from {struct ast_source *}
%type joins {struct list *}
%type window_opt {struct ast_window *}
%type where_opt {struct ast_expr *}
%type group_by_opt {struct ast_keys *}
%type partition_by_opt {struct ast_keys *}
%type having_opt {struct ast_expr *}
%type emit_opt {int}

query(A) ::= query_body(Q) where_opt(W) group_by_opt(G) partition_by_opt(P) having_opt(H) emit_opt(E) limit_opt(L). {
    A = build_query_end(b, build_query_clauses(b, Q, W, G, P, H), E, L);
}
query_body(A) ::= SELECT(T) items(L) FROM from(S) joins(J) window_opt(W). { A = build_query(b, T, L, S, J, W); }

where_opt(A) ::= . { A = NULL; }
where_opt(A) ::= WHERE expr(X). { A = X; }
having_opt(A) ::= . { A = NULL; }
having_opt(A) ::= HAVING expr(X). { A = X; }
emit_opt(A) ::= . { A = 0; }
emit_opt(A) ::= EMIT CHANGES. { A = TK_CHANGES; }
emit_opt(A) ::= EMIT FINAL. { A = TK_FINAL; }
limit_opt(A) ::= . { A = NO_TOKEN; }
limit_opt(A) ::= LIMIT integer(X). { A = X; }

items(A) ::= item(X). { A = build_list(b, NULL, X); }
items(A) ::= items(L) COMMA item(X). { A = build_list(b, L, X); }
%type item {void *}
item(A) ::= STAR(T). { A = build_item(b, TK_STAR, T, NULL); }
item(A) ::= name(N) DOT STAR(T). { A = build_item_source(b, N, T); }
item(A) ::= expr(X) alias_opt(N). { A = build_item(b, TK_AS, N, X); }
item(A) ::= primary(X) DEREF STAR(T). { A = build_item(b, TK_DEREF, T, X); }

/* sources and joins */
from(A) ::= name(N) alias_opt(X). { A = build_source(b, N, X); }
joins(A) ::= . { A = NULL; }
joins(A) ::= joins(L) join_type(T) JOIN from(S) within_opt(W) grace_opt(G) on_opt(X). {
    A = build_join(b, L, T, S, W, G, X);
}
join_type(A) ::= . { A = NO_TOKEN; }
join_type(A) ::= INNER(T). { A = T; }
join_type(A) ::= LEFT(T) outer_opt. { A = T; }
join_type(A) ::= RIGHT(T) outer_opt. { A = T; }
join_type(A) ::= FULL(T) outer_opt. { A = T; }
outer_opt ::= .
outer_opt ::= OUTER.
%type on_opt {struct ast_expr *}
on_opt(A) ::= . { A = NULL; }
on_opt(A) ::= ON expr(X). { A = X; }
%type within_opt {struct list *}
within_opt(A) ::= . { A = NULL; }
within_opt(A) ::= WITHIN duration(X). { A = build_list(b, build_list(b, NULL, X), X); }
within_opt(A) ::= WITHIN LP duration(X) COMMA duration(Y) RP. { A = build_list(b, build_list(b, NULL, X), Y); }
%type grace_opt {struct ast_duration *}
grace_opt(A) ::= . { A = NULL; }
grace_opt(A) ::= GRACE PERIOD duration(X). { A = X; }

/* windows */
%type window {struct ast_window *}
window_opt(A) ::= . { A = NULL; }
window_opt(A) ::= WINDOW(T) window(W). { A = build_window_place(b, W, T, NO_TOKEN); }
window_opt(A) ::= WINDOW(T) name(N) window(W). { A = build_window_place(b, W, T, N); }
window(A) ::= TUMBLING(T) LP SIZE duration(S) window_tail(W). { A = build_window(b, W, T, S, NULL); }
window(A) ::= HOPPING(T) LP SIZE duration(S) COMMA ADVANCE BY duration(D) window_tail(W). {
    A = build_window(b, W, T, S, D);
}
window(A) ::= SESSION(T) LP duration(S) window_tail(W). { A = build_window(b, W, T, S, NULL); }
%type window_tail {struct ast_window *}
window_tail(A) ::= RP(T). { A = build_window_tail(b, NULL, NULL, T); }
window_tail(A) ::= COMMA RETENTION duration(R) RP(T). { A = build_window_tail(b, R, NULL, T); }
window_tail(A) ::= COMMA GRACE PERIOD duration(G) RP(T). { A = build_window_tail(b, NULL, G, T); }
window_tail(A) ::= COMMA RETENTION duration(R) COMMA GRACE PERIOD duration(G) RP(T). {
    A = build_window_tail(b, R, G, T);
}

%type duration {struct ast_duration *}
duration(A) ::= integer(N) unit(U). { A = build_duration(b, N, U); }
unit(A) ::= DAY(T). { A = T; }
unit(A) ::= HOUR(T). { A = T; }
unit(A) ::= MINUTE(T). { A = T; }
unit(A) ::= SECOND(T). { A = T; }
unit(A) ::= MILLISECOND(T). { A = T; }
unit(A) ::= DAYS(T). { A = T; }
unit(A) ::= HOURS(T). { A = T; }
unit(A) ::= MINUTES(T). { A = T; }
unit(A) ::= SECONDS(T). { A = T; }
unit(A) ::= MILLISECONDS(T). { A = T; }

/* GROUP BY a, b   GROUP BY (a, b)   GROUP BY () ; (a) is an expression in parentheses */
group_by_opt(A) ::= . { A = NULL; }
group_by_opt(A) ::= GROUP(T) BY values(L). { A = build_keys(b, T, false, L); }
group_by_opt(A) ::= GROUP(T) BY LP values(L) COMMA value(X) RP. { A = build_keys(b, T, true, build_list(b, L, X)); }
group_by_opt(A) ::= GROUP(T) BY LP RP. { A = build_keys(b, T, true, NULL); }
partition_by_opt(A) ::= . { A = NULL; }
partition_by_opt(A) ::= PARTITION(T) BY values(L). { A = build_keys(b, T, false, L); }
partition_by_opt(A) ::= PARTITION(T) BY LP values(L) COMMA value(X) RP. {
    A = build_keys(b, T, true, build_list(b, L, X));
}
partition_by_opt(A) ::= PARTITION(T) BY LP RP. { A = build_keys(b, T, true, NULL); }

/* ---- statements ------------------------------------------------------------------------------------------- */

%type statement {struct ast_stmt *}
%type source_kind {int}
%type if_not_exists_opt {int}
%type if_exists_opt {int}
%type extended_opt {int}

source_kind(A) ::= STREAM. { A = 0; }
source_kind(A) ::= TABLE. { A = FLAG_TABLE; }
if_not_exists_opt(A) ::= . { A = 0; }
if_not_exists_opt(A) ::= IF_NOT NOT EXISTS. { A = FLAG_IF; }
if_exists_opt(A) ::= . { A = 0; }
if_exists_opt(A) ::= IF_EXISTS EXISTS. { A = FLAG_IF; }
extended_opt(A) ::= . { A = 0; }
extended_opt(A) ::= EXTENDED. { A = FLAG_EXTENDED; }

statement(A) ::= query(Q). { A = build_query_stmt(b, Q); }

/* WITH (name = literal, ...) */
%type with {struct ast_properties *}
%type with_opt {struct ast_properties *}
%type properties {struct list *}
with_opt(A) ::= . { A = NULL; }
with_opt(A) ::= with(X). { A = X; }
with(A) ::= WITH(T) LP properties(L) RP(U). { A = build_properties(b, T, L, U); }
properties(A) ::= name_or_text(N) EQ literal(X). { A = build_property(b, NULL, N, X); }
properties(A) ::= properties(L) COMMA name_or_text(N) EQ literal(X). { A = build_property(b, L, N, X); }

/* (column type [key], ...) */
%type elements {struct list *}
%type element {void *}
%type table_elements {struct list *}
table_elements(A) ::= LP elements(L) RP. { A = L; }
elements(A) ::= element(X). { A = build_list(b, NULL, X); }
elements(A) ::= elements(L) COMMA element(X). { A = build_list(b, L, X); }
element(A) ::= name(N) type(T). { A = build_element(b, N, T, NO_TOKEN, NO_TOKEN); }
element(A) ::= name(N) type(T) KEY(R). { A = build_element(b, N, T, R, NO_TOKEN); }
element(A) ::= name(N) type(T) PRIMARY(R) KEY. { A = build_element(b, N, T, R, NO_TOKEN); }
element(A) ::= name(N) type(T) HEADERS(R). { A = build_element(b, N, T, R, NO_TOKEN); }
element(A) ::= name(N) type(T) HEADER(R) LP TEXT(X) RP. { A = build_element(b, N, T, R, X); }

/* CREATE */
%type create {int}
create(A) ::= CREATE. { A = 0; }
create(A) ::= CREATE OR REPLACE. { A = FLAG_OR_REPLACE; }
create(A) ::= CREATE SOURCE. { A = FLAG_SOURCE; }
create(A) ::= CREATE OR REPLACE SOURCE. { A = FLAG_OR_REPLACE | FLAG_SOURCE; }
statement(A) ::= create(F) source_kind(K) if_not_exists_opt(I) name(N) with_opt(W). {
    A = build_create_source(b, TK_CREATE, F | K | I, N, NULL, W);
}
statement(A) ::= create(F) source_kind(K) if_not_exists_opt(I) name(N) table_elements(L) with_opt(W). {
    A = build_create_source(b, TK_CREATE, F | K | I, N, L, W);
}
statement(A) ::= create(F) source_kind(K) if_not_exists_opt(I) name(N) with_opt(W) AS query(Q). {
    A = build_create_as(b, F | K | I, N, W, Q);
}
statement(A) ::= CREATE SINK CONNECTOR if_not_exists_opt(I) name(N) with(W). {
    A = build_create_connector(b, I | FLAG_SINK, N, W);
}
statement(A) ::= CREATE SOURCE CONNECTOR if_not_exists_opt(I) name(N) with(W). { A = build_create_connector(b, I, N, W); }
statement(A) ::= CREATE TYPE if_not_exists_opt(I) name(N) AS type(T). { A = build_create_type(b, I, N, T); }

/* INSERT */
%type row {struct list *}
statement(A) ::= INSERT INTO name(N) with_opt(W) query(Q). { A = build_insert_select(b, N, W, Q); }
statement(A) ::= INSERT INTO name(N) name_list_opt(C) VALUES row(V). {
    A = build_insert_values(b, TK_INSERT, N, C, V);
}
row(A) ::= LP RP. { A = NULL; }
row(A) ::= LP values(L) RP. { A = L; }

/* DROP, ALTER */
statement(A) ::= DROP source_kind(K) if_exists_opt(I) name(N). { A = build_drop(b, TK_STREAM, K | I, N); }
statement(A) ::= DROP source_kind(K) if_exists_opt(I) name(N) DELETE TOPIC. {
    A = build_drop(b, TK_STREAM, K | I | FLAG_DELETE_TOPIC, N);
}
statement(A) ::= DROP CONNECTOR if_exists_opt(I) name(N). { A = build_drop(b, TK_CONNECTOR, I, N); }
statement(A) ::= DROP TYPE if_exists_opt(I) name(N). { A = build_drop(b, TK_TYPE, I, N); }
%type alters {struct list *}
%type alter {void *}
statement(A) ::= ALTER source_kind(K) name(N) alters(L). { A = build_alter_source(b, K, N, L); }
alters(A) ::= alter(X). { A = build_list(b, NULL, X); }
alters(A) ::= alters(L) COMMA alter(X). { A = build_list(b, L, X); }
alter(A) ::= ADD COLUMN name(N) type(T). { A = build_element(b, N, T, NO_TOKEN, NO_TOKEN); }
alter(A) ::= ADD name(N) type(T). { A = build_element(b, N, T, NO_TOKEN, NO_TOKEN); }

/* LIST, SHOW */
list_word ::= LIST.
list_word ::= SHOW.
statement(A) ::= list_word PROPERTIES. { A = build_list_stmt(b, TK_PROPERTIES, 0, 0); }
statement(A) ::= list_word TOPICS extended_opt(E). { A = build_list_stmt(b, TK_TOPICS, E, 0); }
statement(A) ::= list_word ALL TOPICS extended_opt(E). { A = build_list_stmt(b, TK_TOPICS, E | FLAG_ALL, 0); }
statement(A) ::= list_word STREAMS extended_opt(E). { A = build_list_stmt(b, TK_STREAMS, E, 0); }
statement(A) ::= list_word TABLES extended_opt(E). { A = build_list_stmt(b, TK_TABLES, E, 0); }
statement(A) ::= list_word FUNCTIONS. { A = build_list_stmt(b, TK_FUNCTIONS, 0, 0); }
statement(A) ::= list_word CONNECTORS. { A = build_list_stmt(b, TK_CONNECTORS, 0, 0); }
statement(A) ::= list_word SOURCE CONNECTORS. { A = build_list_stmt(b, TK_CONNECTORS, 0, TK_SOURCE); }
statement(A) ::= list_word SINK CONNECTORS. { A = build_list_stmt(b, TK_CONNECTORS, 0, TK_SINK); }
statement(A) ::= list_word CONNECTOR PLUGINS. { A = build_list_stmt(b, TK_PLUGINS, 0, 0); }
statement(A) ::= list_word TYPES. { A = build_list_stmt(b, TK_TYPES, 0, 0); }
statement(A) ::= list_word VARIABLES. { A = build_list_stmt(b, TK_VARIABLES, 0, 0); }
statement(A) ::= list_word QUERIES extended_opt(E). { A = build_list_stmt(b, TK_QUERIES, E, 0); }

/* DESCRIBE, EXPLAIN, PRINT */
statement(A) ::= DESCRIBE name(N) extended_opt(E). { A = build_describe(b, 0, E, N); }
statement(A) ::= DESCRIBE STREAMS extended_opt(E). { A = build_describe(b, TK_STREAMS, E, NO_TOKEN); }
statement(A) ::= DESCRIBE FUNCTION name(N). { A = build_describe(b, TK_FUNCTION, 0, N); }
statement(A) ::= DESCRIBE CONNECTOR name(N). { A = build_describe(b, TK_CONNECTOR, 0, N); }
statement(A) ::= EXPLAIN statement(S). { A = build_explain(b, S, NO_TOKEN); }
statement(A) ::= EXPLAIN name(N). { A = build_explain(b, NULL, N); }
statement(A) ::= PRINT name_or_text(N) beginning_opt(F) interval_opt(I) limit_opt(L). { A = build_print(b, N, F, I, L); }
%type beginning_opt {int}
beginning_opt(A) ::= . { A = 0; }
beginning_opt(A) ::= FROM BEGINNING. { A = FLAG_BEGINNING; }
interval_opt(A) ::= . { A = NO_TOKEN; }
interval_opt(A) ::= INTERVAL integer(X). { A = X; }
interval_opt(A) ::= SAMPLE integer(X). { A = X; }

/* queries, properties, variables */
statement(A) ::= TERMINATE query_id(N). { A = build_query_control(b, TK_TERMINATE, N); }
statement(A) ::= PAUSE query_id(N). { A = build_query_control(b, TK_PAUSE, N); }
statement(A) ::= RESUME query_id(N). { A = build_query_control(b, TK_RESUME, N); }
query_id(A) ::= name(N). { A = N; }
query_id(A) ::= ALL(T). { A = T; }
statement(A) ::= SET TEXT(N) EQ TEXT(X). { A = build_setting(b, TK_SET, N, X); }
statement(A) ::= UNSET TEXT(N). { A = build_setting(b, TK_UNSET, N, NO_TOKEN); }
statement(A) ::= ALTER SYSTEM TEXT(N) EQ TEXT(X). { A = build_setting(b, TK_SYSTEM, N, X); }
statement(A) ::= DEFINE name(N) EQ TEXT(X). { A = build_setting(b, TK_DEFINE, N, X); }
statement(A) ::= UNDEFINE name(N). { A = build_setting(b, TK_UNDEFINE, N, NO_TOKEN); }

/* ASSERT TOPIC, ASSERT SCHEMA */
%type exists_opt {int}
%type timeout_opt {struct ast_duration *}
exists_opt(A) ::= . { A = 0; }
exists_opt(A) ::= NOT EXISTS. { A = FLAG_NOT; }
timeout_opt(A) ::= . { A = NULL; }
timeout_opt(A) ::= TIMEOUT duration(X). { A = X; }
statement(A) ::= ASSERT exists_opt(F) TOPIC name_or_text(N) with_opt(W) timeout_opt(X). {
    A = build_assert_topic(b, F, N, W, X);
}
statement(A) ::= ASSERT exists_opt(F) SCHEMA subject_opt(N) id_opt(I) timeout_opt(X). {
    A = build_assert_schema(b, F, N, I, X);
}
subject_opt(A) ::= . { A = NO_TOKEN; }
subject_opt(A) ::= SUBJECT name_or_text(N). { A = N; }
id_opt(A) ::= . { A = NO_TOKEN; }
id_opt(A) ::= ID integer(X). { A = X; }

/* test scripts (the lexer hides VALUES, NULL, STREAM, TABLE behind ASSERT, and RUN, elsewhere) */
statement(A) ::= ASSERT VALUES name(N) name_list_opt(C) VALUES row(V). {
    A = build_insert_values(b, TK_VALUES, N, C, V);
}
statement(A) ::= ASSERT NULL VALUES name(N) name_list_opt(C) KEY row(V). {
    A = build_insert_values(b, TK_NULL, N, C, V);
}
statement(A) ::= ASSERT source_kind(K) name(N) with_opt(W). { A = build_create_source(b, TK_ASSERT, K, N, NULL, W); }
statement(A) ::= ASSERT source_kind(K) name(N) table_elements(L) with_opt(W). {
    A = build_create_source(b, TK_ASSERT, K, N, L, W);
}
statement(A) ::= RUN SCRIPT TEXT(X). { A = build_run_script(b, X); }

/* ---- for the list of what was expected -------------------------------------------------------------------- */

%code {
/* Why did the stack not grow: at its limit, or no memory? (The size that yyGrowStack asks for.) */
static bool sql_stack_at_limit(const void *parser)
{
    const yyParser *p = parser;
    return ((size_t)p->yystksz * 2 + 100) * sizeof p->yystack[0] > SQL_STACK_BYTES;
}

/* Runs the automaton on a copy of the top of its stack; nothing is built. Reductions pop entries of the real stack
 * and push at most one state each, so the copy stays as short as the longest chain of empty rules. */
bool sql_accepts(const void *parser, const int *kinds, int n)
{
    const yyParser *p = parser;
    YYACTIONTYPE copy[64];
    long base = p->yytos - p->yystack; /* index of the topmost entry of the real stack that still counts */
    int n_copy = 0, i = 0;
    while (i < n) {
        YYACTIONTYPE state = n_copy ? copy[n_copy - 1] : p->yystack[base].stateno;
        YYACTIONTYPE act = yy_find_shift_action((YYCODETYPE)kinds[i], state);
        if (act == YY_ACCEPT_ACTION)
            return true;
        if (act <= YY_MAX_SHIFT) {
            if (n_copy == 64)
                return false;
            copy[n_copy++] = act;
            i++;
            continue;
        }
        if (act < YY_MIN_REDUCE)
            return false;
        unsigned number = (unsigned)(act - YY_MIN_REDUCE);
        for (int pops = -yyRuleInfoNRhs[number]; pops > 0; pops--) {
            if (n_copy)
                n_copy--;
            else
                base--;
        }
        if (n_copy == 64)
            return false;
        state = n_copy ? copy[n_copy - 1] : p->yystack[base].stateno;
        act = yy_find_reduce_action(state, yyRuleInfoLhs[number]);
        if (act == YY_ACCEPT_ACTION)
            return true;
        copy[n_copy++] = act;
    }
    return true;
}
}
