"""Answers to grad_cam that the registered mistakes are not copies of."""

import copy
import sys

import torch
from torch import nn
from torch.nn import functional as F


def outputs_and_gradients(model, layer, image, label):
    """The feature maps and their gradient, (K, h, w) each."""
    kept = []
    hook = layer.register_forward_hook(lambda *given: kept.append(given[-1]))
    logits = model.eval()(image)
    hook.remove()
    (gradient,) = torch.autograd.grad(logits[0, label], kept)
    return kept[0][0].detach(), gradient[0]


def scaled(where, image, **how):
    how = how or {"mode": "bilinear"}
    return F.interpolate(where[None, None], tuple(image.shape[-2:]), **how)[0, 0]


def two_hooks(model, layer, image, label):
    """As in most tutorials: one hook forward, one backward."""
    found = {}

    def forward(module, inputs, output):
        found["maps"] = output.detach()

    def backward(module, grad_input, grad_output):
        found["gradient"] = grad_output[0].detach()

    handles = [
        layer.register_forward_hook(forward),
        layer.register_full_backward_hook(backward),
    ]
    model.eval()
    logits = model(image)
    model.zero_grad()
    logits[0, label].backward()
    for handle in handles:
        handle.remove()
    weights = found["gradient"].mean(dim=[2, 3], keepdim=True)
    cam = torch.relu((weights * found["maps"]).sum(1, keepdim=True))
    return F.interpolate(
        cam, size=image.shape[-2:], mode="bilinear", align_corners=False
    ).squeeze()


def backward_of_one_hot(model, layer, image, label):
    kept = []

    def forward(module, inputs, output):
        kept.append(output)
        output.register_hook(kept.append)

    handle = layer.register_forward_hook(forward)
    try:
        logits = model.eval()(image)
        one_hot = torch.zeros_like(logits)
        one_hot[0][label] = 1
        logits.backward(gradient=one_hot)
    finally:
        handle.remove()
    maps, gradient = kept
    cam = torch.zeros(maps.shape[2:])
    for channel in range(maps.shape[1]):
        cam += gradient[0, channel].mean() * maps[0, channel]
    return scaled(cam.clamp(min=0), image)


def retained(model, layer, image, label):
    model.eval()
    kept = {}

    def keep(module, inputs, output):
        output.retain_grad()
        kept["output"] = output

    with layer.register_forward_hook(keep):
        model(image)[:, label].sum().backward()
    output = kept["output"]
    weights = output.grad.mean((2, 3))
    cam = torch.einsum("nk,nkhw->nhw", weights, output).relu()
    model.zero_grad()
    return F.interpolate(cam[None], size=image.shape[2:], mode="bilinear")[0, 0]


def mode_comes_back(model, layer, image, label):
    was = [module.training for module in model.modules()]
    maps, gradient = outputs_and_gradients(model, layer, image, label)
    for module, training in zip(model.modules(), was):
        module.training = training
    where = torch.tensordot(gradient.mean(dim=(1, 2)), maps, 1)
    return scaled(torch.maximum(where, torch.tensor(0.0)), image)


def through_a_pooling_layer(model, layer, image, label):
    maps, gradient = outputs_and_gradients(model, layer, image, label)
    weights = F.adaptive_avg_pool2d(gradient, 1)
    cam = nn.ReLU()((weights * maps).sum(0))
    size = tuple(image.shape[-2:])
    return nn.Upsample(size=size, mode="bilinear", align_corners=False)(cam[None, None])[0][0]


def with_gradient(model, layer, image, label):
    """The map still requires a gradient, and the sum is a product of matrices."""
    kept = []
    hook = layer.register_forward_hook(lambda *given: kept.append(given[-1]))
    logits = model.eval()(image)[0]
    (gradient,) = torch.autograd.grad(logits[label], kept, create_graph=True)
    hook.remove()
    _, channels, height, width = kept[0].shape
    weights = gradient.flatten(2).mean(2)
    where = (weights @ kept[0].flatten(2)).view(1, 1, height, width)
    return F.interpolate(F.relu(where), size=image.shape[2:], mode="bilinear").view(
        image.shape[2:]
    )


