"""All five depths are torchvision's, from names to gradients; loading says what is wrong."""

import copy
import math
import socket
from itertools import product
from urllib.error import HTTPError, URLError

import pytest
import torch
import torchvision
from helpers import (
    DEPTHS,
    assert_close,
    assert_same_state,
    copy_of_state,
    named_as_ours,
    output_and_gradients,
    random_images,
)
from torch import nn

import resnet_lib
from resnet_lib import (
    imagenet_weights,
    load_torchvision_weights,
    our_name,
    randomise_batchnorm,
    torchvision_name,
)

PARAMETERS = {18: 11_689_512, 34: 21_797_672, 50: 25_557_032, 101: 44_549_160, 152: 60_192_808}
STATE_DICT_KEYS = {18: 122, 34: 218, 50: 320, 101: 626, 152: 932}


def build(source, depth, **options):
    return getattr(source, f"resnet{depth}")(**options)


def on_meta(source, depth):
    """The network without memory for its weights: enough for names and shapes."""
    with torch.device("meta"):
        return build(source, depth)


@pytest.fixture(scope="module", params=DEPTHS)
def pair(request):
    """(depth, ours, theirs, same_start), with the same random weights in both. Tests that
    change a network copy it.

    To build a deep one takes a second, so the initial weights are compared here, before others
    replace them.
    """
    depth = request.param
    torch.manual_seed(depth)
    theirs = build(torchvision.models, depth)
    torch.manual_seed(depth)
    ours = build(resnet_lib, depth)
    tensors = zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True)
    same_start = [torch.equal(*both) for both in tensors]
    load_torchvision_weights(ours, randomise_batchnorm(theirs, seed=depth).state_dict())
    return depth, ours, theirs, same_start


class TestTheFiveDepths:
    def test_loaded_by_name(self, pair):
        """Every tensor, counters and statistics too, is torchvision's of the same name."""
        depth, ours, theirs, _ = pair
        assert_same_state(ours, named_as_ours(theirs.state_dict()))
        assert len(ours.state_dict()) == STATE_DICT_KEYS[depth]

    def test_parameter_count(self, pair):
        """The number that the documentation of torchvision gives, for both."""
        depth, ours, theirs, _ = pair
        for model in (ours, theirs):
            assert (
                sum(parameter.numel() for parameter in model.parameters()) == PARAMETERS[depth]
            )

    @pytest.mark.parametrize("training", [False, True], ids=["eval", "train"])
    def test_logits(self, pair, training):
        """Odd and non-square, for the floor; with running statistics and with the batch's."""
        _, ours, theirs, _ = copy.deepcopy(pair) if training else pair
        x = random_images(2, 3, 97, 130)
        with torch.no_grad():
            assert_close(ours.train(training)(x), theirs.train(training)(x), relative=1e-4)

    def test_gradients_in_training_mode(self, pair):
        """In float64, where rounding explains nothing: logits, gradients, statistics."""
        _, ours, theirs, _ = copy.deepcopy(pair)
        x = random_images(2, 3, 49, 34, dtype=torch.float64)
        our_logits, our_gradients = output_and_gradients(ours.double().train(), x)
        their_logits, their_gradients = output_and_gradients(theirs.double().train(), x)

        assert_close(our_logits, their_logits, relative=1e-9)
        assert len(our_gradients) == len(their_gradients)
        for name, gradient in named_as_ours(their_gradients).items():
            assert_close(
                our_gradients[name], gradient, relative=1e-7, what=f"gradient of {name}"
            )
        our_state = ours.state_dict()
        for name, tensor in named_as_ours(theirs.state_dict()).items():
            torch.testing.assert_close(
                our_state[name], tensor, rtol=1e-9, atol=1e-12, msg=f"{name} after a step"
            )

    def test_same_seed_gives_the_same_initial_weights(self, pair):
        """After one seed both constructors draw the same numbers, bit for bit."""
        depth, *_, same_start = pair
        assert same_start == [True] * STATE_DICT_KEYS[depth]


