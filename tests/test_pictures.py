"""Pictures: those that ship with the packages, the user's own, and saving."""

import errno
import hashlib
import os
import socket

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bench.pictures import (
    BUNDLED,
    CONTENTS,
    STYLES,
    Picture,
    PictureError,
    bundled,
    load,
    load_folder,
    read_png,
    save_png,
    to_8bit,
)
from results.store import StoreError

SIZE = 32


@pytest.fixture
def halves(tmp_path):
    """A 64x48 picture, its upper half orange and its lower half blue."""
    levels = np.empty((48, 64, 3), np.uint8)
    levels[:24], levels[24:] = (250, 120, 10), (10, 60, 200)
    Image.fromarray(levels).save(tmp_path / "halves.png")
    return tmp_path / "halves.png"


def corner(picture, y=0, x=0):
    return (picture.pixels[:, y, x] * 255).round().int().tolist()


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_pictures_come_from_the_disk(name, monkeypatch, tmp_path):
    monkeypatch.setattr(socket, "socket", None)
    monkeypatch.setenv("HOME", str(tmp_path))
    picture = bundled(name, size=100)
    assert picture.name == name
    assert picture.pixels.shape == (3, 100, 100) and picture.pixels.dtype == torch.float32
    assert picture.pixels.std() > 0.05 and torch.equal(to_8bit(picture.pixels), picture.pixels)
    levels = (picture.pixels * 255).round().byte().permute(1, 2, 0).numpy()
    assert picture.sha256 == hashlib.sha256(levels.tobytes()).hexdigest()
    assert bundled(name, size=100) == picture
    assert not list(tmp_path.iterdir())


def test_contents_and_styles_are_bundled_in_the_usual_sizes():
    assert not set(CONTENTS) & set(STYLES)
    for name in CONTENTS + STYLES:
        assert bundled(name, size=256).pixels.shape == (3, 256, 256)
    # The same on every machine: cells are stored under this digest.
    assert bundled("chelsea", size=128).sha256.startswith("47d56c673056")


def test_pictures_are_equal_by_name_and_digest():
    chelsea = bundled("chelsea", size=SIZE)
    assert chelsea == Picture("chelsea", torch.zeros(3, 1, 1), chelsea.sha256)
    assert len({chelsea, bundled("chelsea", size=SIZE), bundled("chelsea", size=64)}) == 2
    assert "tensor" not in repr(chelsea)


@pytest.mark.parametrize(
    ("name", "size", "message"),
    [
        ("mona_lisa", 64, "choose one of .*chelsea"),
        ("chelsea", 301, "at most 300"),
        ("chelsea", 31, "at least 32 pixels, got 31: use a larger --size"),
    ],
)
def test_bundled_refuses(name, size, message):
    with pytest.raises(PictureError, match=message):
        bundled(name, size=size)


def test_a_bundled_picture_of_a_missing_package(monkeypatch):
    monkeypatch.setattr("bench.pictures.find_spec", lambda package: None)
    with pytest.raises(PictureError, match="skimage, which is not installed"):
        bundled("chelsea", size=SIZE)


@settings(max_examples=40, deadline=None)
@given(st.integers(32, 200), st.integers(32, 200), st.integers(32, 100))
def test_load_keeps_the_aspect_ratio_and_crops_to_multiples_of_16(
    tmp_path_factory, width, height, size
):
    file = tmp_path_factory.mktemp("load") / "p.png"
    Image.new("RGB", (width, height), "teal").save(file)
    short, long = sorted((width, height))
    if short < size:
        with pytest.raises(PictureError, match=f"at most {short}"):
            load(file, size=size)
        return
    rows, columns = load(file, size=size).pixels.shape[1:]
    assert rows % 16 == columns % 16 == 0
    assert min(rows, columns) == size - size % 16
    assert -0.5 <= long * size / short - max(rows, columns) <= 16
    assert (rows <= columns) if height < width else (columns <= rows)


def test_the_crop_is_central(tmp_path):
    levels = np.zeros((32, 62, 3), np.uint8)
    levels[:, 7:55] = 255
    Image.fromarray(levels).save(tmp_path / "bar.png")
    assert load(tmp_path / "bar.png", size=32).pixels.min() == 1