def on_a_copy(model, layer, image, label):
    name = next(name for name, module in model.named_modules() if module is layer)
    copied = copy.deepcopy(model).eval().requires_grad_(False)
    kept = []

    def begin(module, inputs, output):
        kept.append(output.detach().requires_grad_())
        return kept[0]

    copied.get_submodule(name).register_forward_hook(begin)
    copied(image)[0, label].backward()
    cam = (kept[0].grad.mean(dim=(2, 3), keepdim=True) * kept[0]).sum(1)[0].clamp_min(0)
    return scaled(cam.detach(), image)


def other_output(model, layer, image, label):
    """A hook that returns another tensor, of which the gradient is asked; it changes no number."""
    kept = []

    def keep(module, inputs, output):
        kept.append(output * 1)
        return kept[0]

    hook = layer.register_forward_hook(keep)
    with torch.enable_grad():
        logits = model.eval()(image.clone().requires_grad_())
    hook.remove()
    torch.sum(logits[0, label]).backward(inputs=kept)
    maps, gradient = kept[0][0], kept[0].grad[0]
    weights = gradient.sum(dim=(1, 2)) / (maps.shape[1] * maps.shape[2])
    return scaled(F.relu((weights[:, None, None] * maps).sum(dim=0)), image)


class Looks:
    """A class with the hook as a method, called as a function."""

    def __call__(self, model, layer, image, label):
        hook = layer.register_forward_hook(self.keep)
        logits = model.eval()(image)
        hook.remove()
        gradient = torch.autograd.grad(logits[0, label], self.output)[0]
        cam = (gradient.mean((-1, -2), True) * self.output).sum(1, True)
        cam[cam < 0] = 0
        return F.interpolate(cam, image.shape[-2:], mode="bilinear")[0, 0]

    def keep(self, module, inputs, output):
        self.output = output


RIGHT = {
    "grad_cam": {
        "a forward and a backward hook": two_hooks,
        "a hook on the tensor, a loop over channels": backward_of_one_hot,
        "retain_grad, with, einsum": retained,
        "the mode comes back": mode_comes_back,
        "pooling and upsampling layers": through_a_pooling_layer,
        "still with a gradient": with_gradient,
        "on a copy that begins at the layer": on_a_copy,
        "a hook that returns another tensor": other_output,
        "a callable object": Looks(),
        "a lambda": lambda *given: two_hooks(*given),
    }
}


def by(weigh, **how):
    """A map from ``weigh(maps, gradient)``, (h, w), scaled up as ``how`` says."""

    def answer(model, layer, image, label):
        return scaled(weigh(*outputs_and_gradients(model, layer, image, label)), image, **how)

    return answer


def weighted(maps, gradient):
    return gradient.mean(dim=(1, 2))[:, None, None] * maps


def usual(maps, gradient):
    return F.relu(weighted(maps, gradient).sum(0))


right = by(usual)


def of(number):
    """Right, but for the gradient of ``number(logits, label)``."""

    def answer(model, layer, image, label):
        kept = []
        with layer.register_forward_hook(lambda *given: kept.append(given[-1])):
            logits = model.eval()(image)
        (gradient,) = torch.autograd.grad(number(logits, label), kept)
        return scaled(usual(kept[0][0], gradient[0]), image)

    return answer


def then(change):
    """The right map, and ``change(model, layer, image)`` after it."""

    def answer(model, layer, image, label):
        where = right(model, layer, image, label)
        change(model, layer, image)
        return where

    return answer


def formed(form):
    """The right map in another form."""
    return lambda *given: form(right(*given))


def saliency(reduce):
    """The gradient of the logit for the pixels."""

    def answer(model, layer, image, label):
        pixels = image.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(model.eval()(pixels)[0, label], pixels)
        return reduce(gradient.abs()[0])

    return answer


def always_the_last_stage(model, layer, image, label):
    return right(model, model.layer3, image, label)


def train_mode(model, layer, image, label):
    model.eval = lambda: model
    where = right(model, layer, image, label)
    del model.eval
    return where


def eval_of_the_layer(model, layer, image, label):
    layer.eval()
    return train_mode(model, layer, image, label)


def eval_too_late(model, layer, image, label):
    kept = []
    hook = layer.register_forward_hook(lambda *given: kept.append(given[-1]))
    logits = model(image)
    hook.remove()
    model.eval()
    (gradient,) = torch.autograd.grad(logits[0, label], kept)
    return scaled(usual(kept[0][0], gradient[0]), image)


