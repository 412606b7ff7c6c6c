def output_size(input_size, kernel_size, padding=0, stride=1):
    """The output size of a convolution or pooling layer, as an int."""
    room = input_size - kernel_size + 2 * padding
    if room < 0:
        raise ValueError("the kernel does not fit into the padded input")
    return room // stride + 1
