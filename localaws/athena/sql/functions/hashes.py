"""Hash functions that Python does not have: ``xxhash64`` and ``murmur3``.

Source: https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md and MurmurHash3_x64_128 of
https://github.com/aappleby/smhasher
"""

from __future__ import annotations

import struct

_MASK = 2**64 - 1
_P1, _P2, _P3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
_P4, _P5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
_C1, _C2 = 0x87C37B91114253D5, 0x4CF5AD432745937F


def xxhash64(value: bytes) -> bytes:
    """Return the hash with the seed 0, in big-endian order."""
    end = len(value) - len(value) % 32
    if end:
        lanes = [(_P1 + _P2) & _MASK, _P2, 0, -_P1 & _MASK]
        for at in range(0, end, 32):
            words = struct.unpack_from("<4Q", value, at)
            lanes = [_round(lane, word) for lane, word in zip(lanes, words, strict=True)]
        found = sum(_rotated(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18), strict=True)) & _MASK
        for lane in lanes:
            found = ((found ^ _round(0, lane)) * _P1 + _P4) & _MASK
    else:
        found = _P5
    found = (found + len(value)) & _MASK
    while len(value) - end >= 8:
        (word,) = struct.unpack_from("<Q", value, end)
        found = (_rotated(found ^ _round(0, word), 27) * _P1 + _P4) & _MASK
        end += 8
    if len(value) - end >= 4:
        (half,) = struct.unpack_from("<I", value, end)
        found = (_rotated(found ^ (half * _P1 & _MASK), 23) * _P2 + _P3) & _MASK
        end += 4
    for byte in value[end:]:
        found = _rotated(found ^ (byte * _P5 & _MASK), 11) * _P1 & _MASK
    found = (found ^ found >> 33) * _P2 & _MASK
    found = (found ^ found >> 29) * _P3 & _MASK
    return struct.pack(">Q", found ^ found >> 32)


def murmur3(value: bytes) -> bytes:
    """Return the hash of 128 bits with the seed 0: two numbers in little-endian order."""
    first = second = 0
    end = len(value) - len(value) % 16
    for at in range(0, end, 16):
        low, high = struct.unpack_from("<2Q", value, at)
        first ^= _mixed(low, _C1, 31, _C2)
        first = ((_rotated(first, 27) + second) * 5 + 0x52DCE729) & _MASK
        second ^= _mixed(high, _C2, 33, _C1)
        second = ((_rotated(second, 31) + first) * 5 + 0x38495AB5) & _MASK
    low, high = struct.unpack("<2Q", value[end:].ljust(16, b"\0"))
    second ^= _mixed(high, _C2, 33, _C1) ^ len(value)
    first ^= _mixed(low, _C1, 31, _C2) ^ len(value)
    first = (first + second) & _MASK
    second = (second + first) & _MASK
    first, second = _finished(first), _finished(second)
    first = (first + second) & _MASK
    return struct.pack("<2Q", first, (second + first) & _MASK)


def _rotated(value: int, bits: int) -> int:
    value &= _MASK
    return (value << bits | value >> 64 - bits) & _MASK


def _round(lane: int, word: int) -> int:
    return _rotated(lane + word * _P2, 31) * _P1 & _MASK


def _mixed(word: int, first: int, bits: int, second: int) -> int:
    return _rotated(word * first, bits) * second & _MASK


def _finished(value: int) -> int:
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & _MASK
    value = (value ^ value >> 33) * 0xC4CEB9FE1A85EC53 & _MASK
    return value ^ value >> 33
