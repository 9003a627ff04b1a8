"""Cuts a person out of a studio photograph with a plain grey backdrop.

The backdrop is fitted as a smooth surface from the borders, so its colour behind every hair is known; that makes the
alpha of a mixed pixel a projection instead of a guess, and curls come out clean.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Bgr = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]


def fitted_backdrop(picture: Bgr) -> Plane:
    """The empty backdrop, shape (height, width, 3) float32: a cubic surface fitted to the top and side borders."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    x = (x / width - 0.5).astype(np.float32)
    y = (y / height - 0.5).astype(np.float32)
    border = np.zeros((height, width), bool)
    border[: int(0.08 * height)] = True
    border[:, : int(0.16 * width)] = True
    border[:, -int(0.16 * width) :] = True
    terms = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y, x**3, y**3, x * x * y, x * y * y], -1)
    known = terms[border][::37]
    surface = np.empty(picture.shape, np.float32)
    for channel in range(3):
        value = picture[..., channel][border][::37].astype(np.float32)
        keep = np.ones(len(value), bool)
        fit = np.linalg.lstsq(known[keep], value[keep], rcond=None)[0]
        for _ in range(3):  # border pixels that belong to the person drop out as outliers
            rest = value - known @ fit
            keep = np.abs(rest) < 2.5 * np.std(rest[keep]) + 1
            fit = np.linalg.lstsq(known[keep], value[keep], rcond=None)[0]
        surface[..., channel] = terms @ fit
    return surface


def largest(mask: Bgr) -> Bgr:
    """The largest connected part of a 0/1 mask."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        raise ValueError("nothing stands out from the backdrop")
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])), np.uint8)


def grown(picture: Bgr, sure: Bgr) -> Bgr:
    """The 0/1 mask grown by colour from the `sure` one, at a quarter of the size (hair needs no more)."""
    small = cv2.resize(picture, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    seed = cv2.resize(sure, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_NEAREST)
    guess = np.full(seed.shape, cv2.GC_PR_BGD, np.uint8)
    guess[seed > 0] = cv2.GC_PR_FGD
    guess[cv2.erode(seed, np.ones((7, 7), np.uint8)) > 0] = cv2.GC_FGD
    guess[cv2.dilate(seed, np.ones((15, 15), np.uint8)) == 0] = cv2.GC_BGD
    cv2.setRNGSeed(1)  # grabCut clusters at random
    cv2.grabCut(small, guess, (0, 0, 0, 0), np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    person = largest(np.isin(guess, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8))
    large = cv2.resize(person, (picture.shape[1], picture.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(large, np.uint8)


def shaded_gaps(picture: Bgr, below_y: int) -> Bgr:
    """0/1: neutral dark areas below the shoulders, i.e. backdrop in shade between arm and body (clothes are white)."""
    low, high = picture.min(axis=2), picture.max(axis=2)
    gap = ((high.astype(np.int16) - low < 26) & (high < 118) & (high > 25)).astype(np.uint8)
    gap[:below_y] = 0
    gap = cv2.morphologyEx(gap, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 7)))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(gap)
    wide = [part for part in range(1, count) if stats[part, cv2.CC_STAT_AREA] > 1500]  # less is a fold in the shirt
    return np.isin(labels, wide).astype(np.uint8)


def cut_out(picture: Bgr, shoulders_y: int) -> tuple[Plane, Plane]:
    """Colour (height, width, 3) in 0..255 and alpha (height, width) in 0..1 of the one person in `picture`."""
    backdrop = fitted_backdrop(picture)
    image = picture.astype(np.float32)
    distance = cv2.GaussianBlur(np.linalg.norm(image - backdrop, axis=2), (0, 0), 1.2)
    joined = cv2.morphologyEx((distance > 45).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
    sure = largest(np.asarray(joined, np.uint8))
    gaps = shaded_gaps(picture, shoulders_y)
    person = ((grown(picture, sure) > 0) | (sure > 0)).astype(np.uint8)
    person = largest(np.where(gaps > 0, 0, person).astype(np.uint8))
    inner = cv2.erode(person, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (13, 13)))
    outer = cv2.dilate(person, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (25, 25)))
    weight = inner.astype(np.float32)
    near = np.asarray(cv2.GaussianBlur(image * weight[..., None], (0, 0), 12), np.float32)
    near /= np.maximum(cv2.GaussianBlur(weight, (0, 0), 12), 1e-3)[..., None]
    step = near - backdrop
    alpha = ((image - backdrop) * step).sum(2) / np.maximum((step * step).sum(2), 60)
    alpha = np.clip((alpha - 0.08) / 0.84, 0, 1)
    soft = cv2.GaussianBlur(person.astype(np.float32), (0, 0), 1.5)
    alpha[shoulders_y:] = soft[shoulders_y:]  # shade on the backdrop misleads the projection beside the arms
    alpha[inner > 0] = 1
    alpha[outer == 0] = 0
    colour = (image - (1 - alpha[..., None]) * backdrop) / np.maximum(alpha[..., None], 0.05)
    trust = np.clip(alpha * 1.6 - 0.2, 0, 1)[..., None]  # a nearly clear pixel says little about its own colour
    return np.clip(trust * colour + (1 - trust) * near, 0, 255), alpha.astype(np.float32)


def dyed(colour: Plane, alpha: Plane, tint_bgr: tuple[int, int, int], neck_y: int) -> Plane:
    """The same person with the white shirt dyed: what is bright and neutral below the neck takes the tint."""
    low, high = colour.min(axis=2), colour.max(axis=2)
    neutral = np.clip((52 - (high - low)) / 20, 0, 1)
    white = np.clip((low - 120) / 50, 0, 1) * neutral
    white[:neck_y] *= np.clip(1 - (neck_y - np.arange(neck_y)) / 12, 0, 1)[:, None]
    shirt = largest(((white > 0.5) & (alpha > 0.5)).astype(np.uint8))
    shirt = np.asarray(cv2.morphologyEx(shirt, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8)), np.uint8)
    near = cv2.dilate(shirt, np.ones((15, 15), np.uint8)).astype(np.float32)
    shaded = np.clip((low - 62) / 40, 0, 1) * neutral  # seams and folds are neutral too, but only beside the shirt
    mask = cv2.GaussianBlur(np.maximum(np.maximum(white, shaded) * near, shirt), (0, 0), 1.2)[..., None]
    shade = np.clip(colour.mean(axis=2, keepdims=True) / 232, 0, 1.08) ** 1.7
    grain = np.random.default_rng(5).normal(1, 0.03, (*alpha.shape, 1)).astype(np.float32)
    cloth = np.array(tint_bgr, np.float32) * shade * cv2.GaussianBlur(grain, (0, 0), 0.8)[..., None] + 10 * shade**6
    made: Plane = np.clip(colour * (1 - mask) + cloth * mask, 0, 255)
    return made
