"""A network for the page "A ResNet in the page": it takes pixels as they are stored, gives its feature maps too, and
becomes a file that a browser can run.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from resnet_lib.folding import folded
from resnet_lib.resnet import CifarResNet

OUTPUTS = ["logits", "stem", "stage1", "stage2", "stage3"]


class PageNet(nn.Module):
    """``net`` for pixels that are not standardised: ``empty`` is what 0 becomes, and ``per_pixel`` what each 1 adds.

    Shapes, for a stem of C channels: (N, 1, H, W) → logits (N, 10), stem (N, C, H, W), and the three stages (N, C, H,
    W), (N, 2C, H/2, W/2), (N, 4C, H/4, W/4).
    """

    def __init__(self, net: CifarResNet, per_pixel: float, empty: float):
        super().__init__()
        self.net = net
        self.per_pixel = per_pixel
        self.empty = empty

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        net = self.net
        stem = net.relu1(net.batchnorm1(net.conv1(pixels * self.per_pixel + self.empty)))
        stage1 = net.layer1(stem)
        stage2 = net.layer2(stage1)
        stage3 = net.layer3(stage2)
        logits = net.fc(torch.flatten(net.avgpool(stage3), 1))
        return logits, stem, stage1, stage2, stage3


def export(net: PageNet, side: int, path: str | Path) -> None:
    """Writes ``net``, batch norm folded, as an ONNX file for one image of ``side`` × ``side``, always the same bytes.

    Input ``pixels`` and the outputs of :data:`OUTPUTS` are those of :class:`PageNet`. Needs the packages onnx and
    onnxscript.
    """
    program = torch.onnx.export(
        PageNet(folded(net.net), net.per_pixel, net.empty).eval(),
        (torch.zeros(1, 1, side, side),),
        input_names=["pixels"],
        output_names=OUTPUTS,
        dynamo=True,
        verbose=False,
    )
    model = program.model_proto
    # What the exporter notes about where each step comes from names folders of this machine.
    del model.metadata_props[:], model.graph.metadata_props[:]
    model.graph.doc_string = ""
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.input):
        del part.metadata_props[:]
        part.doc_string = ""
    for part in (*model.graph.output, *model.graph.initializer):
        del part.metadata_props[:]
    Path(path).write_bytes(model.SerializeToString(deterministic=True))
