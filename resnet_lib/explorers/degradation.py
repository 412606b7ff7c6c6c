"""The degradation scrubber: training curves of the stored runs, depth by depth."""

from resnet_lib.degradation import KINDS, STEPS, stored_runs
from resnet_lib.drawing import draw_bands
from resnet_lib.explorers import Explorer


def degradation_explorer(depth: int = 56) -> Explorer:
    """Training curves of plain and residual networks, with a slider over their depth and the seeds as a band.

    ``depth`` is where the slider starts: 8, 14, 20, 32, 44 or 56. Raises ``ValueError`` for another.
    """
    runs = stored_runs()
    depths = sorted({run.depth for run in runs})
    if depth not in depths:
        raise ValueError(f"depth must be one of {', '.join(map(str, depths))}, not {depth!r}")
    curves = {
        kind: [
            [run.curve for run in runs if (run.kind, run.depth) == (kind, d)] for d in depths
        ]
        for kind in KINDS
    }
    finals = {
        kind: [
            [run.final_loss for run in runs if (run.kind, run.depth) == (kind, d)]
            for d in depths
        ]
        for kind in KINDS
    }
    size = STEPS // len(runs[0].curve)
    chosen = depths.index(depth)
    still = draw_bands(
        {f"{kind}-{depth}": curves[kind][chosen] for kind in KINDS},
        x=[size * point for point in range(1, len(runs[0].curve) + 1)],
        xlabel="step",
        ylabel="training loss",
        alt=f"Training loss of plain and residual networks of {depth} layers, median and range of "
        f"{len(curves['plain'][chosen])} seeds.",
        log=True,
    )
    data = {
        "depths": depths,
        "start": chosen,
        "size": size,
        "curves": curves,
        "finals": finals,
    }
    return Explorer("degradation", "Training loss by depth, plain and residual", data, still)
