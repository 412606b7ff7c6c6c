"""The small library of the book: ResNet from the output-size formula to five networks that equal torchvision's."""

from resnet_lib.blocks import (
    PlainBlock,
    ResidualBasicBlock,
    ResidualBottleNeck,
    conv1x1,
    conv3x3,
)
from resnet_lib.comparing import randomise_batchnorm
from resnet_lib.costs import (
    LayerCost,
    count_multiply_adds,
    count_parameters,
    layer_costs,
    receptive_field,
)
from resnet_lib.data import Digits, load_digits
from resnet_lib.folding import fold_batchnorm, folded
from resnet_lib.inspecting import (
    branch_ratio,
    gradient_norms,
    input_gradient,
    record_outputs,
    without_batchnorm,
)
from resnet_lib.output_size import (
    TracedLayer,
    input_sizes,
    output_size,
    same_padding,
    trace,
    unused_pixels,
)
from resnet_lib.resnet import (
    CIFAR_RESNETS,
    IMAGENET_RESNETS,
    CifarPlainNet,
    CifarResNet,
    ResNetBase,
    ZeroPadShortcut,
    initialise_weights,
    resnet18,
    resnet20,
    resnet32,
    resnet34,
    resnet44,
    resnet50,
    resnet56,
    resnet101,
    resnet110,
    resnet152,
)
from resnet_lib.torchvision_names import (
    imagenet_weights,
    load_torchvision_weights,
    our_name,
    torchvision_name,
)
from resnet_lib.training import History, accuracy, train
