-- Timestamps with time zone, times with time zone, and intervals.

-- A timestamp with time zone is an INTERVAL: its days are the negative number of its zone, its total is the instant in
-- microseconds since 1970, plus a constant that keeps it positive. DuckDB compares, groups and joins intervals by their
-- total, as Trino compares timestamps by the instant, and the value keeps its zone.
CREATE MACRO trino_zoned(instant, zone) AS
    to_days(CAST(-(zone) AS INTEGER)) + to_microseconds((instant) + (zone) * 86400000000 + 2305843009213693952);
CREATE MACRO trino_instant(z) AS epoch_us(z) - 2305843009213693952;
CREATE MACRO trino_zone(z) AS -datepart('day', z);

-- The local time at an instant, and the instant of a local time, in microseconds. A local time that the clocks skip is
-- moved forward; of two instants with the same local time it is the earlier one.
CREATE MACRO trino_local_at(instant, zone) AS
    CASE WHEN zone = 0 THEN instant WHEN zone < 2000 THEN instant + (zone - 841) * 60000000::BIGINT
         ELSE epoch_us(timezone(trino_zone_name(CAST(zone AS INTEGER)), make_timestamptz(instant))) END;
CREATE MACRO trino_earlier(found, wall, zone) AS
    CASE WHEN trino_local_at(found - 3600000000, zone) = wall THEN found - 3600000000
         WHEN trino_local_at(found - 1800000000, zone) = wall THEN found - 1800000000 ELSE found END;
CREATE MACRO trino_instant_at(wall, zone) AS
    CASE WHEN zone = 0 THEN wall WHEN zone < 2000 THEN wall - (zone - 841) * 60000000::BIGINT
         ELSE trino_earlier(epoch_us(timezone(trino_zone_name(CAST(zone AS INTEGER)), make_timestamp(wall))), wall, zone) END;
CREATE MACRO trino_local(z) AS list_transform([z], lambda z_: trino_local_at(trino_instant(z_), trino_zone(z_)))[1];
CREATE MACRO trino_at_local(wall, zone) AS list_transform([struct_pack(t := wall, zone := zone)],
    lambda w: CASE WHEN (w).t IS NOT NULL THEN trino_zoned(trino_instant_at((w).t, (w).zone), (w).zone) END)[1];
CREATE MACRO trino_with_zone(z, zone) AS trino_zoned(trino_instant(z), zone);
-- The offset at the instant, in minutes.
CREATE MACRO trino_zone_offset(z) AS
    list_transform([z], lambda z_: CAST(trunc((trino_local_at(trino_instant(z_), trino_zone(z_)) - trino_instant(z_))
                                        / 60000000) AS BIGINT))[1];
