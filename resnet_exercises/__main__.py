"""``python -m resnet_exercises``: checks notebooks that were handed in, see ``hand_ins.py``."""

import sys

from resnet_exercises.hand_ins import main

sys.exit(main())
