"""The functions of arrays and maps, as rows of the tables in ``supported``.

A lambda with several parameters is a lambda of a struct with the fields x0, x1, ... in DuckDB's SQL.
Source: https://trino.io/docs/401/functions/array.html, map.html and lambda.html
"""

from __future__ import annotations

# The accumulator and an element of ``reduce`` have one type in DuckDB: a struct of both.
_REDUCED = (
    "list_reduce("
    "list_transform({0}, lambda element: struct_pack(x0 := CAST(NULL AS {S}), x1 := element)), "
    "lambda state, element: struct_pack("
    "x0 := list_transform([struct_pack(x0 := (state).x0, x1 := (element).x1)], {2})[1], x1 := CAST(NULL AS {T})), "
    "struct_pack(x0 := {1}, x1 := CAST(NULL AS {T}))).x0"
)
_PAIRS = "list(struct_pack(k := {0}, v := {1}){order}){over}"

SCALAR_ROWS = (
    # ---- lambdas
    ("transform", "array(T), function(T, U) -> array(U)", "list_transform({0}, {1})"),
    ("filter", "array(T), function(T, boolean) -> array(T)", "list_filter({0}, {1})"),
    (
        "reduce",
        "array(T), S, function(S, T, S), function(S, R) -> R",
        f"CASE WHEN {{0}} IS NOT NULL THEN list_transform([{_REDUCED}], {{3}})[1] END",
    ),
    (
        "zip_with",
        "array(T), array(U), function(T, U, R) -> array(R)",
        "list_transform(trino_zip({0}, {1}), {2})",
    ),
    ("any_match", "array(T), function(T, boolean) -> boolean", "trino_any(list_transform({0}, {1}))"),
    ("all_match", "array(T), function(T, boolean) -> boolean", "trino_all(list_transform({0}, {1}))"),
    ("none_match", "array(T), function(T, boolean) -> boolean", "(NOT trino_any(list_transform({0}, {1})))"),
    (
        "array_sort",
        "array(T), function(T, T, integer) -> array(T)",
        "list_select({0}, trino_unless_refused(trino_sorted("
        "list_transform(trino_pairs({0}), lambda line: list_transform(line, {1})))))",
    ),
    (
        "map_filter",
        "map(K, V), function(K, V, boolean) -> map(K, V)",
        "map_from_entries(list_filter(trino_entries({0}), {1}))",
    ),
    (
        "transform_keys",
        "map(K, V), function(K, V, E) -> map(E, V)",
        "trino_map(list_transform(trino_entries({0}), {1}), map_values({0}))",
    ),
    (
        "transform_values",
        "map(K, V), function(K, V, W) -> map(K, W)",
        "map(map_keys({0}), list_transform(trino_entries({0}), {1}))",
    ),
    (
        "map_zip_with",
        "map(K, V), map(K, W), function(K, V, W, R) -> map(K, R)",
        "map(trino_all_keys({0}, {1}), list_transform(trino_zipped_entries({0}, {1}), {2}))",
    ),
    # ---- arrays
    ("cardinality", "array(T) -> bigint", "len({0})"),
    ("element_at", "array(T), bigint -> T", "trino_element_at({0}, {1})"),
    ("array_join", "array(varchar), varchar -> varchar", "trino_array_join({0}, {1})"),
    (
        "array_join",
        "array(varchar), varchar, varchar -> varchar",
        "trino_array_join_with_null({0}, {1}, {2})",
    ),
    ("array_sort", "array(L) -> array(L)", "list_sort({0}, 'ASC', 'NULLS LAST')"),
    *(
        ("array_max", f"array({real}) -> {real}", "trino_array_max_number({0})")
        for real in ("real", "double")
    ),
    ("array_max", "array(O) -> O", "trino_array_max({0})"),  # of arrays and rows: in ``nested_rules``
    ("array_min", "array(L) -> L", "trino_array_min({0})"),
    ("array_distinct", "array(E) -> array(E)", "trino_distinct({0})"),
    ("array_union", "array(E), array(E) -> array(E)", "trino_distinct({0} || {1})"),
    ("array_intersect", "array(E), array(E) -> array(E)", "trino_distinct(trino_filter_by({0}, {1}, true))"),
    ("array_except", "array(E), array(E) -> array(E)", "trino_distinct(trino_filter_by({0}, {1}, false))"),
    ("arrays_overlap", "array(O), array(O) -> boolean", "trino_overlap({0}, {1})"),
    ("flatten", "array(array(T)) -> array(T)", "flatten({0})"),
    ("ngrams", "array(T), bigint -> array(array(T))", "trino_ngrams({0}, {1})"),
    (
        "combinations",
        "array(T), bigint -> array(array(T))",
        "list_transform("
        "trino_unless_refused(trino_combinations(len({0}), {1})), lambda places: list_select({0}, places))",
    ),
    ("repeat", "T, bigint -> array(T)", "list_resize([{0}], trino_repeats({1}), {0})"),
    ("slice", "array(T), bigint, bigint -> array(T)", "trino_slice({0}, {1}, {2})"),
    ("trim_array", "array(T), bigint -> array(T)", "trino_trim_array({0}, {1})"),
    (
        "shuffle",
        "array(T) -> array(T)",
        "list_select({0}, list_grade_up(list_transform({0}, lambda element: random())))",
    ),
    (
        "sequence",
        "bigint, bigint -> array(bigint)",
        "trino_sequence({0}, {1}, CASE WHEN {0} <= {1} THEN 1 ELSE -1 END)",
    ),
    ("sequence", "bigint, bigint, bigint -> array(bigint)", "trino_sequence({0}, {1}, {2})"),
    ("sequence", "date, date -> array(date)", "trino_sequence_of_dates({0}, {1})"),
    # ---- maps
    ("cardinality", "map(K, V) -> bigint", "CAST(cardinality({0}) AS BIGINT)"),
    ("element_at", "map(K, V), K -> V", "{0}[{1}]"),
    ("map_keys", "map(K, V) -> array(K)", "map_keys({0})"),
    ("map_values", "map(K, V) -> array(V)", "map_values({0})"),
    (
        "map_entries",
        "map(K, V) -> array(row(K, V))",
        "list_transform(map_entries({0}), lambda pair: struct_pack(field0 := (pair).key, field1 := (pair).value))",
    ),
    ("map_from_entries", "array(row(E, V)) -> map(E, V)", "trino_map_from_entries({0})"),
    ("multimap_from_entries", "array(row(E, V)) -> map(E, array(V))", "trino_multimap_from_entries({0})"),
    (
        "split_to_map",
        "varchar, varchar, varchar -> map(varchar, varchar)",
        "map_from_entries(trino_split_to_map({0}, {1}, {2}))",
    ),
    (
        "split_to_multimap",
        "varchar, varchar, varchar -> map(varchar, array(varchar))",
        "map_from_entries(trino_split_to_multimap({0}, {1}, {2}))",
    ),
)

