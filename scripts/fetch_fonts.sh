#!/bin/sh
# Fetches the fonts of the site into book/_static/fonts again. Needs npm, pip and the network; the book itself needs none of
# them, since the files are in the repository. Source Sans and Source Serif are taken as they are; STIX Two Math, which ziamath
# carries, is cut down to the letters and signs that formulas here can use. Their owners stand in fonts/LICENSE.txt.
set -eu
fonts=$(cd "$(dirname "$0")/.." && pwd)/book/_static/fonts
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

npm pack --silent @fontsource-variable/source-sans-3@5.3.0 @fontsource/source-serif-4@5.3.1
for package in *.tgz; do tar xzf "$package"; cp package/files/*.woff2 .; rm -r package; done
cp source-sans-3-latin-wght-normal.woff2 source-sans-3-latin-wght-italic.woff2 source-serif-4-latin-600-normal.woff2 "$fonts"

python3 -m venv tools
tools/bin/pip install -q fonttools==4.68.0 brotli==1.2.0
tools/bin/pip download -q --no-deps ziamath==0.13
tools/bin/python -m zipfile -e ziamath-*.whl .
tools/bin/pyftsubset ziamath/fonts/STIXTwoMath-Regular.ttf --flavor=woff2 --output-file="$fonts/stix-two-math.woff2" \
    --layout-features=math,ssty,dtls,flac,kern --no-hinting --unicodes="20-7E,A0,B1,B7,D7,F7,2016,2026,2032,2061-2064,210E,\
2190-2193,21D2,2200-2212,2215-221E,2223,2225-222B,2248,2260,2264-2265,22C5,2308-230B,391-3C9,1D434-1D467,1D6FC-1D71B"
