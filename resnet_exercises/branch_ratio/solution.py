import torch


@torch.no_grad()
def branch_ratio(block, x):
    was_training = block.training
    block.eval()

    out = block.relu1(block.batchnorm1(block.conv1(x)))
    out = block.batchnorm2(block.conv2(out))
    if hasattr(block, "conv3"):
        out = block.batchnorm3(block.conv3(block.relu2(out)))
    shortcut = x if block.downsample is None else block.downsample(x)

    block.train(was_training)
    return (out.norm() / shortcut.norm()).item()
