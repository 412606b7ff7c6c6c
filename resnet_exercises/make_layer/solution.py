from torch import nn


def make_layer(block, in_channels, channels, blocks, stride):
    out_channels = channels * block.expansion
    downsample = None
    if stride != 1 or in_channels != out_channels:
        downsample = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False),
            nn.BatchNorm2d(out_channels),
        )

    stage = [block(in_channels, channels, stride, downsample)]
    for _ in range(1, blocks):
        stage.append(block(out_channels, channels))
    return nn.Sequential(*stage)
