"""The supported functions with their overloads and DuckDB SQL: an allowlist in which each function is tested.

Templates of scalar functions name their arguments ``{0}``, ``{1}``; ``{all}`` is all of them. ``{T}`` is DuckDB's name
of the type of a type variable. Templates of aggregate and window functions have ``{over}`` for FILTER and OVER.
DISTINCT and ORDER BY are inside ``{all}``, and a template without ``{all}`` supports neither. ``{distinct}`` is
DISTINCT or '', for a template that needs it again. ``{order}`` is ORDER BY, for a template without ``{all}``.
Functions that are neither here nor in ``rules`` are rejected.
Source: https://trino.io/docs/current/functions.html
"""

from __future__ import annotations

from localaws.athena.sql.functions import (
    arrays_and_maps,
    byte_functions,
    ip_addresses,
    json_functions,
    number_functions,
    text_functions,
    url_functions,
)
from localaws.athena.sql.functions.overloads import Overload, overload

FunctionTable = dict[str, list[Overload]]


def _table(*rows: tuple[str, str, str]) -> FunctionTable:
    found: FunctionTable = {}
    for names, signature, template in rows:
        for name in names.split():
            found.setdefault(name, []).append(overload(signature, template))
    return found


_INTEGERS = ("tinyint", "smallint", "integer", "bigint")


