def receptive_field(layers):
    """The side of the square of input pixels that one output depends on; layers is [(kernel_size, stride), …]."""
    field, distance = 1, 1
    for kernel_size, stride in layers:
        field += (kernel_size - 1) * distance
        distance *= stride
    return field
