"""What an animatic reads in a prompt, and where its camera goes: pure, nothing is drawn here."""

from itertools import pairwise

import pytest

from workers.gpu_generate.animatic.camera import Pose, pose_at
from workers.gpu_generate.animatic.scene import BADGE, describe
from workers.gpu_generate.animatic.shapes import NATURAL, SHAPES
from workers.gpu_generate.animatic.words import SUBJECTS, Mood, Move, Place, Weather, read

# The seeds' own prompts (C-056, C-060, C-066, C-119), and a few more.
TWELVE = [
    "A red fox runs through a snowy forest, camera pans left slowly, golden hour",
    "A drone shot over a coastal city at golden hour, cinematic",
    "Camera pans right over a dense neon-lit cyberpunk city. Flying cars zip past.",
    "Slow premium turntable shot of this product, subtle camera drift, soft studio reflections",
    "A sailboat on the ocean at sunset, tilt up, gentle waves",
    "An astronaut drifting above a ringed planet in deep space, slow dolly in",
    "A lone hiker watches the sunrise over misty mountains, crane up",
    "Hot air balloons over a desert canyon at dawn, truck right",
    "A cozy cabin in the snow at night under the northern lights, zoom in",
    "A white horse gallops across a spring meadow, tracking shot",
    "A whale swims over a coral reef underwater, rays of light",
    "Aerial drone shot over mountains at sunset",
]


@pytest.mark.parametrize(
    ("prompt", "place", "mood", "weather", "subject"),
    [
        (TWELVE[0], Place.FOREST, Mood.GOLDEN, Weather.SNOW, "fox"),
        (TWELVE[1], Place.SEA, Mood.GOLDEN, None, None),
        (TWELVE[2], Place.CITY, Mood.NEON, None, "car"),
        (TWELVE[3], Place.STUDIO, None, None, "box"),
        (TWELVE[4], Place.SEA, Mood.SUNSET, None, "sailboat"),
        (TWELVE[5], Place.SPACE, None, None, "astronaut"),
        (TWELVE[6], Place.MOUNTAIN, Mood.DAWN, Weather.MIST, "person"),
        (TWELVE[7], Place.DESERT, Mood.DAWN, None, "balloon"),
        (TWELVE[10], Place.DEEP, None, None, "whale"),
        ("a CAT on the kitchen table, candles", Place.ROOM, Mood.DUSK, None, "cat"),
        ("", None, None, None, None),
        ("a car park full of catalogues", Place.MEADOW, None, None, "car"),
    ],
)
def test_a_prompt_is_read(
    prompt: str, place: Place | None, mood: Mood | None, weather: Weather | None, subject: str | None
) -> None:
    found = read(prompt)
    assert (found.place, found.mood, found.weather, found.subject) == (place, mood, weather, subject)


@pytest.mark.parametrize(
    ("prompt", "moves"),
    [
        ("The camera pans left, then zooms out and tilts up", [Move.PAN_LEFT, Move.ZOOM_OUT, Move.TILT_UP]),
        ("tilt down, zoom in", [Move.TILT_DOWN, Move.ZOOM_IN]),
        ("slow dolly in on the door", [Move.DOLLY_IN]),
        ("the camera slowly pulls back to reveal the valley", [Move.DOLLY_OUT]),
        ("dolly left past the wall", [Move.TRUCK_LEFT]),
        ("Subtle camera push in, natural motion", [Move.DOLLY_IN]),
        ("a tracking shot of a truck", [Move.TRUCK_RIGHT]),
        ("pedestal up, roll", [Move.CRANE_UP, Move.ROLL]),
        ("rolling hills at noon", []),
        ("a pancake in a pan-fried world", [Move.PAN_RIGHT]),
        ("static tripod shot, no zoom", [Move.STATIC]),
        ("drone shot, orbit, pan right, handheld", [Move.FLY, Move.ORBIT, Move.PAN_RIGHT]),
        ("Camera slowly zooms in, the character turns", [Move.ZOOM_IN]),
    ],
)
def test_c072_camera_moves_are_read_in_the_order_of_the_prompt(prompt: str, moves: list[Move]) -> None:
    assert list(read(prompt).moves) == moves


def test_colours_belong_to_the_subject_they_stand_before() -> None:
    assert read("a yellow taxi in a red city").subject_colour == "#eec231"
    assert read("a taxi in a red city").subject_colour is None


def test_the_same_prompt_and_seed_are_the_same_scene_and_another_seed_is_another() -> None:
    for prompt in TWELVE:
        assert describe(prompt, 7) == describe(prompt, 7)
        assert describe(prompt, 7).palette != describe(prompt, 8).palette
    assert describe("A  FOX", 1).light_x == describe("a fox", 1).light_x


def test_what_a_prompt_leaves_open_is_chosen_and_a_default_move_is_told_from_an_asked_one() -> None:
    scene = describe("hope", 3)
    assert scene.moves and not scene.says_moves
    assert describe("hope, zoom in", 3).says_moves
    assert len({describe("hope", seed).place for seed in range(30)}) > 3


def test_every_word_for_a_subject_has_a_shape_and_every_shape_a_colour() -> None:
    assert set(SUBJECTS) == set(SHAPES) == set(NATURAL)


def test_the_badge_says_that_no_model_was_at_work() -> None:
    assert "no AI model" in BADGE


@pytest.mark.parametrize("move", Move)
def test_every_move_moves_the_camera_smoothly_and_within_its_reach(move: Move) -> None:
    poses = [pose_at((move,), 1.0, time / 80) for time in range(81)]
    assert all(abs(pose.x) <= 1 and abs(pose.y) <= 1 for pose in poses)
    assert min(pose.zoom for pose in poses) > 0.99  # the sheet's edge is never seen
    assert min(pose.dolly for pose in poses) > 0.99
    steps = [abs(b.x - a.x) + abs(b.y - a.y) for a, b in pairwise(poses)]
    assert max(steps) < 0.12
    if move is Move.STATIC:
        assert set(poses) == {Pose()}
    else:
        assert len(set(poses)) > 40


def test_moves_follow_each_other() -> None:
    moves = (Move.PAN_RIGHT, Move.TILT_UP)
    start, turn, end = (pose_at(moves, 1.0, time) for time in (0.0, 0.5, 1.0))
    assert turn.x > start.x and turn.y == start.y
    assert end.y < turn.y and end.x == turn.x
