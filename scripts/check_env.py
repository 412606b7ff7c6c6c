"""Prints "works" if the environment of this interpreter is complete and stands where it was made.

The Makefile calls it with the path of the file that make_env.sh writes last: the environment's folder.
A moved environment still runs, but its commands and the link to resnet_lib point to the old folder.
"""

import pathlib
import sys

if pathlib.Path(sys.argv[1]).read_text(
    encoding="utf8"
).strip() == sys.prefix and sys.version_info[:2] >= (3, 11):
    print("works")
