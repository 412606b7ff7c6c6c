def stage_sizes(input_size):
    """The sizes after conv1, conv2_x, conv3_x, conv4_x and conv5_x, as a list of five ints."""
    sizes = []
    for kernel_size, padding in [(7, 3), (3, 1), (3, 1), (3, 1), (3, 1)]:
        input_size = (input_size - kernel_size + 2 * padding) // 2 + 1
        sizes.append(input_size)
    return sizes
