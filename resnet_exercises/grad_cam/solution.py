import torch
from torch.nn import functional as F


def grad_cam(model, layer, image, label):
    model.eval()
    kept = []
    hook = layer.register_forward_hook(lambda module, inputs, output: kept.append(output))
    logits = model(image)
    hook.remove()
    maps = kept[0]
    gradient = torch.autograd.grad(logits[0, label], maps)[0]
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    where = F.relu((weights * maps).sum(dim=1, keepdim=True))
    where = F.interpolate(where, size=image.shape[2:], mode="bilinear", align_corners=False)
    return where[0, 0].detach()
