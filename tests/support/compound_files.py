"""A compound file (OLE 2) with the streams one asks for, small ones in the mini stream."""

import struct

_SECTOR, _MINI, _CUTOFF = 512, 64, 4096
_END, _FREE, _FAT_SECTOR, _NONE = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD, 0xFFFFFFFF
_STORAGE, _STREAM, _ROOT = 1, 2, 5


def compound_file(streams: dict[str, bytes]) -> bytes:
    """Return the bytes of a compound file.

    Args:
        streams: Content by name; `BodyText/Section0` lies in the storage `BodyText`.
    """
    sectors: list[bytes] = []
    fat: list[int] = []

    def place(content: bytes) -> int:
        """Put content into sectors of its own and return the first."""
        first = len(sectors)
        for at in range(0, len(content), _SECTOR):
            sectors.append(content[at : at + _SECTOR].ljust(_SECTOR, b"\0"))
            fat.append(len(sectors))
        if len(sectors) == first:
            return _END
        fat[-1] = _END
        return first

    mini, mini_fat, starts = bytearray(), [], {}
    for name, content in streams.items():
        if len(content) >= _CUTOFF:
            starts[name] = place(content)
            continue
        starts[name] = len(mini_fat) if content else _END
        for at in range(0, len(content), _MINI):
            mini += content[at : at + _MINI].ljust(_MINI, b"\0")
            mini_fat.append(len(mini_fat) + 1)
        if content:
            mini_fat[-1] = _END

    mini_start = place(bytes(mini))
    mini_fat_sectors = -(-len(mini_fat) * 4 // _SECTOR)
    padded = mini_fat + [_FREE] * (mini_fat_sectors * _SECTOR // 4 - len(mini_fat))
    mini_fat_start = place(struct.pack(f"<{len(padded)}I", *padded))
    directory_start = place(_directory(streams, starts, mini_start, len(mini)))

    fat_sectors = 1
    while (len(sectors) + fat_sectors) * 4 > fat_sectors * _SECTOR:
        fat_sectors += 1
    fat_start = len(sectors)
    fat += [_FAT_SECTOR] * fat_sectors
    fat += [_FREE] * (fat_sectors * _SECTOR // 4 - len(fat))
    places = [fat_start + number for number in range(fat_sectors)]
    header = struct.pack(
        "<8s16sHHHHH6xIIIIIIIII109I",
        bytes.fromhex("d0cf11e0a1b11ae1"), b"", 0x3E, 3, 0xFFFE, 9, 6,
        0, fat_sectors, directory_start, 0, _CUTOFF,
        mini_fat_start, mini_fat_sectors, _END, 0,
        *places, *[_FREE] * (109 - fat_sectors),
    )  # fmt: skip
    return header + b"".join(sectors) + struct.pack(f"<{len(fat)}I", *fat)


def _directory(streams, starts, mini_start, mini_size) -> bytes:
    """Return the entries; those of one folder hang on each other as right neighbors."""
    rows = [["Root Entry", _ROOT, _NONE, 1, mini_start, mini_size]]
    inner = [name for name in streams if "/" in name]
    outer = [name for name in streams if "/" not in name]
    for name in outer:
        rows.append([name, _STREAM, len(rows) + 1, _NONE, starts[name], len(streams[name])])
    if inner:
        rows.append([inner[0].split("/")[0], _STORAGE, _NONE, len(rows) + 1, 0, 0])
        for name in inner:
            size = len(streams[name])
            rows.append([name.split("/")[1], _STREAM, len(rows) + 1, _NONE, starts[name], size])
        rows[-1][2] = _NONE
    else:
        rows[-1][2] = _NONE
    return b"".join(_entry(*row) for row in rows)


def _entry(name, kind, right, child, start, size) -> bytes:
    spelled = name.encode("utf-16-le") + b"\0\0"
    return struct.pack(
        "<64sHBBIII16sIQQIQ",
        spelled, len(spelled), kind, 1, _NONE, right, child, b"", 0, 0, 0, start, size,
    )  # fmt: skip