# The function that combines the states of several workers is not needed, because there is one state.
_REDUCED_ROWS = _REDUCED.replace("{0}", "rows_")

AGGREGATE_ROWS = (
    (
        "reduce_agg",
        "T, S, function(S, T, S), function(S, S, S) -> S",
        "list_transform([list_filter(list({0}){over}, lambda given: given IS NOT NULL)], "
        f"lambda rows_: CASE WHEN len(rows_) > 0 THEN {_REDUCED_ROWS} END)[1]",
    ),
    *(
        (
            "approx_most_frequent",
            f"bigint, {type_}, bigint -> map({type_}, bigint)",
            f"list_transform([CAST(histogram({{1}}){{over}} AS MAP({type_}, BIGINT))], lambda counts: "
            "trino_most_frequent(counts, {0}, {2}))[1]",
        )
        for type_ in ("bigint", "varchar")
    ),
    ("array_agg", "T -> array(T)", "list({all}){over}"),
    ("map_agg", "E, V -> map(E, V)", f"list_transform([{_PAIRS}], lambda pairs: trino_map_agg(pairs))[1]"),
    (
        "multimap_agg",
        "E, V -> map(E, array(V))",
        f"list_transform([{_PAIRS}], lambda pairs: trino_multimap_agg(pairs))[1]",
    ),
    (
        "map_union",
        "map(E, V) -> map(E, V)",
        "list_transform([list(trino_pairs_of({0})){over}], lambda maps: trino_map_agg(flatten(maps)))[1]",
    ),
    # DuckDB's histogram counts NaN and all other numbers as one. Adding 0 makes -0 to 0.
    *(
        (
            "histogram",
            f"{number} -> map({number}, bigint)",
            f"list_transform([histogram(CAST({{0}} + 0 AS VARCHAR)){{over}}], lambda counts: map(list_transform("
            f"map_keys(counts), lambda key: CAST(key AS {number})), list_transform(map_values(counts), "
            f"lambda n: CAST(n AS BIGINT))))[1]",
        )
        for number in ("real", "double")
    ),
    ("histogram", "E -> map(E, bigint)", "CAST(histogram({0}){over} AS MAP({E}, BIGINT))"),
)
