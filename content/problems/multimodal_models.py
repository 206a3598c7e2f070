"""Coding problems on models that read images and text."""

import numpy as np

from digitdreams.interview.bank import Text
from digitdreams.interview.problems import problem

# multimodal_positions: the position ids of M-RoPE


def position_inputs(rng):
    yield {"segments": [[3], [1, 2, 3], [2]]}
    yield {"segments": [[1, 3, 2], [4]]}
    yield {"segments": [[2], [2, 2, 2], [1], [1, 1, 4], [3]]}
    yield {"segments": [[int(one)] for one in rng.integers(1, 4, size=2)]}
    grid = [int(one) for one in rng.permutation([2, 3, 4])]
    yield {"segments": [grid, [2], [4, 1, 2], [1]]}


def grid_positions(frames, rows, columns):
    return np.indices((frames, rows, columns)).reshape(3, -1)


def laid_out(segments, places, following):
    """Positions of all segments; `following(start, ids, segment)` is the next start."""
    start, found = 0, []
    for segment in segments:
        if len(segment) == 1:
            ids = start + np.tile(np.arange(segment[0]), (3, 1))
        else:
            ids = places(start, segment)
        found.append(ids)
        start = following(start, ids, segment)
    return np.concatenate(found, axis=1)


def behind_largest(start, ids, segment):
    return int(ids.max()) + 1


@problem(
    title=Text(en="Positions for text and images", zh="文本与图像的位置编号"),
    statement=Text(
        en=(
            "Qwen2-VL (Wang et al. 2024, arXiv:2409.12191) gives each token three "
            "positions for its rotary embedding (M-RoPE): time, height, width. The "
            "sequence consists of segments. `[n]` is text of n tokens: all three "
            "positions are equal and rise by 1. `[frames, rows, columns]` is an image "
            "or a video, its tokens frame by frame, row by row: its three positions "
            "are the number of the frame, row and column, each counted from the "
            "segment's start. A segment starts one above the largest position before "
            "it; the first at 0."
        ),
        zh=(
            "Qwen2-VL（Wang 等，2024，arXiv:2409.12191）为每个词元的旋转位置编码给出"
            "三个位置（M-RoPE）：时间、高度、宽度。序列由若干段组成。`[n]` 是 n 个词元"
            "的文本：三个位置相等，逐个加 1。`[frames, rows, columns]` 是图像或视频，"
            "词元按帧、按行排列：三个位置依次为帧号、行号和列号，都从该段的起点数起。"
            "每一段的起点等于之前最大位置加 1；第一段从 0 开始。"
        ),
    ),
    limits=Text(
        en="Returns whole numbers, (3, tokens). NumPy.",
        zh="返回整数，形状为 (3, tokens)。使用 NumPy。",
    ),
    examples=[
        "multimodal_positions([[1], [1, 1, 2], [1]]) -> [[0, 1, 1, 3], [0, 1, 1, 3], "
        "[0, 1, 2, 3]]"
    ],
    topic="multimodal_models",
    level="senior",
    inputs=position_inputs,
    hints=[
        "Go through the segments with a running start. Which of the three axes decides "
        "where the next one starts?",
        "np.indices((frames, rows, columns)).reshape(3, -1) numbers a grid in the "
        "order of its tokens.",
    ],
)
def multimodal_positions(segments):
    return laid_out(
        segments,
        lambda start, segment: start + grid_positions(*segment),
        behind_largest,
    )


@multimodal_positions.also_right
def positions_token_by_token(segments):
    found = []
    for segment in segments:
        start = 1 + max((max(one) for one in found), default=-1)
        if len(segment) == 1:
            found += [[start + place] * 3 for place in range(segment[0])]
            continue
        frames, rows, columns = segment
        found += [
            [start + frame, start + row, start + column]
            for frame in range(frames)
            for row in range(rows)
            for column in range(columns)
        ]
    return np.array(found).T


@multimodal_positions.wrong(
    "After an image the count goes on by its number of tokens: it goes on behind the "
    "largest of its positions, which keeps them small."
)
def positions_by_count(segments):
    return laid_out(
        segments,
        lambda start, segment: start + grid_positions(*segment),
        lambda start, ids, segment: start + ids.shape[1],
    )


@multimodal_positions.wrong(
    "These are ordinary positions: an image has frame, row and column of its own."
)
def positions_of_one_axis(segments):
    count = sum(int(np.prod(segment)) for segment in segments)
    return np.tile(np.arange(count), (3, 1))


@multimodal_positions.wrong(
    "The next segment starts at the largest position: it starts one above it."
)
def positions_overlapping(segments):
    return laid_out(
        segments,
        lambda start, segment: start + grid_positions(*segment),
        lambda start, ids, segment: int(ids.max()),
    )


@multimodal_positions.wrong(
    "An image's positions count from 0: they count from the segment's start."
)
def positions_from_zero(segments):
    return laid_out(
        segments,
        lambda start, segment: grid_positions(*segment),
        lambda start, ids, segment: (
            start + (segment[0] if len(segment) == 1 else max(segment))
        ),
    )


@multimodal_positions.wrong(
    "Rows and columns are exchanged: height comes before width."
)
def positions_exchanged(segments):
    return multimodal_positions(segments)[[0, 2, 1]]


@multimodal_positions.wrong(
    "Each axis counts on by itself: after an image all three start at the same place, "
    "behind the largest position."
)
def positions_axis_by_axis(segments):
    starts, found = np.zeros((3, 1), int), []
    for segment in segments:
        sides = segment * 3 if len(segment) == 1 else segment
        if len(segment) == 1:
            grid = np.tile(np.arange(segment[0]), (3, 1))
        else:
            grid = grid_positions(*segment)
        found.append(starts + grid)
        starts = starts + np.array(sides)[:, None]
    return np.concatenate(found, axis=1)


@multimodal_positions.wrong(
    "The next start is reckoned from the last token's time: the largest position may "
    "be its row or column."
)
def positions_behind_time(segments):
    return laid_out(
        segments,
        lambda start, segment: start + grid_positions(*segment),
        lambda start, ids, segment: int(ids[0].max()) + 1,
    )
