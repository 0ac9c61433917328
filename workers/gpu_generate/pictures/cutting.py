"""Cuts out what a picture is about: by the model that the configs name, else by colour.

Without a model its subject must stand out from its ground. What the upper and side edges look like is taken
for the ground (their colours as a few Gaussians). What is far from that, rather in the middle, starts a
GrabCut (Rother, Kolmogorov, Blake 2004).

Either way the edge is refined by a guided filter with colours (He, Sun, Tang 2010), and the ground's colours
are taken out of it by blur fusion (Forte 2021).
"""

from collections.abc import Callable
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from farm.errors import FailureClass, TaskFailure
from workers.gpu_generate.pictures.filling import Floats, Pixels
from workers.gpu_generate.pictures.guided import guided
from workers.gpu_generate.pictures.salient import model_file, subject_by

Least: TypeAlias = Callable[[npt.NDArray[Any]], float]

NO_SUBJECT = "no_subject"
_WORK_PX = 480  # of the longer side, where the subject is found
_EDGE_PX = 1400  # where its edge is refined
_LEAST_PX = 8  # of the shorter side: with fewer there is no ground to learn
_GROUNDS = 5
_BORDER = 0.04
_LEAST, _MOST = 0.004, 0.97  # shares of the picture that can be its subject
_STANDS_OUT = 0.42  # how unlike its ground it is at least: photographs from 0.53 on, textures up to 0.33
_RING_PX, _RIM_PX = 13, 3  # how far around its edge is looked, and how near the picture's own it is not
_STEP = 8.0  # in Lab: colours less apart are the same
_MOST_EDGELESS = 0.25  # of the edge: good ones have up to 0.05, those torn out of a photograph from 0.29 on
_PART = 0.06  # of the largest piece: smaller ones are specks
_HOLE = 0.0008  # of the picture: smaller ones are filled
_SEEN_THROUGH = 0.3  # how unlike the ground a hole may be that it is seen through
_CLOSED_PX = 9  # gaps in the subject so narrow are none
_ROUNDS = 6
_STRIP_PX = 512
_SUBJECT = (cv2.GC_FGD, cv2.GC_PR_FGD)
_NOISE = 9.0  # variance of a colour that is all the same, in Lab


def cut_out(picture: Pixels) -> Pixels:
    """RGB to RGBA of the same size. Raises TaskFailure `no_subject` where nothing stands out."""
    rows, columns = picture.shape[:2]
    small = _shrunk(picture, _WORK_PX)
    model = model_file()
    found = subject_by(model, small) if model is not None else _standing_out(small)
    if not _LEAST < float(found.mean()) / 255 < _MOST:
        raise _no_subject()
    alpha = _refined(_shrunk(picture, _EDGE_PX), found)
    alpha = np.clip(cv2.resize(alpha, (columns, rows), interpolation=cv2.INTER_CUBIC), 0, 1)
    return np.dstack([_own_colours(picture, alpha), np.asarray(alpha * 255 + 0.5, np.uint8)])


def method() -> str:
    """How it is done here, as results tell it."""
    model = model_file()
    if model is not None:
        return f"salient object detection by {model.name}, guided filter"
    return "colour model of the ground, GrabCut, guided filter"


def _no_subject() -> TaskFailure:
    return TaskFailure(
        "Nothing in this picture stands out from its ground; a model is needed for it.",
        FailureClass.INVALID_INPUT,
        code=NO_SUBJECT,
    )


def _standing_out(picture: Pixels) -> Pixels:
    """255 where the subject is, by colour. Raises TaskFailure `no_subject`."""
    if min(picture.shape[:2]) < _LEAST_PX:
        raise _no_subject()
    apart = _apart(picture)
    found = _subject(picture, apart)
    if not found.any() or float(apart[found > 0].mean()) < _STANDS_OUT:
        raise _no_subject()
    if _edgeless(picture, found) > _MOST_EDGELESS:
        raise _no_subject()
    return found