SCALARS = _table(
    # ---- numbers
    ("abs", "N -> N", "abs({0})"),
    *(("ceil ceiling floor round", f"{integer} -> {integer}", "{0}") for integer in _INTEGERS),
    *(
        ("round", f"{integer}, integer -> {integer}", f"CAST(trino_round_integer({{0}}, {{1}}) AS {integer})")
        for integer in _INTEGERS
    ),
    ("round", "real, integer -> real", "CAST(trino_round_double(CAST({0} AS DOUBLE), {1}) AS REAL)"),
    ("round", "double, integer -> double", "trino_round_double({0}, {1})"),
    *(
        row
        for number in ("real", "double")
        for row in (
            ("ceil ceiling", f"{number} -> {number}", "ceil({0})"),
            ("floor", f"{number} -> {number}", "floor({0})"),
            ("round", f"{number} -> {number}", f"CAST(trino_round_double({{0}}, 0) AS {number})"),
            ("truncate", f"{number} -> {number}", "trunc({0})"),
        )
    ),
    *(("sign", f"{integer} -> {integer}", f"CAST(sign({{0}}) AS {integer})") for integer in _INTEGERS),
    *(
        (
            "sign",
            f"{number} -> {number}",
            f"CASE WHEN isnan({{0}}) THEN {{0}} ELSE CAST(sign({{0}}) AS {number}) END",
        )
        for number in ("real", "double")
    ),
    *(("mod", f"{integer}, {integer} -> {integer}", "trino_mod({0}, {1})") for integer in _INTEGERS),
    *(("mod", f"{number}, {number} -> {number}", "({0} % {1})") for number in ("real", "double")),
    ("sqrt", "double -> double", "trino_sqrt({0})"),
    ("exp", "double -> double", "exp({0})"),
    ("ln", "double -> double", "trino_ln({0})"),
    ("log2", "double -> double", "trino_log2({0})"),
    ("log10", "double -> double", "trino_log10({0})"),
    ("log", "double, double -> double", "(trino_ln({1}) / trino_ln({0}))"),
    ("pow power", "double, double -> double", "trino_power({0}, {1})"),
    ("pi", "-> double", "pi()"),
    ("e", "-> double", "exp(1.0::DOUBLE)"),
    ("infinity", "-> double", "'infinity'::DOUBLE"),
    ("nan", "-> double", "'nan'::DOUBLE"),
    ("is_nan", "double -> boolean", "isnan({0})"),
    ("is_finite", "double -> boolean", "isfinite({0})"),
    ("is_infinite", "double -> boolean", "isinf({0})"),
    *((f, "double -> double", f"{f}({{0}})") for f in ("atan", "degrees", "radians")),
    *((f, "double -> double", f"{f}(trino_nan_if(isinf({{0}}), {{0}}))") for f in ("sin", "cos", "tan")),
    *((f, "double -> double", f"{f}(trino_nan_if(abs({{0}}) > 1, {{0}}))") for f in ("asin", "acos")),
    ("atan2", "double, double -> double", "atan2({0}, {1})"),
    ("width_bucket", "double, double, double, bigint -> bigint", "trino_width_bucket({0}, {1}, {2}, {3})"),
    ("rand random", "-> double", "random()"),
    # ---- text
    ("lower", "varchar -> varchar", "lower({0})"),
    ("upper", "varchar -> varchar", "trino_upper_text({0})"),
    ("length", "varchar -> bigint", "length({0})"),
    ("trim", "varchar -> varchar", "trim({0}, trino_space())"),
    ("ltrim", "varchar -> varchar", "ltrim({0}, trino_space())"),
    ("rtrim", "varchar -> varchar", "rtrim({0}, trino_space())"),
    ("trim", "varchar, varchar -> varchar", "trim({0}, {1})"),
    ("ltrim", "varchar, varchar -> varchar", "ltrim({0}, {1})"),
    ("rtrim", "varchar, varchar -> varchar", "rtrim({0}, {1})"),
    ("substr substring", "varchar, bigint -> varchar", "trino_substr({0}, {1})"),
    ("substr substring", "varchar, bigint, bigint -> varchar", "trino_substr_length({0}, {1}, {2})"),
    ("replace", "varchar, varchar -> varchar", "trino_replace({0}, {1}, '')"),
    ("replace", "varchar, varchar, varchar -> varchar", "trino_replace({0}, {1}, {2})"),
    ("reverse", "varchar -> varchar", "trino_reverse({0})"),
    ("reverse", "array(T) -> array(T)", "list_reverse({0})"),
    ("lpad", "varchar, bigint, varchar -> varchar", "trino_lpad({0}, {1}, {2})"),
    ("rpad", "varchar, bigint, varchar -> varchar", "trino_rpad({0}, {1}, {2})"),
    ("strpos", "varchar, varchar -> bigint", "strpos({0}, {1})"),
    ("strpos", "varchar, varchar, bigint -> bigint", "trino_strpos({0}, {1}, {2})"),
    ("starts_with", "varchar, varchar -> boolean", "starts_with({0}, {1})"),
    ("ends_with", "varchar, varchar -> boolean", "ends_with({0}, {1})"),
    ("split", "varchar, varchar -> array(varchar)", "trino_split({0}, {1})"),
    ("split", "varchar, varchar, bigint -> array(varchar)", "trino_split_limit({0}, {1}, {2})"),
    ("split_part", "varchar, varchar, bigint -> varchar", "trino_split_part({0}, {1}, {2})"),
    ("concat_ws", "varchar, varchar... -> varchar", "concat_ws({all})"),
    ("concat_ws", "varchar, array(varchar) -> varchar", "trino_array_join({1}, {0})"),
    ("translate", "varchar, varchar, varchar -> varchar", "translate({0}, {1}, {2})"),
    ("levenshtein_distance", "varchar, varchar -> bigint", "trino_levenshtein({0}, {1})"),
    ("regexp_like", "varchar, varchar -> boolean", "trino_unless_refused(trino_regexp_like({0}, {1}))"),
    ("regexp_count", "varchar, varchar -> bigint", "trino_unless_refused(trino_regexp_count({0}, {1}))"),
    (
        "regexp_split",
        "varchar, varchar -> array(varchar)",
        "trino_unless_refused(trino_regexp_split({0}, {1}))",
    ),
    (
        "regexp_extract",
        "varchar, varchar -> varchar",
        "trino_unless_refused(trino_regexp_extract({0}, {1}, 0))",
    ),
    (
        "regexp_extract",
        "varchar, varchar, bigint -> varchar",
        "trino_unless_refused(trino_regexp_extract({0}, {1}, {2}))",
    ),
    (
        "regexp_extract_all",
        "varchar, varchar -> array(varchar)",
        "trino_unless_refused(trino_regexp_extract_all({0}, {1}, 0))",
    ),
    (
        "regexp_extract_all",
        "varchar, varchar, bigint -> array(varchar)",
        "trino_unless_refused(trino_regexp_extract_all({0}, {1}, {2}))",
    ),
    (
        "regexp_replace",
        "varchar, varchar -> varchar",
        "trino_unless_refused(trino_regexp_replace({0}, {1}, ''))",
    ),
    (
        "regexp_replace",
        "varchar, varchar, varchar -> varchar",
        "trino_unless_refused(trino_regexp_replace({0}, {1}, {2}))",
    ),
    (
        "regexp_replace",
        "varchar, varchar, function(array(varchar), varchar) -> varchar",
        "list_transform([trino_unless_refused(trino_regexp_parts({0}, {1}))], "
        "lambda parts: trino_replaced((parts).texts, list_transform((parts).groups, {2})))[1]",
    ),
    *(
        (
            "regexp_position",
            f"varchar, varchar{given} -> integer",
            f"trino_unless_refused(trino_regexp_position({{0}}, {{1}}, {start}, {occurrence}))",
        )
        for given, start, occurrence in (
            ("", "1", "1"),
            (", bigint", "{2}", "1"),
            (", bigint, bigint", "{2}", "{3}"),
        )
    ),
    ("to_utf8", "varchar -> varbinary", "encode({0})"),
    ("md5", "varbinary -> varbinary", "unhex(md5({0}))"),
    ("current_timezone", "-> varchar", "'UTC'"),
    ("uuid", "-> uuid", "gen_random_uuid()"),
    *text_functions.SCALAR_ROWS,
    *url_functions.SCALAR_ROWS,
    *byte_functions.SCALAR_ROWS,
    *number_functions.SCALAR_ROWS,
    *ip_addresses.SCALAR_ROWS,
    *arrays_and_maps.SCALAR_ROWS,
    *json_functions.SCALAR_ROWS,
)


