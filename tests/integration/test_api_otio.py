"""A render of an OpenTimelineIO document over HTTP: taken, priced by its length, or refused with places."""

import json

import pytest

from farm.otio import as_otio
from farm.timeline import Media, MediaKind, Rate, Timeline, VideoClip, VideoTrack
from tests.api import Api
from tests.integration.test_api_envelope import check_error
from tests.integration.test_api_native import PHOTO, asset, render, submit

pytestmark = pytest.mark.slow


def test_a_timeline_is_rendered_instead_of_placements_or_refused_with_every_place(api: Api):
    minutes = VideoClip(media="edit", start_frame=0, end_frame_exclusive=3 * 60 * 25)
    cut = json.loads(
        as_otio(
            Timeline(
                name="cut",
                rate=Rate.of(25),
                width=640,
                height=360,
                media=(Media(id="edit", kind=MediaKind.IMAGE, name=PHOTO[0]),),
                video=(VideoTrack(clips=(minutes,)),),
            )
        )
    )
    photo = asset(api)
    taken = submit(api, render(photo, timeline=cut))
    assert taken.status_code == 202, taken.text
    assert taken.json()["credits_held"] == 15.0  # by the three minutes of the document

    both = submit(api, render(photo, timeline=cut, placements=[{"asset_id": photo}]))
    check_error(both, 400, "invalid_request", "params.placements")

    clips = cut["tracks"]["children"][0]["children"]
    clips[0]["source_range"]["duration"]["rate"] = "fast"
    clips.append({"OTIO_SCHEMA": "Mystery.1"})
    broken = submit(api, render(photo, timeline=cut))
    check_error(broken, 400, "invalid_request", "params.timeline")
    said = broken.json()["error"]["message"]
    assert "/tracks/children/0/children/0/source_range/duration/rate: is no number" in said
    assert "/tracks/children/0/children/1/OTIO_SCHEMA: is nothing that lies on a track" in said
