"""Reading the body of an answer within its limits, unpacked or not."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from digest.net.fetching import FetchCode, FetchError

_GZIP = 16 + zlib.MAX_WBITS  # with the header and checksum of RFC 1952


def read_body(chunks: Iterable[bytes], *, encoding: str, max_bytes: int) -> bytes:
    """Join the chunks of a body, unpacking gzip; nothing beyond `max_bytes` is ever held.

    Raises FetchError: TOO_LARGE as soon as what was sent, or what comes out of it, is over the limit;
    BAD_ANSWER if the packing is not gzip, is broken, or ends early.
    """
    counted = _counted(chunks, max_bytes)
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return b"".join(counted)
    if name in {"gzip", "x-gzip"}:
        return _gunzip(counted, max_bytes)
    raise FetchError(FetchCode.BAD_ANSWER, "The answer is packed in a way that was not asked for.")


def read_beginning(chunks: Iterable[bytes], *, encoding: str, most: int) -> bytes:
    """The beginning of a body, unpacked if it is gzip; b"" if its packing cannot be read.

    For what is only looked at: never raises for its own part, and takes no more than `most` off the wire.
    """
    given = bytearray()
    for chunk in chunks:
        given += chunk
        if len(given) >= most:
            break
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return bytes(given[:most])
    try:
        return zlib.decompressobj(_GZIP).decompress(given, most) if name in {"gzip", "x-gzip"} else b""
    except zlib.error:
        return b""


def too_large(max_bytes: int) -> FetchError:
    return FetchError(FetchCode.TOO_LARGE, f"The answer is larger than the {max_bytes} bytes that are taken.")


def _counted(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    total = 0
    for chunk in chunks:
        total += len(chunk)
        if total > max_bytes:
            raise too_large(max_bytes)
        yield chunk


def _gunzip(chunks: Iterable[bytes], max_bytes: int) -> bytes:
    out = bytearray()
    unpacker = zlib.decompressobj(_GZIP)
    for chunk in chunks:
        waiting = chunk
        while waiting:
            if unpacker.eof:
                if not waiting.startswith(b"\x1f"):
                    return bytes(out)  # padding after the last member, as gzip(1) ignores it
                unpacker = zlib.decompressobj(_GZIP)  # RFC 1952 2.2: members may follow one another
            try:
                # The limit of one call is what keeps a bomb from being unpacked before it is measured.
                out += unpacker.decompress(waiting, max_bytes - len(out) + 1)
            except zlib.error:
                raise FetchError(
                    FetchCode.BAD_ANSWER, "The answer is packed, and the packing is broken."
                ) from None
            if len(out) > max_bytes:
                raise too_large(max_bytes)
            waiting = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
    if not unpacker.eof:
        raise FetchError(FetchCode.BAD_ANSWER, "The answer ended in the middle.")
    return bytes(out)
