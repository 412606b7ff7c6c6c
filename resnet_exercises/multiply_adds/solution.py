def multiply_adds(in_channels, out_channels, kernel_size, output_size):
    """The number of multiply-adds of one convolution for one image."""
    for_one_number = in_channels * kernel_size**2
    return for_one_number * out_channels * output_size**2
