-- Trino's functions where DuckDB's results differ. The fields of a lambda's parameter are written (p).a, because in HAVING
-- DuckDB takes p.a for a column. A string that starts with '@' is an error for the user: its cast to
-- INTEGER fails, and the engine extracts the message from this error. (DuckDB's error() is volatile, and TRY rejects
-- volatile functions.)
CREATE MACRO trino_raise(message) AS CAST('@' || message AS INTEGER);
-- Rejects what this engine would compute incorrectly. TRY must not convert this error to NULL, and does not: it passes
-- DuckDB's "not implemented" errors, such as the error for an unknown time zone.
CREATE MACRO trino_refuse(what) AS CAST(timezone('@' || what, TIMESTAMP '1970-01-01 00:00:00') AS VARCHAR);
-- A Python function returns its result or a reason for rejection, because TRY converts its exceptions to NULL.
CREATE MACRO trino_unless_refused(given) AS
    list_transform([given], lambda it:
        CASE WHEN (it).refused IS NULL OR trino_refuse((it).refused) IS NULL THEN (it).answer END)[1];

-- Integer division truncates; division by zero is an error. A NULL of the correct type is first, so that the INTEGER of
-- trino_raise does not widen a smallint.
CREATE MACRO trino_zero_checked(a, b) AS
    CASE WHEN a IS NOT NULL AND b = 0 THEN trino_raise('DIVISION_BY_ZERO: Division by zero') END;
CREATE MACRO trino_divide(a, b) AS CASE WHEN trino_zero_checked(a, b) IS NULL THEN a // b END;
CREATE MACRO trino_mod(a, b) AS
    CASE WHEN trino_zero_checked(a, b) IS NULL THEN CASE WHEN b = -1 THEN b - b ELSE a % b END END;

-- NaN is not larger than any number: it is the result only if there is no number.
CREATE MACRO trino_below_all_if_nan(x) AS
    CASE WHEN x IS NOT NULL THEN struct_pack(number := NOT isnan(x), x := x) END;

CREATE MACRO trino_refuse_nan(x) AS
    CASE WHEN trino_refuse(CASE WHEN isnan(x) THEN 'NaN in a subquery of ALL, ANY or SOME' END) IS NULL THEN x END;

-- A double larger than the largest real is infinite.
CREATE MACRO trino_real(x, largest) AS
    CASE WHEN abs(x) < largest OR isnan(x) THEN CAST(x AS REAL) WHEN x > 0 THEN CAST('infinity' AS REAL)
         WHEN x < 0 THEN CAST('-infinity' AS REAL) END;

-- Formats a number without exponent, because DuckDB casts 9.5e-7 to the decimal 1. No decimal has 80 places.
-- list_transform([x], lambda a: ...)[1] computes x once, even if a is used several times.
CREATE MACRO trino_point_at(digits, place) AS
    CASE WHEN place <= 0 THEN '.' || repeat('0', -place) || digits
         ELSE left(rpad(digits, greatest(place, CAST(length(digits) AS INTEGER)), '0'), place)
              || '.' || substr(digits, place + 1) END;
CREATE MACRO trino_scaled_text(number) AS
    (number).sign || trino_point_at(
        (number).whole || (number).fraction,
        CAST(length((number).whole) + greatest(-80, least(80, CAST((number).exponent AS BIGINT))) AS INTEGER));
CREATE MACRO trino_without_exponent(s) AS list_transform([s], lambda text:
    CASE WHEN contains(lower(text), 'e') AND regexp_matches(text, '\d')
         THEN list_transform(
             [regexp_extract(
                 text, '^\s*([+-]?)(\d*)\.?(\d*)[eE]([+-]?\d+)\s*$', ['sign', 'whole', 'fraction', 'exponent'])],
             lambda number: trino_scaled_text(number))[1]
         ELSE text END)[1];

