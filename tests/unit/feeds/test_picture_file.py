"""Bytes of any picture become a file that mails show, or a clear refusal. The pictures are drawn here."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageDraw

from digest.feeds.picture_file import (
    HIGHEST,
    WIDEST,
    PictureCode,
    PictureError,
    PictureFile,
    mail_picture,
)

RED, BLUE, WHITE = (200, 20, 20), (20, 20, 200), (255, 255, 255)


def drawn(width: int = 90, height: int = 60, mode: str = "RGB") -> Image.Image:
    """Red on the left, blue on the right, a white stripe at the top; so that each turn can be told."""
    image = Image.new("RGB", (width, height), RED)
    pen = ImageDraw.Draw(image)
    pen.rectangle((width // 2, 0, width, height), fill=BLUE)
    pen.rectangle((0, 0, width, height // 4), fill=WHITE)
    return image.convert(mode)


def noisy(width: int, height: int) -> Image.Image:
    """A picture that looks like a photograph to a packer: no two spots alike."""
    return Image.merge("RGB", [Image.effect_noise((width, height), 80) for _ in range(3)])


def saved(image: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(made: PictureFile) -> Image.Image:
    image = Image.open(io.BytesIO(made.data))
    assert (image.size, Image.MIME[image.format or ""]) == ((made.width, made.height), made.media_type)
    image.load()
    return image


def is_near(spot: object, colour: tuple[int, ...]) -> bool:
    return isinstance(spot, tuple) and all(abs(a - b) < 30 for a, b in zip(spot, colour, strict=False))


def refusal(data: bytes) -> PictureCode:
    with pytest.raises(PictureError) as caught:
        mail_picture(data)
    return caught.value.code


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "AVIF"])
def test_every_common_kind_is_taken(kind: str) -> None:
    """What comes out is a JPEG or a PNG with the same picture in it."""
    made = mail_picture(saved(drawn(), kind))
    image = opened(made).convert("RGB")
    assert image.size == (90, 60)
    for spot, colour in (((20, 40), RED), ((70, 40), BLUE), ((45, 4), WHITE)):
        assert is_near(image.getpixel(spot), colour)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("L", "PNG"),
        ("1", "PNG"),
        ("P", "GIF"),
        ("P", "PNG"),
        ("CMYK", "JPEG"),
        ("LA", "PNG"),
        ("RGBA", "PNG"),
    ],
)
def test_every_kind_of_colour_is_taken(mode: str, kind: str) -> None:
    """Grey, black and white, palettes, printers' colours and holes that are none."""
    image = opened(mail_picture(saved(drawn(mode=mode), kind)))
    assert image.mode in {"RGB", "L"}
    light, dark = (image.convert("L").getpixel(spot) for spot in ((45, 4), (70, 40)))
    assert isinstance(light, int)
    assert isinstance(dark, int)
    assert light > 200
    assert dark < 100


def test_deep_grey_is_not_washed_out() -> None:
    """Sixteen bits become eight by their upper half."""
    deep = Image.new("I;16", (20, 20), 32_768)
    assert opened(mail_picture(saved(deep, "PNG"))).convert("L").getpixel((5, 5)) == 128


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((2400, 1600), (1200, 800)),
        ((1200, 700), (1200, 700)),
        ((300, 200), (300, 200)),
        ((1000, 3600), (500, HIGHEST)),
        ((5000, 10), (WIDEST, 2)),
    ],
)
def test_a_picture_is_made_smaller_never_larger(size: tuple[int, int], expected: tuple[int, int]) -> None:
    """To twice the width of a mail, in its own proportions."""
    made = mail_picture(saved(Image.new("RGB", size, RED)))
    assert (made.width, made.height) == expected


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright(orientation: int) -> None:
    """Whichever way the camera was held: its EXIF is obeyed, then gone."""
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    held = drawn(2400, 1600)
    held = held if undo is None else held.transpose(undo)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = opened(mail_picture(saved(held, exif=exif)))
    assert image.size == (1200, 800)
    for spot, colour in (((300, 600), RED), ((900, 600), BLUE), ((600, 60), WHITE)):
        assert is_near(image.getpixel(spot), colour)


def test_nothing_beside_the_pixels_is_kept() -> None:
    """Place, camera, comments and profiles of the site's file are in no mail."""
    exif = Image.Exif()
    exif[0x010F] = "A camera with a number"
    exif[0x8825] = {1: "N", 2: (40.0, 11.0, 0.0)}
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    jpeg = saved(drawn(), exif=exif, comment=b"by somebody", icc_profile=profile, dpi=(300, 300))
    assert b"A camera" in jpeg
    png = saved(drawn(mode="RGBA").rotate(45), "PNG", icc_profile=profile)
    for given_data in (jpeg, png):
        made = mail_picture(given_data)
        image = opened(made)
        assert not image.getexif()
        assert not {"icc_profile", "comment", "exif", "xmp"} & image.info.keys()
        assert b"A camera" not in made.data
        assert b"somebody" not in made.data


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data:UserWarning")
def test_a_broken_profile_or_exif_does_not_cost_the_picture() -> None:
    """It is shown as it is."""
    data = saved(drawn(), exif=b"Exif\0\0MM\0*\xff\xff\xff\xff", icc_profile=b"no profile")
    assert opened(mail_picture(data)).size == (90, 60)


