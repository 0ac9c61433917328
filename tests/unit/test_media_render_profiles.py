"""What may be asked of a render's encoding, who may run it, and the by-products that need no picture."""

import json
from itertools import pairwise
from typing import Any

import pytest
from pydantic import ValidationError

from farm.api.surfaces.media_render import wire
from farm.catalog import read_catalog
from farm.doors.capable import lacking, need
from farm.encoders import STANDARD
from farm.errors import BadRequest
from farm.kinds import kind_named
from farm.otio import as_otio
from farm.settings import Settings
from farm.timeline import Media, MediaKind, Rate, TextClip, TextTrack, Timeline, VideoClip, VideoTrack
from schedulers.capacity import Worker
from tasks.media_render import MediaRender, timeline_of
from tasks.media_render.profiles import PROFILES, profile_for
from workers.cpu_render.chapters import chapters_of
from workers.cpu_render.poster import candidates
from workers.cpu_render.subtitles import as_srt, as_vtt, cues_of

ENCODERS = read_catalog(Settings()).encoders


def asked(**params: Any) -> MediaRender:
    photo = {"asset_id": "a.png", "file_name": "a.png", "media_kind": "image"}
    return MediaRender.model_validate({"assets": [photo], **params})


def film(*clips: tuple[str, int], texts: tuple[TextClip, ...] = (), rate: Rate | None = None) -> Timeline:
    """Clips one after the other, each `(file name, frames)`."""
    placed, at = [], 0
    for name, frames in clips:
        placed.append(VideoClip(media=name, start_frame=at, end_frame_exclusive=at + frames, name=name))
        at += frames
    return Timeline(
        name="trip",
        rate=rate or Rate(num=30),
        width=360,
        height=640,
        media=tuple(
            Media(id=name, kind=MediaKind.IMAGE, name=name) for name in dict.fromkeys(n for n, _ in clips)
        ),
        video=(VideoTrack(clips=tuple(placed)),),
        text=(TextTrack(clips=texts),),
    )


def text(words: str, start: int, end: int, template: str = "title") -> TextClip:
    return TextClip(text=words, start_frame=start, end_frame_exclusive=end, template=template)


def test_every_profile_that_may_be_asked_for_is_explained_in_the_configs_with_the_same_ending():
    assert {name: profile.suffix for name, profile in PROFILES.items()} == {
        name: encoder.format.suffix for name, encoder in ENCODERS.items()
    }
    assert profile_for(".MP4") == "standard" and profile_for(".webm") == "vp9" and profile_for(".avi") is None


def test_a_profile_goes_into_the_task_with_what_it_costs_and_needs():
    (plain,) = kind_named("media-render").plan(asked())
    (nvenc,) = kind_named("media-render").plan(asked(profile="nvenc"))
    (preview,) = kind_named("media-render").plan(asked(profile="preview"))
    assert (plain.params["profile"], plain.requires) == ("standard", {})
    assert (nvenc.params["profile"], nvenc.requires) == ("nvenc", {"encoder": "nvenc"})
    assert preview.estimated_s < plain.estimated_s


def test_nvenc_runs_only_where_a_worker_announces_the_encoder():
    kind = kind_named("media-render")
    (task,) = kind.plan(asked(profile="nvenc"))
    requires = {"kind": kind.announced, **task.requires}

    def worker(**labels: str) -> Worker:
        return Worker("w", "w", {"cpu": 1}, frozenset([kind.announced]), labels)

    assert worker(encoder="nvenc").can_run(requires)
    assert not worker().can_run(requires) and not worker(encoder="vaapi").can_run(requires)

    class Row:
        pool, kinds, slots, labels = "cpu-render", [kind.announced], {"cpu": 1}, {"python": "3.12"}

    reason = lacking([Row()], need(task.pool, task.resource, requires))  # type: ignore[list-item]  # a row's shape
    assert reason is not None and reason.endswith("announces encoder=nvenc")


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"profile": "gif", "durations": [{"asset_id": "a.png", "duration_s": 61}]}, "profile"),
        ({"profile": "gif", "chapters": True}, "chapters"),
        ({"profile": "vp9", "output_file_name": "a.mov"}, "output_file_name"),
    ],
)
def test_what_a_profile_cannot_do_is_refused_by_name(params: dict[str, Any], param: str):
    with pytest.raises(BadRequest) as caught:
        timeline_of(asked(**params))
    assert caught.value.param == param


def test_a_strip_that_is_too_narrow_for_an_encoder_is_refused_by_the_profile():
    timeline = json.loads(as_otio(film(("a.png", 30)).model_copy(update={"width": 1920, "height": 16})))
    assert timeline_of(asked(timeline=timeline)).height == 16
    with pytest.raises(BadRequest, match=r"1920x16.*64 pixels") as caught:
        timeline_of(asked(timeline=timeline, profile="av1"))
    assert caught.value.param == "profile"