def test_the_comparison_can_fail():
    """A change in any one tensor of a batch norm moves the logits beyond the tolerance."""
    torch.manual_seed(0)
    theirs = randomise_batchnorm(build(torchvision.models, 50), seed=0).eval()
    ours = build(resnet_lib, 50).eval()
    load_torchvision_weights(ours, theirs.state_dict())
    x = random_images(1, 3, 33, 65)
    with torch.no_grad():
        expected = theirs(x)
        places = (
            "batchnorm1",
            "layer1.0.batchnorm2",
            "layer2.0.downsample.1",
            "layer3.5.batchnorm3",
        )
        for place, part in product(places, ("weight", "bias", "running_mean", "running_var")):
            tensor = getattr(ours.get_submodule(place), part)
            before = tensor.clone()
            tensor.mul_(1.1)
            with pytest.raises(AssertionError, match="differs by"):
                assert_close(ours(x), expected, relative=1e-4)
            tensor.copy_(before)


def test_random_batch_norms():
    """``randomise_batchnorm`` leaves nothing as it was; same seed, same numbers; norms only."""
    fresh, model, again, other = (resnet_lib.resnet20() for _ in range(4))
    model.load_state_dict(fresh.state_dict())
    assert randomise_batchnorm(model, seed=1) is model
    same, another = (
        randomise_batchnorm(again, seed=1).state_dict(),
        randomise_batchnorm(other, seed=2).state_dict(),
    )
    before = fresh.state_dict()
    for name, tensor in model.state_dict().items():
        if "batchnorm" in name:
            assert torch.equal(tensor, same[name]) and not torch.equal(tensor, another[name]), (
                name
            )
            assert not (tensor == before[name]).any(), name
        else:
            assert torch.equal(tensor, before[name]), name


class TestInitialisation:
    @pytest.mark.parametrize(
        "make", [resnet_lib.resnet18, resnet_lib.resnet50, resnet_lib.resnet56]
    )
    def test_convolutions_are_he_normal_by_fan_out(self, make):
        """Mean 0 and variance 2 / (out·K²), normal, within 5 standard errors."""
        torch.manual_seed(3)
        for name, module in make().named_modules():
            if isinstance(module, nn.Conv2d):
                weights, number = module.weight.detach().double(), module.weight.numel()
                expected = math.sqrt(2 / (module.out_channels * module.kernel_size[0] ** 2))
                assert abs(weights.std().item() / expected - 1) < 5 / math.sqrt(2 * number), (
                    name
                )
                assert abs(weights.mean().item()) < 5 * expected / math.sqrt(number), name
                beyond = (
                    (weights.abs() > 2 * expected).double().mean().item()
                )  # 4.55 % in a normal distribution
                assert abs(beyond - 0.0455) < 5 * math.sqrt(0.0455 * 0.9545 / number), name

    @pytest.mark.parametrize(
        "make", [resnet_lib.resnet18, resnet_lib.resnet50, resnet_lib.resnet20]
    )
    def test_batch_norms_start_as_the_identity(self, make):
        """Scale 1, shift 0, mean 0, variance 1, nothing counted."""
        found = [module for module in make().modules() if isinstance(module, nn.BatchNorm2d)]
        assert len(found) >= 19
        for module in found:
            assert (module.weight == 1).all() and (module.bias == 0).all()
            assert (module.running_mean == 0).all() and (module.running_var == 1).all()
            assert module.num_batches_tracked == 0

    def test_sets_again_what_has_changed(self):
        """``initialise_weights`` works in place on any model, not on a fresh one only."""
        model = randomise_batchnorm(resnet_lib.resnet20(), seed=0)
        nn.init.zeros_(model.conv1.weight)
        resnet_lib.initialise_weights(model)
        assert model.conv1.weight.abs().min() > 0
        assert (model.batchnorm1.weight == 1).all() and (model.batchnorm1.bias == 0).all()