def _edgeless(picture: Pixels, found: Pixels) -> float:
    """The share of a subject's edge with the same colours on both sides: there it was torn, not cut."""
    lab = np.asarray(cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2Lab), np.float32)
    inside = np.asarray(found > 0, np.float32)
    away = np.subtract(_nearby(lab, inside), _nearby(lab, np.subtract(1, inside)))
    step = np.linalg.norm(away, axis=-1)
    edge = np.asarray(cv2.morphologyEx(inside, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))) > 0
    edge[:_RIM_PX] = edge[-_RIM_PX:] = edge[:, :_RIM_PX] = edge[:, -_RIM_PX:] = False
    return float((step[edge] < _STEP).mean()) if edge.any() else 0.0


def _nearby(lab: Floats, share: Floats) -> Floats:
    """The mean colours around each place of what has a share."""
    near = np.maximum(cv2.blur(share, (_RING_PX, _RING_PX)), 1e-4)[..., None]
    return np.asarray(cv2.blur(lab * share[..., None], (_RING_PX, _RING_PX)) / near, np.float32)


def _subject(picture: Pixels, apart: Floats) -> Pixels:
    """255 where the subject is. Raises TaskFailure `no_subject`."""
    start = _start(apart)
    if np.isin(start, _SUBJECT).all() or not np.isin(start, _SUBJECT).any():
        raise _no_subject()  # GrabCut compares two sides
    cv2.setRNGSeed(1)
    cv2.grabCut(
        np.ascontiguousarray(picture[..., ::-1]),
        start,
        (0, 0, 1, 1),
        np.zeros((1, 65)),
        np.zeros((1, 65)),
        _ROUNDS,
        cv2.GC_INIT_WITH_MASK,
    )
    mask = np.isin(start, _SUBJECT).astype(np.uint8)
    return _whole(mask, apart) * np.uint8(255)


def _apart(picture: Pixels) -> Floats:
    """How unlike its ground each place is, 0 to 1."""
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    border = np.asarray(lab[_border(picture.shape[:2])], np.float32)
    cv2.setRNGSeed(1)
    nobody = np.empty((0, 0), np.int32)
    rules = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_MAX_ITER, 20, 0.5)
    _, labels, means = cv2.kmeans(border, _GROUNDS, nobody, rules, 2, cv2.KMEANS_PP_CENTERS)
    distance = np.full(lab.shape[:2], np.inf, np.float32)
    for number, mean in enumerate(means):
        own = border[labels[:, 0] == number]
        if len(own) < 0.04 * len(border):
            continue
        inverse = np.linalg.inv(np.cov(own.T) + _NOISE * np.eye(3))
        away = lab - mean
        distance = np.minimum(distance, np.sqrt(np.einsum("...i,ij,...j", away, inverse, away)))
    return np.asarray(1 - np.exp(-distance / 3.5), np.float32)


def _border(shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """The edges that rarely cut a subject: above, beside, and the lower corners."""
    rows, columns = shape
    high, wide = max(2, round(_BORDER * rows)), max(2, round(_BORDER * columns))
    border = np.zeros((rows, columns), bool)
    border[:high] = border[:, :wide] = border[:, -wide:] = True
    border[-high:, : columns // 6] = border[-high:, -(columns // 6) :] = True
    return border


def _start(apart: Floats) -> Pixels:
    """What GrabCut begins with."""
    rows, columns = apart.shape
    x = np.linspace(-1, 1, columns, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, rows, dtype=np.float32)[:, None]
    middle = np.exp(-(x**2) / 0.75 - (y - 0.1) ** 2 / 0.95)
    score = cv2.GaussianBlur(apart, (0, 0), 2.0) * (0.35 + 0.65 * middle)
    level = np.asarray(score * 255, np.uint8)
    limit = cv2.threshold(level, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0]
    start = np.where(level > limit, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    start[(level > max(limit, float(np.percentile(level, 93)))) & (middle > 0.5)] = cv2.GC_FGD
    start[_border(apart.shape) & (apart < 0.45)] = cv2.GC_BGD
    start[apart < 0.12] = cv2.GC_BGD
    return start


def _whole(mask: Pixels, apart: Floats) -> Pixels:
    """Without specks, and without holes that the ground is not seen through."""
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8)), np.uint8)
    mask = _without_small(mask, lambda areas: _PART * float(areas.max(initial=0)))
    near = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (_CLOSED_PX, _CLOSED_PX))
    closed = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, near), np.uint8)
    count, labels = cv2.connectedComponents(1 - closed, connectivity=4)
    outside = set(np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])))
    for number in set(range(1, count)) - outside:
        hole = labels == number
        if hole.sum() < _HOLE * mask.size or float(apart[hole].mean()) > _SEEN_THROUGH:
            closed[hole] = 1
    inside = np.isin(labels, list(outside - {0}), invert=True).astype(np.uint8)
    enclosed = np.asarray(cv2.erode(inside, np.ones((_CLOSED_PX, _CLOSED_PX), np.uint8)), np.uint8)
    return np.asarray(mask | (closed & enclosed), np.uint8)