def test_d003_the_surface_of_the_document_knows_no_profile_and_d083_gives_an_mp4():
    body = {"projectId": "mrproj_0123456789abcdefghjkmn"}
    assert wire.RenderRequest.model_validate(body)
    with pytest.raises(ValidationError) as caught:
        wire.RenderRequest.model_validate({**body, "profile": "gif"})
    assert [error["type"] for error in caught.value.errors()] == ["extra_forbidden"]
    (task,) = kind_named("media-render").plan(asked(output_file_name="holiday.mp4"))
    assert (task.params["file_name"], task.params["profile"]) == ("holiday.mp4", "standard")


def test_an_operator_changes_single_keys_of_a_profile(tmp_path):
    (tmp_path / "encode.toml").write_text(
        '[encoders.preview]\nscale = 0.25\n[encoders.standard.options]\ncrf = "20"\n'
    )
    encoders = read_catalog(Settings(config_dir=tmp_path)).encoders
    assert encoders["preview"].scale == 0.25 and encoders["preview"].options == ENCODERS["preview"].options
    assert encoders["standard"].options == {**STANDARD.options, "crf": "20"}


def test_what_is_encoded_without_a_profile_is_encoded_as_the_standard_one():
    assert ENCODERS["standard"].options == STANDARD.options


def test_visuals_are_chapters_where_there_are_no_titles():
    chapters = chapters_of(
        film(("01 harbour.jpg", 90), ("02 night.mp4", 60), ("cut.png", 15), ("end.png", 45))
    )
    assert [(c.title, c.start_frame, c.end_frame_exclusive) for c in chapters] == [
        ("01 harbour", 0, 90),
        ("02 night", 90, 150),
        ("cut", 150, 210),  # too soon after it comes "end": it stays in the chapter before
    ]
    assert chapters_of(film(("a.png", 900))) == ()


def test_titles_go_before_visuals_and_what_comes_before_the_first_is_called_as_the_film():
    texts = (text("Night\nfalls", 120, 150), text("Morning", 45, 80), text("no title", 0, 30, "simple"))
    chapters = chapters_of(film(("a.png", 100), ("b.png", 100), texts=texts))
    assert [(c.title, c.start_frame) for c in chapters] == [
        ("trip", 0),
        ("Morning", 45),
        ("Night falls", 120),
    ]
    one = film(("a.png", 100), ("b.png", 100), texts=texts[:1])
    assert [c.title for c in chapters_of(one)] == ["a", "b"]


def test_few_chapters_of_a_long_film_may_be_as_short_as_any():
    chapters = chapters_of(film(("intro.mp4", 300), ("talk.mp4", 107_400), ("end.mp4", 300)))
    assert [c.start_frame for c in chapters] == [0, 300, 107_700]


def test_a_thousand_cuts_make_no_more_chapters_than_a_file_may_have():
    chapters = chapters_of(film(*((f"{n}.png", 30) for n in range(1000))))
    assert 200 < len(chapters) <= 255
    assert chapters[0].start_frame == 0 and chapters[-1].end_frame_exclusive == 30_000
    assert all(a.end_frame_exclusive == b.start_frame for a, b in pairwise(chapters))


def test_subtitles_have_the_times_of_their_frames_in_order_and_no_broken_cue():
    texts = (text("later", 3600 * 24, 3600 * 24 + 24), text(" a\n\n b --> <i> & ", 1, 13), text("\n", 0, 5))
    timeline = film(("a.png", 3600 * 24 + 48), texts=texts, rate=Rate(num=24000, den=1001))
    cues = cues_of(timeline)
    assert [(cue.start_ms, cue.end_ms) for cue in cues] == [(42, 542), (3_603_600, 3_604_601)]
    assert as_srt(cues) == (
        "1\n00:00:00,042 --> 00:00:00,542\na\nb → <i> &\n\n2\n01:00:03,600 --> 01:00:04,601\nlater\n"
    )
    assert as_vtt(cues) == (
        "WEBVTT\n\n00:00:00.042 --> 00:00:00.542 line:10%,start\na\nb --&gt; &lt;i&gt; &amp;\n\n"
        "01:00:03.600 --> 01:00:04.601 line:10%,start\nlater\n"
    )


def test_poster_candidates_lie_in_the_middle_of_visuals_and_are_spread_over_the_film():
    assert candidates(film(("a.png", 90), ("b.png", 30)), most=2) == [45, 105]
    assert candidates(film(("a.png", 120)), most=4) == [15, 45, 75, 105]
    many = candidates(film(*((f"{n}.png", 10) for n in range(100))), most=12)
    assert len(many) == 12 and many[0] < 100 and many[-1] > 900