def test_the_first_picture_of_a_film_is_taken() -> None:
    """Animated ones stand still."""
    frames = [drawn(), Image.new("RGB", (90, 60), BLUE)]
    for kind in ("GIF", "WEBP", "PNG"):
        data = saved(frames[0], kind, save_all=True, append_images=frames[1:])
        image = opened(mail_picture(data))
        assert getattr(image, "n_frames", 1) == 1
        assert is_near(image.convert("RGB").getpixel((20, 40)), RED)


def test_holes_stay_holes_while_that_is_cheap() -> None:
    """A logo keeps its transparent ground; a photograph with a soft edge is set on white."""
    logo = Image.new("RGBA", (300, 200), (0, 0, 0, 0))
    ImageDraw.Draw(logo).ellipse((50, 50, 250, 150), fill=(*RED, 255))
    made = mail_picture(saved(logo, "PNG"))
    assert (made.media_type, opened(made).convert("RGBA").getpixel((0, 0))) == ("image/png", (0, 0, 0, 0))
    photo = noisy(900, 700)
    soft = Image.new("L", photo.size, 128)
    soft.paste(0, (0, 0, 100, 100))
    photo.putalpha(soft)
    made = mail_picture(saved(photo, "PNG"))
    assert made.media_type == "image/jpeg"
    assert is_near(opened(made).getpixel((30, 30)), WHITE)


def test_the_smaller_file_is_taken() -> None:
    """A drawing of few colours as PNG, a photograph as JPEG whatever it was."""
    chart = Image.new("P", (1000, 600), 0)
    chart.putpalette([255, 255, 255, 0, 0, 0])
    ImageDraw.Draw(chart).line((0, 0, 999, 599), fill=1)
    assert mail_picture(saved(chart, "PNG")).media_type == "image/png"
    assert mail_picture(saved(noisy(300, 200), "PNG")).media_type == "image/jpeg"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\0" * 500,
        b"<!doctype html><html><body>Not here</body></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"%PDF-1.7",
        saved(drawn())[:200],
        saved(drawn(), "PNG")[:60],
        saved(drawn(), "BMP"),
        saved(drawn(), "TIFF"),
        saved(drawn(), "ICO"),
    ],
    ids=["nothing", "zeros", "html", "svg", "pdf", "cut-jpeg", "cut-png", "bmp", "tiff", "ico"],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    """Whatever it calls itself."""
    assert refusal(data) is PictureCode.NOT_A_PICTURE


@pytest.mark.parametrize("size", [(1, 1), (2, 40), (600, 1)])
def test_what_counts_readers_is_refused(size: tuple[int, int]) -> None:
    """A spot or a hairline is no picture."""
    assert refusal(saved(Image.new("RGB", size), "GIF")) is PictureCode.COUNTER


def bomb(width: int, height: int) -> bytes:
    """A PNG that says that size, of a few bytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1_000_000), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(5000, 4000), (12_000, 10_000), (60_000, 60_000)])
def test_a_bomb_is_refused_before_it_is_unpacked(size: tuple[int, int]) -> None:
    """By what it says of itself, above and below the limits of the library."""
    assert refusal(bomb(*size)) is PictureCode.TOO_MANY_PIXELS


def test_a_photograph_in_passes_may_be_less_large() -> None:
    """All of it is held at once while it is decoded."""
    large = Image.new("RGB", (5000, 4000), RED)
    assert refusal(saved(large, progressive=True)) is PictureCode.TOO_MANY_PIXELS
    assert mail_picture(saved(large)).width == 1200


def test_a_large_photograph_is_taken() -> None:
    """What a good camera makes is decoded at a fraction of its size."""
    made = mail_picture(saved(Image.new("RGB", (6000, 4000), RED), quality=40))
    assert (made.width, made.height) == (1200, 800)


@given(st.binary(max_size=200), st.integers(0, 400), st.sampled_from(["JPEG", "PNG", "GIF", "WEBP", "AVIF"]))
def test_any_bytes_give_a_picture_or_our_error(junk: bytes, position: int, kind: str) -> None:
    """A picture with anything written into it: a file, or our own refusal, and nothing else."""
    whole = saved(drawn(), kind)
    broken = whole[:position] + junk + whole[position + len(junk) :]
    with contextlib.suppress(PictureError):
        made = opened(mail_picture(broken))
        assert made.width <= WIDEST
        assert made.height <= HIGHEST


def test_the_same_picture_is_the_same_file() -> None:
    """Made twice it has the same bytes, so that it is stored once."""
    data = saved(noisy(400, 300))
    assert mail_picture(data) == mail_picture(data)