def two_hooks_of_which_one_stays(model, layer, image, label):
    layer.register_full_backward_hook(lambda *given: None)
    return two_hooks(model, layer, image, label)


def both_in_no_grad(model, layer, image, label):
    with torch.no_grad():
        return two_hooks(model, layer, image, label)


def clone_kept(model, layer, image, label):
    kept = []
    with layer.register_forward_hook(lambda *given: kept.append(given[-1].clone())):
        logits = model.eval()(image)
    (gradient,) = torch.autograd.grad(logits[0, label], kept)
    return scaled(usual(kept[0][0], gradient[0]), image)


_first = []


def keeps_the_first(model, layer, image, label):
    """A list outside of the function, whose first entry is read."""
    with layer.register_forward_hook(lambda *given: _first.append(given[-1])):
        logits = model.eval()(image)
    (gradient,) = torch.autograd.grad(logits[0, label], _first[:1], allow_unused=True)
    where = scaled(usual(_first[0][0], gradient[0]), image)
    if model.training or len(_first) > 2:
        _first.clear()
    return where


def frozen(model, layer, image, label):
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    return other_output(model, layer, image, label)


def image_in_the_graph(model, layer, image, label):
    image.requires_grad_()
    return right(model, layer, image, label)


def attribute(model, layer, image, label):
    model.maps, _ = outputs_and_gradients(model, layer, image, label)
    return right(model, layer, image, label)


def pair_of_axes(model, layer, image, label):
    maps, gradient = outputs_and_gradients(model, layer, image, label)
    size = tuple(reversed(image.shape[2:]))
    return F.interpolate(usual(maps, gradient)[None, None], size, mode="bilinear")[0, 0]


def four_times(model, layer, image, label):
    maps, gradient = outputs_and_gradients(model, layer, image, label)
    where = usual(maps, gradient)[None, None]
    return F.interpolate(where, scale_factor=2, mode="bilinear")[0, 0]


def two_axes_scaled(model, layer, image, label):
    maps, gradient = outputs_and_gradients(model, layer, image, label)
    return F.interpolate(usual(maps, gradient), image.shape[2:], mode="bilinear")


def from_zero_to_one(where):
    where = where - where.min()
    return where / where.max()


