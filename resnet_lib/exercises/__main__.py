"""``python -m resnet_lib.exercises``: checks notebooks that were handed in. See :mod:`.handed_in`."""

import sys

from resnet_lib.exercises.handed_in import main

if __name__ == "__main__":  # on macOS and Windows each process imports this file again
    sys.exit(main())
