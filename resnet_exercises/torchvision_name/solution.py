def torchvision_name(our_parameter_name):
    """torchvision's name for a parameter of our network."""
    return our_parameter_name.replace("batchnorm", "bn")
