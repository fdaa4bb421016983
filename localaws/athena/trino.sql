-- Trino's answers where DuckDB's differ. A text that begins with '@' is an error for the caller: casting it
-- to INTEGER fails, and the engine takes the message out of that failure. (DuckDB's own error() is volatile,
-- which TRY does not accept.)
CREATE MACRO trino_raise(message) AS CAST('@' || message AS INTEGER);
-- A refusal of what this engine would answer wrong. TRY must not make NULL of it: it lets DuckDB's "not
-- implemented" pass, which an unknown time zone is.
CREATE MACRO trino_refuse(what) AS CAST(timezone('@' || what, TIMESTAMP '1970-01-01 00:00:00') AS VARCHAR);

-- Integer division truncates, and by zero it is an error.
CREATE MACRO trino_divide(a, b) AS
    CASE WHEN a IS NOT NULL AND b = 0 THEN trino_raise('DIVISION_BY_ZERO: Division by zero') ELSE a // b END;
CREATE MACRO trino_mod(a, b) AS
    CASE WHEN a IS NOT NULL AND b = 0 THEN trino_raise('DIVISION_BY_ZERO: Division by zero') ELSE a % b END;

-- Decimals divide exactly, on their unscaled digits, and round half up.
CREATE MACRO trino_unscaled(a) AS CAST(replace(CAST(a AS VARCHAR), '.', '') AS HUGEINT);
CREATE MACRO trino_divide_unscaled(a, b) AS
    CASE
        WHEN a IS NOT NULL AND b = 0 THEN trino_raise('DIVISION_BY_ZERO: Division by zero')
        ELSE ((abs(a) + abs(b) // 2) // abs(b)) * sign(a) * sign(b)
    END;

-- Outside their domain the logarithm and the root have IEEE values.
CREATE MACRO trino_log(x, logarithm) AS
    CASE WHEN x > 0 THEN logarithm WHEN x = 0 THEN -'infinity'::DOUBLE WHEN x IS NULL THEN NULL ELSE 'nan'::DOUBLE END;
CREATE MACRO trino_ln(x) AS trino_log(x, ln(CASE WHEN x > 0 THEN x ELSE 1 END));
CREATE MACRO trino_log2(x) AS trino_log(x, log2(CASE WHEN x > 0 THEN x ELSE 1 END));
CREATE MACRO trino_log10(x) AS trino_log(x, log10(CASE WHEN x > 0 THEN x ELSE 1 END));
CREATE MACRO trino_sqrt(x) AS CASE WHEN x < 0 THEN 'nan'::DOUBLE ELSE sqrt(abs(x)) END;
CREATE MACRO trino_width_bucket(x, low, high, n) AS
    CASE
        WHEN low < high THEN
            CASE WHEN x < low THEN 0 WHEN x >= high THEN n + 1
                 ELSE CAST(floor(n * (x - low) / (high - low)) AS BIGINT) + 1 END
        WHEN low > high THEN
            CASE WHEN x > low THEN 0 WHEN x <= high THEN n + 1
                 ELSE CAST(floor(n * (low - x) / (low - high)) AS BIGINT) + 1 END
        WHEN low = high THEN trino_raise('INVALID_FUNCTION_ARGUMENT: bounds cannot equal each other')
    END;

-- Positions count from 1; 0 and anything before the beginning give the empty text.
CREATE MACRO trino_substr(s, start) AS
    CASE WHEN start = 0 OR start < -length(s) THEN '' ELSE substring(s, start) END;
CREATE MACRO trino_substr_length(s, start, n) AS
    CASE WHEN start = 0 OR start < -length(s) OR n <= 0 THEN '' ELSE substring(s, start, n) END;
CREATE MACRO trino_split(s, delimiter) AS
    split(s, CASE WHEN delimiter = '' THEN
        CAST(trino_raise('INVALID_FUNCTION_ARGUMENT: The delimiter may not be the empty string') AS VARCHAR)
        ELSE delimiter END);
CREATE MACRO trino_replace(s, search, replacement) AS
    replace(s, CASE WHEN search = '' THEN
        trino_refuse('replace of the empty string')
        ELSE search END, replacement);
CREATE MACRO trino_split_part(s, delimiter, i) AS
    CASE
        WHEN i < 1 THEN CAST(trino_raise('INVALID_FUNCTION_ARGUMENT: Index must be greater than zero') AS VARCHAR)
        WHEN i <= len(trino_split(s, delimiter)) THEN trino_split(s, delimiter)[i]
    END;
CREATE MACRO trino_regexp_extract(s, pattern, i) AS
    CASE WHEN regexp_matches(s, pattern) THEN regexp_extract(s, pattern, i) END;

-- An array's elements count from 1; [] outside is an error, element_at is NULL, and from the end with a minus.
CREATE MACRO trino_subscript(a, i) AS
    a[CASE
        WHEN i < 1 THEN trino_raise('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1')
        WHEN i > len(a) THEN trino_raise('INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or equal to array length: '
                                         || i || ' > ' || len(a))
        ELSE i
      END];
CREATE MACRO trino_element_at(a, i) AS
    a[CASE WHEN i = 0 THEN trino_raise('INVALID_FUNCTION_ARGUMENT: SQL array indices start at 1') ELSE i END];
CREATE MACRO trino_contains(a, x) AS
    CASE WHEN a IS NULL OR x IS NULL THEN NULL
         WHEN list_contains(a, x) THEN true
         WHEN len(a) > list_count(a) THEN NULL ELSE false END;
CREATE MACRO trino_array_position(a, x) AS
    CASE WHEN a IS NULL OR x IS NULL THEN NULL ELSE CAST(coalesce(list_position(a, x), 0) AS BIGINT) END;

-- A text becomes a value only when Trino would read it so; DuckDB is more lenient.
CREATE MACRO trino_checked(s, pattern, target) AS
    CASE WHEN s IS NULL OR regexp_full_match(s, pattern) THEN s
         ELSE CAST(trino_raise('INVALID_CAST_ARGUMENT: Cannot cast ''' || s || ''' to ' || target) AS VARCHAR) END;
CREATE MACRO trino_readable(s, pattern) AS CASE WHEN regexp_full_match(s, pattern) THEN s END;

-- What LIKE takes as a pattern and its escape character; the empty one means none.
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

-- An offset of a window function may not go the other way.
CREATE MACRO trino_offset(n, least) AS
    CASE WHEN n < least THEN trino_raise('INVALID_FUNCTION_ARGUMENT: Offset must be at least ' || least) ELSE n END;

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
