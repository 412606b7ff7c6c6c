def count_parameters(in_channels, out_channels, kernel_size, bias):
    """The number of parameters of one convolution with a square kernel."""
    weights = out_channels * in_channels * kernel_size**2
    return weights + out_channels if bias else weights