def _without_small(mask: Pixels, least: Least) -> Pixels:
    count, labels, facts, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    if count < 2:
        return mask
    areas = np.asarray(facts[:, cv2.CC_STAT_AREA])
    kept = areas >= least(areas[1:])
    kept[0] = False
    return np.asarray(kept[labels], np.uint8)


def _refined(picture: Pixels, mask: Pixels) -> Floats:
    """Alpha 0 to 1, exact to the picture's own edges in a narrow band."""
    rows, columns = picture.shape[:2]
    rough = cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_CUBIC).astype(np.float32) / 255
    rough = (rough > 0.5).astype(np.float32)
    band = max(2, round(max(rows, columns) / 150))
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    inner, outer = cv2.erode(rough, element), cv2.dilate(rough, element)
    guide = np.asarray(picture, np.float32) / np.float32(255)
    soft = guided(guide, np.asarray(rough, np.float32), radius=2 * band, epsilon=2e-5)
    soft = np.clip((soft - 0.12) / 0.76, 0, 1)
    return np.asarray(np.clip(np.maximum(np.minimum(soft, outer), inner), 0, 1), np.float32)


def _own_colours(picture: Pixels, alpha: Floats) -> Pixels:
    """The subject's colours alone: at its edge, pixels hold some of the ground's. Strip by strip."""
    wide = max(9, max(alpha.shape) // 25 | 1)
    out = picture.copy()
    for top in range(0, alpha.shape[0], _STRIP_PX):
        above, bottom = max(0, top - wide), top + _STRIP_PX
        part = np.s_[above : bottom + wide]
        share = np.asarray(alpha[part], np.float32)[..., None]
        if ((share > 0) & (share < 1)).any():
            out[top:bottom] = _unmixed(picture[part], share, wide)[top - above :][:_STRIP_PX]
    return out


def _unmixed(picture: Pixels, share: Floats, wide: int) -> Pixels:
    image = np.asarray(picture, np.float32)
    fore: Floats = image
    back: Floats = image
    for size in (wide, 7):
        fore, back = _fused(image, share, fore, back, size)
    is_edge = (share > 0) & (share < 1)
    return np.where(is_edge, np.asarray(np.clip(fore + 0.5, 0, 255), np.uint8), picture)


def _fused(image: Floats, share: Floats, fore: Floats, back: Floats, size: int) -> tuple[Floats, Floats]:
    near = cv2.blur(share, (size, size))[..., None]
    fore = cv2.blur(fore * share, (size, size)) / (near + 1e-5)
    back = cv2.blur(back * (1 - share), (size, size)) / (1 - near + 1e-5)
    fore = fore + share * (image - share * fore - (1 - share) * back)
    return np.clip(fore, 0, 255), np.clip(back, 0, 255)


def _shrunk(picture: Pixels, most: int) -> Pixels:
    rows, columns = picture.shape[:2]
    scale = most / max(rows, columns)
    if scale >= 1:
        return np.ascontiguousarray(picture)
    size = (max(8, round(columns * scale)), max(8, round(rows * scale)))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
