"""Who looks, listens and plans: the farm's own pools, and render workers where those are not there."""

from farm.doors.submit import submit
from farm.job import JobSpec
from farm.kinds import TaskSpec
from farm.states import JobState
from farm.timeline import MediaKind
from tasks.media_render import MediaRender, RenderAsset
from tests.farm import Farm

ASKED = MediaRender(
    assets=(RenderAsset(asset_id="asset_1", file_name="1.jpg", media_kind=MediaKind.IMAGE),),
    ai_analysis=True,
    vision_analysis=True,
)


def test_a_farm_with_its_pools_looks_there(farm: Farm):
    for pool in ("cpu-render", "vision-describe"):
        farm.worker(f"w-{pool}", pool=pool)
    done = submit(farm.hall, farm.caller(), JobSpec(params=ASKED))
    assert done.warnings == ()
    (message,) = farm.tick()
    claimed = farm.claim(message, "w-vision-describe")
    assert claimed is not None and (claimed.step, claimed.provider) == ("look", "eyes")


def test_d064_without_a_pool_that_looks_render_workers_do_it_after_a_while(farm: Farm):
    """Nothing hangs, and nobody is warned of what will not happen."""
    farm.worker("w1")
    done = submit(farm.hall, farm.caller(), JobSpec(params=ASKED))
    assert done.warnings == ()
    assert farm.tick() == []
    farm.clock.advance(s=farm.hall.catalog.providers.failover.no_worker_s + 1)
    farm.worker("w1")
    for _ in range(3):
        farm.tick()
    (message,) = farm.post.take()
    claimed = farm.claim(message, "w1")
    assert claimed is not None and (claimed.step, claimed.provider) == ("look", "render-pool")


def test_progress_never_goes_back_when_a_plan_grows_its_render(farm: Farm):
    """What a task is going to add counts from the start."""
    for pool in ("cpu-render", "vision-describe"):
        farm.worker(f"w-{pool}", pool=pool)
    job_id = farm.submit(farm.caller(), ASKED)
    grown = [TaskSpec(name="render", step="render", pool="cpu-render", estimated_s=4.0)]
    seen = [farm.job(job_id).progress]
    for worker, tasks in (("w-vision-describe", []), ("w-cpu-render", grown), ("w-cpu-render", [])):
        farm.run_next(worker, tasks=tasks)
        seen.append(farm.job(job_id).progress)
    assert farm.job(job_id).state is JobState.COMPLETED
    assert seen == sorted(seen) and seen[2] < 0.6


def test_without_any_worker_a_submit_says_so(farm: Farm):
    done = submit(farm.hall, farm.caller(), JobSpec(params=ASKED))
    assert any("vision-describe" in warning for warning in done.warnings)