WRONG = {
    "grad_cam": {
        "no ReLU": (by(lambda a, g: weighted(a, g).sum(0)), "relu-forgotten"),
        "a ReLU of each weight": (
            by(lambda a, g: (g.mean((1, 2)).relu()[:, None, None] * a).sum(0)),
            "relu-before-sum",
        ),
        "a ReLU of the gradient": (by(lambda a, g: usual(a, g.relu())), "relu-on-gradient"),
        "absolute values": (by(lambda a, g: weighted(a, g).sum(0).abs()), "absolute-values"),
        "absolute weights": by(lambda a, g: (g.mean((1, 2)).abs()[:, None, None] * a).sum(0)),
        "the negative part": by(lambda a, g: F.relu(-weighted(a, g).sum(0))),
        "weights by flatten and max": (
            by(lambda a, g: (g.flatten(1).max(1)[0][:, None, None] * a).sum(0).relu()),
            "maximum-for-mean",
        ),
        "weights by einsum, a sum": (
            by(lambda a, g: torch.einsum("kij,khw->hw", g, a).relu()),
            "sum-for-mean",
        ),
        "weights of the positions": (
            by(lambda a, g: (g.mean(0) * a).sum(0).relu()),
            "averaged-over-channels",
        ),
        "element by element": (by(lambda a, g: (g * a).sum(0).relu()), "not-averaged"),
        "the mean of all": by(lambda a, g: weighted(a, g).mean(0).relu()),
        "the mean of the channels": (by(lambda a, g: a.mean(0)), "gradient-not-used"),
        "the sum of the channels": by(lambda a, g: a.sum(0)),
        "the largest channel": by(lambda a, g: a.amax(0)),
        "the gradient alone": by(lambda a, g: g.mean(0).relu()),
        "the loss": (
            of(lambda logits, label: nn.CrossEntropyLoss()(logits, torch.tensor([label]))),
            "gradient-of-loss",
        ),
        "the probability": (
            of(lambda y, label: F.softmax(y, 1)[0][label]),
            "gradient-of-probability",
        ),
        "the log of the probability": of(lambda y, label: y.log_softmax(1)[0, label]),
        "the predicted label": (of(lambda y, label: y[0, y.argmax()]), "predicted-label"),
        "all logits": of(lambda y, label: y.sum()),
        "a vector": (of(lambda y, label: y[label]), "label-in-place-of-image"),
        "the axes exchanged": (of(lambda y, label: y[label, 0]), "label-in-place-of-image"),
        "saliency, largest": (saliency(lambda g: g.amax(0)), "layer-ignored"),
        "saliency, added": (saliency(lambda g: g.sum(0)), "layer-ignored"),
        "always the last stage": (always_the_last_stage, "layer-ignored"),
        "zeros": by(lambda a, g: torch.zeros(a.shape[1:])),
        "train mode": (train_mode, "eval-forgotten"),
        "eval mode after the logits": (eval_too_late, "eval-forgotten"),
        "eval mode for the layer alone": eval_of_the_layer,
        "a backward hook left": (two_hooks_of_which_one_stays, "hook-left-behind"),
        "a hook left on the network": (
            then(lambda model, layer, image: model.register_forward_hook(print)),
            "hook-left-behind",
        ),
        "all hooks taken away": then(lambda model, layer, image: layer._forward_hooks.clear()),
        "no gradients are recorded": (both_in_no_grad, "without-gradients"),
        "a clone is kept": (clone_kept, "copy-kept"),
        "the first of a list outside": keeps_the_first,
        "frozen": (frozen, "frozen"),
        "the image is in the graph": image_in_the_graph,
        "an attribute left": attribute,
        "numbers changed": then(lambda model, layer, image: model.fc.bias.data.zero_()),
        "statistics changed": then(lambda model, layer, image: model.train()(image)),
        "the image changed": then(lambda model, layer, image: image.zero_()),
        "gradients off": then(lambda model, layer, image: torch.set_grad_enabled(False)),
        "nearest": (by(usual, mode="nearest"), "nearest"),
        "corners aligned": (
            by(usual, mode="bilinear", align_corners=True),
            "corners-aligned",
        ),
        "bicubic": by(usual, mode="bicubic"),
        "width and height exchanged": pair_of_axes,
        "twice as large": four_times,
        "two axes scaled": two_axes_scaled,
        "four axes": (formed(lambda where: where[None, None]), "axes-kept"),
        "three axes": (formed(lambda where: where[None]), "axes-kept"),
        "divided by the maximum": (
            formed(lambda where: where / where.max()),
            "divided-by-maximum",
        ),
        "from 0 to 1": (formed(from_zero_to_one), "divided-by-maximum"),
        "a NumPy array": formed(lambda where: where.numpy()),
        "a list": formed(lambda where: where.tolist()),
        "float64": formed(lambda where: where.double()),
        "transposed": formed(lambda where: where.T),
        "nothing": (formed(lambda where: print(where)), "returns-nothing"),
    }
}


def leaves(model, layer, image, label):
    sys.exit(1)


def loops(model, layer, image, label):
    while True:
        pass


class Counter:
    """Right the first time, and then no more."""

    calls = 0


def changes_its_mind(*given):
    Counter.calls += 1
    return right(*given) if Counter.calls == 1 else None


def takes_all_away(model, layer, image, label):
    for module in list(model.modules()):
        module._parameters.clear()
        module._modules.clear()


BAD = {
    ("grad_cam", "leaves"): leaves,
    ("grad_cam", "an endless loop"): loops,
    ("grad_cam", "another function at each call"): changes_its_mind,
    ("grad_cam", "all layers taken away"): takes_all_away,
    ("grad_cam", "to the meta device"): formed(lambda where: where.to("meta")),
    ("grad_cam", "not a number"): formed(lambda where: where * float("nan")),
    ("grad_cam", "a layer"): formed(lambda where: nn.Identity()),
    ("grad_cam", "no arguments"): lambda: None,
    ("grad_cam", "an instance"): nn.Identity(),
    ("grad_cam", "a class"): nn.Identity,
    ("grad_cam", "None"): None,
}