-- Decimals as unscaled HUGEINTs; quotients are rounded half away from zero.
CREATE MACRO trino_unscaled(a) AS CAST(replace(CAST(a AS VARCHAR), '.', '') AS HUGEINT);
CREATE MACRO trino_half_up(a, b) AS ((abs(a) + abs(b) // 2) // abs(b)) * sign(a) * sign(b);
CREATE MACRO trino_rounded_quotient(x, y) AS
    list_transform([struct_pack(a := x, b := y)], lambda p: trino_half_up((p).a, (p).b))[1];
CREATE MACRO trino_divide_digits(x, y) AS list_transform([struct_pack(a := x, b := y)], lambda p:
    CASE WHEN trino_zero_checked((p).a, (p).b) IS NULL THEN trino_half_up((p).a, (p).b) END)[1];
CREATE MACRO trino_divide_wide(x, shift, room, factor, y) AS list_transform([struct_pack(a := x, b := y)], lambda p:
    CASE WHEN trino_zero_checked((p).a, (p).b) IS NULL THEN
        CASE WHEN abs((p).a) < room THEN trino_half_up((p).a * factor, (p).b) ELSE wide_divide((p).a, shift, (p).b) END END)[1];
CREATE MACRO trino_mod_digits(x, y) AS
    list_transform([struct_pack(a := x, b := y)], lambda p: trino_mod((p).a, (p).b))[1];
CREATE MACRO trino_mod_wide(x, a_shift, a_room, a_factor, y, b_shift, b_room, b_factor) AS
    list_transform([struct_pack(a := x, b := y)], lambda p:
        CASE WHEN trino_zero_checked((p).a, (p).b) IS NULL THEN
            CASE WHEN abs((p).a) < a_room AND abs((p).b) < b_room THEN (p).a * a_factor % ((p).b * b_factor)
                 ELSE wide_mod((p).a, a_shift, (p).b, b_shift) END END)[1];

-- A sum in two parts that cannot overflow.
CREATE MACRO trino_upper(a) AS a // 10000000000000000000::HUGEINT;
CREATE MACRO trino_lower(a) AS a % 10000000000000000000::HUGEINT;
CREATE MACRO trino_sum(upper, rest) AS coalesce(upper, 0) * 10000000000000000000::HUGEINT + rest;
CREATE MACRO trino_average(upper, rest, n) AS CASE WHEN n > 0 THEN wide_average(coalesce(upper, 0), rest, n) END;

-- A sum; DuckDB's can have 39 digits.
CREATE MACRO trino_fitting(a, largest) AS
    CASE WHEN a BETWEEN -largest AND largest OR a IS NULL THEN a
         ELSE trino_raise('NUMERIC_VALUE_OUT_OF_RANGE: Decimal overflow') END;

-- Replaces the last n digits by zeros. There are at most 38 digits; n can be negative.
CREATE MACRO trino_power_of_ten(n) AS
    CAST('1' || repeat('0', CAST(greatest(0, least(n, 38)) AS INTEGER)) AS HUGEINT);
CREATE MACRO trino_digits(x, n) AS [struct_pack(a := x, n := n, power := trino_power_of_ten(n))];
CREATE MACRO trino_truncate_digits(x, n) AS
    list_transform(trino_digits(x, n), lambda p: CASE WHEN (p).n > 38 THEN 0 ELSE (p).a - (p).a % (p).power END)[1];
CREATE MACRO trino_round_digits(x, n) AS list_transform(trino_digits(x, n), lambda p:
    CASE WHEN (p).n > 38 THEN 0 ELSE trino_half_up((p).a, (p).power) * (p).power END)[1];
CREATE MACRO trino_floor_digits(x, n) AS
    list_transform(trino_digits(x, n), lambda p: (p).a - ((p).a % (p).power + (p).power) % (p).power)[1];
CREATE MACRO trino_ceil_digits(x, n) AS -trino_floor_digits(-x, n);

CREATE MACRO trino_round_integer(x, n) AS
    CASE WHEN n >= 0 THEN x
         WHEN n < -18 AND x IS NOT NULL THEN trino_raise('NUMERIC_VALUE_OUT_OF_RANGE: numerical overflow: ' || x)
         ELSE trino_round_digits(CAST(x AS HUGEINT), -n) END;

-- The text from which Trino casts a double or real, with this number of bits, to a decimal: that of Java before JDK 19.
-- For whole numbers with more bits, it has all digits that distinguish it from the next number; DuckDB's is shorter.
CREATE MACRO trino_floating_text(x, bits) AS list_transform([x], lambda a:
    CASE WHEN abs(a) >= pow(2, bits) AND abs(a) < pow(2, 63) THEN
        CAST(trino_round_digits(
            CAST(a AS HUGEINT),
            CAST(floor((length(bin(CAST(abs(a) AS UBIGINT))) - bits - 2) * log10(2)) AS INTEGER)) AS VARCHAR)
    ELSE trino_without_exponent(CAST(a AS VARCHAR)) END)[1];

-- The text of a cast of a double or real to varchar, such as 1.23E2. A real has six digits after the point.
CREATE MACRO trino_scientific(digits, point) AS list_transform([ltrim(digits, '0')], lambda significant:
    CASE WHEN significant = '' THEN '0.0E0'
         ELSE significant[1] || '.' || coalesce(nullif(rtrim(significant[2:], '0'), ''), '0')
              || 'E' || (point - 1 - (length(digits) - length(significant))) END)[1];
CREATE MACRO trino_floating_number_text(x, digits) AS list_transform([x], lambda a:
    CASE WHEN isnan(a) THEN 'NaN' WHEN isinf(a) THEN CASE WHEN a > 0 THEN 'Infinity' ELSE '-Infinity' END
         ELSE list_transform([regexp_extract(
            CASE WHEN digits < 17 THEN format('{:.6e}', CAST(a AS DOUBLE)) ELSE CAST(a AS VARCHAR) END,
            '^(-?)(\d+)(?:\.(\d+))?(?:e\+?(-?\d+))?$', ['sign', 'whole', 'fraction', 'exponent'])],
            lambda n: (n).sign || trino_scientific((n).whole || (n).fraction,
                                                   length((n).whole) + trino_number((n).exponent)))[1]
    END)[1];

-- Rounds half away from zero, like Java's Math.round. A double without digits after the n-th is not changed.
CREATE MACRO trino_round_double(x, n) AS
    CASE WHEN x = 0 THEN 0.0::DOUBLE
         WHEN NOT isfinite(x) OR abs(x) * pow(10, n) >= pow(2, 63) THEN x
         WHEN x < 0 THEN -(round(-x * pow(10, n)) / pow(10, n))
         ELSE round(x * pow(10, n)) / pow(10, n) END;

-- Outside its domain a function is NaN; DuckDB has an error. C's pow is 1 in cases where Java's is NaN.
CREATE MACRO trino_nan_if(outside, x) AS CASE WHEN outside THEN 'nan'::DOUBLE ELSE x END;
CREATE MACRO trino_power(x, y) AS
    CASE WHEN isnan(y) OR (abs(x) = 1 AND isinf(y)) THEN 'nan'::DOUBLE ELSE pow(x, y) END;

-- Outside their domain, logarithm and square root have IEEE values.
CREATE MACRO trino_log(x, logarithm) AS
    CASE WHEN x > 0 THEN logarithm WHEN x = 0 THEN -'infinity'::DOUBLE WHEN x IS NULL THEN NULL ELSE 'nan'::DOUBLE END;
CREATE MACRO trino_ln(x) AS trino_log(x, ln(CASE WHEN x > 0 THEN x ELSE 1 END));
CREATE MACRO trino_log2(x) AS trino_log(x, log2(CASE WHEN x > 0 THEN x ELSE 1 END));
CREATE MACRO trino_log10(x) AS trino_log(x, log10(CASE WHEN x > 0 THEN x ELSE 1 END));
CREATE MACRO trino_sqrt(x) AS CASE WHEN x < 0 THEN 'nan'::DOUBLE ELSE sqrt(abs(x)) END;
CREATE MACRO trino_finite(x) AS CASE WHEN isfinite(x) THEN x END;
CREATE MACRO trino_skewness(sample, n) AS sample * (n - 2) / sqrt(n * (n - 1.0::DOUBLE));
CREATE MACRO trino_if_standard_error(e, x) AS
    CASE WHEN e BETWEEN 0.0040625 AND 0.26 THEN x
         ELSE trino_raise('INVALID_FUNCTION_ARGUMENT: Standard error must be in [0.0040625, 0.26]: ' || e) END;
-- Trino's limit of the result, in bytes
CREATE MACRO trino_listagg(s) AS
    CASE WHEN strlen(s) > 1048576 THEN CAST(trino_raise('EXCEEDED_FUNCTION_MEMORY_LIMIT: Concatenated string has the '
            || 'length in bytes larger than the maximum output length 1048576') AS VARCHAR) ELSE s END;

-- With ON OVERFLOW TRUNCATE, a text that is too long is cut. How Trino cuts it is not done here.
CREATE MACRO trino_listagg_truncated(s) AS CASE
    WHEN CASE WHEN strlen(s) > 1048576 THEN trino_refuse('listagg with a result of more than 1048576 bytes') END IS NULL
    THEN s END;

CREATE MACRO trino_width_bucket_checked(x, low, high, n) AS
    CASE WHEN n <= 0 THEN trino_raise('INVALID_FUNCTION_ARGUMENT: bucketCount must be greater than 0')
         WHEN isnan(x) THEN trino_raise('INVALID_FUNCTION_ARGUMENT: operand must not be NaN')
         WHEN NOT isfinite(low) THEN trino_raise('INVALID_FUNCTION_ARGUMENT: first bound must be finite')
         WHEN NOT isfinite(high) THEN trino_raise('INVALID_FUNCTION_ARGUMENT: second bound must be finite')
         WHEN low = high THEN trino_raise('INVALID_FUNCTION_ARGUMENT: bounds cannot equal each other') END;
CREATE MACRO trino_width_bucket(x, low, high, n) AS
    CASE
        WHEN x IS NULL OR low IS NULL OR high IS NULL OR n IS NULL THEN NULL
        WHEN trino_width_bucket_checked(x, low, high, n) IS NOT NULL THEN NULL
        WHEN low < high THEN
            CASE WHEN x < low THEN 0 WHEN x >= high THEN n + 1
                 ELSE CAST(floor(n * (x - low) / (high - low)) AS BIGINT) + 1 END
        ELSE
            CASE WHEN x > low THEN 0 WHEN x <= high THEN n + 1
                 ELSE CAST(floor(n * (low - x) / (low - high)) AS BIGINT) + 1 END
    END;

CREATE MACRO trino_width_bucket_of_bounds(x, bounds) AS
    CASE WHEN x IS NULL OR bounds IS NULL THEN NULL
         WHEN CASE WHEN len(bounds) = 0 THEN trino_raise('INVALID_FUNCTION_ARGUMENT: Bins cannot be an empty array')
                   WHEN isnan(x) THEN trino_raise('INVALID_FUNCTION_ARGUMENT: Operand cannot be NaN')
                   WHEN len(list_filter(bounds, lambda it: it IS NULL OR NOT isfinite(it))) > 0
                   THEN trino_raise('INVALID_FUNCTION_ARGUMENT: Bin value must be finite')
                   WHEN bounds <> list_sort(bounds)
                   THEN trino_raise('INVALID_FUNCTION_ARGUMENT: Bin values are not sorted in ascending order') END IS NULL
         THEN len(list_filter(bounds, lambda it: it <= x)) END;
CREATE MACRO trino_random(low, high) AS
    CAST(low AS HUGEINT) + CAST(floor(random() * CASE WHEN low >= high
        THEN trino_raise('INVALID_FUNCTION_ARGUMENT: ' || CASE WHEN low = 0 THEN 'bound must be positive'
                         ELSE 'start value must be less than stop value' END)
        ELSE CAST(high AS DOUBLE) - low END) AS HUGEINT);

-- The cosine of the angle between two vectors, whose components are the values of maps.
CREATE MACRO trino_norm(m) AS sqrt(coalesce(list_sum(list_transform(map_values(m), lambda it: it * it)), 0.0));
CREATE MACRO trino_without_null(m) AS len(map_values(m)) = list_count(map_values(m));
CREATE MACRO trino_cosine_similarity(m, n) AS CASE WHEN trino_without_null(m) AND trino_without_null(n) THEN
    coalesce(list_sum(list_transform(map_entries(m), lambda it: (it).value * coalesce(n[(it).key], 0.0))), 0.0)
    / (trino_norm(m) * trino_norm(n)) END;

-- Java's whitespace, which trim removes. Source: Character.isWhitespace
CREATE MACRO trino_space() AS
    E'\t\n\x0b\f\r\x1c\x1d\x1e\x1f ' || chr(5760) || array_to_string(list_transform(
        [8192, 8193, 8194, 8195, 8196, 8197, 8198, 8200, 8201, 8202, 8232, 8233, 8287, 12288], lambda code: chr(code)), '');
CREATE MACRO trino_number(digits) AS CASE WHEN digits = '' THEN 0 ELSE CAST(digits AS BIGINT) END;

-- Positions count from 1; 0 and positions before the start give the empty string.
CREATE MACRO trino_substr(s, start) AS
    CASE WHEN start = 0 OR start < -length(s) THEN '' ELSE substring(s, start) END;
CREATE MACRO trino_substr_length(s, start, n) AS
    CASE WHEN start = 0 OR start < -length(s) OR n <= 0 THEN '' ELSE substring(s, start, n) END;
CREATE MACRO trino_pad_length(n) AS
    CASE WHEN n NOT BETWEEN 0 AND 2147483647
         THEN trino_raise('INVALID_FUNCTION_ARGUMENT: Target length must be in the range [0..2147483647]')
         ELSE CAST(n AS INTEGER) END;
CREATE MACRO trino_padding(padding) AS
    CASE WHEN padding = '' THEN
        CAST(trino_raise('INVALID_FUNCTION_ARGUMENT: Padding string must not be empty') AS VARCHAR)
        ELSE padding END;
CREATE MACRO trino_lpad(s, n, padding) AS lpad(s, trino_pad_length(n), trino_padding(padding));
CREATE MACRO trino_rpad(s, n, padding) AS rpad(s, trino_pad_length(n), trino_padding(padding));
-- The only letter that DuckDB changes but Java does not, because Java converts single characters.
CREATE MACRO trino_upper_text(s) AS
    CASE WHEN contains(s, 'ß') THEN array_to_string(list_transform(string_split(s, 'ß'), lambda part: upper(part)), 'ß')
         ELSE upper(s) END;
-- DuckDB's reverse keeps a letter and its combining accents together; Trino's does not.
CREATE MACRO trino_reverse(s) AS array_to_string(list_reverse(string_split(s, '')), '');
-- DuckDB's function compares bytes.
CREATE MACRO trino_levenshtein(a, b) AS
    CASE WHEN greatest(length(a), length(b)) * (least(length(a), length(b)) - 1) > 1000000
         THEN trino_raise('INVALID_FUNCTION_ARGUMENT: The combined inputs for Levenshtein distance are too large')
         WHEN length(a) = strlen(a) AND length(b) = strlen(b) THEN levenshtein(a, b)
         ELSE trino_levenshtein_of_characters(a, b) END;
-- The position of the i-th occurrence; for a negative i, counted from the end. Occurrences can overlap.
CREATE MACRO trino_strpos(s, part, i) AS
    CASE WHEN i = 0 THEN trino_raise('INVALID_FUNCTION_ARGUMENT: ''instance'' must be a positive or negative number.')
         WHEN s IS NULL OR part IS NULL OR i IS NULL THEN NULL
         WHEN part = '' THEN 1
         ELSE CAST(coalesce(list_filter(range(1, length(s) - length(part) + 2),
                                        lambda place: starts_with(substring(s, place), part))[i], 0) AS BIGINT) END;
CREATE MACRO trino_delimiter(delimiter) AS
    CASE WHEN delimiter = '' THEN
        CAST(trino_raise('INVALID_FUNCTION_ARGUMENT: The delimiter may not be the empty string') AS VARCHAR)
        ELSE delimiter END;
CREATE MACRO trino_split(s, delimiter) AS string_split(s, trino_delimiter(delimiter));
CREATE MACRO trino_split_limit(s, delimiter, n) AS
    CASE WHEN n <= 0 THEN [CAST(trino_raise('INVALID_FUNCTION_ARGUMENT: Limit must be positive') AS VARCHAR)]
         ELSE list_transform([trino_split(s, delimiter)], lambda parts:
            CASE WHEN len(parts) > n
                 THEN list_append(parts[1:n - 1], array_to_string(parts[n:], delimiter)) ELSE parts END)[1] END;
-- The empty delimiter is between any two characters.
CREATE MACRO trino_split_part(s, delimiter, i) AS
    CASE WHEN i < 1 THEN CAST(trino_raise('INVALID_FUNCTION_ARGUMENT: Index must be greater than zero') AS VARCHAR)
         ELSE string_split(s, delimiter)[i] END;
-- The empty string is found before and after each character.
CREATE MACRO trino_replace(s, search, replacement) AS
    CASE WHEN search = '' THEN regexp_replace(s, '', replace(replacement, '\', '\\'), 'g')
         ELSE replace(s, search, replacement) END;

-- Joins the texts between the matches of a regular expression, and the replacements of the matches.
CREATE MACRO trino_replaced(texts, replacements) AS
    CASE WHEN len(replacements) = list_count(replacements) THEN
        array_to_string(list_transform(list_zip(texts, replacements), lambda it: it[1] || coalesce(it[2], '')), '') END;

-- Array elements count from 1. An index out of range is an error for [] and NULL for element_at, for which negative
-- indexes count from the end.
CREATE MACRO trino_subscript(a, i) AS
    a[CASE
        WHEN i < 1 THEN trino_raise('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1')
        WHEN i > len(a) THEN trino_raise('INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: '
                                         || i || ' > ' || len(a))
        ELSE i
      END];
CREATE MACRO trino_element_at(a, i) AS
    a[CASE WHEN i = 0 THEN trino_raise('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1') ELSE i END];
CREATE MACRO trino_array_join(a, delimiter) AS
    CASE WHEN len(a) >= 0 AND delimiter IS NOT NULL THEN coalesce(array_to_string(a, delimiter), '') END;
CREATE MACRO trino_array_join_with_null(a, delimiter, replacement) AS
    CASE WHEN replacement IS NOT NULL
         THEN trino_array_join(list_transform(a, lambda x: coalesce(x, replacement)), delimiter) END;
-- In DuckDB, NaN is the largest number; in Trino, it is the result only if there is no number.
CREATE MACRO trino_array_max(a) AS CASE WHEN len(a) = list_count(a) THEN list_max(a) END;
CREATE MACRO trino_array_min(a) AS CASE WHEN len(a) = list_count(a) THEN list_min(a) END;
CREATE MACRO trino_array_max_number(a) AS
    CASE WHEN len(a) = list_count(a)
         THEN coalesce(list_max(list_filter(a, lambda x: NOT isnan(x))), list_max(a)) END;

-- The conjunction and the disjunction of booleans that can be NULL.
CREATE MACRO trino_booleans(results) AS list_transform(results, lambda it: coalesce(2 * CAST(it AS INTEGER), 1));
CREATE MACRO trino_all(results) AS [false, NULL, true][1 + list_min(trino_booleans(results) || [2])];
CREATE MACRO trino_any(results) AS [false, NULL, true][1 + list_max(trino_booleans(results) || [0])];
CREATE MACRO trino_determined(equal, function) AS list_transform([equal], lambda it:
    CASE WHEN CASE WHEN it IS NULL THEN trino_raise(
             'NOT_SUPPORTED: ' || function || ' does not support arrays with elements that are null or contain null')
         END IS NULL THEN it END)[1];
CREATE MACRO trino_first_true(results) AS
    CASE WHEN results IS NOT NULL THEN CAST(coalesce(list_position(results, true), 0) AS BIGINT) END;

-- The structs that lambdas with several parameters get.
CREATE MACRO trino_zip(a, b) AS CASE WHEN a IS NOT NULL AND b IS NOT NULL THEN
    list_transform(list_zip(a, b), lambda it: struct_pack(x0 := it[1], x1 := it[2])) END;
CREATE MACRO trino_pairs(a) AS
    list_transform(a, lambda it: list_transform(a, lambda other: struct_pack(x0 := it, x1 := other)));
CREATE MACRO trino_entries(m) AS
    list_transform(map_entries(m), lambda it: struct_pack(x0 := (it).key, x1 := (it).value));
CREATE MACRO trino_all_keys(m, n) AS
    map_keys(m) || list_filter(map_keys(n), lambda it: NOT map_contains(m, it));
CREATE MACRO trino_zipped_entries(m, n) AS
    list_transform(trino_all_keys(m, n), lambda it: struct_pack(x0 := it, x1 := m[it], x2 := n[it]));

-- Elements that are NULL are equal here, as in GROUP BY. A struct around each element makes DuckDB compare them so.
CREATE MACRO trino_wrapped(a) AS list_transform(a, lambda it: struct_pack(x := it));
CREATE MACRO trino_distinct_wrapped(w) AS
    list_transform(list_filter(w, lambda it, place: list_position(w, it) = place), lambda it: (it).x);
CREATE MACRO trino_distinct(given) AS list_transform([struct_pack(a := given)], lambda all_:
    CASE WHEN len(list_distinct((all_).a)) = len((all_).a) THEN (all_).a
         ELSE list_transform([trino_wrapped((all_).a)], lambda w: trino_distinct_wrapped(w))[1] END)[1];
CREATE MACRO trino_filter_by(a, b, wanted) AS CASE WHEN b IS NOT NULL THEN
    list_transform(list_filter(trino_wrapped(a), lambda it: list_contains(trino_wrapped(b), it) = wanted),
                   lambda it: (it).x) END;
CREATE MACRO trino_overlap(a, b) AS
    CASE WHEN a IS NULL OR b IS NULL THEN NULL
         WHEN len(list_filter(a, lambda it: len(list_filter(b, lambda other: other = it)) > 0)) > 0 THEN true
         WHEN len(a) = 0 OR len(b) = 0 THEN false
         WHEN len(a) > list_count(a) OR len(b) > list_count(b) THEN NULL ELSE false END;
CREATE MACRO trino_ngrams(a, n) AS
    CASE WHEN CASE WHEN n <= 0 THEN trino_raise('INVALID_FUNCTION_ARGUMENT: N must be positive') END IS NOT NULL
              OR a IS NULL OR n IS NULL THEN NULL
         WHEN n >= len(a) THEN [a]
         ELSE list_transform(range(1, len(a) - n + 2), lambda it: a[it:it + n - 1]) END;
CREATE MACRO trino_repeats(n) AS
    CASE WHEN n < 0 THEN trino_raise('INVALID_FUNCTION_ARGUMENT: count argument of repeat function must be greater than or equal to 0')
         WHEN n > 10000 THEN trino_raise('INVALID_FUNCTION_ARGUMENT: count argument of repeat function must be less than or equal to 10000')
         ELSE n END;
CREATE MACRO trino_slice_start(a, start) AS
    CASE WHEN start = 0 THEN trino_raise('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1')
         WHEN start < 0 THEN len(a) + start + 1 ELSE start END;
CREATE MACRO trino_slice(a, start, n) AS
    CASE WHEN start IS NULL OR n IS NULL THEN NULL
         WHEN CASE WHEN n < 0 THEN trino_raise('INVALID_FUNCTION_ARGUMENT: length must be greater than or equal to 0') END
              IS NOT NULL THEN NULL
         WHEN trino_slice_start(a, start) < 1 OR n = 0 THEN a[1:0]
         ELSE a[trino_slice_start(a, start):trino_slice_start(a, start) + n - 1] END;
CREATE MACRO trino_trim_array(a, n) AS
    CASE WHEN n IS NULL THEN NULL
         WHEN CASE WHEN n < 0 THEN trino_raise('INVALID_FUNCTION_ARGUMENT: size must not be negative: ' || n)
                   WHEN n > len(a) THEN trino_raise('INVALID_FUNCTION_ARGUMENT: size must not exceed array cardinality '
                                                    || len(a) || ': ' || n) END IS NOT NULL THEN NULL
         ELSE a[1:len(a) - n] END;

-- A map of Trino: no key is NULL, and no key is there twice. The arrays have the same length.
CREATE MACRO trino_map(ks, vs) AS CASE
    WHEN CASE WHEN len(ks) <> len(vs) THEN
                   trino_raise('INVALID_FUNCTION_ARGUMENT: Key and value arrays must be the same length')
              WHEN vs IS NULL THEN NULL
              WHEN list_count(ks) < len(ks) THEN trino_raise('INVALID_FUNCTION_ARGUMENT: map key cannot be null')
              WHEN len(list_distinct(ks)) < len(ks) THEN
                   trino_raise('INVALID_FUNCTION_ARGUMENT: Duplicate map keys are not allowed') END IS NULL
    THEN map(ks, vs) END;
CREATE MACRO trino_map_subscript(m, k) AS CASE
    WHEN CASE WHEN k IS NOT NULL AND NOT map_contains(m, k) THEN
                   trino_raise('INVALID_FUNCTION_ARGUMENT: Key not present in map: ' || CAST(k AS VARCHAR)) END IS NULL
    THEN m[k] END;

CREATE MACRO trino_map_from_entries(pairs) AS CASE
    WHEN CASE WHEN len(list_filter(pairs, lambda it: it IS NULL)) > 0 THEN
                   trino_raise('INVALID_FUNCTION_ARGUMENT: map entry cannot be null') END IS NULL
    THEN trino_map(list_transform(pairs, lambda it: (it).field0), list_transform(pairs, lambda it: (it).field1)) END;
-- The counts are exact if the capacity is not less than the number of different values.
CREATE MACRO trino_most_frequent(counts, buckets, capacity) AS CASE
    WHEN CASE WHEN buckets < 2 THEN
             trino_raise('INVALID_FUNCTION_ARGUMENT: approx_most_frequent bucket count must be greater than one, '
                         || 'input bucket count: ' || buckets) END IS NULL
         AND CASE WHEN cardinality(counts) > capacity THEN
             trino_refuse('approx_most_frequent of more different values than its capacity') END IS NULL
    THEN map_from_entries(list_transform(
        list_sort(list_transform(map_entries(counts), lambda it: struct_pack(n := -(it).value, k := (it).key)))[1:buckets],
        lambda it: struct_pack(key := (it).k, value := -(it).n))) END;
-- Aggregates get pairs of a key k and a value v. The first value of a key counts; a key that is NULL does not.
CREATE MACRO trino_pairs_of(m) AS list_transform(map_entries(m), lambda it: struct_pack(k := (it).key, v := (it).value));
CREATE MACRO trino_keyed(pairs) AS list_filter(pairs, lambda it: (it).k IS NOT NULL);
CREATE MACRO trino_keys_of(pairs) AS list_transform(pairs, lambda it: (it).k);
CREATE MACRO trino_first_pairs(given) AS list_transform([given], lambda all_:
    CASE WHEN len(list_distinct(trino_wrapped(trino_keys_of(all_)))) = len(all_) THEN all_
         ELSE list_transform([struct_pack(keys_ := trino_wrapped(trino_keys_of(all_)))], lambda known: list_filter(
             all_, lambda it, place: list_position((known).keys_, struct_pack(x := (it).k)) = place))[1] END)[1];
CREATE MACRO trino_map_agg(pairs) AS list_transform([trino_first_pairs(trino_keyed(pairs))], lambda known:
    CASE WHEN len(known) > 0 THEN map(trino_keys_of(known), list_transform(known, lambda it: (it).v)) END)[1];
CREATE MACRO trino_map_concat(pairs) AS list_transform([trino_first_pairs(pairs)], lambda known:
    map(trino_keys_of(known), list_transform(known, lambda it: (it).v)))[1];
CREATE MACRO trino_grouped(pairs, distinct_keys) AS map(distinct_keys, list_transform(distinct_keys, lambda wanted:
    list_transform(list_filter(pairs, lambda it: (it).k = wanted), lambda it: (it).v)));
CREATE MACRO trino_multimap_agg(given) AS list_transform([trino_keyed(given)], lambda pairs:
    CASE WHEN len(pairs) > 0 THEN trino_grouped(pairs, trino_keys_of(trino_first_pairs(pairs))) END)[1];
CREATE MACRO trino_multimap_from_entries(given) AS CASE
    WHEN CASE WHEN len(list_filter(given, lambda it: it IS NULL)) > 0 THEN
                   trino_raise('INVALID_FUNCTION_ARGUMENT: map entry cannot be null')
              WHEN len(list_filter(given, lambda it: (it).field0 IS NULL)) > 0 THEN
                   trino_raise('INVALID_FUNCTION_ARGUMENT: map key cannot be null') END IS NULL
    THEN list_transform([list_transform(given, lambda it: struct_pack(k := (it).field0, v := (it).field1))], lambda pairs:
        trino_grouped(pairs, trino_keys_of(trino_first_pairs(pairs))))[1] END;

-- The calendar repeats every 400 years; DuckDB only parses the years 1 to 9999.
CREATE MACRO trino_make_date(y, m, d) AS
    list_transform([y], lambda y_: list_transform([2000 + (y_ % 400 + 400) % 400], lambda alike:
        TRY_CAST(alike || '-' || m || '-' || d AS DATE) + CAST((y_ - alike) // 400 * 146097 AS INTEGER))[1])[1];
-- The value of a string as Trino parses it; NULL if it is invalid.
CREATE MACRO trino_read_date(s) AS
    list_transform([regexp_extract(trim(s, trino_space()), '^([+-]?\d{1,9})-(\d{1,2})-(\d{1,2})$', ['y', 'm', 'd'])],
                   lambda part: trino_make_date(TRY_CAST((part).y AS BIGINT), (part).m, (part).d))[1];
-- More than ``digits`` digits of the second are rounded, and a time zone is dropped.
CREATE MACRO trino_read_timestamp(s, digits) AS
    list_transform([regexp_extract(
        trim(s, trino_space()),
        '^([+-]?\d{4,})-(\d{1,2})-(\d{1,2})(?: (?:(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d+))?)?)?(?:\s*(.+))?)?$',
        ['y', 'm', 'd', 'h', 'i', 's', 'f', 'z'])],
        lambda part: CASE
            WHEN trino_number((part).h) < 24 AND trino_number((part).i) < 60 AND trino_number((part).s) < 60
                 AND ((part).z = '' OR trino_is_zone((part).z))
            THEN make_timestamp(
                epoch_us(trino_make_date(TRY_CAST((part).y AS BIGINT), (part).m, (part).d))
                + trino_number((part).h) * 3600000000 + trino_number((part).i) * 60000000 + trino_number((part).s) * 1000000
                + CAST(round(CAST('0.' || (part).f AS DECIMAL(18, 15)), digits) * 1000000 AS BIGINT)) END)[1];
CREATE MACRO trino_date(s) AS
    list_transform([s], lambda given: list_transform([trino_read_date(given)], lambda found:
        CASE WHEN found IS NOT NULL OR given IS NULL THEN found
             ELSE CAST(CAST(trino_raise('INVALID_CAST_ARGUMENT: Value cannot be cast to date: ' || given) AS VARCHAR)
                       AS DATE) END)[1])[1];
CREATE MACRO trino_timestamp(s, digits) AS
    list_transform([s], lambda given: list_transform([trino_read_timestamp(given, digits)], lambda found:
        CASE WHEN found IS NOT NULL OR given IS NULL THEN found
             ELSE CAST(CAST(trino_raise('INVALID_CAST_ARGUMENT: Value cannot be cast to timestamp: ' || given) AS VARCHAR)
                       AS TIMESTAMP) END)[1])[1];
CREATE MACRO trino_parsed(s, found) AS
    list_transform([found], lambda f: CASE WHEN f IS NOT NULL OR s IS NULL THEN f
        ELSE CAST(CAST(trino_raise('INVALID_FUNCTION_ARGUMENT: Invalid format: "' || s || '"') AS VARCHAR) AS TIMESTAMP)
        END)[1];
-- From 10000 on, a year has a plus sign in the text of a timestamp, but not of a date.
CREATE MACRO trino_year(y, plus) AS
    CASE WHEN y < 0 THEN '-' WHEN y > 9999 THEN plus ELSE '' END
    || CASE WHEN abs(y) < 1000 THEN lpad(CAST(abs(y) AS VARCHAR), 4, '0') ELSE CAST(abs(y) AS VARCHAR) END;
CREATE MACRO trino_date_text(d) AS
    list_transform([d], lambda d_: trino_year(year(d_), '') || strftime(d_, '-%m-%d'))[1];
CREATE MACRO trino_timestamp_text(t, digits) AS
    list_transform([t], lambda t_: trino_year(year(t_), '+')
        || substring(strftime(t_, '-%m-%d %H:%M:%S.%f'), 1, CASE WHEN digits = 0 THEN 15 ELSE 16 + digits END))[1];

-- A string is cast only if Trino accepts it; DuckDB is more lenient.
CREATE MACRO trino_checked(s, pattern, target) AS
    CASE WHEN s IS NULL OR regexp_full_match(s, pattern) THEN s
         ELSE CAST(trino_raise('INVALID_CAST_ARGUMENT: Cannot cast ''' || s || ''' to ' || target) AS VARCHAR) END;
CREATE MACRO trino_fitting_text(s, n) AS CASE
    WHEN CASE WHEN length(s) > n THEN
        trino_refuse('a cast of a JSON string of more than ' || n || ' characters to varchar(' || n || ')') END IS NULL
    THEN s END;
CREATE MACRO trino_readable(s, pattern) AS CASE WHEN regexp_full_match(s, pattern) THEN s END;

CREATE MACRO trino_uuid(s) AS list_transform([s], lambda text:
    CAST(CASE WHEN regexp_full_match(text, '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}') OR text IS NULL THEN text
         ELSE CAST(trino_raise('INVALID_CAST_ARGUMENT: Cannot cast value to UUID: ' || text) AS VARCHAR) END AS UUID))[1];
CREATE MACRO trino_uuid_of_bytes(b) AS list_transform([b], lambda bytes:
    CAST(CASE WHEN octet_length(bytes) = 16 OR bytes IS NULL THEN lower(hex(bytes))
         ELSE CAST(trino_raise('INVALID_CAST_ARGUMENT: Invalid UUID binary length: ' || octet_length(bytes)) AS VARCHAR)
         END AS UUID))[1];

-- Validates a LIKE pattern and its escape character; '' means no escape character.
CREATE MACRO trino_like_pattern(pattern, e) AS
    CASE
        WHEN pattern IS NULL THEN NULL
        WHEN length(e) > 1 THEN
            CAST(trino_raise('INVALID_FUNCTION_ARGUMENT: Escape string must be a single character') AS VARCHAR)
        WHEN e <> '' AND contains(
            replace(replace(replace(pattern, e || e, ' '), e || '%', ' '), e || '_', ' '), e
        ) THEN
            CAST(trino_raise('INVALID_FUNCTION_ARGUMENT: Escape character must be followed by ''%'', ''_'' '
                             || 'or the escape character itself') AS VARCHAR)
        ELSE pattern
    END;

-- The offset of a window function must not be negative.
CREATE MACRO trino_offset(n, least) AS
    CASE WHEN n < least THEN trino_raise('INVALID_FUNCTION_ARGUMENT: Offset must be at least ' || least) ELSE n END;

CREATE MACRO trino_frame_offset(n) AS
    CASE WHEN n < 0 OR n IS NULL
         THEN trino_raise('INVALID_WINDOW_FRAME: Window frame offset value must not be negative or null') ELSE n END;

CREATE MACRO trino_sequence(a, b, step) AS
    generate_series(a, b, CASE
        WHEN step = 0 THEN trino_raise('INVALID_FUNCTION_ARGUMENT: step must not be zero')
        WHEN (step > 0 AND b < a) OR (step < 0 AND b > a) THEN
            trino_raise('INVALID_FUNCTION_ARGUMENT: sequence stop value should be greater than or equal to start value '
                        || 'if step is greater than zero otherwise stop should be less than or equal to start')
        WHEN (CAST(b AS HUGEINT) - a) // step >= 10000 THEN
            trino_raise('INVALID_FUNCTION_ARGUMENT: result of sequence function must not have more than 10000 entries')
        ELSE step
    END);
CREATE MACRO trino_sequence_of_dates(first, last) AS
    list_transform(trino_sequence(CAST(first - DATE '1970-01-01' AS BIGINT), CAST(last - DATE '1970-01-01' AS BIGINT),
                                  CASE WHEN first <= last THEN 1 ELSE -1 END),
                   lambda day: DATE '1970-01-01' + CAST(day AS INTEGER));

-- The entries of a map from a text file: only the first entry of a key counts, and NULL is no key.
CREATE MACRO trino_first_entries(entries) AS list_filter(entries, lambda e, i:
    (e).key IS NOT NULL AND list_position(list_transform(entries, lambda x: (x).key), (e).key) = i);
CREATE MACRO trino_whole_days(ms) AS
    CASE WHEN ms % 86400000 <> 0 THEN
        trino_raise('INVALID_FUNCTION_ARGUMENT: sequence step must be a day interval if start and end values are dates')
        ELSE ms // 86400000 END;
CREATE MACRO trino_sequence_of_days(first, last, ms) AS
    list_transform(trino_sequence(CAST(first - DATE '1970-01-01' AS BIGINT), CAST(last - DATE '1970-01-01' AS BIGINT),
                                  trino_whole_days(ms)),
                   lambda day: DATE '1970-01-01' + CAST(day AS INTEGER));
CREATE MACRO trino_sequence_of_milliseconds(first, last, ms) AS
    list_transform(trino_sequence(epoch_us(first), epoch_us(last), ms * 1000), lambda us: make_timestamp(us));
-- Each element is the first moment and a number of months, so that months without a 31st do not shorten the later ones.
CREATE MACRO trino_sequence_of_months(first, last, step) AS
    list_transform(
        trino_sequence(0::BIGINT,
                       CASE WHEN step > 0 AND last < first THEN -1 WHEN step < 0 AND last > first THEN 1
                            ELSE date_sub('month', first, last) END,
                       CAST(step AS BIGINT)),
        lambda months: first + to_months(CAST(months AS INTEGER)));
