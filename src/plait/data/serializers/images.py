"""How are Pillow's images stored? As their pixels, whatever file they were read from."""

from __future__ import annotations

from typing import Any

from plait.data.serializer import Codec, Raw

_KEPT = ("dpi", "icc_profile", "transparency", "exif", "gamma")


def _dump(value: Any) -> list[Any]:
    palette = None
    if value.mode in ("P", "PA"):
        kind = value.palette.mode if value.palette is not None else "RGB"
        palette = [kind, bytes(value.getpalette(kind) or ())]
    info = {name: value.info[name] for name in _KEPT if name in value.info}
    return [value.mode, list(value.size), Raw(value.tobytes()), palette, info]


def _load(state: list[Any]) -> Any:
    from PIL import Image

    mode, size, pixels, palette, info = state
    image = Image.frombytes(mode, tuple(size), bytes(pixels))
    if palette is not None:
        image.putpalette(palette[1], palette[0])
    image.info.update(info)
    return image


IMAGE = Codec("image", _dump, _load, lambda value: {"size": list(value.size), "mode": value.mode})