class TestNames:
    @pytest.mark.parametrize("depth", DEPTHS)
    def test_is_a_bijection(self, depth):
        """Each function takes one side's names to the other's: all, in order, same shapes."""
        ours, theirs = (
            on_meta(resnet_lib, depth).state_dict(),
            on_meta(torchvision.models, depth).state_dict(),
        )
        assert len(ours) == len(theirs) == STATE_DICT_KEYS[depth]
        assert [torchvision_name(name) for name in ours] == list(theirs)
        assert [our_name(name) for name in theirs] == list(ours)
        assert [tensor.shape for tensor in ours.values()] == [
            tensor.shape for tensor in theirs.values()
        ]

    def test_examples(self):
        """The three kinds of batch norm: in the stem, in a block, on a shortcut."""
        assert torchvision_name("batchnorm1.running_var") == "bn1.running_var"
        assert (
            torchvision_name("layer3.22.batchnorm3.num_batches_tracked")
            == "layer3.22.bn3.num_batches_tracked"
        )
        assert our_name("layer2.0.downsample.1.weight") == "layer2.0.downsample.1.weight"

    @pytest.mark.parametrize(
        ("function", "example"),
        [(torchvision_name, "layer1.0.batchnorm2.weight"), (our_name, "layer1.0.bn2.weight")],
    )
    @pytest.mark.parametrize(
        "name",
        [
            "",
            "weight",
            "conv1",
            "fc",
            "layer5.0.conv1.weight",
            "layer0.0.conv1.weight",
            "layer1.conv1.weight",
            "layer1.0.conv4.weight",
            "layer1.0.relu1.weight",
            "layer1.0.downsample.2.weight",
            "module.conv1.weight",
            "conv1.weight ",
            "conv1.weight\n",
            "xfc.weight",
            "layer1.0.norm1.weight",
        ],
    )
    def test_a_name_that_no_resnet_has(self, function, example, name):
        """ValueError shows the name and, as an example, one that the function does take."""
        with pytest.raises(ValueError) as caught:
            function(name)
        assert repr(name) in str(caught.value) and example in str(caught.value)

    @pytest.mark.parametrize("function", [torchvision_name, our_name])
    @pytest.mark.parametrize(
        "name",
        [
            "conv2.weight",
            "conv1.bias",
            "conv1.running_mean",
            "layer1.0.downsample.0.running_var",
            "fc.running_mean",
        ],
    )
    def test_a_name_put_together_from_right_parts(self, function, name):
        """The stem has no conv2, convolutions no bias and no statistics, fc neither."""
        with pytest.raises(ValueError, match="not the name of a ResNet parameter"):
            function(name)

    def test_the_name_of_the_other_side(self):
        """Mixing up the two functions is an error, not a name that goes through unchanged."""
        with pytest.raises(ValueError, match="layer1.0.bn1.weight"):
            torchvision_name("layer1.0.bn1.weight")
        with pytest.raises(ValueError, match="layer1.0.batchnorm1.weight"):
            our_name("layer1.0.batchnorm1.weight")

    @pytest.mark.parametrize("function", [torchvision_name, our_name])
    @pytest.mark.parametrize("name", [None, 3, b"fc.weight", ["fc.weight"]], ids=repr)
    def test_what_is_no_name(self, function, name):
        with pytest.raises(TypeError) as caught:
            function(name)
        assert repr(name) in str(caught.value)


def without(state_dict, *endings):
    return {name: tensor for name, tensor in state_dict.items() if not name.endswith(endings)}


