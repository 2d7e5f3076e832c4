"""The files of a preview: for each mail its parts, the message, a page with every look, and pictures."""

from __future__ import annotations

from pathlib import Path

from digest.editions.preview import Preview, PreviewedMail
from digest.rendering.camera import paste_up, photograph
from digest.rendering.previews import contact_sheet, with_local_pictures


def write_preview(found: Preview, out: Path, *, browser: Path | None) -> list[Path]:
    """Write everything into a folder; the files, in the order of their writing."""
    local: dict[str, str] = {}
    written: list[Path] = []
    for url, data in found.pictures.items():
        name = f"pictures/{url.rpartition('/')[2]}"
        (out / "pictures").mkdir(exist_ok=True)
        (out / name).write_bytes(data)
        local[url] = name
    for mail in found.mails:
        written += _write_mail(found, mail, local, out, browser)
    return written


def _write_mail(
    found: Preview, mail: PreviewedMail, local: dict[str, str], out: Path, browser: Path | None
) -> list[Path]:
    html = with_local_pictures(mail.html, local)
    files: dict[str, bytes] = {
        f"{mail.name}.html": html.encode(),
        f"{mail.name}.txt": mail.text.encode(),
        f"{mail.name}.eml": mail.message,
        f"{mail.name}-sheet.html": contact_sheet(found.subject, html, language=found.language).encode(),
    }
    if browser is not None:
        taken = photograph(html, out, browser)
        files |= {f"{mail.name}-{view.name}.png": picture for view, picture in taken.items()}
        files[f"{mail.name}-sheet.jpg"] = paste_up(taken)
    for name, data in files.items():
        (out / name).write_bytes(data)
    return [out / name for name in files]
