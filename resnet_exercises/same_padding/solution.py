def same_padding(kernel_size):
    """The padding with which a layer of stride 1 keeps the size, as an int."""
    if kernel_size % 2 == 0:
        raise ValueError("no padding keeps the size with an even kernel")
    return (kernel_size - 1) // 2