CREATE MACRO trino_known_zone(name) AS list_transform([name], lambda n:
    CASE WHEN n IS NULL THEN NULL WHEN trino_zone_number(n) >= 0 THEN trino_zone_number(n)
         ELSE trino_raise('INVALID_FUNCTION_ARGUMENT: ''' || n || ''' is not a valid time zone') END)[1];

-- A time with time zone is an INTERVAL, too: its total is the time in UTC, its days are the offset in minutes, negative
-- and less 1000.
CREATE MACRO trino_floor_mod(a, b) AS ((a) % b + b) % b;
CREATE MACRO trino_zoned_time(utc, minutes) AS
    to_days(CAST(-(minutes) - 1000 AS INTEGER))
    + to_microseconds(trino_floor_mod(utc, 86400000000) + ((minutes) + 1000) * 86400000000);
-- The local time at an instant. As in Trino 401, its offset is that of the zone when this local time is the time in UTC.
CREATE MACRO trino_time_in_zone(instant, zone) AS
    list_transform([trino_local_at(instant, zone)], lambda wall: list_transform(
        [CAST(trunc((trino_local_at(wall, zone) - wall) / 60000000) AS BIGINT)],
        lambda minutes: trino_zoned_time(wall - minutes * 60000000, minutes))[1])[1];
CREATE MACRO trino_time_offset(t) AS CAST(-datepart('day', t) - 1000 AS BIGINT);
CREATE MACRO trino_local_time(t) AS
    list_transform([t], lambda t_: trino_floor_mod(epoch_us(t_) + trino_time_offset(t_) * 60000000::BIGINT, 86400000000))[1];
CREATE MACRO trino_make_time(us) AS CAST(make_timestamp(us) AS TIME);
CREATE MACRO trino_time_us(t) AS epoch_us(t);

-- Rounds microseconds half up to a multiple of ``unit``.
CREATE MACRO trino_round_us(us, unit) AS
    list_transform([us], lambda u: u + unit // 2 - trino_floor_mod(u + unit // 2, unit))[1];

-- More than six digits of a second: a struct of the microseconds and of the picoseconds after them. With a time zone it
-- has the instant, or the time in UTC, and the zone, because DuckDB does not order the intervals in a struct by their total.
CREATE MACRO trino_ps(moment, rest) AS list_transform([moment], lambda us_:
    CASE WHEN us_ IS NOT NULL THEN struct_pack(us := us_, ps := CAST(rest AS INTEGER)) END)[1];
CREATE MACRO trino_zoned_ps(moment, rest) AS list_transform([moment], lambda z_: CASE WHEN z_ IS NOT NULL THEN
    struct_pack(us := trino_instant(z_), ps := CAST(rest AS INTEGER), zone := CAST(trino_zone(z_) AS INTEGER)) END)[1];
CREATE MACRO trino_zoned_time_ps(moment, rest) AS list_transform([moment], lambda t_: CASE WHEN t_ IS NOT NULL THEN
    struct_pack(us := trino_floor_mod(epoch_us(t_), 86400000000), ps := CAST(rest AS INTEGER),
                zone := CAST(trino_time_offset(t_) AS INTEGER)) END)[1];
CREATE MACRO trino_zoned_of(w) AS list_transform([w], lambda w_: trino_zoned((w_).us, (w_).zone))[1];
CREATE MACRO trino_zoned_time_of(w) AS list_transform([w], lambda w_: trino_zoned_time((w_).us, (w_).zone))[1];
CREATE MACRO trino_instant_ps(w) AS list_transform([w], lambda w_:
    CASE WHEN w_ IS NOT NULL THEN struct_pack(us := (w_).us, ps := (w_).ps) END)[1];
CREATE MACRO trino_six_digits(s) AS regexp_replace(s, '(\.\d{6})\d{1,6}(\D|$)', '\1\2');
CREATE MACRO trino_more_digits(s) AS CAST(rpad(regexp_extract(s, '\.\d{6}(\d{1,6})', 1), 6, '0') AS INTEGER);

-- Texts.
CREATE MACRO trino_offset_text(minutes) AS
    CASE WHEN minutes < 0 THEN '-' ELSE '+' END || lpad(CAST(abs(minutes) // 60 AS VARCHAR), 2, '0') || ':'
    || lpad(CAST(abs(minutes) % 60 AS VARCHAR), 2, '0');
CREATE MACRO trino_zoned_text(z, digits) AS list_transform([z], lambda z_:
    trino_timestamp_text(make_timestamp(trino_local(z_)), digits) || ' ' || trino_zone_name(CAST(trino_zone(z_) AS INTEGER)))[1];
CREATE MACRO trino_time_text(us, digits) AS
    substring(strftime(make_timestamp(us), '%H:%M:%S.%f'), 1, CASE WHEN digits = 0 THEN 8 ELSE 9 + digits END);
CREATE MACRO trino_zoned_time_text(t, digits) AS list_transform([t], lambda t_:
    trino_time_text(trino_local_time(t_), digits) || trino_offset_text(trino_time_offset(t_)))[1];
CREATE MACRO trino_ps_digits(ps, digits) AS left(lpad(CAST(ps AS VARCHAR), 6, '0'), digits - 6);
CREATE MACRO trino_timestamp_ps_text(w, digits) AS list_transform([w], lambda w_:
    trino_timestamp_text((w_).us, 6) || trino_ps_digits((w_).ps, digits))[1];
CREATE MACRO trino_time_ps_text(w, digits) AS list_transform([w], lambda w_:
    trino_time_text(epoch_us((w_).us), 6) || trino_ps_digits((w_).ps, digits))[1];
CREATE MACRO trino_zoned_ps_text(w, digits) AS list_transform([w], lambda w_:
    trino_timestamp_text(make_timestamp(trino_local_at((w_).us, (w_).zone)), 6)
    || trino_ps_digits((w_).ps, digits) || ' ' || trino_zone_name((w_).zone))[1];
CREATE MACRO trino_zoned_time_ps_text(w, digits) AS list_transform([w], lambda w_:
    trino_time_text(trino_floor_mod((w_).us + (w_).zone * 60000000::BIGINT, 86400000000), 6)
    || trino_ps_digits((w_).ps, digits) || trino_offset_text((w_).zone))[1];
CREATE MACRO trino_days_text(ms) AS list_transform([ms], lambda i:
    CASE WHEN i < 0 THEN '-' ELSE '' END || (abs(i) // 86400000) || ' '
    || strftime(make_timestamp(abs(i) % 86400000 * 1000), '%H:%M:%S.%g'))[1];
CREATE MACRO trino_months_text(months) AS list_transform([months], lambda i:
    CASE WHEN i < 0 THEN '-' ELSE '' END || (abs(i) // 12) || '-' || (abs(i) % 12))[1];

-- The value of a string; NULL if it is invalid.
CREATE MACRO trino_moment_parts(s) AS regexp_extract(
    trim(s, trino_space()),
    '^([+-]?\d{4,})-(\d{1,2})-(\d{1,2})(?: (?:(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,12}))?)?)?(?:\s*(.+))?)?$',
    ['y', 'm', 'd', 'h', 'i', 's', 'f', 'z']);
CREATE MACRO trino_time_of_parts(part, digits) AS
    trino_number((part).h) * 3600000000 + trino_number((part).i) * 60000000::BIGINT + trino_number((part).s) * 1000000
    + CAST(round(CAST('0.' || (part).f AS DECIMAL(18, 15)), digits) * 1000000 AS BIGINT);
CREATE MACRO trino_local_of_parts(part, digits) AS
    CASE WHEN trino_number((part).h) < 24 AND trino_number((part).i) < 60 AND trino_number((part).s) < 60
         THEN epoch_us(trino_make_date(TRY_CAST((part).y AS BIGINT), (part).m, (part).d)) + trino_time_of_parts(part, digits)
    END;
CREATE MACRO trino_read_zoned(s, digits) AS list_transform([trino_moment_parts(s)], lambda part:
    trino_at_local(trino_local_of_parts(part, digits),
                   CASE WHEN (part).z = '' THEN 0 ELSE nullif(trino_zone_number((part).z), -1) END))[1];
CREATE MACRO trino_time_parts(s) AS regexp_extract(
    trim(s, trino_space()), '^(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.(\d{1,12}))?)?(?:\s*([+-])(\d\d):(\d\d))?$',
    ['h', 'i', 's', 'f', 'sign', 'zh', 'zm']);
CREATE MACRO trino_read_time(s, digits) AS list_transform([trino_time_parts(s)], lambda part:
    CASE WHEN (part).h <> '' AND (part).sign = '' AND trino_number((part).h) < 24 AND trino_number((part).i) < 60
              AND trino_number((part).s) < 60
         THEN trino_make_time(trino_time_of_parts(part, digits) % 86400000000) END)[1];
CREATE MACRO trino_offset_of_parts(part) AS
    CASE WHEN (part).sign = '-' THEN -1 ELSE 1 END * (trino_number((part).zh) * 60 + trino_number((part).zm));
CREATE MACRO trino_read_zoned_time(s, digits) AS list_transform([trino_time_parts(s)], lambda part:
    CASE WHEN (part).h <> '' AND (part).sign <> '' AND trino_number((part).h) < 24 AND trino_number((part).i) < 60
              AND trino_number((part).s) < 60 AND trino_number((part).zm) < 60 AND abs(trino_offset_of_parts(part)) <= 840
         THEN trino_zoned_time(trino_time_of_parts(part, digits) - trino_offset_of_parts(part) * 60000000::BIGINT,
                               trino_offset_of_parts(part)) END)[1];
CREATE MACRO trino_castable(s, found, name) AS
    CASE WHEN found IS NULL AND s IS NOT NULL
         THEN trino_raise('INVALID_CAST_ARGUMENT: Value cannot be cast to ' || name || ': ' || s) ELSE 0 END;
CREATE MACRO trino_cast_or_raise(s, found, name) AS list_transform([struct_pack(s := s, found := found)], lambda it:
    CASE WHEN trino_castable((it).s, (it).found, name) = 0 THEN (it).found END)[1];

-- Arithmetic. Units of at least a day move the local time; smaller ones move the instant.
CREATE MACRO trino_zoned_plus_local(z, delta) AS list_transform([z], lambda z_:
    trino_at_local(epoch_us(make_timestamp(trino_local(z_)) + delta), trino_zone(z_)))[1];
CREATE MACRO trino_zoned_plus(z, us) AS z + to_microseconds(us);
CREATE MACRO trino_zoned_trunc(unit, z) AS list_transform([z], lambda z_:
    trino_at_local(epoch_us(date_trunc(unit, make_timestamp(trino_local(z_)))), trino_zone(z_)))[1];
CREATE MACRO trino_zoned_trunc_time(z, us) AS list_transform([z], lambda z_:
    z_ - to_microseconds(trino_floor_mod(trino_local(z_), us)))[1];
CREATE MACRO trino_time_plus(t, us) AS trino_make_time(trino_floor_mod(epoch_us(t) + us, 86400000000));
CREATE MACRO trino_zoned_time_plus(t, us) AS list_transform([t], lambda t_:
    trino_zoned_time(epoch_us(t_) + us, trino_time_offset(t_)))[1];

-- ``1 week, 2 days, 3 seconds``; units that are 0 are omitted.
CREATE MACRO trino_count_text(n, unit) AS
    CASE WHEN n = 0 THEN NULL WHEN n = 1 THEN '1 ' || unit ELSE n || ' ' || unit || 's' END;
CREATE MACRO trino_seconds_text(s) AS list_transform([s], lambda n:
    CASE WHEN n IS NULL THEN NULL WHEN n = 0 THEN '0 seconds' ELSE concat_ws(', ',
        trino_count_text(n // 604800, 'week'), trino_count_text(n // 86400 % 7, 'day'),
        trino_count_text(n // 3600 % 24, 'hour'), trino_count_text(n // 60 % 60, 'minute'),
        trino_count_text(n % 60, 'second')) END)[1];
CREATE MACRO trino_human_readable_seconds(x) AS list_transform([x], lambda s:
    CASE WHEN NOT isfinite(s) THEN
             CAST(trino_raise('INVALID_FUNCTION_ARGUMENT: Invalid argument found: ' || s) AS VARCHAR)
         ELSE trino_seconds_text(CAST(round(abs(s)) AS BIGINT)) END)[1];
