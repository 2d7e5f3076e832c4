"""Bytes of any picture to a file for mails: small, upright, bare, of a kind that every client shows.

Pillow is imported when the first picture is read: most processes never see one.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from digest.errors import DigestError

if TYPE_CHECKING:
    from PIL.Image import Image

WIDEST = 1_200  # pixels: twice the column of a mail and a little; also what a shared link wants
HIGHEST = 1_800
QUALITY = 82

# The most pixels that are taken, so that none needs more than some 100 MB: a photograph is decoded at a
# fraction of its size, save where it is packed in several passes; the newer kinds are held several times.
_MOST_PIXELS = {"JPEG": 50_000_000, "MPO": 50_000_000, "PNG": 12_000_000, "GIF": 12_000_000}
_MOST_IN_PASSES = 16_000_000
_MOST_OF_OTHERS = 6_000_000
_KINDS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
_COUNTER = 2  # pixels; anything as small as this in one direction counts readers or fills a gap
_LARGEST_PNG = 400_000  # bytes; a transparent one that is larger is set on white
_LARGEST_PROFILE = 4_000_000  # bytes
_FEW_COLOURS = 4_096
_PLAIN_MODES = {"RGB", "L", "CMYK"}
_WITH_ALPHA = {"RGBA", "LA", "PA", "La", "RGBa"}
_ORIENTATION = 0x0112  # EXIF 2.3, 4.6.4 A: what is seen on top and at the left
_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


class PictureCode(StrEnum):
    """Why bytes are not a picture that we take."""

    NOT_A_PICTURE = "not_a_picture"  # a page, a drawing, a file of another kind, or broken
    TOO_MANY_PIXELS = "too_many_pixels"
    COUNTER = "counter"  # so small that it can only count readers


class PictureError(DigestError):
    """Bytes that are no picture for a mail."""

    def __init__(self, code: PictureCode) -> None:
        super().__init__(str(code))
        self.code = code


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A finished picture: `media_type` is image/jpeg or image/png."""

    data: bytes
    media_type: str
    width: int
    height: int


def mail_picture(
    data: bytes, *, box: tuple[int, int] = (WIDEST, HIGHEST), kinds: tuple[str, ...] = _KINDS
) -> PictureFile:
    """Decode a picture and make the file that mails show.

    At most as large as the box, never blown up; the first frame of an animated one; turned as its EXIF says,
    and then without EXIF, comments or profiles. Raises PictureError for all that cannot be that.
    """
    from PIL import Image  # noqa: PLC0415

    try:
        with Image.open(io.BytesIO(data), formats=kinds) as opened:
            _check_size(opened)
            is_graphic = opened.format in {"PNG", "GIF"}
            image = _upright(opened, box)
        return _encoded(image, may_be_png=is_graphic)
    except PictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(PictureCode.TOO_MANY_PIXELS) from None
    except Exception as error:
        # A broken picture ends in many kinds of error there: OSError, SyntaxError, struct.error and others.
        raise PictureError(PictureCode.NOT_A_PICTURE) from error


def _check_size(image: Image) -> None:
    width, height = image.size
    if min(width, height) <= _COUNTER:
        raise PictureError(PictureCode.COUNTER)
    most = _MOST_PIXELS.get(image.format or "", _MOST_OF_OTHERS)
    if "progressive" in image.info:
        most = _MOST_IN_PASSES
    if width * height > most:
        raise PictureError(PictureCode.TOO_MANY_PIXELS)


def _upright(image: Image, most: tuple[int, int]) -> Image:
    """The picture in plain colours, no larger than is wanted, and with its head up."""
    turn = _turn_of(image)
    is_on_its_side = turn in {"ROTATE_90", "ROTATE_270", "TRANSPOSE", "TRANSVERSE"}
    box = (most[1], most[0]) if is_on_its_side else most
    image.draft("RGB", box)  # a JPEG is decoded at a fraction of its size if that will do
    image.load()
    made = _in_plain_mode(image)
    made.thumbnail(box, reducing_gap=2.0)
    made = _in_common_colours(made, image.info.get("icc_profile"))
    if turn is None:
        return made
    from PIL.Image import Transpose  # noqa: PLC0415

    return made.transpose(Transpose[turn])


def _turn_of(image: Image) -> str | None:
    """How to turn it so that it stands upright: the name of Pillow's turn, or None."""
    try:
        return _TURNS.get(int(image.getexif().get(_ORIENTATION, 1)))
    except Exception:  # noqa: BLE001 - a broken EXIF ends in many kinds of error; the picture is none the worse
        return None


def _in_plain_mode(image: Image) -> Image:
    """RGB, grey, CMYK or RGBA; a palette would be resized badly, and few clients know the rest."""
    has_holes = "transparency" in image.info or image.mode in _WITH_ALPHA
    if has_holes:
        return image.convert("RGBA")
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 256)).convert("L")  # of 16 bits
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in _PLAIN_MODES else image.convert("RGB")


def _in_common_colours(image: Image, profile: object) -> Image:
    """In sRGB: mails carry no colour profile. A profile that cannot be used is passed over."""
    if isinstance(profile, bytes) and len(profile) <= _LARGEST_PROFILE and image.mode in _PLAIN_MODES:
        from PIL import ImageCms  # noqa: PLC0415

        try:
            made = ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(io.BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            made = None
        if made is not None:
            return made
    return image.convert("RGB") if image.mode == "CMYK" else image


def _encoded(image: Image, *, may_be_png: bool) -> PictureFile:
    if image.mode == "RGBA":
        if image.getchannel("A").getextrema() != (255, 255):
            made = _saved(image, "PNG")
            if len(made.data) <= _LARGEST_PNG:
                return made
        image = _on_white(image)
    jpeg = _saved(image, "JPEG")
    if may_be_png and image.getcolors(_FEW_COLOURS) is not None:
        return min(_saved(image, "PNG"), jpeg, key=lambda made: len(made.data))
    return jpeg


def _on_white(image: Image) -> Image:
    from PIL import Image as images  # noqa: N813, PLC0415

    ground = images.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _saved(image: Image, kind: str) -> PictureFile:
    from PIL import Image as images  # noqa: N813, PLC0415

    # Into a new picture: what the site's file said beside its pixels would be written out with it.
    bare = images.frombytes(image.mode, image.size, image.tobytes())
    out = io.BytesIO()
    if kind == "JPEG":
        bare.save(out, kind, quality=QUALITY, optimize=True, progressive=True)
    else:
        bare.save(out, kind, optimize=True)
    return PictureFile(out.getvalue(), f"image/{kind.lower()}", *bare.size)
