"""How a contact sheet is laid out and stored: named lines and columns of small pictures."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

LARGEST = 1_000_000  # bytes of a sheet, so that it can be committed
_SIDE, _TEXT, _GAP = 112, 26, 6  # pixels of a picture's longer side, of two lines, between pictures
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_QUALITIES = (88, 75, 60, 45, 30, 15)


def sheet(
    lines: Sequence[str], columns: Sequence[str], places: Mapping[tuple[int, int], tuple[Path, str]]
) -> Image.Image:
    """Pictures in lines and columns, each with its note underneath; a lost file leaves a gap.

    Heads and notes wider than a picture lose their beginning.

    Args:
        lines, columns: their names, of two lines of text at most.
        places: the file and the note of each picture, by line and column.
    """
    font = ImageFont.load_default(size=10)
    widest = max(font.getlength(part) for name in lines for part in name.split("\n"))
    left = int(widest) + 2 * _GAP
    wide, high, top = _SIDE + _GAP, _SIDE + _TEXT + _GAP, _TEXT + _GAP
    size = (left + wide * len(columns), top + high * len(lines))
    drawn = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(drawn)
    for i, name in enumerate(lines):
        draw.text((_GAP, top + i * high + _SIDE // 2), name, fill="black", font=font)
    for j, head in enumerate(columns):
        draw.text((left + j * wide, 2), _fitted(head, font), fill="black", font=font)
    for (i, j), (file, note) in places.items():
        x, y = left + j * wide, top + i * high
        if file.exists():
            _paste(drawn, file, (x, y))
        draw.text((x, y + _SIDE), _fitted(note, font), fill="black", font=font)
    return drawn


def _fitted(text: str, font: Font) -> str:
    """Each line as wide as a picture at most: what it ends with tells it from its neighbours."""
    fitted = []
    for line in text.split("\n"):
        shown, start = line, 0
        while font.getlength(shown) > _SIDE:
            start += 1
            shown = "\N{HORIZONTAL ELLIPSIS}" + line[start:]
        fitted.append(shown)
    return "\n".join(fitted)


def _paste(drawn: Image.Image, file: Path, corner: tuple[int, int]) -> None:
    with Image.open(file) as picture:
        small = picture.convert("RGB")
    small.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    drawn.paste(small, corner)


def encoded(picture: Image.Image) -> bytes:
    """WEBP of the best quality that fits; the format ends at 16,383 pixels a side."""
    scale = min(1.0, 16_383 / max(picture.size))
    shown = picture if scale == 1 else picture.resize([int(scale * n) for n in picture.size])
    content = b""
    for quality in _QUALITIES:
        buffer = BytesIO()
        shown.save(buffer, format="WEBP", quality=quality, method=4)
        content = buffer.getvalue()
        if len(content) <= LARGEST:
            break
    return content
