"""``python -m resnet_exercises``: checks notebooks, see ``hand_ins.py``; ``compare`` a network, see ``comparing.py``."""

import sys
from importlib import import_module

file = "comparing" if sys.argv[1:2] == ["compare"] else "hand_ins"
raise SystemExit(import_module(f"resnet_exercises.{file}").main())
