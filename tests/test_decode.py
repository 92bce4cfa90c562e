"""Every kind of file a user may bring: read alike, or refused in one sentence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import bench.decode
from bench.pictures import PictureError, load

SIZE = 32


@pytest.fixture
def halves(tmp_path):
    """A 64x48 picture, its upper half orange and its lower half blue."""
    levels = np.empty((48, 64, 3), np.uint8)
    levels[:24], levels[24:] = (250, 120, 10), (10, 60, 200)
    file = tmp_path / "halves.png"
    Image.fromarray(levels).save(file)
    return file


def corner(picture, y=0):
    return (picture.pixels[:, y, 0] * 255).round().int().tolist()


def test_the_suffix_does_not_matter(halves, tmp_path):
    wrong = tmp_path / "wrong.jpg"
    wrong.write_bytes(halves.read_bytes())
    assert load(wrong, size=SIZE).sha256 == load(halves, size=SIZE).sha256


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(halves, tmp_path, orientation):
    stored = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that undoes each
    image = Image.open(halves)
    if orientation > 1:
        image = image.transpose(Image.Transpose(stored[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "turned.png", exif=exif)
    assert load(tmp_path / "turned.png", size=SIZE).sha256 == load(halves, size=SIZE).sha256


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "PA"])
def test_transparency_is_laid_on_white(tmp_path, mode):
    image = Image.new("RGBA", (SIZE, SIZE), (0, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, SIZE, SIZE // 2))
    file = tmp_path / ("p.tif" if mode == "PA" else "p.png")
    if mode == "PA":
        pytest.importorskip("PIL.TiffImagePlugin")
        image = image.convert("P")
    image.convert(mode).save(file)
    picture = load(file, size=SIZE)
    assert corner(picture) == [255] * 3 and corner(picture, -1) == [0] * 3


def test_half_transparency_is_blended(tmp_path):
    Image.new("RGBA", (SIZE, SIZE), (255, 0, 0, 102)).save(tmp_path / "p.png")
    assert corner(load(tmp_path / "p.png", size=SIZE)) == [255, 153, 153]


@pytest.mark.parametrize(
    ("mode", "colour", "suffix", "expected"),
    [
        ("1", 1, "png", [255] * 3),
        ("L", 77, "png", [77] * 3),
        ("L", 77, "jpg", [77] * 3),
        ("RGB", (9, 99, 199), "bmp", [9, 99, 199]),
        ("RGB", (9, 99, 199), "tif", [9, 99, 199]),
        ("RGB", (9, 99, 199), "ppm", [9, 99, 199]),
        ("P", 0, "gif", [0, 0, 0]),
    ],
)
def test_modes_and_formats(tmp_path, mode, colour, suffix, expected):
    file = tmp_path / f"p.{suffix}"
    Image.new(mode, (SIZE, SIZE), colour).save(file)
    assert corner(load(file, size=SIZE)) == expected


def test_cmyk_jpeg_becomes_rgb(tmp_path):
    Image.new("CMYK", (SIZE, SIZE), (255, 0, 0, 0)).save(tmp_path / "p.jpg", quality=95)
    assert corner(load(tmp_path / "p.jpg", size=SIZE)) == pytest.approx([0, 255, 255], abs=3)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey_is_scaled_not_clipped(tmp_path, suffix):
    levels = np.full((SIZE, SIZE), 257 * 100 + 60, np.uint16)
    Image.fromarray(levels).save(tmp_path / f"p.{suffix}")
    assert corner(load(tmp_path / f"p.{suffix}", size=SIZE)) == [100] * 3


@pytest.mark.parametrize(
    "levels", [np.zeros((SIZE, SIZE), np.float32), np.full((SIZE, SIZE), 70000, np.int32)]
)
def test_values_of_unknown_range_are_refused(tmp_path, levels):
    Image.fromarray(levels).save(tmp_path / "p.tif")
    with pytest.raises(PictureError, match="without a known range"):
        load(tmp_path / "p.tif", size=SIZE)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif", "gif"])
def test_truncated_files_are_refused(tmp_path, suffix):
    file = tmp_path / f"p.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file)
    whole = file.read_bytes()
    for kept in (2, 30, len(whole) // 2, len(whole) * 9 // 10):
        file.write_bytes(whole[:kept])
        with pytest.raises(PictureError, match="save it again"):
            load(file, size=SIZE)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 255))
def test_a_damaged_file_is_read_or_refused_never_worse(tmp_path_factory, position, value):
    file = tmp_path_factory.mktemp("damaged") / "p.png"
    Image.linear_gradient("L").resize((SIZE, SIZE)).save(file)
    content = bytearray(file.read_bytes())
    content[position % len(content)] = value
    file.write_bytes(content)
    try:
        assert load(file, size=SIZE).pixels.isfinite().all()
    except PictureError as error:
        assert str(file) in str(error) and str(error).endswith(".")


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 1000, b"not a picture\n", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"<svg/>", b"P6 9 9"],
)
def test_files_that_are_no_pictures_are_refused(tmp_path, content):
    file = tmp_path / "p.png"
    file.write_bytes(content)
    with pytest.raises(PictureError, match="cannot be read as a picture"):
        load(file, size=SIZE)


@pytest.mark.parametrize("pillow_limit", [50, 1500, 10**9])
def test_huge_pictures_are_refused(halves, monkeypatch, pillow_limit):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pillow_limit)
    monkeypatch.setattr(bench.decode, "MOST_PIXELS", 1000)
    with pytest.raises(PictureError, match="scale it down"):
        load(halves, size=SIZE)


def test_missing_files_are_refused(tmp_path):
    for path in (tmp_path / "none.png", tmp_path, tmp_path / "none" / "p.png"):
        with pytest.raises(PictureError, match="check the path"):
            load(path, size=SIZE)


def test_a_single_pixel_is_refused(tmp_path):
    Image.new("RGB", (1, 1)).save(tmp_path / "p.png")
    with pytest.raises(PictureError, match="1x1, shorter than 32"):
        load(tmp_path / "p.png", size=SIZE)
    with pytest.raises(PictureError, match="at least 32"):
        load(tmp_path / "p.png", size=1)