def _of_finite(function: str, least: int) -> str:
    """Return the template of an aggregate that is NaN if one of at least ``least`` numbers is not finite.

    DuckDB's function fails for such a number.
    """
    other = f"bool_or(NOT isfinite({{0}})){{over}} AND count({{distinct}}{{0}}){{over}} >= {least}"
    finite = "{distinct}CASE WHEN isfinite({0}) THEN {0} END"
    return f"CASE WHEN {other} THEN 'nan'::DOUBLE ELSE {function.replace('{finite}', finite)} END"


def _of_finite_pairs(function: str) -> str:
    """Return the template of an aggregate of two numbers that is NULL if one of them is not finite."""
    finite = "isfinite({0}) AND isfinite({1})"
    other = f"coalesce(bool_or({{0}} IS NOT NULL AND {{1}} IS NOT NULL AND NOT ({finite})){{over}}, false)"
    return f"CASE WHEN NOT {other} THEN {function}(CASE WHEN {finite} THEN {{0}} END, {{1}}){{over}} END"


AGGREGATES = _table(
    ("count", "-> bigint", "count(*){over}"),
    ("count", "T -> bigint", "count({all}){over}"),
    ("count_if", "boolean -> bigint", "count(CASE WHEN {0} THEN 1 END){over}"),
    ("sum", "bigint -> bigint", "CAST(sum({all}){over} AS BIGINT)"),
    ("sum", "real -> real", "CAST(sum({all}){over} AS REAL)"),
    ("sum", "double -> double", "sum({all}){over}"),
    ("avg", "double -> double", "avg({all}){over}"),
    ("avg", "real -> real", "CAST(avg({all}){over} AS REAL)"),
    ("min", "L -> L", "min({all}){over}"),
    # In DuckDB, NaN is the largest number; in Trino, it is not larger than any number.
    *(
        (
            "max",
            f"{number} -> {number}",
            "coalesce(max({distinct}CASE WHEN NOT isnan({0}) THEN {0} END){over}, max({all}){over})",
        )
        for number in ("real", "double")
    ),
    ("max", "O -> O", "max({all}){over}"),
    ("min", "L, bigint -> array(L)", "min({0}, {1}){over}"),
    *(
        (
            "max",
            f"{number}, {n} -> array({number})",
            "list_transform(max(trino_below_all_if_nan({0}), {1}){over}, lambda p: (p).x)",
        )
        for number in ("real", "double")
        for n in ("integer", "bigint")
    ),
    *(("max", f"O, {n} -> array(O)", "max({0}, {1}){over}") for n in ("integer", "bigint")),
    ("min_by", "T, compared -> T", "arg_min_null({all}){over}"),
    *(
        ("max_by", f"T, {number} -> T", "arg_max_null({0}, trino_below_all_if_nan({1})){over}")
        for number in ("real", "double")
    ),
    ("max_by", "T, compared -> T", "arg_max_null({all}){over}"),
    *(
        (f"{name}_by", f"T, {key}, {n} -> array(T)", f"list_transform({function}, lambda p: (p).x)")
        for name, key, function in (
            ("min", "compared", "arg_min(struct_pack(x := {0}), {1}, {2}){over}"),
            ("max", "real", "arg_max(struct_pack(x := {0}), trino_below_all_if_nan({1}), {2}){over}"),
            ("max", "double", "arg_max(struct_pack(x := {0}), trino_below_all_if_nan({1}), {2}){over}"),
            ("max", "compared", "arg_max(struct_pack(x := {0}), {1}, {2}){over}"),
        )
        for n in ("integer", "bigint")
    ),
    ("any_value arbitrary", "T -> T", "any_value({all}){over}"),
    ("bool_and every", "boolean -> boolean", "bool_and({all}){over}"),
    ("bool_or", "boolean -> boolean", "bool_or({all}){over}"),
    *(
        (names, "double -> double", _of_finite(function, least))
        for names, function, least in (
            ("stddev stddev_samp", "stddev_samp({finite}){over}", 2),
            ("stddev_pop", "stddev_pop({finite}){over}", 1),
            ("variance var_samp", "var_samp({finite}){over}", 2),
            ("var_pop", "var_pop({finite}){over}", 1),
            # Trino's skewness is that of the population, DuckDB's that of a sample.
            ("skewness", "trino_skewness(skewness({finite}){over}, count({finite}){over})", 3),
            ("kurtosis", "kurtosis({finite}){over}", 4),
        )
    ),
    *(
        row
        for number in ("real", "double")
        for row in (
            (
                "corr",
                f"{number}, {number} -> {number}",
                f"CAST(trino_finite({_of_finite_pairs('corr')}) AS {number})",
            ),
            *(
                (name, f"{number}, {number} -> {number}", f"CAST({name}({{all}}){{over}} AS {number})")
                for name in ("covar_samp", "covar_pop")
            ),
        )
    ),
    *(
        (name, f"{number}, {number} -> {number}", f"CAST(trino_finite({_of_finite_pairs(name)}) AS {number})")
        for number in ("real", "double")
        for name in ("regr_slope", "regr_intercept")
    ),
    ("geometric_mean", "double -> double", "exp(avg({distinct}trino_ln({0})){over})"),
    ("geometric_mean", "real -> real", "CAST(exp(avg({distinct}trino_ln({0})){over}) AS REAL)"),
    ("bitwise_and_agg", "bigint -> bigint", "bit_and({all}){over}"),
    ("bitwise_or_agg", "bigint -> bigint", "bit_or({all}){over}"),
    ("approx_distinct", "T -> bigint", "count(DISTINCT {0}){over}"),
    ("approx_distinct", "T, double -> bigint", "trino_if_standard_error({1}, count(DISTINCT {0}){over})"),
    ("approx_percentile", "bigint, double -> bigint", "approx_quantile({0}, CAST({1} AS REAL)){over}"),
    (
        "approx_percentile",
        "real, double -> real",
        "CAST(approx_quantile({0}, CAST({1} AS REAL)){over} AS REAL)",
    ),
    ("approx_percentile", "double, double -> double", "approx_quantile({0}, CAST({1} AS REAL)){over}"),
    *(
        (
            "approx_percentile",
            f"{number}, double, double -> {number}",
            "list_transform([list_sort(list_filter(list(struct_pack(x := {0}, w := {1})){over}, "
            "lambda it: (it).x IS NOT NULL AND (it).w IS NOT NULL))], lambda its: "
            "(its[trino_weighted_place(list_transform(its, lambda it: (it).w), {2})]).x)[1]",
        )
        for number in ("bigint", "real", "double")
    ),
    *(
        (
            "approx_percentile",
            f"{number}, array(double) -> array({number})",
            f"CAST(approx_quantile({{0}}, CAST({{1}} AS REAL[])){{over}} AS {number}[])",
        )
        for number in ("bigint", "real", "double")
    ),
    *arrays_and_maps.AGGREGATE_ROWS,
)

WINDOW_FUNCTIONS = _table(
    ("row_number", "-> bigint", "row_number(){over}"),
    ("rank", "-> bigint", "rank(){over}"),
    ("dense_rank", "-> bigint", "dense_rank(){over}"),
    ("percent_rank", "-> double", "percent_rank(){over}"),
    ("cume_dist", "-> double", "cume_dist(){over}"),
    ("ntile", "bigint -> bigint", "ntile({all}){over}"),
    ("lag", "T -> T", "lag({all}){over}"),
    ("lag", "T, bigint -> T", "lag({0}, trino_offset({1}, 0)){over}"),
    ("lag", "T, bigint, T -> T", "lag({0}, trino_offset({1}, 0), {2}){over}"),
    ("lead", "T -> T", "lead({all}){over}"),
    ("lead", "T, bigint -> T", "lead({0}, trino_offset({1}, 0)){over}"),
    ("lead", "T, bigint, T -> T", "lead({0}, trino_offset({1}, 0), {2}){over}"),
    ("first_value", "T -> T", "first_value({all}){over}"),
    ("last_value", "T -> T", "last_value({all}){over}"),
    ("nth_value", "T, bigint -> T", "nth_value({0}, trino_offset({1}, 1)){over}"),
)
