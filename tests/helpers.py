"""What several test files use: networks, comparison, gradients, torchvision's names of parameters, a page's address,
hand-ins.
"""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from resnet_exercises import hand_ins

DEPTHS = (18, 34, 50, 101, 152)


def without_numbers(make: Callable[[], nn.Module]) -> nn.Module:
    """What ``make`` makes, with whatever weights lie in memory: shapes and costs need no others."""
    with torch.device("meta"):
        model = make()
    return model.to_empty(device="cpu")


def random_images(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Normal random numbers of ``shape``, the same for the same seed."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def assert_close(
    ours: Tensor, reference: Tensor, relative: float, what: str = "result"
) -> None:
    """Fails if an element differs by more than ``relative`` times the largest reference."""
    assert ours.shape == reference.shape, (
        f"{what}: shape {tuple(ours.shape)}, expected {tuple(reference.shape)}"
    )
    assert ours.dtype == reference.dtype, f"{what}: {ours.dtype}, expected {reference.dtype}"
    scale = reference.abs().max().item()
    assert 0 < scale < float("inf"), (
        f"{what}: a reference with largest element {scale} proves nothing"
    )
    difference = (ours - reference).abs().max().item()
    assert difference <= relative * scale, (
        f"{what}: differs by {difference:.3g}, where the largest is {scale:.3g}"
    )


def assert_same_state(model: nn.Module, expected: dict[str, Tensor]) -> None:
    """Fails unless ``model``'s state dict equals ``expected`` bit for bit, names included."""
    state = model.state_dict()
    assert list(state) == list(expected)
    changed = [name for name in state if not torch.equal(state[name], expected[name])]
    assert not changed, f"changed: {changed}"


def copy_of_state(model: nn.Module) -> dict[str, Tensor]:
    """The state dict of ``model`` as it is now; later changes of the model do not reach it."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def output_and_gradients(model: nn.Module, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """The output of ``model`` and, by name, the gradients of a fixed sum of it."""
    x = x.clone().requires_grad_()
    model.zero_grad()
    output = model(x)
    output.mul(random_images(*output.shape, seed=1, dtype=output.dtype)).sum().backward()
    gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
    return output.detach(), {**gradients, "x": x.grad}


def named_as_ours(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The dict with our names. Written again here, as the library's mapping is under test."""
    return {name.replace("bn", "batchnorm"): tensor for name, tensor in tensors.items()}


def change_address(page, fragment: str) -> None:
    """Changes what stands behind # in the address of a page, and waits until its scripts have heard of it."""
    page.evaluate(
        """fragment => new Promise((done) => {
          addEventListener("hashchange", () => done(), { once: true });
          location.hash = fragment;
        })""",
        fragment,
    )


def check_file(path: Path, timeout: float = hand_ins.SECONDS) -> hand_ins.Report:
    """The verdicts on a notebook that was handed in; ``timeout`` is in seconds for each exercise."""
    return next(hand_ins.checked([hand_ins.read_file(path, str(path))], timeout))


def check_folder(folder: Path, timeout: float = hand_ins.SECONDS) -> list[hand_ins.Report]:
    """The reports on all notebooks in a folder."""
    return list(hand_ins.checked(hand_ins.read_folder(folder), timeout))