# What is done to a good state dict of ResNet-18, the error, and what its message must hold.
BAD_STATE_DICTS = {
    "one missing": (
        lambda good: without(good, "layer2.1.bn2.bias"),
        ValueError,
        ["missing: layer2.1.bn2.bias"],
    ),
    "one statistic missing": (
        lambda good: without(good, "layer1.0.bn1.running_mean"),
        ValueError,
        ["missing: layer1.0.bn1.running_mean"],
    ),
    "one counter missing": (
        lambda good: without(good, "layer4.1.bn2.num_batches_tracked"),
        ValueError,
        ["missing: layer4.1.bn2.num_batches_tracked"],
    ),
    "one too many": (
        lambda good: {**good, "head.weight": torch.zeros(1)},
        ValueError,
        ["unexpected: head.weight"],
    ),
    "another shape": (
        lambda good: {**good, "fc.weight": torch.zeros(7, 512)},
        ValueError,
        ["another shape: fc.weight is (7, 512), the model has (10, 512)", "num_classes"],
    ),
    "transposed": (
        lambda good: {**good, "fc.weight": good["fc.weight"].T},
        ValueError,
        ["fc.weight is (512, 10), the model has (10, 512)"],
    ),
    "would broadcast": (
        lambda good: {**good, "bn1.weight": torch.ones(1)},
        ValueError,
        ["another shape: bn1.weight is (1,), the model has (64,)"],
    ),
    "three mistakes": (
        lambda good: {
            **without(good, "layer3.0.conv2.weight"),
            "x": torch.zeros(1),
            "fc.bias": torch.zeros(3),
        },
        ValueError,
        [
            "missing: layer3.0.conv2.weight",
            "unexpected: x",
            "another shape: fc.bias is (3,), the model has (10,)",
        ],
    ),
    "empty": (lambda good: {}, ValueError, ["missing: conv1.weight", "more"]),
    "our own names": (
        named_as_ours,
        ValueError,
        ["not torchvision's", "model.load_state_dict"],
    ),
    "a wrapper's prefix": (
        lambda good: {f"module.{name}": tensor for name, tensor in good.items()},
        ValueError,
        ["all names begin with 'module.'", "name.removeprefix('module.')"],
    ),
    "two wrappers, another order": (
        lambda good: {f"_orig_mod.model.{name}": good[name] for name in reversed(good)},
        ValueError,
        ["name.removeprefix('_orig_mod.model.')"],
    ),
    "a prefix, but not everywhere": (
        lambda good: {f"module.{name}" if "fc" in name else name: good[name] for name in good},
        ValueError,
        ["missing: fc.weight", "unexpected: module.fc.weight"],
    ),
    "deeper": (
        lambda _: on_meta(torchvision.models, 34).state_dict(),
        ValueError,
        ["unexpected: layer1.2", "depth"],
    ),
    "bottlenecks": (
        lambda _: on_meta(torchvision.models, 50).state_dict(),
        ValueError,
        ["layer1.0.conv3", "depth"],
    ),
    "checkpoint": (
        lambda good: {"state_dict": good, "epoch": 90},
        TypeError,
        ['checkpoint["state_dict"]'],
    ),
    "wrapped": (lambda good: {"model": good}, TypeError, ['checkpoint["state_dict"]']),
    "list of pairs": (lambda good: list(good.items()), TypeError, ["state_dict()"]),
    "a model": (lambda good: build(torchvision.models, 18), TypeError, ["state_dict()"]),
    "None": (lambda good: None, TypeError, ["state_dict()"]),
    "a path": (lambda good: "resnet18.pth", TypeError, ["state_dict()"]),
}


@pytest.fixture(scope="module")
def small():
    """(ours, theirs): ResNet-18, ten classes, different weights. To change one, copy it."""
    torch.manual_seed(5)
    theirs = randomise_batchnorm(build(torchvision.models, 18, num_classes=10), seed=5)
    return randomise_batchnorm(build(resnet_lib, 18, num_classes=10), seed=6), theirs


class TestLoading:
    @pytest.mark.parametrize("case", BAD_STATE_DICTS)
    def test_what_does_not_fit(self, small, case):
        """The error names each thing that is wrong, and the model keeps all its weights."""
        ours, theirs = small
        damage, error, fragments = BAD_STATE_DICTS[case]
        before = copy_of_state(ours)
        with pytest.raises(error) as caught:
            load_torchvision_weights(ours, damage(theirs.state_dict()))
        for fragment in fragments:
            assert fragment in str(caught.value)
        assert_same_state(ours, before)

    def test_a_shallower_network(self):
        """Most of ResNet-34 is missing: the first ten gaps are named, the others counted."""
        ours = build(resnet_lib, 34)
        before = copy_of_state(ours)
        with pytest.raises(ValueError) as caught:
            load_torchvision_weights(ours, build(torchvision.models, 18).state_dict())
        lines = str(caught.value).splitlines()
        assert sum("missing: layer" in line for line in lines) == 10
        assert f"{STATE_DICT_KEYS[34] - STATE_DICT_KEYS[18] - 10} more" in lines[-1]
        assert_same_state(ours, before)

    def test_copies_the_tensors(self, small):
        """The state dict is left alone, and a later change of it does not reach the model."""
        ours, theirs = copy.deepcopy(small)
        state_dict = theirs.state_dict()
        names, version = list(state_dict), copy_of_state(theirs)
        load_torchvision_weights(ours, state_dict)
        assert list(state_dict) == names
        assert_same_state(theirs, version)
        with torch.no_grad():
            for tensor in state_dict.values():
                tensor.zero_()
        assert_same_state(ours, named_as_ours(version))

    def test_old_files_without_any_counter(self, small):
        """Files from before batch norm had counters load; the model keeps its own."""
        ours, theirs = copy.deepcopy(small)
        before = copy_of_state(ours)
        load_torchvision_weights(ours, without(theirs.state_dict(), "num_batches_tracked"))
        loaded = named_as_ours(theirs.state_dict())
        kept = {
            name: tensor
            for name, tensor in before.items()
            if name.endswith("num_batches_tracked")
        }
        assert len(kept) == 20 and any(
            not torch.equal(loaded[name], kept[name]) for name in kept
        )
        assert_same_state(ours, {**loaded, **kept})

    def test_returns_nothing_and_keeps_mode(self, small):
        """In place: nothing is returned, and train or eval mode is the caller's affair."""
        ours, theirs = copy.deepcopy(small)
        assert load_torchvision_weights(ours.eval(), theirs.state_dict()) is None
        assert not any(module.training for module in ours.modules())
        assert all(parameter.requires_grad for parameter in ours.parameters())


