from torch import nn


def make_identity(block):
    nn.init.zeros_(block.batchnorm2.weight)
    nn.init.zeros_(block.batchnorm2.bias)