def test_scaling_down_is_antialiased(tmp_path):
    board = np.indices((256, 256)).sum(axis=0) % 2 * 255
    Image.fromarray(board.astype(np.uint8)).save(tmp_path / "board.png")
    assert (load(tmp_path / "board.png", size=SIZE).pixels - 0.5).abs().max() < 0.01


def test_same_file_same_bytes(halves, tmp_path):
    picture, again = load(halves, size=SIZE), load(halves, size=SIZE)
    assert picture == again and torch.equal(picture.pixels, again.pixels)
    assert corner(picture) == [250, 120, 10] and corner(picture, -1, -1) == [10, 60, 200]
    for name in "ab":
        save_png(picture.pixels, tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_load_folder_reads_pictures_by_name(halves, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("b.png", "a.PNG", "c.png", ".hidden.png", "notes.txt"):
        (folder / name).write_bytes(b"notes" if name == "notes.txt" else halves.read_bytes())
    assert [picture.name for picture in load_folder(folder, size=SIZE)] == ["a", "b", "c"]
    (folder / "a.b.png").write_bytes(halves.read_bytes())
    (folder / "a.webp").write_bytes(halves.read_bytes())
    with pytest.raises(PictureError, match="share the name 'a'; rename one"):
        load_folder(folder, size=SIZE)


def test_load_folder_refuses_broken_pictures_and_empty_folders(tmp_path):
    with pytest.raises(PictureError, match="No picture in"):
        load_folder(tmp_path, size=SIZE)
    with pytest.raises(PictureError, match="No folder"):
        load_folder(tmp_path / "none", size=SIZE)
    (tmp_path / "broken.png").write_bytes(b"broken")
    with pytest.raises(PictureError, match="cannot be read"):
        load_folder(tmp_path, size=SIZE)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=12, max_size=12))
def test_saving_rounds_and_loses_nothing_more(tmp_path_factory, values):
    file = tmp_path_factory.mktemp("save") / "p.png"
    pixels = torch.tensor(values, dtype=torch.float64).view(3, 2, 2)
    save_png(pixels, file)
    stored = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1).double() / 255
    assert torch.equal(stored, to_8bit(pixels))
    assert (stored - pixels).abs().max() <= 0.5 / 255 + 1e-12


def test_saving_clips_and_takes_gradients_and_other_layouts(tmp_path):
    pixels = torch.tensor([-0.5, 0.999, 1.7]).view(3, 1, 1).expand(3, 32, 64).requires_grad_()
    save_png(pixels.transpose(1, 2), tmp_path / "p.png")
    picture = load(tmp_path / "p.png", size=32)
    assert picture.pixels.shape == (3, 64, 32) and corner(picture) == [0, 255, 255]


def test_a_picture_is_read_back_under_its_own_address_only(tmp_path):
    file = tmp_path / "p.png"
    pixels = to_8bit(torch.rand(3, 16, 24, generator=torch.Generator().manual_seed(0)))
    save_png(pixels, file, address="a1")
    assert torch.equal(read_png(file, address="a1"), pixels)
    assert read_png(file, address="a2") is None
    assert read_png(tmp_path / "none.png", address="a1") is None
    whole = file.read_bytes()
    for broken in (whole[: len(whole) // 2], b"", b"no picture"):
        file.write_bytes(broken)
        assert read_png(file, address="a1") is None
    save_png(pixels, file)
    assert read_png(file, address="") is None  # nobody says who made it


def test_saving_is_atomic(tmp_path, monkeypatch):
    file = tmp_path / "p.png"
    save_png(torch.zeros(3, 16, 16), file)
    before = file.read_bytes()

    def fail(descriptor):
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match=r"p\.png \(disk full\): free some space"):
        save_png(torch.ones(3, 16, 16), file)
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("pixels", "name", "message"),
    [
        (torch.zeros(1, 3, 4, 4), "p.png", "shape"),
        (torch.zeros(3, 0, 4), "p.png", "shape"),
        (torch.full((3, 4, 4), torch.nan), "p.png", "NaN"),
        (torch.zeros(3, 4, 4), "p.jpg", "p.png"),
        (torch.zeros(3, 4, 4), "none/p.png", "create it"),
    ],
)
def test_save_refuses(tmp_path, pixels, name, message):
    with pytest.raises(PictureError, match=message):
        save_png(pixels, tmp_path / name)
    assert not list(tmp_path.iterdir())