class TestImagenetWeights:
    """The download, with everything real but the network itself, and an empty cache."""

    @pytest.fixture(autouse=True)
    def empty_cache(self, monkeypatch, tmp_path):
        monkeypatch.setenv("TORCH_HOME", str(tmp_path))
        monkeypatch.setattr(torch.hub, "_hub_dir", None)

    @pytest.mark.parametrize(
        "error",
        [
            URLError("Name or service not known"),
            TimeoutError("timed out"),
            ConnectionResetError("Connection reset by peer"),
            HTTPError("https://example.org", 503, "Service Unavailable", None, None),
        ],
        ids=["no-network", "timeout", "reset", "server-error"],
    )
    def test_without_a_connection(self, monkeypatch, error):
        """ConnectionError says in a sentence what was wanted and what to do; the cause stays
        attached.

        The wait for an answer is limited, and the limit holds for this download only.
        """
        limits = []

        def urlopen(*_, **__):
            limits.append(socket.getdefaulttimeout())
            raise error

        monkeypatch.setattr(torch.hub, "urlopen", urlopen)
        limit_before = socket.getdefaulttimeout()
        with pytest.raises(ConnectionError, match="download the weights of resnet50") as caught:
            imagenet_weights("resnet50")
        assert "Colab" in str(caught.value)
        assert caught.value.__cause__ is error
        assert limits[0] is not None and limits[0] <= 60
        assert socket.getdefaulttimeout() == limit_before

    @pytest.mark.parametrize(
        "error", [URLError("unreachable"), TimeoutError()], ids=["no-network", "timeout"]
    )
    def test_without_a_connection_wherever_it_breaks(self, monkeypatch, error):
        """The same if the connection breaks later, inside torchvision's own method."""

        def get_state_dict(*_, **__):
            raise error

        monkeypatch.setattr(
            torchvision.models.ResNet18_Weights, "get_state_dict", get_state_dict
        )
        with pytest.raises(ConnectionError, match="resnet18"):
            imagenet_weights("resnet18")

    @pytest.mark.parametrize("depth", [18, 50])
    def test_with_a_connection(self, monkeypatch, capsys, depth):
        """A served file loads, its hash is to be checked, and 1000 classes come."""
        torch.manual_seed(depth)
        theirs = randomise_batchnorm(build(torchvision.models, depth), seed=depth)
        asked = []

        def download(url, path, hash_prefix=None, progress=True):
            asked.append((url, hash_prefix))
            torch.save(theirs.state_dict(), path)

        monkeypatch.setattr(torch.hub, "download_url_to_file", download)
        state_dict, classes = imagenet_weights(f"resnet{depth}")

        ((url, hash_prefix),) = asked
        assert f"resnet{depth}-" in url and hash_prefix and hash_prefix in url
        ours = build(resnet_lib, depth)
        load_torchvision_weights(ours, state_dict)
        assert_same_state(ours, named_as_ours(theirs.state_dict()))
        assert len(classes) == 1000 and (classes[0], classes[-1]) == ("tench", "toilet tissue")

        assert capsys.readouterr() == (
            "",
            "",
        )  # the path of a cache does not belong in a chapter

        assert imagenet_weights(f"resnet{depth}")[1] == classes
        assert len(asked) == 1  # the second time the file comes from the cache

    def test_unknown_name(self):
        """A name that torchvision does not have is not reported as a failed download."""
        with pytest.raises(ValueError, match="resnet19"):
            imagenet_weights("resnet19")
